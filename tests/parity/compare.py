#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares whole corpora, through our programs, with Hugging Face's tokenizers: every id, every merge.

Usage: compare.py [--build DIR] [--layout LAYOUT...] [--vocab FILE --merges FILE] [--size N] [--text FIELD] [--torture]
                  [CORPUS.jsonl[.zst|.gz]...]

Layouts: `trained`, a vocabulary of N tokens that both train, and its merges are compared too (the default without --vocab);
`gpt2`, vocab.json and merges.txt as they are (the default with --vocab); `opt`, the same with ids in another order behind
four special tokens; `tokenizer`, a tokenizer.json of them with added tokens of every kind; `special`, the same with special
tokens matched in text, a space put in front and BOS in a template. Ids are decoded by the peer, too, and must give the text
back. Our export of each vocabulary must load there with equal ids, and be saved there with the same bytes. --torture adds made-up documents: every code point after a letter, a digit, a sign and two
spaces; long runs; white space at ends; the added tokens' names amid all these; white space, contractions, ends of lines and
emoji side by side. Ends with status 1 if anything differs.
"""
import argparse
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import AddedToken, Tokenizer, __version__, decoders, models, pre_tokenizers, processors, trainers

# Every kind of added token; the special one is ordinary text to us, as to a tokenizer that encodes special tokens.
ADDED = [AddedToken("<both>", lstrip=True, rstrip=True, normalized=False), AddedToken("<left>", lstrip=True, normalized=False),
         AddedToken("[RIGHT]", rstrip=True), AddedToken("word", single_word=True), AddedToken("wor", normalized=True),
         AddedToken("漢字é", normalized=True), AddedToken("  ", normalized=False), AddedToken("<both><left>", normalized=True)]


def torture():
    texts = [a * n + end for n in range(300) for a in ("a", " ", "a ")
             for end in ("'s", "'ll", "\u3000\u3000", "\u00a0 x", "é", "🙂", " \n", "", "'", "\n\n ")]
    texts += ["''s", "'s's", " 's", "'ll've", "<|endoftex", "<|endoftext|>", "!\0\0not", "it'r\0\u2028\u2028", "have\0for",
              "\U00016ea7'd", "\U0003335a's", "\U000327da're", "\U000328ae've"]
    texts += [a * n for a in "a1! 漢" for n in (3070, 3072, 3100, 65530, 70000, 200000)]
    # Everything that looks at its neighbours, at every place of a block and around its borders.
    odd = ["'ll go", "'s", "''ve've'", " \u3000\u3000x", "x\u00a0 \u2003é", "漢字's", "\0'\0re\0 1\0", "🙂  🙂\n\n x", "a\u0301 \u0085\u0085",
           "  ", " \u3000", "\u2028", "½²9 '", "'", "'l", "'r"]
    texts += [("some 42 words' "[n % 7:] * 300)[:n] + o + tail for n in [*range(140), *range(3000, 3140)] for o in odd
              for tail in ("", "x", " y", "'d", "\n")]
    texts += ["a%c1%c!%c  %c" % ((c,) * 4) for c in range(0x110000) if not 0xd800 <= c < 0xe000]
    rand = random.Random(5)
    words = ["<both>", "<left>", "[RIGHT]", "word", "wor", "漢字é", "<|special|>", " ", "\n", "a", "1", "_", ".", "\u3000", "é", "d"]
    texts += ["".join(rand.choice(words) for _ in range(rand.randrange(1, 12))) for _ in range(20000)]
    pool = "aabs't rlvedm'' \n\t\r\u00a0\u0085\u3000é1½²9!?.\u0301\u200b\u2028🙂漢İΣσ\x1c\x1f\0_-"
    texts += ["".join(rand.choice(pool) for _ in range(rand.randrange(1, 40))) for _ in range(50000)]
    return texts + neighbours(rand)


def neighbours(rand):
    """White space beside white space, contractions as nobody writes them, ends of lines, joined emoji, bytes that are no text."""
    spaces = [*filter(str.isspace, map(chr, range(0x110000))), "\u200b", "\ufeff", "\u2060", "\0"]
    texts = [rand.choice(["a", "", "1", "!", "é"]) + "".join(s) + rand.choice(["b", "", "2", "漢", "'s"])
             for n in (1, 2, 3) for s in itertools.product(spaces, repeat=n)]
    letters = ["s", "t", "re", "ve", "m", "ll", "d", "r", "v", "l", "rE", "\u017f", "ß"]
    texts += [a + quote + letter + z for quote in ("'", "\u2019", "\u02bc", "`", "''", "'\u0301", "'\u200d")
              for x in letters for letter in sorted({x, x.upper(), x.title()})
              for a in ("", "it", " It", "\n", "1", "!", "漢", "\u00a0", "'") for z in ("", "x", " x", "'s", "1", "\n", "é")]
    ends = ["\r", "\n", "\r\n", "\n\r", "\0", "\v", "\f", "\x85", "\u2028", " ", "\t", ""]
    texts += [form % (a, b) for a in ends for b in ends for form in ("x%s%sy", "%s%s", "x %s%s y", "x%s %sy", "1%s%s!", "'%s%ss")]
    emoji = [*map(chr, range(0x1f300, 0x1f650)), "\u2764\ufe0f", *map(chr, range(0x1f1e6, 0x1f200)), "1\ufe0f\u20e3"]
    texts += [rand.choice(["\u200d", "", " ", "'s"]).join(rand.choice(emoji) for _ in range(rand.randrange(1, 8))) for _ in range(5000)]
    texts += [bytes(rand.choice([rand.randrange(256), *b"\xe2\x80\x99\xf0\x9f's "]) for _ in range(rand.randrange(1, 60))).decode("utf-8", "replace")
              for _ in range(10000)]
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


def byte_level(tokenizer):
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def merges_of(model):
    return [m if isinstance(m, list) else m.split(" ") for m in model["merges"]]


def run(args, folder, corpus, layout, options):
    """Tokenizes with our program; the documents are made once."""
    inputs = [x for c in corpus for x in ("--input", c)]
    subprocess.run([args.build / "cbtm-tokenize", *inputs, "--documents", folder / "documents", "--vocabulary",
                    folder / layout / "vocabulary", "--tokens", folder / layout / "tokens", "--id", "", "--text", args.text,
                    "--split-valid", "0", "--split-test", "0", "--quiet", *options], check=True, stdout=subprocess.DEVNULL)


def trained(args, folder, corpus):
    """Both train: the peer's tokenizer, and whether the merges are equal."""
    run(args, folder, corpus, "trained", ["--vocabulary-size", str(args.size)])
    tokenizer = byte_level(Tokenizer(models.BPE()))
    texts = (row["text"] for row in rows(args.build, folder / "documents"))
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=args.size, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(tokenizer.to_str())["model"]
    theirs = [[model["vocab"][t] for t in m] for m in merges_of(model)]
    ours = [row["merge"] for row in rows(args.build, folder / "trained/vocabulary") if "merge" in row]
    print(f"trained: {len(theirs)} merges: {'equal' if ours == theirs else 'DIFFERENT'}")
    # Text that spells the special token is ordinary text.
    return byte_level(Tokenizer(models.BPE(vocab=model["vocab"], merges=[tuple(m) for m in merges_of(model)]))), ours == theirs


