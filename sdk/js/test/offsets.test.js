import assert from "node:assert/strict";
import { test } from "node:test";

import { Offsets } from "../src/offsets.js";
import { byteLength, useNative } from "../src/utf8.js";

const TEXTS = [
  "", "plain", "é", "a🦉b", "🦉🦉🦉", "e\u0301 and n\u0303", "日本語 text", "👩‍👩‍👧‍👦!", "\u07ff\u0800\uffff\u{10000}\u{10ffff}", "ж".repeat(200),
  "naïve café, 12 €, 🦉".repeat(20), "🦉".repeat(100), "a" + "🦉".repeat(100), "a".repeat(63) + "🦉é", "a".repeat(64) + "é", "é".repeat(64),
];

/** @param {string} text */
const bytesOf = (text) => Buffer.byteLength(text);

test("each bound of a character is the same place, both ways", () => {
  for (const text of TEXTS) {
    const offsets = new Offsets(text);
    let unit = 0;
    for (const character of [...text, ""]) {
      const byte = bytesOf(text.slice(0, unit));
      assert.equal(offsets.bytes(unit), byte, `${text} at ${unit}`);
      assert.equal(offsets.units(byte), unit, `${text} at byte ${byte}`);
      unit += character.length;
    }
  }
});

test("bytes are counted alike with and without an encoder", () => {
  useNative(false);
  try {
    for (const text of TEXTS) assert.equal(byteLength(text), bytesOf(text));
  } finally {
    useNative();
  }
});

test("what lies inside a character becomes one of its bounds", () => {
  const offsets = new Offsets("a🦉b");
  assert.deepEqual([offsets.bytes(2), offsets.bytes(2, true), offsets.bytes(1.9)], [1, 5, 1]);
  assert.deepEqual([2, 3, 4, 5].map((byte) => offsets.units(byte)), [1, 1, 1, 3]);
});

test("what lies outside of the text becomes its nearest end", () => {
  for (const text of ["ab", "é🦉"]) {
    const offsets = new Offsets(text);
    assert.deepEqual([-1, NaN, Infinity, 99].map((unit) => offsets.bytes(unit)), [0, 0, bytesOf(text), bytesOf(text)]);
    assert.deepEqual([-1, NaN, Infinity, 99].map((byte) => offsets.units(byte)), [0, 0, text.length, text.length]);
  }
});

test("many places in a long text are one pass over it", () => {
  const text = "Füchse, 狐 and 🦊. ".repeat(20_000);
  const offsets = new Offsets(text);
  const began = performance.now();
  for (let unit = 0; unit < text.length; unit += 7) offsets.units(offsets.bytes(unit));
  // Quadratic, it would be minutes.
  assert.ok(performance.now() - began < 5_000);
});
