"""Does what the text says."""

import re

from sluicegate_plugin import TextGuardrail, TextVerdict, Window, settings


@settings
class Config:
    pass


class Hostile(TextGuardrail[Config]):
    def __init__(self, config: Config) -> None:
        pass

    def inspect(self, window: Window) -> TextVerdict:
        if "loop" in window.text:
            while True:
                pass
        if "memory" in window.text:
            kept = []
            while True:
                kept.append(bytearray(1 << 20))
        if "expression" in window.text:
            re.match(r"(a+)+$", "a" * 64 + "!")
        if "deep" in window.text:
            self.inspect(window)
        if "fail" in window.text:
            raise RuntimeError("on purpose: " + "x" * 100_000)
        return TextVerdict.allow()
