import assert from "node:assert/strict";
import { test } from "node:test";

import { configured, request, target } from "sluicegate-plugin/testing";

import plugin from "../src/index.js";

const router = configured(plugin);
const targets = [target("a"), target("b", { tags: ["code"] }), target("c", { tags: ["code"], healthy: false })];

test("code goes to those who are good at it", () => {
  const asked = request("What is wrong?\n```\nx = \n```");
  assert.deepEqual(router.route(asked, targets), { targets: [1], intent: "code" });
  // An empty list decides nothing.
  assert.deepEqual(router.route(asked, targets.slice(0, 1)), { targets: [], intent: "code" });
});

test("all else stays as the operator configured it", () => {
  assert.deepEqual(router.route(request("What is wrong?"), targets), {});
});
