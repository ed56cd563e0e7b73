/* SPDX-License-Identifier: MIT */
#include "store/dataset.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/number.h"
#include "store/listing.h"
#include "store/part.h"
#include "store/verify.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct dataset {
	struct arena *arena;
	char *dir;
	struct listing listing;
};

int dataset_open(const char *dir, const struct store_kind *kind, struct dataset **dataset,
                 struct cbtm_error *e)
{
	*dataset = NULL;
	struct dataset *d = mem_zeroed(1, sizeof *d, "a dataset", e);
	if (!d)
		return e->name;
	int rc = 0;
	if (!(d->arena = arena_new(e)) || !(d->dir = arena_string(d->arena, dir, strlen(dir), e)))
		rc = e->name;
	if (!rc)
		rc = listing_read(dir, d->arena, &d->listing, e);
	if (!rc && kind && strcmp(kind->name, d->listing.kind)) {
		rc = error_set(e, CBTM_ERR_BAD_STORE, dir,
		               "this dataset holds '%s', but '%s' is wanted here", d->listing.kind,
		               kind->name);
		error_hint(e, "check which dataset the path names");
	} else if (!rc && kind && kind->version != d->listing.version) {
		rc = error_set(e, CBTM_ERR_BAD_STORE, dir,
		               "kind '%s' version %" PRIu32 ", this cbtm reads version %" PRIu32,
		               kind->name, d->listing.version, kind->version);
		error_hint(e, "use the cbtm that wrote it, or run its stage again");
	}
	if (rc)
		dataset_close(d);
	else
		*dataset = d;
	return rc;
}

void dataset_close(struct dataset *d)
{
	if (!d)
		return;
	arena_free(d->arena);
	free(d);
}

const char *dataset_dir(const struct dataset *d)
{
	return d->dir;
}
const char *dataset_kind(const struct dataset *d)
{
	return d->listing.kind;
}
uint32_t dataset_parts(const struct dataset *d)
{
	return d->listing.n;
}
struct digest dataset_fingerprint(const struct dataset *d)
{
	return d->listing.fingerprint;
}
struct digest dataset_content(const struct dataset *d)
{
	return d->listing.content;
}

struct digest dataset_part_fingerprint(const struct dataset *d, uint32_t part)
{
	return part < d->listing.n ? d->listing.parts[part].fingerprint : (struct digest){ 0, 0 };
}

static int check_number(const struct dataset *d, uint32_t part, struct cbtm_error *e)
{
	return part < d->listing.n ? 0
	                           : (int)error_set(e, CBTM_ERR_INTERNAL, d->dir,
	                                            "part %" PRIu32 " of %" PRIu32, part, d->listing.n);
}

/* A part that was sealed anew since the dataset was is another one. */
static int check_listed(const struct dataset *d, uint32_t part, struct digest fingerprint,
                        struct digest content, const char *path, struct cbtm_error *e)
{
	const struct listed_part *p = &d->listing.parts[part];
	if (digest_equal(p->fingerprint, fingerprint) && digest_equal(p->content, content))
		return 0;
	return error_set(e, CBTM_ERR_BAD_STORE, path,
	                 "the part is not the one that DATASET.json lists");
}

int dataset_part(const struct dataset *d, uint32_t part, struct store **s, struct cbtm_error *e)
{
	*s = NULL;
	int rc = check_number(d, part, e);
	if (!rc)
		rc = store_open(d->dir, part, store_kind_find(d->listing.kind), s, e);
	if (!rc)
		rc = check_listed(d, part, store_fingerprint(*s), store_content(*s), store_path(*s), e);
	if (rc) {
		store_close(*s);
		*s = NULL;
	}
	return rc;
}

int dataset_rows(const struct dataset *d, const char *column, uint64_t *rows, struct cbtm_error *e)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < d->listing.n; i++) {
		uint64_t n = 0;
		if (!listing_rows(&d->listing.parts[i], column, &n))
			return error_set(e, CBTM_ERR_BAD_STORE, d->dir, "part %" PRIu32 " has no column '%s'",
			                 i, column);
		sum += n;
	}
	*rows = sum;
	return 0;
}

static int add_fact(const struct dataset *d, uint32_t part, const char *fact, uint64_t *sum,
                    struct cbtm_error *e)
{
	struct part_files files;
	struct manifest m;
	uint64_t v = 0;
	struct arena *a = arena_new(e);
	int rc = a ? part_files(d->dir, part, a, &files, e) : (int)e->name;
	if (!rc)
		rc = manifest_read(files.manifest, a, &m, e);
	if (!rc)
		rc = check_listed(d, part, m.fingerprint, m.content, files.manifest, e);
	const char *json = rc ? NULL : manifest_fact_json(&m, fact);
	if (!rc && (!json || !number_parse_u64(json, strlen(json), &v)))
		rc = error_set(e, CBTM_ERR_BAD_STORE, files.manifest, "the part has no count '%s'", fact);
	if (!rc && __builtin_add_overflow(*sum, v, sum))
		rc = error_set(e, CBTM_ERR_BAD_STORE, files.manifest, "the count '%s' overflows", fact);
	arena_free(a);
	return rc;
}

