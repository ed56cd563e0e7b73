/* SPDX-License-Identifier: MIT */
#include "base/processors.h"
#include "base/control_group.h"
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The file's text, of what it has at most; "" if it cannot be read. */
static void read_text(const char *path, char *text, size_t n)
{
	FILE *f = fopen(path, "re");
	size_t got = f ? fread(text, 1, n - 1, f) : 0;

	text[got] = 0;
	if (f)
		fclose(f);
}

/* "QUOTA PERIOD" in microseconds; 0: "max", "-1", or no such text. */
static unsigned of_quota(const char *text)
{
	long long quota = 0, period = 0;

	if (sscanf(text, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0 ||
	    quota / period >= UINT_MAX)
		return 0;
	return (unsigned)(quota / period + (quota % period != 0));
}

static unsigned quota_at(const char *folder, bool second)
{
	char path[PATH_MAX + 64], text[128], period[64];
	size_t n;

	if (second) {
		snprintf(path, sizeof path, "%s/cpu.max", folder);
		read_text(path, text, sizeof text);
		return of_quota(text);
	}
	snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
	read_text(path, text, sizeof text / 2);
	snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
	read_text(path, period, sizeof period);
	n = strcspn(text, "\n");
	snprintf(text + n, sizeof text - n, " %s", period);
	return of_quota(text);
}

static void see_quota(void *arg, const char *folder, bool second)
{
	unsigned *least = arg, n = quota_at(folder, second);

	if (n && (!*least || n < *least))
		*least = n;
}

unsigned processors_by_quota(const char *self, const char *root)
{
	unsigned least = 0;

	control_group_each(self, root, "cpu", see_quota, &least);
	return least;
}

unsigned processors_available(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
	unsigned quota = processors_by_quota("/proc/self/cgroup", "/sys/fs/cgroup");
	unsigned have = n > 0 ? (unsigned)n : 1;

	return quota && quota < have ? quota : have;
}
