/* What the files of the SDK share, and authors do not see. */
#ifndef SLUICEGATE_INTERNAL_H
#define SLUICEGATE_INTERNAL_H

#include "../sluicegate.h"

#include <string.h>

/* Sums and products of sizes, or a trap. */
static inline size_t sg_sum(size_t one, size_t other)
{
    size_t sum;
    if (__builtin_add_overflow(one, other, &sum))
        SG_PANIC("a size overflows");
    return sum;
}

static inline size_t sg_product(size_t one, size_t other)
{
    size_t product;
    if (__builtin_mul_overflow(one, other, &product))
        SG_PANIC("a size overflows");
    return product;
}

/* Memory of `new_size` bytes that begins with the first `old_size` bytes of `old`, which is not used from then on. */
void *sg_grow(void *old, size_t old_size, size_t new_size);

/* One more element at the end of a list with `data`, `len` and `room`; zeroed. A list that an author has filled by hand has no
 * room, and is copied. */
void *sg_push(void *data, size_t *len, size_t *room, size_t size);
#define SG_PUSH(list) (*(__typeof__((list)->data))sg_push(&(list)->data, &(list)->len, &(list)->room, sizeof *(list)->data))

size_t sg_floor(sg_str text, size_t at);
size_t sg_ceil(sg_str text, size_t at);

/* The JSON Schema of the plugin's configuration; without one, nothing. */
sg_optional_str sg_schema_of(const sg_plugin *plugin);
/* Read the settings and call `configure`. */
sg_error sg_configure_plugin(const sg_plugin *plugin, sg_str config);

/* What a function of the kind says, made fit for the host: spans and holds on borders of characters, scores from 0 to 1. */
sg_error sg_run_inspect(const sg_text_guardrail *guardrail, const sg_window *window, sg_verdict *verdict);
sg_error sg_run_check_request(const sg_request_guardrail *guardrail, const sg_request *request, sg_verdict *verdict);
sg_error sg_run_check_answer(const sg_answer_guardrail *guardrail, const sg_request *request, const sg_answer *answer,
                             sg_verdict *verdict);
sg_error sg_run_route(const sg_router *router, const sg_request *request, sg_targets targets, sg_routing *routing);
sg_error sg_run_plan(const sg_cache *cache, const sg_request *request, sg_findings findings, sg_intention *intention);
sg_error sg_run_accept(const sg_cache *cache, const sg_request *request, const sg_candidate *candidate, bool *accepted);
sg_error sg_run_admit(const sg_cache *cache, const sg_request *request, const sg_answer *answer, sg_findings findings,
                      uint64_t *ttl_ms);

#endif
