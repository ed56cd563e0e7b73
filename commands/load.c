/* SPDX-License-Identifier: MIT */
/* cbtm load: a dataset from the JSON lines of cbtm cat, or written by hand. */
#include "commands/command.h"
#include "store/jsonl.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int run(const void *options, char **arguments, int n, struct cbtm_error *e)
{
	uint32_t parts = 0;
	(void)options;
	if (n != 2)
		return error_set(e, CBTM_ERR_USAGE, NULL,
		                 "name a file of JSON lines (- for standard "
		                 "input) and a folder");
	bool standard = !strcmp(arguments[0], "-");
	FILE *in = standard ? stdin : fopen(arguments[0], "rb");
	if (!in)
		return error_errno(e, CBTM_ERR_IO, arguments[0], "cannot open the file");
	int rc = jsonl_load(in, standard ? "standard input" : arguments[0], arguments[1], &parts, e);
	if (!standard)
		fclose(in);
	if (!rc)
		printf("%s: %" PRIu32 " part%s loaded\n", arguments[1], parts, parts == 1 ? "" : "s");
	return rc;
}

const struct command command_load = {
	.name = "load",
	.sentence = "Make a dataset from JSON lines as cbtm cat prints them",
	.arguments = "FILE FOLDER",
	.example = "cbtm cat work/documents/* | cbtm load - copy",
	.run = run,
};
