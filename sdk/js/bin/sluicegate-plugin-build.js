#!/usr/bin/env node
// Builds the plugin of the folder that it is called in. See README.md.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { component, tests } from "../toolchain/component.js";
import { ENGINES, Mistake, readProject } from "../toolchain/project.js";
import { typesOf } from "../toolchain/types.js";
import { readContract } from "../toolchain/wit.js";

const USAGE = `Build the plugin of this folder: NAME.wasm, as package.json says.

Usage: sluicegate-plugin-build [OPTIONS]

Options:
  --types          Only make the TypeScript types of the contract
  --tests          Only make modules of tests/*.test.ts, in build/tests/, for node --test
  --engine ENGINE  quickjs or spidermonkey, instead of what package.json says
  --out FILE       Where the component goes
  --help           Print this
`;

const SDK = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Beside the SDK in an author's project, at the root in the repository. */
function contractFolder() {
  const found = [join(SDK, "wit"), join(SDK, "..", "..", "wit")].find((folder) => existsSync(join(folder, "types.wit")));
  if (found === undefined) throw new Mistake(`the contract is neither in ${join(SDK, "wit")} nor in ../../wit beside it`);
  return found;
}

/** @param {ReturnType<typeof readContract>} contract */
function types(contract) {
  const file = join(SDK, "src", "contract.d.ts");
  const text = typesOf(contract);
  const old = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (old !== text) writeFileSync(file, text);
}

async function main() {
  const { values } = parseArgs({
    options: {
      types: { type: "boolean" },
      tests: { type: "boolean" },
      engine: { type: "string" },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const wit = contractFolder();
  const contract = readContract(wit);
  types(contract);
  if (values.types) return;
  const folder = process.cwd();
  if (values.tests) return await tests(folder);

  const project = readProject(folder, contract);
  const engine = ENGINES.find((name) => name === (values.engine ?? project.engine));
  if (engine === undefined) throw new Mistake(`there is no engine "${values.engine}"; there are ${ENGINES.join(", ")}`);
  const bytes = await component({ ...project, engine }, contract, wit);
  const out = resolve(folder, values.out ?? `${project.name}.wasm`);
  writeFileSync(out, bytes);
  process.stdout.write(`${out}: ${bytes.length} bytes, ${engine}\n`);
}

try {
  await main();
} catch (error) {
  process.exitCode = 1;
  // What esbuild finds, it has shown already. An engine's error is one in the plugin's source, and where that is stands in it.
  if (!(error instanceof Error && "errors" in error)) process.stderr.write(`sluicegate-plugin-build: ${wordsOf(error)}\n`);
}

/** @param {unknown} error */
function wordsOf(error) {
  return error instanceof Error ? error.message : String(error);
}
