/* A reader of JSON (RFC 8259) for configurations and answers of services: bounded in depth, strict, and without state. */
#include "internal.h"

struct reader {
    sg_str text;
    size_t at;
    size_t depth;
};

static sg_error value_of(struct reader *reader, sg_json *value);

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->text.len) {
        char byte = reader->text.data[reader->at];
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return;
        reader->at++;
    }
}

/* The next byte, or 0 at the end: a NUL is nowhere allowed in JSON. */
static char next(const struct reader *reader)
{
    return reader->at < reader->text.len ? reader->text.data[reader->at] : 0;
}

static bool take(struct reader *reader, char byte)
{
    if (next(reader) != byte || byte == 0)
        return false;
    reader->at++;
    return true;
}

static bool take_word(struct reader *reader, sg_str word)
{
    if (!sg_starts_with(sg_from(reader->text, reader->at), word))
        return false;
    reader->at += word.len;
    return true;
}

static bool hexadecimal(struct reader *reader, uint32_t *code)
{
    *code = 0;
    for (int digit = 0; digit < 4; digit++) {
        char byte = next(reader);
        uint32_t value;
        if (byte >= '0' && byte <= '9')
            value = (uint32_t)(byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            value = (uint32_t)(byte - 'a') + 10;
        else if (byte >= 'A' && byte <= 'F')
            value = (uint32_t)(byte - 'A') + 10;
        else
            return false;
        *code = *code << 4 | value;
        reader->at++;
    }
    return true;
}

static void add_code_point(sg_buffer *buffer, uint32_t code)
{
    char bytes[4];
    size_t len;
    if (code < 0x80) {
        bytes[0] = (char)code;
        len = 1;
    } else if (code < 0x800) {
        bytes[0] = (char)(0xC0 | code >> 6);
        bytes[1] = (char)(0x80 | (code & 0x3F));
        len = 2;
    } else if (code < 0x10000) {
        bytes[0] = (char)(0xE0 | code >> 12);
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (code & 0x3F));
        len = 3;
    } else {
        bytes[0] = (char)(0xF0 | code >> 18);
        bytes[1] = (char)(0x80 | (code >> 12 & 0x3F));
        bytes[2] = (char)(0x80 | (code >> 6 & 0x3F));
        bytes[3] = (char)(0x80 | (code & 0x3F));
        len = 4;
    }
    sg_add(buffer, (sg_str){bytes, len});
}

