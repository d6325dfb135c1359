// What of the host is there when. The host ends a plugin that asks for what is not, without a word about where.

/** Where a plugin is: its module is loaded while the component is built, then it is configured, then called. */
export const phase = {
  /** @type {"loading" | "configuring" | "called"} */
  now: "called",
};

const WHILE_CONFIGURING = ["log", "patterns", "embedding"];

/**
 * Why a capability cannot be used now, if it cannot.
 * @param {string} name
 */
export function missing(name) {
  if (phase.now === "loading") return `"${name}" cannot be used while the module is loaded: use it in \`configure\` or later`;
  if (phase.now === "configuring" && !WHILE_CONFIGURING.includes(name)) return `"${name}" cannot be used in \`configure\``;
  return undefined;
}
