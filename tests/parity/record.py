#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records what others make of generated text, for the unit tests of lib/text.

Usage: record.py FOLDER    (tests/unit/text; through tests/parity/run, which installs what is needed)

Writes recorded_bpe.h, recorded_added.h and recorded_training.h (Hugging Face's tokenizers), recorded_words.h (scikit-learn) and recorded_utf8.h (Python). The
texts are made here from a fixed seed: no text of others.
"""
import json
import pathlib
import random
import sys

import sklearn
import tokenizers
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers

SIZE = 600
WORD_POINTS = 256  # lib/text/words.h
random = random.Random(20230324)


def c_string(b):
    """A C literal of bytes; lines of about 110 characters."""
    out, line = [], ""
    for x in b:
        line += chr(x) if 0x20 <= x < 0x7f and chr(x) not in '"\\?' else f"\\{x:03o}"
        if len(line) > 105:
            out, line = out + [line], ""
    return "\n\t  ".join(f'"{x}"' for x in out + [line])


def table(name, rows):
    """rows: (bytes, text of the result)."""
    lines = []
    for text, result in rows:
        a, b = f"{c_string(text)}, {len(text)},", f"{c_string(result)}, {len(result)}"
        lines.append(f"\t{{ {a} {b} }}," if len(a + b) < 110 else f"\t{{ {a}\n\t  {b} }},")
    body = "\n".join(lines)
    return f"static const struct {{\n\tconst char *text;\n\tsize_t n;\n\tconst char *result;\n\tsize_t result_n;\n}} {name}[] = {{\n{body}\n}};\n"


def header(path, what, body):
    path.write_text(f"/* SPDX-License-Identifier: MIT */\n/* Made by tests/parity/record.py; do not edit. {what} */\n"
                    f"#pragma once\n#include <stddef.h>\n\n/* clang-format off */\n{body}/* clang-format on */\n")


def made_up_corpus():
    """Documents of made-up words, numbers and signs, so that merges have ties and overlaps."""
    syllables = ["ba", "do", "ka", "mi", "nu", "re", "sa", "ti", "lo", "aa", "zz", "é", "漢", "ж"]
    words = ["".join(random.choice(syllables) for _ in range(random.randrange(1, 5))) for _ in range(120)]
    ends = [" ", " ", " ", " ", ", ", ". ", "\n", "\n\n  ", "'s ", "'ll ", " - ", "... "]
    documents = []
    for _ in range(30):
        parts = [random.choice(words if random.random() < .9 else [str(random.randrange(10000))]) +
                 random.choice(ends) for _ in range(random.randrange(1, 50))]
        documents.append("".join(parts))
    return documents


def torture():
    texts = ["", " ", "  ", "a", "\n", " \n", "\n ", "a ", "a  ", "a  b", "''s", "'s's", " 's", "'ll've", "I'm we'd",
             "it'r", "it'\u0301s", "<|endoftext|>", "a<|endoftext|>b", "<|endoftex", "!\0\0not", "it'r\0\u2028\u2028",
             "have\0for", "a\u0085b", "a\u00a0\u00a0b", "a\x1c\x1db", "x\u3000\u3000", " \u00a0 x", "a\u2028\u2029 b",
             "\U00016ea7'd", "\U0003335a's", "\U000327da're", "\U000328ae've", "\ufeffa", "½²٣", "🙂🙂 🙂", "é" * 20,
             "'" * 9, "a" * 40, " " * 40 + "x", "ab" * 300, "ba " * 30, "\t\tif (x) {\r\n\t}\r\n"]
    pool = "aabs't rlvedm'' \n\t\u00a0\u0085\u3000é1½9!?.\u0301\u200b\u2028🙂漢жİ\x1c\0_-"
    texts += ["".join(random.choice(pool) for _ in range(random.randrange(1, 40))) for _ in range(60)]
    return texts


def record_bpe(folder):
    corpus = made_up_corpus()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False))
    tokenizer.encode_special_tokens = True
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary = model["vocab"]
    merges = [m if isinstance(m, list) else m.split(" ") for m in model["merges"]]
    texts = torture() + corpus[:5]
    plain = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(m) for m in merges]))
    plain.pre_tokenizer = tokenizer.pre_tokenizer
    encodings = [(t.encode(), " ".join(map(str, plain.encode(t).ids)).encode()) for t in texts]
    pieces = [(t.encode(), " ".join(str(len(t[:end].encode())) for _, (_, end) in
                                    tokenizer.pre_tokenizer.pre_tokenize_str(t)).encode()) for t in texts]
    body = f"enum {{ RECORDED_SIZE = {SIZE} }};\n\n/* The corpus that the vocabulary was trained on. */\n"
    body += "static const char *const recorded_corpus[] = {\n" + \
        "".join(f"\t{c_string(t.encode())},\n" for t in corpus) + "};\n\n"
    body += "/* The merges, in order: left right left right ... */\nstatic const char recorded_merges[] =\n\t  " + \
        c_string(" ".join(f"{vocabulary[a]} {vocabulary[b]}" for a, b in merges).encode()) + ";\n\n"
    body += "/* Texts and their ids. */\n" + table("recorded_ids", encodings)
    body += "\n/* Texts and the ends, in bytes, of the pre-tokenizer's pieces. */\n" + table("recorded_pieces", pieces)
    header(folder / "recorded_bpe.h", f"Hugging Face tokenizers {tokenizers.__version__}.", body)
    return tokenizer


def added_tokens():
    """Names and flags: tokens that hide, begin and continue each other, take white space, stand alone."""
    return [AddedToken("<|endoftext|>", special=True), AddedToken("<|sep|>", special=True, normalized=False),
            AddedToken("<mask>", special=True, lstrip=True), AddedToken("[R]", rstrip=True),
            AddedToken("[L]", lstrip=True, normalized=False), AddedToken("[LR]", lstrip=True, rstrip=True),
            AddedToken("word", single_word=True), AddedToken("wordy", single_word=True, normalized=False),
            AddedToken("aa"), AddedToken("aab"), AddedToken("aabaa", normalized=False), AddedToken("ka"),
            AddedToken(" do "), AddedToken("\n\n"), AddedToken("漢字"), AddedToken("🙂", single_word=True, lstrip=True),
            AddedToken("<|end"), AddedToken("of", normalized=False), AddedToken(" x"), AddedToken("\u00a0", rstrip=True)]


def record_added(folder, tokenizer):
    """Every choice of what is matched: special tokens or not, a space in front or not."""
    tokens = added_tokens()
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    tokenizer.add_tokens(tokens)
    pool = [t.content for t in tokens] + ["a", "b", " ", "  ", "\n", "x", "é", "_", "\u200d", "1", "ba", "\u3000", "'s", "."]
    texts = ["", " ", "wordy", "word", "wordword", "word wordy", "aabaabaa", "<|endoftext|>", "<|endof", "a[R]  x", "[R] x",
             "a  [L]  [LR]  b", "[LR] [LR]", "word\u0301", "🙂🙂", "a 🙂 🙂1", "[R] <mask> [L]", "\u00a0 \u3000x"]
    texts += ["".join(random.choice(pool) for _ in range(random.randrange(1, 12))) for _ in range(120)]
    lines = []
    for t in tokens:
        piece = "BPE_PIECE" if t.content in json.loads(tokenizer.to_str())["model"]["vocab"] and not t.special else "0"
        flags = [name for name in ("lstrip", "rstrip", "single_word", "normalized") if getattr(t, name)]
        lines.append(f"\t{{ {c_string(t.content.encode())}, {tokenizer.token_to_id(t.content)}, {int(t.special)}, " +
                     " | ".join(["BPE_ADDED"] + ["BPE_" + f.upper() for f in flags] + [piece] * (piece != "0")) + " },")
    body = "/* Added to the vocabulary of recorded_bpe.h. */\n" \
           "struct recorded_added {\n\tconst char *name;\n\tuint32_t id;\n\tbool special;\n\tuint8_t added;\n};\n" \
           "static const struct recorded_added recorded_added[] = {\n" + "\n".join(lines) + "\n};\n"
    for match_special in (False, True):
        for prefix_space in (False, True):
            tokenizer.encode_special_tokens = not match_special
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space, use_regex=True)
            name = "recorded_added" + "_special" * match_special + "_space" * prefix_space + "_ids"
            some = texts[:50] if prefix_space else texts
            body += f"\n/* Texts and their ids{', special tokens matched' * match_special}{', a space in front' * prefix_space}. */\n"
            body += table(name, [(t.encode(), " ".join(map(str, tokenizer.encode(t).ids)).encode()) for t in some])
    header(folder / "recorded_added.h", f"Hugging Face tokenizers {tokenizers.__version__}.", body + record_white(tokenizer))


def record_white(tokenizer):
    """Tokens of white space that take white space: what one took, another may find again. Some texts make that library panic."""
    rand = type(random)(11)
    made = Tokenizer(tokenizer.model)
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokens = [AddedToken("\n", lstrip=True, rstrip=True, normalized=False), AddedToken("\t", rstrip=True, normalized=False),
              AddedToken("\u3000", lstrip=True, normalized=False), AddedToken("  ", normalized=False)]
    made.add_tokens(tokens)
    rows = []
    while len(rows) < 60:
        text = "".join(rand.choice("\n\n\t\u3000  a\rb") for _ in range(rand.randrange(1, 9)))
        try:
            rows.append((text.encode(), " ".join(map(str, made.encode(text).ids)).encode()))
        except BaseException as panic:
            if type(panic).__name__ != "PanicException":
                raise
    lines = [f"\t{{ {c_string(t.content.encode())}, {made.token_to_id(t.content)}, 0, BPE_ADDED" +
             " | BPE_LSTRIP" * t.lstrip + " | BPE_RSTRIP" * t.rstrip + " },\n" for t in tokens]
    return "\n/* Tokens of white space, added to the same vocabulary, and texts with their ids. */\n" \
           "static const struct recorded_added recorded_white[] = {\n" + "".join(lines) + "};\n" + table("recorded_white_ids", rows)


def training_corpora():
    """(text, size, min_frequency): one word, ties everywhere, overlaps, other scripts."""
    rows = [("a", 300, 0), ("ab", 300, 0), ("aaaa", 300, 0), ("aaaaaaa aaaa aa", 300, 0), ("abab abab", 262, 0),
            ("x " * 9, 300, 0), ("ab cd ef gh ij", 300, 0), ("abcdefgh", 300, 0), ("aabaabaab" * 5, 280, 0),
            ("abcabcabc abc bcab", 300, 0), ("the cat the hat", 300, 2), ("the cat the hat", 300, 3),
            ("aa aa aa bb bb", 300, 3), ("漢字 漢字 🙂🙂🙂 é", 300, 0), ("  \n\n  \t\t", 300, 0), ("ab" * 40, 300, 2)]
    for letters, words, longest, size in ((2, 12, 12, 400), (3, 30, 9, 400), (4, 60, 12, 500), (3, 80, 20, 700),
                                          (2, 40, 30, 600), (5, 120, 8, 600), (2, 90, 16, 900), (3, 100, 14, 800)):
        for min_frequency in (0, 2):
            text = " ".join("".join(random.choice("abcde"[:letters]) for _ in range(random.randrange(1, longest)))
                            for _ in range(words))
            rows.append((text, size, min_frequency))
    return rows


def record_training(folder):
    """Special tokens <s> <pad> </s>. Equal entries of one pair have no order there: what differs between runs is left out."""
    lines = []
    for text, size, min_frequency in training_corpora():
        found = set()
        for _ in range(5):
            tokenizer = Tokenizer(models.BPE())
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
            tokenizer.train_from_iterator([text], trainers.BpeTrainer(
                vocab_size=size, min_frequency=min_frequency, special_tokens=["<s>", "<pad>", "</s>"],
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
            model = json.loads(tokenizer.to_str())["model"]
            found.add(" ".join(f"{model['vocab'][a]} {model['vocab'][b]}" for a, b in model["merges"]))
        if len(found) > 1:
            print("left out, not the same each time:", ascii(text[:60]), size, file=sys.stderr)
            continue
        lines.append(f"\t{{ {c_string(text.encode())}, {len(text.encode())}, {size}, {min_frequency},\n\t  " +
                     c_string(found.pop().encode()) + " },")
    header(folder / "recorded_training.h", f"Hugging Face tokenizers {tokenizers.__version__}.",
           "/* Texts, sizes, the least count of a pair, and the merges: left right left right ... */\n"
           "static const struct {\n\tconst char *text;\n\tsize_t n;\n\tunsigned size, min_frequency;\n"
           "\tconst char *merges;\n} recorded_training[] = {\n" + "\n".join(lines) + "\n};\n")


def record_words(folder):
    analyse = TfidfVectorizer().build_analyzer()
    pool = "aBcDeΣσς'’.·\u0301 İIıǅ_1²½٣漢\n-ẞÀ\u00adž"
    texts = ["", "The quick-brown fox_1 isn't 42nd: x y2", "x" * 300 + " " + "é" * 256 + " " + "İ" * 3,
             "ΑΣ ΑΣ. ΑΣΑ Σ ΣΑ Α'Σ Α'ΣΑ", "İSTANBUL ıI", "²a a² ½b b½ ٣a", "naïve e\u0301tude", "to be or not to be: system",
             "\U00010400\U00010401", "a\0bc\0de", "ǅungla ẞTRASSE", "日本語 テキスト"]
    texts += ["".join(random.choice(pool) for _ in range(random.randrange(1, 30))) for _ in range(150)]
    rows = []
    for t in texts:
        words = [w[:WORD_POINTS] for w in analyse(t) if not w[0].isdigit()]
        rows.append((t.encode(), "".join(w + "|" for w in words if w not in ENGLISH_STOP_WORDS).encode()))
    header(folder / "recorded_words.h",
           f"scikit-learn {sklearn.__version__}, Python {sys.version_info[0]}.{sys.version_info[1]}.",
           "/* Texts and their words, each with '|' behind it. */\n" + table("recorded_words", rows))


def record_utf8(folder):
    choice = [0x41, 0x80, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xa0, 0x9f, 0xed, 0xef, 0xf0, 0x90, 0x8f, 0xf4, 0xf5, 0xff]
    rows = [b"", b"abc", "é漢🙂".encode(), b"\xed\xa0\x80", b"\xf0\x9f\x99", b"\xc0\xaf", b"\xf4\x90\x80\x80"]
    rows += [bytes(random.choice(choice) for _ in range(random.randrange(1, 10))) for _ in range(250)]
    header(folder / "recorded_utf8.h", f"Python {sys.version_info[0]}.{sys.version_info[1]}.",
           "/* Bytes, and what errors=\"replace\" makes of them. */\n" +
           table("recorded_utf8", [(b, b.decode("utf-8", "replace").encode()) for b in rows]))


def main():
    folder = pathlib.Path(sys.argv[1])
    tokenizer = record_bpe(folder)
    record_words(folder)
    record_utf8(folder)
    record_added(folder, tokenizer)
    record_training(folder)


if __name__ == "__main__":
    main()
