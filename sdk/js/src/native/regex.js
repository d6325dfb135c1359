// Expressions in the syntax of the Rust crate `regex`, which the host has, as JavaScript's. For tests only.
//
// What it translates: flags for the whole expression, `(?P<name>`, `\A`, `\z`, `\d`, `\w`, `\s` and `\b` with their Unicode
// meaning, POSIX classes, escapes that JavaScript refuses, `\x{..}`. What it cannot, it refuses in words: flags for a
// part, `x`, `U`, classes in classes.

const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";
const BOUNDARY = `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`;
const INSIDE = `(?:(?<=[${WORD}])(?=[${WORD}])|(?<![${WORD}])(?![${WORD}]))`;

/** Outside of a class. @type {Record<string, string>} */
const ESCAPES = {
  d: "\\p{Nd}", D: "\\P{Nd}", w: `[${WORD}]`, W: `[^${WORD}]`, s: "\\p{White_Space}", S: "\\P{White_Space}",
  b: BOUNDARY, B: INSIDE, A: "(?<![^])", z: "(?![^])", a: "\\x07",
};

/** Inside of one. @type {Record<string, string>} */
const CLASS_ESCAPES = { d: "\\p{Nd}", D: "\\P{Nd}", w: WORD, s: "\\p{White_Space}", S: "\\P{White_Space}", a: "\\x07" };

/** @type {Record<string, string>} */
const POSIX = {
  alnum: "0-9A-Za-z", alpha: "A-Za-z", ascii: "\\x00-\\x7f", blank: "\\t ", cntrl: "\\x00-\\x1f\\x7f", digit: "0-9", graph: "!-~",
  lower: "a-z", print: " -~", punct: "!-\\/:-@\\[-`\\{-~", space: "\\t\\n\\v\\f\\r ", upper: "A-Z", word: "0-9A-Za-z_", xdigit: "0-9A-Fa-f",
};

/**
 * @param {string} expression
 * @returns {RegExp} With the flag `g`.
 */
export function expressionOf(expression) {
  const [head = "", letters = ""] = /^\(\?([a-zA-Z]+)\)/.exec(expression) ?? [];
  const unknown = letters.replace(/[imsu]/g, "");
  if (unknown !== "") throw new Error(`tests cannot run expressions with the flag \`${unknown}\``);
  const body = translated(expression.slice(head.length));
  return new RegExp(body, `gu${letters.replaceAll("u", "")}`);
}

/** @param {string} expression */
function translated(expression) {
  let out = "";
  let inClass = false;
  for (let at = 0; at < expression.length; ) {
    const rest = expression.slice(at);
    const posix = inClass && /^\[:(\^?)(\w+):\]/.exec(rest);
    const [token = ""] = posix || /^\\[xu]\{[0-9a-fA-F]+\}|^\\[pP](?:\{[^}]*\}|.)|^\\[^]|^\(\?P?<?[^]?|^[^]/u.exec(rest) || [];
    at += token.length;
    if (posix) out += posixClass(posix[1] ?? "", posix[2] ?? "");
    else if (token.startsWith("\\")) out += escaped(token, inClass);
    else if (inClass) {
      if (token === "[") throw new Error("tests cannot run expressions with a class inside a class");
      if (token === "]") inClass = false;
      out += token;
    } else if (token === "[") {
      inClass = true;
      // A `]` right at the start stands for itself.
      const [start = ""] = /^\^?\]?/.exec(expression.slice(at)) ?? [];
      at += start.length;
      out += token + start.replace("]", "\\]");
    } else if (token.startsWith("(?")) {
      out += group(token);
    } else out += token;
  }
  return out;
}

/** @param {string} token */
function group(token) {
  if (token.startsWith("(?P<")) return `(?<${token.slice(4)}`;
  if (token === "(?:" || /^\(\?<[^=!]$/.test(token)) return token;
  throw new Error(`tests cannot run expressions with \`${token}\` inside`);
}

/** @param {string} token @param {boolean} inClass */
function escaped(token, inClass) {
  const letter = token.charAt(1);
  if (letter === "x" && token.charAt(2) === "{") return `\\u${token.slice(2)}`;
  if ((letter === "p" || letter === "P") && !token.includes("{")) return `\\${letter}{${token.slice(2)}}`;
  const known = inClass ? CLASS_ESCAPES[letter] : ESCAPES[letter];
  if (known !== undefined) return known;
  if (inClass && letter === "W") throw new Error("tests cannot run expressions with `\\W` in a class");
  if (/[\^$\\.*+?()[\]{}|/]/.test(letter)) return token;
  if (letter === "-") return inClass ? token : letter;
  // JavaScript refuses to escape what needs none.
  return /[a-zA-Z0-9]/.test(letter) ? token : letter;
}

/** @param {string} not @param {string} name */
function posixClass(not, name) {
  const found = POSIX[name];
  if (found === undefined || not !== "") throw new Error(`tests cannot run expressions with \`[:${not}${name}:]\``);
  return found;
}
