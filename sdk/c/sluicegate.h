/**
 * Write Sluicegate plugins in C.
 *
 * A plugin is one source file that says what it is (SG_PLUGIN) and what it does (SG_TEXT_GUARDRAIL, SG_REQUEST_GUARDRAIL,
 * SG_ANSWER_GUARDRAIL, SG_ROUTER or SG_CACHE):
 *
 *     #include "sluicegate.h"
 *
 *     static sg_error inspect(const sg_window *window, sg_verdict *verdict)
 *     {
 *         if (sg_contains(window->text, SG("please")))
 *             sg_deny(verdict, SG("polite.blocked"), SG("Do not beg."));
 *         return SG_DONE;
 *     }
 *
 *     SG_PLUGIN(.name = "polite", .version = "0.1.0", .summary = "Refuses to be begged.")
 *     SG_TEXT_GUARDRAIL(.inspect = inspect)
 *
 * Memory. Whatever the SDK and the host hand out lives until the call ends, and what was made in `configure` is there in every
 * later call. Nothing is to be freed. The gateway runs each call in a new instance, made from a snapshot that it took after
 * `configure`: what a call leaves in static variables is gone in the next. Keep state in `sg_kv_*`, if granted.
 *
 * Texts are UTF-8 with a length and without a NUL at the end. Offsets and lengths are bytes. What lies inside a character is moved
 * to its border: spans grow, and so does what is held back.
 *
 * Mistakes. An index out of bounds in `sg_at` or `sg_cut`, a sum of sizes that overflows, memory that runs out and, with
 * the SDK's make file, signed overflow and a null pointer end the call with a trap. The gateway counts that as a failure of the
 * plugin, never as a verdict.
 */
#ifndef SLUICEGATE_H
#define SLUICEGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---------------------------------------------------------------------------------------------------------------- texts -- */

/** Text, or bytes where that is said. Not ended by a NUL. */
typedef struct sg_str {
    const char *data;
    size_t len;
} sg_str;

typedef struct sg_strs {
    const sg_str *data;
    size_t len;
} sg_strs;

/** A literal as text: SG("content"). */
#define SG(literal) ((sg_str){"" literal, sizeof(literal) - 1})
/** Several literals as a list, for the block that it stands in: SG_STRS_OF(SG("a"), SG("b")). */
#define SG_STRS_OF(...)                                                                                                         \
    ((sg_strs){(const sg_str[]){__VA_ARGS__}, sizeof((const sg_str[]){__VA_ARGS__}) / sizeof(sg_str)})

/** An array as a list of that type: SG_ARRAY(sg_strs, words). */
#define SG_ARRAY(type, array) ((type){(array), sizeof(array) / sizeof((array)[0])})

/** Where nothing was found. */
#define SG_NONE SIZE_MAX

/** An element of a list; a trap where there is none: sg_at(request->segments, 0)->text. */
#define sg_at(list, index) (&(list).data[sg_index((index), (list).len, __FILE__, __LINE__)])
/** Each element of a list: SG_EACH(const sg_segment, segment, request->segments) { use(segment->text); } */
#define SG_EACH(type, name, list) for (type *name = (list).data; (size_t)(name - (list).data) < (list).len; name++)

/** A text that ends with a NUL; NULL is the empty text. */
sg_str sg_cstr(const char *text);
bool sg_equal(sg_str one, sg_str other);
bool sg_starts_with(sg_str text, sg_str prefix);
/** Where `part` is first found in `text` from `start` on, or SG_NONE. */
size_t sg_find(sg_str text, sg_str part, size_t start);
bool sg_contains(sg_str text, sg_str part);
/** The bytes from `start` up to, not including, `end`. A trap where these are out of bounds. */
sg_str sg_cut(sg_str text, size_t start, size_t end);
/** The bytes from `start` on. */
sg_str sg_from(sg_str text, size_t start);
/** Without ASCII white space at its ends. */
sg_str sg_trim(sg_str text);
/** A copy with ASCII letters in lower case. */
sg_str sg_lower(sg_str text);
/** A copy. */
sg_str sg_copy(sg_str text);
/** White space of ASCII: space, tab, line feed, vertical tab, form feed, carriage return. */
bool sg_is_space(char byte);
bool sg_is_digit(char byte);
/** The bytes of the character that begins at `at`: 1 to 4, and never past the end. */
size_t sg_char_len(sg_str text, size_t at);
/** Whether a character begins or the text ends at `at`. */
bool sg_is_boundary(sg_str text, size_t at);

