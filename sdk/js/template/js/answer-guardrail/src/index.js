import { answerGuardrail, finding } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    phrase: {
      description: "What an answer must not say, exactly as it is written.",
      type: "string",
      minLength: 1,
      default: "I guarantee",
    },
  },
  additionalProperties: false,
};

/** Has the model asked once more when it promises something. */
export default answerGuardrail({
  configSchema,
  configure({ phrase }) {
    return {
      check(_, answer) {
        const promised = answer.segments.some(({ channel, text }) => channel === "content" && text.includes(phrase));
        return promised ? { retry: "Do not promise anything.", findings: [finding("promise")] } : {};
      },
    };
  },
});
