import { finding, mask, textGuardrail, trailing } from "sluicegate-plugin";
import type { ConfigOf, Span } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    word: { description: "What is masked, exactly as it is written.", type: "string", minLength: 1, default: "Nightjar" },
  },
  additionalProperties: false,
} as const;

/** Masks a word wherever it stands. */
export default textGuardrail({
  configSchema,
  configure({ word }: ConfigOf<typeof configSchema>) {
    return {
      inspect({ text, context }) {
        const found: Span[] = [];
        for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
          // What ends in the context was released before.
          if (at + word.length > context) found.push({ start: at, end: at + word.length });
        }
        return {
          edits: found.map((span) => mask(span, "[masked]")),
          findings: found.map((span) => finding("word", span)),
          // A stream may be cut inside the word: an end that could become it waits for more text.
          hold: trailing(text.slice(found.at(-1)?.end ?? context), [word]),
        };
      },
    };
  },
});
