/* Regular expressions for tests: what the crate `regex` and POSIX both know, said in the way of POSIX. */
#ifndef __wasm__

#include <regex.h>
#include <stdlib.h>

#include "native.h"

struct set {
    regex_t *expressions;
    size_t len;
};

static struct {
    struct set *data;
    size_t len;
    size_t room;
} sets;

static bool prefiltered, tailed;
static sg_patterns prefilter;
static regex_t tail;

void sg_native_forget_patterns(void)
{
    for (size_t at = 0; at < sets.len; at++) {
        for (size_t one = 0; one < sets.data[at].len; one++)
            regfree(&sets.data[at].expressions[one]);
    }
    if (tailed)
        regfree(&tail);
    sets.len = 0;
    prefiltered = tailed = false;
}

static sg_error not_here(sg_str expression)
{
    sg_buffer message = {0};
    sg_add(&message, SG("tests cannot run the expression "));
    sg_add_json(&message, expression);
    sg_add(&message, SG(": POSIX has no such thing"));
    return (sg_error){SG_OTHER, sg_text(&message)};
}

/* What stands behind a backslash, outside of brackets or inside. */
static const char *escape_of(char escape, bool inside)
{
    switch (escape) {
    case 'd':
        return inside ? "0-9" : "[0-9]";
    case 'D':
        return inside ? NULL : "[^0-9]";
    case 'w':
        return inside ? "[:alnum:]_" : "[[:alnum:]_]";
    case 'W':
        return inside ? NULL : "[^[:alnum:]_]";
    case 's':
        return inside ? "[:space:]" : "[[:space:]]";
    case 'S':
        return inside ? NULL : "[^[:space:]]";
    case 'b':
        return inside ? NULL : "\\b";
    case 'B':
        return inside ? NULL : "\\B";
    case 'A':
        return inside ? NULL : "^";
    case 'z':
        return inside ? NULL : "$";
    case 'n':
        return "\n";
    case 't':
        return "\t";
    case 'r':
        return "\r";
    default:
        return NULL;
    }
}

/* In brackets these have to stand at certain places, or mean something else there. */
static bool is_plain_inside(char byte)
{
    return byte != ']' && byte != '[' && byte != '-' && byte != '^' && byte != '\\';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || sg_is_digit(byte);
}

static sg_error translated(sg_str expression, sg_buffer *into, bool *folded)
{
    size_t at = 0;
    bool inside = false;
    *folded = sg_starts_with(expression, SG("(?i)"));
    at = *folded ? 4 : 0;
    for (; at < expression.len; at++) {
        char byte = expression.data[at], after = at + 1 < expression.len ? expression.data[at + 1] : 0;
        if (byte == '\\') {
            const char *plain = escape_of(after, inside);
            bool literal = after != 0 && !is_letter(after);
            if (plain != NULL)
                sg_add(into, sg_cstr(plain));
            else if (literal && !inside)
                sg_add(into, sg_cut(expression, at, at + 2));
            else if (literal && is_plain_inside(after))
                sg_add_byte(into, after);
            else
                return not_here(expression);
            at++;
            continue;
        }
        if (byte == '(' && after == '?' && !inside) {
            if (at + 2 >= expression.len || expression.data[at + 2] != ':')
                return not_here(expression);
            sg_add_byte(into, '(');
            at += 2;
            continue;
        }
        /* A repetition that takes as little as it can. */
        if ((byte == '*' || byte == '+' || byte == '?' || byte == '}') && after == '?' && !inside)
            return not_here(expression);
        inside = byte == '[' || (inside && byte != ']');
        sg_add_byte(into, byte);
    }
    return SG_DONE;
}

static sg_error compiled(sg_str expression, const char *before, const char *after, regex_t *regex)
{
    sg_buffer posix = {0};
    bool folded;
    sg_add(&posix, sg_cstr(before));
    SG_TRY(translated(expression, &posix, &folded));
    sg_add(&posix, sg_cstr(after));
    sg_add_byte(&posix, 0);
    int code = regcomp(regex, posix.data, REG_EXTENDED | (folded ? REG_ICASE : 0));
    if (code == 0)
        return SG_DONE;
    char words[256];
    regerror(code, regex, words, sizeof words);
    sg_buffer message = {0};
    sg_add(&message, SG("the expression "));
    sg_add_json(&message, expression);
    sg_add(&message, SG(" is wrong: "));
    sg_add(&message, sg_cstr(words));
    return (sg_error){SG_OTHER, sg_text(&message)};
}

