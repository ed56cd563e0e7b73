# SPDX-License-Identifier: MIT
"""One balanced assignment beside scipy's linear_sum_assignment, in which each cluster is ceil(n / k) slots: the same cost.

    tests/parity/run balanced.py --build build [--cases 200] [VECTORS.f32 [DIMS]]

Cases are points at random, in groups, on a grid, repeated, at scales 1e-3 to 1e3, k up to n; or rows of raw float32
vectors. Needs `make bench` in the build folder."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.path.pop(0)  # this folder

import numpy as np
from scipy.optimize import linear_sum_assignment

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("--build", default="build")
p.add_argument("--cases", type=int, default=200)
p.add_argument("vectors", nargs="?")
p.add_argument("dims", nargs="?", type=int, default=100)
A = p.parse_args()
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="cbtm-parity-"))
REAL = np.fromfile(A.vectors, np.float32).reshape(-1, A.dims) if A.vectors else None


def points(rng, n):
    d = int(rng.integers(1, 20))
    x = rng.normal(size=(n, d))
    kind = rng.choice(["random", "groups", "grid", "repeated"])
    if kind == "groups":
        x += 4 * rng.normal(size=(4, d))[rng.integers(0, 4, n)]
    elif kind == "grid":
        x = np.floor(2 * x)
    elif kind == "repeated":
        x = x[rng.integers(0, max(1, n // 4), n)]
    return (x * 10.0 ** rng.integers(-3, 4)).astype(np.float32)


def check(case):
    rng = np.random.default_rng(case)
    n = int(rng.integers(2, 400))
    x = REAL[rng.choice(len(REAL), n, replace=False)] if A.vectors else points(rng, n)
    k = int(rng.integers(1, n + 1)) if case % 5 == 0 else int(rng.integers(1, min(n, 20) + 1))
    c = x[rng.choice(n, k, replace=False)]
    x.tofile(SCRATCH / "x"), c.tofile(SCRATCH / "c")
    subprocess.run(["bench/cluster_fit", f"vectors={SCRATCH}/x", f"dims={x.shape[1]}", f"k={k}", "iterations=1",
                    f"centres={SCRATCH}/c", f"clusters={SCRATCH}/out"], cwd=A.build, check=True, stdout=subprocess.DEVNULL)
    label = np.fromfile(SCRATCH / "out", np.uint32).astype(np.int64)
    slots = -(-n // k)
    cost = ((x[:, None].astype(np.float64) - c[None].astype(np.float64)) ** 2).sum(-1)
    rows, columns = linear_sum_assignment(np.repeat(cost, slots, axis=1))
    best, ours = cost[rows, columns // slots].sum(), cost[np.arange(n), label].sum()
    if np.bincount(label, minlength=k).max() > slots or abs(ours - best) > 1e-9 * max(best, cost.mean() * 1e-3):
        print(f"case {case}: n {n}, k {k}, dims {x.shape[1]}: {ours!r}, scipy {best!r}")
        return 1
    return 0


wrong = sum(check(case) for case in range(A.cases))
print(f"{A.cases} assignments, {wrong} other than scipy's optimum")
sys.exit(wrong != 0)
