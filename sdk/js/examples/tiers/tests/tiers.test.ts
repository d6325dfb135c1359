import assert from "node:assert/strict";
import { test } from "node:test";

import { configured, request, target } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const tiers = configured(plugin);
const targets = [
  target("a", { tags: ["large"] }),
  target("b", { tags: ["small"] }),
  target("c", { tags: ["small"], healthy: false }),
  target("d", { tags: ["small", "large"] }),
];

test("a greeting is answered at once", () => {
  const greeting = { answer: "Hello. What can I do for you?", intent: "greeting" };
  assert.deepEqual(tiers.route(request(" \nHELLO\t"), targets), greeting);
  assert.deepEqual(tiers.route(request([{ text: "Why?" }, { role: "assistant", text: "So." }, { text: "hi" }]), targets), greeting);
  assert.notDeepEqual(tiers.route(request("hello there"), targets), greeting);
  assert.deepEqual(configured(plugin, { greetings: ["Moin "] }).route(request("moin"), targets), greeting);
});

test("an easy question goes to the small ones, and to the large ones when their answer is rejected", () => {
  assert.deepEqual(tiers.route(request("Why?"), targets), { targets: [1, 3], onRejection: [0, 3], intent: "easy" });
});

test("a long question and one with tools go to the large ones", () => {
  const hard = { targets: [0, 3], onRejection: [], intent: "hard" };
  assert.deepEqual(tiers.route(request("Why?", { tokensEstimate: 201 }), targets), hard);
  assert.notDeepEqual(tiers.route(request("Why?", { tokensEstimate: 200 }), targets), hard);
  assert.deepEqual(tiers.route(request("Why?", { tools: [{ name: "t", description: "", parameters: "{}" }] }), targets), hard);
});

test("without one that is tagged all healthy ones are asked, and without these nothing is decided", () => {
  const odd = configured(plugin, { small: "tiny" });
  assert.deepEqual(odd.route(request("Why?"), targets), { targets: [0, 1, 3], onRejection: [0, 3], intent: "easy" });
  assert.deepEqual(odd.route(request("Why?"), []), { targets: [], onRejection: [], intent: "easy" });
});
