import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, configured, request } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const cache = configured(plugin, { minutes: 1 });

test("a first question is looked up, and no later one", () => {
  assert.deepEqual(cache.plan(request(" When do you OPEN? "), []), { key: "when do you open?", ageMsMax: 60_000 });
  assert.equal(cache.plan(request([{ text: "Hi." }, { role: "assistant", text: "Hi." }, { text: "Open?" }]), []), undefined);
});

test("a whole answer is kept", () => {
  assert.deepEqual(cache.admit(request("Why?"), answer("So."), []), { ttlMs: 60_000 });
  assert.equal(cache.admit(request("Why?"), answer("So", { finish: "length" }), []), undefined);
});
