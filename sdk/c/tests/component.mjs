// Runs everything.wasm as a component, by another implementation of the canonical ABI than the gateway's: what is handed in
// must come out again. `make test-component`.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2] ?? "build/component");
const { instantiate } = await import(pathToFileURL(join(folder, "everything.js")));
const text = (bytes) => new TextDecoder().decode(bytes);
const fail = (tag, val) => { throw { payload: { tag, val } }; };

async function instance(config = "{}") {
  const store = new Map(), lines = [], sent = [];
  const imports = {
    log: { write: (level, message) => void lines.push(`${level} ${message}`) },
    patterns: {
      compile: (expressions) => (assert.deepEqual(expressions, ["[0-9]+", "(?i)secret"]), 4),
      find: (set, text) => (assert.equal(set, 4), [...text.matchAll(/[0-9]+|secret/g)].map((match) => ({
        expression: match[0] === "secret" ? 1 : 0,
        span: { start: match.index, end: match.index + match[0].length },
      }))),
      prefilter: () => undefined,
    },
    kv: {
      get: (key) => store.get(key),
      set: (key, value, ttl) => (key.length > 512 ? fail("too-large") : void (store.set(key, value), sent.push(ttl))),
      delete: (key) => void store.delete(key),
      increment: (key, by, ttl) => {
        sent.push(ttl);
        store.set(key, (store.get(key) ?? 0n) + by);
        return store.get(key);
      },
    },
    clock: { nowMs: () => 1n << 40n },
    http: {
      send: (request) => {
        sent.push(request);
        return { status: 418, headers: request.headers, body: request.body };
      },
    },
    embedding: { embed: (texts) => texts.map((text) => new Float32Array(text === "three" ? [1, 0] : [0, 1])) },
    model: { complete: (prompt) => `${prompt.target} ${prompt.system} ${prompt.user} ${prompt.outputTokensMax} ${prompt.answerSchema}` },
  };
  const named = Object.fromEntries(Object.entries(imports).flatMap(([name, value]) =>
    [[`sluicegate:plugin/${name}`, value], [`sluicegate:plugin/${name}@0.1.0`, value]]));
  const core = async (path) => WebAssembly.compile(await readFile(join(folder, path)));
  const plugin = await instantiate(core, { ...named, "sluicegate:plugin/types": {}, "sluicegate:plugin/types@0.1.0": {} });
  plugin.lifecycle.configure(config);
  return { ...plugin, lines, sent };
}

const window = (text, rest) => ({ phase: "request", role: "user", channel: "content", text, context: 0, final: true, ...rest });
const inspect = async (text, rest) => (await instance()).textGuardrail.inspect([window(text, rest)])[0];
const rules = (findings) => findings.map((finding) => finding.rule);
const exchange = {
  id: "id", tenant: "tenant", user: "user", session: undefined, step: 3, model: "model", streaming: true,
  attributes: [["a", "1"], ["b", "2"]],
};
const segment = (id, text, rest) => ({ id, role: "user", channel: "content", choice: 0, name: undefined, text, ...rest });
const request = (text, rest) => ({
  exchange, segments: [segment(8, "be brief", { role: "system", name: "ann" }), segment(9, text)],
  tools: [{ name: "track", description: "finds", parameters: "{}" }], answerSchema: "{1}", tokensEstimate: 70000, ...rest,
});
const answer = (text, rest) => ({
  target: "target", segments: [segment(5, text, { role: "assistant" })], finish: "stop",
  usage: { inputTokens: 1, cachedInputTokens: 2, outputTokens: 3, reasoningTokens: 4 }, ...rest,
});
const shown = (text) => `id tenant user - 3 model streaming {1} 70000 a=1 b=2 8:0:ann:be brief 9:100:-:${text} track/finds/{}`;

test("it says what it is", async () => {
  const described = (await instance()).lifecycle.describe();
  assert.deepEqual([described.name, described.version, described.summary], ["everything", "1.2.3", "All there is."]);
  assert.equal(JSON.parse(described.configSchema).properties.word.default, "wörd");
});

test("a configuration is read", async () => {
  await assert.rejects(instance('{"flag": true}'), (error) => error.payload === "the flag is set");
  await assert.rejects(instance('{"list": []}'), (error) => error.payload === "`list` must not be empty");
});

