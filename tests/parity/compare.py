#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares whole corpora, through our programs, with Hugging Face's tokenizers: every id, every merge.

Usage: compare.py [--build DIR] [--vocab FILE --merges FILE] [--size N] [--torture] [CORPUS.jsonl[.zst|.gz]...]

Without --vocab a vocabulary of N tokens is trained by both, and its merges are compared too. --torture adds made-up
documents: every code point after a letter, a digit, a sign and two spaces; long runs; white space at ends.
Ends with status 1 if anything differs.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, models, pre_tokenizers, trainers


def torture():
    texts = [a * n + end for n in range(300) for a in ("a", " ", "a ")
             for end in ("'s", "'ll", "\u3000\u3000", "\u00a0 x", "é", "🙂", " \n", "", "'", "\n\n ")]
    texts += ["''s", "'s's", " 's", "'ll've", "<|endoftex", "<|endoftext|>", "!\0\0not", "it'r\0\u2028\u2028", "have\0for",
              "\U00016ea7'd", "\U0003335a's", "\U000327da're", "\U000328ae've"]
    texts += [a * n for a in "a1! 漢" for n in (65530, 70000)]
    texts += ["a%c1%c!%c  %c" % ((c,) * 4) for c in range(0x110000) if not 0xd800 <= c < 0xe000]
    rand = random.Random(5)
    pool = "aabs't rlvedm'' \n\t\r\u00a0\u0085\u3000é1½²9!?.\u0301\u200b\u2028🙂漢İΣσ\x1c\x1f\0_-"
    texts += ["".join(rand.choice(pool) for _ in range(rand.randrange(1, 40))) for _ in range(50000)]
    return texts


def rows(build, folder):
    p = subprocess.Popen([build / "cbtm", "cat", folder], stdout=subprocess.PIPE)
    for line in p.stdout:
        row = json.loads(line)
        if "store" not in row:
            yield row
    if p.wait():
        sys.exit("cbtm cat fails")


def batches(items, n=1000):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == n:
            yield batch
            batch = []
    yield batch


def train(args, folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    texts = (row["text"] for row in rows(args.build, folder / "documents"))
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=args.size, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--vocab")
    parser.add_argument("--merges")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--torture", action="store_true")
    parser.add_argument("corpus", nargs="*")
    args = parser.parse_args()
    different = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        corpus = list(args.corpus)
        if args.torture:
            with open(folder / "torture.jsonl", "w") as f:
                f.writelines(json.dumps({"text": t}) + "\n" for t in torture())
            corpus.append(folder / "torture.jsonl")
        imported = ["--vocabulary-vocab", args.vocab, "--vocabulary-merges", args.merges] if args.vocab else []
        subprocess.run([args.build / "cbtm-tokenize", *(x for c in corpus for x in ("--input", c)), "--documents",
                        folder / "documents", "--vocabulary", folder / "vocabulary", "--tokens", folder / "tokens",
                        "--id", "", "--split-valid", "0", "--split-test", "0", "--vocabulary-size", str(args.size),
                        "--quiet", *imported], check=True, stdout=subprocess.DEVNULL)
        if args.vocab:
            tokenizer = Tokenizer(models.BPE.from_file(args.vocab, args.merges))
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        else:
            tokenizer = train(args, folder)
            model = json.loads(tokenizer.to_str())["model"]
            theirs = [[model["vocab"][t] for t in m] for m in
                      (m if isinstance(m, list) else m.split(" ") for m in model["merges"])]
            ours = [row["merge"] for row in rows(args.build, folder / "vocabulary") if "merge" in row]
            different += ours != theirs
            print(f"{len(theirs)} merges: {'equal' if ours == theirs else 'DIFFERENT'}")
            # Text that spells the special token is ordinary text.
            plain = Tokenizer(models.BPE(vocab=model["vocab"], merges=[tuple(m) if isinstance(m, list) else
                                                                       tuple(m.split(" ")) for m in model["merges"]]))
            plain.pre_tokenizer = tokenizer.pre_tokenizer
            tokenizer = plain
        documents = ids = 0
        for batch in batches(zip(rows(args.build, folder / "documents"), rows(args.build, folder / "tokens"))):
            texts = [d["text"] if isinstance(d["text"], str) else None for d, _ in batch]
            if None in texts:
                sys.exit("a text is not UTF-8")
            for (d, t), e in zip(batch, tokenizer.encode_batch(texts)):
                documents, ids = documents + 1, ids + len(e.ids)
                if e.ids != t["ids"]:
                    different += 1
                    if different < 5:
                        print("different:", ascii(d["text"][:100]), e.ids[:20], t["ids"][:20])
        print(f"{documents} documents, {ids} ids, {different} different")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
