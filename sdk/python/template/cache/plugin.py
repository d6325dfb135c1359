"""{{summary}}"""

import string

from sluicegate_plugin import Admission, Answer, Cache, Channel, Finding, Finish, Lookup, Request, Role, setting, settings

LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@settings
class Config:
    ttl_s: int = setting("Seconds for which an answer is fresh.", default=3600, minimum=1)


class {{type}}(Cache[Config]):
    def __init__(self, config: Config) -> None:
        self.ttl_ms = config.ttl_s * 1000

    def plan(self, request: Request, findings: list[Finding]) -> Lookup | None:
        said = [each.text for each in request.segments if each.role is Role.USER and each.channel is Channel.CONTENT]
        # A conversation that has begun is hardly ever had again.
        begun = any(each.role in (Role.ASSISTANT, Role.TOOL) for each in request.segments)
        if findings or request.tools or begun or len(said) != 1:
            return None
        return Lookup(said[0].strip(" \t\n\f\r").translate(LOWER), age_ms_max=self.ttl_ms)

    def admit(self, request: Request, answer: Answer, findings: list[Finding]) -> Admission | None:
        if findings or answer.finish is not Finish.STOP:
            return None
        return Admission(self.ttl_ms)
