"""Configurations, and the schema that is derived from their types."""

import json
import unittest
from typing import Any, Literal

from sluicegate_plugin import ConfigError, setting, settings
from sluicegate_plugin.settings import read, schema_of


@settings
class Inner:
    word: str = setting("A word.", length_min=1)


@settings
class Config:
    names: list[str] = setting("Names.", items_min=1, length_min=1)
    share: float = setting("A share.", default=0.5, minimum=0, maximum=1)
    count: int = setting("A count.", default=3, minimum=1)
    mode: Literal["mask", "deny"] = setting("What to do.", default="mask")
    inner: Inner | None = setting("More.", default=None)
    table: dict[str, int] = setting("Numbers.", default={})


class ReadTest(unittest.TestCase):
    def test_defaults(self) -> None:
        config = read(Config, '{"names": ["a"]}')
        self.assertEqual(config, Config(names=["a"]))
        self.assertEqual((config.share, config.count, config.mode, config.inner, config.table), (0.5, 3, "mask", None, {}))

    def test_all_of_it(self) -> None:
        text = '{"names": ["a"], "share": 1, "count": 2.0, "mode": "deny", "inner": {"word": "x"}, "table": {"a": 1}}'
        expected = Config(names=["a"], share=1.0, count=2, mode="deny", inner=Inner(word="x"), table={"a": 1})
        self.assertEqual(read(Config, text), expected)

    def test_what_is_wrong_is_said_with_its_place(self) -> None:
        for wrong, words in (
            ("{}", "`names` is missing"),
            ('{"names": "a"}', "`names` must be a list"),
            ('{"names": []}', "`names` must have at least 1 of them"),
            ('{"names": ["a", ""]}', "`names[1]` must have at least 1 characters"),
            ('{"names": ["a"], "share": 2}', "`share` must be at most 1"),
            ('{"names": ["a"], "count": true}', "`count` must be a whole number"),
            ('{"names": ["a"], "count": 0}', "`count` must be at least 1"),
            ('{"names": ["a"], "mode": "x"}', "`mode` must be one of 'mask', 'deny'"),
            ('{"names": ["a"], "inner": {}}', "`inner.word` is missing"),
            ('{"names": ["a"], "table": {"b": "c"}}', "`table.b` must be a whole number"),
            ('{"names": ["a"], "nmae": 1}', "there is no setting `nmae`; there is: names, share, count, mode, inner, table"),
            ("[]", "the configuration must be an object"),
        ):
            with self.assertRaises(ConfigError) as caught:
                read(Config, wrong)
            self.assertEqual(str(caught.exception), words)
        with self.assertRaisesRegex(ConfigError, "not JSON"):
            read(Config, "{")

    def test_no_settings_and_a_dict(self) -> None:
        self.assertIsNone(read(None, ""))
        with self.assertRaisesRegex(ConfigError, "this plugin has none"):
            read(None, '{"a": 1}')
        self.assertEqual(read(dict[str, Any], '{"a": 1}'), {"a": 1})


class SchemaTest(unittest.TestCase):
    def test_it_says_what_is_read(self) -> None:
        schema = json.loads(schema_of(Config))
        self.assertEqual((schema["required"], schema["additionalProperties"]), (["names"], False))
        properties = schema["properties"]
        self.assertEqual(
            properties["names"],
            {"description": "Names.", "type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        )
        self.assertEqual(
            properties["share"], {"description": "A share.", "type": "number", "minimum": 0, "maximum": 1, "default": 0.5}
        )
        self.assertEqual(properties["mode"], {"description": "What to do.", "enum": ["mask", "deny"], "default": "mask"})
        self.assertEqual(properties["inner"]["anyOf"][1], {"type": "null"})
        self.assertEqual(properties["table"]["additionalProperties"], {"type": "integer"})

    def test_a_type_that_json_has_not(self) -> None:
        @settings
        class Odd:
            what: set[str] = setting("A set.")

        with self.assertRaises(TypeError):
            schema_of(Odd)


if __name__ == "__main__":
    unittest.main()
