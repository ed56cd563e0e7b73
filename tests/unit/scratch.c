/* SPDX-License-Identifier: MIT */
#include "scratch.h"
#include "base/file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

void scratch_write(void **state, const char *name, const char *text)
{
	struct cbtm_error e = { 0 };
	char path[4200], *slash;

	snprintf(path, sizeof path, "%s/%s", (const char *)*state, name);
	slash = strrchr(path, '/');
	*slash = 0;
	assert_int_equal(folder_make(path, &e), 0);
	*slash = '/';
	if (file_replace(path, text, strlen(text), &e))
		fail_msg("%s: %s", e.where, e.what);
}
