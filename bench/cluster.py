# SPDX-License-Identifier: MIT
"""Clustering beside its peers: seconds and objectives at equal first centres, equal steps, equal threads.

    bench/with-peers cluster --build build [--text corpus.jsonl.zst ...] [--reference DIR]

balanced-kmeans against kernelmachine/balanced-kmeans (PyTorch), kmeans against faiss and scikit-learn (the faster of its
two algorithms). The vectors are tf-idf + SVD of --text, JSON lines of documents (`text`, else `input`) cut into pieces of
100 words; without it, generated ones of a like spectrum (bench/cluster_fit.c). One start tells little of an objective:
`starts` compares many, of fewer points. The reference is cloned from GitHub beside this script's environment, at the commit below;
--reference names a checkout where that host cannot be reached. Every objective here is the same sum, made here from the
labels alone: squared distances to the means of their clusters. Prints `RATIO name value goal`: medians."""
import sys

sys.path.pop(0)  # this folder, whose tokenize.py is not Python's

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import types

import numpy as np

REFERENCE = "https://github.com/kernelmachine/balanced-kmeans"
COMMIT = "23cee3a"
GOALS = {8: 30, 32: 80, 128: 120}
DIMS = 100


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build", help="build folder, with `make bench` done")
    p.add_argument("--text", nargs="+", default=[], help="JSON lines, may be .zst")
    p.add_argument("--reference", help="a checkout of kernelmachine/balanced-kmeans")
    p.add_argument("--points", type=int, default=50000)
    p.add_argument("--k", type=int, nargs="+", default=[8, 32, 128])
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--runs", type=int, default=5, help="ours, faiss and scikit-learn; the reference runs once from k = 32 on")
    p.add_argument("--only", choices=["balanced", "kmeans", "starts", "init", "scaling"])
    p.add_argument("--shortest", type=int, default=40, help="words of the shortest piece")
    p.add_argument("--starts", type=int, default=10, help="first centres from which objectives are compared")
    p.add_argument("--start-points", type=int, default=8192, help="points of each")
    p.add_argument("--seeds", type=int, default=5, help="fits of each initialisation")
    p.add_argument("--largest", type=int, default=10**6, help="points of the longest scaling curve (10**7 takes 6 GB)")
    return p.parse_args()


A = arguments()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(A.threads)
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="cbtm-bench-"))


def fit(vectors, **options):
    """One run of ours: its line of JSON."""
    command = ["bench/cluster_fit", f"vectors={vectors}", f"dims={DIMS}", f"threads={A.threads}"]
    out = subprocess.run(command + [f"{k}={v}" for k, v in options.items()], cwd=A.build, check=True,
                         stdout=subprocess.PIPE, text=True)
    return json.loads(out.stdout)


def pieces(paths):
    for path in paths:
        tool = ["zstd", "-dc"] if path.endswith(".zst") else ["cat"]
        for line in subprocess.run([*tool, path], check=True, stdout=subprocess.PIPE).stdout.decode().split("\n"):
            document = json.loads(line) if line else {}
            words = document.get("text", document.get("input", "")).split()
            for i in range(0, len(words), 100):
                if len(words) - i >= A.shortest:
                    yield " ".join(words[i:i + 100])