/** Text that grows. Begin with `sg_buffer buffer = {0};`. */
typedef struct sg_buffer {
    char *data;
    size_t len;
    size_t room;
} sg_buffer;

void sg_add(sg_buffer *buffer, sg_str text);
void sg_add_byte(sg_buffer *buffer, char byte);
void sg_add_number(sg_buffer *buffer, int64_t number);
/** As JSON, with its quotation marks. */
void sg_add_json(sg_buffer *buffer, sg_str text);
/** What was added, up to here. */
sg_str sg_text(const sg_buffer *buffer);

/* --------------------------------------------------------------------------------------------------------------- memory -- */

/** Zeroed memory for `count` elements of `size` bytes, aligned for all types. Never NULL: without room, the call ends in a trap. */
void *sg_alloc(size_t count, size_t size);
/** Zeroed memory for elements of a type: sg_new(sg_str, 3). */
#define sg_new(type, count) ((type *)sg_alloc((count), sizeof(type)))

/* --------------------------------------------------------------------------------------------------------------- errors -- */

/** How a function ended. */
enum {
    SG_OK,
    /** The input is of a form that this plugin does not handle. */
    SG_UNSUPPORTED,
    /** A granted capability did not answer. */
    SG_UNAVAILABLE,
    SG_OTHER,
    /** What is sent, kept or answered is longer than allowed. */
    SG_TOO_LARGE,
    /** The store of this plugin is full. */
    SG_QUOTA_EXCEEDED,
    /** The operator has named no such destination. */
    SG_UNKNOWN_DESTINATION,
    SG_TIMEOUT,
};

/** Why a plugin could not do its work. Not a verdict: the operator's failure mode applies then. */
typedef struct sg_error {
    uint8_t kind;
    /** A sentence for the operator. Without text of the exchange. */
    sg_str message;
} sg_error;

/** All went well. */
#define SG_DONE ((sg_error){SG_OK, {"", 0}})
/** `return sg_fail("the names overlap");` */
sg_error sg_fail(const char *message);
/** The input is of a form that this plugin does not handle. */
sg_error sg_unsupported(const char *message);
/** A granted capability did not answer. */
sg_error sg_unavailable(const char *message);
/** Return from the function with the error, if it is one: SG_TRY(sg_kv_get(key, &value)); */
#define SG_TRY(call)                                                                                                            \
    do {                                                                                                                        \
        sg_error sg_tried = (call);                                                                                             \
        if (sg_tried.kind != SG_OK)                                                                                             \
            return sg_tried;                                                                                                    \
    } while (0)

/** End the call with a trap if that does not hold. The log gets the place and the condition's text. */
#define SG_ASSERT(condition) ((condition) ? (void)0 : sg_panic(#condition, __FILE__, __LINE__))
/** End the call with a trap. The log gets the message: do not put text of an exchange into it. */
#define SG_PANIC(message) sg_panic((message), __FILE__, __LINE__)

_Noreturn void sg_panic(const char *message, const char *file, int line);
size_t sg_index(size_t index, size_t len, const char *file, int line);

/* ------------------------------------------------------------------------------------------------------- what is handed in -- */

typedef uint8_t sg_role;
/** Who speaks. */
enum {
    /** The application's instructions; `developer` messages too. */
    SG_ROLE_SYSTEM,
    SG_ROLE_USER,
    SG_ROLE_ASSISTANT,
    /** The result of a tool that was called for the model. */
    SG_ROLE_TOOL,
};

