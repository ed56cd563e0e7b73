/* SPDX-License-Identifier: MIT */
/*
 * The readers of vocab.json and merges.txt, which stand one after the other with a line "%%%"
 * between. What is accepted encodes any text and decodes it to the same.
 */
#include "base/error.h"
#include "fuzz.h"
#include "text/bpe.h"
#include <string.h>

static const enum cbtm_error_name refusals[] = { CBTM_ERR_BAD_JSON, CBTM_ERR_BAD_DATA,
	                                             CBTM_ERR_BAD_UTF8, CBTM_OK };

static void check(const struct bpe *b, const uint8_t *text, size_t n)
{
	struct cbtm_error e = { 0 };
	struct bpe_encoder *c = bpe_encoder_new(b, &e);
	struct bpe_ids ids = { 0 };
	struct buffer back = { 0 };

	for (uint32_t i = 0; i < b->merges; i++)
		fuzz_require(b->merge[i][0] < b->size && b->merge[i][1] < b->size && b->merged[i] < b->size,
		             "merges are of symbols");
	fuzz_require(b->eod < b->size, "there is an end of documents");
	fuzz_require(!bpe_encode(c, (const char *)text, n, &ids, &e), "any text is encoded");
	fuzz_require(!bpe_decode(b, ids.v, ids.n, &back, &e), "ids are decoded");
	fuzz_require(back.n == n && (!n || !memcmp(back.data, text, n)), "the text comes back");
	bpe_ids_free(&ids);
	buffer_free(&back);
	bpe_encoder_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *all = data;
	size_t all_n = n;
	struct fuzz_piece vocab = fuzz_piece(&data, &n, "\n%%%\n");
	struct fuzz_piece merges = fuzz_piece(&data, &n, "\n%%%\n");
	struct fuzz_file first = fuzz_file_open(vocab.data, vocab.n);
	struct fuzz_file second = fuzz_file_open(merges.data, merges.n);
	struct cbtm_error e = { 0 };
	const struct bpe_choice choice = { .eod = "", .bos = "" };
	struct bpe *b = NULL;

	bpe_import(first.path, second.path, &choice, &b, &e);
	fuzz_expect(&e, refusals);
	fuzz_require(!e.name == !!b, "there is a vocabulary or an error");
	if (b)
		check(b, all, all_n);
	bpe_free(b);
	fuzz_file_close(&first);
	fuzz_file_close(&second);
	return 0;
}
