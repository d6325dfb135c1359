import assert from "node:assert/strict";
import { test } from "node:test";

import { applied, configured, stream, window } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const guardrail = configured(plugin, { word: "Nightjar" });

test("the word is masked, and found", () => {
  const text = "When will 🦉 Nightjar be ready?";
  const verdict = guardrail.inspect(window(text));
  assert.equal(applied(text, verdict), "When will 🦉 [masked] be ready?");
  assert.deepEqual(verdict.findings, [{ rule: "word", span: { start: 13, end: 21 }, score: 1 }]);
});

test("however a stream is cut, the same is released", () => {
  const text = "Not Night, Nightjar.";
  for (let at = 0; at <= text.length; at++) {
    const { released, findings } = stream(guardrail, [text.slice(0, at), text.slice(at)]);
    assert.equal(released, "Not Night, [masked].");
    assert.equal(findings.length, 1);
  }
});