typedef uint8_t sg_channel;
/** What kind of text it is. */
enum {
    SG_CHANNEL_CONTENT,
    SG_CHANNEL_REASONING,
    SG_CHANNEL_REFUSAL,
    /** The arguments of a tool call, as the model wrote them (usually JSON). */
    SG_CHANNEL_TOOL_ARGUMENTS,
    SG_CHANNEL_TOOL_RESULT,
    /** Text fetched by a context plugin and put into the prompt. */
    SG_CHANNEL_PASSAGE,
    /** What the application tells the model about a tool. */
    SG_CHANNEL_TOOL_DEFINITION,
    /** The name of a speaker or of a tool. Applications look these up: an edit may break them. */
    SG_CHANNEL_NAME,
    /** Text in a field that the dialect does not know. */
    SG_CHANNEL_OTHER,
};

typedef uint8_t sg_phase;
/** Which way the text travels. */
enum {
    /** From the caller to the model. */
    SG_PHASE_REQUEST,
    /** From the model to the caller. */
    SG_PHASE_ANSWER,
};

typedef uint8_t sg_finish;
/** Why the answer ended. */
enum {
    SG_FINISH_STOP,
    SG_FINISH_LENGTH,
    SG_FINISH_TOOL_CALLS,
    SG_FINISH_CONTENT_FILTER,
    SG_FINISH_OTHER,
};

/** Bytes from `start` up to, not including, `end`. */
typedef struct sg_span {
    uint32_t start;
    uint32_t end;
} sg_span;

/** A span of offsets that are of type size_t. */
sg_span sg_range(size_t start, size_t end);

/* What may be absent: `value` counts only where `given`. */
typedef struct sg_optional_str {
    bool given;
    sg_str value;
} sg_optional_str;
typedef struct sg_optional_u32 {
    bool given;
    uint32_t value;
} sg_optional_u32;
typedef struct sg_optional_f64 {
    bool given;
    double value;
} sg_optional_f64;
typedef struct sg_optional_span {
    bool given;
    sg_span value;
} sg_optional_span;

/** `given`, or `fallback` where it is absent. */
sg_str sg_or(sg_optional_str given, sg_str fallback);

typedef struct sg_pair {
    sg_str name;
    sg_str value;
} sg_pair;
typedef struct sg_pairs {
    const sg_pair *data;
    size_t len;
} sg_pairs;

/** A view on one segment. In a stream the host calls again as text arrives: whatever was held back stands in the next window
 * again, behind some context that was released before. */
typedef struct sg_window {
    sg_phase phase;
    sg_role role;
    sg_channel channel;
    sg_str text;
    /** That many bytes at the start of `text` are already released. They are there to be looked at. */
    uint32_t context;
    /** No more text follows in this segment. */
    bool final;
} sg_window;
typedef struct sg_windows {
    const sg_window *data;
    size_t len;
} sg_windows;

/** One piece of text of an exchange. */
typedef struct sg_segment {
    /** Names this segment within the exchange. */
    uint32_t id;
    sg_role role;
    sg_channel channel;
    /** Which of several alternative answers; 0 in a request. */
    uint32_t choice;
    /** The tool's or the speaker's name, where the wire format gives one. */
    sg_optional_str name;
    sg_str text;
} sg_segment;
typedef struct sg_segments {
    const sg_segment *data;
    size_t len;
} sg_segments;

/** A tool that the model may call. */
typedef struct sg_tool {
    sg_str name;
    sg_str description;
    /** JSON Schema of the arguments. */
    sg_str parameters;
} sg_tool;
typedef struct sg_tools {
    const sg_tool *data;
    size_t len;
} sg_tools;

/** What is known about an exchange beside its text. */
typedef struct sg_exchange {
    sg_str id;
    /** The partition that caches, `sg_kv_*` and budgets are kept in. */
    sg_str tenant;
    sg_optional_str user;
    /** Ties the steps of one agent run or conversation together. */
    sg_optional_str session;
    /** How many exchanges of this session came before. */
    uint32_t step;
    /** The model that the caller asked for. */
    sg_str model;
    bool streaming;
    /** Headers and tags that the operator lets plugins see. */
    sg_pairs attributes;
} sg_exchange;

