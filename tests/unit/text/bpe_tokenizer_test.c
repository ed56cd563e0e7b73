/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/json.h"
#include "scratch.h"
#include "text/bpe.h"
#include "text/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A tokenizer.json: the 256 bytes have the ids 0 to 255, "ab" 256, "abc" 257, "</s>" 258. */
struct file {
	const char *added, *before; /* JSON; fields in front of "model" */
	const char *model, *vocab;  /* more fields of the model; more of its vocabulary */
	const char *merges;
};

static const struct file plain = {
	"{\"id\":258,\"content\":\"</s>\",\"special\":true,\"normalized\":false}",
	"\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,"
	"\"use_regex\":true},",
	"\"type\":\"BPE\",\"continuing_subword_prefix\":\"\",\"unk_token\":null,\"fuse_unk\":false,",
	",\"</s>\":258",
	"[\"a b\",[\"ab\",\"c\"]]",
};

static void write_file(void **state, const struct file *f)
{
	struct buffer b = { 0 };
	struct cbtm_error e = { 0 };
	buffer_printf(&b, &e, "{\"version\":\"1.0\",\"added_tokens\":[%s],%s\"model\":{%s\"vocab\":{",
	              f->added, f->before, f->model);
	for (unsigned i = 0; i < 256; i++) {
		char point[5] = "";
		utf8_put(bpe_byte_point((unsigned char)i), point);
		buffer_printf(&b, &e, "%s\"%s%s\":%u", i ? "," : "", strchr("\"\\", point[0]) ? "\\" : "",
		              point, i);
	}
	buffer_printf(&b, &e, ",\"ab\":256,\"abc\":257%s},\"merges\":%s}}", f->vocab, f->merges);
	file_replace(scratch_path(state, "tokenizer.json"), b.data, b.n, &e);
	assert_int_equal(e.name, 0);
	buffer_free(&b);
}

static struct bpe *import(void **state, const struct file *f, struct cbtm_error *e)
{
	static const struct bpe_choice choice = { .eod = "", .bos = "" };
	struct bpe *b;
	if (f)
		write_file(state, f);
	bpe_import_tokenizer(scratch_path(state, "tokenizer.json"), &choice, &b, e);
	return b;
}

static void test_both_spellings_of_merges_are_read(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *b = import(state, &plain, &e);
	assert_string_equal(e.what, "");
	assert_int_equal(b->size, 259);
	assert_int_equal(b->merges, 2);
	assert_int_equal(b->merged[1], 257);
	assert_int_equal(b->eod, 258);
	assert_int_equal(b->bos, BPE_NONE);
	assert_int_equal(b->symbol[258].added, BPE_ADDED);
	assert_null(b->added);
	assert_false(b->prefix_space);
	assert_non_null(strstr(b->source_digest.data, "xxh3-128:"));
	bpe_free(b);
}

static void test_added_tokens_have_their_flags(void **state)
{
	struct cbtm_error e = { 0 };
	struct file f = plain;
	f.added = "{\"id\":258,\"content\":\"</s>\",\"special\":true,\"normalized\":false},"
			  "{\"id\":259,\"content\":\"<x>\",\"lstrip\":true,\"rstrip\":true,"
			  "\"single_word\":true,\"normalized\":true,\"special\":false},"
			  "{\"id\":257,\"content\":\"abc\",\"normalized\":false,\"special\":false}";
	struct bpe *b = import(state, &f, &e);
	assert_string_equal(e.what, "");
	assert_int_equal(b->size, 260);
	assert_int_equal(b->symbol[259].added,
	                 BPE_ADDED | BPE_LSTRIP | BPE_RSTRIP | BPE_SINGLE_WORD | BPE_NORMALIZED);
	assert_false(b->symbol[259].special);
	assert_int_equal(b->symbol[257].added, BPE_ADDED | BPE_PIECE);
	assert_non_null(b->added);
	bpe_free(b);
}

