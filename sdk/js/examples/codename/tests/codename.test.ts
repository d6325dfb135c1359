import assert from "node:assert/strict";
import { test } from "node:test";

import { applied, configured, stream, window } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const names = ["Nightjar", "Nightjar II", "Käuzchen 🦉"];
const masking = configured(plugin, { names });

test("names are masked, the longest that stands there", () => {
  const text = "Nightjar II comes behind Nightjar, and 🦉 Käuzchen 🦉.";
  const verdict = masking.inspect(window(text)) ?? {};
  assert.equal(applied(text, verdict), "[codename] comes behind [codename], and 🦉 [codename].");
  assert.deepEqual(verdict.findings?.map(({ rule, span }) => [rule, span && text.slice(span.start, span.end)]), [
    ["codename", "Nightjar II"],
    ["codename", "Nightjar"],
    ["codename", "Käuzchen 🦉"],
  ]);
});

test("a name is refused if the operator wants that", () => {
  const refusing = configured(plugin, { names, refuse: true });
  const verdict = refusing.inspect(window("About Nightjar")) ?? {};
  assert.deepEqual(verdict.deny, { code: "codename.blocked", reason: "A code name must not be named here." });
  assert.deepEqual(verdict.findings, [{ rule: "codename", span: { start: 6, end: 14 }, score: 1 }]);
  assert.equal(refusing.inspect(window("About birds"))?.deny, undefined);
});

test("however a stream is cut, the same is released", () => {
  const text = "So 🦉: Nightjar III, Nightjar I and Käuzchen 🦉, Käuzchen.";
  const whole = stream(masking, [text]);
  assert.equal(whole.released, "So 🦉: [codename]I, [codename] I and [codename], Käuzchen.");
  for (let one = 0; one < text.length; one++) {
    for (let other = one; other < text.length; other++) {
      const { released, findings } = stream(masking, [text.slice(0, one), text.slice(one, other), text.slice(other)]);
      assert.equal(released, whole.released);
      assert.deepEqual(findings, whole.findings);
    }
  }
});

test("what was released before is no match any more", () => {
  assert.deepEqual(masking.inspect(window("Nightjar!", { context: 8 })), { edits: [], findings: [], hold: 0 });
});