/** A request on its way to a model. */
typedef struct sg_request {
    sg_exchange exchange;
    /** In the order of the conversation. */
    sg_segments segments;
    sg_tools tools;
    /** JSON Schema that the caller wants the answer to satisfy. */
    sg_optional_str answer_schema;
    uint32_t tokens_estimate;
} sg_request;

typedef struct sg_usage {
    uint32_t input_tokens;
    uint32_t cached_input_tokens;
    uint32_t output_tokens;
    uint32_t reasoning_tokens;
} sg_usage;
typedef struct sg_optional_usage {
    bool given;
    sg_usage value;
} sg_optional_usage;

/** A complete answer. */
typedef struct sg_answer {
    /** The target that gave it. */
    sg_str target;
    sg_segments segments;
    sg_finish finish;
    sg_optional_usage usage;
} sg_answer;

/** Something that was noticed, whether or not it changes the outcome. */
typedef struct sg_finding {
    /** The rule that matched, stable over versions: `email`. */
    sg_str rule;
    sg_optional_span span;
    /** How sure, from 0 to 1. */
    float score;
} sg_finding;
typedef struct sg_findings {
    const sg_finding *data;
    size_t len;
} sg_findings;

/** A model at a provider that this caller may use, as things stand now. */
typedef struct sg_target {
    sg_str name;
    sg_str provider;
    sg_str model;
    sg_strs tags;
    /** False while its circuit is open. */
    bool healthy;
    uint32_t in_flight;
    /** Moving median of the time to the first token; absent before the first call. */
    sg_optional_u32 first_token_ms;
    /** Absent where nobody knows the price. */
    sg_optional_f64 input_dollars_per_million;
    sg_optional_f64 output_dollars_per_million;
    /** Absent where the operator has not said it. */
    sg_optional_u32 context_tokens;
} sg_target;
typedef struct sg_targets {
    const sg_target *data;
    size_t len;
} sg_targets;

/** A stored exchange that was found by meaning. */
typedef struct sg_candidate {
    /** The text that was embedded for it. */
    sg_str question;
    sg_answer answer;
    float similarity;
    uint64_t age_ms;
} sg_candidate;

/** The last segment with this role and channel, or NULL. */
const sg_segment *sg_last_segment(sg_segments segments, sg_role role, sg_channel channel);
/** The segment with this id, or NULL. */
const sg_segment *sg_segment_by_id(sg_segments segments, uint32_t id);
/** Whether a target has this tag. */
bool sg_has_tag(const sg_target *target, sg_str tag);
/** The value of the first attribute of that name, compared exactly. */
sg_optional_str sg_attribute(const sg_exchange *exchange, sg_str name);

/* ------------------------------------------------------------------------------------------------------------- guardrails -- */

/* Lists that a plugin fills, by the functions below. */
typedef struct sg_edit {
    uint32_t segment;
    sg_span span;
    sg_str replacement;
    bool restore;
} sg_edit;
typedef struct sg_edit_list {
    sg_edit *data;
    size_t len;
    size_t room;
} sg_edit_list;
typedef struct sg_finding_list {
    sg_finding *data;
    size_t len;
    size_t room;
} sg_finding_list;
typedef struct sg_index_list {
    uint32_t *data;
    size_t len;
    size_t room;
} sg_index_list;
typedef struct sg_denial {
    sg_str code;
    sg_str reason;
    sg_optional_str detail;
} sg_denial;

/** What a guardrail says. It is handed in as "allow", without findings. A denial counts before a retry, and that before edits. */
typedef struct sg_verdict {
    bool denied;
    sg_denial denial;
    bool retried;
    sg_str correction;
    sg_edit_list edits;
    sg_finding_list findings;
    size_t hold;
} sg_verdict;

