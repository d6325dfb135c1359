export { CapabilityError, PluginError, Unavailable, Unsupported } from "./errors.js";
export { HttpResponse, Patterns, clock, embedding, http, kv, log, model } from "./host.js";
export {
  answerGuardrail, cache, finding, mask, requestGuardrail, restore, router, saidLast, textGuardrail, trailing, trailingRun,
} from "./plugin.js";
export { decode as fromUtf8, encode as toUtf8 } from "./utf8.js";
