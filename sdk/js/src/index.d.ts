/**
 * Write Sluicegate plugins in TypeScript or JavaScript.
 *
 * A plugin is a module whose default export says what it is:
 *
 * ```ts
 * import { textGuardrail } from "sluicegate-plugin";
 *
 * export default textGuardrail({
 *   configure: () => ({
 *     inspect({ text }) {
 *       const shouted = text.length > 20 && text === text.toUpperCase();
 *       return shouted ? { deny: { code: "shouting", reason: "Please do not shout." } } : {};
 *     },
 *   }),
 * });
 * ```
 *
 * Places in texts, and lengths of texts, are JavaScript's: code units of UTF-16, as `text.length`, `indexOf` and `slice`
 * have them. A place inside a character counts as the character's bound.
 *
 * Functions of a plugin are not async: a call to the host waits until the host has answered.
 *
 * @packageDocumentation
 */

import type * as contract from "./contract.js";

export type {
  Answer, Channel, Exchange, Finish, Phase, Request, Role, Segment, ToolDefinition, Usage,
} from "./contract.js";

/** A refusal, in words for its two audiences. */
export type Denial = contract.Denial;
/** A model at a provider that this caller may use, as things stand now. */
export type Target = contract.router.Target;
/** Hand over to people. */
export type Escalation = contract.router.Escalation;
/** Look for a question that means nearly the same. */
export type ByMeaning = contract.cache.ByMeaning;
/** A stored exchange that was found by meaning. */
export type Candidate = contract.cache.Candidate;
/** That an answer may be stored, and for how long. */
export type Admission = contract.cache.Admission;

// What a plugin is.

/** JSON Schema, as an object. */
export type JsonSchema = { readonly [key: string]: unknown };

/**
 * The type of the configurations that a schema allows, for schemas written `as const`. Properties that are `required` or
 * have a `default` are there; the others may be `undefined`.
 *
 * It knows `type`, `enum`, `const`, `items`, `properties`, `required` and `default`. What a schema says otherwise is
 * `unknown`.
 */
export type ConfigOf<S> = S extends { readonly const: infer C } ? C
  : S extends { readonly enum: readonly (infer E)[] } ? E
  : S extends { readonly type: "string" } ? string
  : S extends { readonly type: "number" | "integer" } ? number
  : S extends { readonly type: "boolean" } ? boolean
  : S extends { readonly type: "array"; readonly items: infer I } ? ConfigOf<I>[]
  : S extends { readonly type: "object"; readonly properties: infer P } ? ConfigObject<P, Required<S>>
  : unknown;

type Required<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;

type Given<P, R> = { [K in keyof P]: K extends R ? K : P[K] extends { readonly default: unknown } ? K : never }[keyof P];

type ConfigObject<P, R> =
  & { -readonly [K in Given<P, R>]: ConfigOf<P[K]> }
  & { -readonly [K in Exclude<keyof P, Given<P, R>>]?: ConfigOf<P[K]> | undefined };

/**
 * What a plugin says about itself, and what it is made from.
 *
 * @typeParam C What the installation's `[config]` is read into.
 * @typeParam It What the host calls: the functions of the plugin's kind.
 */
export interface Definition<C, It> {
  /** Lower case with hyphens; the name in package.json unless said. */
  name?: string;
  /** The version in package.json unless said. */
  version?: string;
  /** One sentence for the list of plugins; the description in package.json unless said. */
  summary?: string;
  /**
   * JSON Schema of the configuration. The host checks a configuration against it before `configure` sees it. `default`s of
   * properties are filled in.
   */
  configSchema?: JsonSchema;
  /**
   * Make the plugin from its configuration. With QuickJS it runs again before each call, as such a plugin has no snapshot
   * yet: keep it short.
   *
   * Of the host it may use {@link log}, {@link Patterns} and, where it is granted, {@link embedding}.
   *
   * @throws An Error whose message is a sentence for the operator. The previous version of the plugin stays in service.
   */
  configure(config: C): It;
}

/** What {@link textGuardrail} and the like make; the default export of a plugin's module. */
export interface Plugin<C, It> extends Definition<C, It> {
  readonly kind: string;
}

