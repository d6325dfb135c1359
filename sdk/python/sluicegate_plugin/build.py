"""Make a component of the plugin in this folder: `python -m sluicegate_plugin.build`, or `sluicegate-plugin-build`.

`pyproject.toml` says what it is:

    [project]
    name = "codename"            # the plugin's name, and the name of the file: codename.wasm
    version = "0.1.0"
    description = "Masks code names."

    [tool.sluicegate]
    kind = "text-guardrail"      # or request-guardrail, answer-guardrail, router, cache
    module = "codename"          # has one class of that kind; beside pyproject.toml, or in src/
    imports = []                 # of kv, clock, http, embedding, model: what an installation must then grant

The component has what is imported when the module is; there are no files later, and no WASI. Modules of the project and pure Python packages
of the environment can be imported.
"""

import argparse
import importlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import AnswerGuardrail, Cache, Plugin, RequestGuardrail, Router, TextGuardrail
from .plugin import defined_in
from .settings import schema_of

KINDS: dict[str, type[Plugin[Any]]] = {
    "text-guardrail": TextGuardrail,
    "request-guardrail": RequestGuardrail,
    "answer-guardrail": AnswerGuardrail,
    "router": Router,
    "cache": Cache,
}

GRANTED = ["log", "patterns"]
"""What every plugin may import."""

TO_BE_GRANTED = ["kv", "clock", "http", "embedding", "model"]

SDK = Path(__file__).resolve().parent

NOT_STAGED = ["__pycache__", ".*", "*.wasm", "tests", "sluicegate-plugin", "node_modules"]
"""What of the project's folder is no part of the plugin: Python reads what it imports in the build, and writes its caches there."""

NATIVE_ALONE = ["build.py", "testing.py", "__pycache__"]
"""What of the SDK is no part of a component."""


class BuildError(Exception):
    """What is wrong, in words for the author."""


@dataclass(frozen=True)
class Project:
    """What `pyproject.toml` says."""

    folder: Path
    name: str
    version: str
    summary: str
    kind: str
    module: str
    imports: list[str]

    @property
    def sources(self) -> Path:
        """Where its modules are."""
        return self.folder / "src" if (self.folder / "src").is_dir() else self.folder


def read_project(folder: Path) -> Project:
    """Read `pyproject.toml`. Raises `BuildError`."""
    file = folder / "pyproject.toml"
    try:
        manifest = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BuildError(f"there is no {file}") from None
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{file}: {error}") from None
    project, ours = manifest.get("project", {}), manifest.get("tool", {}).get("sluicegate", {})
    read = Project(
        folder,
        _text(project, "project", "name"),
        _text(project, "project", "version"),
        _text(project, "project", "description"),
        _text(ours, "tool.sluicegate", "kind"),
        _text(ours, "tool.sluicegate", "module"),
        ours.get("imports", []),
    )
    if not re.fullmatch(r"[a-z][a-z0-9-]*", read.name):
        raise BuildError(f"the name `{read.name}` must have lower case letters, digits and hyphens only")
    if read.module.partition(".")[0] in sys.stdlib_module_names:
        raise BuildError(f"the module `{read.module}` has the name of one of Python's own")
    if read.kind not in KINDS:
        raise BuildError(f"there is no kind `{read.kind}`; there is: {', '.join(KINDS)}")
    for name in read.imports:
        if name not in TO_BE_GRANTED:
            raise BuildError(f"`imports` cannot name `{name}`; it can: {', '.join(TO_BE_GRANTED)}")
    if unknown := set(ours) - {"kind", "module", "imports"}:
        raise BuildError(f"[tool.sluicegate] has no `{min(unknown)}`; it has: kind, module, imports")
    return read