test("windows come in, verdicts go out", async () => {
  assert.deepEqual(await inspect("all is well"), { action: { tag: "allow" }, findings: [], hold: 0 });
  const shown = await inspect("window", { phase: "answer", role: "tool", channel: "other", context: 3, final: false });
  assert.deepEqual(rules(shown.findings), ["138", "3", "open"]);
  assert.deepEqual(shown.findings.map((finding) => finding.score), [1, 0, 0.25]);
  assert.equal(shown.hold, 1);
  const edited = await inspect("a 12 b 345");
  assert.deepEqual(edited.action, { tag: "edit", val: [
    { span: { start: 2, end: 4 }, replacement: "[{n}]", restore: true },
    { span: { start: 7, end: 10 }, replacement: "[{n}]", restore: true },
  ] });
  assert.deepEqual(edited.findings[1], { rule: "match", span: { start: 7, end: 10 }, score: 1 });
  const denied = await inspect("secret");
  assert.deepEqual(denied.action, { tag: "deny", val: { code: "secret", reason: "No secrets.", detail: "There was one." } });
  const owl = await inspect("e🦉", { final: false });
  assert.deepEqual(owl.action.val, [{ span: { start: 1, end: 5 }, replacement: "owl", restore: false }]);
  assert.equal(owl.hold, 4);
});

test("many windows, long ones and none", async () => {
  const { textGuardrail } = await instance();
  assert.deepEqual(textGuardrail.inspect([]), []);
  const long = "x".repeat(1 << 20);
  const verdicts = textGuardrail.inspect([...Array(500).fill(window("1")), window(""), window(long + "7")]);
  assert.equal(verdicts.length, 502);
  assert.equal(verdicts[499].action.tag, "edit");
  assert.deepEqual(verdicts[501].action.val[0].span, { start: 1 << 20, end: (1 << 20) + 1 });
});

test("errors are told apart", async () => {
  await assert.rejects(inspect("unsupported"), (error) => error.payload.tag === "unsupported" && error.payload.val === "not that");
  const { requestGuardrail } = await instance();
  const unavailable = (error) => error.payload.tag === "unavailable" && error.payload.val === "nobody has said anything";
  assert.throws(() => requestGuardrail.check(request("", { segments: [] })), unavailable);
  assert.throws(() => requestGuardrail.check(request("elsewhere")), (error) => error.payload.tag === "other");
});

test("host functions are given and give", async () => {
  const run = async (text) => {
    const plugin = await instance();
    const { findings } = plugin.textGuardrail.inspect([window(text)])[0];
    return [rules(findings), plugin.sent, findings];
  };
  assert.deepEqual((await run("kv")).slice(0, 2), [["value", "nothing", "-2"], [1000n, undefined, undefined]]);
  assert.deepEqual((await run("kv-too-large"))[0], ["too-large"]);
  assert.deepEqual((await run("clock"))[0], [`${1n << 40n}`]);
  const [said, [sent]] = await run("http");
  assert.deepEqual(said, ["418", "b", "body"]);
  assert.deepEqual({ ...sent, body: text(sent.body) },
    { destination: "crm", method: "POST", path: "/p", headers: [["x-a", "b"]], body: "body" });
  assert.deepEqual((await run("embedding"))[2].map((finding) => finding.score), [1, 0]);
  assert.deepEqual((await run("model"))[0], ["judge system user 7 undefined"]);
  const products = [`${-3037000499n * 3037000500n}`, "over", "over"];
  assert.deepEqual((await run("libc"))[0], ["aab", ...products]);
});

for (const [mistake, words] of Object.entries({
  index: "an index out of bounds", cut: "a cut out of bounds", overflow: "", null: "", array: "", stack: "", alloc: "a size overflows",
  memory: "out of memory", assert: "length == 0",
})) {
  test(`a mistake ends in a trap: ${mistake}`, async () => {
    const plugin = await instance();
    assert.throws(() => plugin.textGuardrail.inspect([window(`trap-${mistake}`)]), WebAssembly.RuntimeError);
    assert.equal(plugin.lines.length, words === "" ? 0 : 1, plugin.lines.join());
    assert.ok(words === "" || plugin.lines[0].startsWith("error panicked at ") && plugin.lines[0].endsWith(words), plugin.lines[0]);
  });
}