static void test_the_post_processor_names_the_ends(void **state)
{
	static const char roberta[] = "\"post_processor\":{\"type\":\"RobertaProcessing\","
								  "\"sep\":[\"</s>\",258],\"cls\":[\"<s>\",259]},";
	static const char sequence[] =
		"\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},"
		"{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"B\",\"type_id\":"
		"0}"
		"},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{\"B\":{"
		"\"id\":\"B\",\"ids\":[259],\"tokens\":[\"<s>\"]}}}]},";
	const char *const post[] = { roberta, sequence };
	for (int i = 0; i < 2; i++) {
		struct cbtm_error e = { 0 };
		char before[1024];
		struct file f = plain;
		f.added = "{\"id\":258,\"content\":\"</s>\",\"special\":true},"
				  "{\"id\":259,\"content\":\"<s>\",\"special\":true}";
		snprintf(before, sizeof before, "%s%s", plain.before, post[i]);
		f.before = before;
		struct bpe *b = import(state, &f, &e);
		assert_string_equal(e.what, "");
		assert_int_equal(b->eod, 258);
		assert_int_equal(b->bos, 259);
		bpe_free(b);
	}
}

static void test_a_space_in_front_is_taken_over(void **state)
{
	struct cbtm_error e = { 0 };
	struct file f = plain;
	f.before = "\"pre_tokenizer\":{\"type\":\"ByteLevel\"},"; /* true, if it is not said */
	struct bpe *b = import(state, &f, &e);
	assert_true(b->prefix_space);
	bpe_free(b);
}

static void refused(void **state, const struct file *f, const char *what)
{
	struct cbtm_error e = { 0 };
	assert_null(import(state, f, &e));
	assert_int_not_equal(e.name, 0);
	if (!strstr(e.what, what) && !strstr(e.where, what))
		print_error("\"%s\" expected, got: %s: %s\n", what, e.where, e.what);
	assert_true(strstr(e.what, what) || strstr(e.where, what));
	assert_non_null(strstr(e.where, "tokenizer.json"));
}

static void test_what_is_not_supported_is_named_with_its_value(void **state)
{
	static const char *const before[][2] = {
		{ "\"normalizer\":{\"type\":\"NFC\"},", "normalizer is {\"type\":\"NFC\"}" },
		{ "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"x\"}},",
		  "pre_tokenizer is {\"type\":\"Split\"" },
		{ "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"use_regex\":false},", "use_regex" },
		{ "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":3},",
		  "pre_tokenizer.add_prefix_space is 3" },
		{ "\"pre_tokenizer\":null,", "pre_tokenizer" },
		{ "", "pre_tokenizer is missing" },
		{ "\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"WordPiece\"},",
		  "decoder is" },
		{ "\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"post_processor\":{\"type\":\"New\"},",
		  "post_processor is" },
		{ "\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"surprise\":1,", "surprise is no field" },
		{ "\"normalizer\":null,\"normalizer\":null,", "normalizer is there twice" },
	};
	static const char *const model[][2] = {
		{ "\"type\":\"WordPiece\",", "model.type is \"WordPiece\"" },
		{ "\"type\":\"Unigram\",", "model.type is \"Unigram\"" },
		{ "\"dropout\":0.1,", "model.dropout is 0.1" },
		{ "\"unk_token\":3,", "model.unk_token is 3" },
		{ "\"continuing_subword_prefix\":\"##\",", "model.continuing_subword_prefix is \"##\"" },
		{ "\"end_of_word_suffix\":\"</w>\",", "model.end_of_word_suffix is \"</w>\"" },
		{ "\"fuse_unk\":3,", "model.fuse_unk is 3" },
		{ "\"byte_fallback\":\"\",", "model.byte_fallback is \"\"" },
		{ "\"ignore_merges\":3,", "model.ignore_merges is 3" },
	};
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		struct file f = plain;
		f.before = before[i][0];
		refused(state, &f, before[i][1]);
	}
	for (size_t i = 0; i < sizeof model / sizeof *model; i++) {
		struct file f = plain;
		f.model = model[i][0];
		refused(state, &f, model[i][1]);
	}
}

