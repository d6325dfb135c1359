import { requestGuardrail } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    tokens_max: { description: "Requests with more tokens are refused.", type: "integer", minimum: 1, default: 8000 },
  },
  additionalProperties: false,
};

/** Refuses requests that are too long. */
export default requestGuardrail({
  configSchema,
  configure({ tokens_max }) {
    return {
      check({ tokensEstimate }) {
        if (tokensEstimate <= tokens_max) return {};
        return { deny: { code: "too-long", reason: "This request is too long. Please send less text." } };
      },
    };
  },
});
