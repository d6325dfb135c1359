/* Stand-ins of the host's functions, for tests. */
#ifndef __wasm__

#include <math.h>
#include <stdlib.h>

#include "native.h"

bool sg_native_configuring;

static uint64_t now_ms;
static sg_error (*http)(const sg_http_request *request, sg_http_response *response);
static sg_error (*model)(const sg_prompt *prompt, sg_str *answer);
static sg_error (*embedding)(sg_strs texts, sg_vectors *vectors);
static sg_buffer lines;

/* What is kept, and until when. */
static struct {
    struct kept {
        sg_str key;
        sg_str value;
        uint64_t until_ms;
    } *data;
    size_t len;
    size_t room;
} store;

void sg_native_reset(void)
{
    now_ms = SG_TEST_NOW_MS;
    http = NULL;
    model = NULL;
    embedding = NULL;
    store.len = 0;
    lines.len = 0;
    sg_native_configuring = false;
    sg_native_forget_patterns();
}

void sg_test_set_clock(uint64_t now)
{
    now_ms = now;
}

void sg_test_http(sg_error (*send)(const sg_http_request *request, sg_http_response *response))
{
    http = send;
}

void sg_test_model(sg_error (*complete)(const sg_prompt *prompt, sg_str *answer))
{
    model = complete;
}

void sg_test_embedding(sg_error (*embed)(sg_strs texts, sg_vectors *vectors))
{
    embedding = embed;
}

sg_str sg_test_log(void)
{
    return sg_text(&lines);
}

void sg_log(uint8_t level, sg_str message)
{
    static const char *const levels[] = {"debug ", "info ", "warn ", "error "};
    sg_add(&lines, sg_cstr(levels[level > SG_LOG_ERROR ? SG_LOG_ERROR : level]));
    sg_add(&lines, message);
    sg_add_byte(&lines, '\n');
}

_Noreturn void sg_panic(const char *message, const char *file, int line)
{
    sg_test_panicked(message, file, line);
}

#define KEY_BYTES_MAX 512

static struct kept *kept_of(sg_str key)
{
    for (size_t at = 0; at < store.len; at++) {
        struct kept *kept = &store.data[at];
        if (sg_equal(kept->key, key) && kept->until_ms > now_ms)
            return kept;
    }
    return NULL;
}

static uint64_t until(uint64_t ttl_ms)
{
    uint64_t end;
    return ttl_ms == SG_FOREVER || __builtin_add_overflow(now_ms, ttl_ms, &end) ? UINT64_MAX : end;
}

static void keep(sg_str key, sg_str value, uint64_t until_ms)
{
    struct kept kept = {sg_copy(key), sg_copy(value), until_ms};
    for (size_t at = 0; at < store.len; at++) {
        if (sg_equal(store.data[at].key, key)) {
            store.data[at] = kept;
            return;
        }
    }
    SG_PUSH(&store) = kept;
}

static sg_error kv_ready(sg_str key)
{
    if (sg_native_configuring)
        return sg_unavailable("there is no store while the plugin is configured");
    if (key.len > KEY_BYTES_MAX)
        return (sg_error){SG_TOO_LARGE, SG("the key or the value is too long")};
    return SG_DONE;
}

sg_error sg_kv_get(sg_str key, sg_optional_str *value)
{
    SG_TRY(kv_ready(key));
    struct kept *kept = kept_of(key);
    *value = kept == NULL ? (sg_optional_str){0} : (sg_optional_str){true, sg_copy(kept->value)};
    return SG_DONE;
}

sg_error sg_kv_set(sg_str key, sg_str value, uint64_t ttl_ms)
{
    SG_TRY(kv_ready(key));
    keep(key, value, until(ttl_ms));
    return SG_DONE;
}

sg_error sg_kv_delete(sg_str key)
{
    SG_TRY(kv_ready(key));
    struct kept *kept = kept_of(key);
    if (kept != NULL)
        kept->until_ms = 0;
    return SG_DONE;
}

sg_error sg_kv_increment(sg_str key, int64_t by, uint64_t ttl_ms, int64_t *sum)
{
    SG_TRY(kv_ready(key));
    struct kept *kept = kept_of(key);
    uint64_t until_ms = kept == NULL ? until(ttl_ms) : kept->until_ms;
    sg_json number = {.kind = SG_JSON_NUMBER, .whole = true};
    if (kept != NULL && (sg_json_read(kept->value, &number).kind != SG_OK || !number.whole))
        return sg_unavailable("what is kept under this key is no number");
    if (__builtin_add_overflow(number.integer, by, sum))
        return sg_unavailable("the sum is too large");
    sg_buffer digits = {0};
    sg_add_number(&digits, *sum);
    keep(key, sg_text(&digits), until_ms);
    return SG_DONE;
}

uint64_t sg_now_ms(void)
{
    if (sg_native_configuring)
        SG_PANIC("the clock is asked in `configure`: in a snapshot it would stand still");
    return now_ms;
}

sg_error sg_http_send(const sg_http_request *request, sg_http_response *response)
{
    return http == NULL ? sg_unavailable("nobody is there: say who answers with sg_test_http") : http(request, response);
}

sg_error sg_model_complete(const sg_prompt *prompt, sg_str *answer)
{
    return model == NULL ? sg_unavailable("nobody is there: say who answers with sg_test_model") : model(prompt, answer);
}

/* So many that two words of a test hardly meet. */
#define DIMENSIONS 4096
#define TEXTS_MAX 1024

static bool is_word(char byte)
{
    return sg_is_digit(byte) || (byte >= 'a' && byte <= 'z') || (unsigned char)byte >= 0x80;
}

static sg_vector vector_of(sg_str text)
{
    float *vector = sg_new(float, DIMENSIONS);
    sg_str lower = sg_lower(text);
    double squares = 0;
    size_t start = 0;
    for (size_t at = 0; at <= lower.len; at++) {
        if (at < lower.len && is_word(lower.data[at]))
            continue;
        /* FNV-1a. */
        uint64_t hash = UINT64_C(14695981039346656037);
        for (size_t byte = start; byte < at; byte++)
            hash = (hash ^ (unsigned char)lower.data[byte]) * UINT64_C(1099511628211);
        if (at > start)
            vector[(hash ^ hash >> 32) % DIMENSIONS] += 1;
        start = at + 1;
    }
    for (size_t at = 0; at < DIMENSIONS; at++)
        squares += (double)vector[at] * vector[at];
    /* Nothing is like nothing else. */
    if (squares == 0)
        vector[0] = 1;
    for (size_t at = 0; squares > 0 && at < DIMENSIONS; at++)
        vector[at] = (float)(vector[at] / sqrt(squares));
    return (sg_vector){vector, DIMENSIONS};
}

sg_error sg_embed(sg_strs texts, sg_vectors *vectors)
{
    if (embedding != NULL)
        return embedding(texts, vectors);
    if (texts.len > TEXTS_MAX)
        return sg_unavailable("more than 1024 texts");
    sg_vector *all = sg_new(sg_vector, texts.len);
    for (size_t at = 0; at < texts.len; at++)
        all[at] = vector_of(texts.data[at]);
    *vectors = (sg_vectors){all, texts.len};
    return SG_DONE;
}

#endif
