/* SPDX-License-Identifier: MIT */
/* cbtm verify: reads every byte of stores and says which parts are damaged. */
#include "store/verify.h"
#include "base/file.h"
#include "base/number.h"
#include "commands/command.h"
#include "store/named.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct tally {
	uint64_t parts, damaged, bytes;
};

/* Damage of a part is told and counted, and the others are still looked at. */
static void verify_part(const struct named_store *named, uint32_t i, struct tally *t)
{
	struct cbtm_error why = { 0 };
	struct store *s = NULL;
	char size[16];
	uint64_t bytes = 0;
	int rc = named_part(named, i, &s, &why);
	if (!rc)
		rc = store_check(named->folder, named->first + i, &why);
	for (size_t c = 0; !rc && c < store_column_count(s); c++) {
		struct store_column_info info;
		if (!store_column_at(s, c, &info, &why))
			bytes += info.raw_bytes;
	}
	number_human_bytes(bytes, size);
	if (rc)
		printf("damaged %s: %s\n", why.where, why.what);
	else
		printf("ok      %s: %zu columns, %s\n", store_path(s), store_column_count(s), size);
	t->parts++;
	t->damaged += rc != 0;
	t->bytes += bytes;
	store_close(s);
}

static void verify_store(const char *path, struct tally *t, struct cbtm_error *e)
{
	struct named_store named;
	struct cbtm_error why = { 0 };
	if (named_open(path, &named, &why)) {
		printf("damaged %s: %s\n", why.where, why.what);
		t->damaged++;
		t->parts++;
		error_copy(e, &why);
	}
	for (uint32_t part = 0; part < named.n; part++)
		verify_part(&named, part, t);
	named_close(&named);
}

/* Is it a folder that holds neither a dataset nor parts of one, but may hold such folders? */
static bool is_above_datasets(const char *path, char **names, size_t n)
{
	struct stat st;
	if (lstat(path, &st) || !S_ISDIR(st.st_mode))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "DATASET.json") || !strncmp(names[i], "part-", 5))
			return false;
	return true;
}

/* Datasets at any depth below a folder. Links lead to datasets that lie elsewhere in it. */
static int verify_below(const char *path, bool named, struct tally *t, struct cbtm_error *e)
{
	struct cbtm_error ignored = { 0 };
	struct stat st;
	char **names = NULL;
	size_t n = 0;
	uint64_t before = t->parts;
	int rc = 0;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && folder_list(path, &names, &n, &ignored))
		n = 0;
	if (!is_above_datasets(path, names, n)) {
		verify_store(path, t, e);
		folder_list_free(names, n);
		return 0;
	}
	for (size_t i = 0; !rc && i < n; i++) {
		char *below = path_join(path, names[i], e);
		rc = below ? 0 : (int)e->name;
		if (below && !lstat(below, &st) && S_ISDIR(st.st_mode))
			rc = verify_below(below, false, t, e);
		free(below);
	}
	if (!rc && named && t->parts == before)
		verify_store(path, t, e); /* says that there is no dataset */
	folder_list_free(names, n);
	return rc;
}

static int run(const void *options, char **arguments, int n, struct cbtm_error *e)
{
	struct tally t = { 0 };
	int rc = 0;
	(void)options;
	if (n == 0)
		return error_set(e, CBTM_ERR_USAGE, NULL, "name datasets' folders or parts' files");
	store_set_verify(STORE_VERIFY_FULL);
	for (int i = 0; !rc && i < n; i++)
		rc = verify_below(arguments[i], true, &t, e);
	fflush(stdout);
	if (rc || !t.damaged)
		return rc;
	if (e->name)
		return e->name;
	return error_set(e, CBTM_ERR_BAD_STORE, NULL, "%" PRIu64 " of %" PRIu64 " parts are damaged",
	                 t.damaged, t.parts);
}

const struct command command_verify = {
	.name = "verify",
	.sentence = "Check every byte of stores: digests, CRCs, contents",
	.arguments = "STORE...",
	.example = "cbtm verify work",
	.run = run,
};
