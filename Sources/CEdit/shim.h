#pragma once
#include <editline/readline.h>

// libedit's entry points for completion are global variables, which Swift's concurrency checking does not let be assigned: they are
// assigned here.

typedef char **(*leat_completion_function)(const char *text, int start, int end);

static inline void leat_edit_begin(const char *name, leat_completion_function complete) {
    rl_readline_name = (char *)name;
    rl_attempted_completion_function = complete;
}

/// No file names where no word is known.
static inline void leat_edit_no_file_names(void) { rl_attempted_completion_over = 1; }
