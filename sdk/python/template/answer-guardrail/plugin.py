"""{{summary}}"""

from sluicegate_plugin import Answer, AnswerGuardrail, AnswerVerdict, Channel, Finding, Request, setting, settings


@settings
class Config:
    phrases: list[str] = setting("What an answer must not promise.", default=["I guarantee"], length_min=1)


class {{type}}(AnswerGuardrail[Config]):
    def __init__(self, config: Config) -> None:
        self.phrases = config.phrases

    def check(self, request: Request, answer: Answer) -> AnswerVerdict:
        said = "\n".join(segment.text for segment in answer.segments if segment.channel is Channel.CONTENT)
        if any(phrase in said for phrase in self.phrases):
            return AnswerVerdict.retry("Do not promise anything.", findings=[Finding("promise")])
        return AnswerVerdict.allow()
