/* SPDX-License-Identifier: MIT */
/* The control groups of a process, of version 1 and 2. */
#pragma once
#include <stdbool.h>

/*
 * Calls see() with the folder of each group that holds the process for a controller ("cpu",
 * "memory") and of each group above it, up to its root; second: of version 2. `self`:
 * /proc/self/cgroup; `root`: /sys/fs/cgroup. Without control groups it calls nothing.
 */
void control_group_each(const char *self, const char *root, const char *controller,
                        void (*see)(void *arg, const char *folder, bool second), void *arg);
