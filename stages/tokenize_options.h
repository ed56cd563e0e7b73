/* SPDX-License-Identifier: MIT */
/* The options of tokenize. */
#pragma once
#include "text/reading.h"
#include "text/vocabulary.h"
#include <cbtm/param.h>

enum { DIGESTS = 1, DUPLICATES = 2, DOCUMENTS = 4, VOCABULARY = 8 }; /* used_by: tasks in order */
enum { ROWS = DIGESTS | DOCUMENTS };

struct options {
	struct cbtm_texts input;
	struct reading_rules rules;
	int deduplicate;
	uint64_t part_bytes;
	struct vocabulary_rules vocabulary;
};

#define AT(field) offsetof(struct options, field)
static const struct cbtm_param params[] = {
	{ "input", CBTM_PARAM_TEXTS, AT(input), NULL, 0, 0, NULL,
	  "files, folders or globs of the corpus; plain, .gz or .zst; -: standard input",
	  CBTM_PARAM_REQUIRED | CBTM_PARAM_PATH | CBTM_PARAM_NO_RESULT, ROWS },
	{ "format", CBTM_PARAM_CHOICE, AT(rules.document.format), "jsonl", 0, 0, "jsonl|lines|text",
	  "a document is a JSON object a line, a line, or a file", 0, ROWS },
	{ "text", CBTM_PARAM_TEXT, AT(rules.document.text), "text", 0, 0, NULL,
	  "field of the text (dotted path)", 0, ROWS },
	{ "id", CBTM_PARAM_TEXT, AT(rules.document.id), "id", 0, 0, NULL,
	  "field of the id, a string or an integer; where missing, the text's digest", 0, ROWS },
	{ "meta", CBTM_PARAM_TEXT, AT(rules.document.meta), "meta", 0, 0, NULL,
	  "field of the metadata; several, with commas between, are put into one object", 0,
	  DOCUMENTS },
	{ "split.field", CBTM_PARAM_TEXT, AT(rules.document.split_field), "", 0, 0, NULL,
	  "field with train, valid or test; without one the id decides", 0, ROWS },
	{ "split.valid", CBTM_PARAM_REAL, AT(rules.document.valid), "0.02", 0, 1, NULL,
	  "share of the documents on which choices are made", 0, DOCUMENTS },
	{ "split.test", CBTM_PARAM_REAL, AT(rules.document.test), "0.02", 0, 1, NULL,
	  "share of the documents on which results are measured", 0, DOCUMENTS },
	{ "split.seed", CBTM_PARAM_REAL, AT(rules.document.seed), "0.75", 0, 1, NULL,
	  "share of the train documents that the seed model sees; 0 with an imported seed", 0,
	  DOCUMENTS },
	{ "random_seed", CBTM_PARAM_COUNT, AT(rules.document.split_seed), "1", 0, 0, NULL,
	  "seed of the split", 0, DOCUMENTS },
	{ "deduplicate", CBTM_PARAM_BOOL, AT(deduplicate), "false", 0, 0, NULL,
	  "leave out documents whose text an earlier one has (reads the corpus twice)",
	  CBTM_PARAM_NO_RESULT, DOCUMENTS },
	{ "bad_input", CBTM_PARAM_CHOICE, AT(rules.bad_input), "abort", 0, 0, "abort|skip|quarantine",
	  "what becomes of broken lines: an error, left out, or left out and kept in a file",
	  CBTM_PARAM_NO_RESULT, ROWS },
	{ "bad_lines", CBTM_PARAM_COUNT, AT(rules.bad_lines), "1000", 0, 0, NULL,
	  "lines of a part that may be left out, or repaired where their UTF-8 is invalid",
	  CBTM_PARAM_NO_RESULT, ROWS },
	{ "line_bytes", CBTM_PARAM_COUNT, AT(rules.line_bytes), "64Mi", 1, 1 << 30, NULL,
	  "bytes of the longest line (or file of format text): a longer one is bad input", 0, ROWS },
	{ "part_bytes", CBTM_PARAM_COUNT, AT(part_bytes), "1Gi", 1, 0x1p50, NULL,
	  "bytes of input files that make a part", CBTM_PARAM_NO_RESULT, ROWS },
	{ "vocabulary.size", CBTM_PARAM_COUNT, AT(vocabulary.size), "4096", 257, 1 << 24, NULL,
	  "tokens of a vocabulary trained on the corpus", 0, VOCABULARY },
	{ "vocabulary.min_frequency", CBTM_PARAM_COUNT, AT(vocabulary.min_frequency), "0", 0, 0, NULL,
	  "trained: a pair that occurs less often is not merged", 0, VOCABULARY },
	{ "vocabulary.special", CBTM_PARAM_TEXTS, AT(vocabulary.special), "[<|endoftext|>]", 0, 0, NULL,
	  "trained: special tokens, which get the first ids", 0, VOCABULARY },
	{ "vocabulary.vocab", CBTM_PARAM_TEXT, AT(vocabulary.vocab), "", 0, 0, NULL,
	  "vocab.json to import instead", CBTM_PARAM_PATH, VOCABULARY },
	{ "vocabulary.merges", CBTM_PARAM_TEXT, AT(vocabulary.merges), "", 0, 0, NULL,
	  "merges.txt beside it", CBTM_PARAM_PATH, VOCABULARY },
	{ "vocabulary.tokenizer", CBTM_PARAM_TEXT, AT(vocabulary.tokenizer), "", 0, 0, NULL,
	  "tokenizer.json to import instead (a byte-level BPE), or the folder of a vocabulary that "
	  "cbtm "
	  "import or another pipeline made",
	  CBTM_PARAM_PATH, VOCABULARY },
	{ "vocabulary.match_special", CBTM_PARAM_BOOL, AT(vocabulary.match_special), "false", 0, 0,
	  NULL, "special tokens are found in text too; else their names are ordinary text", 0,
	  VOCABULARY },
	{ "vocabulary.eod", CBTM_PARAM_TEXT, AT(vocabulary.eod), "", 0, 0, NULL,
	  "special token that ends a document (default <|endoftext|>, else </s>)", 0, VOCABULARY },
	{ "vocabulary.bos", CBTM_PARAM_TEXT, AT(vocabulary.bos), "", 0, 0, NULL,
	  "special token that begins a text, if any", 0, VOCABULARY },
	CBTM_PARAM_END
};
