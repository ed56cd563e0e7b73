/* SPDX-License-Identifier: MIT */
/* cbtm import: a model and a tokenizer from the files of other software; the way back of export. */
#include "base/signals.h"
#include "commands/command.h"
#include "model/huggingface.h"
#include "stage/import_checkpoint.h"
#include <stdio.h>

struct options {
	const char *to, *eod, *bos;
	uint64_t length;
	int force;
};

static const struct cbtm_param options[] = {
	{ "to", CBTM_PARAM_TEXT, offsetof(struct options, to), NULL, 0, 0, NULL,
	  "folder that gets the datasets checkpoint and vocabulary",
	  CBTM_PARAM_REQUIRED | CBTM_PARAM_PATH, 0 },
	{ "eod", CBTM_PARAM_TEXT, offsetof(struct options, eod), "", 0, 0, NULL,
	  "name of the token that ends a document, instead of what the files say", 0, 0 },
	{ "bos", CBTM_PARAM_TEXT, offsetof(struct options, bos), "", 0, 0, NULL,
	  "name of the token that begins a text, instead of what the files say", 0, 0 },
	{ "length", CBTM_PARAM_COUNT, offsetof(struct options, length), "0", 0, 1 << 20, NULL,
	  "tokens that it is scored with at once; 0: all its positions", 0, 0 },
	{ "force", CBTM_PARAM_BOOL, offsetof(struct options, force), "false", 0, 0, NULL,
	  "replace datasets that are there", 0, 0 },
	CBTM_PARAM_END,
};

static void print_id(const char *name, uint64_t id)
{
	if (id == HUGGINGFACE_NO_ID)
		printf(", no %s", name);
	else
		printf(", %s %llu", name, (unsigned long long)id);
}

static int run(const void *given, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = given;
	struct checkpoint_import in = {
		n ? arguments[0] : NULL, o->to, o->eod, o->bos, o->length, o->force != 0
	};
	struct checkpoint_imported out;

	if (n != 1)
		return error_set(e, CBTM_ERR_USAGE, NULL, "name one folder of a Hugging Face checkpoint");
	signals_install();
	if (checkpoint_import(&in, &out, e))
		return e->name;
	printf("%s/checkpoint: %s of %llu numbers", o->to, architecture_names[out.config.architecture],
	       (unsigned long long)model_config_parameters(&out.config));
	print_id("EOD", out.eod);
	print_id("BOS", out.bos);
	if (out.vocabulary)
		printf("\n%s/vocabulary: %u tokens\n", o->to, out.vocabulary);
	else
		printf("\n%s has no tokenizer that goes with it\n", in.folder);
	return 0;
}

const struct command command_import = {
	.name = "import",
	.sentence = "Make a checkpoint and a vocabulary of Hugging Face's files",
	.arguments = "FOLDER",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm import opt-125m --to imported",
	.run = run,
};