def gpt2(args, folder, corpus):
    run(args, folder, corpus, "gpt2", ["--vocabulary-vocab", args.vocab, "--vocabulary-merges", args.merges])
    return byte_level(Tokenizer(models.BPE.from_file(args.vocab, args.merges))), True


def opt(args, folder, corpus):
    """OPT's layout: other ids, four special tokens in front."""
    tokens = [t for t in json.loads(pathlib.Path(args.vocab).read_text()) if t != "<|endoftext|>"]
    random.Random(1).shuffle(tokens)
    path = folder / "opt-vocab.json"
    path.write_text(json.dumps({t: i for i, t in enumerate(["<s>", "<pad>", "</s>", "<unk>", *tokens])}))
    run(args, folder, corpus, "opt", ["--vocabulary-vocab", path, "--vocabulary-merges", args.merges])
    return byte_level(Tokenizer(models.BPE.from_file(str(path), args.merges))), True


def tokenizer(args, folder, corpus):
    made, path = byte_level(Tokenizer(models.BPE.from_file(args.vocab, args.merges))), folder / "tokenizer.json"
    made.add_tokens(ADDED)
    made.add_special_tokens(["<|endoftext|>", "<|special|>"])
    made.save(str(path))
    run(args, folder, corpus, "tokenizer", ["--vocabulary-tokenizer", path])
    made.encode_special_tokens = True
    return made, True


