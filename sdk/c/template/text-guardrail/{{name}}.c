/* {{summary}} */
#include "sluicegate.h"

static sg_str word;

static const sg_setting settings[] = {
    {"word", SG_STR(&word, 1), "What is masked, exactly as it is written.", "\"Nightjar\""},
};

static sg_error inspect(const sg_window *window, sg_verdict *verdict)
{
    size_t behind = 0;
    for (size_t at = sg_find(window->text, word, 0); at != SG_NONE; at = sg_find(window->text, word, behind)) {
        behind = at + word.len;
        /* What ends in the context was released before. */
        if (behind <= window->context)
            continue;
        sg_mask(verdict, sg_range(at, behind), SG("[masked]"));
        sg_note_at(verdict, SG("word"), sg_range(at, behind), 1);
    }
    /* A stream may be cut inside the word: an end that could become it waits for more text. */
    sg_hold(verdict, sg_unfinished(sg_from(window->text, behind), (sg_strs){&word, 1}));
    return SG_DONE;
}

SG_PLUGIN(.name = "{{name}}", .version = "0.1.0", .summary = "{{summary}}", .settings = SG_SETTINGS(settings))
SG_TEXT_GUARDRAIL(.inspect = inspect)
