"""{{summary}}"""

from sluicegate_plugin import Request, Router, Routing, Target, setting, settings


@settings
class Config:
    tag: str = setting("The tag of the targets that are good at code.", default="code")


class {{type}}(Router[Config]):
    def __init__(self, config: Config) -> None:
        self.tag = config.tag

    def route(self, request: Request, targets: list[Target]) -> Routing:
        if not any("```" in segment.text for segment in request.said_last()):
            return Routing.unchanged()
        able = [index for index, target in enumerate(targets) if target.healthy and self.tag in target.tags]
        return Routing.targets(able, intent="code") if able else Routing.unchanged(intent="code")