test("requests are judged", async () => {
  const { requestGuardrail } = await instance();
  assert.deepEqual(requestGuardrail.check(request("äb")), {
    action: { tag: "edit", val: [[9, { span: { start: 0, end: 2 }, replacement: "*", restore: false }]] },
    findings: [{ rule: shown("äb"), span: undefined, score: 1 }],
  });
  assert.deepEqual(requestGuardrail.check(request("deny")).action, { tag: "deny", val: { code: "denied", reason: "No.", detail: undefined } });
  assert.deepEqual(requestGuardrail.check(request("")).action, { tag: "allow" });
});

test("answers are judged", async () => {
  const { answerGuardrail } = await instance();
  const { action, findings } = answerGuardrail.check(request("q"), answer("äb", { finish: "content-filter" }));
  assert.deepEqual(action, { tag: "edit", val: [[5, { span: { start: 0, end: 3 }, replacement: "<{n}>", restore: true }]] });
  assert.deepEqual(rules(findings), [shown("q"), "target", "3", "1234"]);
  assert.deepEqual(answerGuardrail.check(request("q"), answer("retry")).action, { tag: "retry", val: "Say more." });
  assert.equal(answerGuardrail.check(request("q"), answer("deny")).action.val.code, "denied");
  assert.equal(answerGuardrail.check(request("q"), answer("x", { usage: undefined })).findings[3].rule, "-");
});

test("requests are routed", async () => {
  const { router } = await instance();
  const target = (name, rest) => ({
    name, provider: "p", model: "m", tags: ["x", "y"], healthy: true, inFlight: 2, firstTokenMs: 40,
    inputDollarsPerMillion: 1.5, outputDollarsPerMillion: 2.25, contextTokens: 128000, ...rest,
  });
  const targets = [target("one"), target("two", { tags: [], healthy: false, firstTokenMs: undefined, contextTokens: undefined })];
  const routing = router.route(request("go"), targets);
  assert.deepEqual(routing.decision, { tag: "targets", val: new Uint32Array([1, 0]) });
  assert.deepEqual([...routing.onRejection], [0, 1]);
  assert.equal(routing.intent, "go");
  assert.deepEqual(rules(routing.findings), ["one p m up 2 40 150 225 128000 xy", "two p m down 2 -1 150 225 0 "]);
  assert.deepEqual(router.route(request("answer"), targets).decision, { tag: "answer", val: { text: "Mine." } });
  assert.deepEqual(router.route(request("escalate"), targets).decision, { tag: "escalate", val: { queue: "queue", text: "Wait." } });
  assert.equal(router.route(request("deny"), targets).decision.val.reason, "No.");
  assert.throws(() => router.route(request("twice"), targets), (error) => /twice/.test(error.payload.val));
  assert.throws(() => router.route(request("past"), targets), (error) => /not there/.test(error.payload.val));
});

test("answers are remembered", async () => {
  const { cache } = await instance();
  const finding = (rule, score) => ({ rule, span: undefined, score });
  assert.deepEqual(cache.plan(request("q"), []), { tag: "bypass" });
  assert.deepEqual(cache.plan(request("q"), [finding("key", 1)]),
    { tag: "look-up", val: { key: "key", byMeaning: undefined, ageMsMax: 1n << 40n } });
  assert.deepEqual(cache.plan(request("q"), [finding("key", 1), finding("b", 0.5)]).val.byMeaning, { text: shown("q"), threshold: 0.5 });
  const candidate = { question: "same", answer: answer("same"), similarity: 0.75, ageMs: 1n << 33n };
  assert.equal(cache.accept(request("q"), candidate), true);
  assert.equal(cache.accept(request("q"), { ...candidate, question: "other" }), false);
  assert.equal(cache.admit(request("q"), answer("a"), []), undefined);
  assert.deepEqual(cache.admit(request("q"), answer("a"), [finding("x", 1)]), { ttlMs: 1n << 35n });
  assert.throws(() => cache.admit(request("q"), answer("a", { finish: "length" }), []), (error) => error.payload.val === "it did not stop");
});
