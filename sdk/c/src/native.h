/* What the stand-ins of the host and the test program share. */
#ifndef SLUICEGATE_NATIVE_H
#define SLUICEGATE_NATIVE_H

#include "../sluicegate_test.h"
#include "internal.h"

/* While `configure` runs: what is allowed only there, and what is not allowed there. */
extern bool sg_native_configuring;

/* As at the beginning of a test. */
void sg_native_reset(void);
void sg_native_forget_patterns(void);
/* Whether the prefilter lets a window pass, and how much of it is held back then. */
bool sg_native_passes(const sg_window *window, size_t *hold);
/* Where a panic goes: it does not return. */
_Noreturn void sg_test_panicked(const char *message, const char *file, int line);

#endif
