import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, configured, request } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const guardrail = configured(plugin);

test("where something is promised, the model is asked again", () => {
  assert.deepEqual(guardrail.check(request("Will it come?"), answer("I guarantee that it comes.")), {
    retry: "Do not promise anything.",
    findings: [{ rule: "promise", score: 1 }],
  });
});

test("all else passes", () => {
  assert.deepEqual(guardrail.check(request("Will it come?"), answer("It should come.")), {});
  const thought = answer([{ text: "I guarantee nothing.", channel: "reasoning" }]);
  assert.deepEqual(guardrail.check(request("Will it come?"), thought), {});
});
