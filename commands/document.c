/* SPDX-License-Identifier: MIT */
/*
 * cbtm document: writes the pages that are made from the tables of stages, plugins and commands:
 * reference.md, man/NAME.1, cbtm.bash. The build runs it; a test compares doc/reference.md.
 */
#include "base/buffer.h"
#include "base/file.h"
#include "commands/command.h"
#include "plugin/loader.h"
#include "stage/command_line.h"
#include "stage/declaration.h"
#include "stage/manual.h"
#include "stage/stage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	const char *out, *plugins;
};

static const struct cbtm_param options[] = {
	{ "out", CBTM_PARAM_TEXT, offsetof(struct options, out), "doc", 0, 0, NULL,
	  "folder to write into", CBTM_PARAM_PATH, 0 },
	{ "plugins", CBTM_PARAM_TEXT, offsetof(struct options, plugins), "", 0, 0, NULL,
	  "folder of the plugins to describe; none: all that are found", CBTM_PARAM_PATH, 0 },
	CBTM_PARAM_END,
};

/* What is written, and where: every function below gets it. */
struct writing {
	const char *out;
	struct plugin_entry *plugins;
	size_t n_plugins;
	struct buffer completion, names; /* rows of the completion, names of all programs */
};

static const char reference_head[] =
	"# Keys of pipeline.yaml\n\n"
	"Made by `cbtm document` from the tables that the programs are compiled with; a test fails if\n"
	"it differs. A key stands in the section of its stage: `seed.tokens` of train is\n"
	"`train: {seed: {tokens: 6M}}` in pipeline.yaml, `--set train.seed.tokens=6M` for `cbtm run`\n"
	"and `--seed-tokens 6M` for `cbtm-train`. Counts may end in K, M, G (thousands), Ki, Mi, Gi.\n"
	"A plugin's keys stand in the section of the stage that uses it.\n";

static int write_file(const struct writing *w, const char *name, const struct buffer *b,
                      struct cbtm_error *e)
{
	char *path = path_join(w->out, name, e);
	int r = path ? file_replace(path, b->data, b->n, e) : (int)e->name;

	free(path);
	return r;
}

static int write_page(struct writing *w, const struct manual_page *page, struct cbtm_error *e)
{
	struct buffer text = { 0 };
	char name[128];
	int r;

	snprintf(name, sizeof name, "man/%s.1", page->name);
	for (char *c = name; *c; c++)
		*c = *c == ' ' ? '-' : *c;
	r = manual_page(page, PACKAGE_VERSION, &text, e);
	if (r == 0)
		r = write_file(w, name, &text, e);
	if (r == 0)
		r = manual_completion(page, &w->completion, e);
	buffer_free(&text);
	return r;
}

/*
 * A stage's page and its part of the reference. Its page has the groups of its --help; those of
 * the plugin that it would load now give way to a section for each plugin of its kind.
 */
static int write_stage(struct writing *w, const struct cbtm_stage *stage, struct buffer *reference,
                       struct cbtm_error *e)
{
	enum { SECTIONS = 32 };
	const char *kind = stage_plugin_kind(stage);
	char name[64], help[] = "--help", *argv[] = { name, help, NULL }, titles[SECTIONS][96];
	struct manual_section s[SECTIONS] = { { stage->name, stage->sentence, stage->options } };
	struct stage_command c = { 0 };
	size_t n = 0;

	snprintf(name, sizeof name, "cbtm-%s", stage->name);
	if (manual_reference(&s[0], reference, e) || stage_command_parse(stage, 2, argv, &c, e))
		goto done;
	for (size_t i = 0; i < STAGE_GROUPS; i++)
		if (c.group[i].table && !(c.plugin && c.group[i].table == c.plugin->params))
			s[n++] = (struct manual_section){ c.group[i].title, NULL, c.group[i].table };
	for (size_t i = 0; kind && i < w->n_plugins && n < SECTIONS; i++) {
		const struct cbtm_plugin *p = w->plugins[i].plugin;

		if (p == NULL || w->plugins[i].hidden || strcmp(p->kind, kind) != 0)
			continue;
		snprintf(titles[n], sizeof titles[n], "%s: plugin %s", stage->name, p->name);
		s[n] = (struct manual_section){ titles[n], p->description, p->params };
		if (manual_reference(&s[n++], reference, e))
			goto done;
	}
	if (buffer_printf(&w->names, e, " %s", name) == 0)
		write_page(w, &(struct manual_page){ name, stage->sentence, "", s, n, stage->example }, e);
done:
	stage_command_free(&c);
	return e->name;
}

