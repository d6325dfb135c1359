// What goes wrong, in the contract's words.

/** @typedef {"unsupported" | "unavailable" | "other"} Tag */

export class PluginError extends Error {
  /** @type {Tag} */
  tag = "other";
  name = "PluginError";
}

export class Unsupported extends PluginError {
  /** @type {Tag} */
  tag = "unsupported";
  name = "Unsupported";
}

export class Unavailable extends PluginError {
  /** @type {Tag} */
  tag = "unavailable";
  name = "Unavailable";
}

export class CapabilityError extends Unavailable {
  name = "CapabilityError";

  /** @param {string} capability @param {string} reason @param {string} [detail] */
  constructor(capability, reason, detail) {
    super(`${capability}: ${detail ?? reason.replaceAll("-", " ")}`);
    this.reason = reason;
  }
}

/**
 * What the host is told of an error that ended a call.
 *
 * The message of an error that is none of ours may hold text of the exchange (that of `JSON.parse` does), and what the
 * host is told goes to its log. So that says only what kind of error it was, and where.
 * @param {unknown} error
 */
export function told(error) {
  if (error instanceof PluginError) return { tag: error.tag, val: wellFormed(error.message) };
  if (!(error instanceof Error)) return { tag: "other", val: "something was thrown that is no Error" };
  const place = /^\s*(?:at )?(.*?\d+:\d+\)?)\s*$/m.exec(error.stack ?? "")?.[1] ?? "a place that is not known";
  return { tag: "other", val: `${error.name} at ${place}` };
}

/**
 * What the operator is told of an error that ended `configure`, which sees no text of an exchange.
 * @param {unknown} error
 */
export function sentence(error) {
  if (!(error instanceof Error)) return wellFormed(String(error));
  // One that was thrown as a sentence is an Error; the others are mistakes in the program.
  return wellFormed(["Error", "PluginError"].includes(error.name) ? error.message : `${error.name}: ${error.message}`);
}

/**
 * The engines end the plugin over half a surrogate pair, or make something else of it; this makes U+FFFD of it.
 * @param {string} text
 */
export function wellFormed(text) {
  return text.toWellFormed();
}
