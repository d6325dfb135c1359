// The part of JSON Schema that a configuration is completed by. That it is right the host has checked.

/**
 * A configuration with the defaults that its schema says.
 * @param {any} schema
 * @param {any} config
 * @returns {any}
 */
export function withDefaults(schema, config) {
  if (config === undefined) return schema?.default === undefined ? undefined : structure(schema.default);
  if (Array.isArray(config)) return config.map((item) => withDefaults(schema?.items, item));
  if (typeof config !== "object" || config === null) return config;
  const whole = { ...config };
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    const value = withDefaults(property, whole[name]);
    if (value !== undefined) whole[name] = value;
  }
  return whole;
}

/** @param {unknown} value */
const structure = (value) => JSON.parse(JSON.stringify(value));
