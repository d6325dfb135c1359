"""The words that every interface shares, to and from what is generated."""

from collections.abc import Iterable
from typing import Any

from wit_world.imports import types as wit

from .._utf8 import Positions
from ..words import (
    Answer,
    Channel,
    Denial,
    Edit,
    Exchange,
    Finding,
    Finish,
    Phase,
    Request,
    Role,
    Segment,
    Span,
    ToolDefinition,
    Usage,
)

# By name: the order is the contract's.
ROLES = {role: Role[role.name] for role in wit.Role}
CHANNELS = {channel: Channel[channel.name] for channel in wit.Channel}
PHASES = {phase: Phase[phase.name] for phase in wit.Phase}
FINISHES = {finish: Finish[finish.name] for finish in wit.Finish}


def segment(given: Any) -> Segment:
    return Segment(given.text, ROLES[given.role], CHANNELS[given.channel], given.id, given.choice, given.name)


def request(given: Any) -> Request:
    about = given.exchange
    exchange = Exchange(
        about.id, about.tenant, about.user, about.session, about.step, about.model, about.streaming, about.attributes
    )
    tools = [ToolDefinition(tool.name, tool.description, tool.parameters) for tool in given.tools]
    return Request([segment(each) for each in given.segments], tools, given.answer_schema, given.tokens_estimate, exchange)


def answer(given: Any) -> Answer:
    used = given.usage
    usage = used and Usage(used.input_tokens, used.cached_input_tokens, used.output_tokens, used.reasoning_tokens)
    return Answer([segment(each) for each in given.segments], FINISHES[given.finish], given.target, usage)


def findings_given(given: list[Any]) -> list[Finding]:
    """Without their places: it is not said in which segments they are."""
    return [Finding(finding.rule, None, finding.score) for finding in given]


def denial(said: Denial) -> Any:
    return wit.Denial(said.code, said.reason, said.detail)


def findings_of_whole(said: Iterable[Finding]) -> list[Any]:
    """Those on a whole request or answer, where a place has no text that it is in."""
    return [wit.Finding(finding.rule, None, finding.score) for finding in said]


def edits_and_findings(text: str, edits: list[Edit], findings: list[Finding]) -> tuple[list[Any], list[Any]]:
    """Both with their places in bytes, which takes one walk through the text."""
    spans = [edit.span for edit in edits] + [finding.span for finding in findings if finding.span]
    at = Positions(text).to_bytes(position for span in spans for position in (span.start, span.end))

    def span(said: Span) -> Any:
        return wit.Span(at[said.start], max(at[said.start], at[said.end]))

    return (
        [wit.Edit(span(edit.span), edit.replacement, edit.restore) for edit in edits],
        [wit.Finding(each.rule, each.span and span(each.span), each.score) for each in findings],
    )


def segment_edits(segments: list[Segment], edits: list[tuple[int, Edit]]) -> list[Any]:
    """Edits of a request or answer, each with the id of its segment; one of a segment that there is none of is left to the host to refuse."""
    texts = {segment.id: segment.text for segment in segments}
    by_segment: dict[int, list[Edit]] = {}
    for id, edit in edits:
        by_segment.setdefault(id, []).append(edit)
    return [
        (id, edit) for id, mine in by_segment.items() for edit in edits_and_findings(texts.get(id, ""), mine, [])[0]
    ]
