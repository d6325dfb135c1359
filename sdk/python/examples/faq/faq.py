"""Answers again what was asked before, in the same words or in others that mean the same."""

import re

from sluicegate_plugin import (
    Admission,
    Answer,
    ByMeaning,
    Cache,
    Candidate,
    Channel,
    Finding,
    Finish,
    Lookup,
    Request,
    Role,
    setting,
    settings,
)

LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ\t\n\r\f", "abcdefghijklmnopqrstuvwxyz    ")
NUMBER = re.compile("[0-9]+")


@settings
class Config:
    ttl_s: int = setting("For how many seconds an answer is fresh.", default=3600, minimum=1)
    threshold: float = setting("How alike two questions must be, from 0 to 1.", default=0.92, minimum=0, maximum=1)


class Faq(Cache[Config]):
    def __init__(self, config: Config) -> None:
        self.ttl_ms = config.ttl_s * 1000
        self.threshold = config.threshold

    def plan(self, request: Request, findings: list[Finding]) -> Lookup | None:
        question = asked(request)
        if findings or request.tools or not question:
            return None
        return Lookup(question, ByMeaning(question, self.threshold), self.ttl_ms)

    def accept(self, request: Request, candidate: Candidate) -> bool:
        # Vectors hardly see a number, and few questions mean the same with another one.
        return NUMBER.findall(asked(request)) == NUMBER.findall(candidate.question)

    def admit(self, request: Request, answer: Answer, findings: list[Finding]) -> Admission | None:
        said = any(each.channel is Channel.CONTENT and each.text.strip() for each in answer.segments)
        if findings or answer.finish is not Finish.STOP or not said:
            return None
        return Admission(self.ttl_ms)


def asked(request: Request) -> str:
    """The only question of a request, normalized; empty if there is none or more than one."""
    said = [each.text for each in request.segments if each.role is Role.USER and each.channel is Channel.CONTENT]
    return normalized(said[0]) if len(said) == 1 else ""


def normalized(text: str) -> str:
    """In lower case as far as it is ASCII, with single spaces, and without the marks at its end."""
    return " ".join(filter(None, text.translate(LOWER).split(" "))).rstrip("?!. ")
