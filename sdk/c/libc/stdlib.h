/* What the SDK has of <stdlib.h>, for code that was written for a C library. Memory is not taken back before the call ends. */
#ifndef SLUICEGATE_STDLIB_H
#define SLUICEGATE_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
_Noreturn void abort(void);

#endif
