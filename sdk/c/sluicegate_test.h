/**
 * Test a plugin natively: its source is compiled with the tests, and stand-ins do what the host would.
 *
 *     #include "sluicegate_test.h"
 *
 *     SG_TEST(begging_is_refused)
 *     {
 *         sg_test_configure("{}");
 *         sg_window window = sg_test_request_window("Would you please?");
 *         sg_verdict verdict = sg_test_inspect(&window);
 *         SG_EXPECT_TEXT(verdict.denial.code, "polite.blocked");
 *     }
 *
 * What a plugin says goes through what the exports do with it: spans on borders of characters, indices in bounds. Each test begins
 * with a plugin that is not configured, an empty store and the clock at SG_TEST_NOW_MS. Give a program's names of tests to run those
 * alone: `build/test begging_is_refused`.
 */
#ifndef SLUICEGATE_TEST_H
#define SLUICEGATE_TEST_H

#include <setjmp.h>

#include "sluicegate.h"

/** A test: a function without arguments. */
#define SG_TEST(name)                                                                                                           \
    static void sg_test_##name(void);                                                                                           \
    __attribute__((constructor)) static void sg_register_test_##name(void)                                                      \
    {                                                                                                                           \
        sg_test_register(#name, sg_test_##name);                                                                                \
    }                                                                                                                           \
    static void sg_test_##name(void)

/* ----------------------------------------------------------------------------------------------------------- expectations -- */

/** The test fails here if that does not hold. */
#define SG_EXPECT(condition) ((condition) ? (void)0 : sg_test_fail("expected " #condition, __FILE__, __LINE__))
/** A sg_str is the text of a literal or another string that ends with a NUL. */
#define SG_EXPECT_TEXT(got, wanted) sg_test_expect_text((got), (wanted), #got, __FILE__, __LINE__)
/** Two whole numbers are equal. */
#define SG_EXPECT_NUMBER(got, wanted) sg_test_expect_number((int64_t)(got), (int64_t)(wanted), #got, __FILE__, __LINE__)
/** A call of one of the functions below ends with an error that has these words. Elsewhere an error fails the test. */
#define SG_EXPECT_ERROR(call, words)                                                                                            \
    (sg_test_await_error(), (void)(call), sg_test_expect_error((words), #call, __FILE__, __LINE__))
/** A statement ends in what is a trap in the gateway, with these words. */
#define SG_EXPECT_PANIC(statement, words)                                                                                       \
    do {                                                                                                                        \
        if (setjmp(*sg_test_await_panic()) == 0) {                                                                              \
            statement;                                                                                                          \
            sg_test_fail("no panic in " #statement, __FILE__, __LINE__);                                                        \
        }                                                                                                                       \
        sg_test_expect_panic((words), #statement, __FILE__, __LINE__);                                                          \
    } while (0)

/* ------------------------------------------------------------------------------------------------------------- the plugin -- */

/** Configure the plugin anew. JSON, as the `[config]` table would be. */
void sg_test_configure(const char *config);
/** The schema that the plugin gives. */
sg_str sg_test_schema(void);

/** A whole text that a user sends. */
sg_window sg_test_request_window(const char *text);
/** A whole text that a model answered. */
sg_window sg_test_answer_window(const char *text);
/** The verdict on one window, also by the prefilter: the test fails where that lets pass what the plugin would not. */
sg_verdict sg_test_inspect(const sg_window *window);
/** What becomes of a text by the edits of a verdict. The test fails where it denies, or its edits overlap. */
sg_str sg_test_applied(sg_str text, const sg_verdict *verdict);

/** What came of a stream. */
typedef struct sg_streamed {
    /** What was released. */
    sg_str released;
    /** The code of the denial that ended it. */
    sg_optional_str denied;
    /** All findings, by their place in the whole text. */
    sg_finding_list findings;
    /** The most bytes that were held back between two chunks. */
    size_t held_bytes_max;
} sg_streamed;

/** Show the plugin a text in chunks as the host does: each window is up to `context_bytes` of what is decided, what was held back,
 * and the new chunk. `like` gives the phase, the role and the channel. */
sg_streamed sg_test_stream(const sg_window *like, sg_strs chunks, size_t context_bytes);
/** The same for every way to cut a text in two, and one character at a time; the test fails where what is released or denied
 * differs from what becomes of the whole. */
void sg_test_same_in_streams(const sg_window *window, size_t context_bytes);

/** A request with one text of a user; "" makes one without segments. */
sg_request sg_test_request(const char *text);
/** One more segment. */
void sg_test_add_segment(sg_request *request, sg_role role, sg_channel channel, const char *text);
/** One more tool. */
void sg_test_add_tool(sg_request *request, const char *name);
/** An answer with one text. */
sg_answer sg_test_answer(const char *text);

sg_verdict sg_test_check_request(const sg_request *request);
sg_verdict sg_test_check_answer(const sg_request *request, const sg_answer *answer);
/** What becomes of one segment by the edits of a verdict. */
sg_str sg_test_applied_in(const sg_segment *segment, const sg_verdict *verdict);
sg_routing sg_test_route(const sg_request *request, sg_targets targets);
sg_intention sg_test_plan(const sg_request *request, sg_findings findings);
bool sg_test_accept(const sg_request *request, const sg_candidate *candidate);
/** 0 where it is not to be kept. */
uint64_t sg_test_admit(const sg_request *request, const sg_answer *answer, sg_findings findings);

/* --------------------------------------------------------------------------------------------------------------- the host -- */

/* `sg_patterns_*` use the regular expressions of POSIX here. What both know means the same, save that an alternative takes the
 * longest match, not the first one. `\d`, `\w`, `\s`, `\b`, `(?:`, `(?i)` at the beginning, `\A` and `\z` are understood; lazy
 * repetitions, Unicode classes and other flags are not, and sg_patterns_compile says so. */

/** When a test begins: 2026-01-01 00:00 UTC. */
#define SG_TEST_NOW_MS UINT64_C(1767225600000)
/** What sg_now_ms says from now on; values of the store expire by it too. */
void sg_test_set_clock(uint64_t now_ms);
/** What sg_http_send does in this test. Before that nobody is there. */
void sg_test_http(sg_error (*send)(const sg_http_request *request, sg_http_response *response));
/** What sg_model_complete does in this test. Before that nobody is there. */
void sg_test_model(sg_error (*complete)(const sg_prompt *prompt, sg_str *answer));
/** What sg_embed does in this test. Before that texts with the same words have the same vector, and those without a word in common
 * are at a right angle. */
void sg_test_embedding(sg_error (*embed)(sg_strs texts, sg_vectors *vectors));
/** What was logged in this test: a line each, with its level. */
sg_str sg_test_log(void);

/* For the macros. */
void sg_test_register(const char *name, void (*test)(void));
_Noreturn void sg_test_fail(const char *words, const char *file, int line);
void sg_test_expect_text(sg_str got, const char *wanted, const char *expression, const char *file, int line);
void sg_test_expect_number(int64_t got, int64_t wanted, const char *expression, const char *file, int line);
void sg_test_await_error(void);
void sg_test_expect_error(const char *words, const char *expression, const char *file, int line);
jmp_buf *sg_test_await_panic(void);
void sg_test_expect_panic(const char *words, const char *expression, const char *file, int line);

#endif
