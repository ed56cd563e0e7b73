#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Computes again, with scikit-learn and numpy, what cluster cards say.

Usage: cards.py RUN/SYSTEM...          the datasets of a run: work/runs/NAME/SYSTEM
       cards.py --record tests/unit/math/recorded_agreement.h

From documents and assignments as `cbtm cat` prints them ($BUILD or --build): sizes, distance quantiles, the contingency
table, NMI, homogeneity, completeness and purity of every field, the nearest and the farthest documents; from the texts the log-odds
of words. Where words are counted in a sample these are left out. Ends with status 1 if anything differs.
"""
import argparse
import collections
import itertools
import json
import math
import os
import pathlib
import random
import subprocess
import sys

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

SPLITS = ["seed", "branch", "valid", "test"]
SHARES = {"min": 0, "p5": .05, "p25": .25, "p50": .5, "p75": .75, "p95": .95, "max": 1}
PRIOR = 1000


def measures(values, clusters):
    table = metrics.cluster.contingency_matrix(values, clusters)
    return {"nmi": metrics.normalized_mutual_info_score(values, clusters, average_method="arithmetic"),
            "homogeneity": metrics.homogeneity_score(values, clusters),
            "completeness": metrics.completeness_score(values, clusters), "purity": table.max(axis=0).sum() / table.sum()}


def record(path):
    """Small tables and what scikit-learn makes of them."""
    rng, cases = random.Random(7), []
    for rows, columns, n in [(1, 1, 5), (1, 4, 40), (4, 1, 40), (3, 3, 300), (25, 8, 3000), (2, 2, 7), (40, 5, 60)]:
        for skew in (0, 1):
            labels = [(rng.randrange(rows), rng.randrange(columns)) for _ in range(n)]
            labels = [(v, v % columns if skew and rng.random() < .8 else c) for v, c in labels]
            cases.append((rows, columns, labels))
    cases.append((5, 5, [(i, i) for i in range(5) for _ in range(9)]))
    lines = []
    for rows, columns, labels in cases:
        m = measures(*zip(*labels))
        count = collections.Counter(labels)
        cells = ", ".join(str(count[v, c]) for v in range(rows) for c in range(columns))
        lines.append(f"\t{{ {rows}, {columns}, {m['nmi']!r}, {m['homogeneity']!r}, {m['completeness']!r}, {float(m['purity'])!r},\n"
                     f"\t  {{ {cells} }} }},\n")
    path.write_text("/* SPDX-License-Identifier: MIT */\n"
                    f"/* Made by tests/parity/cards.py --record with scikit-learn {sklearn.__version__}; do not edit. */\n#pragma once\n"
                    "#include <stddef.h>\n#include <stdint.h>\n\n/* clang-format off */\n"
                    "static const struct {\n\tsize_t rows, columns;\n\tdouble nmi, homogeneity, completeness, purity;\n\tuint64_t count[200];\n"
                    "} recorded_agreement[] = {\n" + "".join(lines) + "};\n/* clang-format on */\n")


def rows(build, dataset):
    cat = subprocess.Popen([build / "cbtm", "cat", dataset], stdout=subprocess.PIPE)
    for line in cat.stdout:
        row = json.loads(line)
        if "store" not in row:
            yield row
    if cat.wait():
        sys.exit(f"cbtm cat {dataset} failed")


def value_of(meta, path):
    while True:
        if not isinstance(meta, dict):
            return None
        if path in meta:
            break
        first, dot, path = path.partition(".")
        if not dot or first not in meta:
            return None
        meta = meta[first]
    value = meta[path]
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Checks:
    def __init__(self):
        self.done, self.wrong = 0, []

    def near(self, what, ours, theirs, tolerance=1e-9):
        self.done += 1
        if (ours is None) != (theirs is None) or ours is not None and not abs(ours - theirs) <= tolerance * max(1, abs(theirs)):
            self.wrong.append(f"{what}: {ours}, by others {theirs}")

    def same(self, what, ours, theirs):
        self.done += 1
        if ours != theirs:
            self.wrong.append(f"{what}: {ours}, by others {theirs}")


def check_field(check, field, documents, clusters, k):
    name = field["field"]
    values = [value_of(json.loads(d["meta"]), name) for d in documents]
    known = [i for i, v in enumerate(values) if v is not None]
    check.same(f"{name}: missing", field["missing"]["documents"], len(values) - len(known))
    if field["undercount"]:
        print(f"{name}: counts are not exact, not compared")
        return
    check.same(f"{name}: values", field["kept_values"], len({values[i] for i in known}))
    if not known:
        return
    for measure, x in measures([values[i] for i in known], [clusters[i] for i in known]).items():
        check.near(f"{name}: {measure}", field[measure], float(x))
    count = collections.Counter((values[i], int(clusters[i])) for i in known)
    for entry in field["values"]:
        check.same(f"{name} {entry['value']}", entry["clusters"], [count[entry["value"], j] for j in range(k)])
    together = [sum(c) for c in zip(*[e["clusters"] for e in field["values"]], field["others"]["clusters"])]
    check.same(f"{name}: the table's sum", together, [sum(clusters[i] == j for i in known) for j in range(k)])


def check_words(check, cards, documents, clusters, k):
    """Monroe, Colaresi and Quinn (2008), equations 16, 20, 22, 23."""
    analyse = TfidfVectorizer(token_pattern=r"(?u)\b\w\w+\b").build_analyzer()
    counts, found = [collections.Counter() for _ in range(k)], collections.Counter()
    for d, j in zip(documents, clusters):
        words = [w for w in analyse(d["text"]) if not w[0].isnumeric() and w not in ENGLISH_STOP_WORDS]
        counts[j].update(words)
        found.update(set(words))
    total = [sum(c.values()) for c in counts]
    check.same("all words", cards["summary"]["words"]["counted"], sum(total))
    check.same("distinct words", cards["summary"]["words"]["distinct"], len(found))
    everywhere = sum(counts, collections.Counter())
    for j, card in enumerate(cards["clusters"]):
        n, rest_n, z = total[j], sum(total) - total[j], {}
        for word, y in counts[j].items():
            rest = everywhere[word] - y
            a = PRIOR * everywhere[word] / sum(total)
            delta = math.log((y + a) / (n + PRIOR - y - a)) - math.log((rest + a) / (rest_n + PRIOR - rest - a))
            if found[word] >= 3 and delta > 0:
                z[word] = delta / math.sqrt(1 / (y + a) + 1 / (rest + a))
        best = sorted(z, key=lambda w: (-z[w], w.encode()))[:len(card["words"])]
        for ours, word in zip(card["words"], best):
            check.near(f"cluster {j}: word {ours['word']}", ours["z"], z[word])
            check.same(f"cluster {j}: counts of {ours['word']}", (ours["count"], ours["rest"]),
                       (counts[j][ours["word"]], everywhere[ours["word"]] - counts[j][ours["word"]]))


def compare(build, folder):
    check = Checks()
    text = subprocess.run([build / "cbtm", "inspect", "--json", folder / "cards"], check=True, stdout=subprocess.PIPE).stdout
    cards = json.loads(text)["cards"]
    k = cards["summary"]["clusters"]
    documents = list(rows(build, folder / "documents"))
    assigned = list(rows(build, folder / "assignments"))
    zero = np.array([not any(r["vector"]) for r in rows(build, folder / "vectors")])
    tokens = np.array([len(r["ids"]) for r in rows(build, folder / "tokens")])
    clusters = np.array([r["cluster"] for r in assigned])
    squared = np.array([np.float32(r["distance"]) for r in assigned])
    split = np.array([d["split"] for d in documents])
    distances = np.sqrt(squared.astype(float))
    for j, card in enumerate(cards["clusters"]):
        own = clusters == j
        for s, name in enumerate(SPLITS):
            check.same(f"cluster {j}: {name} documents", card["documents"][name], int((own & (split == s)).sum()))
            check.same(f"cluster {j}: {name} tokens", card["tokens"][name], int(tokens[own & (split == s)].sum()))
        check.same(f"cluster {j}: zero vectors", card["zero_vectors"], int((own & zero).sum()))
        of = np.flatnonzero(own & ~zero)
        for name, share in SHARES.items():
            theirs = float(np.sqrt(float(np.quantile(squared[of], share, method="inverted_cdf")))) if len(of) else None
            check.near(f"cluster {j}: {name}", card["distance"][name], theirs)
        check.near(f"cluster {j}: mean", card["distance"]["mean"], float(distances[of].mean()) if len(of) else None)
        for kind, sign in (("nearest", 1), ("farthest", -1)):
            order = sorted(of, key=lambda i: (sign * squared[i], documents[i]["key"], i))[:len(card[kind])]
            check.same(f"cluster {j}: {kind}", [d["id"] for d in card[kind]], [str(documents[i]["id"]) for i in order])
    train = ~zero & (split < 2)
    check.near("objective", cards["summary"]["objective"], float(squared[train].astype(float).mean()))
    for field in cards["fields"]:
        check_field(check, field, documents, clusters, k)
    if cards["summary"]["sampled"] == len(documents):
        check_words(check, cards, documents, clusters, k)
    print("\n".join(itertools.islice(check.wrong, 20)) or f"{folder}: {check.done} figures agree with scikit-learn and numpy")
    return not check.wrong


arguments = argparse.ArgumentParser()
arguments.add_argument("--build", type=pathlib.Path, default=pathlib.Path(os.environ.get("BUILD", "build")))
arguments.add_argument("--record", type=pathlib.Path)
arguments.add_argument("system", type=pathlib.Path, nargs="*")
a = arguments.parse_args()
if a.record:
    record(a.record)
sys.exit(not all([compare(a.build, s) for s in a.system]))
