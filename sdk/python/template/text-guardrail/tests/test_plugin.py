import unittest

from plugin import {{type}}
from sluicegate_plugin import Window, testing


class {{type}}Test(unittest.TestCase):
    def test_it_masks_the_word(self) -> None:
        guardrail = testing.made({{type}}, {"word": "Eule 🦉"})
        text = "Eule 🦉, Eule"
        self.assertEqual(testing.applied(text, guardrail.inspect(Window(text))), "[masked], Eule")

    def test_a_stream_is_as_the_whole_however_it_is_cut(self) -> None:
        guardrail = testing.made({{type}})
        text = "When will Nightjar be ready?"
        for cut in range(len(text) + 1):
            streamed = testing.stream(guardrail, [text[:cut], text[cut:]])
            self.assertEqual(streamed.released, "When will [masked] be ready?", cut)
