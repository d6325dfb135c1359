"""What stands in for the gateway in tests."""

import unittest

from sluicegate_plugin import ConfigError, Match, Patterns, Unavailable, clock, embedding, http, kv, log, model, testing
from sluicegate_plugin.patterns import beginning, escape


class HostTest(unittest.TestCase):
    def setUp(self) -> None:
        testing.host.reset()

    def test_patterns_count_characters(self) -> None:
        found = Patterns(["é+", "b"]).find("😀éé b")
        self.assertEqual(found, [Match(0, 1, 3), Match(1, 4, 5)])
        self.assertEqual(Patterns(["a$", r"a\z"]).find("a\n"), [])
        self.assertEqual(Patterns(["(?m)a$"]).find("a\n"), [Match(0, 0, 1)])
        self.assertEqual(Patterns(["[$]"]).find("a$"), [Match(0, 1, 2)])
        self.assertEqual(len(Patterns([escape("a.b*[c] d$")]).find("a.b*[c] d$")), 1)

    def test_an_expression_of_beginnings(self) -> None:
        whole = Patterns([f"^(?:{beginning(['a.b', 'x', 'né'])})$"])
        self.assertEqual([text for text in ("", "a", "a.", "a.b", "x", "n", "né", "ab") if whole.find(text)], ["", "a", "a.", "n"])

    def test_patterns_that_the_gateway_has_not(self) -> None:
        for expression in ("(?=a)", "(?<!a)b", r"(a)\1", "(", r"a\Z", "(?P<n>a)(?P=n)"):
            with self.assertRaises(ConfigError, msg=expression):
                Patterns([expression])

    def test_kv(self) -> None:
        self.assertIsNone(kv.get("a"))
        kv.set("a", b"x", 10)
        self.assertEqual(kv.get("a"), b"x")
        with self.assertRaises(kv.KvError):
            kv.increment("a")
        testing.host.time_ms += 10
        self.assertIsNone(kv.get("a"))
        self.assertEqual((kv.increment("n", 2, 10), kv.increment("n", 3), kv.get("n")), (2, 5, b"5"))
        kv.delete("n")
        self.assertIsNone(kv.get("n"))
        with self.assertRaises(kv.TooLarge):
            kv.get("é" * 257)

    def test_the_clock_stands_still(self) -> None:
        testing.host.time_ms = 7
        self.assertEqual(clock.now_ms(), 7)

    def test_services_and_models_are_the_tests(self) -> None:
        with self.assertRaises(Unavailable):
            http.get("crm")
        with self.assertRaises(Unavailable):
            model.complete(model.Prompt("judge", "Is it safe?", 5))
        testing.host.service = lambda asked: http.Response(201, [("X-A", asked.method)], asked.body)
        testing.host.model = lambda asked: asked.user.upper()
        answer = http.post("crm", "/a", b"x")
        self.assertEqual((answer.status, answer.header("x-a"), answer.body), (201, "POST", b"x"))
        self.assertEqual(model.complete(model.Prompt("judge", "safe?", 5)), "SAFE?")

    def test_texts_with_the_same_words_are_alike(self) -> None:
        order, same, other, empty = embedding.embed(["Where is my order?", "my order, where is", "Good morning", ""])
        self.assertAlmostEqual(embedding.similarity(order, same), 1.0)
        self.assertAlmostEqual(embedding.similarity(order, other), 0.0)
        self.assertAlmostEqual(embedding.similarity(empty, empty), 1.0)

    def test_lines_are_kept(self) -> None:
        log.warn("odd")
        self.assertEqual(testing.host.lines, [("warn", "odd")])


if __name__ == "__main__":
    unittest.main()