def _text(table: dict[str, Any], of: str, name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value:
        raise BuildError(f"pyproject.toml must say `{name}` in [{of}], as a text")
    return value


def world(imports: list[str], kind: str) -> str:
    """A world of just these imports, in the contract's own package. A component has all imports of its world, used or not, and each must be
    granted."""
    package = re.search(r"^package .*;", (contract() / "worlds.wit").read_text(encoding="utf-8"), re.MULTILINE)
    lines = [f"    import {name};" for name in GRANTED + imports] + ["    export lifecycle;", f"    export {kind};"]
    return "\n".join([package.group() if package else "", "", "world project {", *lines, "}", ""])


def contract() -> Path:
    """The folder of the contract: beside the SDK in an author's project, above it in the repository."""
    for folder in (SDK.parent / "wit", SDK.parent.parent.parent / "wit"):
        if (folder / "worlds.wit").is_file():
            return folder
    raise BuildError(f"there is no `wit` folder in {SDK.parent}: install the SDK with `pip install -e`, from where it is")


def check(project: Project) -> None:
    """Find what is wrong with the plugin natively, where errors are easier to read. Raises `BuildError`."""
    sys.path.insert(0, str(project.sources))
    try:
        module = importlib.import_module(project.module)
    except ModuleNotFoundError as error:
        raise BuildError(f"importing `{project.module}` from {project.sources}: {error}") from error
    finally:
        sys.path.remove(str(project.sources))
    try:
        found = defined_in(module, KINDS[project.kind])
        if left := getattr(found, "__abstractmethods__", None):
            raise BuildError(f"{found.__name__} must define `{min(left)}`")
        if getattr(found.config_type, "__origin__", None) is not dict:
            schema_of(found.config_type)
    except (LookupError, TypeError) as error:
        raise BuildError(str(error)) from error


def stage(project: Project, into: Path) -> None:
    """Put together what the component is made from: `app`, with the entry, the plugin and the SDK, and `wit`."""
    shutil.copytree(project.sources, into / "app", ignore=_not_staged)
    shutil.copytree(SDK, into / "app" / SDK.name, ignore=shutil.ignore_patterns(*NATIVE_ALONE), dirs_exist_ok=True)
    (into / "app" / f"{ENTRY}.py").write_text(entry(project), encoding="utf-8")
    shutil.copytree(contract(), into / "wit")
    (into / "wit" / "project.wit").write_text(world(project.imports, project.kind), encoding="utf-8")


def _not_staged(folder: str, names: list[str]) -> set[str]:
    environments = {name for name in names if (Path(folder) / name / "pyvenv.cfg").is_file()}
    return environments | shutil.ignore_patterns(*NOT_STAGED)(folder, names)


ENTRY = "sluicegate_component"


def entry(project: Project) -> str:
    """The module that the component starts with. What the generated code calls is found in it by its name."""
    kind = KINDS[project.kind].__name__
    about = f"{project.name!r}, {project.version!r}, {project.summary!r}"
    return f"""\
import {project.module} as module
from sluicegate_plugin import {kind} as Kind
from sluicegate_plugin._component import Lifecycle, start
from sluicegate_plugin._component.{project.kind.replace("-", "_")} import {kind}

start(module, Kind, {about})
"""


def componentize(staged: Path, output: Path) -> None:
    """Run componentize-py. Raises `BuildError`."""
    tool = shutil.which("componentize-py", path=str(Path(sys.executable).parent)) or shutil.which("componentize-py")
    if tool is None:
        raise BuildError("there is no componentize-py: install the SDK as `sluicegate-plugin[build]`")
    options = ["-q", "-d", str(staged / "wit"), "-w", "project", "componentize", ENTRY, "--stub-wasi"]
    command = [tool, *options, "-p", str(staged / "app"), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        # The traceback of the plugin is in the middle of the tool's own.
        said = (done.stderr or done.stdout).partition("\nCaused by:")[0]
        raise BuildError(said.rpartition("AssertionError: ")[2].strip())


def build(folder: Path) -> Path:
    """Make the component of a project, and give its path. Raises `BuildError`."""
    project = read_project(folder)
    check(project)
    with tempfile.TemporaryDirectory() as temporary:
        staged, output = Path(temporary) / "staged", folder / f"{project.name}.wasm"
        staged.mkdir()
        stage(project, staged)
        componentize(staged, staged / output.name)
        shutil.copyfile(staged / output.name, output)
    return output


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="sluicegate-plugin-build", description="Make a component of a plugin: NAME.wasm, in its folder."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="where its pyproject.toml is; by default here")
    try:
        output = build(parser.parse_args().folder.resolve())
    except BuildError as error:
        sys.exit(f"error: {error}")
    print(f"{output.name}  {output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
