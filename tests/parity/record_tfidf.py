#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records scikit-learn's words and the cosines of its tf-idf rows of made-up texts, for the unit tests of the plugins.

Usage: tests/parity/run record_tfidf.py >tests/unit/plugin/recorded_tfidf.h
"""
import random
import warnings

import sklearn
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

warnings.filterwarnings("ignore", category=UserWarning)
rand = random.Random(11)
SYLLABLES = ["ba", "do", "ka", "mi", "nu", "re", "\u00e9t", "\u0436\u0443", "\u039f\u03a3", "\u6771\u4eac", "Sa", "TI", "\u0130l"]
OPTIONS = [{}, {"min_df": 2}, {"max_df": 0.5}, {"min_df": 0.2, "max_df": 9}, {"max_features": 12}]


def texts():
    words = ["".join(rand.choice(SYLLABLES) for _ in range(rand.randrange(1, 4))) for _ in range(40)]
    words += ["the", "and", "of", "2nd", "42", "x", "a_b", "_9", "co-op", "don't"]
    made = [" ".join(words[min(int(rand.expovariate(.08)), 49)] + rand.choice(["", "", ",", ".", "'"])
                     for _ in range(rand.randrange(5, 60))) for _ in range(18)]
    return [*made, made[3], "the of and", ""]


def vectorizer(**options):
    split = TfidfVectorizer().build_tokenizer()
    return TfidfVectorizer(tokenizer=lambda t: ["#NUMBER" if w[0].isdigit() else w for w in split(t)], token_pattern=None,
                           stop_words=[*ENGLISH_STOP_WORDS, "#NUMBER"], **options)


def literal(text):
    return '"' + "".join(chr(x) if 0x20 <= x < 0x7f and chr(x) not in '"\\?' else f"\\{x:03o}" for x in text.encode()) + '"'


def main():
    corpus = texts()
    print("/* SPDX-License-Identifier: MIT */")
    print(f"/* Made by tests/parity/record_tfidf.py with scikit-learn {sklearn.__version__}; do not edit. */")
    print("#pragma once\n\n/* clang-format off */\nstatic const char *const recorded_texts[] = {")
    print("\n".join(f"\t{literal(t)}," for t in corpus) + "\n};")
    print(f"enum {{ RECORDED_TEXTS = {len(corpus)} }};")
    print("/* Options (name=value, several by blanks), words (each with a blank behind it), cosines of all pairs of texts. */")
    print("static const struct {\n\tconst char *options, *words;\n\tdouble cosine[RECORDED_TEXTS][RECORDED_TEXTS];\n} recorded_tfidf[] = {")
    for options in OPTIONS:
        if "max_features" in options:  # scikit-learn leaves the order of equals open: by text
            plain = vectorizer()
            analyse, total = plain.build_analyzer(), {}
            for t in corpus:
                for w in analyse(t):
                    total[w] = total.get(w, 0) + 1
            chosen = sorted(sorted(total, key=lambda w: (-total[w], w))[:options["max_features"]])
            fitted = vectorizer(vocabulary=chosen)
        else:
            fitted = vectorizer(**options)
        rows = fitted.fit_transform(corpus)
        cosine = (rows @ rows.T).toarray()
        given = " ".join(f"{k}={v}" for k, v in options.items())
        print(f'\t{{ "{given}", {literal("".join(w + " " for w in fitted.get_feature_names_out()))},\n\t  {{')
        for row in cosine:
            print("\t\t{ " + ", ".join(f"{x:.7g}" for x in row) + " },")
        print("\t  } },")
    print("};\n/* clang-format on */")


if __name__ == "__main__":
    main()
