/* SPDX-License-Identifier: MIT */
/* cbtm plugins: what is found on the plugin path, and why a file is refused. */
#include "commands/command.h"
#include "plugin/loader.h"
#include "stage/options.h"
#include <stdio.h>

struct options {
	const char *plugin_path;
	int wide;
};
static const struct cbtm_param options[] = {
	{ "plugin_path", CBTM_PARAM_TEXT, offsetof(struct options, plugin_path), "", 0, 0, NULL,
	  "folders with plugins, separated by ':'", CBTM_PARAM_PATH, 0 },
	{ "long", CBTM_PARAM_BOOL, offsetof(struct options, wide), "false", 0, 0, NULL,
	  "with every plugin's options", 0, 0 },
	CBTM_PARAM_END
};

static int print_options(const struct cbtm_plugin *p, struct cbtm_error *e)
{
	struct option_group group = { NULL, p->params, NULL, 0 };
	struct buffer out = { 0 };

	if (!options_help(&group, 1, &out, e) && out.n)
		fputs(out.data, stdout);
	buffer_free(&out);
	return e->name;
}

static int print_entry(const struct plugin_entry *entry, bool wide, struct cbtm_error *e)
{
	const struct cbtm_plugin *p = entry->plugin;

	if (!p) {
		printf("refused  %s: %s\n", entry->path, entry->why.what);
		return 0;
	}
	printf("%-8s %-16s %3u  %s\n%*s%s%s\n", p->kind, p->name, p->version, p->description, 31, "",
	       entry->path, entry->hidden ? " (hidden by one before it)" : "");
	return wide ? print_options(p, e) : 0;
}

static int run(const void *values, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = values;
	struct plugin_search search = { o->plugin_path, NULL };
	struct plugin_entry *list = NULL;
	size_t count = 0;

	if (n)
		return error_set(e, CBTM_ERR_USAGE, arguments[0], "plugins takes no arguments");
	if (!plugin_list(&search, &list, &count, e))
		for (size_t i = 0; i < count && !e->name; i++)
			print_entry(&list[i], o->wide, e);
	if (!count && !e->name)
		printf("no plugins were found\n");
	plugin_list_free(list, count);
	return e->name;
}

const struct command command_plugins = {
	.name = "plugins",
	.sentence = "List the plugins that are found, and say why others are refused",
	.arguments = "",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm plugins --long",
	.run = run,
};
