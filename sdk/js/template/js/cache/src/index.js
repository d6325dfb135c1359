import { cache } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    minutes: { description: "For how many minutes an answer is fresh.", type: "integer", minimum: 1, default: 60 },
  },
  additionalProperties: false,
};

/** Answers the first question of a conversation from memory, if it was asked before in the same words. */
export default cache({
  configSchema,
  configure({ minutes }) {
    const ttlMs = minutes * 60_000;
    return {
      plan(request) {
        const [question, ...more] = request.segments.filter(({ role }) => role !== "system");
        if (question?.role !== "user" || more.length > 0 || request.tools.length > 0) return;
        return { key: question.text.trim().toLowerCase(), ageMsMax: ttlMs };
      },
      admit(_, answer, findings) {
        return answer.finish === "stop" && findings.length === 0 ? { ttlMs } : undefined;
      },
    };
  },
});
