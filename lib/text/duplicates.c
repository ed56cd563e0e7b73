/* SPDX-License-Identifier: MIT */
#include "text/duplicates.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include <inttypes.h>
#include <stdlib.h>

enum { AT_ONCE = 256 }; /* digests */

struct finding {
	const struct dataset *digests;
	uint32_t parts;
	unsigned char **dropped; /* a bit a row, of each part */
	uint64_t *rows;
	struct digest *slot; /* open addressing; {0, 0}: empty */
	uint64_t slots;      /* a power of two */
	uint64_t used;       /* of them, in this reading */
	uint64_t shares;     /* readings; the upper half of a digest decides to which it belongs */
	uint64_t found, done;
};

static int open_parts(struct finding *f, uint64_t *all, struct cbtm_error *e)
{
	f->parts = dataset_parts(f->digests);
	f->dropped = mem_zeroed(f->parts, sizeof *f->dropped, "duplicates", e);
	f->rows = mem_zeroed(f->parts, sizeof *f->rows, "duplicates", e);
	*all = 0;
	for (uint32_t i = 0; i < f->parts && !e->name; i++) {
		struct store *s;
		if (dataset_part(f->digests, i, &s, e))
			return e->name;
		f->rows[i] = store_row_count(s, "digest");
		store_close(s);
		*all += f->rows[i];
		f->dropped[i] = mem_zeroed((f->rows[i] + 7) / 8, 1, "duplicates", e);
	}
	return e->name;
}

/* At most half full: twice as many slots as a share may have digests, with room for chance. */
static int make_table(struct finding *f, uint64_t all, uint64_t memory, struct cbtm_error *e)
{
	f->slots = 4 * AT_ONCE;
	while (f->slots < 2 * all && 2 * f->slots * sizeof *f->slot <= memory)
		f->slots *= 2;
	f->shares = f->slots >= 2 * all ? 1 : 1 + all / (f->slots * 3 / 8);
	f->slot = mem_zeroed(f->slots, sizeof *f->slot, "duplicates", e);
	return e->name;
}

/* Whether the digest is there already; else it is now. */
static bool seen(struct finding *f, struct digest d)
{
	uint64_t at = d.low & (f->slots - 1);

	for (; f->slot[at].high | f->slot[at].low; at = (at + 1) & (f->slots - 1))
		if (digest_equal(f->slot[at], d))
			return true;
	f->slot[at] = d;
	f->used++;
	return false;
}

static int look_at(struct finding *f, uint32_t part, uint64_t share, struct cbtm_error *e)
{
	uint64_t two[AT_ONCE][2];
	struct store_reader *r = NULL;
	struct store *s = NULL;

	if (dataset_part(f->digests, part, &s, e) || store_reader_open(s, "digest", &r, e))
		goto done;
	for (uint64_t row = 0, n; row < f->rows[part]; row += n) {
		n = f->rows[part] - row < AT_ONCE ? f->rows[part] - row : AT_ONCE;
		if (store_read_rows(r, row, n, two, e))
			goto done;
		/* Chance leaves half of it free; a full table would be looked through for ever. */
		if (f->used + n >= f->slots) {
			error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "the digests are not spread evenly");
			goto done;
		}
		for (uint64_t i = 0; i < n; i++) {
			/* No text has the digest that stands for an empty slot, as good as surely. */
			struct digest d = { two[i][0], two[i][1] | !(two[i][0] | two[i][1]) };
			if (d.high % f->shares != share || !seen(f, d))
				continue;
			f->dropped[part][(row + i) / 8] |= (unsigned char)(1u << (row + i) % 8);
			f->found++;
		}
	}
	progress_set(f->done += f->rows[part], NULL);
done:
	store_reader_close(r);
	store_close(s);
	return e->name;
}

int duplicates_find(const struct dataset *digests, uint64_t memory, struct store_writer *out,
                    struct cbtm_error *e)
{
	struct finding f = { .digests = digests };
	uint64_t all;

	if (open_parts(&f, &all, e) || make_table(&f, all, memory, e))
		goto done;
	progress_start("duplicates", all * f.shares, "documents");
	for (uint64_t share = 0; share < f.shares; share++) {
		for (uint64_t i = 0; i < f.slots; i++)
			f.slot[i] = (struct digest){ 0, 0 };
		f.used = 0;
		for (uint32_t part = 0; part < f.parts; part++)
			if (look_at(&f, part, share, e) || signals_check(e))
				goto done;
	}
	for (uint32_t part = 0; part < f.parts; part++)
		if (store_append_row(out, "dropped", f.dropped[part], (f.rows[part] + 7) / 8, e))
			goto done;
	if (store_set_u64(out, "documents", all, e) || store_set_u64(out, "duplicates", f.found, e))
		goto done;
	log_message(LOG_INFO, "%" PRIu64 " of %" PRIu64 " documents have a text that was there before",
	            f.found, all);
	store_commit(out, NULL, 0, e);
done:
	progress_finish();
	for (uint32_t i = 0; f.dropped && i < f.parts; i++)
		free(f.dropped[i]);
	free(f.dropped);
	free(f.rows);
	free(f.slot);
	return e->name;
}
