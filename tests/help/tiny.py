# SPDX-License-Identifier: MIT
"""The tiny pipeline that tests run as a whole: its corpus, its settings, every stage by hand, what it published.

A test works in the current folder; nothing here needs more than the programs of $BUILD.
"""
import atexit
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

SOURCE, BUILD = pathlib.Path(os.environ["SOURCE"]), pathlib.Path(os.environ["BUILD"])
STAGES = ["tokenize", "embed", "cluster", "shard", "train", "evaluate"]
CLUSTERS = 3
SKIPPED = 77

# Options of each stage, as in pipeline.yaml. Everything is as small as still says something.
SETTINGS = {
    "tokenize": {"split.valid": 0.1, "split.test": 0.1, "split.seed": 0.5, "vocabulary.size": 400, "part_bytes": 16000},
    "embed": {"plugin": "tfidf-svd", "dims": 8},
    "cluster": {"plugin": "balanced-kmeans", "k": CLUSTERS},
    "shard": {"length": 32},
    "train": {"model.layers": 2, "model.width": 16, "model.heads": 2, "seed.tokens": 4096, "seed.batch": 8, "seed.warmup": 4,
              "branch.tokens": 6144, "branch.batch": 12, "branch.warmup": 2, "valid_every": 5, "log_every": 2,
              "checkpoint_every": 0},
    "evaluate": {"temperature": [0.05, 0.1], "top_k": [1, 2]},
}


def corpus(path, documents=60, domains=3, seed=1):
    """A generated corpus of about 50 kB: the same bytes with every Python."""
    made = subprocess.run([sys.executable, SOURCE / "data/tiny", "--documents", str(documents), "--domains", str(domains),
                           "--seed", str(seed)], stdout=subprocess.PIPE, check=True).stdout
    pathlib.Path(path).write_bytes(made)


def built(*programs):
    """Ends the test as skipped if a program is not there."""
    for p in programs or [f"cbtm-{s}" for s in STAGES]:
        if not (BUILD / p).exists():
            print(f"{p} is not built")
            sys.exit(SKIPPED)


def in_memory():
    """Goes to a temporary folder in memory, where there is one: killing a process proves nothing about a disk."""
    if os.access("/dev/shm", os.W_OK):
        folder = tempfile.mkdtemp(prefix="cbtm-test-", dir="/dev/shm")
        atexit.register(shutil.rmtree, folder, True)
        os.chdir(folder)


def has_failpoints():
    return "define CBTM_FAULT 1" in (BUILD / "config.h").read_text()


def piece():
    """(i, n) of PIECE=i/n: of a long suite's trials those whose number leaves i - 1 when divided by n."""
    i, n = map(int, os.environ.get("PIECE", "1/1").split("/"))
    if not 1 <= i <= n:
        sys.exit(f"PIECE={i}/{n}: name one of the pieces 1/{n} to {n}/{n}")
    return i, n


def of_piece(trials):
    """A piece without trials would pass and have tested nothing."""
    (i, n), trials = piece(), list(trials)
    if trials and not trials[i - 1::n]:
        sys.exit(f"PIECE={i}/{n}: the suite has {len(trials)} trials here, divide it into as many pieces at most")
    return trials[i - 1::n]


def sanitized():
    return re.search(r"^SANITIZE = *\S", (BUILD / "Makefile").read_text(), re.M) is not None


def folders(stage):
    """The datasets of a stage, as its own --help names them: (those it reads, those it publishes)."""
    if stage not in folders.known:
        text = subprocess.run([BUILD / f"cbtm-{stage}", "--help"], stdout=subprocess.PIPE, check=True, text=True).stdout
        rows = re.findall(r"^  --([a-z-]+) PATH\.\.\.\s+(input|output)", text, re.M)
        folders.known[stage] = tuple([name for name, way in rows if way == w] for w in ("input", "output"))
    return folders.known[stage]


folders.known = {}


SYSTEMS = [{"name": "dense", "set": {"cluster.k": 1}}, {"name": "experts"},
           {"name": "random", "set": {"cluster.plugin": "random"}}]


def command(stage, source, inputs=".", out=".", settings=None):
    """A stage by hand: all its tasks. Datasets lie under `inputs` and `out`, named as their options."""
    reads, publishes = folders(stage)
    line = [str(BUILD / f"cbtm-{stage}"), "--quiet"]
    if stage == "tokenize":
        line += ["--input", str(source)]
    for where, names in ((inputs, reads), (out, publishes)):
        for name in names:
            if where == out or os.path.exists(os.path.join(where, name)):  # k = 1 has no centres
                line += [f"--{name}", os.path.join(where, name)]
    for key, value in {**SETTINGS[stage], **(settings or {})}.items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        line += ["--" + key.replace(".", "-").replace("_", "-"), text]
    return line


def run(line, env=None, expect=0, **more):
    """Runs a command line; the test fails where it does not return `expect`."""
    r = subprocess.run(line, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, **more)
    if r.returncode != expect:
        sys.exit(f"{' '.join(map(str, line))}\n{' '.join(f'{k}={v}' for k, v in (env or {}).items())}\n"
                 f"exit status {r.returncode}, expected {expect}\n{r.stdout}{r.stderr}")
    return r


def planned(cbtm, *arguments):
    """The names of the tasks that `cbtm plan` would run, a line each; not those of its estimates below."""
    lines = run([cbtm, "plan", *arguments]).stdout.split("\nexpected ")[0].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


def pipeline(folder, source, threads=2, stages=STAGES, env=None, **more):
    """All stages by hand, into `folder`."""
    os.makedirs(folder, exist_ok=True)
    for stage in stages:
        run(command(stage, source, folder, folder) + ["--threads", str(threads)], env, **more)


def sealed(folder, ignored=()):
    """{path below folder: SHA-256} of all sealed files; logs, runs/ and `ignored` aside, anything else was left over."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir() or path.name == "log.jsonl" or name in ignored or name.startswith("runs/"):
            continue
        if not re.fullmatch(r"part-\d{5}\.(lmdb|json)|DATASET\.json", path.name):
            found[name] = "left over"
            continue
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def compare(what, expected, got):
    """Lines that say where two results of sealed() differ; empty: nowhere."""
    wrong = []
    for name in sorted({*expected, *got}):
        if got.get(name) == "left over":
            wrong.append(f"{what}: {name} was left over")
        elif name not in got:
            wrong.append(f"{what}: {name} is missing")
        elif name not in expected:
            wrong.append(f"{what}: {name} was not there before")
        elif expected[name] != got[name]:
            wrong.append(f"{what}: {name} differs")
    return wrong


def yaml(source, systems=None, settings=None):
    """The same settings as a pipeline.yaml; JSON's strings and numbers are YAML's."""
    text = "name: tiny\nwork: work\n"
    for stage in STAGES:
        keys = {**({"input": [str(source)]} if stage == "tokenize" else {}), **SETTINGS[stage],
                **(settings or {}).get(stage, {})}
        nested = {}
        for key, value in keys.items():
            place = nested
            *above, last = key.split(".")
            for name in above:
                place = place.setdefault(name, {})
            place[last] = value
        text += f"{stage}: {json.dumps(nested)}\n"
    return text + f"systems: {json.dumps(systems or SYSTEMS)}\n"


def killed(process):
    """Ends a process group at once, and takes its exit status."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return process.wait()
