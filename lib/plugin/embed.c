/* SPDX-License-Identifier: MIT */
#include "plugin/embed.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "plugin/kind.h"
#include "plugin/loader.h"
#include <stdlib.h>

static const struct plugin_function required[] = { { "fit", offsetof(struct cbtm_embed, fit) },
	                                               { "free", offsetof(struct cbtm_embed, free) },
	                                               { "save", offsetof(struct cbtm_embed, save) },
	                                               { "load", offsetof(struct cbtm_embed, load) },
	                                               { "dims", offsetof(struct cbtm_embed, dims) },
	                                               { "transform",
	                                                 offsetof(struct cbtm_embed, transform) },
	                                               { NULL, 0 } };
const struct plugin_kind plugin_kind_embed = { "embed", sizeof(struct cbtm_embed), required,
	                                           offsetof(struct cbtm_embed, needs) };

int embed_open(const char *name, const struct plugin_search *search,
               const struct cbtm_embed **embed, struct cbtm_error *e)
{
	const struct cbtm_plugin *plugin = NULL;
	if (plugin_open("embed", name, search, &plugin, e))
		return e->name;
	*embed = (const struct cbtm_embed *)plugin;
	return 0;
}

struct embed_context {
	const struct cbtm_embed *embed;
	const void *state;
	void *own;             /* the plugin's context; NULL: from scratch */
	struct buffer raw;     /* the prefix as it came */
	struct buffer decoded; /* and as UTF-8 */
};

struct embed_context *embed_context_new(const struct cbtm_embed *embed, const void *state,
                                        struct cbtm_error *e)
{
	struct embed_context *c = mem_zeroed(1, sizeof *c, "a context", e);
	if (!c)
		return NULL;
	c->embed = embed;
	c->state = state;
	if (embed->context_new && embed->context_free && embed->context_reset && embed->context_add &&
	    embed->context_vector) {
		c->own = embed->context_new(state, e);
		if (!c->own) {
			embed_context_free(c);
			return NULL;
		}
	}
	return c;
}

void embed_context_free(struct embed_context *c)
{
	if (!c)
		return;
	if (c->own)
		c->embed->context_free(c->own);
	buffer_free(&c->raw);
	buffer_free(&c->decoded);
	free(c);
}

int embed_context_reset(struct embed_context *c, struct cbtm_error *e)
{
	buffer_clear(&c->raw);
	return c->own ? c->embed->context_reset(c->own, e) : 0;
}

int embed_context_add(struct embed_context *c, const char *bytes, size_t n, struct cbtm_error *e)
{
	return c->own ? c->embed->context_add(c->own, bytes, n, e) : buffer_add(&c->raw, bytes, n, e);
}

/* The length of the valid character at s, or minus the length of the longest invalid or
 * unfinished start of one there (Unicode 15, table 3-7: what Python's errors="replace" skips). */
static int character(const unsigned char *s, size_t n)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return -1;
	int length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	unsigned low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
	unsigned high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
	for (int i = 1; i < length; i++) {
		if ((size_t)i >= n || s[i] < low || s[i] > high)
			return -i;
		low = 0x80, high = 0xBF;
	}
	return length;
}

int embed_context_vector(struct embed_context *c, float *vector, struct cbtm_error *e)
{
	if (c->own)
		return c->embed->context_vector(c->own, vector, e);
	buffer_clear(&c->decoded);
	for (size_t i = 0; i < c->raw.n;) {
		const char *s = c->raw.data + i;
		int length = character((const unsigned char *)s, c->raw.n - i);
		if (length > 0 ? buffer_add(&c->decoded, s, (size_t)length, e)
		               : buffer_add(&c->decoded, "\xEF\xBF\xBD", 3, e))
			return e->name;
		i += (size_t)abs(length);
	}
	struct cbtm_document document = { .text = c->decoded.n ? c->decoded.data : "",
		                              .text_size = c->decoded.n,
		                              .meta = "{}",
		                              .meta_size = 2 };
	return c->embed->transform(c->state, &document, 1, vector, e);
}
