# SPDX-License-Identifier: MIT
"""kill -9 of cbtm-train at random moments, any number of times in a row, with other threads each time: what it publishes at
last has the bytes of a run that was never disturbed, and log.jsonl has every step once."""
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
PRECISIONS = ["fp32", "bf16"]


def line(out, precision, every, threads):
    settings = {**COMMON, "checkpoint_every": every, "precision": precision}
    return tiny.command("train", "corpus.jsonl", "whole", out, settings) + ["--threads", str(threads)]


def datasets(out):
    return {f"{name}/{path}": digest for name in ("seed", "expert") for path, digest in tiny.sealed(os.path.join(out, name)).items()}


def wrong_steps(out):
    """Steps that a log has not once."""
    wrong = []
    for log in sorted(pathlib.Path(out).rglob("log.jsonl")):
        events = [json.loads(text) for text in log.read_text().splitlines()]
        count = collections.Counter(e["step"] for e in events if e["event"] == "step")
        wrong += [f"{log}: step {s} stands there {count[s]} times" for s in range(1, max(count) + 1) if count[s] != 1]
    return wrong


def main(trials, seed=1):
    tiny.built()
    tiny.in_memory()
    tiny.corpus("corpus.jsonl")
    tiny.pipeline("whole", os.path.abspath("corpus.jsonl"), stages=["tokenize", "embed", "cluster", "shard"])
    rng, wrong, kills, done = random.Random(seed), [], 0, 0
    for precision in PRECISIONS:
        begin = time.monotonic()
        first = subprocess.run(line(f"undisturbed-{precision}", precision, 60, 1), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if first.returncode == 78 and precision == "bf16":
            print("this processor has no bf16")
            continue
        if first.returncode:
            sys.exit(first.stdout)
        seconds, expected = time.monotonic() - begin, datasets(f"undisturbed-{precision}")
        for i in range(trials):
            out, story = f"{precision}-{i}", []
            for _ in range(rng.randint(1, 6)):
                wait = rng.uniform(0, 0.9 * seconds)
                process = subprocess.Popen(line(out, precision, rng.choice([0, 0, 60]), rng.choice([1, 2])), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
                try:
                    process.wait(wait)
                except subprocess.TimeoutExpired:
                    tiny.killed(process)
                kills += process.returncode == -signal.SIGKILL
                story.append(f"{wait:.2f} s -> {process.returncode}")
            last = subprocess.run(line(out, precision, 60, 2), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            after = f"{precision} after {'; '.join(story)}"
            if last.returncode:
                wrong.append(f"{after}: exit status {last.returncode}: {last.stdout}")
            else:
                wrong += tiny.compare(after, expected, datasets(out)) + [f"{after}: {text}" for text in wrong_steps(out)]
            tiny.run(["rm", "-rf", out])
            done += 1
    print(f"{done} runs, {kills} kills")
    print("\n".join(wrong))
    sys.exit(1 if wrong or kills < done // 2 else 0)
