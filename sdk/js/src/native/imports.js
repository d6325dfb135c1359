// In tests: what stands in for the host. It speaks like the host does, in bytes of UTF-8, so that a test goes through the
// same conversions as a component.

import { Offsets } from "../offsets.js";
import { decode, encode } from "../utf8.js";
import { expressionOf } from "./regex.js";

/**
 * What a test says about the world, and what it can look at.
 * @type {{
 *   log: { level: string, message: string }[],
 *   now: number | undefined,
 *   kept: Map<string, { value: Uint8Array, until: number }>,
 *   http: ((request: any) => any) | undefined,
 *   model: ((prompt: any) => any) | undefined,
 *   embedding: ((text: string) => ArrayLike<number>) | undefined,
 * }}
 */
export const stage = { log: [], now: undefined, kept: new Map(), http: undefined, model: undefined, embedding: undefined };

/**
 * Compiled sets, by their numbers.
 * @type {{ expressions: RegExp[], tail?: RegExp | undefined }[]}
 */
const sets = [];

const now = () => stage.now ?? Date.now();

/**
 * As the engines throw what an import says instead of a result.
 * @param {unknown} payload
 * @returns {never}
 */
function fail(payload) {
  throw Object.assign(new Error("see payload"), { payload });
}

/** @param {string} key */
function kept(key) {
  if (encode(key).length > 512) fail({ tag: "too-large" });
  const found = stage.kept.get(key);
  return found !== undefined && found.until > now() ? found : undefined;
}

/** @param {number | undefined} ttlMs */
const until = (ttlMs) => (ttlMs === undefined ? Infinity : now() + ttlMs);

const NOBODY = "nobody is there: say who answers, in `stage`";

/** As in a component: see there. @param {number} number */
export const wide = (number) => number;

/** @type {Record<string, any>} */
export const imports = {
  log: {
    write: (/** @type {string} */ level, /** @type {string} */ message) => void stage.log.push({ level, message }),
  },
  patterns: {
    compile(/** @type {string[]} */ expressions) {
      try {
        return sets.push({ expressions: expressions.map((expression) => expressionOf(expression)) }) - 1;
      } catch (error) {
        return fail(/** @type {Error} */ (error).message);
      }
    },
    find(/** @type {number} */ set, /** @type {string} */ text) {
      const offsets = new Offsets(text);
      const found = (sets[set]?.expressions ?? []).flatMap((regex, expression) =>
        [...text.matchAll(regex)].map((match) => {
          const span = { start: offsets.bytes(match.index), end: offsets.bytes(match.index + match[0].length) };
          return { expression, span };
        }),
      );
      return found.sort((one, other) => one.span.start - other.span.start || one.expression - other.expression);
    },
    prefilter(/** @type {number} */ set, /** @type {string | undefined} */ tail) {
      const found = sets[set];
      if (found === undefined) return fail("there is no such set");
      try {
        found.tail = tail === undefined ? undefined : expressionOf(`(?:${tail})\\z`);
      } catch (error) {
        fail(/** @type {Error} */ (error).message);
      }
    },
  },
  kv: {
    get: (/** @type {string} */ key) => kept(key)?.value,
    set(/** @type {string} */ key, /** @type {Uint8Array} */ value, /** @type {number | undefined} */ ttlMs) {
      kept(key);
      stage.kept.set(key, { value: Uint8Array.from(value), until: until(ttlMs) });
    },
    delete(/** @type {string} */ key) {
      kept(key);
      stage.kept.delete(key);
    },
    increment(/** @type {string} */ key, /** @type {number} */ by, /** @type {number | undefined} */ ttlMs) {
      const found = kept(key);
      const digits = found === undefined ? "0" : decode(found.value);
      if (!/^-?\d+$/.test(digits)) fail({ tag: "unavailable", val: "what is kept under this key is no number" });
      const sum = Number(digits) + by;
      stage.kept.set(key, { value: encode(String(sum)), until: found?.until ?? until(ttlMs) });
      return sum;
    },
  },
  clock: { nowMs: now },
  embedding: {
    embed: (/** @type {string[]} */ texts) => texts.map(stage.embedding ?? bagOfWords),
  },
  model: {
    complete: (/** @type {any} */ prompt) => answered(stage.model, prompt, (message) => message),
  },
  http: {
    send(/** @type {any} */ request) {
      const { status = 200, headers = {}, body = "" } = answered(stage.http, request, (val) => ({ tag: "unavailable", val }));
      const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
      return { status, headers: pairs, body: typeof body === "string" ? encode(body) : body };
    },
  },
};

/**
 * What a test has for a service says. What it throws is what the host would say: a text, or a variant of the contract.
 * @param {((given: any) => any) | undefined} service
 * @param {any} given
 * @param {(message: string) => unknown} unavailable
 */
function answered(service, given, unavailable) {
  if (service === undefined) return fail(unavailable(NOBODY));
  try {
    return service(given);
  } catch (error) {
    return fail(error instanceof Error ? unavailable(error.message) : error);
  }
}

const DIMENSIONS = 4096;

/**
 * Texts with the same words have the same vector, those without a word in common are at a right angle.
 * @param {string} text
 */
function bagOfWords(text) {
  const vector = new Float32Array(DIMENSIONS);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    let hash = 2166136261;
    for (const character of word) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
    const at = (hash >>> 0) % DIMENSIONS;
    vector[at] = (vector[at] ?? 0) + 1;
  }
  const length = Math.hypot(...vector);
  // Nothing is like nothing else.
  if (length === 0) vector[0] = 1;
  return length === 0 ? vector : vector.map((value) => value / length);
}

/**
 * The host's part of a prefilter: how many bytes are held back of a window that it lets pass, or nothing if it does not.
 * @param {number} set
 * @param {{ text: string, final: boolean, context: number }} window
 * @param {boolean} hasTail
 */
export function prefiltered(set, { text, final, context }, hasTail) {
  const { expressions = [], tail } = sets[set] ?? {};
  if ((!final && !hasTail) || expressions.some((regex) => text.search(regex) >= 0)) return undefined;
  if (final || tail === undefined) return 0;
  const offsets = new Offsets(text);
  const all = offsets.bytes(text.length);
  const at = text.search(tail);
  return at < 0 ? 0 : Math.min(all - offsets.bytes(at), all - context);
}
