"""{{summary}}"""

import re

from sluicegate_plugin import Edit, Finding, TextGuardrail, TextVerdict, Window, setting, settings, unfinished


@settings
class Config:
    word: str = setting("What is masked, exactly as it is written.", default="Nightjar", length_min=1)


class {{type}}(TextGuardrail[Config]):
    def __init__(self, config: Config) -> None:
        self.word = config.word
        self.pattern = re.compile(re.escape(config.word))

    def inspect(self, window: Window) -> TextVerdict:
        # What ends in the context was released before.
        found = [match.span() for match in self.pattern.finditer(window.text) if match.end() > window.context]
        behind = found[-1][1] if found else window.context
        return TextVerdict.edit(
            [Edit.mask(start, end, "[masked]") for start, end in found],
            findings=[Finding.at(start, end, "word") for start, end in found],
            # A stream may be cut inside the word: an end that could become it waits for more text.
            hold=unfinished(window.text[behind:], [self.word]),
        )
