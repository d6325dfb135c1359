// What the host gives, in one form for both engines.

/**
 * Absent is `undefined` and 64-bit numbers are numbers: QuickJS has `null`, SpiderMonkey has BigInt. Changes what it is
 * given, which came across the boundary just now and belongs to nobody else.
 * @param {any} value
 * @returns {any}
 */
export function plain(value) {
  if (value === null) return undefined;
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  for (const key in value) {
    const held = value[key];
    if (held === null || typeof held === "bigint" || typeof held === "object") value[key] = plain(held);
  }
  return value;
}
