/* SPDX-License-Identifier: MIT */
/*
 * The reader of a document from a line. The first byte chooses the rules, the others are the line.
 * What is read is valid UTF-8 and JSON; written as a line and read again it is the same.
 */
#include "text/document.h"
#include "base/error.h"
#include "base/json.h"
#include "fuzz.h"
#include "store/split.h"
#include "text/utf8.h"
#include <string.h>

static const enum cbtm_error_name refusals[] = { CBTM_ERR_BAD_JSON, CBTM_ERR_BAD_DATA,
	                                             CBTM_ERR_BAD_UTF8, CBTM_OK };

static bool valid(const struct buffer *b)
{
	return !b->n || utf8_valid_prefix(b->data, b->n) == b->n;
}

static bool same(const struct buffer *a, const struct buffer *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->data, b->data, a->n));
}

static const char *bytes(const struct buffer *b)
{
	return b->n ? b->data : "";
}

/* Metadata are an object that prints as it was read. */
static void check_meta(const struct document *d)
{
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root;
	struct buffer printed = { 0 };

	fuzz_require(!json_parse(p, bytes(&d->meta), d->meta.n, "meta", &root, &e),
	             "metadata are JSON");
	fuzz_require(json_type(root) == JSON_OBJECT, "metadata are an object");
	fuzz_require(!json_print(root, &printed, &e) && same(&printed, &d->meta),
	             "metadata print as they are");
	buffer_free(&printed);
	json_parser_free(p);
}

/* The document as a line of its own, read by the plainest rules. */
static void check_again(struct document_parser *p, const struct document_rules *read,
                        const struct document *d)
{
	struct document_rules rules = { .format = DOCUMENT_JSONL,
		                            .text = "text",
		                            .id = "id",
		                            .meta = "meta",
		                            .split_field = "",
		                            .valid = read->valid,
		                            .test = read->test,
		                            .seed = read->seed,
		                            .split_seed = read->split_seed };
	struct buffer line = { 0 };
	struct document again = { 0 };
	struct cbtm_error e = { 0 };

	json_put_open(&line, '{', &e);
	json_put_key(&line, "id", &e);
	json_put_string(&line, bytes(&d->id), d->id.n, &e);
	json_put_key(&line, "text", &e);
	json_put_string(&line, bytes(&d->text), d->text.n, &e);
	json_put_key(&line, "meta", &e);
	buffer_add(&line, bytes(&d->meta), d->meta.n, &e);
	json_put_close(&line, '}', &e);
	document_read(p, &rules, line.data, line.n, "again", &again, &e);
	fuzz_require(!e.name, "a document written as a line can be read");
	fuzz_require(!again.repaired, "a document written as a line needs no repair");
	fuzz_require(same(&d->text, &again.text), "the text comes back");
	fuzz_require(same(&d->id, &again.id), "the id comes back");
	fuzz_require(same(&d->meta, &again.meta), "the metadata come back");
	fuzz_require(d->key == again.key, "the key comes back");
	if (!*read->split_field)
		fuzz_require(d->split == again.split, "the split comes back");
	buffer_free(&line);
	document_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const fields[] = { "text", "content.text", "", "a.b.c" };
	static struct document_parser *p;
	static struct document d; /* its buffers are used again, as the stage does */
	uint8_t choice = fuzz_byte(&data, &n);
	struct document_rules rules = { .format = choice % 8 < 6 ? DOCUMENT_JSONL : DOCUMENT_LINES,
		                            .text = fields[choice >> 3 & 1],
		                            .id = choice & 0x10 ? "id" : "",
		                            .meta = fields[choice >> 5 & 3],
		                            .split_field = choice & 0x80 ? "split" : "",
		                            .valid = 0.1,
		                            .test = 0.2,
		                            .seed = 0.5,
		                            .split_seed = choice };
	struct cbtm_error e = { 0 };
	struct buffer repaired = { 0 };
	uint64_t replaced = 0;

	if (!p)
		p = document_parser_new(&e);
	document_blank((const char *)data, n);
	document_read(p, &rules, n ? (const char *)data : "", n, "line", &d, &e);
	fuzz_expect(&e, refusals);
	if (!e.name) {
		fuzz_require(valid(&d.text) && valid(&d.id) && valid(&d.meta), "all is valid UTF-8");
		fuzz_require(d.split < SPLIT_COUNT, "there is a split");
		check_meta(&d);
		check_again(p, &rules, &d);
	}
	if (rules.format == DOCUMENT_LINES) {
		fuzz_require(!e.name, "every line is a document");
		utf8_repair(&repaired, n ? (const char *)data : "", n, &replaced, &e);
		repaired.n -= repaired.n && repaired.data[repaired.n - 1] == '\r';
		fuzz_require(same(&d.text, &repaired) && d.repaired == replaced, "a line is its own text");
	}
	buffer_free(&repaired);
	return 0;
}
