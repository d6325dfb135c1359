"""The export `answer-guardrail`."""

from typing import Any

from wit_world.exports import answer_guardrail as wit

from . import fail, plugin
from ..answer import AnswerVerdict
from ..words import Answer
from .shared import answer, denial, findings_of_whole, request, segment_edits


class AnswerGuardrail:
    def check(self, given: Any, answered: Any) -> Any:
        try:
            said = answer(answered)
            return verdict(said, plugin().check(request(given), said))
        except Exception as error:
            fail(error)


def verdict(answer: Answer, said: AnswerVerdict) -> Any:
    action: Any
    if said.denial is not None:
        action = wit.Action_Deny(denial(said.denial))
    elif said.retry_with is not None:
        action = wit.Action_Retry(said.retry_with)
    elif said.edits:
        action = wit.Action_Edit(segment_edits(answer.segments, said.edits))
    else:
        action = wit.Action_Allow()
    return wit.Verdict(action, findings_of_whole(said.findings))
