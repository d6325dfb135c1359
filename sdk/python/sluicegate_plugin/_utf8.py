"""Between characters, in which Python counts, and bytes of UTF-8, in which the contract does.

A text of ASCII costs nothing. Of any other, each stretch between two positions is encoded or decoded once, whatever the number of
positions; Python has no index of its texts in bytes, and a table of one would be as large as the text.
"""

from collections.abc import Iterable


class Positions:
    """Positions in a text."""

    __slots__ = ("text", "ascii")

    def __init__(self, text: str) -> None:
        self.text = text
        self.ascii = text.isascii()

    def to_bytes(self, positions: Iterable[int]) -> dict[int, int]:
        """For each of these positions, in characters, the one in bytes. What lies outside of the text is moved to its end or start."""
        length = len(self.text)
        if self.ascii:
            return {position: min(max(position, 0), length) for position in positions}
        found, at, bytes_before = {}, 0, 0
        for position in sorted(set(positions)):
            to = min(max(position, 0), length)
            bytes_before += len(self.text[at:to].encode())
            found[position], at = bytes_before, to
        return found

    def to_characters(self, positions: Iterable[int]) -> dict[int, int]:
        """For each of these positions, in bytes, the one in characters. One inside a character is moved to its start."""
        if self.ascii:
            length = len(self.text)
            return {position: min(max(position, 0), length) for position in positions}
        encoded = self.text.encode()
        found, at, characters_before = {}, 0, 0
        for position in sorted(set(positions)):
            to = min(max(position, 0), len(encoded))
            while 0 < to < len(encoded) and encoded[to] & 0xC0 == 0x80:
                to -= 1
            characters_before += len(encoded[at:to].decode())
            found[position], at = characters_before, to
        return found

    def bytes_from(self, position: int) -> int:
        """How many bytes the text has from this position, in characters, to its end."""
        length = len(self.text)
        start = min(max(position, 0), length)
        return length - start if self.ascii else len(self.text[start:].encode())
