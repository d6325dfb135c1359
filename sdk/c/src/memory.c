/* Memory that is handed out and never taken back: an instance lives for one call. Nothing here lies between blocks that a stray
 * write could use to lead the allocator astray. */
#include "internal.h"

#ifdef __wasm__

/* The linker's: where static data ends. The stack lies below them, so that it overflows into a trap. */
extern char __heap_base;

#define PAGE_BYTES 65536
#define ALIGN_MAX 16

/* The first free byte; 0 before the first block. */
static size_t free_from;
/* The block that ends there, which may grow in place. */
static size_t last;

static size_t reserve(size_t size, size_t align)
{
    if (free_from == 0)
        free_from = (size_t)&__heap_base;
    size_t start, end;
    if (__builtin_add_overflow(free_from, align - 1, &start))
        SG_PANIC("out of memory");
    start &= ~(align - 1);
    if (__builtin_add_overflow(start, size, &end))
        SG_PANIC("out of memory");
    /* All of 4 GiB is more than a size_t can say. */
    uint64_t there = (uint64_t)__builtin_wasm_memory_size(0) * PAGE_BYTES;
    if (end > there) {
        size_t more = (size_t)((end - there + PAGE_BYTES - 1) / PAGE_BYTES);
        if (__builtin_wasm_memory_grow(0, more) == SIZE_MAX)
            SG_PANIC("out of memory");
    }
    free_from = end;
    last = start;
    return start;
}

static void *grow(void *old, size_t old_size, size_t align, size_t new_size)
{
    size_t at = (size_t)old;
    if (new_size <= old_size)
        return old;
    if (old_size != 0 && at == last && at + old_size == free_from) {
        free_from = at;
        size_t again = reserve(new_size, align);
        SG_ASSERT(again == at);
        return old;
    }
    void *moved = (void *)reserve(new_size, align);
    if (old_size != 0)
        memcpy(moved, old, old_size);
    return moved;
}

/* By this the host makes room for what it hands in. */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size);
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size)
{
    SG_ASSERT(align != 0 && align <= ALIGN_MAX && (align & (align - 1)) == 0);
    if (new_size == 0)
        return (void *)align;
    return grow(old, old_size, align, new_size);
}

/* Fresh pages are zero, and nothing is handed out twice. */
void *sg_alloc(size_t count, size_t size)
{
    size_t bytes = sg_product(count, size);
    return (void *)reserve(bytes == 0 ? 1 : bytes, ALIGN_MAX);
}

void *sg_grow(void *old, size_t old_size, size_t new_size)
{
    return grow(old, old_size, ALIGN_MAX, new_size);
}

#else

#include <stdlib.h>

/* Blocks of their own, so that the address sanitizer of a test sees who reads or writes past one. The list keeps them from
 * looking like leaks. */
static struct block {
    struct block *next;
    void *data;
} *blocks;

void *sg_alloc(size_t count, size_t size)
{
    size_t bytes = sg_product(count, size);
    struct block *block = malloc(sizeof *block);
    void *data = calloc(bytes == 0 ? 1 : bytes, 1);
    if (block == NULL || data == NULL)
        SG_PANIC("out of memory");
    *block = (struct block){blocks, data};
    blocks = block;
    return data;
}

void *sg_grow(void *old, size_t old_size, size_t new_size)
{
    if (new_size <= old_size)
        return old;
    void *moved = sg_alloc(1, new_size);
    if (old_size != 0)
        memcpy(moved, old, old_size);
    return moved;
}

#endif

void *sg_push(void *data, size_t *len, size_t *room, size_t size)
{
    /* `data` is the address of the list's pointer, whatever its type. */
    void *elements;
    memcpy(&elements, data, sizeof elements);
    if (*len >= *room) {
        size_t more = *len < 4 ? 4 : sg_product(*len, 2);
        void *grown = sg_alloc(more, size);
        if (*len != 0)
            memcpy(grown, elements, *len * size);
        elements = grown;
        memcpy(data, &elements, sizeof elements);
        *room = more;
    }
    return (char *)elements + (*len)++ * size;
}
