import unittest

from plugin import {{type}}
from sluicegate_plugin import (
    Admission,
    Answer,
    Finding,
    Finish,
    Lookup,
    Request,
    Role,
    Segment,
    ToolDefinition,
    testing,
)


class {{type}}Test(unittest.TestCase):
    def setUp(self) -> None:
        self.cache = testing.made({{type}}, {"ttl_s": 60})

    def test_a_question_is_looked_for(self) -> None:
        request = Request([Segment("Be brief.", Role.SYSTEM), Segment(" When do you ÖFFNEN?\n")])
        self.assertEqual(self.cache.plan(request, []), Lookup("when do you Öffnen?", age_ms_max=60_000))

    def test_all_else_is_not(self) -> None:
        question = Segment("When?")
        self.assertIsNone(self.cache.plan(Request([question, Segment("At nine.", Role.ASSISTANT)]), []))
        self.assertIsNone(self.cache.plan(Request([question, question]), []))
        self.assertIsNone(self.cache.plan(Request([question], tools=[ToolDefinition("look")]), []))
        self.assertIsNone(self.cache.plan(Request([question]), [Finding("email")]))

    def test_whole_answers_are_kept(self) -> None:
        said = [Segment("Nine.", Role.ASSISTANT)]
        request = Request([Segment("When?")])
        self.assertEqual(self.cache.admit(request, Answer(said), []), Admission(60_000))
        self.assertIsNone(self.cache.admit(request, Answer(said, Finish.LENGTH), []))
        self.assertIsNone(self.cache.admit(request, Answer(said), [Finding("email")]))
