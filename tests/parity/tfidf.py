#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares tf-idf and SVD, through our programs, with scikit-learn and with an exact SVD.

Usage: tests/parity/run tfidf.py [--build DIR] [--options] [--dims N] CORPUS.jsonl[.zst|.gz]...

Documents go through cbtm-tokenize and cbtm-embed; cbtm cat prints the embedder and the vectors. For each run:
- the vocabulary is the same, word for word, and idf agrees to 1e-6 (so the document frequencies are the same);
- singular values agree with scipy's exact ones (ARPACK) to 1e-3, and our 100 directions hold at least as much of the
  matrix (Frobenius norm) as those of scikit-learn's randomized TruncatedSVD;
- principal angles between our subspace and the exact one, left out the directions whose singular values are within 1 % of
  the first that is cut off (those are anybody's choice): sine at most 0.05;
- distances between L2-normalised vectors of 20 000 pairs of documents agree with those of the exact SVD: the median of the
  differences is at most 1e-3, and at most that of scikit-learn's against the exact ones;
- every vector is scikit-learn's tf-idf row times our V, of unit length, to 1e-5: so our rows are scikit-learn's.
--options tries min_df, max_df (shares and numbers), max_features, sample and few dims as well.
Every code point is compared first: words and lower case as this Python has them (3.11, the Unicode of lib/text).
Ends with status 1 if anything differs.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import unicodedata
import warnings

import numpy as np
import sklearn
from scipy.sparse.linalg import svds
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

warnings.filterwarnings("ignore", category=UserWarning)
WORD_POINTS = 256  # lib/text/words.h
PAIRS = 20000
split = TfidfVectorizer().build_tokenizer()
failures = 0


def tokenizer(text):
    return ["#NUMBER" if w[0].isdigit() else w[:WORD_POINTS] for w in split(text)]


def vectorizer(**options):
    return TfidfVectorizer(tokenizer=tokenizer, stop_words=[*ENGLISH_STOP_WORDS, "#NUMBER"], token_pattern=None, **options)


def check(what, good, detail=""):
    global failures
    failures += not good
    print(f"  {'ok  ' if good else 'FAIL'} {what}{': ' if detail else ''}{detail}", flush=True)


def column(build, folder, name):
    out = subprocess.Popen([build / "cbtm", "cat", "--column", name, folder], stdout=subprocess.PIPE)
    rows = [json.loads(line) for line in out.stdout]
    if out.wait():
        sys.exit("cbtm cat fails")
    return [row[name] for row in rows if "store" not in row]


def texts_of(path):
    tool = {".zst": ["zstd", "-dc"], ".gz": ["gzip", "-dc"]}.get(pathlib.Path(path).suffix, ["cat"])
    lines = subprocess.run([*tool, path], check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
    rows = [json.loads(line) for line in lines if line]
    return [row.get("text", row.get("input")) for row in rows]


def code_points(build, folder):
    """A document for each letter of a text: what is around it decides where words begin and end."""
    print(f"every code point, Python {sys.version.split()[0]}, Unicode {unicodedata.unidata_version}")
    texts = [f"ab{c}cd {c}{c} x{c} {c}9 9{c}z Q{c}" for c in map(chr, range(0x110000)) if not 0xd800 <= ord(c) < 0xe000]
    sigmas = ["\u03a3", "a\u03a3", "a\u03a3b", "\u0130x", "x\u0130\u0307y", "\u0130\u0130"]
    texts += [f"{a}{c}{b}" for a in sigmas for b in ("", "\u03a3", "a", ".a", "'\u03a3") for c in
              ("", "'", "\u00ad", "\u0301", ".", ":", "\u2019", "1", "_", "-", "\u3000")]
    run(build, folder, texts, {"dims": 2}, svd=False)


def run(build, folder, texts, options, svd=True):
    subprocess.run(["rm", "-rf", *[folder / n for n in ("corpus", "documents", "embedder", "vectors")]], check=True)
    (folder / "corpus").write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(texts)))
    subprocess.run([build / "cbtm-tokenize", "--quiet", "--input", folder / "corpus", "--documents", folder / "documents",
                    "--task", "documents", "--split-valid", "0", "--split-test", "0"], check=True, stdout=subprocess.DEVNULL)
    arguments = [f"--{k.replace('_', '-')}={v}" for k, v in options.items()]
    subprocess.run([build / "cbtm-embed", "--quiet", "--documents", folder / "documents", "--embedder", folder / "embedder",
                    "--vectors", folder / "vectors", *arguments], check=True, stdout=subprocess.DEVNULL)
    terms = bytes(column(build, folder / "embedder", "state.terms")).decode().split("\0")[:-1]
    idf = np.array(column(build, folder / "embedder", "state.idf"))
    fitted = column(build, folder / "embedder", "state.documents")[0]
    if "sample" in options:
        check("sample: about so many documents are fitted", abs(fitted - options["sample"]) < 5 * options["sample"] ** .5,
              f"{fitted} for {options['sample']}")
        return
    theirs = vectorizer(**{k: (v if k == "max_features" or v > 1 or (k == "min_df" and v == 1) else float(v))
                           for k, v in options.items() if k in ("min_df", "max_df", "max_features")})
    rows = theirs.fit_transform(texts)
    names = list(theirs.get_feature_names_out())
    if "max_features" in options:
        total, analyse = {}, vectorizer().build_analyzer()
        for t in texts:
            for w in analyse(t):
                total[w] = total.get(w, 0) + 1
        let_in = vectorizer(**{k: v for k, v in options.items() if k == "min_df"}).fit(texts).vocabulary_
        total = {w: n for w, n in total.items() if w in let_in}
        least = min(total[w] for w in names)
        sure = {w for w, n in total.items() if n > least}
        check("max_features: the same words but for ties at the last place", set(terms) >= sure and len(terms) == len(names) and
              all(total[w] >= least for w in terms), f"{len(terms)} words, {len(sure)} sure")
        tied = sorted(w for w, n in total.items() if n == least)
        check("ties go by text", sorted(set(terms) - sure) == tied[:len(names) - len(sure)])
        theirs = vectorizer(vocabulary=terms)
        rows = theirs.fit_transform(texts)
        names = terms
    if terms != names:
        missing, more = sorted(set(names) - set(terms)), sorted(set(terms) - set(names))
        check("the same vocabulary", False, f"{len(missing)} missing {missing[:5]}, {len(more)} more {more[:5]}")
        return
    check("the same vocabulary", True, f"{len(terms)} words of {len(texts)} documents")
    check("idf (and so document frequencies)", np.abs(idf / theirs.idf_ - 1).max() < 1e-6,
          f"largest relative difference {np.abs(idf / theirs.idf_ - 1).max():.1e}")
    if not svd:
        return
    compare_svd(build, folder, rows.astype(np.float64), options.get("dims", 100))


