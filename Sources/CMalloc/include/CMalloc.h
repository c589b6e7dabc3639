#pragma once

/// Keeps this process's heap small: at most `arenas` arenas, and freed blocks of `threshold` bytes and more go back to the system at once.
/// Does nothing where malloc is not glibc's. Must come before the first thread is started.
void leat_malloc_limit(int arenas, int threshold);
