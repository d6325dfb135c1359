/* The few functions of a C library that compilers expect, and those that most C code does. */
#ifdef __wasm__

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../sluicegate.h"

/* A compiler must not take their loops for calls of themselves. */
#define PLAIN __attribute__((no_builtin))

/* These become instructions, which check their bounds. */
void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    return __builtin_memcpy(to, from, len);
}

void *memmove(void *to, const void *from, size_t len)
{
    return __builtin_memmove(to, from, len);
}

void *memset(void *to, int byte, size_t len)
{
    return __builtin_memset(to, byte, len);
}

PLAIN int memcmp(const void *one, const void *other, size_t len)
{
    const unsigned char *left = one, *right = other;
    for (size_t at = 0; at < len; at++) {
        if (left[at] != right[at])
            return left[at] < right[at] ? -1 : 1;
    }
    return 0;
}

PLAIN void *memchr(const void *in, int byte, size_t len)
{
    const unsigned char *bytes = in;
    for (size_t at = 0; at < len; at++) {
        if (bytes[at] == (unsigned char)byte)
            return (void *)(bytes + at);
    }
    return NULL;
}

PLAIN size_t strlen(const char *text)
{
    size_t len = 0;
    while (text[len] != 0)
        len++;
    return len;
}

PLAIN int strncmp(const char *one, const char *other, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        unsigned char left = (unsigned char)one[at], right = (unsigned char)other[at];
        if (left != right)
            return left < right ? -1 : 1;
        if (left == 0)
            break;
    }
    return 0;
}

int strcmp(const char *one, const char *other)
{
    return strncmp(one, other, SIZE_MAX);
}

PLAIN char *strchr(const char *text, int byte)
{
    while (*text != (char)byte) {
        if (*text == 0)
            return NULL;
        text++;
    }
    return (char *)text;
}

/* Before each block lies its size, for `realloc`. */
#define HEAD_BYTES 16

void *malloc(size_t size)
{
    size_t bytes;
    if (__builtin_add_overflow(size, HEAD_BYTES, &bytes))
        SG_PANIC("a size overflows");
    char *block = sg_alloc(1, bytes);
    *(size_t *)(void *)block = size;
    return block + HEAD_BYTES;
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        SG_PANIC("a size overflows");
    return malloc(bytes);
}

void *realloc(void *block, size_t size)
{
    if (block == NULL)
        return malloc(size);
    size_t had = *(size_t *)(void *)((char *)block - HEAD_BYTES);
    if (size <= had)
        return block;
    return memcpy(malloc(size), block, had);
}

void free(void *block)
{
    (void)block;
}

_Noreturn void abort(void)
{
    __builtin_trap();
}

/* Compilers call it to see whether a product of 64-bit numbers overflows. The product of the low halves, and to its upper half what
 * the others add. */
__int128 __multi3(__int128 one, __int128 other);
__int128 __multi3(__int128 one, __int128 other)
{
    uint64_t left = (uint64_t)one, right = (uint64_t)other;
    uint64_t left_low = left & 0xFFFFFFFF, left_high = left >> 32, right_low = right & 0xFFFFFFFF, right_high = right >> 32;
    uint64_t low = left_low * right_low;
    uint64_t middle = left_high * right_low + (low >> 32);
    uint64_t cross = left_low * right_high + (middle & 0xFFFFFFFF);
    uint64_t high = left_high * right_high + (middle >> 32) + (cross >> 32);
    high += left * (uint64_t)((unsigned __int128)other >> 64) + (uint64_t)((unsigned __int128)one >> 64) * right;
    return (__int128)((unsigned __int128)high << 64 | (cross << 32 | (low & 0xFFFFFFFF)));
}

#endif
