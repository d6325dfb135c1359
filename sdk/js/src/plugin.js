// What an author's module is made of.

/** @param {string} kind */
const of = (kind) => (/** @type {object} */ definition) => Object.freeze({ ...definition, kind });

export const textGuardrail = of("text-guardrail");
export const requestGuardrail = of("request-guardrail");
export const answerGuardrail = of("answer-guardrail");
export const router = of("router");
export const cache = of("cache");

/** @param {{ start: number, end: number }} span @param {string} replacement */
export const mask = (span, replacement) => ({ span, replacement, restore: false });

/** @param {{ start: number, end: number }} span @param {string} replacement */
export const restore = (span, replacement) => ({ span, replacement, restore: true });

/** @param {string} rule @param {{ start: number, end: number }} [span] @param {number} [score] */
export const finding = (rule, span, score = 1) => (span === undefined ? { rule, score } : { rule, span, score });

/** @param {string} text @param {string[]} words */
export function trailing(text, words) {
  const longest = words.reduce((most, word) => Math.max(most, word.length - 1), 0);
  for (let held = Math.min(longest, text.length); held > 0; held--) {
    const end = text.slice(text.length - held);
    if (words.some((word) => word.length > held && word.startsWith(end))) return held;
  }
  return 0;
}

/** @param {string} text @param {number} most @param {(character: string) => boolean} belongs */
export function trailingRun(text, most, belongs) {
  let held = 0;
  while (held < text.length) {
    const last = text.length - held - 1;
    const pair = last > 0 && /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(last - 1, last + 1));
    const character = text.slice(pair ? last - 1 : last, last + 1);
    if (held + character.length > most || !belongs(character)) break;
    held += character.length;
  }
  return held;
}

/** @param {any} request */
export function saidLast({ segments }) {
  const said = segments.filter((/** @type {any} */ segment) => segment.channel === "content");
  const end = said.findLastIndex((/** @type {any} */ segment) => segment.role === "user") + 1;
  let start = end;
  while (start > 0 && said[start - 1].role === "user") start--;
  return said.slice(start, end);
}
