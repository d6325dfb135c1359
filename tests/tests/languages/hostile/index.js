import { textGuardrail } from "sluicegate-plugin";

const deep = (text) => deep(text) + 1;

/** Does what the text says. */
export default textGuardrail({
  configure() {
    return {
      inspect({ text }) {
        if (text.includes("loop")) for (;;);
        if (text.includes("memory")) for (const kept = []; ; ) kept.push(new Uint8Array(1 << 20).fill(1));
        if (text.includes("expression")) /^(a+)+$/.test("a".repeat(64) + "!");
        if (text.includes("deep")) deep(text);
        if (text.includes("fail")) throw new Error("on purpose: " + "x".repeat(100_000));
        return {};
      },
    };
  },
});
