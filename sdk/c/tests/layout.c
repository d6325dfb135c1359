/* For `./generate --check`: the structs of the SDK lie in memory as those that wit-bindgen makes of the contract. */
#include "../src/abi.h"
#include "../src/exports.h"
#include "host.h"

#include <assert.h>

#define SAME(ours, theirs)                                                                                                      \
    static_assert(sizeof(ours) == sizeof(theirs), #ours);                                                                       \
    static_assert(_Alignof(ours) == _Alignof(theirs), #ours)
#define SAME_PLACE(ours, our_field, theirs, their_field)                                                                        \
    static_assert(offsetof(ours, our_field) == offsetof(theirs, their_field), #ours "." #our_field);                            \
    static_assert(sizeof(((ours *)0)->our_field) == sizeof(((theirs *)0)->their_field), #ours "." #our_field)
#define OPTIONAL(ours, theirs)                                                                                                  \
    SAME(ours, theirs);                                                                                                         \
    SAME_PLACE(ours, given, theirs, is_some);                                                                                   \
    SAME_PLACE(ours, value, theirs, val)
#define LIST(ours, theirs)                                                                                                      \
    SAME(ours, theirs);                                                                                                         \
    SAME_PLACE(ours, data, theirs, ptr);                                                                                        \
    SAME_PLACE(ours, len, theirs, len)

LIST(sg_str, host_string_t);
LIST(sg_strs, host_list_string_t);
OPTIONAL(sg_optional_str, host_option_string_t);
OPTIONAL(sg_optional_u32, host_option_u32_t);
OPTIONAL(sg_optional_f64, host_option_f64_t);
OPTIONAL(sg_optional_span, sluicegate_plugin_types_option_span_t);
OPTIONAL(sg_optional_usage, sluicegate_plugin_types_option_usage_t);

#define SPAN sluicegate_plugin_types_span_t
SAME(sg_span, SPAN);
SAME_PLACE(sg_span, start, SPAN, start);
SAME_PLACE(sg_span, end, SPAN, end);

#define PAIR host_tuple2_string_string_t
SAME(sg_pair, PAIR);
SAME_PLACE(sg_pair, name, PAIR, f0);
SAME_PLACE(sg_pair, value, PAIR, f1);
LIST(sg_pairs, host_list_tuple2_string_string_t);

#define WINDOW exports_sluicegate_plugin_text_guardrail_window_t
SAME(sg_window, WINDOW);
SAME_PLACE(sg_window, phase, WINDOW, phase);
SAME_PLACE(sg_window, role, WINDOW, role);
SAME_PLACE(sg_window, channel, WINDOW, channel);
SAME_PLACE(sg_window, text, WINDOW, text);
SAME_PLACE(sg_window, context, WINDOW, context);
SAME_PLACE(sg_window, final, WINDOW, final);

#define SEGMENT sluicegate_plugin_types_segment_t
SAME(sg_segment, SEGMENT);
SAME_PLACE(sg_segment, id, SEGMENT, id);
SAME_PLACE(sg_segment, role, SEGMENT, role);
SAME_PLACE(sg_segment, channel, SEGMENT, channel);
SAME_PLACE(sg_segment, choice, SEGMENT, choice);
SAME_PLACE(sg_segment, name, SEGMENT, name);
SAME_PLACE(sg_segment, text, SEGMENT, text);
LIST(sg_segments, sluicegate_plugin_types_list_segment_t);

#define TOOL sluicegate_plugin_types_tool_definition_t
SAME(sg_tool, TOOL);
SAME_PLACE(sg_tool, name, TOOL, name);
SAME_PLACE(sg_tool, description, TOOL, description);
SAME_PLACE(sg_tool, parameters, TOOL, parameters);
LIST(sg_tools, sluicegate_plugin_types_list_tool_definition_t);

#define EXCHANGE sluicegate_plugin_types_exchange_t
SAME(sg_exchange, EXCHANGE);
SAME_PLACE(sg_exchange, id, EXCHANGE, id);
SAME_PLACE(sg_exchange, tenant, EXCHANGE, tenant);
SAME_PLACE(sg_exchange, user, EXCHANGE, user);
SAME_PLACE(sg_exchange, session, EXCHANGE, session);
SAME_PLACE(sg_exchange, step, EXCHANGE, step);
SAME_PLACE(sg_exchange, model, EXCHANGE, model);
SAME_PLACE(sg_exchange, streaming, EXCHANGE, streaming);
SAME_PLACE(sg_exchange, attributes, EXCHANGE, attributes);

#define REQUEST sluicegate_plugin_types_request_t
SAME(sg_request, REQUEST);
SAME_PLACE(sg_request, exchange, REQUEST, exchange);
SAME_PLACE(sg_request, segments, REQUEST, segments);
SAME_PLACE(sg_request, tools, REQUEST, tools);
SAME_PLACE(sg_request, answer_schema, REQUEST, answer_schema);
SAME_PLACE(sg_request, tokens_estimate, REQUEST, tokens_estimate);

#define USAGE sluicegate_plugin_types_usage_t
SAME(sg_usage, USAGE);
SAME_PLACE(sg_usage, input_tokens, USAGE, input_tokens);
SAME_PLACE(sg_usage, cached_input_tokens, USAGE, cached_input_tokens);
SAME_PLACE(sg_usage, output_tokens, USAGE, output_tokens);
SAME_PLACE(sg_usage, reasoning_tokens, USAGE, reasoning_tokens);

#define ANSWER sluicegate_plugin_types_answer_t
SAME(sg_answer, ANSWER);
SAME_PLACE(sg_answer, target, ANSWER, target);
SAME_PLACE(sg_answer, segments, ANSWER, segments);
SAME_PLACE(sg_answer, finish, ANSWER, finish);
SAME_PLACE(sg_answer, usage, ANSWER, usage);

#define FINDING sluicegate_plugin_types_finding_t
SAME(sg_finding, FINDING);
SAME_PLACE(sg_finding, rule, FINDING, rule);
SAME_PLACE(sg_finding, span, FINDING, span);
SAME_PLACE(sg_finding, score, FINDING, score);
LIST(sg_findings, exports_sluicegate_plugin_text_guardrail_list_finding_t);

#define DENIAL sluicegate_plugin_types_denial_t
SAME(sg_denial, DENIAL);
SAME_PLACE(sg_denial, code, DENIAL, code);
SAME_PLACE(sg_denial, reason, DENIAL, reason);
SAME_PLACE(sg_denial, detail, DENIAL, detail);

#define TARGET exports_sluicegate_plugin_router_target_t
SAME(sg_target, TARGET);
SAME_PLACE(sg_target, name, TARGET, name);
SAME_PLACE(sg_target, provider, TARGET, provider);
SAME_PLACE(sg_target, model, TARGET, model);
SAME_PLACE(sg_target, tags, TARGET, tags);
SAME_PLACE(sg_target, healthy, TARGET, healthy);
SAME_PLACE(sg_target, in_flight, TARGET, in_flight);
SAME_PLACE(sg_target, first_token_ms, TARGET, first_token_ms);
SAME_PLACE(sg_target, input_dollars_per_million, TARGET, input_dollars_per_million);
SAME_PLACE(sg_target, output_dollars_per_million, TARGET, output_dollars_per_million);
SAME_PLACE(sg_target, context_tokens, TARGET, context_tokens);
LIST(sg_targets, exports_sluicegate_plugin_router_list_target_t);

#define CANDIDATE exports_sluicegate_plugin_cache_candidate_t
SAME(sg_candidate, CANDIDATE);
SAME_PLACE(sg_candidate, question, CANDIDATE, question);
SAME_PLACE(sg_candidate, answer, CANDIDATE, answer);
SAME_PLACE(sg_candidate, similarity, CANDIDATE, similarity);
SAME_PLACE(sg_candidate, age_ms, CANDIDATE, age_ms);

#define PLUGIN_ERROR sluicegate_plugin_types_plugin_error_t
SAME(sg_abi_error, PLUGIN_ERROR);
SAME_PLACE(sg_abi_error, tag, PLUGIN_ERROR, tag);
SAME_PLACE(sg_abi_error, message, PLUGIN_ERROR, val);
static_assert(SLUICEGATE_PLUGIN_TYPES_PLUGIN_ERROR_UNSUPPORTED == 0, "error_of");
static_assert(SLUICEGATE_PLUGIN_TYPES_PLUGIN_ERROR_UNAVAILABLE == 1, "error_of");
static_assert(SLUICEGATE_PLUGIN_TYPES_PLUGIN_ERROR_OTHER == 2, "error_of");

#define DESCRIPTION exports_sluicegate_plugin_lifecycle_description_t
SAME(sg_abi_description, DESCRIPTION);
SAME_PLACE(sg_abi_description, name, DESCRIPTION, name);
SAME_PLACE(sg_abi_description, version, DESCRIPTION, version);
SAME_PLACE(sg_abi_description, summary, DESCRIPTION, summary);
SAME_PLACE(sg_abi_description, config_schema, DESCRIPTION, config_schema);

#define EDIT sluicegate_plugin_types_edit_t
SAME(sg_abi_edit, EDIT);
SAME_PLACE(sg_abi_edit, span, EDIT, span);
SAME_PLACE(sg_abi_edit, replacement, EDIT, replacement);
SAME_PLACE(sg_abi_edit, restore, EDIT, restore);
LIST(sg_abi_edits, exports_sluicegate_plugin_text_guardrail_list_edit_t);
#define SEGMENT_EDIT exports_sluicegate_plugin_request_guardrail_tuple2_u32_edit_t
SAME(sg_edit, SEGMENT_EDIT);
SAME_PLACE(sg_edit, segment, SEGMENT_EDIT, f0);
SAME_PLACE(sg_edit, span, SEGMENT_EDIT, f1.span);
SAME_PLACE(sg_edit, replacement, SEGMENT_EDIT, f1.replacement);
SAME_PLACE(sg_edit, restore, SEGMENT_EDIT, f1.restore);
LIST(sg_abi_segment_edits, exports_sluicegate_plugin_request_guardrail_list_tuple2_u32_edit_t);

#define TEXT_VERDICT exports_sluicegate_plugin_text_guardrail_verdict_t
SAME(sg_abi_text_verdict, TEXT_VERDICT);
SAME_PLACE(sg_abi_text_verdict, action.tag, TEXT_VERDICT, action.tag);
SAME_PLACE(sg_abi_text_verdict, action.value.edits, TEXT_VERDICT, action.val.edit);
SAME_PLACE(sg_abi_text_verdict, action.value.denial, TEXT_VERDICT, action.val.deny);
SAME_PLACE(sg_abi_text_verdict, findings, TEXT_VERDICT, findings);
SAME_PLACE(sg_abi_text_verdict, hold, TEXT_VERDICT, hold);
static_assert(EXPORTS_SLUICEGATE_PLUGIN_TEXT_GUARDRAIL_ACTION_EDIT == SG_ABI_EDIT, "edit");
static_assert(EXPORTS_SLUICEGATE_PLUGIN_TEXT_GUARDRAIL_ACTION_DENY == SG_ABI_DENY, "deny");
#define INSPECTED exports_sluicegate_plugin_text_guardrail_result_list_verdict_plugin_error_t
SAME(sg_abi_inspected, INSPECTED);
SAME_PLACE(sg_abi_inspected, tag, INSPECTED, is_err);
SAME_PLACE(sg_abi_inspected, value.verdicts, INSPECTED, val.ok);
SAME_PLACE(sg_abi_inspected, value.error, INSPECTED, val.err);

/* The same struct serves both verdicts; that of requests has no correction, and its denial lies at the same place. */
#define ANSWER_VERDICT exports_sluicegate_plugin_answer_guardrail_verdict_t
SAME(sg_abi_verdict, ANSWER_VERDICT);
SAME_PLACE(sg_abi_verdict, action.tag, ANSWER_VERDICT, action.tag);
SAME_PLACE(sg_abi_verdict, action.value.edits, ANSWER_VERDICT, action.val.edit);
SAME_PLACE(sg_abi_verdict, action.value.correction, ANSWER_VERDICT, action.val.retry);
SAME_PLACE(sg_abi_verdict, action.value.denial, ANSWER_VERDICT, action.val.deny);
SAME_PLACE(sg_abi_verdict, findings, ANSWER_VERDICT, findings);
static_assert(EXPORTS_SLUICEGATE_PLUGIN_ANSWER_GUARDRAIL_ACTION_EDIT == SG_ABI_ANSWER_EDIT, "edit");
static_assert(EXPORTS_SLUICEGATE_PLUGIN_ANSWER_GUARDRAIL_ACTION_RETRY == SG_ABI_ANSWER_RETRY, "retry");
static_assert(EXPORTS_SLUICEGATE_PLUGIN_ANSWER_GUARDRAIL_ACTION_DENY == SG_ABI_ANSWER_DENY, "deny");
#define REQUEST_VERDICT exports_sluicegate_plugin_request_guardrail_verdict_t
SAME(sg_abi_verdict, REQUEST_VERDICT);
SAME_PLACE(sg_abi_verdict, action.value.edits, REQUEST_VERDICT, action.val.edit);
SAME_PLACE(sg_abi_verdict, action.value.denial, REQUEST_VERDICT, action.val.deny);
SAME_PLACE(sg_abi_verdict, findings, REQUEST_VERDICT, findings);
static_assert(EXPORTS_SLUICEGATE_PLUGIN_REQUEST_GUARDRAIL_ACTION_EDIT == SG_ABI_EDIT, "edit");
static_assert(EXPORTS_SLUICEGATE_PLUGIN_REQUEST_GUARDRAIL_ACTION_DENY == SG_ABI_DENY, "deny");
#define CHECKED exports_sluicegate_plugin_answer_guardrail_result_verdict_plugin_error_t
SAME(sg_abi_checked, CHECKED);
SAME_PLACE(sg_abi_checked, tag, CHECKED, is_err);
SAME_PLACE(sg_abi_checked, value.verdict, CHECKED, val.ok);
SAME_PLACE(sg_abi_checked, value.error, CHECKED, val.err);

#define ROUTING exports_sluicegate_plugin_router_routing_t
SAME(sg_abi_routing, ROUTING);
SAME_PLACE(sg_abi_routing, decision.tag, ROUTING, decision.tag);
SAME_PLACE(sg_abi_routing, decision.value.targets, ROUTING, decision.val.targets);
SAME_PLACE(sg_abi_routing, decision.value.answer, ROUTING, decision.val.answer.text);
SAME_PLACE(sg_abi_routing, decision.value.escalation.queue, ROUTING, decision.val.escalate.queue);
SAME_PLACE(sg_abi_routing, decision.value.escalation.text, ROUTING, decision.val.escalate.text);
SAME_PLACE(sg_abi_routing, decision.value.denial, ROUTING, decision.val.deny);
SAME_PLACE(sg_abi_routing, on_rejection, ROUTING, on_rejection);
SAME_PLACE(sg_abi_routing, intent, ROUTING, intent);
SAME_PLACE(sg_abi_routing, findings, ROUTING, findings);
static_assert(EXPORTS_SLUICEGATE_PLUGIN_ROUTER_DECISION_UNCHANGED == SG_ROUTE_UNCHANGED, "unchanged");
static_assert(EXPORTS_SLUICEGATE_PLUGIN_ROUTER_DECISION_TARGETS == SG_ROUTE_TARGETS, "targets");
static_assert(EXPORTS_SLUICEGATE_PLUGIN_ROUTER_DECISION_ANSWER == SG_ROUTE_ANSWER, "answer");
static_assert(EXPORTS_SLUICEGATE_PLUGIN_ROUTER_DECISION_ESCALATE == SG_ROUTE_ESCALATE, "escalate");
static_assert(EXPORTS_SLUICEGATE_PLUGIN_ROUTER_DECISION_DENY == SG_ROUTE_DENY, "deny");
#define ROUTED exports_sluicegate_plugin_router_result_routing_plugin_error_t
SAME(sg_abi_routed, ROUTED);
SAME_PLACE(sg_abi_routed, value.routing, ROUTED, val.ok);
SAME_PLACE(sg_abi_routed, value.error, ROUTED, val.err);

#define INTENTION exports_sluicegate_plugin_cache_intention_t
#define LOOKUP exports_sluicegate_plugin_cache_lookup_t
SAME(sg_abi_intention, INTENTION);
SAME_PLACE(sg_abi_intention, tag, INTENTION, tag);
SAME_PLACE(sg_abi_intention, look_up.key, INTENTION, val.look_up.key);
SAME_PLACE(sg_abi_intention, look_up.by_meaning.given, INTENTION, val.look_up.by_meaning.is_some);
SAME_PLACE(sg_abi_intention, look_up.by_meaning.value.text, INTENTION, val.look_up.by_meaning.val.text);
SAME_PLACE(sg_abi_intention, look_up.by_meaning.value.threshold, INTENTION, val.look_up.by_meaning.val.threshold);
SAME_PLACE(sg_abi_intention, look_up.age_ms_max, INTENTION, val.look_up.age_ms_max);
static_assert(EXPORTS_SLUICEGATE_PLUGIN_CACHE_INTENTION_LOOK_UP == 1, "look-up");
#define PLANNED exports_sluicegate_plugin_cache_result_intention_plugin_error_t
SAME(sg_abi_planned, PLANNED);
SAME_PLACE(sg_abi_planned, value.intention, PLANNED, val.ok);
SAME_PLACE(sg_abi_planned, value.error, PLANNED, val.err);
#define ACCEPTED exports_sluicegate_plugin_cache_result_bool_plugin_error_t
SAME(sg_abi_accepted, ACCEPTED);
SAME_PLACE(sg_abi_accepted, value.accepted, ACCEPTED, val.ok);
SAME_PLACE(sg_abi_accepted, value.error, ACCEPTED, val.err);
#define ADMITTED exports_sluicegate_plugin_cache_result_option_admission_plugin_error_t
SAME(sg_abi_admitted, ADMITTED);
SAME_PLACE(sg_abi_admitted, value.admission.given, ADMITTED, val.ok.is_some);
SAME_PLACE(sg_abi_admitted, value.admission.ttl_ms, ADMITTED, val.ok.val.ttl_ms);
SAME_PLACE(sg_abi_admitted, value.error, ADMITTED, val.err);

#define DONE_OR_TEXT exports_sluicegate_plugin_lifecycle_result_void_string_t
SAME(sg_abi_done_or_text, DONE_OR_TEXT);
SAME_PLACE(sg_abi_done_or_text, error, DONE_OR_TEXT, val.err);
SAME(sg_match, sluicegate_plugin_patterns_match_t);
SAME_PLACE(sg_match, expression, sluicegate_plugin_patterns_match_t, expression);
SAME_PLACE(sg_match, span, sluicegate_plugin_patterns_match_t, span);
LIST(sg_matches, sluicegate_plugin_patterns_list_match_t);
#define COMPILED sluicegate_plugin_patterns_result_u32_string_t
SAME(sg_abi_compiled, COMPILED);
SAME_PLACE(sg_abi_compiled, value.set, COMPILED, val.ok);
SAME_PLACE(sg_abi_compiled, value.error, COMPILED, val.err);
#define KV_GOT sluicegate_plugin_kv_result_option_list_u8_kv_error_t
SAME(sg_abi_kv_got, KV_GOT);
SAME_PLACE(sg_abi_kv_got, value.found, KV_GOT, val.ok);
SAME_PLACE(sg_abi_kv_got, value.error, KV_GOT, val.err);
#define KV_DONE sluicegate_plugin_kv_result_void_kv_error_t
SAME(sg_abi_kv_done, KV_DONE);
SAME_PLACE(sg_abi_kv_done, error, KV_DONE, val.err);
#define KV_COUNTED sluicegate_plugin_kv_result_s64_kv_error_t
SAME(sg_abi_kv_counted, KV_COUNTED);
SAME_PLACE(sg_abi_kv_counted, value.sum, KV_COUNTED, val.ok);
SAME_PLACE(sg_abi_kv_counted, value.error, KV_COUNTED, val.err);
static_assert(SLUICEGATE_PLUGIN_KV_KV_ERROR_TOO_LARGE == 0 && SLUICEGATE_PLUGIN_KV_KV_ERROR_QUOTA_EXCEEDED == 1, "kv_error");
#define HTTP_SENT sluicegate_plugin_http_result_http_response_http_error_t
SAME(sg_abi_http_sent, HTTP_SENT);
SAME_PLACE(sg_abi_http_sent, value.response.status, HTTP_SENT, val.ok.status);
SAME_PLACE(sg_abi_http_sent, value.response.headers, HTTP_SENT, val.ok.headers);
SAME_PLACE(sg_abi_http_sent, value.response.body, HTTP_SENT, val.ok.body);
SAME_PLACE(sg_abi_http_sent, value.error, HTTP_SENT, val.err);
static_assert(SLUICEGATE_PLUGIN_HTTP_HTTP_ERROR_UNKNOWN_DESTINATION == 0, "sg_http_send");
static_assert(SLUICEGATE_PLUGIN_HTTP_HTTP_ERROR_TIMEOUT == 1 && SLUICEGATE_PLUGIN_HTTP_HTTP_ERROR_TOO_LARGE == 2, "sg_http_send");
LIST(sg_vector, host_list_f32_t);
LIST(sg_vectors, host_list_list_f32_t);
#define EMBEDDED sluicegate_plugin_embedding_result_list_list_f32_string_t
SAME(sg_abi_embedded, EMBEDDED);
SAME_PLACE(sg_abi_embedded, value.vectors, EMBEDDED, val.ok);
#define COMPLETED sluicegate_plugin_model_result_string_string_t
SAME(sg_abi_completed, COMPLETED);
SAME_PLACE(sg_abi_completed, value.answer, COMPLETED, val.ok);

#define SAME_NUMBER(ours, theirs) static_assert((ours) == (theirs), #ours)
SAME_NUMBER(SG_ROLE_TOOL, SLUICEGATE_PLUGIN_TYPES_ROLE_TOOL);
SAME_NUMBER(SG_ROLE_USER, SLUICEGATE_PLUGIN_TYPES_ROLE_USER);
SAME_NUMBER(SG_ROLE_ASSISTANT, SLUICEGATE_PLUGIN_TYPES_ROLE_ASSISTANT);
SAME_NUMBER(SG_ROLE_SYSTEM, SLUICEGATE_PLUGIN_TYPES_ROLE_SYSTEM);
SAME_NUMBER(SG_CHANNEL_CONTENT, SLUICEGATE_PLUGIN_TYPES_CHANNEL_CONTENT);
SAME_NUMBER(SG_CHANNEL_REASONING, SLUICEGATE_PLUGIN_TYPES_CHANNEL_REASONING);
SAME_NUMBER(SG_CHANNEL_REFUSAL, SLUICEGATE_PLUGIN_TYPES_CHANNEL_REFUSAL);
SAME_NUMBER(SG_CHANNEL_TOOL_ARGUMENTS, SLUICEGATE_PLUGIN_TYPES_CHANNEL_TOOL_ARGUMENTS);
SAME_NUMBER(SG_CHANNEL_TOOL_RESULT, SLUICEGATE_PLUGIN_TYPES_CHANNEL_TOOL_RESULT);
SAME_NUMBER(SG_CHANNEL_PASSAGE, SLUICEGATE_PLUGIN_TYPES_CHANNEL_PASSAGE);
SAME_NUMBER(SG_CHANNEL_TOOL_DEFINITION, SLUICEGATE_PLUGIN_TYPES_CHANNEL_TOOL_DEFINITION);
SAME_NUMBER(SG_CHANNEL_NAME, SLUICEGATE_PLUGIN_TYPES_CHANNEL_NAME);
SAME_NUMBER(SG_CHANNEL_OTHER, SLUICEGATE_PLUGIN_TYPES_CHANNEL_OTHER);
SAME_NUMBER(SG_PHASE_REQUEST, SLUICEGATE_PLUGIN_TYPES_PHASE_REQUEST);
SAME_NUMBER(SG_PHASE_ANSWER, SLUICEGATE_PLUGIN_TYPES_PHASE_ANSWER);
SAME_NUMBER(SG_FINISH_STOP, SLUICEGATE_PLUGIN_TYPES_FINISH_STOP);
SAME_NUMBER(SG_FINISH_LENGTH, SLUICEGATE_PLUGIN_TYPES_FINISH_LENGTH);
SAME_NUMBER(SG_FINISH_TOOL_CALLS, SLUICEGATE_PLUGIN_TYPES_FINISH_TOOL_CALLS);
SAME_NUMBER(SG_FINISH_CONTENT_FILTER, SLUICEGATE_PLUGIN_TYPES_FINISH_CONTENT_FILTER);
SAME_NUMBER(SG_FINISH_OTHER, SLUICEGATE_PLUGIN_TYPES_FINISH_OTHER);
SAME_NUMBER(SG_LOG_DEBUG, SLUICEGATE_PLUGIN_LOG_LEVEL_DEBUG);
SAME_NUMBER(SG_LOG_INFO, SLUICEGATE_PLUGIN_LOG_LEVEL_INFO);
SAME_NUMBER(SG_LOG_WARN, SLUICEGATE_PLUGIN_LOG_LEVEL_WARN);
SAME_NUMBER(SG_LOG_ERROR, SLUICEGATE_PLUGIN_LOG_LEVEL_ERROR);
