import unittest
from typing import Any

from sluicegate_plugin import CannedAnswer, Channel, Request, Role, Routing, Segment, Target, ToolDefinition, testing
from tiers import Tiers

TARGETS = [Target("a", tags=["large"]), Target("b", tags=["small"]), Target("c", tags=["small"], healthy=False)]


def asked(text: str, **more: Any) -> Request:
    return Request([Segment(text)], **more)


class TiersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.router = testing.made(Tiers)

    def test_a_greeting_is_answered(self) -> None:
        for text in ("hello", " HI\n"):
            routing = self.router.route(asked(text), TARGETS)
            self.assertEqual(routing, Routing.answer("Hello. What can I do for you?", intent="greeting"))

    def test_only_what_the_person_said_last_counts(self) -> None:
        said = [Segment("hi"), Segment("Prove it."), Segment("hi", Role.ASSISTANT), Segment("hi", channel=Channel.NAME)]
        self.assertNotIsInstance(self.router.route(Request(said), TARGETS).decision, CannedAnswer)

    def test_easy_questions_go_to_small_models(self) -> None:
        routing = self.router.route(asked("Why?", tokens_estimate=200), TARGETS)
        self.assertEqual(routing, Routing.targets([1], on_rejection=[0], intent="easy"))

    def test_hard_questions_go_to_large_models(self) -> None:
        for request in (asked("Why?", tokens_estimate=201), asked("Why?", tools=[ToolDefinition("look")])):
            self.assertEqual(self.router.route(request, TARGETS), Routing.targets([0], intent="hard"))

    def test_without_such_a_target_all_that_are_well_are_asked(self) -> None:
        targets = [Target("a"), Target("b", healthy=False), Target("c")]
        self.assertEqual(self.router.route(asked("Why?"), targets), Routing.targets([0, 2], intent="easy"))
        self.assertEqual(self.router.route(asked("Why?"), targets[1:2]), Routing.unchanged(intent="easy"))

    def test_the_configuration_says_other_words(self) -> None:
        router = testing.made(Tiers, {"small": "mini", "tokens": 1, "greetings": ["Grüezi "]})
        self.assertIsInstance(router.route(asked("grüezi"), []).decision, CannedAnswer)
        self.assertEqual(router.route(asked("hello"), [Target("a", tags=["mini"])]).intent, "easy")
