/* SPDX-License-Identifier: MIT */
#include "stage/embedder.h"
#include "base/error.h"
#include "base/json.h"
#include "base/param.h"
#include "plugin/embed.h"
#include "stage/inputs.h"
#include "stage/lent.h"
#include "stage/state.h"
#include <string.h>

/* The plugin's options from the facts that state_put_plugin wrote. */
static int read_options(const struct store *s, const struct cbtm_plugin *p, void *options,
                        struct arena *a, struct cbtm_error *e)
{
	const char *text = store_get_json(s, "options"), *value;
	struct json_parser *parser = json_parser_new(e);
	struct json root, member;
	size_t n = 0;
	if (!parser || param_defaults(p->params, options, a, e))
		goto done;
	if (!text || json_parse(parser, text, strlen(text), store_path(s), &root, e)) {
		error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "the plugin's options are missing");
		goto done;
	}
	for (const struct cbtm_param *row = p->params; row->name; row++) {
		if (!json_member(root, row->name, &member) || !json_string(member, &value, &n))
			continue; /* a parameter that the plugin got later: its default */
		char *copy = arena_string(a, value, n, e);
		if (!copy || param_parse(row, copy, options, a, CBTM_ERR_BAD_STORE, store_path(s), e))
			goto done;
	}
done:
	json_parser_free(parser);
	return e->name;
}

int embedder_load(struct store *s, const struct plugin_search *search, struct arena *a,
                  const struct cbtm_embed **plugin, void **state, struct cbtm_error *e)
{
	char name[80];
	uint64_t version = 0;
	const struct cbtm_embed *embed = NULL;
	struct cbtm_state_reader *reader = NULL;
	void *options = NULL;
	if (!store_get_text(s, "plugin", name, sizeof name) ||
	    !store_get_u64(s, "plugin_version", &version))
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
		                 "it does not say which plugin it is of");
	if (embed_open(name, search, &embed, e))
		return e->name;
	if (embed->plugin.version != version)
		return error_set(e, CBTM_ERR_PLUGIN, store_path(s),
		                 "the state is of %s version %u, the plugin found is of version %u", name,
		                 (unsigned)version, embed->plugin.version);
	if (embed->plugin.options_size) {
		options = arena_take(a, embed->plugin.options_size, e);
		if (!options || (embed->plugin.params && read_options(s, &embed->plugin, options, a, e)))
			return e->name;
	}
	lent_search(search);
	if (state_reader_open(s, &reader, e))
		return e->name;
	*state = embed->load(options, reader, e);
	state_reader_close(reader);
	if (!*state)
		return error_set(e, CBTM_ERR_PLUGIN, name, "load() made no state of %s", store_path(s));
	*plugin = embed;
	return 0;
}

int stage_load_embedder(struct stage_run *r, struct dataset *embedder,
                        const struct cbtm_embed **plugin, void **state, struct cbtm_error *e)
{
	struct store *s = NULL;
	if (dataset_part(embedder, 0, &s, e))
		return e->name;
	embedder_load(s, stage_inputs_search(r->inputs), stage_inputs_arena(r->inputs), plugin, state,
	              e);
	store_close(s);
	return e->name;
}

void stage_lend_model(struct stage_run *r, const char *checkpoint, const char *vocabulary)
{
	lent_search(stage_inputs_search(r->inputs));
	lent_offer(stage_input(r, checkpoint), stage_input(r, vocabulary));
}
