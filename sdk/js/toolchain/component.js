// From a project to its component: a world, one bundled module, and an engine around both.

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

import { Mistake } from "./project.js";
import { camel } from "./types.js";

/** @import { Project } from "./project.js" */
/** @import { Contract } from "./wit.js" */

const SDK = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const WORLD = "project";

/** The second is one that the first needs without saying so. */
const SPIDERMONKEY = /** @type {const} */ (["@bytecodealliance/componentize-js", "@bytecodealliance/preview2-shim"]);

/**
 * Build the component and give its bytes. What it is made of stays in `build/`, to be looked at.
 * @param {Project} project
 * @param {Contract} contract
 * @param {string} wit
 */
export async function component(project, contract, wit) {
  const folder = join(project.folder, "build", "component");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const worlds = join(folder, "wit");
  cpSync(wit, worlds, { recursive: true });
  writeFileSync(join(worlds, "project.wit"), worldOf(project, contract));
  const bundled = join(folder, "bundle.js");
  await bundle(project, contract, folder, bundled);
  return project.engine === "spidermonkey" ? spidermonkey(bundled, worlds) : quickjs(bundled, worlds);
}

/**
 * A world with nothing in it that the project does not use: what a component imports beyond that would have to be granted.
 * @param {Project} project
 * @param {Contract} contract
 */
export function worldOf(project, contract) {
  const imports = project.imports.map((name) => `    import ${name};\n`).join("");
  const exports = ["lifecycle", project.kind].map((name) => `    export ${name};\n`).join("");
  return `package ${contract.id}@${contract.version};\n\nworld ${WORLD} {\n${imports}${exports}}\n`;
}

/** @param {Project} project @param {Contract} contract @param {string} folder @param {string} outfile */
async function bundle(project, contract, folder, outfile) {
  const id = (/** @type {string} */ name) => JSON.stringify(`${contract.id}/${name}@${contract.version}`);
  const sdk = (/** @type {string} */ file) => JSON.stringify(join(SDK, "src", file));
  const imports = project.imports.map((name) => `import * as ${name} from ${id(name)};\n`).join("");
  // A module of its own, as modules run in the order of their imports: the plugin's is to find all in place.
  const ready = join(folder, "ready.js");
  writeFileSync(ready, `import { connect } from ${sdk("component/imports.js")};
import { arrange } from ${sdk("component/globals.js")};
${imports}
connect({ ${project.imports.join(", ")} }, ${JSON.stringify(project.engine)});
arrange();
`);
  const about = { name: project.name, version: project.version, summary: project.summary };
  const entry = join(folder, "entry.js");
  writeFileSync(entry, `import "./ready.js";
import { exported } from ${sdk("export.js")};
import plugin from ${JSON.stringify(project.entry)};

const { lifecycle: one, ${camel(project.kind)}: other } = exported(plugin, ${JSON.stringify(project.kind)}, ${JSON.stringify(about)});
export { one as lifecycle, other as ${camel(project.kind)} };
`);
  await esbuild.build({
    entryPoints: [entry],
    outfile,
    absWorkingDir: project.folder,
    bundle: true,
    format: "esm",
    platform: "neutral",
    // For packages that say only where CommonJS is.
    mainFields: ["module", "main"],
    target: "es2023",
    conditions: ["sluicegate-component"],
    external: [`${contract.id}/*`],
    logLevel: "warning",
  });
}

/** @param {string} bundled @param {string} wit */
async function quickjs(bundled, wit) {
  const { componentize } = await import("componentize-qjs");
  const { component } = await componentize({
    witPath: wit,
    world: WORLD,
    jsSource: readFileSync(bundled, "utf8"),
    // Without it the component has the types of asynchronous functions, which the gateway does not offer.
    sync: true,
    // The engine's WASI is never used but by `Date`, which src/component/globals.js replaces: without it the plugin is pure.
    stubWasi: true,
  });
  return component;
}

/** @param {string} bundled @param {string} wit */
async function spidermonkey(bundled, wit) {
  let engine;
  try {
    engine = await import(/** @type {string} */ (SPIDERMONKEY[0]));
  } catch (error) {
    const { peerDependencies } = JSON.parse(readFileSync(join(SDK, "package.json"), "utf8"));
    const needs = SPIDERMONKEY.map((name) => `${name}@${peerDependencies[name]}`).join(" ");
    throw new Mistake(`the engine "spidermonkey" needs more: npm install --save-dev ${needs} (${error})`);
  }
  const { component } = await engine.componentize({
    sourcePath: bundled,
    witPath: wit,
    worldName: WORLD,
    disableFeatures: ["stdio", "random", "clocks", "http", "fetch-event"],
  });
  return component;
}

/**
 * Tests in TypeScript as modules that node runs: node 20 cannot read their types itself.
 * @param {string} folder
 */
export async function tests(folder) {
  const from = join(folder, "tests");
  const files = readdirSync(from).filter((name) => /\.test\.[jt]s$/.test(name));
  const outdir = join(folder, "build", "tests");
  rmSync(outdir, { recursive: true, force: true });
  await esbuild.build({
    entryPoints: files.map((name) => join(from, name)),
    outdir,
    outExtension: { ".js": ".mjs" },
    absWorkingDir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    sourcemap: "linked",
    logLevel: "warning",
  });
}
