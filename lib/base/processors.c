/* SPDX-License-Identifier: MIT */
#include "base/processors.h"
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
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

/* The least of a group's and of those above it, up to `top`. */
static unsigned least_quota(const char *top, const char *group, bool second)
{
	char folder[PATH_MAX];
	unsigned least = 0;

	if ((size_t)snprintf(folder, sizeof folder, "%s%s", top, group) >= sizeof folder)
		return 0;
	for (;;) {
		unsigned n = quota_at(folder, second);
		char *slash = strrchr(folder, '/');
		if (n && (!least || n < least))
			least = n;
		if (!slash || (size_t)(slash - folder) < strlen(top))
			return least;
		*slash = 0;
	}
}

/* Whether a list "cpu,cpuacct" has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (;; list += strcspn(list, ",") + 1) {
		if (strcspn(list, ",") == n && !memcmp(list, word, n))
			return true;
		if (!strchr(list, ','))
			return false;
	}
}

unsigned processors_by_quota(const char *self, const char *root)
{
	FILE *f = fopen(self, "re");
	char line[PATH_MAX], top[PATH_MAX];
	unsigned least = 0;

	/* "0::/group" of version 2, "4:cpu,cpuacct:/group" of version 1. */
	while (f && fgets(line, sizeof line, f)) {
		char *controllers = strchr(line, ':'), *group;
		line[strcspn(line, "\n")] = 0;
		group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = 0;
		controllers++;
		if (*controllers && !has_word(controllers, "cpu"))
			continue;
		snprintf(top, sizeof top, "%s%s%.64s", root, *controllers ? "/" : "", controllers);
		unsigned n = least_quota(top, strcmp(group, "/") ? group : "", !*controllers);
		if (n && (!least || n < least))
			least = n;
	}
	if (f)
		fclose(f);
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