/** A plugin that inspects pieces of text: see {@link TextGuardrail}. */
export function textGuardrail<C = {}>(definition: Definition<C, TextGuardrail>): Plugin<C, TextGuardrail>;
/** A plugin that judges requests as a whole: see {@link RequestGuardrail}. */
export function requestGuardrail<C = {}>(definition: Definition<C, RequestGuardrail>): Plugin<C, RequestGuardrail>;
/** A plugin that judges answers as a whole: see {@link AnswerGuardrail}. */
export function answerGuardrail<C = {}>(definition: Definition<C, AnswerGuardrail>): Plugin<C, AnswerGuardrail>;
/** A plugin that decides who answers: see {@link Router}. */
export function router<C = {}>(definition: Definition<C, Router>): Plugin<C, Router>;
/** A plugin that decides what may be answered from memory: see {@link Cache}. */
export function cache<C = {}>(definition: Definition<C, Cache>): Plugin<C, Cache>;

// Text guardrails.

/** A half-open range of code units. */
export interface Span {
  start: number;
  end: number;
}

/** Put `replacement` where `span` was. The edits of one verdict do not overlap. */
export interface Edit {
  span: Span;
  replacement: string;
  /**
   * Remember the original for this exchange: where the answer repeats the replacement, the caller gets the original back.
   * The replacement must be unique in the exchange; the host makes it so where `{n}` stands in it.
   */
  restore?: boolean;
}

/** Something noticed, whether or not it changes the outcome. It never carries the text itself. */
export interface Finding {
  /** The rule that matched, stable over versions: `email`, `jailbreak.role-play`. */
  rule: string;
  span?: Span | undefined;
  /** How sure, from 0 to 1; 1 unless said. */
  score?: number;
}

/** A view on one segment. In a stream the host calls again as text arrives, with what was held back in the next window. */
export interface Window {
  phase: contract.Phase;
  role: contract.Role;
  channel: contract.Channel;
  text: string;
  /**
   * That many code units at the start of `text` are already released. They are there to be looked at; an edit or a span
   * that reaches into them is clipped.
   */
  context: number;
  /** No more text follows in this segment. */
  final: boolean;
}

/** What all verdicts may have. */
interface Judged {
  /** Refuse. Edits count for nothing then. */
  deny?: Denial | undefined;
  findings?: Finding[];
}

/** A verdict on a window. `{}`, or nothing at all, allows. */
export interface TextVerdict extends Judged {
  edits?: Edit[];
  /**
   * Keep that many code units at the end back until more text shows whether they belong to a match. Ignored in a final
   * window; bounded by the operator's `hold_bytes_max`. See {@link trailing}.
   */
  hold?: number;
}

/** Inspects text wherever it flows: prompts, answers whole or streaming, tool arguments, tool results. */
export interface TextGuardrail {
  /** The verdict on one window. It must depend on the configuration and the window alone. */
  inspect(window: Window): TextVerdict | undefined | void;
  /**
   * What the gateway may let pass without a call: worth it for a guardrail of which most text is no concern. Tests that
   * play a stream hold the guardrail to it.
   */
  prefilter?: Prefilter | undefined;
}

/** A window in which no expression of `triggers` matches is allowed, without findings. */
export interface Prefilter {
  triggers: Patterns;
  /**
   * A regular expression. What such a window holds back, if it is not final, is the longest end of it that `tail` matches
   * as a whole; without a `tail`, only final windows are let pass.
   */
  tail?: string | undefined;
}

// Guardrails of requests and answers.

/** An edit of one segment. */
export interface SegmentEdit extends Edit {
  /** The segment's id. */
  segment: number;
}

/** A finding in one segment, if it has a span. */
export interface SegmentFinding extends Finding {
  /** The id of the segment that the span lies in: without it the span is left out. */
  segment?: number | undefined;
}

/** A verdict on a request. `{}`, or nothing at all, allows. */
export interface RequestVerdict {
  deny?: Denial | undefined;
  edits?: SegmentEdit[];
  findings?: SegmentFinding[];
}

/** Judges a request as a whole: its scope, its intent, its tools, its size. */
export interface RequestGuardrail {
  /** @throws {@link PluginError} when no verdict can be reached; the operator's failure mode then applies. */
  check(request: contract.Request): RequestVerdict | undefined | void;
}

/** A verdict on an answer. `{}`, or nothing at all, allows. Edits and findings are about the answer's segments. */
export interface AnswerVerdict extends RequestVerdict {
  /**
   * Ask the model once more, with these words of correction added. The host bounds how often; after the last try the
   * operator's failure mode applies. Edits count for nothing then.
   */
  retry?: string | undefined;
}

