import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { component, worldOf } from "../toolchain/component.js";
import { readProject } from "../toolchain/project.js";
import { typesOf } from "../toolchain/types.js";
import { readContract } from "../toolchain/wit.js";

const WIT = resolve(dirname(fileURLToPath(import.meta.url)), "../../../wit");
const contract = readContract(WIT);
const folder = mkdtempSync(join(tmpdir(), "sluicegate-plugin-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** @param {unknown} sluicegate @param {string} [source] */
function project(sluicegate, source = "") {
  mkdirSync(join(folder, "src"), { recursive: true });
  writeFileSync(join(folder, "src", "index.js"), source);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "@me/it", version: "1.2.3", description: "It is.", sluicegate }));
  return readProject(folder, contract);
}

test("the contract is read", () => {
  assert.match(contract.version, /^\d+\.\d+\.\d+$/);
  const types = typesOf(contract);
  assert.match(types, /export interface Segment \{[^}]*\n  name\?: string \| undefined;\n  text: string;\n\}/);
  assert.match(types, /export type Finish =\n  \| "stop"\n/);
  assert.match(types, /export namespace kv \{\n  export type KvError =\n    \| \{ tag: "too-large" \}/);
  assert.match(types, /body: Uint8Array;/);
});

test("a world has nothing in it that the project does not use", () => {
  const world = worldOf(project({ kind: "router", imports: ["kv"] }), contract);
  assert.deepEqual(world.match(/(import|export) [\w-]+/g), ["import log", "import patterns", "import kv", "export lifecycle", "export router"]);
});

test("a mistake in package.json is a sentence", () => {
  assert.throws(() => project({}), /"sluicegate.kind" is missing; there are "text-guardrail", /);
  assert.throws(() => project({ kind: "guard" }), /"sluicegate.kind" has "guard"; there are /);
  assert.throws(() => project({ kind: "cache", imports: ["files"] }), /"sluicegate.imports" has "files"; there are "kv", "clock", /);
  assert.throws(() => project({ kind: "cache", imports: "kv" }), /must be a list/);
  assert.throws(() => project({ kind: "cache", engine: "v8" }), /"sluicegate.engine" has "v8"; there are "quickjs", "spidermonkey"/);
  assert.throws(() => project({ kind: "cache", import: [] }), /"sluicegate" has no "import"/);
  assert.throws(() => project({ kind: "cache", entry: "a.js" }), /there is no a.js/);
});

test("a component is made", async () => {
  const source = `import { router } from "sluicegate-plugin"; export default router({ configure: () => ({ route: () => ({}) }) });`;
  const found = project({ kind: "router" }, source);
  assert.deepEqual([found.name, found.version, found.summary, found.engine], ["it", "1.2.3", "It is.", "quickjs"]);
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(resolve(WIT, "../sdk/js"), join(folder, "node_modules", "sluicegate-plugin"), "dir");
  const bytes = await component(found, contract, WIT);
  // The header of a component, and no import beyond the world's.
  assert.deepEqual([...bytes.subarray(0, 8)], [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
  const bundled = readFileSync(join(folder, "build", "component", "bundle.js"), "utf8");
  assert.deepEqual([...bundled.matchAll(/from "(sluicegate:[^"]+)"/g)].map(([, name]) => name), [
    `sluicegate:plugin/log@${contract.version}`, `sluicegate:plugin/patterns@${contract.version}`,
  ]);
});
