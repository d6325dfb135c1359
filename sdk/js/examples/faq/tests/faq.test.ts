import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, configured, request } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const faq = configured(plugin);
const found = [{ rule: "email", score: 1 }];

test("a question is looked up in one form for all ways of writing it", () => {
  const lookup = { key: "when do you open", byMeaning: { text: "when do you open", threshold: 0.92 }, ageMsMax: 3_600_000 };
  assert.deepEqual(faq.plan(request("  When do\n you OPEN? !"), []), lookup);
  assert.deepEqual(faq.plan(request("when do you open"), []), lookup);
  assert.equal(configured(plugin, { ttl_s: 60 }).plan(request("a"), [])?.ageMsMax, 60_000);
});

test("what is no question of its own is not looked up", () => {
  assert.equal(faq.plan(request("Why?"), found), undefined);
  assert.equal(faq.plan(request("Why?", { tools: [{ name: "t", description: "", parameters: "{}" }] }), []), undefined);
  assert.equal(faq.plan(request([{ text: "Why?" }, { role: "assistant", text: "So." }, { text: "And?" }]), []), undefined);
  assert.equal(faq.plan(request(" ?! "), []), undefined);
  assert.notEqual(faq.plan(request([{ role: "system", text: "Be kind." }, { text: "Why?" }]), []), undefined);
});

test("a similar question must have the same numbers", () => {
  const accepts = (asked: string, known: string) =>
    faq.accept?.(request(asked), { question: known, answer: answer("Yes."), similarity: 0.95, ageMs: 1 });
  assert.equal(accepts("Is room 12 free at 9?", "is room 12 open at 9"), true);
  assert.equal(accepts("Is room 12 free at 9?", "is room 1 29 free at"), false);
  assert.equal(accepts("Is a room free?", "is room 12 free"), false);
});

test("a whole answer without findings is kept", () => {
  assert.deepEqual(faq.admit(request("Why?"), answer("So."), []), { ttlMs: 3_600_000 });
  assert.equal(faq.admit(request("Why?"), answer("So."), found), undefined);
  assert.equal(faq.admit(request("Why?"), answer("So.", { finish: "length" }), []), undefined);
  assert.equal(faq.admit(request("Why?"), answer(" \n"), []), undefined);
  assert.equal(faq.admit(request("Why?"), answer([{ channel: "reasoning", text: "Hm." }]), []), undefined);
});
