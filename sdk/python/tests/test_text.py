"""Holds, windows, streams."""

import unittest
from typing import Any

from sluicegate_plugin import Edit, Finding, Patterns, Prefilter, Span, TextGuardrail, TextVerdict, Window, testing
from sluicegate_plugin.text import trailing, unfinished


class Word(TextGuardrail[None]):
    """Masks one word."""

    def inspect(self, window: Window) -> TextVerdict:
        at = window.text.find("été")
        hold = unfinished(window.text, ["été"])
        if at < 0:
            return TextVerdict.allow(hold=hold)
        return TextVerdict.edit([Edit.mask(at, at + 3, "*")], findings=[Finding.at(at, at + 3, "word")], hold=hold)


class Filtered(Word):
    def prefilter(self) -> Prefilter:
        return Prefilter(Patterns(["été"]), tail="ét?")


class Forgetful(Filtered):
    def prefilter(self) -> Prefilter:
        return Prefilter(Patterns(["ete"]), tail="e")


class HoldTest(unittest.TestCase):
    def test_the_end_that_may_become_a_word(self) -> None:
        for text, held in (("", 0), ("x", 0), ("N", 1), ("a Nigh", 4), ("Nightjar", 0), ("JaNight", 5), ("aJ", 1)):
            self.assertEqual(unfinished(text, ["Nightjar", "Jar"]), held, text)
        self.assertEqual(unfinished("👩\u200d", ["👩\u200d👧"]), 2)
        self.assertEqual(unfinished("x", []), 0)

    def test_the_end_of_such_characters(self) -> None:
        self.assertEqual(trailing("ab 12", str.isdigit, 9), 2)
        self.assertEqual(trailing("1234", str.isdigit, 3), 3)
        self.assertEqual(trailing("", str.isdigit, 3), 0)


class StreamTest(unittest.TestCase):
    def test_however_it_is_cut(self) -> None:
        text = "un été 😀 et"
        for guardrail in (Word(None), Filtered(None)):
            for cut in range(len(text) + 1):
                streamed = testing.stream(guardrail, [text[:cut], text[cut:]])
                self.assertEqual(streamed.released, "un * 😀 et", cut)
                self.assertIn(Finding("word", Span(3, 6)), streamed.findings)

    def test_a_prefilter_that_lets_pass_too_much(self) -> None:
        with self.assertRaisesRegex(AssertionError, "the prefilter lets"):
            testing.stream(Forgetful(None), ["un été"])

    def test_a_denial_ends_it(self) -> None:
        class Never(TextGuardrail[dict[str, Any]]):
            def inspect(self, window: Window) -> TextVerdict:
                return TextVerdict.deny("never", "No.") if "b" in window.text else TextVerdict.allow()

        streamed = testing.stream(testing.made(Never, {"any": 1}), ["a", "b", "c"])
        self.assertEqual((streamed.released, streamed.denied), ("a", "never"))

    def test_edits_that_the_gateway_would_refuse(self) -> None:
        for edits in ([Edit.mask(0, 2, ""), Edit.mask(1, 3, "")], [Edit.mask(0, 4, "")], [Edit.mask(2, 1, "")]):
            with self.assertRaises(AssertionError):
                testing.applied("abc", edits)


if __name__ == "__main__":
    unittest.main()
