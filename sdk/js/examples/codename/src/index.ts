import { finding, mask, textGuardrail } from "sluicegate-plugin";
import type { ConfigOf, Span } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    names: {
      description: "The code names, exactly as they are written.",
      type: "array",
      items: { type: "string", minLength: 1 },
      minItems: 1,
    },
    refuse: {
      description: "Refuse a text with a code name in it, instead of masking the name.",
      type: "boolean",
      default: false,
    },
  },
  required: ["names"],
  additionalProperties: false,
} as const;

export default textGuardrail({
  configSchema,
  configure({ names, refuse }: ConfigOf<typeof configSchema>) {
    return {
      inspect({ text, context, final }) {
        const { matches, hold } = scan(text, names, final);
        const found = matches.filter((span) => span.end > context);
        const findings = found.map((span) => finding("codename", span));
        if (refuse && found.length > 0) {
          const deny = { code: "codename.blocked", reason: "A code name must not be named here." };
          return { deny, findings, hold };
        }
        return { edits: found.map((span) => mask(span, "[codename]")), findings, hold };
      },
    };
  },
});

/**
 * Where names stand, from left to right, and how much of the end may be the beginning of one.
 *
 * A look at each place would say the same, but the engine's own `indexOf` is a hundred times as fast as a loop over places,
 * for which the fuel of a call would not do.
 */
function scan(text: string, names: string[], final: boolean): { matches: Span[]; hold: number } {
  const places = names.map((name) => ({ name, start: -1 }));
  const matches: Span[] = [];
  let at = 0;
  let open = final ? text.length : beginning(text, names, at);
  for (;;) {
    let match = { start: Infinity, end: Infinity };
    for (const place of places) {
      if (place.start < at) place.start = nextOf(place.name, text, at);
      const end = place.start + place.name.length;
      if (place.start < match.start || (place.start === match.start && end > match.end)) match = { start: place.start, end };
    }
    if (open < at) open = beginning(text, names, at);
    if (open < text.length && open <= match.start) return { matches, hold: text.length - open };
    if (match.start === Infinity) return { matches, hold: 0 };
    matches.push(match);
    at = match.end;
  }
}

/** Where a name stands next; behind the text if it does not. */
function nextOf(name: string, text: string, from: number): number {
  const found = text.indexOf(name, from);
  return found < 0 ? Infinity : found;
}

/** The first place from which on the rest of the text may be the beginning of a name; the text's end if there is none. */
function beginning(text: string, names: string[], from: number): number {
  const longest = Math.max(...names.map((name) => name.length));
  for (let at = Math.max(from, text.length - longest + 1); at < text.length; at++) {
    const rest = text.slice(at);
    if (names.some((name) => name.length > rest.length && name.startsWith(rest))) return at;
  }
  return text.length;
}
