/* The host's functions, as the contract has them. Natively native.c stands in. */
#ifdef __wasm__

#include "abi.h"

#define IMPORT(interface, name) __attribute__((import_module("sluicegate:plugin/" interface "@0.1.0"), import_name(name)))

IMPORT("log", "write") void import_log_write(uint32_t level, const char *data, size_t len);
IMPORT("patterns", "compile") void import_patterns_compile(const sg_str *data, size_t len, sg_abi_compiled *result);
IMPORT("patterns", "find") void import_patterns_find(uint32_t set, const char *data, size_t len, sg_matches *result);
IMPORT("patterns", "prefilter")
void import_patterns_prefilter(uint32_t set, uint32_t given, const char *data, size_t len, sg_abi_done_or_text *result);
IMPORT("kv", "get") void import_kv_get(const char *key, size_t key_len, sg_abi_kv_got *result);
IMPORT("kv", "set")
void import_kv_set(const char *key, size_t key_len, const char *data, size_t len, uint32_t ttl, uint64_t ttl_ms,
                   sg_abi_kv_done *result);
IMPORT("kv", "delete") void import_kv_delete(const char *key, size_t key_len, sg_abi_kv_done *result);
IMPORT("kv", "increment")
void import_kv_increment(const char *key, size_t key_len, int64_t by, uint32_t ttl, uint64_t ttl_ms, sg_abi_kv_counted *result);
IMPORT("clock", "now-ms") uint64_t import_clock_now_ms(void);
IMPORT("http", "send")
void import_http_send(const char *destination, size_t destination_len, const char *method, size_t method_len, const char *path,
                      size_t path_len, const sg_pair *headers, size_t headers_len, const char *body, size_t body_len,
                      sg_abi_http_sent *result);
IMPORT("embedding", "embed") void import_embedding_embed(const sg_str *data, size_t len, sg_abi_embedded *result);
IMPORT("model", "complete")
void import_model_complete(const char *target, size_t target_len, uint32_t system_given, const char *system, size_t system_len,
                           const char *user, size_t user_len, uint32_t output_tokens_max, uint32_t schema_given,
                           const char *schema, size_t schema_len, sg_abi_completed *result);

void sg_log(uint8_t level, sg_str message)
{
    import_log_write(level > SG_LOG_ERROR ? SG_LOG_ERROR : level, message.data, message.len);
}

/* The host cuts lines a little above that. */
#define LINE_BYTES_MAX 500

