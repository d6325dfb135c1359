// In a component: what programs expect to be there, and one of the engines or the sandbox has not.

import { PluginError } from "../errors.js";
import { clock, log } from "../host.js";
import { phase } from "../phase.js";
import { decode, encode } from "../utf8.js";
import { imports } from "./imports.js";

/** Once, before the plugin's own modules run. */
export function arrange() {
  phase.now = "loading";
  const world = /** @type {any} */ (globalThis);
  world.console = consoleToLog();
  world.Date = dateOfHost();
  world.performance = { now };
  // SpiderMonkey has these, and ends the plugin over them, or gives the same "random" numbers to all.
  for (const name of ["setTimeout", "setInterval", "clearTimeout", "clearInterval", "fetch", "crypto"]) delete world[name];
  world.TextEncoder ??= class TextEncoder {
    encoding = "utf-8";
    encode(text = "") {
      return encode(String(text));
    }
  };
  world.TextDecoder ??= class TextDecoder {
    encoding = "utf-8";
    constructor(label = "utf-8") {
      if (!/^utf-?8$/i.test(label)) throw new RangeError("only UTF-8 is known here");
    }
    decode(bytes = new Uint8Array()) {
      return decode(new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength));
    }
  };
}

/** QuickJS has none; SpiderMonkey's goes nowhere. */
function consoleToLog() {
  const words = (/** @type {unknown[]} */ said) => said.map((word) => (typeof word === "string" ? word : shown(word))).join(" ");
  return {
    debug: (/** @type {unknown[]} */ ...said) => log.debug(words(said)),
    log: (/** @type {unknown[]} */ ...said) => log.info(words(said)),
    info: (/** @type {unknown[]} */ ...said) => log.info(words(said)),
    warn: (/** @type {unknown[]} */ ...said) => log.warn(words(said)),
    error: (/** @type {unknown[]} */ ...said) => log.error(words(said)),
  };
}

/** @param {unknown} value */
function shown(value) {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return JSON.stringify(value) ?? String(value);
}

/**
 * Without WASI an engine that is asked for the time ends the plugin. With the import `clock`, the time is the host's;
 * otherwise asking for it is an error like any other.
 */
function now() {
  if (imports.clock === undefined) throw new PluginError('there is no time: "clock" is not among "sluicegate.imports" in package.json');
  return clock.nowMs();
}

function dateOfHost() {
  return new Proxy(Date, {
    construct: (date, given, target) => Reflect.construct(date, given.length === 0 ? [now()] : given, target),
    apply: (date) => new date(now()).toString(),
    get: (date, key, receiver) => (key === "now" ? now : Reflect.get(date, key, receiver)),
  });
}
