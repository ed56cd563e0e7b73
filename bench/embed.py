#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times tf-idf + SVD and routing beside scikit-learn, in one run: the medians, and RATIO lines.

Usage: bench/with-peers embed [--build DIR] [--threads N] [--runs N] [--repeat N] CORPUS.jsonl[.zst|.gz]...

Fit and transform of the texts, in memory: TfidfVectorizer with the paper's tokenizer and stop words, TruncatedSVD(100),
Normalizer, against bench/embed (the plugin tfidf-svd; `make bench`) and against cbtm-embed, which reads and writes stores.
--repeat N takes the corpus N times, every word of copy 2 and more with a number behind it one time in four, so that the
vocabulary grows as that of a larger corpus does.

Routing: the vector and 16 distances behind each of the 1000 tokens (word pieces of at most 6 bytes) of one document, against
the reference's loop, which embeds the text of every prefix anew with the fitted pipeline.
"""
import sys

sys.path.pop(0)  # this folder, whose tokenize.py is not Python's

import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import tempfile
import time
import warnings

import numpy as np
import sklearn
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.preprocessing import Normalizer

warnings.filterwarnings("ignore", category=UserWarning)
TOKENS, CENTRES = 1000, 16


def texts_of(corpora, repeat):
    texts = []
    for path in corpora:
        tool = {".zst": ["zstd", "-dc"], ".gz": ["gzip", "-dc"]}.get(pathlib.Path(path).suffix, ["cat"])
        lines = subprocess.run([*tool, path], check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
        rows = [json.loads(line) for line in lines if line]
        texts += [row.get("text", row.get("input")) for row in rows]
    rand, words = random.Random(1), re.compile(r"\w\w+")
    once = list(texts)
    for i in range(1, repeat):
        texts += [words.sub(lambda m: m[0] + f"x{i}" if rand.random() < .25 else m[0], t) for t in once]
    return texts


class Pipeline:
    """The paper's embedding as its code has it."""

    def __init__(self, dims):
        split = TfidfVectorizer().build_tokenizer()
        self.tfidf = TfidfVectorizer(tokenizer=lambda text: ["#NUMBER" if w[0].isdigit() else w for w in split(text)],
                                     stop_words=[*ENGLISH_STOP_WORDS, "#NUMBER"], token_pattern=None)
        self.svd, self.normalise = TruncatedSVD(dims, random_state=1), Normalizer(copy=False)

    def fit_transform(self, texts):
        return self.normalise.fit_transform(self.svd.fit_transform(self.tfidf.fit_transform(texts)))

    def transform(self, texts):
        return self.normalise.transform(self.svd.transform(self.tfidf.transform(texts)))


def routing_loop(pipeline, pieces, centres):
    start = time.perf_counter()
    for i in range(len(pieces) + 1):
        vector = pipeline.transform(["".join(pieces[:i])])
        ((vector - centres) ** 2).sum(1)
    return time.perf_counter() - start


def stage(build, folder, threads):
    """Seconds of cbtm-embed, both tasks, with reading and writing."""
    subprocess.run(["rm", "-rf", folder / "embedder", folder / "vectors"], check=True)
    start = time.perf_counter()
    subprocess.run([build / "cbtm-embed", "--quiet", "--documents", folder / "documents", "--embedder", folder / "embedder",
                    "--vectors", folder / "vectors", "--threads", str(threads)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("corpus", nargs="+")
    args = parser.parse_args()
    texts = texts_of(args.corpus, args.repeat)
    size = sum(len(t.encode()) for t in texts) / 1e6
    print(f"{len(texts)} documents, {size:.1f} MB; scikit-learn {sklearn.__version__}, {args.threads} threads, medians of {args.runs}")
    route = max(texts[:2000], key=len)
    pieces = re.findall(r"\s?\w{1,6}|\s|[^\w\s]", route)[:TOKENS]
    times = {"sklearn": [], "fit": [], "transform": [], "route": [], "stage": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name, items in (("texts", texts), ("pieces", pieces)):
            (folder / name).write_text("".join(json.dumps(t) + "\n" for t in items))
        (folder / "corpus.jsonl").write_text("".join(json.dumps({"text": t, "id": i}) + "\n" for i, t in enumerate(texts)))
        subprocess.run([args.build / "cbtm-tokenize", "--quiet", "--input", folder / "corpus.jsonl", "--documents",
                        folder / "documents", "--task", "documents", "--split-valid", "0", "--split-test", "0"],
                       check=True, stdout=subprocess.DEVNULL)
        for _ in range(args.runs):
            pipeline = Pipeline(100)
            start = time.perf_counter()
            theirs = pipeline.fit_transform(texts)
            times["sklearn"].append(time.perf_counter() - start)
            out = subprocess.run([args.build / "bench/embed", str(args.threads), "1", folder / "texts", folder / "pieces",
                                  folder / "vectors.f32"], check=True, stdout=subprocess.PIPE, text=True,
                                 env={**os.environ, "CBTM_PLUGIN_PATH": str(args.build / "plugins")}).stdout.split()
            for name, seconds in zip(out[::2], out[1::2]):
                times[name].append(float(seconds))
            times["stage"].append(stage(args.build, folder, args.threads))
        ours = np.fromfile(folder / "vectors.f32", np.float32).reshape(len(texts), -1)
    prefixes = [routing_loop(pipeline, pieces, theirs[:CENTRES]) for _ in range(args.runs)]
    middle = {name: statistics.median(t) for name, t in times.items()}
    both = statistics.median(a + b for a, b in zip(times["fit"], times["transform"]))
    rand = np.random.default_rng(1)
    i, j = rand.integers(0, len(texts), (2, 20000))
    apart = np.abs(np.linalg.norm(ours[i] - ours[j], axis=1) - np.linalg.norm(theirs[i] - theirs[j], axis=1))
    print(f"scikit-learn fit and transform      {middle['sklearn']:8.3f} s  {size / middle['sklearn']:7.1f} MB/s")
    print(f"cbtm fit                            {middle['fit']:8.3f} s")
    print(f"cbtm transform                      {middle['transform']:8.3f} s  {size / middle['transform']:7.1f} MB/s")
    print(f"cbtm fit and transform              {both:8.3f} s  {size / both:7.1f} MB/s")
    print(f"cbtm-embed, stores to stores        {middle['stage']:8.3f} s  {size / middle['stage']:7.1f} MB/s")
    print(f"route of {len(pieces)} tokens: prefix loop    {statistics.median(prefixes):8.3f} s")
    print(f"route of {len(pieces)} tokens: cbtm           {middle['route']:8.5f} s")
    print(f"distances between documents, cbtm and scikit-learn: median of differences {np.median(apart):.1e}, "
          f"99th percentile {np.quantile(apart, .99):.1e}")
    print(f"RATIO fit_transform_vs_sklearn {middle['sklearn'] / both:.1f} 10")
    print(f"RATIO stage_vs_sklearn {middle['sklearn'] / middle['stage']:.1f} 10")
    print(f"RATIO routing_vs_prefix_loop {statistics.median(prefixes) / middle['route']:.0f} 100")


if __name__ == "__main__":
    sys.exit(main())