/** Refuse: a stable code as `pii.blocked`, and words for the caller that do not repeat the refused text. */
void sg_deny(sg_verdict *verdict, sg_str code, sg_str reason);
/** The same, with words for the operator's trace alone. */
void sg_deny_with_detail(sg_verdict *verdict, sg_str code, sg_str reason, sg_str detail);
/** Text guardrails: put `replacement` where `span` was. Edits must not overlap; of a verdict the host takes 10,000, and counts
 * more as a failure. */
void sg_mask(sg_verdict *verdict, sg_span span, sg_str replacement);
/** The same, and give the original back to the caller where the answer repeats the replacement. Put `{n}` into it, so that the
 * host can make it unique. */
void sg_mask_and_restore(sg_verdict *verdict, sg_span span, sg_str replacement);
/** Guardrails of requests and answers: the same in one of the segments. */
void sg_mask_in(sg_verdict *verdict, const sg_segment *segment, sg_span span, sg_str replacement);
void sg_mask_and_restore_in(sg_verdict *verdict, const sg_segment *segment, sg_span span, sg_str replacement);
/** Something that was noticed, with a score from 0 to 1. A rule's name is of letters, digits, dots and hyphens. Of a verdict the host
 * takes 1,000 findings; further ones are left out. */
void sg_note(sg_verdict *verdict, sg_str rule, float score);
/** The same, with its place. */
void sg_note_at(sg_verdict *verdict, sg_str rule, sg_span span, float score);
/** Text guardrails: keep that many bytes at the end back until more text shows whether they belong to a match. Of several the
 * longest counts. Ignored in a final window. */
void sg_hold(sg_verdict *verdict, size_t bytes);
/** Guardrails of answers: ask the model once more, with these words of correction added. */
void sg_retry(sg_verdict *verdict, sg_str correction);

/** How many bytes at the end of `text` are a proper beginning of one of these words: the hold of a guardrail that looks for them. */
size_t sg_unfinished(sg_str text, sg_strs words);
/** How many bytes at the end of `text` belong, at most `bytes_max`, by whole characters. `belongs` is shown each character. */
size_t sg_trailing(sg_str text, size_t bytes_max, bool (*belongs)(sg_str character));

/* ---------------------------------------------------------------------------------------------------------------- routers -- */

enum { SG_ROUTE_UNCHANGED, SG_ROUTE_TARGETS, SG_ROUTE_ANSWER, SG_ROUTE_ESCALATE, SG_ROUTE_DENY };

/** What a router says. It is handed in as "unchanged", without intent and findings. The last decision counts. */
typedef struct sg_routing {
    uint8_t decision;
    sg_index_list targets;
    sg_str text;
    sg_str queue;
    sg_denial denial;
    sg_index_list on_rejection;
    sg_optional_str intent;
    sg_finding_list findings;
} sg_routing;

/** Ask this target, behind those that were named before; an index into `targets`. */
void sg_route_to(sg_routing *routing, size_t index);
/** When a guardrail rejects an answer, ask this target, behind those that were named before. */
void sg_route_on_rejection(sg_routing *routing, size_t index);
/** Answer without a model. */
void sg_route_answer(sg_routing *routing, sg_str text);
/** Hand over to the people who see to `queue`; the caller gets `text`, with a reference in place of `{reference}` or below it. */
void sg_route_escalate(sg_routing *routing, sg_str queue, sg_str text);
void sg_route_deny(sg_routing *routing, sg_str code, sg_str reason);
/** What the request was taken for: `small-talk`, `code`. */
void sg_route_intent(sg_routing *routing, sg_str intent);
void sg_route_note(sg_routing *routing, sg_str rule, float score);

/* ----------------------------------------------------------------------------------------------------------------- caches -- */

/** Where an answer may be found. It is handed in as a bypass. */
typedef struct sg_intention {
    bool look_up;
    sg_str key;
    bool by_meaning;
    sg_str meaning;
    float threshold;
    uint64_t age_ms_max;
} sg_intention;

