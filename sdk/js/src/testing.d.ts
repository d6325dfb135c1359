/**
 * For tests of plugins, which run on node, without WebAssembly.
 *
 * ```ts
 * import { applied, configured, stream, window } from "sluicegate-plugin/testing";
 *
 * const guardrail = configured(plugin, { word: "Nightjar" });
 * assert.equal(applied("Nightjar?", guardrail.inspect(window("Nightjar?"))), "[project]?");
 * assert.equal(stream(guardrail, ["Night", "jar?"]).released, "[project]?");
 * ```
 *
 * @packageDocumentation
 */

import type {
  Answer, Edit, Exchange, Finding, HttpRequest, Plugin, Prompt, Request, Segment, Target, TextGuardrail, Window,
} from "./index.js";

/**
 * What the plugin makes of a configuration, with the defaults of its schema. The schema itself is not checked: the host
 * does that before `configure`.
 */
export function configured<C, It>(plugin: Plugin<C, It>, config?: Partial<C>): It;

/** A whole text that a user sends, unless `other` says otherwise. */
export function window(text: string, other?: Partial<Window>): Window;

/** A request: a user's text, or segments. */
export function request(
  said: string | (Partial<Segment> & { text: string })[],
  other?: Partial<Omit<Request, "exchange">> & { exchange?: Partial<Exchange> },
): Request;

/** An answer: a model's text, or segments. */
export function answer(said: string | (Partial<Segment> & { text: string })[], other?: Partial<Answer>): Answer;

/** A target that is well and has no tags, unless `other` says otherwise. */
export function target(name: string, other?: Partial<Target>): Target;

/**
 * What becomes of `text` by the edits of a verdict.
 *
 * @throws When it denies, or its edits are some that the host refuses.
 */
export function applied(text: string, verdict: { edits?: Edit[]; deny?: unknown } | undefined | void): string;

/** What came of a stream. */
export interface Streamed {
  /** What was released. */
  released: string;
  /** The code of the denial that ended it. */
  denied?: string | undefined;
  /** All findings, by their place in the whole text. */
  findings: Finding[];
  /** The most bytes of UTF-8 that were held back between two chunks: the operator's `hold_bytes_max` bounds it. */
  heldMax: number;
}

/**
 * Show a guardrail a text in chunks, as the host does: each window is up to `context` code units of what is decided (256
 * unless said), what was held back, and the new chunk. `like` has the phase, the role and the channel: an assistant's
 * answer unless said.
 *
 * The result does not depend on the chunks, if the guardrail holds back what it must.
 *
 * @throws When edits overlap, and when the guardrail's prefilter lets pass what it would not.
 */
export function stream(
  guardrail: TextGuardrail,
  chunks: string[],
  options?: { like?: Partial<Pick<Window, "phase" | "role" | "channel">>; context?: number },
): Streamed;

/** What the world around a plugin is in tests. Before a test says who answers, nobody does. */
export const stage: {
  /** What was written to the log. */
  readonly log: { level: string; message: string }[];
  /** What is in the store `kv`, in bytes. */
  readonly kept: Map<string, { value: Uint8Array; until: number }>;
  /** The time of `clock` and `kv`; without one, it is the machine's. */
  setClock(ms: number | undefined): void;
  /** Who answers `http.send`. It throws an Error for a service that is not there, or `{ tag: "timeout" }` and the like. */
  answerHttp(
    service: (request: Required<HttpRequest> & { headers: [string, string][]; body: Uint8Array }) => {
      status?: number;
      headers?: Record<string, string>;
      body?: string | Uint8Array;
    },
  ): void;
  /** Who answers `model.complete`. */
  answerModel(service: (prompt: Omit<Prompt, "answerSchema"> & { answerSchema?: string | undefined }) => string): void;
  /** Who answers `embedding.embed`; without one, texts with the same words are alike. */
  answerEmbedding(embedder: (text: string) => ArrayLike<number>): void;
  /** Forget all of it. */
  reset(): void;
};
