// Reads the contract: just what its files use of WIT.
//
// The types for authors and the world of a project are made from it, so that neither can say anything else than the
// contract does.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {{ kind: "name", name: string } | { kind: "list" | "option", of: Type }
 *   | { kind: "tuple", of: Type[] } | { kind: "result", ok?: Type, err?: Type }} Type
 * @typedef {{ name: string, docs: string[], type?: Type }} Field
 * @typedef {{ kind: "record" | "variant" | "enum", name: string, docs: string[], fields: Field[] }} Definition
 * @typedef {{ name: string, docs: string[], uses: Map<string, string[]>, definitions: Definition[] }} Interface
 * @typedef {{ imports: string[], exports: string[] }} World
 * @typedef {{ id: string, version: string, interfaces: Map<string, Interface>, worlds: Map<string, World> }} Contract
 */

/**
 * All `.wit` files of a folder, which are of one package.
 * @param {string} folder
 * @returns {Contract}
 */
export function readContract(folder) {
  /** @type {Contract} */
  const contract = { id: "", version: "", interfaces: new Map(), worlds: new Map() };
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".wit")).sort()) {
    new Reader(readFileSync(join(folder, file), "utf8"), file).package(contract);
  }
  return contract;
}

class Reader {
  /** @param {string} source @param {string} file */
  constructor(source, file) {
    this.file = file;
    this.tokens = source.match(/\/\/\/[^\n]*|\/\/[^\n]*|[\w%-]+(?:[:/.@][\w.-]+)+|[\w%-]+|->|[^\s]/g) ?? [];
    this.tokens = this.tokens.filter((token) => !token.startsWith("//") || token.startsWith("///"));
    this.at = 0;
  }

  peek() {
    return this.tokens[this.at] ?? "";
  }

  next() {
    return this.tokens[this.at++] ?? "";
  }

  /** @param {string} token */
  take(token) {
    const is = this.peek() === token;
    if (is) this.at++;
    return is;
  }

  /** @param {string} token */
  expect(token) {
    const found = this.next();
    if (found !== token) throw new Error(`${this.file}: expected \`${token}\`, found \`${found}\``);
  }

  docs() {
    const docs = [];
    while (this.peek().startsWith("///")) docs.push(this.next().slice(3).trim());
    return docs;
  }

  /** @param {Contract} contract */
  package(contract) {
    while (this.at < this.tokens.length) {
      const docs = this.docs();
      const word = this.next();
      if (word === "package") {
        [contract.id = "", contract.version = ""] = this.next().split("@");
        this.expect(";");
      } else if (word === "interface") {
        const found = this.interface(docs);
        contract.interfaces.set(found.name, found);
      } else if (word === "world") {
        contract.worlds.set(this.next(), this.world());
      } else {
        throw new Error(`${this.file}: \`${word}\` is not expected here`);
      }
    }
  }

  /** @returns {World} */
  world() {
    /** @type {World} */
    const world = { imports: [], exports: [] };
    this.expect("{");
    while (!this.take("}")) {
      this.docs();
      const list = this.next() === "import" ? world.imports : world.exports;
      list.push(this.next());
      this.expect(";");
    }
    return world;
  }

  /** @param {string[]} docs @returns {Interface} */
  interface(docs) {
    /** @type {Interface} */
    const found = { name: this.next(), docs, uses: new Map(), definitions: [] };
    this.expect("{");
    while (!this.take("}")) {
      const docs = this.docs();
      const word = this.next();
      if (word === "use") this.use(found);
      else if (word === "record" || word === "variant" || word === "enum") found.definitions.push(this.definition(word, docs));
      // A function. What it takes and gives is in the types; how it is called, in the SDK.
      else while (this.next() !== ";");
    }
    return found;
  }

  /** @param {Interface} found */
  use(found) {
    // `types.{a, b}`: the point ends up in a token of its own.
    const from = this.next();
    this.expect(".");
    this.expect("{");
    const names = [];
    while (!this.take("}")) {
      names.push(this.next());
      this.take(",");
    }
    this.expect(";");
    found.uses.set(from, names);
  }

  /** @param {"record" | "variant" | "enum"} kind @param {string[]} docs @returns {Definition} */
  definition(kind, docs) {
    /** @type {Definition} */
    const definition = { kind, name: this.next(), docs, fields: [] };
    this.expect("{");
    while (!this.take("}")) {
      /** @type {Field} */
      const field = { docs: this.docs(), name: this.next() };
      if (kind === "record") {
        this.expect(":");
        field.type = this.type();
      } else if (this.take("(")) {
        field.type = this.type();
        this.expect(")");
      }
      this.take(",");
      definition.fields.push(field);
    }
    return definition;
  }

  /** @returns {Type} */
  type() {
    const name = this.next();
    if (!this.take("<")) return { kind: "name", name };
    const of = [this.type()];
    while (this.take(",")) of.push(this.type());
    this.expect(">");
    if (name === "tuple") return { kind: "tuple", of };
    const [first] = of;
    if ((name === "list" || name === "option") && first !== undefined) return { kind: name, of: first };
    throw new Error(`${this.file}: the type \`${name}\` is not known`);
  }
}