/** Requests with equal keys are the same question. Answers older than `age_ms_max` are stale. */
void sg_look_up(sg_intention *intention, sg_str key, uint64_t age_ms_max);
/** Also look for questions that mean nearly the same as `text`: `threshold` is the least cosine similarity, from 0 to 1. */
void sg_look_up_meaning(sg_intention *intention, sg_str text, float threshold);

/* ---------------------------------------------------------------------------------------------------------- configuration -- */

enum { SG_JSON_NULL, SG_JSON_BOOL, SG_JSON_NUMBER, SG_JSON_STRING, SG_JSON_ARRAY, SG_JSON_OBJECT };

/** A value of JSON. */
typedef struct sg_json {
    uint8_t kind;
    /** A number that is whole and fits: then `integer` is exact. */
    bool whole;
    bool boolean;
    int64_t integer;
    double number;
    sg_str string;
    /** The elements of an array, or the members of an object. */
    const struct sg_json *data;
    size_t len;
    /** The names of the members. */
    const sg_str *names;
} sg_json;

/** Levels of arrays and objects in each other that sg_json_read takes. */
#define SG_JSON_DEPTH_MAX 64

/** Read JSON (RFC 8259). Names that come twice are an error. Numbers of up to 15 digits are exact. */
sg_error sg_json_read(sg_str text, sg_json *value);
/** The member of that name; NULL where there is none, or no object. */
const sg_json *sg_json_get(const sg_json *object, const char *name);

/** The settings of a plugin, one line each: its name in the operator's `[config]` table, where its value goes, what it is for,
 * and as JSON what counts where the operator has not said it. Without that last, it is required. From these lines the SDK makes the
 * JSON Schema that the host checks a configuration against, and reads it before `configure` is called.
 *
 *     static sg_strs names;
 *     static int64_t ttl_s;
 *     static const sg_setting settings[] = {
 *         {"names", SG_STRS(&names, 1, 1), "What must not be named."},
 *         {"ttl_s", SG_INT(&ttl_s, 1, SG_UNBOUNDED), "For how long an answer is kept, in seconds.", "3600"},
 *     };
 */
typedef struct sg_setting {
    const char *name;
    uint8_t kind;
    union {
        sg_str *str;
        sg_strs *strs;
        bool *boolean;
        int64_t *integer;
        double *number;
    } into;
    /** Of a number its least value, of a list the fewest elements, of a text the least length in characters. */
    double min;
    double max;
    /** The least length of each text of a list. */
    double each_min;
    const char *about;
    /** JSON. */
    const char *fallback;
} sg_setting;

enum { SG_SETTING_STR = 1, SG_SETTING_STRS, SG_SETTING_BOOL, SG_SETTING_INT, SG_SETTING_NUMBER };

/** No upper bound. */
#define SG_UNBOUNDED 1e300
/** A text of at least so many characters, into a sg_str. */
#define SG_STR(into, length_min) SG_SETTING_STR, {.str = (into)}, (length_min), SG_UNBOUNDED, 0
/** At least `min` texts of at least `each_min` characters each, into a sg_strs. */
#define SG_STRS(into, min, each_min) SG_SETTING_STRS, {.strs = (into)}, (min), SG_UNBOUNDED, (each_min)
/** True or false, into a bool. */
#define SG_BOOL(into) SG_SETTING_BOOL, {.boolean = (into)}, 0, 0, 0
/** A whole number, into an int64_t. */
#define SG_INT(into, min, max) SG_SETTING_INT, {.integer = (into)}, (min), (max), 0
/** A number, into a double. */
#define SG_NUMBER(into, min, max) SG_SETTING_NUMBER, {.number = (into)}, (min), (max), 0

/** For SG_PLUGIN: `.settings = SG_SETTINGS(settings)`. */
#define SG_SETTINGS(array) {(array), sizeof(array) / sizeof((array)[0])}

/* ----------------------------------------------------------------------------------------------------------- host functions -- */

/** Write to the gateway's log. Lines are bounded in length and number. Never write text of an exchange. */
enum { SG_LOG_DEBUG, SG_LOG_INFO, SG_LOG_WARN, SG_LOG_ERROR };
void sg_log(uint8_t level, sg_str message);

