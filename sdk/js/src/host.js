// What a plugin can ask of the host.

import { imports, wide } from "#imports";

import { CapabilityError, PluginError, Unavailable } from "./errors.js";
import { milliseconds } from "./kinds.js";
import { plain } from "./lift.js";
import * as lower from "./lower.js";
import { Offsets } from "./offsets.js";
import { missing } from "./phase.js";
import { decode, encode } from "./utf8.js";

/** @param {string} name */
function capability(name) {
  const found = imports[name];
  const why = found === undefined ? `"${name}" is not among "sluicegate.imports" in package.json` : missing(name);
  if (why !== undefined) throw new PluginError(why);
  return found;
}

/**
 * Call the host, and give what it says in one form for both engines; what it has to say instead is in `payload`.
 * @param {() => any} call
 * @param {(said: any) => Error} wrong
 */
function asked(call, wrong) {
  try {
    return plain(call());
  } catch (error) {
    // SpiderMonkey's errors are of another realm, for which `instanceof` is no test.
    const payload = /** @type {any} */ (error)?.payload;
    throw payload === undefined ? error : wrong(payload);
  }
}

/** @param {"debug" | "info" | "warn" | "error"} level */
const writing = (level) => (/** @type {unknown} */ message) => capability("log").write(level, lower.text(String(message), "a message"));

export const log = { debug: writing("debug"), info: writing("info"), warn: writing("warn"), error: writing("error") };

export class Patterns {
  #set;

  /** @param {number} set */
  constructor(set) {
    this.#set = set;
  }

  /** @param {string[]} expressions */
  static compile(expressions) {
    const given = lower.list(expressions, "expressions").map((expression) => lower.text(expression, "an expression"));
    return new Patterns(asked(() => capability("patterns").compile(given), (said) => new Error(said)));
  }

  /** @param {string} text */
  find(text) {
    const offsets = new Offsets(lower.text(text, "a text"));
    /** @type {{ expression: number, span: { start: number, end: number } }[]} */
    const found = asked(() => capability("patterns").find(this.#set, offsets.text), (said) => new Error(said));
    return found.map(({ expression, span }) => ({
      expression,
      span: { start: offsets.units(span.start), end: offsets.units(span.end) },
    }));
  }

  /** The host's number of the set. */
  get number() {
    return this.#set;
  }

  /** For a guardrail's `prefilter`. @param {string} [tail] */
  prefilter(tail) {
    asked(() => capability("patterns").prefilter(this.#set, lower.optionalText(tail, "a tail")), (said) => new Error(said));
  }
}

/** @param {string} name */
const failed = (name) => (/** @type {{ tag: string, val?: string }} */ said) => new CapabilityError(name, said.tag, said.val);

/** @param {string | Uint8Array} value */
const bytes = (value) => (typeof value === "string" ? encode(value) : value);

/** SpiderMonkey's bytes are of another realm, for which `instanceof` is no test. @param {ArrayLike<number>} bytes */
const ours = (bytes) => Uint8Array.from(bytes);

/** @param {number | undefined} ttlMs */
const lifetime = (ttlMs) => (ttlMs === undefined ? undefined : milliseconds(ttlMs, "ttlMs"));

export const kv = {
  /** @param {string} key */
  get(key) {
    const found = asked(() => capability("kv").get(lower.text(key, "a key")), failed("kv"));
    return found && ours(found);
  },

  /** @param {string} key */
  getText(key) {
    const found = kv.get(key);
    return found && decode(found);
  },

  /** @param {string} key @param {string | Uint8Array} value @param {{ ttlMs?: number }} [options] */
  set(key, value, { ttlMs } = {}) {
    if (typeof value !== "string" && !ArrayBuffer.isView(value)) throw new PluginError("a value must be a string or bytes");
    asked(() => capability("kv").set(lower.text(key, "a key"), bytes(value), lifetime(ttlMs)), failed("kv"));
  },

  /** @param {string} key */
  delete(key) {
    asked(() => capability("kv").delete(lower.text(key, "a key")), failed("kv"));
  },

  /** @param {string} key @param {number} [by] @param {{ ttlMs?: number }} [options] @returns {number} */
  increment(key, by = 1, { ttlMs } = {}) {
    const most = Number.MAX_SAFE_INTEGER;
    const whole = wide(Math.trunc(Math.max(-most, Math.min(lower.number(by, "what is added"), most))));
    return asked(() => capability("kv").increment(lower.text(key, "a key"), whole, lifetime(ttlMs)), failed("kv"));
  },
};

export const clock = {
  /** @returns {number} */
  nowMs: () => plain(capability("clock").nowMs()),
};

export const embedding = {
  /** @param {string[]} texts @returns {Float32Array[]} */
  embed(texts) {
    const given = lower.list(texts, "texts").map((text) => lower.text(text, "a text"));
    const vectors = asked(() => capability("embedding").embed(given), (said) => new Unavailable(`embedding: ${said}`));
    return vectors.map((/** @type {ArrayLike<number>} */ vector) => Float32Array.from(vector));
  },

  /** @param {ArrayLike<number>} one @param {ArrayLike<number>} other */
  similarity(one, other) {
    let sum = 0;
    for (let at = 0; at < one.length; at++) sum += (one[at] ?? 0) * (other[at] ?? 0);
    return sum;
  },
};

export const model = {
  /** @param {any} prompt @returns {string} */
  complete(prompt) {
    const given = {
      target: lower.text(prompt.target, "target"),
      system: lower.optionalText(prompt.system, "system"),
      user: lower.text(prompt.user, "user"),
      outputTokensMax: lower.count(prompt.outputTokensMax, "outputTokensMax", lower.U32_MAX),
      answerSchema: schema(prompt.answerSchema),
    };
    return asked(() => capability("model").complete(given), (said) => new Unavailable(`model: ${said}`));
  },
};

/** @param {unknown} said */
function schema(said) {
  return typeof said === "object" && said !== null ? JSON.stringify(said) : lower.optionalText(said, "answerSchema");
}

export class HttpResponse {
  /** @param {{ status: number, headers: [string, string][], body: Uint8Array }} said */
  constructor({ status, headers, body }) {
    this.status = status;
    this.headers = headers;
    this.body = ours(body);
  }

  /** @param {string} name */
  header(name) {
    return this.headers.find(([found]) => found.toLowerCase() === name.toLowerCase())?.[1];
  }

  text() {
    return decode(this.body);
  }

  json() {
    return JSON.parse(this.text());
  }
}

export const http = {
  /** @param {any} request */
  send({ destination, path, method = "GET", headers = [], body = "" }) {
    const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
    const given = {
      destination: lower.text(destination, "destination"),
      method: lower.text(method, "method"),
      path: lower.text(path, "path"),
      headers: pairs.map(([name, value]) => [lower.text(name, "a header's name"), lower.text(value, "a header")]),
      body: bytes(body),
    };
    return new HttpResponse(asked(() => capability("http").send(given), failed("http")));
  },
};
