/* SPDX-License-Identifier: MIT */
#include "base/room.h"
#include "base/control_group.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

/* Where a version of control groups says what a group may take, takes, and can drop. */
struct version {
	const char *most, *now, *file_key;
};
static const struct version versions[2] = { { "memory.limit_in_bytes", "memory.usage_in_bytes",
	                                          "total_inactive_file" },
	                                        { "memory.max", "memory.current", "inactive_file" } };

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t room_on_disk(const char *path)
{
	char folder[PATH_MAX];
	struct statvfs disk;

	if ((size_t)snprintf(folder, sizeof folder, "%s", path) >= sizeof folder)
		return UINT64_MAX;
	while (statvfs(folder, &disk)) {
		char *slash = strrchr(folder, '/');
		if (!strcmp(folder, ".") || !strcmp(folder, "/"))
			return UINT64_MAX;
		if (!slash)
			snprintf(folder, sizeof folder, ".");
		else
			slash[slash == folder] = 0;
	}
	return (uint64_t)disk.f_bavail * disk.f_frsize;
}

/* The number behind `key` in lines "key number ..." of a file; of the first line if key is NULL.
 * UINT64_MAX: there is none ("max"). */
static uint64_t number_in(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[256];
	uint64_t found = UINT64_MAX;

	while (f && found == UINT64_MAX && fgets(line, sizeof line, f)) {
		size_t n = key ? strlen(key) : 0;
		const char *text = line + n;
		if (key && (strncmp(line, key, n) != 0 || (*text != ' ' && *text != ':')))
			continue;
		text += strspn(text, ": \t");
		if (*text >= '0' && *text <= '9')
			found = strtoull(text, NULL, 10);
		if (!key)
			break;
	}
	if (f)
		fclose(f);
	return found;
}

static uint64_t of_group(const char *folder, const struct version *v)
{
	char path[PATH_MAX + 64];
	uint64_t most, now, file;

	snprintf(path, sizeof path, "%s/%s", folder, v->most);
	most = number_in(path, NULL);
	snprintf(path, sizeof path, "%s/%s", folder, v->now);
	now = number_in(path, NULL);
	if (most == UINT64_MAX || now == UINT64_MAX)
		return UINT64_MAX;
	snprintf(path, sizeof path, "%s/memory.stat", folder);
	file = number_in(path, v->file_key);
	if (file != UINT64_MAX)
		now -= least(now, file);
	return most - least(most, now);
}

static void see_room(void *arg, const char *folder, bool second)
{
	uint64_t *room = arg;

	*room = least(*room, of_group(folder, &versions[second]));
}

uint64_t room_by_groups(const char *self, const char *root)
{
	uint64_t room = UINT64_MAX;

	control_group_each(self, root, "memory", see_room, &room);
	return room;
}

uint64_t room_in_memory(void)
{
	uint64_t kib = number_in("/proc/meminfo", "MemAvailable");
	uint64_t room = kib > UINT64_MAX >> 10 ? UINT64_MAX : kib << 10;

	return least(room, room_by_groups("/proc/self/cgroup", "/sys/fs/cgroup"));
}

uint64_t room_for_maps(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX
	                                                                       : limit.rlim_cur;
}