/** Regular expressions that the host compiles and runs, in the syntax of the Rust crate `regex`. Natively, in tests, those of
 * POSIX stand in: see sluicegate_test.h. */
typedef struct sg_patterns {
    uint32_t set;
} sg_patterns;
typedef struct sg_match {
    /** Index into the expressions of the set. */
    uint32_t expression;
    sg_span span;
} sg_match;
typedef struct sg_matches {
    const sg_match *data;
    size_t len;
} sg_matches;

/** Compile a set. Only in `configure`; it stays valid in every later call. */
sg_error sg_patterns_compile(sg_strs expressions, sg_patterns *patterns);
/** All matches, by start, then by expression; those of one expression do not overlap. */
sg_matches sg_patterns_find(sg_patterns patterns, sg_str text);
/** What a text guardrail need not be called for, so that harmless text costs a tenth: windows in which nothing of `triggers` matches
 * are allowed, without findings. What such a window holds back, if it is not final, is the longest end of it that the expression
 * `tail` matches as a whole. Without a tail (NULL) only final windows are let pass. It must be what `inspect` would have said,
 * but for a longer hold. Only in `configure`, and once. */
sg_error sg_patterns_prefilter(sg_patterns triggers, const char *tail);

/** Without `ttl_ms`: kept until it is deleted. */
#define SG_FOREVER UINT64_MAX

/** A small store, kept apart by plugin and tenant; `[grants.kv]`. Not in `configure`. Keys have at most 512 bytes. */
sg_error sg_kv_get(sg_str key, sg_optional_str *value);
sg_error sg_kv_set(sg_str key, sg_str value, uint64_t ttl_ms);
sg_error sg_kv_delete(sg_str key);
/** Add `by` atomically and give the sum, which sg_kv_get gives as decimal digits. `ttl_ms` counts from when there was none. */
sg_error sg_kv_increment(sg_str key, int64_t by, uint64_t ttl_ms, int64_t *sum);

/** Milliseconds since 1970-01-01 UTC; `[grants.clock]`. A trap in `configure`: in a snapshot it would stand still. */
uint64_t sg_now_ms(void);

typedef struct sg_http_request {
    /** By the name that the operator has given it. */
    sg_str destination;
    sg_str method;
    /** Appended to the destination's address. */
    sg_str path;
    sg_pairs headers;
    sg_str body;
} sg_http_request;
typedef struct sg_http_response {
    uint16_t status;
    sg_pairs headers;
    sg_str body;
} sg_http_response;

/** Call a service that the operator named; `[grants.http]`. Redirects and statuses like 404 are answers. */
sg_error sg_http_send(const sg_http_request *request, sg_http_response *response);

typedef struct sg_vector {
    const float *data;
    size_t len;
} sg_vector;
typedef struct sg_vectors {
    const sg_vector *data;
    size_t len;
} sg_vectors;

/** One vector of unit length for each text, of which there may be 1,024; `[grants.embedding]`. Also in `configure`. */
sg_error sg_embed(sg_strs texts, sg_vectors *vectors);
/** The cosine of the angle between two vectors of unit length, from -1 to 1. */
float sg_similarity(sg_vector one, sg_vector other);

typedef struct sg_prompt {
    sg_str target;
    sg_optional_str system;
    sg_str user;
    uint32_t output_tokens_max;
    /** JSON Schema that the answer must satisfy. */
    sg_optional_str answer_schema;
} sg_prompt;

/** Ask a model through the gateway; `[grants.model]`. */
sg_error sg_model_complete(const sg_prompt *prompt, sg_str *answer);

/* --------------------------------------------------------------------------------------------------------------- the plugin -- */