_Noreturn void sg_panic(const char *message, const char *file, int line)
{
    /* It may be memory that has run out: none is asked for here. */
    char text[LINE_BYTES_MAX];
    char digits[10];
    size_t len = 0, digit = sizeof digits;
    unsigned rest = (unsigned)line;
    do {
        digits[--digit] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    sg_str parts[] = {SG("panicked at "),  sg_cstr(file), SG(":"), {digits + digit, sizeof digits - digit}, SG(": "),
                      sg_cstr(message)};
    for (size_t at = 0; at < sizeof parts / sizeof parts[0]; at++) {
        size_t some = parts[at].len < sizeof text - len ? parts[at].len : sizeof text - len;
        memcpy(text + len, parts[at].data, some);
        len += some;
    }
    /* What is cut inside a character is no text, and would hide the message. */
    len = len == sizeof text ? sg_floor((sg_str){text, len}, len - 1) : len;
    sg_log(SG_LOG_ERROR, (sg_str){text, len});
    __builtin_trap();
}

static sg_error failed(sg_str message)
{
    return (sg_error){SG_OTHER, message};
}

sg_error sg_patterns_compile(sg_strs expressions, sg_patterns *patterns)
{
    sg_abi_compiled result;
    import_patterns_compile(expressions.data, expressions.len, &result);
    if (result.tag != 0)
        return failed(result.value.error);
    patterns->set = result.value.set;
    return SG_DONE;
}

sg_matches sg_patterns_find(sg_patterns patterns, sg_str text)
{
    sg_matches matches;
    import_patterns_find(patterns.set, text.data, text.len, &matches);
    return matches;
}

sg_error sg_patterns_prefilter(sg_patterns triggers, const char *tail)
{
    sg_abi_done_or_text result;
    sg_str text = sg_cstr(tail);
    import_patterns_prefilter(triggers.set, tail != NULL, text.data, text.len, &result);
    return result.tag == 0 ? SG_DONE : failed(result.error);
}

static sg_error kv_error(sg_abi_error error)
{
    switch (error.tag) {
    case 0:
        return (sg_error){SG_TOO_LARGE, SG("the key or the value is too long")};
    case 1:
        return (sg_error){SG_QUOTA_EXCEEDED, SG("the plugin's store is full")};
    default:
        return (sg_error){SG_UNAVAILABLE, error.message};
    }
}

sg_error sg_kv_get(sg_str key, sg_optional_str *value)
{
    sg_abi_kv_got result;
    import_kv_get(key.data, key.len, &result);
    if (result.tag != 0)
        return kv_error(result.value.error);
    *value = result.value.found;
    return SG_DONE;
}

sg_error sg_kv_set(sg_str key, sg_str value, uint64_t ttl_ms)
{
    sg_abi_kv_done result;
    import_kv_set(key.data, key.len, value.data, value.len, ttl_ms != SG_FOREVER, ttl_ms, &result);
    return result.tag == 0 ? SG_DONE : kv_error(result.error);
}

sg_error sg_kv_delete(sg_str key)
{
    sg_abi_kv_done result;
    import_kv_delete(key.data, key.len, &result);
    return result.tag == 0 ? SG_DONE : kv_error(result.error);
}

sg_error sg_kv_increment(sg_str key, int64_t by, uint64_t ttl_ms, int64_t *sum)
{
    sg_abi_kv_counted result;
    import_kv_increment(key.data, key.len, by, ttl_ms != SG_FOREVER, ttl_ms, &result);
    if (result.tag != 0)
        return kv_error(result.value.error);
    *sum = result.value.sum;
    return SG_DONE;
}

uint64_t sg_now_ms(void)
{
    return import_clock_now_ms();
}

sg_error sg_http_send(const sg_http_request *request, sg_http_response *response)
{
    sg_abi_http_sent result;
    import_http_send(request->destination.data, request->destination.len, request->method.data, request->method.len,
                     request->path.data, request->path.len, request->headers.data, request->headers.len, request->body.data,
                     request->body.len, &result);
    if (result.tag == 0) {
        *response = result.value.response;
        return SG_DONE;
    }
    switch (result.value.error.tag) {
    case 0:
        return (sg_error){SG_UNKNOWN_DESTINATION, SG("there is no such destination")};
    case 1:
        return (sg_error){SG_TIMEOUT, SG("the service did not answer in time")};
    case 2:
        return (sg_error){SG_TOO_LARGE, SG("the request or the answer is too long")};
    default:
        return (sg_error){SG_UNAVAILABLE, result.value.error.message};
    }
}

sg_error sg_embed(sg_strs texts, sg_vectors *vectors)
{
    sg_abi_embedded result;
    import_embedding_embed(texts.data, texts.len, &result);
    if (result.tag != 0)
        return (sg_error){SG_UNAVAILABLE, result.value.error};
    *vectors = result.value.vectors;
    return SG_DONE;
}

sg_error sg_model_complete(const sg_prompt *prompt, sg_str *answer)
{
    sg_abi_completed result;
    sg_str system = sg_or(prompt->system, SG("")), schema = sg_or(prompt->answer_schema, SG(""));
    import_model_complete(prompt->target.data, prompt->target.len, prompt->system.given, system.data, system.len,
                          prompt->user.data, prompt->user.len, prompt->output_tokens_max, prompt->answer_schema.given,
                          schema.data, schema.len, &result);
    if (result.tag != 0)
        return (sg_error){SG_UNAVAILABLE, result.value.error};
    *answer = result.value.answer;
    return SG_DONE;
}

#endif