int dataset_sum(const struct dataset *d, const char *fact, uint64_t *sum, struct cbtm_error *e)
{
	int rc = 0;
	*sum = 0;
	for (uint32_t i = 0; !rc && i < d->listing.n; i++)
		rc = add_fact(d, i, fact, sum, e);
	return rc;
}

/* ---------------------------------------------------------------- sealing */

struct digest dataset_fingerprint_of(const struct digest *parts, uint32_t n)
{
	/* digest_begin fails only without memory, where nothing else goes on either. */
	struct cbtm_error e = { 0 };
	struct digest all = { 0, 0 };
	struct digest_stream *s = digest_begin(&e);
	if (!s)
		return all;
	digest_text(s, "cbtm dataset");
	digest_u64(s, n);
	for (uint32_t i = 0; i < n; i++) {
		digest_u64(s, parts[i].high);
		digest_u64(s, parts[i].low);
	}
	all = digest_now(s);
	digest_end(s);
	return all;
}

/* Reads a part's manifest if the part is sealed: its file is there with the size told. */
static bool read_sealed(const char *dir, uint32_t part, struct arena *a, struct part_files *files,
                        struct manifest *m)
{
	struct cbtm_error ignored = { 0 };
	return !part_files(dir, part, a, files, &ignored) && file_exists(files->manifest) &&
	       !manifest_read(files->manifest, a, m, &ignored) &&
	       !verify_file(files->store, m->file_bytes, m->file, STORE_VERIFY_SIZE, &ignored);
}

bool dataset_has_part(const char *dir, uint32_t part, struct digest fingerprint)
{
	struct cbtm_error ignored = { 0 };
	struct part_files files;
	struct manifest m;
	struct arena *a = arena_new(&ignored);
	bool has =
		a && read_sealed(dir, part, a, &files, &m) && digest_equal(m.fingerprint, fingerprint);
	arena_free(a);
	return has;
}

bool dataset_is_complete(const char *dir, struct digest fingerprint)
{
	struct cbtm_error ignored = { 0 };
	struct dataset *d = NULL;
	bool complete =
		!dataset_open(dir, NULL, &d, &ignored) && digest_equal(d->listing.fingerprint, fingerprint);
	for (uint32_t i = 0; complete && i < d->listing.n; i++)
		complete = dataset_has_part(dir, i, d->listing.parts[i].fingerprint);
	dataset_close(d);
	return complete;
}

static int take_part(const char *dir, const struct store_kind *kind, uint32_t part,
                     struct digest fingerprint, struct arena *a, struct listed_part *listed,
                     struct cbtm_error *e)
{
	struct part_files files;
	struct manifest m;
	int rc = part_files(dir, part, a, &files, e);
	if (!rc)
		rc = manifest_read(files.manifest, a, &m, e);
	if (!rc)
		rc = verify_file(files.store, m.file_bytes, m.file, STORE_VERIFY_SIZE, e);
	if (!rc && !digest_equal(m.fingerprint, fingerprint))
		rc = error_set(e, CBTM_ERR_BAD_STORE, files.manifest,
		               "the part was made from other inputs or parameters than the dataset");
	if (!rc && (strcmp(m.kind, kind->name) || m.version != kind->version))
		rc = error_set(e, CBTM_ERR_BAD_STORE, files.manifest, "the part is of kind '%s', not '%s'",
		               m.kind, kind->name);
	return rc ? rc : listing_take(&m, a, listed, e);
}

int dataset_seal(const char *dir, const struct store_kind *kind, const struct digest *fingerprints,
                 uint32_t n, struct cbtm_error *e)
{
	struct listing l = { .kind = kind->name,
		                 .version = kind->version,
		                 .fingerprint = dataset_fingerprint_of(fingerprints, n),
		                 .n = n };
	struct arena *a = arena_new(e);
	int rc = a ? 0 : (int)e->name;
	if (!rc && !(l.parts = arena_take(a, (n + (size_t)1) * sizeof l.parts[0], e)))
		rc = e->name;
	for (uint32_t i = 0; !rc && i < n; i++)
		rc = take_part(dir, kind, i, fingerprints[i], a, &l.parts[i], e);
	if (!rc)
		rc = fault_point("dataset.seal", e);
	if (!rc)
		rc = listing_write(dir, &l, e);
	arena_free(a);
	return rc;
}
