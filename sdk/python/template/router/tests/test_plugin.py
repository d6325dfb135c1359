import unittest

from plugin import {{type}}
from sluicegate_plugin import Request, Routing, Segment, Target, testing

TARGETS = [Target("a"), Target("b", tags=["code"]), Target("c", tags=["code"], healthy=False)]
CODE = "What is wrong?\n```\nx =\n```"


class {{type}}Test(unittest.TestCase):
    def route(self, text: str, targets: list[Target]) -> Routing:
        return testing.made({{type}}).route(Request([Segment(text)]), targets)

    def test_code_goes_to_those_who_are_good_at_it(self) -> None:
        self.assertEqual(self.route(CODE, TARGETS), Routing.targets([1], intent="code"))

    def test_all_else_stays_as_it_is(self) -> None:
        self.assertEqual(self.route("What is wrong?", TARGETS), Routing.unchanged())
        self.assertEqual(self.route(CODE, TARGETS[:1]), Routing.unchanged(intent="code"))