static int write_command(struct writing *w, const struct command *c, struct cbtm_error *e)
{
	struct manual_section s = { "Options", NULL, c->options };
	char name[64];

	snprintf(name, sizeof name, "cbtm %s", c->name);
	return write_page(
		w, &(struct manual_page){ name, c->sentence, c->arguments, &s, 1, c->example }, e);
}

/* cbtm itself: its page lists the subcommands, its completion offers them. */
static int write_program(struct writing *w, struct cbtm_error *e)
{
	enum { COMMANDS = 64 };
	struct buffer page = { 0 };
	int r =
		buffer_text(&page,
	                ".\\\" Made from the program's tables by `cbtm document`.\n"
	                ".TH CBTM 1 \"\" \"cbtm " PACKAGE_VERSION "\"\n.SH NAME\n"
	                "cbtm \\- Cluster\\-Branch\\-Train\\-Merge: domain experts from a corpus\n"
	                ".SH SYNOPSIS\n.B cbtm\n\\fIcommand\\fR [\\fIoption\\fR]...\n.SH COMMANDS\n",
	                e);

	if (r == 0)
		r = buffer_text(&w->completion, "\t\"cbtm\") options=\"--help --version", e);
	for (const struct command *const *c = command_registry; r == 0 && *c; c++) {
		r = buffer_printf(&page, e, ".TP\n.BR cbtm\\-%s (1)\n%s\n", (*c)->name, (*c)->sentence);
		if (r == 0)
			r = buffer_printf(&w->completion, e, " %s", (*c)->name);
	}
	if (r == 0)
		r = buffer_text(&w->completion, "\" ;;\n", e);
	if (r == 0)
		r = buffer_text(&page, ".SH STAGES\n", e);
	for (const struct cbtm_stage *const *s = stage_registry; r == 0 && *s; s++)
		r = buffer_printf(&page, e, ".TP\n.BR cbtm\\-%s (1)\n%s\n", (*s)->name, (*s)->sentence);
	if (r == 0)
		r = write_file(w, "man/cbtm.1", &page, e);
	buffer_free(&page);
	return r;
}

static int write_completion(const struct writing *w, struct cbtm_error *e)
{
	struct buffer b = { 0 };
	int r = buffer_printf(
		&b, e,
		"# Completion of cbtm for bash; made by `cbtm document`.\n_cbtm()\n{\n"
		"\tlocal word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]##*/} options=\n"
		"\t[ \"$program\" = cbtm ] && [ \"$COMP_CWORD\" -gt 1 ] && program=\"cbtm "
		"${COMP_WORDS[1]}\"\n"
		"\tcase $program in\n%s\tesac\n"
		"\tif [[ $word = -* || $program = cbtm ]]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
		"\telse\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n\tfi\n}\n"
		"complete -o filenames -F _cbtm cbtm%s\n",
		w->completion.data ? w->completion.data : "", w->names.data ? w->names.data : "");

	if (r == 0)
		r = write_file(w, "cbtm.bash", &b, e);
	buffer_free(&b);
	return r;
}

static int write_all(struct writing *w, struct cbtm_error *e)
{
	struct buffer reference = { 0 };
	int r = buffer_text(&reference, reference_head, e);

	for (const struct cbtm_stage *const *s = stage_registry; r == 0 && *s; s++)
		r = write_stage(w, *s, &reference, e);
	if (r == 0)
		r = write_file(w, "reference.md", &reference, e);
	for (const struct command *const *c = command_registry; r == 0 && *c; c++)
		r = write_command(w, *c, e);
	if (r == 0)
		r = write_program(w, e);
	if (r == 0)
		r = write_completion(w, e);
	buffer_free(&reference);
	return r;
}

static int run(const void *values, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = values;
	struct plugin_search search = { .option = o->plugins[0] ? o->plugins : NULL };
	struct writing w = { .out = o->out };
	char *man = path_join(o->out, "man", e);
	(void)arguments, (void)n;

	if (man == NULL || folder_make(man, e))
		goto done;
	if (plugin_list(&search, &w.plugins, &w.n_plugins, e))
		goto done;
	/* With a folder named, what else happens to be installed stays out. */
	for (size_t i = 0; o->plugins[0] && i < w.n_plugins; i++) {
		char *real = realpath(o->plugins, NULL);

		if (real == NULL || strncmp(w.plugins[i].path, real, strlen(real)) != 0)
			w.plugins[i].hidden = true;
		free(real);
	}
	write_all(&w, e);
done:
	plugin_list_free(w.plugins, w.n_plugins);
	buffer_free(&w.completion);
	buffer_free(&w.names);
	free(man);
	return e->name;
}

const struct command command_document = {
	.name = "document",
	.sentence = "Write manual pages, the reference of keys and the completion from the tables",
	.arguments = "",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm document --out doc",
	.run = run,
};
