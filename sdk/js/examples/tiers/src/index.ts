import { router } from "sluicegate-plugin";
import type { ConfigOf, Request } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    small: { description: "The tag of the targets for easy questions.", type: "string", default: "small" },
    large: { description: "The tag of the targets for hard ones.", type: "string", default: "large" },
    tokens: { description: "A request of more tokens than that is hard.", type: "integer", minimum: 0, default: 200 },
    greetings: {
      description: "What is answered without a model, if somebody says nothing else.",
      type: "array",
      items: { type: "string" },
      default: ["hello", "hi"],
    },
  },
  additionalProperties: false,
} as const;

export default router({
  configSchema,
  configure({ small, large, tokens, greetings }: ConfigOf<typeof configSchema>) {
    const known = new Set(greetings.map(plain));
    return {
      route(request, targets) {
        const question = asked(request);
        if (question !== undefined && known.has(plain(question))) {
          return { answer: "Hello. What can I do for you?", intent: "greeting" };
        }
        const hard = request.tools.length > 0 || request.tokensEstimate > tokens;
        const healthy = [...targets.keys()].filter((index) => targets[index]?.healthy);
        const tagged = (tag: string) => healthy.filter((index) => targets[index]?.tags.includes(tag));
        const wanted = tagged(hard ? large : small);
        return {
          targets: wanted.length > 0 ? wanted : healthy,
          onRejection: hard ? [] : tagged(large),
          intent: hard ? "hard" : "easy",
        };
      },
    };
  },
});

/** What the person said last. */
function asked(request: Request): string | undefined {
  return request.segments.findLast(({ role, channel }) => role === "user" && channel === "content")?.text;
}

/** Without white space around it, and in lower case, as far as it is ASCII. */
function plain(text: string): string {
  return text.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "").replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
