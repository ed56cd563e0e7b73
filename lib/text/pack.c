/* SPDX-License-Identifier: MIT */
#include "text/pack.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

struct packer {
	size_t length; /* T + 1 */
	uint32_t eod;
	sequence_function *each;
	void *arg;
	uint32_t *ids, *boundary; /* length: no more documents than tokens begin in a sequence */
	uint64_t *document;       /* length + 1: the first may have begun before */
	size_t n, boundaries, documents;
};

int packer_new(uint64_t length, uint32_t eod, sequence_function *each, void *arg,
               struct packer **out, struct cbtm_error *e)
{
	struct packer *p = mem_zeroed(1, sizeof *p, "packing", e);

	*out = NULL;
	if (!p)
		return e->name;
	*p = (struct packer){ .length = length + 1, .eod = eod, .each = each, .arg = arg };
	p->ids = mem_zeroed(p->length, sizeof *p->ids, "packing", e);
	p->boundary = mem_zeroed(p->length, sizeof *p->boundary, "packing", e);
	p->document = mem_zeroed(p->length + 1, sizeof *p->document, "packing", e);
	if (p->ids && p->boundary && p->document) {
		*out = p;
		return 0;
	}
	packer_free(p);
	return e->name;
}

void packer_free(struct packer *p)
{
	if (!p)
		return;
	free(p->ids);
	free(p->boundary);
	free(p->document);
	free(p);
}

/* Hands the full sequence over and begins the next; `key`: the document under way, if any. */
static int cut(struct packer *p, const uint64_t *key, struct cbtm_error *e)
{
	struct sequence s = { p->ids, p->boundary, p->boundaries, p->document, p->documents };

	p->n = p->boundaries = p->documents = 0;
	if (p->each(p->arg, &s, e))
		return e->name;
	if (key)
		p->document[p->documents++] = *key;
	return 0;
}

int pack_document(struct packer *p, uint64_t key, const uint32_t *ids, size_t n,
                  struct cbtm_error *e)
{
	p->boundary[p->boundaries++] = (uint32_t)p->n;
	p->document[p->documents++] = key;
	while (n) {
		size_t take = p->length - p->n < n ? p->length - p->n : n;

		memcpy(p->ids + p->n, ids, take * sizeof *ids);
		p->n += take;
		ids += take;
		n -= take;
		if (p->n == p->length && cut(p, &key, e)) /* its EOD at least is to come */
			return e->name;
	}
	p->ids[p->n++] = p->eod;
	return p->n == p->length ? cut(p, NULL, e) : 0;
}