def distances(h, i, j):
    return np.linalg.norm(h[i] - h[j], axis=1)


def unit(h):
    length = np.linalg.norm(h, axis=1, keepdims=True)
    return h / np.where(length > 0, length, 1)


def compare_svd(build, folder, rows, dims):
    singular = np.array(column(build, folder / "embedder", "state.singular"))
    v = np.array(column(build, folder / "embedder", "state.v"), np.float64).reshape(-1, dims)
    vectors = np.array(column(build, folder / "vectors", "vector"), np.float64).reshape(-1, dims)
    again = unit(rows @ v)
    check("vectors are the tf-idf rows of scikit-learn times our V, of unit length", np.abs(again - vectors).max() < 1e-5,
          f"largest difference {np.abs(again - vectors).max():.1e}")
    rank = min(dims + 1, *(n - 1 for n in rows.shape))
    u, s, vt = svds(rows, k=rank, tol=1e-10, random_state=1)
    order = np.argsort(-s)
    s, exact = s[order], vt[order].T
    k = min(dims, rank)
    check("singular values are the exact ones", np.abs(singular[:k] - s[:k]).max() < 1e-3 * s[0] and
          np.abs(singular[:k] / s[:k] - 1).max() < 1e-2, f"largest relative difference {np.abs(singular[:k] / s[:k] - 1).max():.1e}")
    loose = TruncatedSVD(k, random_state=1).fit(rows)
    held = [np.linalg.norm(rows @ w) for w in (v, exact[:, :k], loose.components_.T)]
    check("our directions hold as much of the matrix as scikit-learn's", held[0] >= held[2] * (1 - 1e-6),
          f"ours {held[0]:.6f}, exact {held[1]:.6f}, scikit-learn {held[2]:.6f}")
    clear = int((s[:k] > 1.01 * s[k]).sum()) if rank > dims else k
    cosine = np.linalg.svd(exact[:, :clear].T @ v, compute_uv=False)
    sine = np.sqrt(np.maximum(0, 1 - np.minimum(1, cosine) ** 2)).max() if clear else 0
    check("principal angles to the exact subspace", sine < 0.05, f"largest sine {sine:.1e} of {clear} directions")
    i, j = np.random.default_rng(1).integers(0, rows.shape[0], (2, PAIRS))
    right = distances(unit(rows @ exact[:, :k]), i, j)
    ours = np.abs(distances(vectors, i, j) - right)
    sk = np.abs(distances(unit(rows @ loose.components_.T), i, j) - right)
    check("distances between vectors", np.median(ours) < 1e-3 and np.median(ours) <= np.median(sk) + 1e-6,
          f"off by {np.median(ours):.1e} in the median, {np.quantile(ours, .99):.1e} at 99 %; scikit-learn's randomized SVD "
          f"by {np.median(sk):.1e} and {np.quantile(sk, .99):.1e}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--options", action="store_true")
    parser.add_argument("--dims", type=int, default=100)
    parser.add_argument("corpus", nargs="*")
    args = parser.parse_args()
    print(f"scikit-learn {sklearn.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        code_points(args.build, folder)
        for path in args.corpus:
            texts = texts_of(path)
            print(f"{pathlib.Path(path).name}: {len(texts)} documents, {args.dims} dims")
            run(args.build, folder, texts, {"dims": args.dims})
            some = [{"min_df": 2}, {"min_df": 0.001}, {"max_df": 0.05}, {"max_df": 40}, {"min_df": 3, "max_df": 0.1},
                    {"max_features": 1000}, {"max_features": 300, "min_df": 2}, {"sample": len(texts) // 3}, {"dims": 7}]
            for options in some if args.options else []:
                print("", options)
                run(args.build, folder, texts, options, svd="dims" in options)
    print(f"{failures} differences" if failures else "no difference")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
