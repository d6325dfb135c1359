"""The export `request-guardrail`."""

from typing import Any

from wit_world.exports import request_guardrail as wit

from . import fail, plugin
from ..words import Request
from ..request import RequestVerdict
from .shared import denial, findings_of_whole, request, segment_edits


class RequestGuardrail:
    def check(self, given: Any) -> Any:
        try:
            asked = request(given)
            return verdict(asked, plugin().check(asked))
        except Exception as error:
            fail(error)


def verdict(request: Request, said: RequestVerdict) -> Any:
    action: Any
    if said.denial is not None:
        action = wit.Action_Deny(denial(said.denial))
    elif said.edits:
        action = wit.Action_Edit(segment_edits(request.segments, said.edits))
    else:
        action = wit.Action_Allow()
    return wit.Verdict(action, findings_of_whole(said.findings))
