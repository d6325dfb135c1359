"""What a build says of a project that is not right, and what it puts together of one that is."""

import tempfile
import unittest
from pathlib import Path

from sluicegate_plugin import build

MANIFEST = """
[project]
name = "shout"
version = "0.1.0"
description = "Says \\"no\\"."

[tool.sluicegate]
kind = "text-guardrail"
module = "shout"
imports = ["kv"]
"""

PLUGIN = """
from sluicegate_plugin import TextGuardrail, TextVerdict, Window

class Shout(TextGuardrail[None]):
    def inspect(self, window: Window) -> TextVerdict:
        return TextVerdict.allow()
"""


class BuildTest(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name) / "project"
        self.folder.mkdir()

    def project(self, old: str = "", new: str = "") -> build.Project:
        assert old in MANIFEST
        (self.folder / "pyproject.toml").write_text(MANIFEST.replace(old, new, 1), encoding="utf-8")
        return build.read_project(self.folder)

    def test_a_manifest_that_is_not_right(self) -> None:
        for old, new, words in (
            ('version = "0.1.0"', "", "must say `version` in [project]"),
            ('name = "shout"', 'name = "Shout"', "lower case letters"),
            ('kind = "text-guardrail"', 'kind = "text"', "there is no kind `text`; there is: text-guardrail, "),
            ('imports = ["kv"]', 'imports = ["log"]', "`imports` cannot name `log`; it can: kv, "),
            ('imports = ["kv"]', "grants = []", "[tool.sluicegate] has no `grants`"),
            ('module = "shout"', 'module = "json"', "one of Python's own"),
            ('module = "shout"', "module = 7", "must say `module` in [tool.sluicegate]"),
            ("[project]", "[project", "pyproject.toml"),
        ):
            with self.assertRaises(build.BuildError) as caught:
                self.project(old, new)
            self.assertIn(words, str(caught.exception))
        (self.folder / "pyproject.toml").unlink()
        with self.assertRaisesRegex(build.BuildError, "there is no .*pyproject.toml"):
            build.read_project(self.folder)

    def test_a_module_that_is_not_right(self) -> None:
        two = PLUGIN + "\n\nclass Other(Shout):\n    pass\n"
        for name, text, words in (
            ("absent", None, "importing `absent`"),
            ("empty", "", "must define one subclass of TextGuardrail; there is: none"),
            ("two", two, "there is: Shout, Other"),
            ("half", PLUGIN.replace("def inspect", "def look"), "Shout must define `inspect`"),
            ("typed", PLUGIN.replace("import ", "import settings, ", 1).replace("[None]", "[Odd]").replace(
                "class Shout", "@settings\nclass Odd:\n    a: bytes\n\nclass Shout"), "a setting cannot be of the type"),
        ):
            if text is not None:
                (self.folder / f"{name}.py").write_text(text, encoding="utf-8")
            with self.assertRaises(build.BuildError) as caught:
                build.check(self.project('module = "shout"', f'module = "{name}"'))
            self.assertIn(words, str(caught.exception))

    def test_what_is_put_together(self) -> None:
        for folder in ("tests", "env", ".git", "sluicegate-plugin", "words"):
            (self.folder / folder).mkdir()
            (self.folder / folder / "x.py").touch()
        (self.folder / "env" / "pyvenv.cfg").touch()
        (self.folder / "shout.py").write_text(PLUGIN, encoding="utf-8")
        project, staged = self.project(), self.folder.parent / "staged"
        build.check(project)
        build.stage(project, staged)
        names = {path.name for path in (staged / "app").iterdir()}
        self.assertEqual(
            names, {"pyproject.toml", "shout.py", "words", "sluicegate_plugin", "sluicegate_component.py"}
        )
        self.assertFalse((staged / "app" / "sluicegate_plugin" / "testing.py").exists())
        world = (staged / "wit" / "project.wit").read_text(encoding="utf-8")
        self.assertRegex(world, r"^package sluicegate:plugin@[0-9.]+;\n")
        imports = [line.strip() for line in world.splitlines() if "import" in line]
        self.assertEqual(imports, ["import log;", "import patterns;", "import kv;"])
        compile((staged / "app" / "sluicegate_component.py").read_text(encoding="utf-8"), "entry", "exec")


if __name__ == "__main__":
    unittest.main()
