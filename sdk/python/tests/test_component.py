"""The edge between the plugin and what is generated from the contract, natively: the generated classes are made, and the gateway's functions
are stood in for. Needs componentize-py."""

import gc
import importlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import ModuleType
from typing import Any

import sluicegate_plugin as sdk
from sluicegate_plugin import _host, build, testing

TOOL = shutil.which("componentize-py", path=str(Path(sys.executable).parent)) or shutil.which("componentize-py")


@unittest.skipUnless(TOOL, "there is no componentize-py")
class EdgeTest(unittest.TestCase):
    folder: "tempfile.TemporaryDirectory[str]"

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        wit = Path(cls.folder.name) / "wit"
        shutil.copytree(build.contract(), wit)
        kinds = "\n    export ".join(f"{kind};" for kind in build.KINDS)
        world = build.world(build.TO_BE_GRANTED, kinds.removesuffix(";"))
        (wit / "project.wit").write_text(world, encoding="utf-8")
        bindings = f"{cls.folder.name}/bindings"
        subprocess.run([TOOL or "", "-q", "-d", wit, "-w", "project", "bindings", bindings], check=True)
        sys.path.insert(0, bindings)

    @classmethod
    def tearDownClass(cls) -> None:
        sys.path.pop(0)
        cls.folder.cleanup()

    def setUp(self) -> None:
        self.output, self.errors = sys.stdout, sys.stderr
        self.logged: list[tuple[str, str]] = []
        log = importlib.import_module("wit_world.imports.log")
        setattr(log, "write", lambda level, line: self.logged.append((level.name, line)))
        self.wit = importlib.import_module("wit_world.imports.types")
        self.err = importlib.import_module("componentize_py_types").Err

    def tearDown(self) -> None:
        sys.stdout, sys.stderr = self.output, self.errors
        gc.enable()
        gc.unfreeze()
        _host.install(testing.host)

    def start(self, plugin: type[sdk.Plugin[Any]], kind: str, config: str = "") -> tuple[Any, Any]:
        """The plugin configured, as what it exports, and the generated classes of its interface."""
        component = importlib.import_module("sluicegate_plugin._component")
        # It could not be undone here.
        setattr(component, "seal", lambda: None)
        module = ModuleType(plugin.__module__)
        setattr(module, "Plugin", plugin)
        component.start(module, build.KINDS[kind], "name", "0.1.0", "Summary.")
        component.Lifecycle().configure(config)
        name = kind.replace("-", "_")
        exported = importlib.import_module(f"sluicegate_plugin._component.{name}")
        return getattr(exported, build.KINDS[kind].__name__)(), importlib.import_module(f"wit_world.exports.{name}")

    def segment(self, text: str, id: int = 0) -> Any:
        return self.wit.Segment(id, self.wit.Role.USER, self.wit.Channel.TOOL_RESULT, 0, "crm", text)

    def request(self, *texts: str) -> Any:
        exchange = self.wit.Exchange("e", "t", None, "s", 2, "m", True, [("a", "b")])
        tools = [self.wit.ToolDefinition("look", "Looks.", "{}")]
        segments = [self.segment(text, id) for id, text in enumerate(texts)]
        return self.wit.Request(exchange, segments, tools, None, 7)

    def answer(self, text: str) -> Any:
        return self.wit.Answer("t", [self.segment(text, 4)], self.wit.Finish.LENGTH, self.wit.Usage(1, 2, 3, 4))

    def test_a_window_and_its_verdict(self) -> None:
        class Masks(sdk.TextGuardrail[None]):
            def inspect(self, window: sdk.Window) -> sdk.TextVerdict:
                assert (window.phase, window.role, window.channel) == ("answer", "assistant", "reasoning")
                at = window.text.index("x")
                assert at >= window.context == 2
                finding = sdk.Finding.at(at, at + 99, "x", 0.5)
                return sdk.TextVerdict.edit([sdk.Edit.mask(at, at + 1, "*")], findings=[finding], hold=99)

        guardrail, text = self.start(Masks, "text-guardrail")
        facts = (self.wit.Phase.ANSWER, self.wit.Role.ASSISTANT, self.wit.Channel.REASONING)
        # The context ends in the middle of the emoji's modifier: that is looked at again.
        (verdict,) = guardrail.inspect([text.Window(*facts, "é👍🏽 x€", 7, False)])
        self.assertEqual(verdict.action, text.Action_Edit([self.wit.Edit(self.wit.Span(11, 12), "*", False)]))
        self.assertEqual(verdict.findings, [self.wit.Finding("x", self.wit.Span(11, 15), 0.5)])
        # No more is held back than is undecided.
        self.assertEqual(verdict.hold, 9)
        (verdict,) = guardrail.inspect([text.Window(*facts, "é👍x", 6, True)])
        self.assertEqual(verdict.hold, 0)

    def test_a_denial_and_an_allowance(self) -> None:
        class Short(sdk.TextGuardrail[None]):
            def inspect(self, window: sdk.Window) -> sdk.TextVerdict:
                long = len(window.text) > 3
                return sdk.TextVerdict.deny("long", "Too long.", "4") if long else sdk.TextVerdict.edit([])

        guardrail, text = self.start(Short, "text-guardrail")
        facts = (self.wit.Phase.REQUEST, self.wit.Role.USER, self.wit.Channel.CONTENT)
        verdicts = guardrail.inspect([text.Window(*facts, "😀😀😀", 0, True), text.Window(*facts, "four", 0, True)])
        self.assertEqual(verdicts[0].action, text.Action_Allow())
        self.assertEqual(verdicts[1].action, text.Action_Deny(self.wit.Denial("long", "Too long.", "4")))

    def test_a_request_and_its_verdict(self) -> None:
        class Masks(sdk.RequestGuardrail[None]):
            def check(self, request: sdk.Request) -> sdk.RequestVerdict:
                exchange = sdk.Exchange("e", "t", None, "s", 2, "m", True, [("a", "b")])
                assert (request.exchange, request.tokens_estimate) == (exchange, 7)
                assert request.segments[1] == sdk.Segment("😀b", sdk.Role.USER, sdk.Channel.TOOL_RESULT, 1, 0, "crm")
                edits = [(each.id, sdk.Edit.mask(1, 2, "*")) for each in request.segments]
                return sdk.RequestVerdict.edit(edits, findings=[sdk.Finding.at(1, 2, "second")])

        guardrail, module = self.start(Masks, "request-guardrail")
        verdict = guardrail.check(self.request("ab", "😀b"))
        spans = [(id, edit.span.start, edit.span.end) for id, edit in verdict.action.value]
        self.assertEqual((spans, type(verdict.action)), ([(0, 1, 2), (1, 4, 5)], module.Action_Edit))
        self.assertEqual(verdict.findings, [self.wit.Finding("second", None, 1.0)])

    def test_an_answer_and_its_verdict(self) -> None:
        class Whole(sdk.AnswerGuardrail[None]):
            def check(self, request: sdk.Request, answer: sdk.Answer) -> sdk.AnswerVerdict:
                assert (answer.finish, answer.usage) == (sdk.Finish.LENGTH, sdk.Usage(1, 2, 3, 4))
                if answer.segments[0].text == "é":
                    return sdk.AnswerVerdict.retry("Finish it.")
                return sdk.AnswerVerdict.edit([(answer.segments[0].id, sdk.Edit.restored(1, 2, "{n}"))])

        guardrail, module = self.start(Whole, "answer-guardrail")
        self.assertEqual(guardrail.check(self.request(), self.answer("é")).action, module.Action_Retry("Finish it."))
        (edit,) = guardrail.check(self.request(), self.answer("éa")).action.value
        self.assertEqual(edit, (4, self.wit.Edit(self.wit.Span(2, 3), "{n}", True)))

    def test_all_decisions_of_a_router(self) -> None:
        made = [
            sdk.Routing.unchanged(),
            sdk.Routing.targets([1], on_rejection=[0], intent="code"),
            sdk.Routing.answer("Hello."),
            sdk.Routing.escalate("desk", "Wait."),
            sdk.Routing.deny("no", "No."),
            sdk.Routing.targets([], on_rejection=[0], intent="chat"),
        ]

        class Each(sdk.Router[None]):
            def route(self, request: sdk.Request, targets: list[sdk.Target]) -> sdk.Routing:
                assert targets == [sdk.Target("a", "p", "m", ["small"], False, 3, None, 0.5, None, 1000)]
                return made[int(request.segments[0].text)]

        router, module = self.start(Each, "router")
        target = module.Target("a", "p", "m", ["small"], False, 3, None, 0.5, None, 1000)
        said = [router.route(self.request(str(index)), [target]) for index in range(len(made))]
        self.assertEqual(
            [each.decision for each in said],
            [
                module.Decision_Unchanged(),
                module.Decision_Targets([1]),
                module.Decision_Answer(module.CannedAnswer("Hello.")),
                module.Decision_Escalate(module.Escalation("desk", "Wait.")),
                module.Decision_Deny(self.wit.Denial("no", "No.", None)),
                module.Decision_Unchanged(),
            ],
        )
        self.assertEqual((said[1].on_rejection, said[1].intent), ([0], "code"))
        self.assertEqual((said[5].on_rejection, said[5].intent), ([], "chat"))

    def test_a_cache(self) -> None:
        class Memory(sdk.Cache[None]):
            def plan(self, request: sdk.Request, findings: list[sdk.Finding]) -> sdk.Lookup | None:
                return None if findings else sdk.Lookup("k", sdk.ByMeaning("k", 0.5))

            def admit(self, request: sdk.Request, answer: sdk.Answer, findings: list[sdk.Finding]) -> sdk.Admission | None:
                return sdk.Admission(5) if answer.segments[0].text else None

        cache, module = self.start(Memory, "cache")
        finding = self.wit.Finding("email", self.wit.Span(0, 1), 1.0)
        self.assertEqual(cache.plan(self.request(), [finding]), module.Intention_Bypass())
        lookup = module.Lookup("k", module.ByMeaning("k", 0.5), 2**64 - 1)
        self.assertEqual(cache.plan(self.request(), []), module.Intention_LookUp(lookup))
        self.assertFalse(cache.accept(self.request(), module.Candidate("q", self.answer(""), 0.9, 1)))
        self.assertEqual(cache.admit(self.request(), self.answer("a"), []), module.Admission(5))
        self.assertIsNone(cache.admit(self.request(), self.answer(""), []))

    def test_errors_say_no_text_of_the_exchange(self) -> None:
        errors: list[Exception] = [sdk.Unsupported("pictures"), sdk.Unavailable("the store"), sdk.PluginError("odd")]

        class Fails(sdk.RequestGuardrail[None]):
            def check(self, request: sdk.Request) -> sdk.RequestVerdict:
                if errors:
                    raise errors.pop(0)
                raise KeyError(request.segments[0].text)

        guardrail, _ = self.start(Fails, "request-guardrail")
        said: list[Any] = []
        while len(said) < 4:
            with self.assertRaises(self.err) as caught:
                guardrail.check(self.request("secret"))
            said.append(caught.exception.value)
        self.assertEqual(said[0], self.wit.PluginError_Unsupported("pictures"))
        self.assertEqual(said[1], self.wit.PluginError_Unavailable("the store"))
        self.assertEqual(said[2], self.wit.PluginError_Other("odd"))
        self.assertRegex(said[3].value, r"^KeyError at test_component\.py:\d+$")

    def test_a_configuration_that_is_refused(self) -> None:
        class Fussy(sdk.Router[dict[str, Any]]):
            config_schema = "{}"

            def __init__(self, config: dict[str, Any]) -> None:
                if not config:
                    raise sdk.ConfigError("say something")
                self.said = config["what"]

            def route(self, request: sdk.Request, targets: list[sdk.Target]) -> sdk.Routing:
                return sdk.Routing.answer(self.said)

        router, module = self.start(Fussy, "router", '{"what": "é"}')
        self.assertEqual(router.route(self.request(), []).decision, module.Decision_Answer(module.CannedAnswer("é")))
        for config, words in (("", "say something"), ('{"a": 1}', r"KeyError at test_component\.py:\d+: 'what'")):
            with self.assertRaises(self.err) as caught:
                self.start(Fussy, "router", config)
            self.assertRegex(caught.exception.value, words)

    def test_the_functions_of_the_gateway(self) -> None:
        host = importlib.import_module("sluicegate_plugin._component.host").ComponentHost()
        imports: dict[str, Any] = {
            name: importlib.import_module(f"wit_world.imports.{name}") for name in ("patterns", "kv", "http", "model")
        }
        span = self.wit.Span
        imports["patterns"].find = lambda set, text: [imports["patterns"].Match(1, span(2, 6)), imports["patterns"].Match(0, span(6, 7))]
        self.assertEqual(host.find(0, "é😀a"), [(1, 1, 2), (0, 2, 3)])

        def fails(error: Any) -> Any:
            def call(*_: Any) -> Any:
                raise self.err(error)

            return call

        imports["patterns"].compile = fails("an odd one")
        with self.assertRaisesRegex(sdk.ConfigError, "an odd one"):
            host.compile(["("])
        imports["kv"].get = fails(imports["kv"].KvError_TooLarge())
        with self.assertRaises(sdk.kv.TooLarge):
            host.kv_get("k")
        imports["http"].send = fails(imports["http"].HttpError_Timeout())
        with self.assertRaises(sdk.http.Timeout):
            host.send(sdk.http.Request("crm"))
        imports["http"].send = lambda asked: imports["http"].HttpResponse(200, asked.headers, asked.body)
        self.assertEqual(host.send(sdk.http.Request("crm", body=b"x")), sdk.http.Response(200, [], b"x"))
        imports["model"].complete = fails("no grant")
        with self.assertRaisesRegex(sdk.Unavailable, "no grant"):
            host.complete(sdk.model.Prompt("judge", "?", 5))

    def test_what_is_imported_too_late(self) -> None:
        refuse = importlib.import_module("sluicegate_plugin._component")._refuse
        refuse("exec", ())
        with self.assertRaisesRegex(sdk.PluginError, "`csv` is imported too late"):
            refuse("import", ("csv", None))
        with self.assertRaisesRegex(sdk.PluginError, "no files"):
            refuse("open", ("words.txt", "r", 0))

    def test_print_writes_to_the_log(self) -> None:
        output = importlib.import_module("sluicegate_plugin._component.host").Output()
        print("one", 2, file=output)
        print("three\nfour", end="", file=output)
        output.flush()
        self.assertEqual(self.logged, [("INFO", "one 2"), ("INFO", "three"), ("INFO", "four")])


if __name__ == "__main__":
    unittest.main()
