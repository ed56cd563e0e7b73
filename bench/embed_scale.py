#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Processor time and memory of cbtm-embed against the number of documents, of generated text: a table.

Usage: bench/with-peers embed_scale [--build DIR] [--threads N] [--plugin NAME] [--words N] [N...]    (10000 100000 1000000)

A document has 40 words of a Zipf distribution over 2 N^0.8 made-up words (Heaps' law), 6 to 12 letters long. Each task is a
process of its own that reads and writes stores; processor seconds (of all its threads, so that a busy machine matters little)
and its largest memory are what the system says when it ends.
"""
import sys

sys.path.pop(0)  # this folder, whose tokenize.py is not Python's

import argparse
import os
import pathlib
import subprocess
import tempfile

import numpy as np


def corpus(path, n, per_document):
    rng = np.random.default_rng(1)
    different = int(2 * n ** .8) + 1000
    letters = rng.integers(97, 123, (different, 12), dtype=np.uint8)
    words = [bytes(w[:6 + i % 7]).decode() for i, w in enumerate(letters)]
    share = 1 / (np.arange(different) + 3.)
    edges = np.cumsum(share / share.sum())
    with open(path, "w") as f:
        for start in range(0, n, 10000):
            drawn = np.searchsorted(edges, rng.random((min(10000, n - start), per_document)))
            f.writelines('{"id": %d, "text": "%s"}\n' % (start + i, " ".join([words[w] for w in row]))
                         for i, row in enumerate(np.minimum(drawn, different - 1)))


def run(*command):
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plugin", default="tfidf-svd")
    parser.add_argument("--words", type=int, default=40)
    parser.add_argument("n", type=int, nargs="*", default=[10000, 100000, 1000000])
    args = parser.parse_args()
    print("documents    MB  words  fit s  fit MiB  vectors s  vectors MiB  us/document  bytes/document")
    for n in args.n:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            corpus(folder / "corpus.jsonl", n, args.words)
            size = (folder / "corpus.jsonl").stat().st_size / 1e6
            run(args.build / "cbtm-tokenize", "--quiet", "--input", folder / "corpus.jsonl", "--documents", folder / "documents",
                "--task", "documents", "--split-valid", "0", "--split-test", "0")
            embed = [args.build / "cbtm-embed", "--quiet", "--documents", folder / "documents", "--embedder", folder / "e",
                     "--vectors", folder / "v", "--threads", args.threads, "--plugin", args.plugin]
            fit = run(*embed, "--task", "embedder")
            vectors = run(*embed, "--task", "vectors")
            terms = subprocess.run([args.build / "cbtm", "inspect", folder / "e"], stdout=subprocess.PIPE, text=True,
                                   check=True).stdout
            words = next((line.split()[2] for line in terms.splitlines() if line.split()[:1] == ["state.idf"]), "?")
            print(f"{n:9d} {size:5.0f} {words:>6} {fit[0]:6.2f} {fit[1]:8.0f} {vectors[0]:10.2f} {vectors[1]:12.0f} "
                  f"{(fit[0] + vectors[0]) / n * 1e6:12.1f} {max(fit[1], vectors[1]) * 2 ** 20 / n:15.0f}", flush=True)


if __name__ == "__main__":
    main()