sg_error sg_patterns_compile(sg_strs expressions, sg_patterns *patterns)
{
    if (!sg_native_configuring)
        return sg_fail("expressions are compiled in `configure` alone");
    struct set set = {sg_new(regex_t, expressions.len), 0};
    for (size_t at = 0; at < expressions.len; at++) {
        sg_error error = compiled(expressions.data[at], "", "", &set.expressions[at]);
        if (error.kind != SG_OK) {
            for (size_t one = 0; one < at; one++)
                regfree(&set.expressions[one]);
            return error;
        }
    }
    set.len = expressions.len;
    *patterns = (sg_patterns){(uint32_t)sets.len};
    SG_PUSH(&sets) = set;
    return SG_DONE;
}

/* With a NUL behind it, without which the address sanitizer takes no text for `regexec`. */
static sg_str ended(sg_str text)
{
    char *copy = sg_new(char, sg_sum(text.len, 1));
    if (text.len != 0)
        memcpy(copy, text.data, text.len);
    return (sg_str){copy, text.len};
}

/* The first match from `at` on in a text that is `ended`. */
static bool match_from(const regex_t *regex, sg_str text, size_t at, sg_span *span)
{
    regmatch_t match = {.rm_so = (regoff_t)at, .rm_eo = (regoff_t)text.len};
    int flags = REG_STARTEND | (at > 0 ? REG_NOTBOL : 0);
    if (regexec(regex, text.data, 1, &match, flags) != 0)
        return false;
    *span = sg_range((size_t)match.rm_so, (size_t)match.rm_eo);
    return true;
}

struct matches {
    sg_match *data;
    size_t len;
    size_t room;
};

static int by_start(const void *one, const void *other)
{
    const sg_match *left = one, *right = other;
    if (left->span.start != right->span.start)
        return left->span.start < right->span.start ? -1 : 1;
    return left->expression < right->expression ? -1 : left->expression > right->expression;
}

sg_matches sg_patterns_find(sg_patterns patterns, sg_str text)
{
    const struct set *set = sg_at(sets, patterns.set);
    struct matches matches = {0};
    text = ended(text);
    for (size_t one = 0; one < set->len; one++) {
        size_t at = 0;
        bool behind = false;
        sg_span span;
        while (at <= text.len && match_from(&set->expressions[one], text, at, &span)) {
            bool empty = span.end == span.start;
            /* Nothing, right behind a match, is no match. */
            if (!empty || !behind || span.start != at)
                SG_PUSH(&matches) = (sg_match){(uint32_t)one, span};
            at = span.end;
            behind = !empty;
            if (empty)
                at += at < text.len ? sg_char_len(text, at) : 1;
        }
    }
    if (matches.len > 1)
        qsort(matches.data, matches.len, sizeof *matches.data, by_start);
    return (sg_matches){matches.data, matches.len};
}

sg_error sg_patterns_prefilter(sg_patterns triggers, const char *expression)
{
    if (!sg_native_configuring)
        return sg_fail("a prefilter is set in `configure` alone");
    if (prefiltered)
        return sg_fail("there is a prefilter already");
    SG_ASSERT(triggers.set < sets.len);
    if (expression != NULL)
        SG_TRY(compiled(sg_cstr(expression), "(", ")$", &tail));
    tailed = expression != NULL;
    prefiltered = true;
    prefilter = triggers;
    return SG_DONE;
}

bool sg_native_passes(const sg_window *window, size_t *hold)
{
    if (!prefiltered || (!window->final && !tailed) || sg_patterns_find(prefilter, window->text).len != 0)
        return false;
    /* The first match that reaches the end is the longest end that matches. */
    sg_span span;
    *hold = 0;
    if (!window->final && match_from(&tail, ended(window->text), 0, &span))
        *hold = span.end - span.start;
    size_t released = window->context < window->text.len ? window->context : window->text.len;
    *hold = *hold < window->text.len - released ? *hold : window->text.len - released;
    return true;
}

#endif