/* No byte is unknown, and a merge whose part nothing makes is never reached. */
static void test_what_changes_no_id_is_no_reason_to_refuse(void **state)
{
	struct file f = plain;
	struct cbtm_error e = { 0 };
	struct bpe_ids ids = { 0 };
	f.model = "\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,";
	struct bpe *b = import(state, &f, &e);
	assert_string_equal(e.what, "");
	bpe_free(b);
	f = plain;
	f.vocab = ",\"</s>\":258,\"bc\":259";
	f.merges = "[[\"a\",\"bc\"],[\"a\",\"b\"]]";
	b = import(state, &f, &e);
	assert_string_equal(e.what, "");
	struct bpe_encoder *c = bpe_encoder_new(b, &e);
	assert_int_equal(bpe_encode(c, "abc", 3, &ids, &e), 0);
	assert_int_equal(ids.n, 2);
	assert_int_equal(ids.v[0], 256);
	assert_int_equal(ids.v[1], b->byte['c']);
	bpe_ids_free(&ids);
	bpe_encoder_free(c);
	bpe_free(b);
}

#define SPLIT(rest) "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" rest "}"
#define SEQUENCE(list) "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[" list "]},"
#define LEVEL(flags) "{\"type\":\"ByteLevel\",\"trim_offsets\":true," flags "}"
#define GPT2                                                                                       \
	"| ?\\\\p{L}+| ?\\\\p{N}+| ?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":"
#define LONG "'s|'t|'re|'ve|'m|'ll|'d" GPT2
#define SHORT "'(?:[sdmt]|ll|ve|re)" GPT2
#define AS_IT_IS "\"add_prefix_space\":false"

static void test_what_cuts_a_text_alike_is_the_same(void **state)
{
	static const char *const same[] = {
		SEQUENCE(LEVEL(AS_IT_IS)),
		SEQUENCE(
			SPLIT(LONG "\"Isolated\",\"invert\":false") "," LEVEL(AS_IT_IS ",\"use_regex\":false")),
		SEQUENCE(
			SPLIT(SHORT "\"Isolated\",\"invert\":false") "," LEVEL(AS_IT_IS ",\"use_regex\":true")),
		SEQUENCE(SPLIT(LONG "\"Removed\",\"invert\":true") "," LEVEL(AS_IT_IS)),
		SEQUENCE(LEVEL(AS_IT_IS)) "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[]},",
		SEQUENCE(LEVEL(AS_IT_IS)) "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" LEVEL(
			AS_IT_IS) "]},",
	};
	static const char *const others[] = {
		SEQUENCE(""),
		SEQUENCE(LEVEL(AS_IT_IS) "," LEVEL(AS_IT_IS)),
		SEQUENCE(LEVEL(AS_IT_IS ",\"use_regex\":false")),
		SEQUENCE(SPLIT(LONG "\"Removed\",\"invert\":false") "," LEVEL(AS_IT_IS)),
		SEQUENCE(SPLIT(LONG "\"Isolated\",\"invert\":true") "," LEVEL(AS_IT_IS)),
		SEQUENCE(SPLIT(LONG "\"MergedWithNext\",\"invert\":false") "," LEVEL(AS_IT_IS)),
		SEQUENCE(SPLIT("x|" LONG "\"Isolated\",\"invert\":false") "," LEVEL(AS_IT_IS)),
		SEQUENCE(
			SPLIT(LONG "\"Isolated\",\"invert\":false") "," LEVEL("\"add_prefix_space\":true")),
		SEQUENCE(SPLIT(LONG "\"Isolated\",\"invert\":false")),
	};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		struct cbtm_error e = { 0 };
		struct file f = plain;
		f.before = same[i];
		struct bpe *b = import(state, &f, &e);
		assert_string_equal(e.what, "");
		assert_false(b->prefix_space);
		bpe_free(b);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct file f = plain;
		f.before = others[i];
		refused(state, &f, "pre_tokenizer is {\"type\":\"Sequence\"");
	}
}

/* "cd" is a token that merges do not make: with ignore_merges it is one. "c d" is no piece of a text,
 * and one byte of two is no text. */
