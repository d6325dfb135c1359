import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { CapabilityError, Patterns, Unavailable, clock, embedding, fromUtf8, http, kv, log, model, toUtf8 } from "../src/index.js";
import { expressionOf } from "../src/native/regex.js";
import { stage } from "../src/testing.js";
import { useNative } from "../src/utf8.js";

beforeEach(() => stage.reset());

test("patterns find code units", () => {
  const text = "é 🦉🦉 night e\u0301 🦉";
  const found = Patterns.compile(["n[a-z]+", "🦉+", "e\u0301"]).find(text);
  assert.deepEqual(found.map(({ expression, span }) => [expression, text.slice(span.start, span.end)]), [
    [1, "🦉🦉"], [0, "night"], [2, "e\u0301"], [1, "🦉"],
  ]);
  assert.throws(() => Patterns.compile(["ok", "("]), Error);
});

test("expressions of the host's kind run in tests", () => {
  const matches = (/** @type {string} */ expression, /** @type {string} */ text) => [...text.matchAll(expressionOf(expression))].map(([found]) => found);
  assert.deepEqual(matches(String.raw`(?i)night\w+`, "NIGHTJÄR"), ["NIGHTJÄR"]);
  assert.deepEqual(matches(String.raw`\bjä\b`, "jär jä"), ["jä"]);
  assert.deepEqual(matches(String.raw`(?P<a>\d{2})\-(?P<b>[[:alpha:]_\-]+)`, "12-a_- ١٢-b"), ["12-a_-", "١٢-b"]);
  assert.deepEqual(matches(String.raw`\A\x{1F989}|[]a]\z`, "🦉]"), ["🦉", "]"]);
  assert.deepEqual(matches(String.raw`(?s)a.b|\pL\#`, "a\nb é#"), ["a\nb", "é#"]);
  assert.deepEqual(matches(String.raw`[^\s"]+`, 'a "é'), ["a", "é"]);
  for (const refused of ["(?x)a b", "a(?i:b)", "[a[b]]", "[[:foo:]]", "(?=a)"]) assert.throws(() => expressionOf(refused), /tests cannot run/);
});

test("kv keeps texts, bytes and numbers, for a while", () => {
  stage.setClock(1_000);
  assert.equal(kv.get("a"), undefined);
  kv.set("a", "é", { ttlMs: 10 });
  assert.deepEqual([kv.getText("a"), kv.get("a")], ["é", new Uint8Array([0xc3, 0xa9])]);
  stage.setClock(1_010);
  assert.equal(kv.getText("a"), undefined);
  assert.deepEqual([kv.increment("n"), kv.increment("n", 5, { ttlMs: 1 }), kv.increment("n", -7)], [1, 6, -1]);
  kv.set("b", new Uint8Array([1]));
  assert.throws(() => kv.increment("b"), (error) => error instanceof CapabilityError && error.reason === "unavailable");
  assert.throws(() => kv.get("é".repeat(257)), (error) => error instanceof Unavailable && /** @type {any} */ (error).reason === "too-large");
  kv.delete("b");
  assert.equal(kv.get("b"), undefined);
});

test("services answer what a test says, and before that nobody does", () => {
  assert.throws(() => http.send({ destination: "crm", path: "/a" }), (error) => error instanceof CapabilityError && error.reason === "unavailable");
  stage.answerHttp((/** @type {any} */ { method, path, headers, body }) => ({ status: 201, headers: { "X-A": headers[0][1] }, body: `${method} ${path} ${fromUtf8(body)}` }));
  const answer = http.send({ destination: "crm", path: "/a", method: "POST", headers: { "x-b": "c" }, body: '"é"' });
  assert.deepEqual([answer.status, answer.header("x-a"), answer.text()], [201, "c", 'POST /a "é"']);
  stage.answerHttp(() => { throw { tag: "timeout" }; });
  assert.throws(() => http.send({ destination: "crm", path: "/" }), (error) => error instanceof CapabilityError && error.reason === "timeout");

  const prompt = { target: "judge", user: "Is it?", outputTokensMax: 5, answerSchema: { type: "boolean" } };
  assert.throws(() => model.complete(prompt), Unavailable);
  stage.answerModel((/** @type {any} */ { user, answerSchema }) => `${user} ${answerSchema}`);
  assert.equal(model.complete(prompt), 'Is it? {"type":"boolean"}');
});

test("texts with the same words are alike", () => {
  const vectors = embedding.embed(["Where is my order?", "my order, where is", "Good morning", ""]);
  const like = (/** @type {number} */ one, /** @type {number} */ other) => embedding.similarity(vectors[one] ?? [], vectors[other] ?? []);
  assert.ok(Math.abs(like(0, 1) - 1) < 1e-5 && like(0, 2) < 0.1 && Math.abs(like(3, 3) - 1) < 1e-5);
});

test("the clock is the test's, and the log is kept", () => {
  stage.setClock(5);
  assert.equal(clock.nowMs(), 5);
  log.warn("careful");
  assert.deepEqual(stage.log, [{ level: "warn", message: "careful" }]);
});

test("UTF-8 is the same with and without the engine's own", () => {
  const texts = ["", "a", "é", "日", "🦉", "\ufeffa", "\ud800x"];
  const bytes = [[0xff, 0x61], [0xc3], [0xe2, 0x82, 0x61], [0xf0, 0x9f, 0xa6], [0xc0, 0x80]].map((list) => new Uint8Array(list));
  const encoded = texts.map((text) => [...toUtf8(text)]);
  const decoded = bytes.map(fromUtf8);
  useNative(false);
  try {
    assert.deepEqual(texts.map((text) => [...toUtf8(text)]), encoded);
    assert.deepEqual(bytes.map(fromUtf8), decoded);
    assert.equal(fromUtf8(toUtf8("a é 日 🦉")), "a é 日 🦉");
  } finally {
    useNative();
  }
});
