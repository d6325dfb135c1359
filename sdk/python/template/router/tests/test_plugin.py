import unittest

from plugin import {{type}}
from sluicegate_plugin import Request, Routing, Segment, Target, testing

TARGETS = [Target("a"), Target("b", tags=["large"]), Target("c", tags=["large"], healthy=False)]


class {{type}}Test(unittest.TestCase):
    def route(self, tokens: int, targets: list[Target]) -> Routing:
        request = Request([Segment("Hello.")], tokens_estimate=tokens)
        return testing.made({{type}}, {"tokens": 10}).route(request, targets)

    def test_long_requests_go_to_large_models(self) -> None:
        self.assertEqual(self.route(11, TARGETS), Routing.targets([1], intent="long"))

    def test_all_else_stays_as_it_is(self) -> None:
        self.assertEqual(self.route(10, TARGETS), Routing.unchanged(intent="short"))
        self.assertEqual(self.route(11, TARGETS[:1]), Routing.unchanged(intent="long"))