/* Behind a backslash and a `u`. */
static sg_error unicode(struct reader *reader, sg_buffer *buffer)
{
    uint32_t code, low;
    if (!hexadecimal(reader, &code))
        return sg_fail("JSON: an escape needs four hexadecimal digits");
    if (code >= 0xD800 && code < 0xDC00) {
        bool pair = take(reader, '\\') && take(reader, 'u') && hexadecimal(reader, &low) && low >= 0xDC00 && low < 0xE000;
        if (!pair)
            return sg_fail("JSON: half of a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
        return sg_fail("JSON: half of a surrogate pair");
    }
    add_code_point(buffer, code);
    return SG_DONE;
}

static sg_error string_of(struct reader *reader, sg_str *string)
{
    static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    if (!take(reader, '"'))
        return sg_fail("JSON: a string is missing");
    sg_buffer buffer = {0};
    size_t start = reader->at;
    for (;;) {
        if (reader->at >= reader->text.len)
            return sg_fail("JSON: a string does not end");
        char byte = reader->text.data[reader->at];
        if ((unsigned char)byte < 0x20)
            return sg_fail("JSON: a control character in a string");
        if (byte != '"' && byte != '\\') {
            reader->at++;
            continue;
        }
        sg_add(&buffer, sg_cut(reader->text, start, reader->at));
        reader->at++;
        if (byte == '"')
            break;
        char escape = next(reader);
        reader->at++;
        if (escape == 'u') {
            SG_TRY(unicode(reader, &buffer));
        } else {
            size_t pair = 0;
            while (escapes[pair] != 0 && escapes[pair] != escape)
                pair += 2;
            if (escape == 0 || escapes[pair] == 0)
                return sg_fail("JSON: an unknown escape");
            sg_add_byte(&buffer, escapes[pair + 1]);
        }
        start = reader->at;
    }
    *string = sg_text(&buffer);
    return SG_DONE;
}

/* `digits` times ten to the power of `exponent`. Exact for up to 15 digits and powers up to 22; beyond, the last places may be
 * off. */
static double scaled(uint64_t digits, int exponent)
{
    double value = (double)digits;
    if (exponent > 400)
        exponent = 400;
    if (exponent < -400)
        exponent = -400;
    double power = 1;
    for (int left = exponent < 0 ? -exponent : exponent; left > 0; left--) {
        /* Halves keep the power of ten itself within what a double can be. */
        if (power >= 1e22) {
            value = exponent < 0 ? value / power : value * power;
            power = 1;
        }
        power *= 10;
    }
    return exponent < 0 ? value / power : value * power;
}

static sg_error number_of(struct reader *reader, sg_json *value)
{
    bool negative = take(reader, '-'), whole = true, fits = true;
    uint64_t digits = 0;
    int exponent = 0;
    if (!sg_is_digit(next(reader)))
        return sg_fail("JSON: a value is missing");
    if (next(reader) == '0' && reader->at + 1 < reader->text.len && sg_is_digit(reader->text.data[reader->at + 1]))
        return sg_fail("JSON: a number begins with 0");
    while (sg_is_digit(next(reader)) || (whole && next(reader) == '.')) {
        char byte = next(reader);
        reader->at++;
        if (byte == '.') {
            whole = false;
            if (!sg_is_digit(next(reader)))
                return sg_fail("JSON: a number ends with a point");
            continue;
        }
        uint64_t more;
        bool over = !fits || __builtin_mul_overflow(digits, 10, &more) ||
                    __builtin_add_overflow(more, (uint64_t)(byte - '0'), &more);
        /* What a double does not tell apart is only counted. */
        if (over) {
            fits = false;
            exponent += whole && exponent < 1000;
        } else {
            digits = more;
            exponent -= !whole && exponent > -1000;
        }
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        bool minus = take(reader, '-');
        if (!minus)
            take(reader, '+');
        if (!sg_is_digit(next(reader)))
            return sg_fail("JSON: a number has no exponent");
        int power = 0;
        for (; sg_is_digit(next(reader)); reader->at++)
            power = power < 10000 ? power * 10 + (next(reader) - '0') : power;
        exponent += minus ? -power : power;
        whole = false;
    }
    value->kind = SG_JSON_NUMBER;
    value->number = scaled(digits, exponent);
    value->number = negative ? -value->number : value->number;
    value->whole = whole && fits && digits <= (uint64_t)INT64_MAX;
    if (value->whole)
        value->integer = negative ? -(int64_t)digits : (int64_t)digits;
    /* 3600.0 is a whole number too. */
    bool exact = value->number > -9007199254740992.0 && value->number < 9007199254740992.0;
    if (!value->whole && exact && (double)(int64_t)value->number == value->number) {
        value->whole = true;
        value->integer = (int64_t)value->number;
    }
    return SG_DONE;
}

struct members {
    sg_json *data;
    size_t len;
    size_t room;
};
struct names {
    sg_str *data;
    size_t len;
    size_t room;
};

static sg_error members_of(struct reader *reader, sg_json *value, bool object)
{
    const char end = object ? '}' : ']';
    struct members members = {0};
    struct names names = {0};
    skip_space(reader);
    bool more = !take(reader, end);
    while (more) {
        skip_space(reader);
        if (object) {
            sg_str name;
            SG_TRY(string_of(reader, &name));
            SG_EACH(const sg_str, other, names) {
                if (sg_equal(*other, name))
                    return sg_fail("JSON: a name comes twice in an object");
            }
            SG_PUSH(&names) = name;
            skip_space(reader);
            if (!take(reader, ':'))
                return sg_fail("JSON: a colon is missing");
        }
        sg_json member = {0};
        SG_TRY(value_of(reader, &member));
        SG_PUSH(&members) = member;
        skip_space(reader);
        more = take(reader, ',');
        if (!more && !take(reader, end))
            return sg_fail("JSON: a list or an object does not end");
    }
    value->kind = object ? SG_JSON_OBJECT : SG_JSON_ARRAY;
    value->data = members.data;
    value->len = members.len;
    value->names = names.data;
    return SG_DONE;
}

static sg_error value_of(struct reader *reader, sg_json *value)
{
    skip_space(reader);
    bool object = next(reader) == '{';
    if (object || next(reader) == '[') {
        if (reader->depth == SG_JSON_DEPTH_MAX)
            return sg_fail("JSON: more than 64 levels");
        reader->at++;
        reader->depth++;
        SG_TRY(members_of(reader, value, object));
        reader->depth--;
        return SG_DONE;
    }
    if (next(reader) == '"') {
        value->kind = SG_JSON_STRING;
        return string_of(reader, &value->string);
    }
    if (take_word(reader, SG("null"))) {
        value->kind = SG_JSON_NULL;
        return SG_DONE;
    }
    value->boolean = take_word(reader, SG("true"));
    if (value->boolean || take_word(reader, SG("false"))) {
        value->kind = SG_JSON_BOOL;
        return SG_DONE;
    }
    return number_of(reader, value);
}

sg_error sg_json_read(sg_str text, sg_json *value)
{
    struct reader reader = {text, 0, 0};
    *value = (sg_json){0};
    SG_TRY(value_of(&reader, value));
    skip_space(&reader);
    return reader.at == text.len ? SG_DONE : sg_fail("JSON: something follows the value");
}

const sg_json *sg_json_get(const sg_json *object, const char *name)
{
    if (object == NULL || object->kind != SG_JSON_OBJECT)
        return NULL;
    sg_str wanted = sg_cstr(name);
    for (size_t at = 0; at < object->len; at++) {
        if (sg_equal(object->names[at], wanted))
            return &object->data[at];
    }
    return NULL;
}
