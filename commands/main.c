/* SPDX-License-Identifier: MIT */
/* cbtm: finds the subcommand, parses its options, prints what went wrong. */
#include "base/log.h"
#include "base/nearest.h"
#include "commands/command.h"
#include <stdio.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

extern const struct command *const command_registry[];

static const char sentence[] =
	"Cluster-Branch-Train-Merge: expert language models of a corpus' domains, and their mixture.";

struct common {
	int help;
};
static const struct cbtm_param common_rows[] = { { "help", CBTM_PARAM_BOOL,
	                                               offsetof(struct common, help), "false", 0, 0,
	                                               NULL, "this text", 0, 0 },
	                                             CBTM_PARAM_END };

static const struct command *find(const char *name)
{
	for (size_t i = 0; command_registry[i]; i++)
		if (!strcmp(command_registry[i]->name, name))
			return command_registry[i];
	return NULL;
}

static int unknown(const char *name, struct cbtm_error *e)
{
	const char *words[64], *near;
	size_t n = 0;

	for (; command_registry[n] && n < sizeof words / sizeof *words; n++)
		words[n] = command_registry[n]->name;
	near = nearest_word(name, words, n);
	error_set(e, CBTM_ERR_USAGE, NULL, "there is no command \"%s\"%s%s", name,
	          near ? "; the nearest is " : "", near ? near : "");
	return error_hint(e, "cbtm --help lists them");
}

static void print_overview(void)
{
	printf("%s\n\nusage: cbtm COMMAND [options] [arguments]\n\nCommands:\n", sentence);
	for (size_t i = 0; command_registry[i]; i++)
		printf("  %-10s %s\n", command_registry[i]->name, command_registry[i]->sentence);
	printf("\ncbtm COMMAND --help (or: cbtm help COMMAND) says more; cbtm --version.\n\n"
	       "example:\n  cbtm run pipeline.yaml\n");
}

static int print_help(const struct command *c, struct cbtm_error *e)
{
	struct option_group groups[] = { { "Options", c->options, NULL, 0 },
		                             { c->options ? NULL : "Options", common_rows, NULL, 0 } };
	struct buffer out = { 0 };

	if (!buffer_printf(&out, e, "%s\n\nusage: cbtm %s [options]%s%s\n\n", c->sentence, c->name,
	                   *c->arguments ? " " : "", c->arguments) &&
	    !options_help(groups, 2, &out, e) &&
	    !buffer_printf(&out, e, "\nexample:\n  %s\n", c->example))
		fputs(out.data, stdout);
	buffer_free(&out);
	return e->name;
}

static int run_command(const struct command *c, int argc, char **argv, struct cbtm_error *e)
{
	struct arena *a = arena_new(e);
	struct common common = { 0 };
	struct option_group groups[2] = { { NULL, common_rows, &common, 0 } };
	int n = 0;

	if (!a)
		return e->name;
	groups[1].table = c->options;
	groups[1].values = arena_take(a, c->options_size, e);
	if (!groups[1].values)
		goto done;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			print_help(c, e);
			goto done;
		}
	if (options_parse(groups, 2, a, argc, argv, &n, false, e)) {
		if (e->name == CBTM_ERR_USAGE)
			error_hint(e, "see cbtm %s --help", c->name);
		goto done;
	}
	c->run(groups[1].values, argv + 1, n, e);
done:
	arena_free(a);
	return e->name;
}

static int dispatch(int argc, char **argv, struct cbtm_error *e)
{
	const struct command *c;
	const char *word = argc > 1 ? argv[1] : "--help";

	if (!strcmp(word, "--version")) {
		printf("cbtm %s\n", PACKAGE_VERSION);
		return 0;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || (!strcmp(word, "help") && argc < 3)) {
		print_overview();
		return argc > 1 ? 0 : error_set(e, CBTM_ERR_USAGE, NULL, "a command is missing");
	}
	if (!strcmp(word, "help")) {
		c = find(argv[2]);
		return c ? print_help(c, e) : unknown(argv[2], e);
	}
	c = find(word);
	return c ? run_command(c, argc - 1, argv + 1, e) : unknown(word, e);
}

int main(int argc, char **argv)
{
	struct cbtm_error e = { 0 };
	char text[2048];

	if (!log_open("cbtm", NULL, LOG_INFO, false, &e))
		dispatch(argc, argv, &e);
	if ((fflush(stdout) || ferror(stdout)) && !e.name)
		error_set(&e, CBTM_ERR_IO, "standard output", "cannot be written");
	if (e.name) {
		error_format(&e, "cbtm", text, sizeof text);
		fprintf(stderr, "%s\n", text);
	}
	log_close();
	return error_exit_status(e.name);
}
