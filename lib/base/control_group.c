/* SPDX-License-Identifier: MIT */
#include "base/control_group.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

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

void control_group_each(const char *self, const char *root, const char *controller,
                        void (*see)(void *arg, const char *folder, bool second), void *arg)
{
	FILE *f = fopen(self, "re");
	char line[PATH_MAX], top[PATH_MAX], folder[PATH_MAX];

	/* "0::/group" of version 2, "4:cpu,cpuacct:/group" of version 1. */
	while (f && fgets(line, sizeof line, f)) {
		char *controllers = strchr(line, ':'), *group, *slash;
		line[strcspn(line, "\n")] = 0;
		group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = 0;
		controllers++;
		if (*controllers && !has_word(controllers, controller))
			continue;
		snprintf(top, sizeof top, "%s%s%.64s", root, *controllers ? "/" : "", controllers);
		if ((size_t)snprintf(folder, sizeof folder, "%s%s", top, strcmp(group, "/") ? group : "") >=
		    sizeof folder)
			continue;
		do {
			see(arg, folder, !*controllers);
			slash = strrchr(folder, '/');
			if (slash)
				*slash = 0;
		} while (slash && (size_t)(slash - folder) >= strlen(top));
	}
	if (f)
		fclose(f);
}
