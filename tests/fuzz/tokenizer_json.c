/* SPDX-License-Identifier: MIT */
/*
 * The reader of tokenizer.json, which stands before a line "%%%" and a text. It is refused, or it
 * encodes the text with its added tokens to ids that it has; without them, decoding gives the text.
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

	fuzz_require(b->eod < b->size && (b->bos == BPE_NONE || b->bos < b->size),
	             "ends of texts are symbols");
	fuzz_require(!bpe_encode(c, (const char *)text, n, &ids, &e), "any text is encoded");
	for (size_t i = 0; i < ids.n; i++)
		fuzz_require(ids.v[i] < b->size, "ids are those of symbols");
	fuzz_require(!bpe_decode(b, ids.v, ids.n, &back, &e), "ids are decoded");
	ids.n = 0;
	back.n = 0;
	fuzz_require(!bpe_encode_plain(c, (const char *)text, n, &ids, &e) &&
	                 !bpe_decode(b, ids.v, ids.n, &back, &e) && back.n == n &&
	                 (!n || !memcmp(back.data, text, n)),
	             "the text comes back where no token is looked for");
	bpe_ids_free(&ids);
	buffer_free(&back);
	bpe_encoder_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct bpe_choice choice = { .eod = "", .bos = "", .match_special = n % 2 };
	struct fuzz_piece json = fuzz_piece(&data, &n, "\n%%%\n");
	struct fuzz_file f = fuzz_file_open(json.data, json.n);
	struct cbtm_error e = { 0 };
	struct bpe *b = NULL;

	bpe_import_tokenizer(f.path, &choice, &b, &e);
	fuzz_expect(&e, refusals);
	fuzz_require(!e.name == !!b, "there is a vocabulary or an error");
	if (b)
		check(b, data, n);
	bpe_free(b);
	fuzz_file_close(&f);
	return 0;
}
