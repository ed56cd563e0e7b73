/* SPDX-License-Identifier: MIT */
/*
 * A sealed part whose manifest was forged: the input is a list of edits (position, bytes to remove,
 * bytes to put there) of the true one, which is then signed anew. It is refused, or its rows can be
 * read; each stage of reading ends in BAD_STORE at worst.
 */
#include "store/store.h"
#include "base/error.h"
#include "base/file.h"
#include "fuzz.h"
#include "store/manifest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 300 };

static const enum cbtm_error_name refusals[] = { CBTM_ERR_BAD_STORE, CBTM_ERR_BAD_JSON, CBTM_OK };
static char folder[] = "/tmp/cbtm-fuzz-XXXXXX";
static char manifest_path[64];

static void leave(void)
{
	struct cbtm_error e = { 0 };

	folder_remove(folder, &e);
}

/* A part of kind "state" with a column of every shape; returns its manifest without the last line. */
static struct buffer true_manifest(void)
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	struct store_writer *w = NULL;

	fuzz_require(mkdtemp(folder) && !atexit(leave), "there is a folder");
	snprintf(manifest_path, sizeof manifest_path, "%s/part-00000.json", folder);
	store_set_verify(STORE_VERIFY_FULL);
	store_create(folder, 0, store_kind_find("state"), (struct digest){ 1, 2 }, &w, &e);
	store_add_column(w, "fixed", STORE_U32, STORE_FIXED, 3, &e);
	store_add_column(w, "variable", STORE_U8, STORE_VARIABLE, 0, &e);
	store_add_column(w, "tensor", STORE_F32, STORE_TENSOR, 16, &e);
	for (uint32_t i = 0; i < ROWS; i++) {
		float tensor[16] = { (float)i };
		store_append(w, "fixed", (uint32_t[]){ i, 2 * i, 3 * i }, 1, &e);
		store_append_row(w, "variable", "some bytes of some length", i % 25, &e);
		store_append(w, "tensor", tensor, 1, &e);
	}
	store_set_u64(w, "number", 17, &e);
	store_set_text(w, "text", "a \"fact\"", &e);
	fuzz_require(!store_seal(w, &e) && !file_read(manifest_path, 1 << 20, &text, &e),
	             "a part is made");
	while (--text.n && text.data[text.n - 1] != '\n')
		;
	return text;
}

static void read_column(const struct store *s, const struct store_column_info *c)
{
	struct cbtm_error e = { 0 };
	struct store_reader *r = NULL;
	const void *data = NULL;
	uint64_t n = 0;

	if (!store_reader_open(s, c->name, &r, &e)) {
		for (uint64_t row = 0; c->shape != STORE_TENSOR && row < c->rows && !e.name; row += 97)
			store_read_row(r, row, &data, &n, &e);
		if (c->shape != STORE_VARIABLE && c->rows && !e.name)
			store_map_rows(r, c->rows - 1, &data, &n, &e);
	}
	store_reader_close(r);
	fuzz_expect(&e, refusals);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct buffer original;
	struct buffer text = { 0 };
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	struct store_column_info c;
	FILE *f;

	if (!original.n)
		original = true_manifest();
	buffer_add(&text, original.data, original.n, &e);
	while (n >= 4) {
		size_t at = (size_t)(fuzz_byte(&data, &n) << 8 | fuzz_byte(&data, &n)) % (text.n + 1);
		size_t less = fuzz_byte(&data, &n), more = fuzz_byte(&data, &n) & 63;

		less = less < text.n - at ? less : text.n - at;
		more = more < n ? more : n;
		buffer_reserve(&text, more, &e);
		memmove(text.data + at + more, text.data + at + less, text.n - at - less);
		memcpy(text.data + at, data, more);
		text.n += more - less;
		data += more;
		n -= more;
	}
	if (!text.n)
		buffer_text(&text, "\n", &e);
	manifest_sign(&text, &e);
	f = fopen(manifest_path, "wb");
	fuzz_require(f && fwrite(text.data, 1, text.n, f) == text.n && !fclose(f),
	             "the manifest is written");
	store_open(folder, 0, NULL, &s, &e);
	fuzz_expect(&e, refusals);
	for (size_t i = 0; s && i < store_column_count(s); i++)
		if (!store_column_at(s, i, &c, &e))
			read_column(s, &c);
	store_close(s);
	buffer_free(&text);
	return 0;
}