def make_vectors():
    path = SCRATCH / "vectors"
    if not A.text:
        subprocess.run(["bench/cluster_fit", f"generate={A.points}", f"dims={DIMS}", "k=1", "iterations=1", f"save={path}"],
                       cwd=A.build, check=True, stdout=subprocess.DEVNULL)
        return path, np.fromfile(path, np.float32).reshape(-1, DIMS), "generated"
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize
    docs = list(pieces(A.text))
    docs = [docs[i] for i in sorted(np.random.default_rng(1).permutation(len(docs))[:A.points + A.points // 50])]
    x = TfidfVectorizer(stop_words="english").fit_transform(docs)
    x = normalize(TruncatedSVD(DIMS, random_state=1).fit_transform(x)).astype(np.float32)
    x = x[np.abs(x).sum(1) > 0][:A.points]
    x.tofile(path)
    return path, x, "tf-idf + SVD of text"


def objective(x, label, k):
    x = x.astype(np.float64)
    sums = np.zeros((k, DIMS))
    np.add.at(sums, label, x)
    sizes = np.bincount(label, minlength=k)
    return float(((x - (sums / np.maximum(sizes, 1)[:, None])[label]) ** 2).sum())


def reference():
    folder = A.reference
    if not folder:
        folder = os.path.join(sys.prefix, "balanced-kmeans")
        if not os.path.isdir(folder):
            made = subprocess.run(["git", "clone", "-q", REFERENCE, folder]).returncode == 0
            if not made or subprocess.run(["git", "-C", folder, "checkout", "-q", COMMIT]).returncode:
                sys.exit(f"{REFERENCE} cannot be cloned: give a checkout by --reference, or leave it out by --only kmeans")
    # Its time warping needs CUDA's compiler and is not used.
    sys.modules["kmeans_pytorch.soft_dtw_cuda"] = types.SimpleNamespace(SoftDTW=None)
    sys.path.insert(0, folder)
    import kmeans_pytorch
    return kmeans_pytorch


def timed(run, times):
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


def ours(path, x, k, centres, plugin, steps):
    labels = SCRATCH / "labels"
    lines = [fit(path, k=k, centres=centres, plugin=plugin, iterations=steps, clusters=labels) for _ in range(A.runs)]
    label = np.fromfile(labels, np.uint32).astype(np.int64)
    return statistics.median(line["seconds"] for line in lines), label, lines[-1]


def first_centres(x, k, start=None):
    path = SCRATCH / f"centres-{k}"
    c = x[np.random.default_rng(k if start is None else [start, k]).choice(len(x), k, replace=False)]
    c.tofile(path)
    return path, c


def by_reference(peer, torch, x, k, c):
    """Its clusters after --steps steps; it does not end where k does not divide the number of points."""
    m = peer.KMeans(n_clusters=k, device=torch.device("cpu"), balanced=True)
    m.cluster_centers = torch.from_numpy(c.copy())
    return m.fit(torch.from_numpy(x), iter_limit=A.steps, tol=-1, tqdm_flag=False, online=True, iter_k=1).numpy()


def balanced(path, x):
    import torch
    torch.set_num_threads(A.threads)
    peer = reference()
    for k in A.k:
        centres, c = first_centres(x, k)
        seconds, label, line = ours(path, x, k, centres, "balanced-kmeans", A.steps)

        theirs, other = timed(lambda: by_reference(peer, torch, x, k, c), 3 if k < 32 else 1)
        sizes, others = np.bincount(label, minlength=k), np.bincount(other, minlength=k)
        print(f"k {k}: ours {seconds:.3f} s, {line['iterations']} steps, objective {objective(x, label, k):.2f}, largest gap "
              f"{line['gap']:.1e}, sizes {sizes.min()} to {sizes.max()}; reference {theirs:.2f} s, objective "
              f"{objective(x, other, k):.2f}, sizes {others.min()} to {others.max()}", flush=True)
        print(f"RATIO balanced_vs_reference_k{k} {theirs / seconds:.1f} {GOALS.get(k, 1)}", flush=True)


def starts(x):
    """Where both end from the same first centres, over many starts: the reference's objective by ours."""
    import torch
    torch.set_num_threads(A.threads)
    peer = reference()
    x = np.ascontiguousarray(x[np.sort(np.random.default_rng(7).permutation(len(x))[:A.start_points])])
    path, labels = SCRATCH / "some", SCRATCH / "labels"
    x.tofile(path)
    for k in A.k:
        ratios = []
        for start in range(A.starts):
            centres, c = first_centres(x, k, start)
            fit(path, k=k, centres=centres, iterations=A.steps, clusters=labels)
            mine = objective(x, np.fromfile(labels, np.uint32).astype(np.int64), k)
            ratios.append(objective(x, by_reference(peer, torch, x, k, c), k) / mine)
        print(f"k {k}: {len(x)} points, {A.starts} starts, the reference's objective by ours: median "
              f"{statistics.median(ratios):.4f}, {min(ratios):.4f} to {max(ratios):.4f}, ours no worse in "
              f"{sum(r >= 1 for r in ratios)} of them")
        print(f"RATIO balanced_objective_vs_reference_k{k} {statistics.median(ratios):.4f} 1", flush=True)


def kmeans(path, x):
    import faiss
    from sklearn.cluster import KMeans
    faiss.omp_set_num_threads(A.threads)
    for k in A.k:
        centres, c = first_centres(x, k)
        # Peers assign once more after their last means.
        seconds, label, _ = ours(path, x, k, centres, "kmeans", A.steps + 1)

        def by_faiss():
            m = faiss.Kmeans(DIMS, k, niter=A.steps, nredo=1, min_points_per_centroid=1, max_points_per_centroid=len(x))
            m.train(x, init_centroids=c)
            return m

        def by_sklearn(algorithm):
            return KMeans(k, init=c, n_init=1, max_iter=A.steps, tol=0, algorithm=algorithm).fit(x)

        f_seconds, f = timed(by_faiss, A.runs)
        s_seconds, s = timed(lambda: by_sklearn("lloyd"), A.runs)
        e_seconds, _ = timed(lambda: by_sklearn("elkan"), A.runs)
        f_label = f.index.search(x, 1)[1][:, 0]
        print(f"k {k}: ours {seconds:.3f} s, objective {objective(x, label, k):.2f}; faiss {f_seconds:.3f} s, "
              f"{objective(x, f_label, k):.2f}; scikit-learn lloyd {s_seconds:.3f} s, elkan {e_seconds:.3f} s, "
              f"{objective(x, s.labels_, k):.2f}", flush=True)
        name = "" if k == A.k[-1] else f"_k{k}"
        print(f"RATIO kmeans_vs_faiss{name} {f_seconds / seconds:.2f} 1")
        print(f"RATIO kmeans_vs_sklearn{name} {min(s_seconds, e_seconds) / seconds:.2f} 1", flush=True)


def init(path):
    """Which first centres end where: the mean over --seeds."""
    for k in A.k:
        for how in ("kmeans++", "random", "farthest"):
            lines = [fit(path, k=k, init=how, iterations=A.steps, seed=seed) for seed in range(1, A.seeds + 1)]
            found = [line["objective"] for line in lines]
            print(f"k {k}, init {how}: objective {statistics.mean(found):.1f} ({min(found):.1f} to {max(found):.1f}), "
                  f"{statistics.median(line['seconds'] for line in lines):.3f} s", flush=True)


def scaling():
    """Time and memory over points and over clusters, of generated vectors; the slope of time over n in logarithms."""
    sizes, seconds = [n for n in (10**4, 10**5, 10**6, 10**7) if n <= A.largest], []
    for n, k in [(n, 128) for n in sizes] + [(10**5, k) for k in (2, 8, 32, 128, 512, 1024)]:
        line = json.loads(subprocess.run(["bench/cluster_fit", f"generate={n}", f"dims={DIMS}", f"k={k}",
                                          f"iterations={A.steps}", f"threads={A.threads}"], cwd=A.build, check=True,
                                         stdout=subprocess.PIPE, text=True).stdout)
        print(f"n {n}, k {k}: {line['seconds']:.3f} s, {line['seconds'] / n / line['iterations'] * 1e9:.0f} ns a point and "
              f"step, {line['iterations']} steps, gap {line['gap']:.1e}, {line['bytes_a_point']:.0f} bytes a point beyond the "
              f"vectors, {line['peak_gib']:.2f} GiB in all", flush=True)
        seconds.append(line["seconds"])
        if len(seconds) == len(sizes) > 1:
            print(f"time grows as n^{np.polyfit(np.log(sizes), np.log(seconds), 1)[0]:.2f}", flush=True)


def main():
    if A.only in (None, "scaling"):
        scaling()
    if A.only == "scaling":
        return
    path, x, what = make_vectors()
    print(f"{len(x)} x {DIMS} vectors ({what}), {A.threads} threads, {A.steps} steps", flush=True)
    if A.only in (None, "kmeans"):
        kmeans(path, x)
    if A.only in (None, "starts"):
        starts(x)
    if A.only in (None, "init"):
        init(path)
    if A.only in (None, "balanced"):
        balanced(path, x)


main()