/** Judges an answer as a whole, next to the request that it answers. */
export interface AnswerGuardrail {
  /** @throws {@link PluginError} when no verdict can be reached; the operator's failure mode then applies. */
  check(request: contract.Request, answer: contract.Answer): AnswerVerdict | undefined | void;
}

// Routers.

/**
 * Who is to answer. `{}`, or nothing at all, leaves it to whoever the operator configured, or another router. Of several
 * decisions the strictest counts: `deny`, `escalate`, `answer`, `targets`.
 */
export interface Routing {
  /** Try these targets in this order, and no others: indices, none of them twice. An empty list decides nothing. */
  targets?: number[];
  /** Answer with this text, without a model. */
  answer?: string | undefined;
  /**
   * Hand over to people: the exchange is put into `queue`, and the caller gets `text` with a reference to come back with, in
   * place of `{reference}` or else below the text.
   */
  escalate?: Escalation | undefined;
  deny?: Denial | undefined;
  /** With `targets`: who is asked in their place, in this order, when a guardrail rejects an answer. */
  onRejection?: number[];
  /** What the request was taken for, for traces and metrics: `small-talk`, `code`. */
  intent?: string | undefined;
  /** Without spans. */
  findings?: Omit<Finding, "span">[];
}

/** Decides who answers: which model, no model, or a person. */
export interface Router {
  /**
   * The first of `targets` are those of the model asked for, in the order in which they are configured.
   *
   * @throws {@link PluginError} when nothing can be decided; all stays as the operator configured it.
   */
  route(request: contract.Request, targets: Target[]): Routing | undefined | void;
}

// Caches.

/** Where the answer to a request may be found. */
export interface Lookup {
  /** Requests with equal keys are the same question. */
  key: string;
  /** Also look for questions that mean nearly the same, if the operator named an embedder. */
  byMeaning?: ByMeaning | undefined;
  /** Answers older than that are stale for this request; however old, unless said. */
  ageMsMax?: number;
}

/**
 * Decides what may be answered from memory. The host stores, finds and expires, and keeps tenants apart.
 *
 * Findings are those of the guardrails. Which texts their spans lie in is not said: they stay in bytes of UTF-8, as the
 * contract has them.
 */
export interface Cache {
  /**
   * Where the answer to this request may be found; nothing for "ask the model".
   *
   * @throws {@link PluginError} when nothing can be decided; a model is asked.
   */
  plan(request: contract.Request, findings: contract.Finding[]): Lookup | undefined | void;
  /** Whether an answer that was found by meaning answers this request too. Never, without this function. */
  accept?(request: contract.Request, candidate: Candidate): boolean;
  /** For how long this answer may be kept; nothing for "not at all". */
  admit(request: contract.Request, answer: contract.Answer, findings: contract.Finding[]): Admission | undefined | void;
}

// What is of use to many.

/** An edit that replaces `span` for good. */
export function mask(span: Span, replacement: string): Edit;

/**
 * An edit that replaces `span`, and gives the original back to the caller where the answer repeats the replacement. Put
 * `{n}` into it, so that the host can make it unique.
 */
export function restore(span: Span, replacement: string): Edit;

/** A finding; the score is 1 unless said. */
export function finding(rule: string, span?: Span, score?: number): Finding;

/**
 * How much of the end of `text` may be the beginning of one of `words`: the hold of a guardrail that looks for them. A word
 * that stands there whole counts as decided.
 */
export function trailing(text: string, words: string[]): number;

/** How much of the end of `text`, up to `most`, are characters that `belongs` says yes to. */
export function trailingRun(text: string, most: number, belongs: (character: string) => boolean): number;

/** What the person has said last, in one go: the last segments of the role `user`, of those with content. */
export function saidLast(request: contract.Request): contract.Segment[];

/** The bytes of a text, for {@link kv} and {@link http}. QuickJS has no TextEncoder of its own. */
export function toUtf8(text: string): Uint8Array;
/** The text of bytes; what is not UTF-8 becomes U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string;

// What goes wrong.

/**
 * Why a plugin could not do its work. Not a verdict: the operator's failure mode applies. The message goes to the
 * operator's log, so it must not repeat text of the exchange. Of any other error that ends a call, the log has only
 * its name and where it was thrown.
 */
