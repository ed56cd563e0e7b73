/* SPDX-License-Identifier: MIT */
/* What a code point is: to the byte-level BPE's pre-tokenizer and to the word analyser. */
#pragma once
#include <stdint.h>

enum { UNICODE_POINTS = 0x110000, UNICODE_REPLACEMENT = 0xfffd };

/* The pre-tokenizer's class, the low two bits: \p{L}, \p{N}, \s, none of them; as Hugging Face's
 * tokenizers have them. Surrogates are OTHER. */
enum { UNICODE_LETTER, UNICODE_NUMBER, UNICODE_SPACE, UNICODE_OTHER, UNICODE_CLASS = 3 };
/* The word analyser's flags, as Python 3.11 has them. */
enum {
	UNICODE_WORD = 4,      /* \w of `re`: str.isalnum() or '_' */
	UNICODE_DIGIT = 8,     /* str.isdigit() */
	UNICODE_CASED = 16,    /* cased, and not ignorable */
	UNICODE_IGNORABLE = 32 /* case-ignorable: looked through for a final sigma */
};
/* Hugging Face's \w: beside such a character an added token is no single word. */
enum { UNICODE_JOINS = 64 };

/* A byte of class and flags for each code point below UNICODE_POINTS. Static; any thread. */
const uint8_t *unicode_flags(void);

/* The lower case of a code point, itself if it has none or has more than one code point (U+0130
 * alone). A capital sigma gives the plain small one. */
uint32_t unicode_lower(uint32_t c);
