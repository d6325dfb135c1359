import unittest

from plugin import {{type}}
from sluicegate_plugin import Answer, AnswerVerdict, Channel, Finding, Request, Role, Segment, testing


class {{type}}Test(unittest.TestCase):
    def check(self, text: str, channel: Channel = Channel.CONTENT) -> AnswerVerdict:
        answer = Answer([Segment(text, Role.ASSISTANT, channel)])
        return testing.made({{type}}).check(Request([Segment("Will it come?")]), answer)

    def test_a_promise_is_asked_for_again(self) -> None:
        verdict = self.check("I guarantee that it comes.")
        self.assertEqual(verdict, AnswerVerdict.retry("Do not promise anything.", findings=[Finding("promise")]))

    def test_all_else_passes(self) -> None:
        self.assertEqual(self.check("It should come."), AnswerVerdict.allow())
        self.assertEqual(self.check("I guarantee nothing.", Channel.REASONING), AnswerVerdict.allow())