def special(args, folder, corpus):
    made, path = byte_level(Tokenizer(models.BPE.from_file(args.vocab, args.merges))), folder / "special.json"
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)
    made.add_special_tokens(["<|endoftext|>", AddedToken("<|special|>", lstrip=True), "<s>"])
    made.add_tokens(ADDED)
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", made.token_to_id("<s>"))])
    made.save(str(path))
    run(args, folder, corpus, "special", ["--vocabulary-tokenizer", path, "--vocabulary-match-special"])
    return made, True


LAYOUTS = {"trained": trained, "gpt2": gpt2, "opt": opt, "tokenizer": tokenizer, "special": special}


def exported(args, folder, layout):
    """The peer's tokenizer of our export, and whether it saves the same bytes."""
    out = folder / layout / "exported"
    subprocess.run([args.build / "cbtm", "export", folder / layout / "vocabulary", "--to", out], check=True, stdout=subprocess.DEVNULL)
    made, again = Tokenizer.from_file(str(out / "tokenizer.json")), folder / layout
    made.save(str(again / "tokenizer.json"))
    made.model.save(str(again))
    different = [n for n in ("tokenizer.json", "vocab.json", "merges.txt") if (out / n).read_bytes() != (again / n).read_bytes()]
    print(f"{layout}: export {'and ' + ', '.join(different) + ' DIFFERENT' if different else 'is saved with the same bytes'}")
    made.encode_special_tokens = layout != "special"
    return made, not different


def compare(args, folder, layout, peer):
    """How many documents differ."""
    documents = ids = size = different = 0
    for batch in batches(zip(rows(args.build, folder / "documents"), rows(args.build, folder / layout / "tokens"))):
        texts = [d["text"] if isinstance(d["text"], str) else None for d, _ in batch]
        if None in texts:
            sys.exit("a text is not UTF-8")
        encodings = peer.encode_batch(texts, add_special_tokens=False)
        # Added tokens take white space with them: what they stand for is not the text.
        back = texts if layout in ("tokenizer", "special") else peer.decode_batch([t["ids"] for _, t in batch], skip_special_tokens=False)
        for text, (_, t), e, b in zip(texts, batch, encodings, back):
            documents, ids, size = documents + 1, ids + len(e.ids), size + len(text.encode())
            if e.ids != t["ids"] or b != text:
                different += 1
                if different < 5:
                    print("different:", ascii(text[:100]), e.ids[:20], t["ids"][:20])
    print(f"{layout}: {documents} documents, {size} bytes, {ids} ids, {different} different", flush=True)
    return different


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--layout", nargs="+", choices=LAYOUTS)
    parser.add_argument("--vocab")
    parser.add_argument("--merges")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--text", default="text")
    parser.add_argument("--torture", action="store_true")
    parser.add_argument("corpus", nargs="*")
    args = parser.parse_args()
    different = 0
    print(f"tokenizers {__version__}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        corpus = list(args.corpus)
        if args.torture:
            with open(folder / "torture.jsonl", "w") as f:
                f.writelines(json.dumps({args.text: t}) + "\n" for t in torture())
            corpus.append(folder / "torture.jsonl")
        for layout in args.layout or (["gpt2"] if args.vocab else ["trained"]):
            peer, equal = LAYOUTS[layout](args, folder, corpus)
            different += compare(args, folder, layout, peer) + (not equal)
            peer, equal = exported(args, folder, layout)
            different += compare(args, folder, layout, peer) + (not equal)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