export class PluginError extends Error {
  readonly tag: contract.PluginError["tag"];
}
/** The input is of a form that this plugin does not handle. */
export class Unsupported extends PluginError {}
/** A granted capability did not answer. */
export class Unavailable extends PluginError {}
/** What {@link kv} and {@link http} throw. */
export class CapabilityError extends Unavailable {
  /** The contract's word: `too-large`, `quota-exceeded`, `unavailable`; `unknown-destination`, `timeout`. */
  readonly reason: contract.kv.KvError["tag"] | contract.http.HttpError["tag"];
}

// What the host does for a plugin.

/**
 * The gateway's log; in tests, `stage.log`. Lines are bounded in length and number. Never write text of an exchange.
 * `console.log` and the like come here too.
 */
export const log: Record<contract.log.Level, (message: string) => void>;

/** A match of one expression of a set. */
export interface Match {
  /** Index into the expressions of the set. */
  expression: number;
  span: Span;
}

/**
 * Regular expressions that the host compiles and runs, at native speed and in linear time, in the syntax of the Rust crate
 * `regex`. In tests they run as JavaScript's own, as far as these go.
 */
export class Patterns {
  private constructor();
  /**
   * Only in `configure`.
   *
   * @throws An Error that says what is wrong with which expression.
   */
  static compile(expressions: string[]): Patterns;
  /** All matches, by start, then by expression; those of one expression do not overlap. */
  find(text: string): Match[];
}

/** How long something is kept. */
export interface Lifetime {
  /** In milliseconds; without it, until it is deleted. */
  ttlMs?: number;
}

/**
 * A small store, kept apart by plugin and tenant. With `"kv"` in `"sluicegate.imports"` and `[grants.kv]` in the
 * installation; not in `configure`. Keys have at most 512 bytes. All throw {@link CapabilityError}.
 */
export const kv: {
  get(key: string): Uint8Array | undefined;
  /** What is kept, as a text. */
  getText(key: string): string | undefined;
  set(key: string, value: string | Uint8Array, options?: Lifetime): void;
  delete(key: string): void;
  /**
   * Add `by`, 1 unless said, and give the sum. Of many who add at the same time each counts. `ttlMs` counts from when there
   * was none. Sums are exact up to 2^53.
   */
  increment(key: string, by?: number, options?: Lifetime): number;
};

/**
 * The time. With `"clock"` in `"sluicegate.imports"` and `[grants.clock]` in the installation; not in `configure`. With it,
 * `Date` is right as well; without, asking it for the time throws.
 */
export const clock: {
  /** Milliseconds since 1970-01-01 UTC. */
  nowMs(): number;
};

/**
 * Numbers that stand for meaning. With `"embedding"` in `"sluicegate.imports"` and `[grants.embedding]` in the
 * installation.
 */
export const embedding: {
  /**
   * One vector of unit length for each text, of which there may be 1,024 in a call.
   *
   * @throws {@link Unavailable} when the embedder cannot be asked, or not for so much.
   */
  embed(texts: string[]): Float32Array[];
  /** How alike two vectors of unit length are: the cosine of the angle between them, from -1 to 1. */
  similarity(one: ArrayLike<number>, other: ArrayLike<number>): number;
};

/** A question to a model. */
export interface Prompt {
  /** One of the targets that are granted. */
  target: string;
  system?: string | undefined;
  user: string;
  outputTokensMax: number;
  /** JSON Schema that the answer must satisfy. */
  answerSchema?: JsonSchema | string | undefined;
}

/** Models, asked through the gateway. With `"model"` in `"sluicegate.imports"` and `[grants.model]` in the installation. */
export const model: {
  /** @throws {@link Unavailable} when there is no answer. */
  complete(prompt: Prompt): string;
};

/** A call to a service that the operator named. */
export interface HttpRequest {
  destination: string;
  /** Appended to the destination's address. */
  path: string;
  /** `GET` unless said. */
  method?: string;
  headers?: Record<string, string> | [string, string][];
  body?: string | Uint8Array;
}

/** Any answer, also one with a status like 404. */
export class HttpResponse {
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array;
  /** The first header with that name, in any case. */
  header(name: string): string | undefined;
  text(): string;
  json(): unknown;
}

/** Services. With `"http"` in `"sluicegate.imports"` and `[grants.http]` in the installation; not in `configure`. */
export const http: {
  /** @throws {@link CapabilityError} when nothing was answered. */
  send(request: HttpRequest): HttpResponse;
};
