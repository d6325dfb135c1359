/* What the SDK has of <string.h>: a plugin is built without a C library. */
#ifndef SLUICEGATE_STRING_H
#define SLUICEGATE_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *one, const void *other, size_t len);
void *memchr(const void *in, int byte, size_t len);
size_t strlen(const char *text);
int strcmp(const char *one, const char *other);
int strncmp(const char *one, const char *other, size_t len);
char *strchr(const char *text, int byte);

#endif
