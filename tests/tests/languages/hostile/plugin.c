/* Does what the text says. */
#include "sluicegate.h"

static int deep(int depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    return deep(depth + 1) + frame[0];
}

static int does(const sg_window *window, sg_str word) { return sg_find(window->text, word, 0) != SG_NONE; }

static sg_error inspect(const sg_window *window, sg_verdict *verdict)
{
    (void)verdict;
    if (does(window, SG("loop")))
        for (volatile int turn = 0;; turn = !turn)
            ;
    if (does(window, SG("memory")))
        while (__builtin_wasm_memory_grow(0, 16) != (__SIZE_TYPE__)-1)
            ;
    if (does(window, SG("deep")))
        return deep(0) ? SG_DONE : SG_DONE;
    if (does(window, SG("fail"))) {
        volatile int nothing = 0;
        return 1 / nothing ? SG_DONE : SG_DONE;
    }
    return SG_DONE;
}

SG_PLUGIN(.name = "my-plugin", .version = "0.1.0", .summary = "Does what the text says.")
SG_TEXT_GUARDRAIL(.inspect = inspect)