static void test_ignored_merges_are_refused_where_they_make_a_difference(void **state)
{
	struct cbtm_error e = { 0 };
	struct file f = plain;
	f.model = "\"type\":\"BPE\",\"ignore_merges\":true,";
	f.vocab = ",\"</s>\":258,\"c\u0120d\":259,\"\u00c3\u00c3\":260";
	struct bpe *b = import(state, &f, &e);
	assert_string_equal(e.what, "");
	bpe_free(b);
	f.vocab = ",\"</s>\":258,\"cd\":259";
	refused(state, &f, "merges do not make the token \"cd\"");
	f.model = plain.model;
	b = import(state, &f, &e);
	assert_string_equal(e.what, "");
	bpe_free(b);
}

static void test_hostile_vocabularies_are_refused_by_entry(void **state)
{
	static const char *const vocab[][2] = {
		{ ",\"x\\u0100\":2147483648", "too large" },
		{ ",\"xx\":1e30", "not an integer" },
		{ ",\"xx\":-1", "not an integer" },
		{ ",\"xx\":258.0", "not an integer" },
		{ ",\"xx\":7", "\"xx\" has the id 7 of another token" },
		{ ",\"ab\":300", "\"ab\" is there twice" },
		{ ",\"\":300", "empty name" },
		{ ",\"xx\":7", "tokenizer.json: model.vocab" },
	};
	static const char *const merges[][2] = {
		{ "[\"a b\",\"ab c\",\"abc d\"]", "model.merges[2]" },
		{ "[\"a b\",\"zz a\"]", "no token \"zz\"" },
		{ "[\"a b\",\"a b\"]", "merges[1], of \"a\" and \"b\", is there twice" },
		{ "[\"ab\"]", "not two tokens" },
		{ "[[\"a\",\"b\",\"c\"]]", "a merge is of two tokens" },
		{ "[7]", "a merge is of two tokens" },
		{ "{}", "model.merges is {}" },
	};
	static const char *const added[][2] = {
		{ "{\"id\":4000000000,\"content\":\"<x>\"}", "added_tokens[0].id is 4000000000" },
		{ "{\"id\":258}", "added_tokens[0]" },
		{ "{\"id\":97,\"content\":\"a\",\"special\":true}", "is special" },
		{ "{\"id\":0,\"content\":\"\\u0100\"}", "other bytes" },
		{ "3", "added_tokens[0]" },
	};
	for (size_t i = 0; i < sizeof vocab / sizeof *vocab; i++) {
		struct file f = plain;
		f.vocab = vocab[i][0];
		refused(state, &f, vocab[i][1]);
	}
	for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
		struct file f = plain;
		f.merges = merges[i][0];
		refused(state, &f, merges[i][1]);
	}
	for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
		struct file f = plain;
		f.added = added[i][0];
		refused(state, &f, added[i][1]);
	}
}

static void write_text(void **state, const char *text, size_t n)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(file_replace(scratch_path(state, "tokenizer.json"), text, n, &e), 0);
}

static void test_files_that_are_cut_or_nested_are_refused(void **state)
{
	struct buffer whole = { 0 };
	struct cbtm_error e = { 0 };
	char deep[4096];
	write_file(state, &plain);
	assert_int_equal(file_read(scratch_path(state, "tokenizer.json"), 1 << 20, &whole, &e), 0);
	for (size_t n = 0; n < whole.n; n += n < 400 ? 1 : 97) {
		write_text(state, whole.data, n);
		refused(state, NULL, "");
	}
	memset(deep, '[', sizeof deep);
	write_text(state, deep, sizeof deep);
	refused(state, NULL, "");
	write_text(state, "{\"version\":\"\xff\"}", 15);
	refused(state, NULL, "UTF-8");
	assert_null(import(state, NULL, &e));
	assert_non_null(strstr(e.hint, "damaged"));
	write_text(state, "[]", 2);
	refused(state, NULL, "the file is no object");
	buffer_free(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_spellings_of_merges_are_read, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_added_tokens_have_their_flags, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_the_post_processor_names_the_ends, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_space_in_front_is_taken_over, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_is_not_supported_is_named_with_its_value,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_cuts_a_text_alike_is_the_same, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(
			test_ignored_merges_are_refused_where_they_make_a_difference, scratch_make,
			scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_changes_no_id_is_no_reason_to_refuse,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_hostile_vocabularies_are_refused_by_entry,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_files_that_are_cut_or_nested_are_refused, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
