"""{{summary}}"""

from sluicegate_plugin import Answer, AnswerGuardrail, AnswerVerdict, Channel, Finding, Request, setting, settings


@settings
class Config:
    phrase: str = setting("What an answer must not say, exactly as it is written.", default="I guarantee", length_min=1)


class {{type}}(AnswerGuardrail[Config]):
    def __init__(self, config: Config) -> None:
        self.phrase = config.phrase

    def check(self, request: Request, answer: Answer) -> AnswerVerdict:
        if any(each.channel is Channel.CONTENT and self.phrase in each.text for each in answer.segments):
            return AnswerVerdict.retry("Do not promise anything.", findings=[Finding("promise")])
        return AnswerVerdict.allow()
