"""The export `text-guardrail`."""

from typing import Any

from wit_world.exports import text_guardrail as wit

from . import fail, plugin
from .._utf8 import Positions
from ..text import TextVerdict, Window
from .shared import CHANNELS, PHASES, ROLES, denial, edits_and_findings


class TextGuardrail:
    def inspect(self, windows: list[Any]) -> list[Any]:
        try:
            guardrail = plugin()
            seen = [window(given) for given in windows]
            return [verdict(each, guardrail.inspect(each)) for each in seen]
        except Exception as error:
            fail(error)


def window(given: Any) -> Window:
    context = Positions(given.text).to_characters([given.context])[given.context]
    return Window(
        given.text, context, given.final, PHASES[given.phase], ROLES[given.role], CHANNELS[given.channel]
    )


def verdict(window: Window, said: TextVerdict) -> Any:
    edits, findings = edits_and_findings(window.text, said.edits, said.findings)
    action: Any
    if said.denial is not None:
        action = wit.Action_Deny(denial(said.denial))
    elif edits:
        action = wit.Action_Edit(edits)
    else:
        action = wit.Action_Allow()
    return wit.Verdict(action, findings, hold(window, said.hold))


def hold(window: Window, characters: int) -> int:
    """In bytes, and no more than is undecided."""
    if window.final or characters <= 0:
        return 0
    start = max(len(window.text) - characters, window.context)
    return Positions(window.text).bytes_from(start)
