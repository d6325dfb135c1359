import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, configured, request } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const cache = configured(plugin, { ttl_s: 60 });

test("a question is looked up", () => {
  const asked = request([{ role: "system", text: "Be brief." }, { text: " When do you ÖFFNEN?\n" }]);
  assert.deepEqual(cache.plan(asked, []), { key: "when do you Öffnen?", ageMsMax: 60_000 });
});

test("nothing else is", () => {
  const turns = request([{ text: "Open?" }, { role: "assistant", text: "Yes." }]);
  const tools = [{ name: "look", description: "Looks.", parameters: "{}" }];
  assert.equal(cache.plan(turns, []), undefined);
  assert.equal(cache.plan(request([{ text: "Hi." }, { text: "Open?" }]), []), undefined);
  assert.equal(cache.plan(request("Open?", { tools }), []), undefined);
  assert.equal(cache.plan(request("Open?"), [{ rule: "email", score: 1 }]), undefined);
});

test("a whole answer is kept", () => {
  assert.deepEqual(cache.admit(request("Why?"), answer("So."), []), { ttlMs: 60_000 });
  assert.equal(cache.admit(request("Why?"), answer("So", { finish: "length" }), []), undefined);
  assert.equal(cache.admit(request("Why?"), answer("So."), [{ rule: "email", score: 1 }]), undefined);
});
