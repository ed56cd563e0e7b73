/* SPDX-License-Identifier: MIT */
#include "store/pages.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/* Names of mdb.c in brackets. */
enum {
	HEADER = PAGES_HEADER, /* of a page [PAGEHDRSZ]: number u64, pad, flags, lower, upper u16 */
	NODE = 8, /* of a node [NODESIZE]: low, high half of size, flags, bytes of the key u16 */
	IS_BRANCH = 0x01,
	IS_LEAF = 0x02,
	IS_OVERFLOW = 0x04,
	IS_META = 0x08,
	BIG = 0x01,     /* node: the value is the number of its first page [F_BIGDATA] */
	SUB = 0x02,     /* node: the value is a database's record [F_SUBDATA] */
	KEY_MAX = 511,  /* [MDB_MAXKEYSIZE] */
	IOVECS = 900,   /* of one write; the kernel takes 1024 */
	WRITE = 8 << 20 /* bytes of one write */
};
#define NO_PAGE UINT64_MAX
#define MAGIC 0xBEEFC0DEu

/* A database as its node holds it [MDB_db]. */
struct record {
	uint32_t pad;
	uint16_t flags, depth;
	uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};
/* The page of an environment behind its header [MDB_meta]. */
struct meta {
	uint32_t magic, version;
	uint64_t address, map_size;
	struct record databases[2]; /* free pages, named databases */
	uint64_t last_page, transaction;
};
_Static_assert(sizeof(struct record) == 48 && sizeof(struct meta) == 136, "LMDB's layout");

struct entry {
	size_t key, key_n; /* in pages.keys */
	const void *value;
	size_t n;
	uint64_t page; /* of the value; 0: it lies in the leaf. In a branch: the page below. */
	unsigned flags;
};

struct database {
	const char *name;
	struct entry *entry;
	size_t n, cap;
	struct record record;
};

struct pages {
	size_t page;
	struct database *database;
	size_t n, cap;
	struct buffer keys, trees; /* trees: all pages of leaves and branches */
	uint64_t next;             /* page */
	int fd;
	const char *path;
	/* What waits to be written at `offset`. */
	struct iovec iov[IOVECS];
	unsigned char header[IOVECS][HEADER];
	int iovecs;
	uint64_t offset;
	size_t waiting; /* bytes in iov */
};

static const unsigned char zeros[PAGE_BYTES_MAX];

struct pages *pages_new(size_t page, int fd, const char *path, uint64_t next, struct cbtm_error *e)
{
	struct pages *p = mem_zeroed(1, sizeof *p, "the pages of a store", e);
	if (!p)
		return NULL;
	p->page = page;
	p->fd = fd;
	p->path = path;
	p->next = next;
	p->offset = next * page;
	return p;
}

uint64_t pages_next(const struct pages *p)
{
	return p->next;
}

void pages_free(struct pages *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->database[i].entry);
	free(p->database);
	buffer_free(&p->keys);
	buffer_free(&p->trees);
	free(p);
}

int pages_database(struct pages *p, const char *name, size_t *database, struct cbtm_error *e)
{
	if (array_reserve(&p->database, &p->cap, p->n + 1, sizeof p->database[0], e))
		return e->name;
	p->database[p->n] = (struct database){ .name = name };
	*database = p->n++;
	return 0;
}

static int add(struct pages *p, struct database *d, const struct entry *entry, const void *key,
               struct cbtm_error *e)
{
	if (array_reserve(&d->entry, &d->cap, d->n + 1, sizeof d->entry[0], e))
		return e->name;
	d->entry[d->n] = *entry;
	d->entry[d->n++].key = p->keys.n;
	return buffer_add(&p->keys, key, entry->key_n, e);
}

int pages_put(struct pages *p, size_t database, const void *key, size_t key_n, const void *value,
              size_t n, uint64_t at, struct cbtm_error *e)
{
	struct entry entry = {
		.key_n = key_n, .value = value, .n = n, .page = at, .flags = at ? BIG : 0
	};
	if (key_n == 0 || key_n > KEY_MAX || n > UINT32_MAX)
		return error_set(e, CBTM_ERR_INTERNAL, p->database[database].name,
		                 "a key of %zu or a value of %zu bytes", key_n, n);
	return add(p, &p->database[database], &entry, key, e);
}

/* ---------------------------------------------------------------- trees */

