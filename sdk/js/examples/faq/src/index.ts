import { cache } from "sluicegate-plugin";
import type { ConfigOf, Request } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    ttl_s: { description: "For how many seconds an answer is fresh.", type: "integer", minimum: 1, default: 3600 },
    threshold: {
      description: "How alike two questions must be to have the same answer: the least cosine similarity.",
      type: "number",
      minimum: 0,
      maximum: 1,
      default: 0.92,
    },
  },
  additionalProperties: false,
} as const;

export default cache({
  configSchema,
  configure({ ttl_s, threshold }: ConfigOf<typeof configSchema>) {
    const ttlMs = ttl_s * 1000;
    return {
      plan(request, findings) {
        const text = question(request);
        if (findings.length > 0 || request.tools.length > 0 || text === "") return;
        return { key: text, byMeaning: { text, threshold }, ageMsMax: ttlMs };
      },
      accept(request, candidate) {
        return numbers(question(request)) === numbers(candidate.question);
      },
      admit(_, answer, findings) {
        const said = answer.segments.some(({ channel, text }) => channel === "content" && text.trim() !== "");
        return findings.length === 0 && answer.finish === "stop" && said ? { ttlMs } : undefined;
      },
    };
  },
});

/** The one question of a request, in one form for all ways of writing it; empty if there is not exactly one. */
function question(request: Request): string {
  const [only, ...others] = request.segments.filter(({ role, channel }) => role === "user" && channel === "content");
  return only === undefined || others.length > 0 ? "" : normalized(only.text);
}

function normalized(text: string): string {
  return text
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .replace(/[\t\n\f\r ]+/g, " ")
    .replace(/^ | $/g, "")
    .replace(/[?!. ]+$/, "");
}

/** Questions that differ in a number alone are alike in meaning, and have different answers. */
function numbers(text: string): string {
  return (text.match(/[0-9]+/g) ?? []).join(" ");
}
