// Makes TypeScript of the contract's types, with the contract's own words as documentation.

/** @import { Contract, Definition, Type } from "./wit.js" */

const HEAD = `// Made from the contract in wit/ by sluicegate-plugin-build; changes here are lost.
// Lengths and offsets in these types are the contract's: bytes of UTF-8. Where the SDK counts otherwise, it has types of
// its own, in index.d.ts.
`;

/** @type {Record<string, string>} */
const PRIMITIVES = {
  bool: "boolean", string: "string", char: "string",
  u8: "number", u16: "number", u32: "number", u64: "number",
  s8: "number", s16: "number", s32: "number", s64: "number", f32: "number", f64: "number",
};

/**
 * The text of `contract.d.ts`: the shared types, and a namespace for each other interface.
 * @param {Contract} contract
 */
export function typesOf(contract) {
  const parts = [HEAD];
  for (const { name, docs, definitions } of contract.interfaces.values()) {
    if (definitions.length === 0) continue;
    const texts = definitions.map(definitionOf);
    if (name === "types") parts.push(...texts);
    else parts.push(`${comment(docs)}export namespace ${camel(name)} {\n${indent(texts.join("\n"))}}\n`);
  }
  return parts.join("\n");
}

/** @param {Definition} definition */
function definitionOf({ kind, name, docs, fields }) {
  const head = `${comment(docs)}export `;
  if (kind === "record") {
    const lines = fields.map((field) => {
      const optional = field.type?.kind === "option";
      const type = field.type === undefined ? "never" : typeOf(field.type);
      return `${comment(field.docs)}${camel(field.name)}${optional ? "?" : ""}: ${type};\n`;
    });
    return `${head}interface ${pascal(name)} {\n${indent(lines.join(""))}}\n`;
  }
  const cases = fields.map((field) => {
    const val = field.type === undefined ? "" : `; val: ${typeOf(field.type)}`;
    const type = kind === "enum" ? JSON.stringify(field.name) : `{ tag: ${JSON.stringify(field.name)}${val} }`;
    return `${comment(field.docs)}| ${type}\n`;
  });
  return `${head}type ${pascal(name)} =\n${indent(cases.join("")).trimEnd()};\n`;
}

/** @param {Type} type @returns {string} */
function typeOf(type) {
  switch (type.kind) {
    case "name":
      return PRIMITIVES[type.name] ?? pascal(type.name);
    case "option":
      return `${typeOf(type.of)} | undefined`;
    case "list":
      if (type.of.kind === "name" && type.of.name === "u8") return "Uint8Array";
      return type.of.kind === "name" || type.of.kind === "tuple" ? `${typeOf(type.of)}[]` : `(${typeOf(type.of)})[]`;
    case "tuple":
      return `[${type.of.map(typeOf).join(", ")}]`;
    case "result":
      throw new Error("a result stands in no type");
  }
}

/** @param {string[]} docs */
function comment(docs) {
  if (docs.length === 0) return "";
  const [only] = docs;
  return docs.length === 1 ? `/** ${only} */\n` : `/**\n${docs.map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */\n`;
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^(?=.)/gm, "  ");
}

/** @param {string} name */
export function camel(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

/** @param {string} name */
function pascal(name) {
  const word = camel(name);
  return word.charAt(0).toUpperCase() + word.slice(1);
}
