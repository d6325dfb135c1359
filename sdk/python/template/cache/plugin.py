"""{{summary}}"""

from sluicegate_plugin import Admission, Answer, Cache, Finding, Finish, Lookup, Request, setting, settings


@settings
class Config:
    ttl_s: int = setting("For how many seconds an answer is fresh.", default=3600, minimum=1)


class {{type}}(Cache[Config]):
    def __init__(self, config: Config) -> None:
        self.ttl_ms = config.ttl_s * 1000

    def plan(self, request: Request, findings: list[Finding]) -> Lookup | None:
        # A conversation of several turns is hardly ever had again.
        if findings or request.tools or request.said_last() != [each for each in request.segments if each.role == "user"]:
            return None
        return Lookup("\n".join(segment.text.strip() for segment in request.said_last()), age_ms_max=self.ttl_ms)

    def admit(self, request: Request, answer: Answer, findings: list[Finding]) -> Admission | None:
        if findings or answer.finish is not Finish.STOP:
            return None
        return Admission(self.ttl_ms)
