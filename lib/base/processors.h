/* SPDX-License-Identifier: MIT */
/* How many processors this process may use. */
#pragma once

/*
 * Those of its affinity (taskset, a cpuset of a container or of Slurm), but no more than the time
 * that its control groups allow it, rounded up. At least 1.
 */
unsigned processors_available(void);

/*
 * The least quota of a process' control group and those above it, in processors, rounded up; 0: none.
 * `self`: /proc/self/cgroup; `root`: /sys/fs/cgroup. Version 2 (cpu.max) and 1 (cpu.cfs_quota_us).
 */
unsigned processors_by_quota(const char *self, const char *root);
