"""{{summary}}"""

from sluicegate_plugin import Request, Router, Routing, Target, setting, settings


@settings
class Config:
    tag: str = setting("The tag of targets for long requests.", default="large")
    tokens: int = setting("A request with more tokens than that is long.", default=2000, minimum=0)


class {{type}}(Router[Config]):
    def __init__(self, config: Config) -> None:
        self.config = config

    def route(self, request: Request, targets: list[Target]) -> Routing:
        if request.tokens_estimate <= self.config.tokens:
            return Routing.unchanged(intent="short")
        chosen = [index for index, target in enumerate(targets) if target.healthy and self.config.tag in target.tags]
        return Routing.targets(chosen, intent="long") if chosen else Routing.unchanged(intent="long")
