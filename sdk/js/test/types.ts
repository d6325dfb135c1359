// What the compiler must take, and what it must not. Nothing of it runs.

import { router, textGuardrail } from "../src/index.js";
import type { ConfigOf } from "../src/index.js";
import { configured, request, window } from "../src/testing.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = { [K in keyof T]: T[K] };

const schema = {
  type: "object",
  properties: {
    names: { type: "array", items: { type: "string" } },
    limit: { type: "integer", default: 5 },
    mode: { enum: ["mask", "deny"] },
    nested: { type: "object", properties: { on: { type: "boolean" } } },
  },
  required: ["names"],
} as const;

type Config = ConfigOf<typeof schema>;
export const right: Equal<
  Pick<Flat<Config>, "names" | "limit" | "mode">,
  { names: string[]; limit: number; mode?: "mask" | "deny" | undefined }
> = true;

const plugin = textGuardrail({
  configSchema: schema,
  configure({ names, limit, nested }: Config) {
    const on: boolean | undefined = nested?.on;
    return { inspect: ({ text }) => (on && names.includes(text) ? { hold: limit } : undefined) };
  },
});

configured(plugin, { names: ["a"] }).inspect(window("a"))?.hold?.toFixed();
// @ts-expect-error: there is no such setting
configured(plugin, { name: "a" });
// @ts-expect-error: functions of a plugin are not async
router({ configure: () => ({ route: async () => ({ targets: [0] }) }) });
// @ts-expect-error: a role that there is not
request([{ role: "robot", text: "a" }]);
