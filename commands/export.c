/* SPDX-License-Identifier: MIT */
/* cbtm export: a dataset as the files of other software; what is written depends on its kind. */
#include "base/error.h"
#include "base/file.h"
#include "commands/command.h"
#include "model/checkpoint.h"
#include "model/huggingface.h"
#include "store/named.h"
#include "text/bpe_export.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	const char *to;
	int force;
	int which; /* enum which */
};

static const struct cbtm_param options[] = {
	{ "to", CBTM_PARAM_TEXT, offsetof(struct options, to), NULL, 0, 0, NULL, "folder to write into",
	  CBTM_PARAM_REQUIRED | CBTM_PARAM_PATH, 0 },
	{ "force", CBTM_PARAM_BOOL, offsetof(struct options, force), "false", 0, 0, NULL,
	  "write over files that are there", 0, 0 },
	{ "which", CBTM_PARAM_CHOICE, offsetof(struct options, which), "used", 0, 0, "used|best|last",
	  "of a checkpoint: the parameters that its run used (train.use), those of the best "
	  "validation, or the "
	  "last",
	  0, 0 },
	CBTM_PARAM_END,
};

static int export_vocabulary(struct dataset *d, const struct options *o, struct cbtm_error *e)
{
	struct bpe *b = NULL;

	if (o->which != WHICH_USED)
		return error_set(e, CBTM_ERR_USAGE, "--which", "a vocabulary has no such parameters");
	if (!bpe_open(d, &b, NULL, e) && !bpe_export(b, o->to, o->force != 0, e))
		printf("%s: tokenizer.json, vocab.json, merges.txt of %u tokens\n", o->to, b->size);
	bpe_free(b);
	return e->name;
}

static int keep(const struct options *o, const char *name, struct cbtm_error *e)
{
	char *path = path_join(o->to, name, e);

	if (path)
		file_keep(path, o->force != 0, e);
	free(path);
	return e->name;
}

static int export_checkpoint(struct dataset *d, const struct options *o, struct cbtm_error *e)
{
	struct store *s = NULL;
	const char *prefix;
	uint64_t step;

	if (!dataset_part(d, 0, &s, e) &&
	    !checkpoint_which(s, (enum which)o->which, &prefix, &step, e) &&
	    !keep(o, "model.safetensors", e) && !keep(o, "config.json", e) &&
	    !huggingface_export(s, prefix, o->to, e))
		printf("%s: config.json, model.safetensors; export its vocabulary into the same folder for "
		       "a tokenizer\n",
		       o->to);
	store_close(s);
	return e->name;
}

static const struct {
	const char *kind;
	int (*export)(struct dataset *d, const struct options *o, struct cbtm_error *e);
} exports[] = { { "vocabulary", export_vocabulary }, { "checkpoint", export_checkpoint } };

static int run(const void *given, char **arguments, int n, struct cbtm_error *e)
{
	struct named_store named;
	size_t i = 0;

	if (n != 1)
		return error_set(e, CBTM_ERR_USAGE, NULL, "name one dataset's folder");
	if (named_open(arguments[0], &named, e))
		goto done;
	if (!named.dataset) {
		error_set(e, CBTM_ERR_USAGE, arguments[0], "is a part: name the dataset's folder");
		goto done;
	}
	while (i < sizeof exports / sizeof *exports &&
	       strcmp(exports[i].kind, dataset_kind(named.dataset)) != 0)
		i++;
	if (i < sizeof exports / sizeof *exports)
		exports[i].export(named.dataset, given, e);
	else
		error_set(e, CBTM_ERR_USAGE, arguments[0],
		          "is a dataset of '%s'; a vocabulary or a checkpoint can be exported",
		          dataset_kind(named.dataset));
done:
	named_close(&named);
	return e->name;
}

const struct command command_export = {
	.name = "export",
	.sentence = "Write a vocabulary or a model as Hugging Face's files",
	.arguments = "DATASET",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm export work/runs/quickstart/dense/seed --to exported",
	.run = run,
};
