// For tests of plugins, which run on node.

import { configure } from "./export.js";
import { kinds } from "./kinds.js";
import { prefiltered, stage as native } from "./native/imports.js";
import { Offsets, isInside } from "./offsets.js";
import { encode } from "./utf8.js";

export const stage = {
  get log() {
    return native.log;
  },
  get kept() {
    return native.kept;
  },
  /** @param {number | undefined} ms */
  setClock: (ms) => void (native.now = ms),
  /** @param {any} service */
  answerHttp: (service) => void (native.http = service),
  /** @param {any} service */
  answerModel: (service) => void (native.model = service),
  /** @param {any} embedder */
  answerEmbedding: (embedder) => void (native.embedding = embedder),
  reset() {
    Object.assign(native, { log: [], now: undefined, kept: new Map(), http: undefined, model: undefined, embedding: undefined });
  },
};

/** @param {any} plugin @param {any} [config] @returns {any} */
export function configured(plugin, config = {}) {
  // As the host has it: read from JSON, so that a test cannot share what it changes.
  return configure(plugin, JSON.parse(JSON.stringify(config)));
}

const WINDOW = { phase: "request", role: "user", channel: "content", context: 0, final: true };

/** @param {string} text @param {any} [other] */
export const window = (text, other = {}) => ({ ...WINDOW, text, ...other });

const EXCHANGE = { id: "exchange", tenant: "default", step: 0, model: "model", streaming: false, attributes: [] };

/** @param {any} said */
function segments(said) {
  const list = typeof said === "string" ? [{ text: said }] : said;
  return list.map((/** @type {any} */ segment, /** @type {number} */ id) => ({ id, role: "user", channel: "content", choice: 0, ...segment }));
}

/** @param {any} said @param {any} [other] */
export function request(said, { exchange = {}, ...other } = {}) {
  const list = segments(said);
  const characters = list.reduce((/** @type {number} */ sum, /** @type {any} */ { text }) => sum + text.length, 0);
  return { exchange: { ...EXCHANGE, ...exchange }, segments: list, tools: [], tokensEstimate: Math.ceil(characters / 4), ...other };
}

/** @param {any} said @param {any} [other] */
export function answer(said, other = {}) {
  const list = segments(typeof said === "string" ? [{ text: said }] : said);
  const roles = list.map((/** @type {any} */ segment) => (segment.role === "user" ? { ...segment, role: "assistant" } : segment));
  return { target: "target", segments: roles, finish: "stop", ...other };
}

/** @param {string} name @param {any} [other] */
export const target = (name, other = {}) => ({ name, provider: "provider", model: name, tags: [], healthy: true, inFlight: 0, ...other });

/** @param {string} text @param {any} verdict */
export function applied(text, verdict) {
  if (verdict?.deny) throw new Error(`denied: ${verdict.deny.reason}`);
  const edits = (verdict?.edits ?? []).toSorted((/** @type {any} */ one, /** @type {any} */ other) => one.span.start - other.span.start);
  let [out, at] = ["", 0];
  for (const { span: { start, end }, replacement } of edits) {
    if (start < at || end < start || end > text.length) throw new Error(`edits overlap, run backwards or leave the text at ${start}`);
    out += text.slice(at, start) + replacement;
    at = end;
  }
  return out + text.slice(at);
}

/** @param {any} guardrail @param {string[]} chunks @param {any} [options] */
export function stream(guardrail, chunks, { like = {}, context = 256 } = {}) {
  const streamed = { released: "", denied: /** @type {string | undefined} */ (undefined), findings: /** @type {any[]} */ ([]), heldMax: 0 };
  const inspect = kinds["text-guardrail"]?.functions(() => guardrail)["inspect"];
  let [text, decided] = ["", 0];
  const shown = [...chunks];
  for (const [index, chunk] of (shown.length > 0 ? shown : [""]).entries()) {
    text += chunk;
    const final = index + 1 >= shown.length;
    // The host's windows end between characters: half of one waits for its other half.
    const cut = !final && /[\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length;
    let start = Math.max(0, decided - context);
    if (isInside(text, start)) start++;
    const seen = text.slice(start, cut);
    const offsets = new Offsets(seen);
    const from = offsets.bytes(decided - start);
    const given = { ...WINDOW, phase: "answer", role: "assistant", ...like, text: seen, context: from, final };
    const verdict = decidedOn(guardrail, given, /** @type {any} */ (inspect)([given])[0]);
    const units = (/** @type {any} */ { start: one, end: other }) => ({ start: start + offsets.units(one), end: start + offsets.units(other) });
    for (const { rule, span, score } of verdict.findings) streamed.findings.push(span ? { rule, score, span: units(span) } : { rule, score });
    if (verdict.action.tag === "deny") {
      streamed.denied = verdict.action.val.code;
      return streamed;
    }
    const edits = (verdict.action.val ?? []).map((/** @type {any} */ edit) => ({ ...edit, span: units(edit.span) }));
    const all = offsets.bytes(seen.length);
    const to = final ? cut : Math.max(decided, start + offsets.units(all - verdict.hold));
    [decided, streamed.released] = release(text, edits, decided, to, streamed.released);
    streamed.heldMax = Math.max(streamed.heldMax, encode(text.slice(decided)).length);
  }
  return streamed;
}

/**
 * What the host does with a window: the prefilter's verdict, or the guardrail's.
 * @param {any} guardrail @param {any} window @param {any} verdict
 */
function decidedOn(guardrail, window, verdict) {
  if (guardrail.prefilter === undefined) return verdict;
  const { triggers, tail } = guardrail.prefilter;
  const hold = prefiltered(triggers.number, window, tail !== undefined);
  if (hold === undefined) return verdict;
  if (verdict.action.tag !== "allow" || verdict.findings.length > 0 || (!window.final && verdict.hold > hold)) {
    const said = JSON.stringify({ window, verdict });
    throw new Error(`the prefilter lets a window pass and holds ${hold} bytes back; the guardrail says otherwise: ${said}`);
  }
  return { ...verdict, hold };
}

/**
 * Write out what is decided, and give its end.
 * @param {string} text @param {any[]} edits @param {number} from @param {number} to @param {string} released
 * @returns {[number, string]}
 */
function release(text, edits, from, to, released) {
  let at = from;
  for (const { span: { start, end }, replacement } of edits.toSorted((one, other) => one.span.start - other.span.start)) {
    if (end <= from || start >= to) continue;
    // An edit that reaches into what is held back waits with it.
    if (end > to) {
      to = Math.max(start, from);
      break;
    }
    const begin = Math.max(start, from);
    if (begin < at) throw new Error(`edits overlap at ${begin}`);
    released += text.slice(at, begin) + replacement;
    at = end;
  }
  return [to, released + text.slice(at, to)];
}
