/* What the host reads and writes in memory where that is not a type of sluicegate.h: records, variants, options and results lie in
 * memory as the structs and unions of C do. tests/layout.c holds that against what wit-bindgen makes of the contract. */
#ifndef SLUICEGATE_ABI_H
#define SLUICEGATE_ABI_H

#include "internal.h"

/* `plugin-error`, and the errors of kv and http. */
typedef struct sg_abi_error {
    uint8_t tag;
    sg_str message;
} sg_abi_error;

typedef struct sg_abi_description {
    sg_str name;
    sg_str version;
    sg_str summary;
    sg_optional_str config_schema;
} sg_abi_description;

/* `result<_, string>` */
typedef struct sg_abi_done_or_text {
    uint8_t tag;
    sg_str error;
} sg_abi_done_or_text;

typedef struct sg_abi_edit {
    sg_span span;
    sg_str replacement;
    bool restore;
} sg_abi_edit;

typedef struct sg_abi_edits {
    const sg_abi_edit *data;
    size_t len;
} sg_abi_edits;

/* `list<tuple<u32, edit>>` */
typedef struct sg_abi_segment_edits {
    const sg_edit *data;
    size_t len;
} sg_abi_segment_edits;

enum { SG_ABI_ALLOW, SG_ABI_EDIT, SG_ABI_DENY };

typedef struct sg_abi_text_verdict {
    struct {
        uint8_t tag;
        union {
            sg_abi_edits edits;
            sg_denial denial;
        } value;
    } action;
    sg_findings findings;
    uint32_t hold;
} sg_abi_text_verdict;

typedef struct sg_abi_inspected {
    uint8_t tag;
    union {
        struct {
            const sg_abi_text_verdict *data;
            size_t len;
        } verdicts;
        sg_abi_error error;
    } value;
} sg_abi_inspected;

typedef struct sg_abi_verdict {
    struct {
        uint8_t tag;
        union {
            sg_abi_segment_edits edits;
            sg_str correction;
            sg_denial denial;
        } value;
    } action;
    sg_findings findings;
} sg_abi_verdict;

typedef struct sg_abi_checked {
    uint8_t tag;
    union {
        sg_abi_verdict verdict;
        sg_abi_error error;
    } value;
} sg_abi_checked;

enum { SG_ABI_ANSWER_ALLOW, SG_ABI_ANSWER_EDIT, SG_ABI_ANSWER_RETRY, SG_ABI_ANSWER_DENY };

typedef struct sg_abi_indices {
    const uint32_t *data;
    size_t len;
} sg_abi_indices;

typedef struct sg_abi_routing {
    struct {
        uint8_t tag;
        union {
            sg_abi_indices targets;
            sg_str answer;
            struct {
                sg_str queue;
                sg_str text;
            } escalation;
            sg_denial denial;
        } value;
    } decision;
    sg_abi_indices on_rejection;
    sg_optional_str intent;
    sg_findings findings;
} sg_abi_routing;

typedef struct sg_abi_routed {
    uint8_t tag;
    union {
        sg_abi_routing routing;
        sg_abi_error error;
    } value;
} sg_abi_routed;

typedef struct sg_abi_by_meaning {
    bool given;
    struct {
        sg_str text;
        float threshold;
    } value;
} sg_abi_by_meaning;

typedef struct sg_abi_intention {
    uint8_t tag;
    struct {
        sg_str key;
        sg_abi_by_meaning by_meaning;
        uint64_t age_ms_max;
    } look_up;
} sg_abi_intention;

typedef struct sg_abi_planned {
    uint8_t tag;
    union {
        sg_abi_intention intention;
        sg_abi_error error;
    } value;
} sg_abi_planned;

typedef struct sg_abi_accepted {
    uint8_t tag;
    union {
        bool accepted;
        sg_abi_error error;
    } value;
} sg_abi_accepted;

typedef struct sg_abi_admitted {
    uint8_t tag;
    union {
        struct {
            bool given;
            uint64_t ttl_ms;
        } admission;
        sg_abi_error error;
    } value;
} sg_abi_admitted;

/* Arguments that are too many for parameters of a function lie in memory like a record. */
typedef struct sg_abi_check_answer_arguments {
    sg_request request;
    sg_answer answer;
} sg_abi_check_answer_arguments;
typedef struct sg_abi_route_arguments {
    sg_request request;
    sg_targets targets;
} sg_abi_route_arguments;
typedef struct sg_abi_plan_arguments {
    sg_request request;
    sg_findings findings;
} sg_abi_plan_arguments;
typedef struct sg_abi_accept_arguments {
    sg_request request;
    sg_candidate candidate;
} sg_abi_accept_arguments;
typedef struct sg_abi_admit_arguments {
    sg_request request;
    sg_answer answer;
    sg_findings findings;
} sg_abi_admit_arguments;

/* What the host's functions answer. */
typedef struct sg_abi_compiled {
    uint8_t tag;
    union {
        uint32_t set;
        sg_str error;
    } value;
} sg_abi_compiled;

typedef struct sg_abi_kv_got {
    uint8_t tag;
    union {
        sg_optional_str found;
        sg_abi_error error;
    } value;
} sg_abi_kv_got;

typedef struct sg_abi_kv_done {
    uint8_t tag;
    sg_abi_error error;
} sg_abi_kv_done;

typedef struct sg_abi_kv_counted {
    uint8_t tag;
    union {
        int64_t sum;
        sg_abi_error error;
    } value;
} sg_abi_kv_counted;

typedef struct sg_abi_http_sent {
    uint8_t tag;
    union {
        sg_http_response response;
        sg_abi_error error;
    } value;
} sg_abi_http_sent;

typedef struct sg_abi_embedded {
    uint8_t tag;
    union {
        sg_vectors vectors;
        sg_str error;
    } value;
} sg_abi_embedded;

typedef struct sg_abi_completed {
    uint8_t tag;
    union {
        sg_str answer;
        sg_str error;
    } value;
} sg_abi_completed;

#endif
