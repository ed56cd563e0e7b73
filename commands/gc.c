/* SPDX-License-Identifier: MIT */
/* cbtm gc: removes datasets that no run names any more. */
#include "base/file.h"
#include "base/number.h"
#include "commands/command.h"
#include "commands/pipeline.h"
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

struct options {
	struct pipeline_options pipeline;
	int dry_run;
};
static const struct cbtm_param options[] = { PIPELINE_ROWS(struct options),
	                                         { "dry_run", CBTM_PARAM_BOOL,
	                                           offsetof(struct options, dry_run), "false", 0, 0,
	                                           NULL, "only say what would be removed", 0, 0 },
	                                         CBTM_PARAM_END };

struct collected {
	bool dry_run;
	size_t folders;
	uint64_t bytes;
};

/* Bytes of the folder that is walked now: nftw passes no argument on. */
static uint64_t walked;
static int add_size(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)path, (void)at;
	/* What other folders link too is not freed. */
	if (type == FTW_F && st->st_nlink == 1)
		walked += (uint64_t)st->st_size;
	return 0;
}

static int collect(void *arg, const char *folder, struct cbtm_error *e)
{
	struct collected *c = arg;
	char size[16];

	walked = 0;
	nftw(folder, add_size, 16, FTW_PHYS);
	number_human_bytes(walked, size);
	printf("%s %s (%s)\n", c->dry_run ? "would remove" : "removed", folder, size);
	c->folders++;
	c->bytes += walked;
	return c->dry_run ? 0 : folder_remove(folder, e);
}

static int run(const void *values, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = values;
	struct collected c = { .dry_run = o->dry_run };
	struct run r;
	char size[16];

	if (pipeline_open(&o->pipeline, arguments, n, &r, e) || !file_exists(r.workspace.work) ||
	    workspace_lock(&r.workspace, e) || workspace_unnamed(&r.workspace, collect, &c, e))
		goto done;
	number_human_bytes(c.bytes, size);
	printf("%s: %zu folder%s, %s\n", c.dry_run ? "to remove" : "removed", c.folders,
	       c.folders == 1 ? "" : "s", size);
done:
	run_close(&r);
	return e->name;
}

const struct command command_gc = {
	.name = "gc",
	.sentence = "Remove datasets of the work folder that no run names",
	.arguments = "[PIPELINE]",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm gc pipeline.yaml --dry-run",
	.run = run,
};
