/* Texts. */
#include "internal.h"

sg_str sg_cstr(const char *text)
{
    return text == NULL ? SG("") : (sg_str){text, strlen(text)};
}

bool sg_equal(sg_str one, sg_str other)
{
    return one.len == other.len && (one.len == 0 || memcmp(one.data, other.data, one.len) == 0);
}

bool sg_starts_with(sg_str text, sg_str prefix)
{
    /* Asked at each place of a text, it mostly ends at the first byte. */
    return prefix.len == 0 || (prefix.len <= text.len && text.data[0] == prefix.data[0] &&
                               memcmp(text.data, prefix.data, prefix.len) == 0);
}

size_t sg_find(sg_str text, sg_str part, size_t start)
{
    if (start > text.len || part.len > text.len - start)
        return SG_NONE;
    if (part.len == 0)
        return start;
    size_t last = text.len - part.len;
    for (size_t at = start; at <= last; at++) {
        const char *first = memchr(text.data + at, part.data[0], last - at + 1);
        if (first == NULL)
            return SG_NONE;
        at = (size_t)(first - text.data);
        if (memcmp(first, part.data, part.len) == 0)
            return at;
    }
    return SG_NONE;
}

bool sg_contains(sg_str text, sg_str part)
{
    return sg_find(text, part, 0) != SG_NONE;
}

sg_str sg_cut(sg_str text, size_t start, size_t end)
{
    if (start > end || end > text.len)
        SG_PANIC("a cut out of bounds");
    return text.data == NULL ? text : (sg_str){text.data + start, end - start};
}

sg_str sg_from(sg_str text, size_t start)
{
    return sg_cut(text, start, text.len);
}

sg_str sg_trim(sg_str text)
{
    size_t start = 0, end = text.len;
    while (start < end && sg_is_space(text.data[start]))
        start++;
    while (end > start && sg_is_space(text.data[end - 1]))
        end--;
    return sg_cut(text, start, end);
}

sg_str sg_lower(sg_str text)
{
    char *lower = sg_new(char, text.len);
    for (size_t at = 0; at < text.len; at++) {
        char byte = text.data[at];
        lower[at] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    return (sg_str){lower, text.len};
}

sg_str sg_copy(sg_str text)
{
    char *copy = sg_new(char, text.len);
    if (text.len != 0)
        memcpy(copy, text.data, text.len);
    return (sg_str){copy, text.len};
}

bool sg_is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool sg_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

bool sg_is_boundary(sg_str text, size_t at)
{
    return at == text.len || (at < text.len && ((unsigned char)text.data[at] & 0xC0) != 0x80);
}

size_t sg_char_len(sg_str text, size_t at)
{
    if (at >= text.len)
        SG_PANIC("a character out of bounds");
    size_t end = at + 1;
    while (end - at < 4 && !sg_is_boundary(text, end))
        end++;
    return end - at;
}

size_t sg_floor(sg_str text, size_t at)
{
    at = at < text.len ? at : text.len;
    while (at > 0 && !sg_is_boundary(text, at))
        at--;
    return at;
}

size_t sg_ceil(sg_str text, size_t at)
{
    at = at < text.len ? at : text.len;
    while (!sg_is_boundary(text, at))
        at++;
    return at;
}

void sg_add(sg_buffer *buffer, sg_str text)
{
    size_t len = sg_sum(buffer->len, text.len);
    if (len > buffer->room) {
        size_t room = len < 64 ? 64 : sg_product(len, 2);
        buffer->data = sg_grow(buffer->data, buffer->len, room);
        buffer->room = room;
    }
    if (text.len != 0)
        memmove(buffer->data + buffer->len, text.data, text.len);
    buffer->len = len;
}

void sg_add_byte(sg_buffer *buffer, char byte)
{
    sg_add(buffer, (sg_str){&byte, 1});
}

void sg_add_number(sg_buffer *buffer, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0)
        sg_add_byte(buffer, '-');
    sg_add(buffer, (sg_str){digits + at, sizeof digits - at});
}

void sg_add_json(sg_buffer *buffer, sg_str text)
{
    static const char hexadecimal[] = "0123456789abcdef";
    sg_add_byte(buffer, '"');
    for (size_t at = 0; at < text.len; at++) {
        unsigned char byte = (unsigned char)text.data[at];
        if (byte == '"' || byte == '\\') {
            sg_add_byte(buffer, '\\');
            sg_add_byte(buffer, (char)byte);
        } else if (byte < 0x20) {
            char escape[] = {'\\', 'u', '0', '0', hexadecimal[byte >> 4], hexadecimal[byte & 15]};
            sg_add(buffer, (sg_str){escape, sizeof escape});
        } else {
            sg_add_byte(buffer, (char)byte);
        }
    }
    sg_add_byte(buffer, '"');
}

sg_str sg_text(const sg_buffer *buffer)
{
    return buffer->len == 0 ? SG("") : (sg_str){buffer->data, buffer->len};
}

size_t sg_unfinished(sg_str text, sg_strs words)
{
    size_t longest = 0;
    SG_EACH(const sg_str, word, words) {
        /* The longest end that could count: one byte less than the word. */
        size_t most = word->len == 0 ? 0 : word->len - 1;
        most = most < text.len ? most : text.len;
        for (size_t len = most; len > longest; len--) {
            if (sg_starts_with(*word, sg_from(text, text.len - len))) {
                longest = len;
                break;
            }
        }
    }
    return longest;
}

size_t sg_trailing(sg_str text, size_t bytes_max, bool (*belongs)(sg_str character))
{
    size_t start = text.len;
    while (start > 0) {
        size_t before = sg_floor(text, start - 1);
        if (text.len - before > bytes_max || !belongs(sg_cut(text, before, start)))
            break;
        start = before;
    }
    return text.len - start;
}
