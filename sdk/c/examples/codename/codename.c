/* Masks code names, or refuses texts that have one. */
#include "sluicegate.h"

static sg_strs names;
static bool refuse;

static const sg_setting settings[] = {
    {"names", SG_STRS(&names, 1, 1), "The names that must not leave, compared exactly."},
    {"refuse", SG_BOOL(&refuse), "Refuse texts that have a name, instead of masking it.", "false"},
};

/* The length of the longest name that `text` begins with; 0 without one. */
static size_t named(sg_str text)
{
    size_t longest = 0;
    SG_EACH(const sg_str, name, names) {
        if (name->len > longest && sg_starts_with(text, *name))
            longest = name->len;
    }
    return longest;
}

/* Whether more text could make a name of it. */
static bool begins_a_name(sg_str text)
{
    SG_EACH(const sg_str, name, names) {
        if (name->len > text.len && sg_starts_with(*name, text))
            return true;
    }
    return false;
}

static sg_error inspect(const sg_window *window, sg_verdict *verdict)
{
    sg_str text = window->text;
    size_t at = 0;
    while (at < text.len) {
        sg_str rest = sg_from(text, at);
        if (!window->final && begins_a_name(rest)) {
            sg_hold(verdict, rest.len);
            break;
        }
        size_t len = named(rest);
        /* What ends within the context is released already. */
        if (len != 0 && at + len > window->context) {
            sg_span span = sg_range(at, at + len);
            sg_note_at(verdict, SG("codename"), span, 1);
            if (refuse)
                sg_deny(verdict, SG("codename.blocked"), SG("A code name must not be named here."));
            else
                sg_mask(verdict, span, SG("[codename]"));
        }
        at += len != 0 ? len : sg_char_len(text, at);
    }
    return SG_DONE;
}

SG_PLUGIN(.name = "codename", .version = "0.1.0", .summary = "Masks or refuses code names.", .settings = SG_SETTINGS(settings))
SG_TEXT_GUARDRAIL(.inspect = inspect)
