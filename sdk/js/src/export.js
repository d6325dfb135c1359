// A plugin as the host calls it.

import { sentence, told } from "./errors.js";
import { kinds } from "./kinds.js";
import * as lower from "./lower.js";
import { phase } from "./phase.js";
import { withDefaults } from "./schema.js";

/**
 * The exports of the component.
 * @param {any} plugin What the author's module has as its default export.
 * @param {string} kind What package.json says that it is.
 * @param {{ name: string, version: string, summary: string }} about
 */
export function exported(plugin, kind, about) {
  /** @type {any} */
  let configured;
  const lifecycle = {
    describe: () => described(plugin, about),
    configure(/** @type {string} */ config) {
      try {
        if (plugin?.kind !== kind) throw new Error(mismatch(plugin, kind));
        configured = configure(plugin, parsed(config));
      } catch (error) {
        // The contract's `result<_, string>`: both engines take what is thrown for the error.
        throw sentence(error);
      }
    },
  };
  const functions = kinds[kind]?.functions(() => configured) ?? {};
  const guarded = Object.fromEntries(Object.entries(functions).map(([name, call]) => [name, telling(call)]));
  return { lifecycle, [camel(kind)]: guarded };
}

/**
 * What the author's `configure` makes of a configuration, with all that its kind needs.
 * @param {any} plugin
 * @param {Record<string, unknown>} config
 */
export function configure(plugin, config) {
  phase.now = "configuring";
  try {
    return checked(plugin, plugin.configure(withDefaults(plugin.configSchema, config)));
  } finally {
    phase.now = "called";
  }
}

/** @param {any} plugin @param {unknown} said */
function checked(plugin, said) {
  const it = lower.object(said, "what `configure` returns");
  for (const name of kinds[plugin.kind]?.needs ?? []) {
    if (typeof it?.[name] !== "function") throw new Error(`\`configure\` must return an object with the function \`${name}\``);
  }
  if (plugin.kind === "text-guardrail") it.prefilter?.triggers.prefilter(it.prefilter.tail);
  return it;
}

/** @param {any} plugin @param {{ name: string, version: string, summary: string }} about */
function described(plugin, about) {
  const { name = about.name, version = about.version, summary = about.summary, configSchema } = plugin ?? {};
  return { name, version, summary, configSchema: configSchema === undefined ? undefined : JSON.stringify(configSchema) };
}

/** @param {any} plugin @param {string} kind */
function mismatch(plugin, kind) {
  const found = plugin?.kind === undefined ? "no plugin" : `a ${plugin.kind}`;
  return `the default export of the module is ${found}; package.json says that it is a ${kind}`;
}

/** @param {string} text @returns {Record<string, unknown>} */
function parsed(text) {
  const config = text.trim() === "" ? {} : JSON.parse(text);
  if (typeof config !== "object" || config === null || Array.isArray(config)) throw new Error("a configuration must be an object");
  return config;
}

/** @param {(...given: any[]) => unknown} call */
function telling(call) {
  return (/** @type {any[]} */ ...given) => {
    try {
      return call(...given);
    } catch (error) {
      throw told(error);
    }
  };
}

/** @param {string} name */
function camel(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

