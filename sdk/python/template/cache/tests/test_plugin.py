import unittest

from plugin import {{type}}
from sluicegate_plugin import Admission, Answer, Finding, Finish, Lookup, Request, Role, Segment, testing


class {{type}}Test(unittest.TestCase):
    def setUp(self) -> None:
        self.cache = testing.made({{type}}, {"ttl_s": 60})

    def test_a_first_question_is_looked_for(self) -> None:
        request = Request([Segment("Be brief.", Role.SYSTEM), Segment(" When? ")])
        self.assertEqual(self.cache.plan(request, []), Lookup("When?", age_ms_max=60_000))

    def test_all_else_is_not(self) -> None:
        turns = [Segment("Hello."), Segment("Hello!", Role.ASSISTANT), Segment("When?")]
        self.assertIsNone(self.cache.plan(Request(turns), []))
        self.assertIsNone(self.cache.plan(Request(turns[:1]), [Finding("email")]))

    def test_whole_answers_are_kept(self) -> None:
        said = [Segment("Nine.", Role.ASSISTANT)]
        request = Request([Segment("When?")])
        self.assertEqual(self.cache.admit(request, Answer(said), []), Admission(60_000))
        self.assertIsNone(self.cache.admit(request, Answer(said, Finish.LENGTH), []))
