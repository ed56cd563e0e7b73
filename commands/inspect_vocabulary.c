/* SPDX-License-Identifier: MIT */
#include "commands/inspect.h"
#include "text/bpe.h"
#include <inttypes.h>
#include <stdio.h>

enum { LISTED = 16, NAME = 64 };

static void print_token(const struct bpe *b, uint32_t id)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} flags[] = { { BPE_LSTRIP, "lstrip" },
		          { BPE_RSTRIP, "rstrip" },
		          { BPE_SINGLE_WORD, "single_word" },
		          { BPE_NORMALIZED, "normalized" },
		          { BPE_PIECE, "a piece too" } };
	const struct bpe_symbol *s = &b->symbol[id];
	const char *kind = s->special ? "special" : "added";

	printf("  %-8s %10" PRIu32 "  ", kind, id);
	for (uint32_t i = 0; i < s->n && i < NAME; i++)
		printf((unsigned char)s->bytes[i] < 0x20 ? "\\x%02x" : "%c", (unsigned char)s->bytes[i]);
	printf("%s", s->n > NAME ? "..." : "");
	if (id == b->eod)
		printf("  ends a document");
	if (id == b->bos)
		printf("  begins a text");
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (s->added & flags[i].bit)
			printf("  %s", flags[i].name);
	printf("\n");
}

void inspect_vocabulary(const struct store *s)
{
	uint32_t special = 0, added = 0, unused = 0, listed = 0;
	struct cbtm_error e = { 0 };
	struct bpe *b;

	if (bpe_load(s, &b, &e)) {
		printf("  cannot be used as a vocabulary: %s\n", e.what);
		return;
	}
	for (uint32_t i = 0; i < b->size; i++) {
		special += b->symbol[i].added && b->symbol[i].special;
		added += b->symbol[i].added && !b->symbol[i].special;
		unused += !b->symbol[i].added && b->symbol[i].special;
	}
	printf("  %" PRIu32 " tokens, %" PRIu32 " merges, %" PRIu32 " special, %" PRIu32
	       " added, %" PRIu32 " that nothing makes\n",
	       b->size, b->merges, special, added, unused);
	for (uint32_t i = 0; i < b->size && listed < LISTED; i++)
		if (b->symbol[i].added) {
			print_token(b, i);
			listed++;
		}
	if (listed < special + added)
		printf("  ... and %" PRIu32 " more\n", special + added - listed);
	bpe_free(b);
}