uint64_t pages_of_value(size_t page, size_t n) /* [OVPAGES] */
{
	return (HEADER - 1 + n) / page + 1;
}

bool pages_in_leaf(size_t page, size_t key_n, size_t n) /* [me_nodemax] */
{
	return NODE + key_n + n <= (((page - HEADER) / 2) & ~(size_t)1) - 2;
}

static void count_pages(struct pages *p, struct database *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->entry[i].flags & BIG)
			d->record.overflow_pages += pages_of_value(p->page, d->entry[i].n);
}

static size_t node_size(const struct entry *entry, bool leaf, bool first)
{
	size_t n = NODE + (!leaf && first ? 0 : entry->key_n);
	if (leaf)
		n += entry->flags & BIG ? 8 : entry->n;
	return (n + 1) & ~(size_t)1;
}

static void put_u16(unsigned char *p, uint64_t v)
{
	uint16_t x = (uint16_t)v;
	memcpy(p, &x, 2);
}

static void put_header(unsigned char *page, uint64_t number, unsigned flags)
{
	memset(page, 0, HEADER);
	memcpy(page, &number, 8);
	put_u16(page + 10, flags);
}

/* Bytes of page[0..) that its nodes and their places leave free. */
static size_t room(const unsigned char *page)
{
	uint16_t lower, upper;
	memcpy(&lower, page + 12, 2);
	memcpy(&upper, page + 14, 2);
	return upper - lower;
}

static void put_node(const struct pages *p, unsigned char *page, const struct entry *entry,
                     bool leaf, bool first)
{
	size_t n = node_size(entry, leaf, first), key_n = !leaf && first ? 0 : entry->key_n;
	uint16_t lower, upper;
	memcpy(&lower, page + 12, 2);
	memcpy(&upper, page + 14, 2);
	upper = (uint16_t)(upper - n);
	put_u16(page + lower, upper);
	put_u16(page + 12, lower + 2u);
	put_u16(page + 14, upper);
	/* A branch keeps the page below where a leaf keeps the size of the value and its flags. */
	uint64_t first_words = leaf ? entry->n | (uint64_t)entry->flags << 32 : entry->page;
	unsigned char *node = page + upper;
	memcpy(node, &first_words, 6);
	put_u16(node + 6, key_n);
	if (key_n)
		memcpy(node + NODE, p->keys.data + entry->key, key_n);
	if (leaf && entry->flags & BIG)
		memcpy(node + NODE + key_n, &entry->page, 8);
	else if (leaf && entry->n)
		memcpy(node + NODE + key_n, entry->value, entry->n);
}

static unsigned char *new_page(struct pages *p, bool leaf, struct cbtm_error *e)
{
	if (buffer_reserve(&p->trees, p->page, e))
		return NULL;
	unsigned char *page = (unsigned char *)p->trees.data + p->trees.n;
	memset(page, 0, p->page);
	p->trees.n += p->page;
	put_header(page, p->next++, leaf ? IS_LEAF : IS_BRANCH);
	put_u16(page + 12, HEADER);
	put_u16(page + 14, p->page);
	return page;
}

/* Pages of one level; *up gets an entry for each, under its first key. */
static int make_level(struct pages *p, const struct database *d, bool leaf, struct database *up,
                      struct cbtm_error *e)
{
	unsigned char *page = NULL;
	for (size_t i = 0, on_page = 0; i < d->n; i++, on_page++) {
		size_t need = page ? node_size(&d->entry[i], leaf, false) + 2 : 0;
		/* A branch has two pages below it at least, the last one too. */
		if (page && !leaf && i + 2 == d->n)
			need += node_size(&d->entry[i + 1], leaf, false) + 2;
		if (!page || need > room(page)) {
			struct entry above = { .key_n = d->entry[i].key_n, .page = p->next };
			/* The key lies in the buffer that may move while it grows. */
			if (buffer_reserve(&p->keys, above.key_n, e) ||
			    add(p, up, &above, p->keys.data + d->entry[i].key, e) ||
			    !(page = new_page(p, leaf, e)))
				return e->name;
			on_page = 0;
		}
		put_node(p, page, &d->entry[i], leaf, on_page == 0);
	}
	return 0;
}

