/* SPDX-License-Identifier: MIT */
/* How much room there is: on a disk, and in memory. */
#pragma once
#include <stdint.h>

/* Bytes that may be written below `path`, or the nearest folder above it that exists; UINT64_MAX: not known. */
uint64_t room_on_disk(const char *path);

/* Bytes that new processes may take: what the system has available (MemAvailable), but no more than
 * their control groups leave. UINT64_MAX: not known. */
uint64_t room_in_memory(void);
/* Bytes of addresses that a process may have (ulimit -v): memory and the maps of stores. UINT64_MAX: any. */
uint64_t room_for_maps(void);
/* The least room in the control groups of `self` (/proc/self/cgroup) and those above, below `root`
 * (/sys/fs/cgroup), of version 2 and 1; pages of files that can be dropped count as room. UINT64_MAX: no limit. */
uint64_t room_by_groups(const char *self, const char *root);
