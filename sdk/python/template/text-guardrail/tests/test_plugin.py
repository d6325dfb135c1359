import unittest

from plugin import {{type}}
from sluicegate_plugin import Finding, Window, testing


class {{type}}Test(unittest.TestCase):
    def test_it_masks_the_word(self) -> None:
        guardrail = testing.made({{type}}, {"word": "Eule 🦉"})
        text = "Eule 🦉, Eule"
        verdict = guardrail.inspect(Window(text))
        self.assertEqual(testing.applied(text, verdict), "[masked], Eule")
        self.assertEqual(verdict.findings, [Finding.at(0, 6, "word")])

    def test_a_stream_is_as_the_whole_however_it_is_cut(self) -> None:
        guardrail = testing.made({{type}})
        text = "When will Nightjar be ready?"
        for cut in range(len(text) + 1):
            streamed = testing.stream(guardrail, [text[:cut], text[cut:]])
            self.assertEqual(streamed.released, "When will [masked] be ready?", cut)
            self.assertEqual(len(streamed.findings), 1, cut)
