// What an author gives, as the contract wants it.
//
// An engine that finds something else than the contract's type ends the plugin without a word. So all is looked at here,
// and a mistake becomes a sentence that says where it is.

import { PluginError, wellFormed } from "./errors.js";
import { Offsets } from "./offsets.js";

/** @param {unknown} value @param {string} what */
export function text(value, what) {
  if (typeof value !== "string") throw new PluginError(`${what} must be a string`);
  return wellFormed(value);
}

/** @param {unknown} value @param {string} what */
export function optionalText(value, what) {
  return value === undefined || value === null ? undefined : text(value, what);
}

/** @param {unknown} value @param {string} what */
export function number(value, what) {
  if (typeof value !== "number" || Number.isNaN(value)) throw new PluginError(`${what} must be a number`);
  return value;
}

/**
 * A whole number that is not negative.
 * @param {unknown} value @param {string} what @param {number} most
 */
export function count(value, what, most) {
  return Math.min(Math.max(Math.floor(number(value, what)), 0), most);
}

/** @param {unknown} value @param {string} what @returns {any[]} */
export function list(value, what) {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new PluginError(`${what} must be a list`);
  return value;
}

/**
 * An object, or nothing at all. A promise is the mistake that is easily made: the contract waits for none.
 * @param {unknown} value @param {string} what @returns {any}
 */
export function object(value, what) {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw new PluginError(`${what} must be an object`);
  if ("then" in value) throw new PluginError(`${what} must not be a promise: the functions of a plugin are not async`);
  return value;
}

/**
 * An object with no other fields than these, or nothing at all. A field with a slip of the pen in its name would count for
 * nothing, and what it says might be to refuse.
 * @param {unknown} value @param {string} what @param {string[]} fields @returns {any}
 */
export function record(value, what, fields) {
  const said = object(value, what);
  const stranger = Object.keys(said ?? {}).find((field) => !fields.includes(field));
  if (stranger === undefined) return said;
  throw new PluginError(`${what} has no field ${JSON.stringify(stranger)}; expected one of ${fields.join(", ")}`);
}

/** The largest number of the contract's `u32`. */
export const U32_MAX = 0xffff_ffff;

/** A span's start goes down and its end up to the bounds of characters: what is half covered is covered.
 * @param {unknown} value @param {Offsets} offsets
 */
export function span(value, offsets) {
  const { start, end } = record(value, "a span", ["start", "end"]) ?? {};
  const from = offsets.bytes(number(start, "a span's start"));
  return { start: from, end: Math.max(from, offsets.bytes(number(end, "a span's end"), true)) };
}

/** @param {any} value @param {Offsets} offsets */
export function edit(value, offsets) {
  const said = record(value, "an edit", ["span", "replacement", "restore", "segment"]) ?? {};
  return {
    span: span(said.span, offsets),
    replacement: text(said.replacement, "an edit's replacement"),
    restore: said.restore === true,
  };
}

/** @param {any} value @param {Offsets | undefined} offsets Of the text that its span lies in. */
export function finding(value, offsets) {
  const said = record(value, "a finding", ["rule", "span", "score", "segment"]) ?? {};
  return {
    rule: text(said.rule, "a finding's rule"),
    span: said.span && offsets ? span(said.span, offsets) : undefined,
    score: number(said.score ?? 1, "a finding's score"),
  };
}

/** @param {any} value */
export function denial(value) {
  const said = record(value, "a denial", ["code", "reason", "detail"]) ?? {};
  return {
    code: text(said.code, "a denial's code"),
    reason: text(said.reason, "a denial's reason"),
    detail: optionalText(said.detail, "a denial's detail"),
  };
}
