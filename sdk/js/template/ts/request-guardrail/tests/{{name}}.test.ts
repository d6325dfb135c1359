import assert from "node:assert/strict";
import { test } from "node:test";

import { configured, request } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const guardrail = configured(plugin, { tools: 2 });
const tools = (count: number) => new Array(count).fill({ name: "look", description: "Looks.", parameters: "{}" });

test("as many tools as are allowed pass, and one more does not", () => {
  assert.deepEqual(guardrail.check(request("Look!", { tools: tools(2) })), {});
  assert.deepEqual(guardrail.check(request("Look!", { tools: tools(3) })), {
    deny: { code: "tools.too-many", reason: "A request may have 2 tools.", detail: "3 tools" },
  });
});
