// Places in a text, as the contract counts (bytes of UTF-8) and as JavaScript does (code units of UTF-16).
//
// In an interpreter a loop over the characters of a long text takes more fuel than a call has. So the engine's own
// functions do the counting, in blocks.

import { byteLength } from "./utf8.js";

/** Code units of a block. A place is found with the look-up of a block and the bytes of a part of it. */
const BLOCK = 64;

/** Converts places of one well-formed text both ways, after one pass over the text, or none if no place is asked for. */
export class Offsets {
  /** @type {boolean | undefined} */
  #ascii;
  /**
   * How many bytes stand before each block.
   * @type {number[] | undefined}
   */
  #before;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  /**
   * The place in bytes. What lies inside a character becomes its start, or its end if it is to be rounded up; what lies
   * outside the text becomes its nearest end.
   * @param {number} unit
   * @param {boolean} [up]
   */
  bytes(unit, up = false) {
    if (!(unit > 0)) return 0;
    const to = Math.min(Math.floor(unit), this.text.length);
    if (this.#isAscii()) return to;
    const inside = isInside(this.text, to);
    const place = inside && up ? to + 1 : inside ? to - 1 : to;
    const block = Math.floor(place / BLOCK);
    const start = this.#start(block);
    // A block that begins inside a character begins before it: so may the place be its start.
    return at(this.#blocks(), block) + byteLength(this.text.slice(start, place));
  }

  /**
   * The place in code units, likewise. What lies inside a character becomes its start.
   * @param {number} byte
   */
  units(byte) {
    if (!(byte > 0)) return 0;
    const length = this.text.length;
    if (this.#isAscii()) return Math.min(Math.floor(byte), length);
    const before = this.#blocks();
    const block = lastUpTo(0, before.length - 1, (index) => at(before, index) <= byte);
    const start = this.#start(block);
    const fits = (/** @type {number} */ unit) => at(before, block) + byteLength(this.text.slice(start, this.#bound(unit))) <= byte;
    return this.#bound(lastUpTo(start, Math.min(start + BLOCK + 1, length), fits));
  }

  #isAscii() {
    return (this.#ascii ??= byteLength(this.text) === this.text.length);
  }

  #blocks() {
    if (this.#before !== undefined) return this.#before;
    const before = [0];
    for (let block = 1; block * BLOCK <= this.text.length; block++) {
      before.push(at(before, block - 1) + byteLength(this.text.slice(this.#start(block - 1), this.#start(block))));
    }
    return (this.#before = before);
  }

  /** Where a block begins. @param {number} block */
  #start(block) {
    return this.#bound(block * BLOCK);
  }

  /** The place itself, or the start of the character that it lies inside of. @param {number} unit */
  #bound(unit) {
    return isInside(this.text, unit) ? unit - 1 : unit;
  }
}

/** @param {number[]} list @param {number} index */
const at = (list, index) => /** @type {number} */ (list[index]);

/**
 * The last number from `low` to `high` that fits, where all up to some number do, and `low` does.
 * @param {number} low @param {number} high @param {(number: number) => boolean} fits
 */
function lastUpTo(low, high, fits) {
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Whether a place parts a surrogate pair.
 * @param {string} text
 * @param {number} at
 */
export function isInside(text, at) {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
}
