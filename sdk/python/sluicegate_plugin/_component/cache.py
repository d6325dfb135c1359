"""The export `cache`."""

from typing import Any

from wit_world.exports import cache as wit

from . import fail, plugin
from ..cache import Candidate, Lookup
from .shared import answer, findings_given, request


class Cache:
    def plan(self, given: Any, findings: list[Any]) -> Any:
        try:
            lookup = plugin().plan(request(given), findings_given(findings))
            return wit.Intention_Bypass() if lookup is None else wit.Intention_LookUp(look_up(lookup))
        except Exception as error:
            fail(error)

    def accept(self, given: Any, candidate: Any) -> bool:
        try:
            found = Candidate(candidate.question, answer(candidate.answer), candidate.similarity, candidate.age_ms)
            return bool(plugin().accept(request(given), found))
        except Exception as error:
            fail(error)

    def admit(self, given: Any, answered: Any, findings: list[Any]) -> Any:
        try:
            admission = plugin().admit(request(given), answer(answered), findings_given(findings))
            return None if admission is None else wit.Admission(admission.ttl_ms)
        except Exception as error:
            fail(error)


def look_up(said: Lookup) -> Any:
    by_meaning = said.by_meaning and wit.ByMeaning(said.by_meaning.text, said.by_meaning.threshold)
    return wit.Lookup(said.key, by_meaning, said.age_ms_max)
