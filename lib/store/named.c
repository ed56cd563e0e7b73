/* SPDX-License-Identifier: MIT */
#include "store/named.h"
#include "base/file.h"
#include "store/part.h"
#include <string.h>

int named_open(const char *path, struct named_store *named, struct cbtm_error *e)
{
	size_t n = strlen(path);
	memset(named, 0, sizeof *named);
	if (!file_exists(path))
		return error_set(e, CBTM_ERR_MISSING_INPUT, path, "there is no such file or folder");
	if (part_of_path(path, named->folder, sizeof named->folder, &named->first)) {
		named->n = 1;
		return 0;
	}
	if (n >= sizeof named->folder)
		return error_set(e, CBTM_ERR_USAGE, path, "the path is too long");
	memcpy(named->folder, path, n + 1);
	int rc = dataset_open(path, NULL, &named->dataset, e);
	if (!rc)
		named->n = dataset_parts(named->dataset);
	return rc;
}

void named_close(struct named_store *named)
{
	dataset_close(named->dataset);
	named->dataset = NULL;
}

int named_part(const struct named_store *named, uint32_t i, struct store **s, struct cbtm_error *e)
{
	return named->dataset ? dataset_part(named->dataset, i, s, e)
	                      : store_open(named->folder, named->first + i, NULL, s, e);
}
