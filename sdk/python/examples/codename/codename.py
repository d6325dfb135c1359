"""Masks or refuses code names that must not be known, in streams exactly as in whole texts."""

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
)
from sluicegate_plugin.patterns import beginning, escape

RULE = "codename"


@settings
class Config:
    names: list[str] = setting("The code names, exactly as they are written.", items_min=1, length_min=1)
    refuse: bool = setting("Refuse a text that holds one, instead of masking it.", default=False)


class Codename(TextGuardrail[Config]):
    def __init__(self, config: Config) -> None:
        # Of several names that match at a place the longest counts.
        self.names = sorted(config.names, key=len, reverse=True)
        self.refuse = config.refuse
        self.patterns = Patterns(["|".join(map(escape, self.names))])

    def prefilter(self) -> Prefilter | None:
        if len(self.names[0]) > 200:
            # Too long for an expression of what it begins with.
            return None
        return Prefilter(self.patterns, tail=beginning(self.names))

    def inspect(self, window: Window) -> TextVerdict:
        matches = [(match.start, match.end) for match in self.patterns.find(window.text)]
        end = len(window.text) if window.final else self.decided(window.text, matches)
        found = [(start, stop) for start, stop in matches if start < end and stop > window.context]
        findings = [Finding.at(start, stop, RULE) for start, stop in found]
        if found and self.refuse:
            return TextVerdict.deny("codename.blocked", "A code name must not be named here.", findings=findings)
        edits = [Edit.mask(start, stop, "[codename]") for start, stop in found]
        return TextVerdict.edit(edits, findings=findings, hold=len(window.text) - end)

    def decided(self, text: str, matches: list[tuple[int, int]]) -> int:
        """Up to where it is known what is a name: to the first place, not inside a match, from which the rest may become one. A match that
        starts there or behind it may yet be part of a longer one."""
        # What is longer than all but the last character of the longest name is no beginning of one.
        at = max(len(text) - len(self.names[0]) + 1, 0)
        while at < len(text):
            inside = next((stop for start, stop in matches if start < at < stop), None)
            if inside is not None:
                at = inside
            elif any(len(name) > len(text) - at and name.startswith(text[at:]) for name in self.names):
                return at
            else:
                at += 1
        return len(text)
