import unittest

from codename import Codename
from sluicegate_plugin import ConfigError, Finding, Span, TextVerdict, Window, testing

NAMES = ["Night", "Nightjar", "Jar 🦉", "e\u0301clair"]


class CodenameTest(unittest.TestCase):
    def setUp(self) -> None:
        self.guardrail = testing.made(Codename, {"names": NAMES})

    def inspect(self, text: str, context: int = 0, final: bool = True) -> TextVerdict:
        return self.guardrail.inspect(Window(text, context, final))

    def test_it_masks_the_longest_name_at_a_place(self) -> None:
        verdict = self.inspect("On Nightjar, Nights 😀 Jar 🦉")
        self.assertEqual(testing.applied("On Nightjar, Nights 😀 Jar 🦉", verdict), "On [codename], [codename]s 😀 [codename]")
        spans = [Span(3, 11), Span(13, 18), Span(22, 27)]
        self.assertEqual(verdict.findings, [Finding("codename", span, 1.0) for span in spans])

    def test_it_lets_pass_what_is_no_name(self) -> None:
        self.assertEqual(self.inspect("nightjar, eclair"), TextVerdict.allow())

    def test_it_refuses_if_told_to(self) -> None:
        verdict = testing.made(Codename, {"names": NAMES, "refuse": True}).inspect(Window("Nightjar"))
        assert verdict.denial is not None
        self.assertEqual(verdict.denial.code, "codename.blocked")
        self.assertEqual((len(verdict.findings), verdict.edits), (1, []))

    def test_what_was_released_is_past(self) -> None:
        self.assertEqual(self.inspect("Night", context=5), TextVerdict.allow())
        self.assertEqual(self.inspect("Nightjar", context=5).findings, [Finding("codename", Span(0, 8), 1.0)])

    def test_it_holds_back_what_may_become_a_name(self) -> None:
        for text, held in (("On Ni", 2), ("On Night", 5), ("On Nightj", 6), ("On Nightjar", 0), ("Jar ", 4), ("a e", 1), ("e\u0301", 2)):
            self.assertEqual(self.inspect(text, final=False).hold, held, text)
        self.assertEqual(self.inspect("On Ni").hold, 0)

    def test_a_stream_is_as_the_whole_however_it_is_cut(self) -> None:
        text = "Nightjar 😀 Night Jar 🦉 e\u0301clair Nigh"
        whole = testing.applied(text, self.inspect(text))
        for cut in range(len(text) + 1):
            self.assertEqual(testing.stream(self.guardrail, [text[:cut], text[cut:]]).released, whole, cut)
        self.assertEqual(testing.stream(self.guardrail, list(text), context=3).released, whole)

    def test_it_wants_names(self) -> None:
        configs: list[dict[str, list[str]]] = [{}, {"names": []}, {"names": [""]}]
        for config in configs:
            with self.assertRaises(ConfigError):
                testing.made(Codename, config)

    def test_names_of_one_character(self) -> None:
        guardrail = testing.made(Codename, {"names": ["€", "."]})
        self.assertEqual(testing.stream(guardrail, ["5€", ".a"]).released, "5[codename][codename]a")
