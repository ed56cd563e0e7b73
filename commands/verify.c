/* SPDX-License-Identifier: MIT */
/* cbtm verify: reads every byte of stores and says which parts are damaged. */
#include "store/verify.h"
#include "base/number.h"
#include "commands/command.h"
#include "store/named.h"
#include <inttypes.h>
#include <stdio.h>

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

static int run(const void *options, char **arguments, int n, struct cbtm_error *e)
{
	struct tally t = { 0 };
	(void)options;
	if (n == 0)
		return error_set(e, CBTM_ERR_USAGE, NULL, "name datasets' folders or parts' files");
	store_set_verify(STORE_VERIFY_FULL);
	for (int i = 0; i < n; i++) {
		struct named_store named;
		struct cbtm_error why = { 0 };
		if (named_open(arguments[i], &named, &why)) {
			printf("damaged %s: %s\n", why.where, why.what);
			t.damaged++;
			t.parts++;
			error_copy(e, &why);
		}
		for (uint32_t part = 0; part < named.n; part++)
			verify_part(&named, part, &t);
		named_close(&named);
	}
	fflush(stdout);
	if (!t.damaged)
		return 0;
	if (e->name)
		return e->name;
	return error_set(e, CBTM_ERR_BAD_STORE, NULL, "%" PRIu64 " of %" PRIu64 " parts are damaged",
	                 t.damaged, t.parts);
}

const struct command command_verify = {
	.name = "verify",
	.sentence = "Check every byte of stores: digests, CRCs, contents",
	.arguments = "STORE...",
	.example = "cbtm verify work/*/*",
	.run = run,
};
