// UTF-8, which QuickJS has no encoder for.

/**
 * @param {string} text
 * @returns {Uint8Array}
 */
export function encode(text) {
  // The engine's own, if it has one: not what globals.js puts in its place, which comes here.
  if (native.encoder !== undefined) return native.encoder.encode(text);
  const bytes = new Uint8Array(text.length * 3);
  let end = 0;
  for (const character of text) {
    let code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes[end++] = code;
    else if (code < 0x800) {
      bytes[end++] = 0xc0 | (code >> 6);
      bytes[end++] = 0x80 | (code & 0x3f);
    } else {
      if (code < 0x10000) bytes[end++] = 0xe0 | (code >> 12);
      else {
        bytes[end++] = 0xf0 | (code >> 18);
        bytes[end++] = 0x80 | ((code >> 12) & 0x3f);
      }
      bytes[end++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[end++] = 0x80 | (code & 0x3f);
    }
  }
  return bytes.slice(0, end);
}

/**
 * What is not UTF-8 becomes U+FFFD.
 * @param {Uint8Array} bytes
 */
export function decode(bytes) {
  if (native.decoder !== undefined) return native.decoder.decode(bytes);
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    let code = length > 1 ? first & (0xff >> (length + 1)) : first;
    let taken = 1;
    for (; taken < length && ((bytes[at + taken] ?? 0) & 0xc0) === 0x80; taken++) code = (code << 6) | ((bytes[at + taken] ?? 0) & 0x3f);
    const least = length === 3 ? 0x800 : length === 4 ? 0x10000 : 0;
    const wrong = length === 0 || taken < length || code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff);
    text += wrong ? "\ufffd" : String.fromCodePoint(code);
    at += taken;
  }
  return text;
}

/**
 * How many bytes a well-formed text has.
 * @param {string} text
 */
export function byteLength(text) {
  if (native.encoder !== undefined) return native.encoder.encode(text).length;
  // `%XY` for each byte that needs it, and a character for each of these: two of QuickJS's own functions, many times as fast
  // as a loop.
  return unescape(encodeURIComponent(text)).length;
}

/** For tests of what stands in for the engine's own: `false` takes the latter away. */
export function useNative(yes = true) {
  native.encoder = yes && "TextEncoder" in globalThis ? new TextEncoder() : undefined;
  // Others leave a mark of the order of bytes out, which is text like any other.
  native.decoder = yes && "TextDecoder" in globalThis ? new TextDecoder("utf-8", { ignoreBOM: true }) : undefined;
}

/** @type {{ encoder?: InstanceType<typeof TextEncoder> | undefined, decoder?: InstanceType<typeof TextDecoder> | undefined }} */
const native = {};
useNative();
