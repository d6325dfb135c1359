"""The export `router`."""

from typing import Any

from wit_world.exports import router as wit

from . import fail, plugin
from ..router import CannedAnswer, Escalation, Routing, Target, Targets, Unchanged
from ..words import Denial
from .shared import denial, findings_of_whole, request


class Router:
    def route(self, given: Any, targets: list[Any]) -> Any:
        try:
            return routing(plugin().route(request(given), [target(each) for each in targets]))
        except Exception as error:
            fail(error)


def target(given: Any) -> Target:
    return Target(
        given.name,
        given.provider,
        given.model,
        given.tags,
        given.healthy,
        given.in_flight,
        given.first_token_ms,
        given.input_dollars_per_million,
        given.output_dollars_per_million,
        given.context_tokens,
    )


def routing(said: Routing) -> Any:
    return wit.Routing(decision(said.decision), said.on_rejection, said.intent, findings_of_whole(said.findings))


def decision(said: Unchanged | Targets | CannedAnswer | Escalation | Denial) -> Any:
    match said:
        case Unchanged():
            return wit.Decision_Unchanged()
        case Targets(indices):
            return wit.Decision_Targets(indices)
        case CannedAnswer(text):
            return wit.Decision_Answer(wit.CannedAnswer(text))
        case Escalation(queue, text):
            return wit.Decision_Escalate(wit.Escalation(queue, text))
        case Denial():
            return wit.Decision_Deny(denial(said))