/** What a plugin is: SG_PLUGIN(.name = "codename", ...). */
typedef struct sg_plugin {
    /** In lower case with hyphens. */
    const char *name;
    /** Its semantic version. */
    const char *version;
    /** One sentence for the list of plugins. */
    const char *summary;
    struct {
        const sg_setting *data;
        size_t len;
    } settings;
    /** JSON Schema of the configuration, where `settings` cannot say it. */
    const char *schema;
    /** Called once, behind the settings. An error is shown to the operator, and the previous version of the plugin stays in service.
     * Slow work belongs here: every later call begins with what this left in memory. */
    sg_error (*configure)(const sg_json *config);
} sg_plugin;

/** It must be a pure function of the configuration and the window. */
typedef struct sg_text_guardrail {
    sg_error (*inspect)(const sg_window *window, sg_verdict *verdict);
} sg_text_guardrail;

/** Judges a request as a whole. */
typedef struct sg_request_guardrail {
    sg_error (*check)(const sg_request *request, sg_verdict *verdict);
} sg_request_guardrail;

/** Judges an answer as a whole, next to the request that it answers. */
typedef struct sg_answer_guardrail {
    sg_error (*check)(const sg_request *request, const sg_answer *answer, sg_verdict *verdict);
} sg_answer_guardrail;

/** Decides who answers. The first of `targets` are those of the model asked for. */
typedef struct sg_router {
    sg_error (*route)(const sg_request *request, sg_targets targets, sg_routing *routing);
} sg_router;

/** Decides what may be answered from memory. */
typedef struct sg_cache {
    /** Where the answer may be found. `findings` are those of the guardrails on the request. */
    sg_error (*plan)(const sg_request *request, sg_findings findings, sg_intention *intention);
    /** Is the stored answer an answer to this request too? Without it: no. */
    sg_error (*accept)(const sg_request *request, const sg_candidate *candidate, bool *accepted);
    /** For how long may this answer be kept? 0, as it is handed in: not at all. Without it, nothing is kept. */
    sg_error (*admit)(const sg_request *request, const sg_answer *answer, sg_findings findings, uint64_t *ttl_ms);
} sg_cache;

#define SG_PLUGIN(...)                                                                                                          \
    static const sg_plugin sg_this_plugin = {__VA_ARGS__};                                                                      \
    SG_EXPORT_(plugin, sg_this_plugin)
#define SG_TEXT_GUARDRAIL(...)                                                                                                  \
    static const sg_text_guardrail sg_this_text_guardrail = {__VA_ARGS__};                                                      \
    SG_EXPORT_(text_guardrail, sg_this_text_guardrail)
#define SG_REQUEST_GUARDRAIL(...)                                                                                               \
    static const sg_request_guardrail sg_this_request_guardrail = {__VA_ARGS__};                                                \
    SG_EXPORT_(request_guardrail, sg_this_request_guardrail)
#define SG_ANSWER_GUARDRAIL(...)                                                                                                \
    static const sg_answer_guardrail sg_this_answer_guardrail = {__VA_ARGS__};                                                  \
    SG_EXPORT_(answer_guardrail, sg_this_answer_guardrail)
#define SG_ROUTER(...)                                                                                                          \
    static const sg_router sg_this_router = {__VA_ARGS__};                                                                      \
    SG_EXPORT_(router, sg_this_router)
#define SG_CACHE(...)                                                                                                           \
    static const sg_cache sg_this_cache = {__VA_ARGS__};                                                                        \
    SG_EXPORT_(cache, sg_this_cache)

#ifdef __wasm__
#include "src/export.h"
#else
/* Natively, in tests, the plugin makes itself known to the test program. */
#define SG_EXPORT_(kind, value)                                                                                                 \
    __attribute__((constructor)) static void sg_register_this_##kind(void)                                                      \
    {                                                                                                                           \
        sg_registered_##kind = &(value);                                                                                        \
    }
extern const sg_plugin *sg_registered_plugin;
extern const sg_text_guardrail *sg_registered_text_guardrail;
extern const sg_request_guardrail *sg_registered_request_guardrail;
extern const sg_answer_guardrail *sg_registered_answer_guardrail;
extern const sg_router *sg_registered_router;
extern const sg_cache *sg_registered_cache;
#endif

#endif
