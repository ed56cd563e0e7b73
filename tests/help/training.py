# SPDX-License-Identifier: MIT
"""kill -9 of cbtm-train at random moments, any number of times in a row, with other threads each time: what it publishes at
last has the bytes of a run that was never disturbed, and log.jsonl has every step once. In several ways of training, with dropout and
gradients added up in all."""
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import tiny

COMMON = {"dropout": 0.1, "attention_dropout": 0.2, "embedding_dropout": 0.05, "micro_batch": 3, "log_every": 1, "valid_every": 7,
          "seed.tokens": 12288, "seed.cooldown": 0.2, "branch.tokens": 18432, "use": "best"}  # batches of 8 and 4: accumulated
WAYS = {
    "fp32": {"precision": "fp32"},
    "bf16": {"precision": "bf16"},
    "mixture": {"moe.experts": 4, "moe.every": 1, "keep": "both"},
    "cut": {"branch.at": 8192, "seed.keep": [2048, 6144], "seed.schedule": "cosine", "seed.cooldown": 0, "keep": "both", "use": "last"},
    "checkpointed": {"activation_checkpointing": "layers", "branch.schedule": "constant", "branch.cooldown": 0.3, "keep": "used"},
    "imported": {"seed.import": "exported", "seed.length": 32},
}


def line(out, way, every, threads):
    settings = {**COMMON, "checkpoint_every": every, **WAYS[way]}
    return tiny.command("train", "corpus.jsonl", "whole", out, settings) + ["--threads", str(threads)]


def export():
    """A checkpoint of transformers' kind, to be imported: a seed by other random numbers, with its vocabulary."""
    tiny.run(tiny.command("train", "corpus.jsonl", "whole", "other", {"random_seed": 9}) + ["--task", "seed"])
    for folder in ("other/seed", "whole/vocabulary"):
        tiny.run([str(tiny.BUILD / "cbtm"), "export", folder, "--to", "exported"])


def datasets(out):
    return {f"{name}/{path}": digest for name in ("seed", "expert") for path, digest in tiny.sealed(os.path.join(out, name)).items()}


def wrong_steps(out):
    """Steps that a log has not once."""
    wrong = []
    for log in sorted(pathlib.Path(out).rglob("log.jsonl")):
        events = [json.loads(text) for text in log.read_text().splitlines()]
        count = collections.Counter(e["step"] for e in events if e["event"] == "step")
        wrong += [f"{log}: step {s} stands there {count[s]} times" for s in range(1, max(count, default=0) + 1) if count[s] != 1]
    return wrong


def main(trials, seed=1):
    tiny.built()
    tiny.in_memory()
    tiny.corpus("corpus.jsonl")
    tiny.pipeline("whole", os.path.abspath("corpus.jsonl"), stages=["tokenize", "embed", "cluster", "shard"])
    export()
    rng, wrong, kills, done = random.Random(seed), [], 0, 0
    for way in WAYS:
        begin = time.monotonic()
        first = subprocess.run(line(f"undisturbed-{way}", way, 60, 1), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if first.returncode == 78 and way == "bf16":
            print("this processor has no bf16")
            continue
        if first.returncode:
            sys.exit(first.stdout)
        seconds, expected = time.monotonic() - begin, datasets(f"undisturbed-{way}")
        for i in range(trials):
            out, story = f"{way}-{i}", []
            for _ in range(rng.randint(1, 6)):
                wait = rng.uniform(0, 0.9 * seconds)
                process = subprocess.Popen(line(out, way, rng.choice([0, 0, 60]), rng.choice([1, 2])), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
                try:
                    process.wait(wait)
                except subprocess.TimeoutExpired:
                    tiny.killed(process)
                kills += process.returncode == -signal.SIGKILL
                story.append(f"{wait:.2f} s -> {process.returncode}")
            last = subprocess.run(line(out, way, 60, 2), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            after = f"{way} after {'; '.join(story)}"
            if last.returncode:
                wrong.append(f"{after}: exit status {last.returncode}: {last.stdout}")
            else:
                wrong += tiny.compare(after, expected, datasets(out)) + [f"{after}: {text}" for text in wrong_steps(out)]
            tiny.run(["rm", "-rf", out])
            done += 1
    print(f"{done} runs, {kills} kills")
    print("\n".join(wrong))
    sys.exit(1 if wrong or kills < done // 2 else 0)
