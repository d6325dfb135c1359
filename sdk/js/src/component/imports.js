// In a component: what the world imports, as the built module hands it over.

import { PluginError } from "../errors.js";

/** @type {Record<string, any>} */
export const imports = {};

let bigints = false;

/** @param {Record<string, any>} given @param {string} engine */
export function connect(given, engine) {
  Object.assign(imports, given);
  bigints = engine === "spidermonkey";
}

/**
 * A number of 64 bits, as the engine wants it: SpiderMonkey a BigInt, QuickJS a number; each ends the plugin over the other,
 * or may.
 * @param {number} number
 */
export function wide(number) {
  // ComponentizeJS 0.23 ends the plugin over any such number, in whatever form.
  if (bigints && number < 0) throw new PluginError("SpiderMonkey cannot hand numbers below zero to the host");
  return bigints ? BigInt(number) : number;
}
