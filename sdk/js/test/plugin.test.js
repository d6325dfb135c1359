import assert from "node:assert/strict";
import { test } from "node:test";

import { Patterns, finding, mask, saidLast, textGuardrail, trailing, trailingRun } from "../src/index.js";
import { applied, configured, request, stream, window } from "../src/testing.js";

test("an end that may be the beginning of a word is held back", () => {
  const held = (/** @type {string} */ text) => trailing(text, ["Nightjar", "Jar"]);
  assert.deepEqual(["", "a", "a N", "Night", "Nightjar", "J", "NightJ", "Nightj🦉"].map(held), [0, 0, 1, 5, 0, 1, 1, 0]);
  assert.equal(trailing("🦉", ["🦉🦉"]), 2);
});

test("a run of characters is held back", () => {
  const digit = (/** @type {string} */ character) => character >= "0" && character <= "9";
  assert.deepEqual([trailingRun("a123", 9, digit), trailingRun("a123", 2, digit), trailingRun("a", 9, digit), trailingRun("", 9, digit)], [3, 2, 0, 0]);
  const owl = (/** @type {string} */ character) => character === "🦉";
  assert.deepEqual([trailingRun("a🦉🦉", 9, owl), trailingRun("a🦉🦉", 3, owl)], [4, 2]);
});

test("what the person said last is all of it", () => {
  const said = [{ text: "a" }, { role: /** @type {const} */ ("assistant"), text: "b" }, { text: "c" }, { text: "d" }, { role: /** @type {const} */ ("tool"), text: "e" }];
  assert.deepEqual(saidLast(request(said)).map(({ text }) => text), ["c", "d"]);
  assert.deepEqual(saidLast(request([{ role: "system", text: "a" }])), []);
});

const WORD = "né🦉";

/** @param {any} [more] @param {boolean} [holds] */
const masking = (more = () => ({}), holds = true) =>
  textGuardrail({
    configure: () => ({
      inspect({ text, context }) {
        const at = text.indexOf(WORD);
        const span = { start: at, end: at + WORD.length };
        return { ...(at < 0 || span.end <= context ? {} : { edits: [mask(span, "[w]")], findings: [finding("w", span)] }), hold: holds ? trailing(text, [WORD]) : 0 };
      },
      ...more(),
    }),
  });

test("a stream is played as the host does, in bytes", () => {
  const text = `🦉 ${WORD}!`;
  for (let at = 0; at <= text.length; at++) {
    const { released, findings } = stream(configured(masking()), [text.slice(0, at), text.slice(at)]);
    assert.equal(released, "🦉 [w]!");
    assert.deepEqual(findings, [{ rule: "w", span: { start: 3, end: 7 }, score: 1 }]);
  }
  // Without a hold the beginning is out, and the edit is clipped.
  assert.equal(stream(configured(masking(undefined, false)), ["né", "🦉!"]).released, "né[w]!");
  assert.equal(stream(configured(masking()), ["a né", "!"]).heldMax, 3);
});

test("a prefilter must say what the guardrail does", () => {
  const filter = (/** @type {string} */ trigger, /** @type {string | undefined} */ tail) => () => ({ prefilter: { triggers: Patterns.compile([trigger]), tail } });
  const good = configured(masking(filter("🦉", "né?")));
  assert.equal(stream(good, ["a n", "é", "🦉"]).released, "a [w]");
  assert.throws(() => stream(configured(masking(filter("x", "né?"))), [WORD]), /prefilter/);
  assert.throws(() => stream(configured(masking(filter("🦉", "x"))), ["a n", "b"]), /prefilter/);
  assert.throws(() => configured(masking(filter("🦉", "("))), Error);
});

test("edits that the host refuses are seen in tests", () => {
  const edits = [mask({ start: 0, end: 3 }, ""), mask({ start: 2, end: 4 }, "")];
  assert.throws(() => applied("abcde", { edits }), /overlap/);
  assert.throws(() => applied("a", { deny: { code: "c", reason: "r" } }), /denied: r/);
  assert.equal(applied("a", undefined), "a");
  assert.equal(window("a").final, true);
});
