import { router, saidLast } from "sluicegate-plugin";

const configSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    tag: { description: "The tag of the targets that are good at code.", type: "string", default: "code" },
  },
  additionalProperties: false,
};

/** Sends questions with code in them to the targets that are good at it. */
export default router({
  configSchema,
  configure({ tag }) {
    return {
      route(request, targets) {
        if (!saidLast(request).some(({ text }) => text.includes("```"))) return {};
        const able = [...targets.keys()].filter((index) => targets[index].healthy && targets[index].tags.includes(tag));
        // If there are none, all stays as the operator configured it.
        return { targets: able, intent: "code" };
      },
    };
  },
});
