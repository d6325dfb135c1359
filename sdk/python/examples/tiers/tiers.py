"""Answers greetings itself, and sends easy questions to small models and hard ones to large ones."""

from sluicegate_plugin import Channel, Request, Role, Router, Routing, Target, setting, settings

LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@settings
class Config:
    small: str = setting("The tag of targets for easy questions.", default="small")
    large: str = setting("The tag of targets for hard questions.", default="large")
    tokens: int = setting("A request with more tokens than that is hard.", default=200)
    greetings: list[str] = setting("What is answered without a model.", default=["hello", "hi"])


class Tiers(Router[Config]):
    def __init__(self, config: Config) -> None:
        self.config = config
        self.greetings = {plain(greeting) for greeting in config.greetings}

    def route(self, request: Request, targets: list[Target]) -> Routing:
        if plain(last_said(request)) in self.greetings:
            return Routing.answer("Hello. What can I do for you?", intent="greeting")
        hard = bool(request.tools) or request.tokens_estimate > self.config.tokens
        wanted, intent = (self.config.large, "hard") if hard else (self.config.small, "easy")
        chosen = tagged(targets, wanted) or healthy(targets)
        if not chosen:
            return Routing.unchanged(intent=intent)
        on_rejection = [] if hard else tagged(targets, self.config.large)
        return Routing.targets(chosen, on_rejection=on_rejection, intent=intent)


def last_said(request: Request) -> str:
    """What a person has said last; empty if nobody has said anything."""
    said = [each.text for each in request.segments if each.role is Role.USER and each.channel is Channel.CONTENT]
    return said[-1] if said else ""


def plain(text: str) -> str:
    """Without white space around it, and in lower case as far as it is ASCII."""
    return text.strip(" \t\n\r\f").translate(LOWER)


def healthy(targets: list[Target]) -> list[int]:
    return [index for index, target in enumerate(targets) if target.healthy]


def tagged(targets: list[Target], tag: str) -> list[int]:
    return [index for index in healthy(targets) if tag in targets[index].tags]
