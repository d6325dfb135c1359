"""{{summary}}"""

from sluicegate_plugin import (
    Edit,
    Finding,
    Patterns,
    Prefilter,
    TextGuardrail,
    TextVerdict,
    Window,
    setting,
    settings,
    unfinished,
)
from sluicegate_plugin.patterns import beginning, escape


@settings
class Config:
    word: str = setting("The word to mask.", default="Nightjar", length_min=1, length_max=200)
    mask: str = setting("What is put in its place.", default="[masked]")


class {{type}}(TextGuardrail[Config]):
    def __init__(self, config: Config) -> None:
        self.config = config
        self.patterns = Patterns([escape(config.word)])

    def prefilter(self) -> Prefilter:
        # Text without the word is let pass without a call.
        return Prefilter(self.patterns, tail=beginning([self.config.word]))

    def inspect(self, window: Window) -> TextVerdict:
        found = self.patterns.find(window.text)
        return TextVerdict.edit(
            [Edit.mask(match.start, match.end, self.config.mask) for match in found],
            findings=[Finding.at(match.start, match.end, "word") for match in found if match.end > window.context],
            # A stream may be cut inside the word: hold back an end that could become it.
            hold=unfinished(window.text, [self.config.word]),
        )
