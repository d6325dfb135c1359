import { answerGuardrail } from "sluicegate-plugin";
import type { ConfigOf } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    words: { description: "So many words an answer may have.", type: "integer", minimum: 1, default: 300 },
  },
  additionalProperties: false,
} as const;

/** Has the model asked once more when its answer is too long. */
export default answerGuardrail({
  configSchema,
  configure({ words }: ConfigOf<typeof configSchema>) {
    return {
      check(_, answer) {
        const said = answer.segments.filter(({ channel }) => channel === "content");
        const count = said.reduce((sum, { text }) => sum + (text.match(/\S+/g) ?? []).length, 0);
        if (count <= words) return {};
        return { retry: `Answer in at most ${words} words.`, findings: [{ rule: "too-long" }] };
      },
    };
  },
});
