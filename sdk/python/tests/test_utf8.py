"""Positions in characters and in bytes."""

import unittest

from sluicegate_plugin._utf8 import Positions

# One, two, three and four bytes; an emoji of several code points; an accent of its own.
MIXED = "aé€😀👩\u200d👧e\u0301z"


def in_bytes(text: str, position: int) -> int:
    return len(text[:position].encode())


class PositionsTest(unittest.TestCase):
    def test_each_position_there_and_back(self) -> None:
        for text in ("", "plain", MIXED, "😀" * 50):
            all = range(len(text) + 1)
            there = Positions(text).to_bytes(all)
            self.assertEqual(there, {position: in_bytes(text, position) for position in all})
            back = Positions(text).to_characters(there.values())
            self.assertEqual([back[there[position]] for position in all], list(all))

    def test_order_and_repetition_do_not_matter(self) -> None:
        self.assertEqual(Positions(MIXED).to_bytes([4, 1, 4, 2]), {1: 1, 2: 3, 4: 10})

    def test_what_is_inside_a_character_moves_to_its_start(self) -> None:
        self.assertEqual(Positions("a😀b").to_characters(range(7)), {0: 0, 1: 1, 2: 1, 3: 1, 4: 1, 5: 2, 6: 3})

    def test_what_is_outside_moves_to_the_end_or_the_start(self) -> None:
        for text, length in (("abc", 3), ("a😀", 5)):
            self.assertEqual(Positions(text).to_bytes([-3, 99]), {-3: 0, 99: length})
            self.assertEqual(Positions(text).to_characters([-3, 99]), {-3: 0, 99: len(text)})

    def test_the_bytes_of_an_end(self) -> None:
        self.assertEqual([Positions("a😀").bytes_from(at) for at in (-1, 0, 1, 2, 3)], [5, 5, 4, 0, 0])
        self.assertEqual(Positions("abc").bytes_from(1), 2)


if __name__ == "__main__":
    unittest.main()
