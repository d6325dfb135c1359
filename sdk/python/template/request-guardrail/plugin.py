"""{{summary}}"""

from sluicegate_plugin import Request, RequestGuardrail, RequestVerdict, setting, settings


@settings
class Config:
    tokens_max: int = setting("Requests with more tokens are refused.", default=8000, minimum=1)


class {{type}}(RequestGuardrail[Config]):
    def __init__(self, config: Config) -> None:
        self.tokens_max = config.tokens_max

    def check(self, request: Request) -> RequestVerdict:
        if request.tokens_estimate > self.tokens_max:
            return RequestVerdict.deny("too-long", "This request is too long. Please send less text.")
        return RequestVerdict.allow()
