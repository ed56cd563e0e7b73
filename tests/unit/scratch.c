/* SPDX-License-Identifier: MIT */
#include "scratch.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>

int scratch_make(void **state)
{
	struct cbtm_error e = { 0 };
	const char *where = getenv("TMPDIR");
	char *path = path_printf(&e, "%s/cbtm-test-XXXXXX", where && *where ? where : "/tmp");

	if (!path || !mkdtemp(path)) {
		perror("scratch folder");
		return -1;
	}
	*state = path;
	return 0;
}

int scratch_remove(void **state)
{
	struct cbtm_error e = { 0 };
	int r = folder_remove(*state, &e);

	free(*state);
	return r ? -1 : 0;
}

const char *scratch_path(void **state, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof path, "%s/%s", (const char *)*state, name);
	return path;
}
