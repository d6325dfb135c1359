import unittest

from faq import Faq, normalized
from sluicegate_plugin import (
    Admission,
    Answer,
    ByMeaning,
    Candidate,
    ConfigError,
    Finding,
    Finish,
    Lookup,
    Request,
    Role,
    Segment,
    ToolDefinition,
    testing,
)


def asked(*texts: str) -> Request:
    return Request([Segment("Be brief.", Role.SYSTEM), *map(Segment, texts)])


class FaqTest(unittest.TestCase):
    def setUp(self) -> None:
        self.cache = testing.made(Faq, {"ttl_s": 60})

    def test_a_question_is_normalized(self) -> None:
        self.assertEqual(normalized(" When \n do\tYOU open? ! "), "when do you open")
        self.assertEqual(normalized("?! ."), "")
        self.assertEqual(normalized("ÄRGER 1.5."), "Ärger 1.5")

    def test_where_it_is_looked_for(self) -> None:
        lookup = Lookup("when", ByMeaning("when", 0.92), 60_000)
        self.assertEqual(self.cache.plan(asked("When?"), []), lookup)

    def test_what_is_not_looked_for(self) -> None:
        self.assertIsNone(self.cache.plan(asked("When?"), [Finding("email")]))
        self.assertIsNone(self.cache.plan(Request([Segment("When?")], [ToolDefinition("look")]), []))
        for texts in ((), ("?",), ("When?", "Where?")):
            self.assertIsNone(self.cache.plan(asked(*texts), []))

    def test_numbers_must_be_the_same(self) -> None:
        for question, same in (("gate 12 at 3", True), ("gate 3 at 12", False), ("gate 12 at 03", False), ("gate", False)):
            candidate = Candidate(question, Answer([]))
            self.assertEqual(self.cache.accept(asked("Gate 12, at 3?"), candidate), same, question)

    def test_what_is_kept(self) -> None:
        said = [Segment("Nine.", Role.ASSISTANT)]
        self.assertEqual(self.cache.admit(asked("When?"), Answer(said), []), Admission(60_000))
        self.assertIsNone(self.cache.admit(asked("When?"), Answer(said), [Finding("email")]))
        self.assertIsNone(self.cache.admit(asked("When?"), Answer(said, Finish.LENGTH), []))
        self.assertIsNone(self.cache.admit(asked("When?"), Answer([Segment(" \n")]), []))

    def test_a_configuration_out_of_bounds(self) -> None:
        for config in ({"ttl_s": 0}, {"threshold": 1.5}):
            with self.assertRaises(ConfigError):
                testing.made(Faq, config)
