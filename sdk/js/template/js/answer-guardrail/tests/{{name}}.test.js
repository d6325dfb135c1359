import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, configured, request } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const guardrail = configured(plugin, { words: 3 });

test("a short answer passes, and for a long one the model is asked again", () => {
  assert.deepEqual(guardrail.check(request("Why?"), answer("One two three.")), {});
  assert.deepEqual(guardrail.check(request("Why?"), answer("One two three four.")), {
    retry: "Answer in at most 3 words.",
    findings: [{ rule: "too-long" }],
  });
});
