import { cache } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    ttl_s: { description: "Seconds for which an answer is fresh.", type: "integer", minimum: 1, default: 3600 },
  },
  additionalProperties: false,
};

/** Answers again what was asked before in the same words. */
export default cache({
  configSchema,
  configure({ ttl_s }) {
    const ttlMs = ttl_s * 1000;
    return {
      plan({ segments, tools }, findings) {
        const [question, ...more] = segments.filter(({ role, channel }) => role === "user" && channel === "content");
        // A conversation that has begun is hardly ever had again.
        const begun = segments.some(({ role }) => role === "assistant" || role === "tool");
        if (question === undefined || more.length > 0 || begun || tools.length > 0 || findings.length > 0) return;
        return { key: normalized(question.text), ageMsMax: ttlMs };
      },
      admit(_, answer, findings) {
        return answer.finish === "stop" && findings.length === 0 ? { ttlMs } : undefined;
      },
    };
  },
});

/** Without white space around it and in small letters, as far as these are ASCII. */
function normalized(text) {
  const [trimmed] = text.match(/[^\t\n\f\r ](.*[^\t\n\f\r ])?/s) ?? [""];
  return trimmed.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
