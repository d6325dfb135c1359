import assert from "node:assert/strict";
import { test } from "node:test";

import * as sdk from "../src/index.js";
import { exported } from "../src/export.js";

const ABOUT = { name: "it", version: "1.2.3", summary: "It is." };

/** As the host has it: bytes, `null` for what is absent. @param {any} plugin @param {string} [config] */
function component(plugin, config = "") {
  const it = /** @type {any} */ (exported(plugin, plugin.kind, ABOUT));
  it.lifecycle.configure(config);
  return it;
}

const window = (/** @type {string} */ text, other = {}) => ({ phase: "request", role: "user", channel: "content", text, context: 0, final: true, ...other });
const segment = (/** @type {number} */ id, /** @type {string} */ text) => ({ id, role: "user", channel: "content", choice: 0, name: null, text });
const request = { exchange: { id: "e", user: null }, segments: [segment(3, "é🦉 one"), segment(5, "two")], tools: [], answerSchema: null, tokensEstimate: 1 };

/** @param {() => unknown} call */
function thrown(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("a plugin says what it is, by itself or by its package", () => {
  const bare = sdk.textGuardrail({ configure: () => ({ inspect: () => ({}) }) });
  assert.deepEqual(component(bare).lifecycle.describe(), { ...ABOUT, configSchema: undefined });
  const own = { name: "own", version: "9.0.0", summary: "Own.", configSchema: { type: "object" } };
  assert.deepEqual(component({ ...bare, ...own }).lifecycle.describe(), { ...own, configSchema: '{"type":"object"}' });
});

test("a configuration has the defaults of its schema", () => {
  const inner = { type: "object", properties: { deep: { default: 7 } } };
  const configSchema = { properties: { list: { default: ["a"] }, inner, items: { items: inner }, word: {} } };
  /** @type {any} */
  let seen;
  const plugin = sdk.textGuardrail({ configSchema, configure: (config) => ((seen = config), { inspect: () => ({}) }) });
  component(plugin, '{"inner": {}, "items": [{}], "word": "w"}');
  assert.deepEqual(seen, { list: ["a"], inner: { deep: 7 }, items: [{ deep: 7 }], word: "w" });
  component(plugin);
  assert.deepEqual(seen, { list: ["a"] });
});

test("what is wrong with a configuration is a sentence", () => {
  const failing = (/** @type {() => any} */ configure) => thrown(() => component(sdk.router({ configure })));
  assert.equal(failing(() => { throw new Error("there is no such tag"); }), "there is no such tag");
  assert.match(String(failing(() => /** @type {any} */ (undefined).x)), /^TypeError: /);
  assert.equal(failing(() => ({})), "`configure` must return an object with the function `route`");
  assert.equal(failing(async () => ({})), "what `configure` returns must not be a promise: the functions of a plugin are not async");
  assert.equal(failing(() => sdk.clock.nowMs()), '"clock" cannot be used in `configure`');
  const other = exported(sdk.router({ configure: () => ({ route: () => ({}) }) }), "cache", ABOUT);
  assert.match(String(thrown(() => /** @type {any} */ (other).lifecycle.configure(""))), /is a router; package.json says that it is a cache/);
});

test("an author counts in code units, and the host in bytes", () => {
  /** @type {any} */
  let seen;
  const plugin = sdk.textGuardrail({
    configure: () => ({
      inspect(window) {
        seen = window;
        const span = { start: 2, end: 5 };
        return { edits: [sdk.mask(span, "x"), sdk.restore({ start: 1, end: 2 }, "y{n}")], findings: [sdk.finding("r", span, 0.5), { rule: "s" }], hold: 2 };
      },
    }),
  });
  const [verdict] = component(plugin).textGuardrail.inspect([window("é🦉e\u0301 🦉", { context: 6, final: false })]);
  assert.equal(seen.context, 3);
  assert.deepEqual(verdict, {
    action: {
      tag: "edit",
      val: [
        // The start lies inside the first owl, and covers it.
        { span: { start: 2, end: 9 }, replacement: "x", restore: false },
        { span: { start: 2, end: 6 }, replacement: "y{n}", restore: true },
      ],
    },
    findings: [{ rule: "r", span: { start: 2, end: 9 }, score: 0.5 }, { rule: "s", span: undefined, score: 1 }],
    hold: 4,
  });
});

test("a hold covers characters that it reaches into, and no more than there is", () => {
  const holding = (/** @type {number} */ hold, /** @type {string} */ text) =>
    component(sdk.textGuardrail({ configure: () => ({ inspect: () => ({ hold }) }) })).textGuardrail.inspect([window(text)])[0].hold;
  assert.deepEqual([holding(1, "a🦉"), holding(2, "a🦉"), holding(99, "a🦉"), holding(-1, "a"), holding(2, "abc")], [4, 4, 5, 0, 2]);
});

test("nothing said allows, and a denial outdoes edits", () => {
  const said = (/** @type {any} */ verdict) =>
    component(sdk.textGuardrail({ configure: () => ({ inspect: () => verdict }) })).textGuardrail.inspect([window("a")])[0].action;
  assert.deepEqual([said(undefined), said({}), said({ edits: [] })], [{ tag: "allow" }, { tag: "allow" }, { tag: "allow" }]);
  const deny = { code: "c", reason: "r" };
  assert.deepEqual(said({ deny, edits: [sdk.mask({ start: 0, end: 1 }, "")] }), { tag: "deny", val: { ...deny, detail: undefined } });
});

test("edits and findings of a request are about its segments", () => {
  /** @type {any} */
  let seen;
  const plugin = sdk.requestGuardrail({
    configure: () => ({
      check(request) {
        seen = request;
        const span = { start: 4, end: 7 };
        return { edits: [{ segment: 3, ...sdk.mask(span, "x") }], findings: [{ rule: "r", segment: 3, span }, { rule: "s", span }] };
      },
    }),
  });
  const verdict = component(plugin).requestGuardrail.check(structuredClone(request));
  assert.equal(seen.exchange.user, undefined);
  assert.equal(seen.segments[0].name, undefined);
  const span = { start: 7, end: 10 };
  assert.deepEqual(verdict, {
    action: { tag: "edit", val: [[3, { span, replacement: "x", restore: false }]] },
    findings: [{ rule: "r", span, score: 1 }, { rule: "s", span: undefined, score: 1 }],
  });
  const astray = sdk.requestGuardrail({ configure: () => ({ check: () => ({ edits: [{ segment: 4, ...sdk.mask({ start: 0, end: 1 }, "") }] }) }) });
  assert.match(/** @type {any} */ (thrown(() => component(astray).requestGuardrail.check(structuredClone(request)))).val, /id of a segment/);
});

test("an answer can be asked for again", () => {
  const plugin = sdk.answerGuardrail({ configure: () => ({ check: () => ({ retry: "Once more." }) }) });
  const answer = { target: "t", segments: [segment(0, "é")], finish: "stop", usage: null };
  const verdict = component(plugin).answerGuardrail.check(structuredClone(request), answer);
  assert.deepEqual(verdict, { action: { tag: "retry", val: "Once more." }, findings: [] });
});

test("a router decides one thing", () => {
  const routed = (/** @type {any} */ routing) =>
    component(sdk.router({ configure: () => ({ route: () => routing }) })).router.route(structuredClone(request), []);
  const rest = { onRejection: [], intent: undefined, findings: [] };
  assert.deepEqual(routed(undefined), { decision: { tag: "unchanged" }, ...rest });
  assert.deepEqual(routed({ targets: [] }), { decision: { tag: "unchanged" }, ...rest });
  assert.deepEqual(routed({ targets: [2, 0], onRejection: [1], intent: "i", findings: [{ rule: "r" }] }), {
    decision: { tag: "targets", val: [2, 0] }, onRejection: [1], intent: "i", findings: [{ rule: "r", span: undefined, score: 1 }],
  });
  assert.deepEqual(routed({ answer: "Hi.", targets: [0] }).decision, { tag: "answer", val: { text: "Hi." } });
  assert.deepEqual(routed({ escalate: { queue: "q", text: "t" } }).decision, { tag: "escalate", val: { queue: "q", text: "t" } });
  assert.deepEqual(routed({ deny: { code: "c", reason: "r" } }).decision.tag, "deny");
});

test("a cache plans, accepts and admits", () => {
  const plugin = (/** @type {any} */ functions) => component(sdk.cache({ configure: () => ({ plan: () => {}, admit: () => {}, ...functions }) })).cache;
  const asked = () => structuredClone(request);
  assert.deepEqual(plugin({}).plan(asked(), []), { tag: "bypass" });
  assert.deepEqual(plugin({ plan: () => ({ key: "k" }) }).plan(asked(), []), {
    tag: "look-up", val: { key: "k", byMeaning: undefined, ageMsMax: Number.MAX_SAFE_INTEGER },
  });
  const byMeaning = { text: "t", threshold: 0.9 };
  assert.deepEqual(plugin({ plan: () => ({ key: "k", byMeaning, ageMsMax: 5 }) }).plan(asked(), []).val, { key: "k", byMeaning, ageMsMax: 5 });
  assert.equal(plugin({}).accept(asked(), { ageMs: 1n }), false);
  assert.equal(plugin({ accept: (/** @type {any} */ _, /** @type {any} */ candidate) => candidate.ageMs === 1 }).accept(asked(), { ageMs: 1n }), true);
  assert.deepEqual([plugin({}).admit(asked(), {}, []), plugin({ admit: () => ({ ttlMs: 9 }) }).admit(asked(), {}, [])], [undefined, { ttlMs: 9 }]);
});

test("an error that is none of ours does not say what it may have of the exchange", () => {
  const failing = (/** @type {() => any} */ route) =>
    /** @type {any} */ (thrown(() => component(sdk.router({ configure: () => ({ route }) })).router.route(structuredClone(request), [])));
  assert.deepEqual(failing(() => { throw new sdk.Unavailable("the service is gone"); }), { tag: "unavailable", val: "the service is gone" });
  assert.deepEqual(failing(() => { throw new sdk.Unsupported("no pictures"); }), { tag: "unsupported", val: "no pictures" });
  assert.deepEqual(failing(() => { throw "secret"; }), { tag: "other", val: "something was thrown that is no Error" });
  const parsing = failing(() => JSON.parse("secret"));
  assert.equal(parsing.tag, "other");
  assert.match(parsing.val, /^SyntaxError at /);
  assert.doesNotMatch(parsing.val, /secret/);
});

test("a field with a slip of the pen in its name is none that counts for nothing", () => {
  const answer = { target: "t", segments: [segment(0, "é")], finish: "stop", usage: null };
  const checked = (/** @type {any} */ verdict) => {
    const plugin = sdk.answerGuardrail({ configure: () => ({ check: () => verdict }) });
    return /** @type {any} */ (thrown(() => component(plugin).answerGuardrail.check(structuredClone(request), answer))).val;
  };
  assert.equal(checked({ retyr: "Once more." }), 'a verdict has no field "retyr"; expected one of deny, edits, findings, retry');
  assert.equal(checked({ deny: { code: "c", reson: "r" } }), 'a denial has no field "reson"; expected one of code, reason, detail');
  assert.match(checked({ findings: [{ name: "r" }] }), /^a finding has no field "name"/);
  assert.match(checked({ edits: [{ segment: 0, span: { from: 0, end: 1 }, replacement: "" }] }), /^a span has no field "from"/);
});

test("what is of the wrong type is a sentence, and no trap of the engine", () => {
  const routed = (/** @type {any} */ routing) =>
    /** @type {any} */ (thrown(() => component(sdk.router({ configure: () => ({ route: () => routing }) })).router.route(structuredClone(request), []))).val;
  assert.equal(routed({ targets: ["a"] }), "an index in targets must be a number");
  assert.equal(routed({ targets: 1 }), "targets must be a list");
  assert.equal(routed({ intent: 1 }), "intent must be a string");
  assert.equal(routed({ answer: 1 }), "answer must be a string");
  assert.equal(routed(Promise.resolve({})), "a routing must not be a promise: the functions of a plugin are not async");
  const half = sdk.router({ configure: () => ({ route: () => ({ answer: "half \ud800 pair" }) }) });
  assert.equal(component(half).router.route(structuredClone(request), []).decision.val.text, "half \ufffd pair");
});
