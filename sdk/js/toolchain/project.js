// What a project says about itself in its package.json.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @import { Contract } from "./wit.js" */

export const ENGINES = /** @type {const} */ (["quickjs", "spidermonkey"]);

/**
 * @typedef {object} Project
 * @property {string} folder
 * @property {string} name
 * @property {string} version
 * @property {string} summary
 * @property {string} kind
 * @property {string[]} imports What the component imports: `log` and `patterns`, which cost no grant, and what the project names.
 * @property {typeof ENGINES[number]} engine
 * @property {string} entry
 */

/** A mistake in a project, in words for its author. */
export class Mistake extends Error {}

/** Of the contract, all plugins may call these. */
const FREE = ["log", "patterns"];

/**
 * @param {string} folder
 * @param {Contract} contract
 * @returns {Project}
 */
export function readProject(folder, contract) {
  const file = join(folder, "package.json");
  if (!existsSync(file)) throw new Mistake(`there is no package.json in ${folder}`);
  const said = JSON.parse(readFileSync(file, "utf8"));
  const own = said.sluicegate ?? {};
  const host = contract.worlds.get("host") ?? { imports: [], exports: [] };
  const kinds = host.exports.filter((name) => name !== "lifecycle");
  const grantable = host.imports.filter((name) => !FREE.includes(name));

  for (const key of Object.keys(own)) {
    if (!["kind", "imports", "engine", "entry"].includes(key)) {
      throw new Mistake(`package.json: "sluicegate" has no "${key}"; there are "kind", "imports", "engine" and "entry"`);
    }
  }
  const imports = own.imports ?? [];
  if (!Array.isArray(imports)) throw new Mistake(`package.json: "sluicegate.imports" must be a list`);
  for (const name of imports) oneOf("sluicegate.imports", name, grantable);
  oneOf("sluicegate.kind", own.kind, kinds);
  const engine = own.engine ?? "quickjs";
  oneOf("sluicegate.engine", engine, [...ENGINES]);

  return {
    folder,
    name: String(said.name ?? "").replace(/^@[^/]*\//, "") || "plugin",
    version: String(said.version ?? "0.0.0"),
    summary: String(said.description ?? ""),
    kind: own.kind,
    imports: [...FREE, ...new Set(imports)],
    engine,
    entry: entryOf(folder, own.entry),
  };
}

/** @param {string} key @param {unknown} value @param {string[]} choices */
function oneOf(key, value, choices) {
  if (typeof value === "string" && choices.includes(value)) return;
  const words = value === undefined ? "is missing" : `has ${JSON.stringify(value)}`;
  throw new Mistake(`package.json: "${key}" ${words}; there are ${choices.map((name) => `"${name}"`).join(", ")}`);
}

/** @param {string} folder @param {string | undefined} said */
function entryOf(folder, said) {
  const choices = said === undefined ? ["src/index.ts", "src/index.js"] : [said];
  const found = choices.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Mistake(`there is no ${choices.join(" and no ")}`);
  return found;
}
