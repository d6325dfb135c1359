// Each kind of plugin: from the contract's arguments to the author's, and from what the author says to the contract's.

import { wide } from "#imports";

import { PluginError } from "./errors.js";
import { plain } from "./lift.js";
import * as lower from "./lower.js";
import { Offsets } from "./offsets.js";

/** What the verdicts of all guardrails have. */
const JUDGED = ["deny", "edits", "findings"];
const ROUTING = ["targets", "answer", "escalate", "deny", "onRejection", "intent", "findings"];

/** @param {any} window */
function inspected(/** @type {any} */ guardrail, window) {
  const offsets = new Offsets(window.text);
  const { phase, role, channel, text, final } = window;
  const said = guardrail.inspect({ phase, role, channel, text, context: offsets.units(window.context), final });
  const verdict = lower.record(said, "a verdict", [...JUDGED, "hold"]) ?? {};
  const hold = lower.number(verdict.hold ?? 0, "a verdict's hold");
  const held = hold > 0 ? offsets.bytes(text.length) - offsets.bytes(text.length - hold) : 0;
  return { ...judged(verdict, () => offsets), hold: held };
}

/**
 * Action and findings, which the verdicts of all guardrails have.
 * @param {any} verdict
 * @param {(said: any) => Offsets | undefined} offsetsFor Of the text that an edit or a finding is about.
 */
function judged(verdict, offsetsFor) {
  const findings = lower.list(verdict.findings, "a verdict's findings").map((said) => lower.finding(said, offsetsFor(said)));
  if (verdict.deny) return { action: { tag: "deny", val: lower.denial(verdict.deny) }, findings };
  const edits = lower.list(verdict.edits, "a verdict's edits").map((said) => {
    const offsets = offsetsFor(said);
    if (offsets === undefined) throw new PluginError("an edit must have the id of a segment that there is");
    return lower.edit(said, offsets);
  });
  return { action: edits.length > 0 ? { tag: "edit", val: edits } : { tag: "allow" }, findings };
}

/**
 * A guardrail's verdict on something that has segments.
 * @param {unknown} said
 * @param {any[]} segments
 * @param {string[]} fields What else than other verdicts it has.
 */
function judgedWhole(said, segments, fields = []) {
  const verdict = lower.record(said, "a verdict", [...JUDGED, ...fields]) ?? {};
  /** @type {Map<number, Offsets>} */
  const known = new Map();
  const { action, findings } = judged(verdict, ({ segment }) => {
    const found = known.get(segment) ?? offsetsOf(segments, segment);
    if (found !== undefined) known.set(segment, found);
    return found;
  });
  if (action.tag !== "edit" || !Array.isArray(action.val)) return { verdict, action, findings };
  const edits = action.val.map((edit, index) => [verdict.edits[index].segment, edit]);
  return { verdict, action: { tag: "edit", val: edits }, findings };
}

/** @param {any[]} segments @param {number} id */
function offsetsOf(segments, id) {
  const segment = segments.find((segment) => segment.id === id);
  return segment && new Offsets(segment.text);
}

/** @param {any} said */
function routing(said) {
  const routing = lower.record(said, "a routing", ROUTING) ?? {};
  return {
    decision: decision(routing),
    onRejection: indices(routing.onRejection, "onRejection"),
    intent: lower.optionalText(routing.intent, "intent"),
    findings: lower.list(routing.findings, "findings").map((said) => lower.finding(said, undefined)),
  };
}

/** @param {any} routing */
function decision({ targets, answer, escalate, deny }) {
  if (deny) return { tag: "deny", val: lower.denial(deny) };
  if (escalate) {
    const { queue, text } = lower.record(escalate, "escalate", ["queue", "text"]);
    return { tag: "escalate", val: { queue: lower.text(queue, "escalate.queue"), text: lower.text(text, "escalate.text") } };
  }
  const text = lower.optionalText(answer, "answer");
  if (text !== undefined) return { tag: "answer", val: { text } };
  const asked = indices(targets, "targets");
  return asked.length > 0 ? { tag: "targets", val: asked } : { tag: "unchanged" };
}

/** @param {unknown} value @param {string} what */
function indices(value, what) {
  return lower.list(value, what).map((index) => lower.count(index, `an index in ${what}`, lower.U32_MAX));
}

/** @param {unknown} said */
function intention(said) {
  const lookup = lower.record(said, "a plan", ["key", "byMeaning", "ageMsMax"]);
  if (lookup === undefined) return { tag: "bypass" };
  const meaning = lower.record(lookup.byMeaning, "byMeaning", ["text", "threshold"]);
  const byMeaning = meaning && {
    text: lower.text(meaning.text, "byMeaning.text"),
    threshold: lower.number(meaning.threshold, "byMeaning.threshold"),
  };
  return {
    tag: "look-up",
    val: { key: lower.text(lookup.key, "key"), byMeaning, ageMsMax: milliseconds(lookup.ageMsMax ?? Infinity, "ageMsMax") },
  };
}

/** @param {unknown} said */
function admission(said) {
  const admission = lower.record(said, "an admission", ["ttlMs"]);
  return admission && { ttlMs: milliseconds(admission.ttlMs, "ttlMs") };
}

/**
 * Numbers of the contract's `u64`, up to what numbers in JavaScript count exactly: 285,000 years.
 * @param {unknown} value @param {string} what
 */
export function milliseconds(value, what) {
  return wide(lower.count(value, what, Number.MAX_SAFE_INTEGER));
}

/**
 * The functions that the host calls, by kind. `it` is what the author's `configure` gave.
 * @type {Record<string, { needs: string[], functions(it: () => any): Record<string, (...given: any[]) => unknown> }>}
 */
export const kinds = {
  "text-guardrail": {
    needs: ["inspect"],
    functions: (it) => ({
      inspect: (windows) => windows.map((/** @type {any} */ window) => inspected(it(), window)),
    }),
  },
  "request-guardrail": {
    needs: ["check"],
    functions: (it) => ({
      check(request) {
        const { action, findings } = judgedWhole(it().check(plain(request)), request.segments);
        return { action, findings };
      },
    }),
  },
  "answer-guardrail": {
    needs: ["check"],
    functions: (it) => ({
      check(request, answer) {
        const { verdict, action, findings } = judgedWhole(it().check(plain(request), plain(answer)), answer.segments, ["retry"]);
        const retry = lower.optionalText(verdict.retry, "retry");
        return retry === undefined || verdict.deny ? { action, findings } : { action: { tag: "retry", val: retry }, findings };
      },
    }),
  },
  router: {
    needs: ["route"],
    functions: (it) => ({
      route: (request, targets) => routing(it().route(plain(request), plain(targets))),
    }),
  },
  cache: {
    needs: ["plan", "admit"],
    functions: (it) => ({
      plan: (request, findings) => intention(it().plan(plain(request), plain(findings))),
      accept: (request, candidate) => it().accept?.(plain(request), plain(candidate)) === true,
      admit: (request, answer, findings) => admission(it().admit(plain(request), plain(answer), plain(findings))),
    }),
  },
};
