import { requestGuardrail } from "sluicegate-plugin";
import type { ConfigOf } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    tools: { description: "So many tools a request may have.", type: "integer", minimum: 0, default: 8 },
  },
  additionalProperties: false,
} as const;

/** Refuses requests with too many tools: each of them is paid for in every step of an agent. */
export default requestGuardrail({
  configSchema,
  configure({ tools }: ConfigOf<typeof configSchema>) {
    return {
      check(request) {
        if (request.tools.length <= tools) return {};
        const detail = `${request.tools.length} tools`;
        return { deny: { code: "tools.too-many", reason: `A request may have ${tools} tools.`, detail } };
      },
    };
  },
});
