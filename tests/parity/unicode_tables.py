#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes lib/text/unicode_table.h: what each code point is to the tokenizer and to the word analyser.

Usage: unicode_tables.py >lib/text/unicode_table.h

The tokenizer's classes are read off Hugging Face's `tokenizers` by probing its pre-tokenizer with each code point;
the word analyser's are those of the Python that runs this (3.11 of Debian 12: Unicode 14). Needs `pip install tokenizers`.
"""
import sys
import unicodedata

import tokenizers

LETTER, NUMBER, SPACE, OTHER = range(4)
WORD, DIGIT, CASED, IGNORABLE, JOINS = 4, 8, 16, 32, 64
SIGMA, FINAL, PLAIN = "\u03a3", "\u03c2", "\u03c3"

split = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str


def tokenizer_class(c):
    joined = [kind for kind, before in ((LETTER, "a"), (NUMBER, "1"), (OTHER, "!")) if len(split(before + c)) == 1]
    assert len(joined) <= 1, hex(ord(c))
    return joined[0] if joined else SPACE


# An added token that is a single word is not found beside characters that its library takes for word characters.
SINGLE = "\ue000\ue001"
single = tokenizers.Tokenizer(tokenizers.models.BPE({"!": 0}, []))
single.add_tokens([tokenizers.AddedToken(SINGLE, single_word=True)])


def joins_words(c):
    return not single.encode(c + SINGLE).ids


def word_flags(c):
    """\\w of `re`, str.isdigit, and what str.lower asks about a capital sigma's neighbours."""
    flags = (WORD if c.isalnum() or c == "_" else 0) | (DIGIT if c.isdigit() else 0) | (JOINS if joins_words(c) else 0)
    if (c + SIGMA).lower()[-1] == FINAL:
        flags |= CASED
    elif ("a" + c + SIGMA).lower()[-1] == FINAL:
        flags |= IGNORABLE
    return flags


def flag_runs():
    runs = []
    for i in range(0x110000):
        surrogate = 0xd800 <= i < 0xe000
        flags = OTHER if surrogate else tokenizer_class(chr(i)) | word_flags(chr(i))
        if runs and runs[-1][1] == flags:
            runs[-1][0] += 1
        else:
            runs.append([1, flags])
    return runs


def lower_runs():
    """(first, last, step, lower - upper) of the code points with a lower case of one code point."""
    runs = []
    for i in range(0x110000):
        lower = chr(i).lower() if not 0xd800 <= i < 0xe000 else chr(i)
        if len(lower) > 1:
            assert i == 0x130 and lower == "i\u0307", hex(i)  # the only one: lib/text/words.c has it
            continue
        delta = ord(lower) - i
        if not delta:
            continue
        if runs and runs[-1][3] == delta:
            first, last, step, _ = runs[-1]
            if (first == last and i - last <= 2) or i - last == step:
                runs[-1] = [first, i, i - last, delta]
                continue
        runs.append([i, i, 1, delta])
    return runs


def rows(items, n):
    return "\n".join("\t" + " ".join(items[i:i + n]) for i in range(0, len(items), n))


def main():
    flags = [f"0x{n << 8 | f:x}," for n, f in flag_runs()]
    lower = [f"{{0x{a:x}, 0x{b:x}, {s}, {d}}}," for a, b, s, d in lower_runs()]
    print(f"""/* SPDX-License-Identifier: MIT */
/*
 * Made by tests/parity/unicode_tables.py; do not edit. Tokenizer classes: read off Hugging Face's tokenizers {tokenizers.__version__}.
 * Words and lower case: Python {sys.version_info[0]}.{sys.version_info[1]}, Unicode {unicodedata.unidata_version}. Included by lib/text/unicode.c alone.
 */
#pragma once
#include <stdint.h>

/* clang-format off */
/* Runs of code points from 0 to 0x10ffff: length << 8 | flags (lib/text/unicode.h). */
static const uint32_t unicode_runs[] = {{
{rows(flags, 11)}
}};

/* Code points with a lower case: first, last, step, lower - upper; ascending. */
static const struct {{
	uint32_t first, last, step;
	int32_t delta;
}} unicode_lower_runs[] = {{
{rows(lower, 4)}
}};
/* clang-format on */""")


if __name__ == "__main__":
    main()