static int make_tree(struct pages *p, struct database *d, struct cbtm_error *e)
{
	struct database level = { 0 }, up = { 0 };
	struct record *r = &d->record;
	int rc = 0;
	r->root = NO_PAGE;
	r->entries = d->n;
	if (d->n)
		rc = make_level(p, d, true, &up, e);
	r->leaf_pages = up.n;
	r->depth = d->n ? 1 : 0;
	while (!rc && up.n > 1) {
		free(level.entry);
		level = up;
		up = (struct database){ 0 };
		rc = make_level(p, &level, false, &up, e);
		r->branch_pages += up.n;
		r->depth++;
	}
	if (!rc && up.n)
		r->root = up.entry[0].page;
	free(level.entry);
	free(up.entry);
	return rc;
}

/* The database of the databases: their names and records. */
static int make_main(struct pages *p, struct record *record, struct cbtm_error *e)
{
	struct database names = { 0 };
	int rc = 0;
	for (size_t i = 0; !rc && i < p->n; i++) {
		struct database *d = &p->database[i];
		struct entry entry = {
			.key_n = strlen(d->name), .value = &d->record, .n = sizeof d->record, .flags = SUB
		};
		rc = add(p, &names, &entry, d->name, e);
	}
	if (!rc)
		rc = make_tree(p, &names, e);
	*record = names.record;
	free(names.entry);
	return rc;
}

/* ---------------------------------------------------------------- writing */

int pages_flush(struct pages *p, struct cbtm_error *e)
{
	int rc = p->iovecs ? file_write_vector(p->fd, p->iov, p->iovecs, p->offset, p->path, e) : 0;
	/* The disk may begin: then the sync at the end finds little left to wait for. */
	if (!rc)
		file_start_writing(p->fd, p->offset, p->waiting);
	p->offset += p->waiting;
	p->waiting = 0;
	p->iovecs = 0;
	return rc;
}

static void add_bytes(struct pages *p, const void *bytes, size_t n)
{
	if (n)
		p->iov[p->iovecs++] = (struct iovec){ (void *)bytes, n };
	p->waiting += n;
}

int pages_value(struct pages *p, const void *value, size_t n, uint64_t *at, struct cbtm_error *e)
{
	uint32_t count = (uint32_t)pages_of_value(p->page, n);
	if ((p->iovecs + 3 > IOVECS || p->waiting >= WRITE) && pages_flush(p, e))
		return e->name;
	unsigned char *header = p->header[p->iovecs];
	put_header(header, p->next, IS_OVERFLOW);
	memcpy(header + 12, &count, 4);
	add_bytes(p, header, HEADER);
	add_bytes(p, value, n);
	add_bytes(p, zeros, count * p->page - HEADER - n);
	*at = p->next;
	p->next += count;
	return 0;
}

static void fill_meta(const struct pages *p, unsigned char *page, uint64_t transaction,
                      const struct record *main)
{
	const struct record empty = { .root = NO_PAGE };
	struct meta meta = { .magic = MAGIC,
		                 .version = 1,
		                 .map_size = p->next * p->page,
		                 .databases = { empty, transaction ? *main : empty },
		                 .last_page = transaction ? p->next - 1 : PAGES_FIRST - 1,
		                 .transaction = transaction };
	meta.databases[0].pad = (uint32_t)p->page;
	meta.databases[0].flags = MDB_INTEGERKEY | MDB_NOSUBDIR;
	memset(page, 0, p->page);
	put_header(page, transaction, IS_META);
	memcpy(page + HEADER, &meta, sizeof meta);
}

int pages_finish(struct pages *p, uint64_t *bytes, struct cbtm_error *e)
{
	unsigned char *metas = mem_zeroed(PAGES_FIRST, p->page, "the first pages of a store", e);
	struct record main;
	int rc = metas ? 0 : (int)e->name;
	for (size_t i = 0; !rc && i < p->n; i++) {
		count_pages(p, &p->database[i]);
		rc = make_tree(p, &p->database[i], e);
	}
	if (!rc)
		rc = make_main(p, &main, e);
	if (rc)
		goto done;
	add_bytes(p, p->trees.data, p->trees.n);
	rc = pages_flush(p, e);
	*bytes = p->offset;
	/* The page of the later transaction counts. */
	fill_meta(p, metas, 0, &main);
	fill_meta(p, metas + p->page, 1, &main);
	add_bytes(p, metas, PAGES_FIRST * p->page);
	p->offset = 0;
	if (!rc)
		rc = pages_flush(p, e);
done:
	free(metas);
	return rc;
}
