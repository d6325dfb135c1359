import assert from "node:assert/strict";
import { test } from "node:test";

import { configured, request } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const guardrail = configured(plugin, { tokens_max: 10 });

test("as many tokens as are allowed pass, and one more does not", () => {
  assert.deepEqual(guardrail.check(request("Why?", { tokensEstimate: 10 })), {});
  assert.deepEqual(guardrail.check(request("Why?", { tokensEstimate: 11 })), {
    deny: { code: "too-long", reason: "This request is too long. Please send less text." },
  });
});
