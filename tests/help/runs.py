# SPDX-License-Identifier: MIT
"""Killing `cbtm run`: the driver or one of its tasks, at random moments, until a last run ends undisturbed. Every dataset
then has the bytes of a run that was never disturbed."""
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import tiny

SYSTEMS = [{"name": "dense", "set": {"cluster.k": 1}}, {"name": "experts"}, {"name": "random", "set": {"cluster.plugin": "random"}}]


def line(work, *more):
    return [str(tiny.BUILD / "cbtm"), "run", "tiny.yaml", "--work", work, *more]


def children(pid):
    try:
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def left(work):
    """{path: digest} of all datasets; what is neither sealed nor a log was left over."""
    return {f"{d.name}/{name}": digest for d in sorted(pathlib.Path(work).iterdir()) if d.is_dir() and d.name != "runs"
            for name, digest in tiny.sealed(d).items()}


def kill_once(work, rng, seconds):
    """Starts a run, waits a while, kills the driver, a task, or both. Returns what was killed."""
    driver = subprocess.Popen(line(work, "--quiet"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(rng.uniform(0, seconds))
    tasks, target = children(driver.pid), rng.choice(["driver", "task", "both", "stop"])
    if target in ("task", "both") and tasks:
        try:
            os.kill(rng.choice(tasks), signal.SIGKILL)
        except ProcessLookupError:
            pass
    if target in ("driver", "both"):
        driver.kill()
    if target == "stop":
        driver.terminate()
    status = driver.wait()
    if target == "stop" and status not in (0, 75, -signal.SIGTERM):
        sys.exit(f"SIGTERM to the driver: exit status {status}")
    return target


def main(rounds, seed=1):
    tiny.built("cbtm", *[f"cbtm-{s}" for s in tiny.STAGES])
    tiny.in_memory()
    tiny.corpus("corpus.jsonl")
    pathlib.Path("tiny.yaml").write_text(tiny.yaml(os.path.abspath("corpus.jsonl"), SYSTEMS))
    begin = time.monotonic()
    tiny.run(line("whole", "--quiet"))
    seconds, expected = time.monotonic() - begin, left("whole")
    wrong, kills, numbers = [], [], tiny.of_piece(range(rounds))
    for i in numbers:
        work, rng = f"trial-{i}", random.Random(f"{seed} {i}")
        story = [kill_once(work, rng, 0.7 * seconds) for _ in range(rng.randint(1, 6))]
        kills += story
        last = subprocess.run(line(work), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if last.returncode:
            wrong.append(f"after {story}: exit status {last.returncode}: {last.stdout}")
            continue
        wrong += tiny.compare(f"after {story}", expected, left(work))
        again = tiny.run(line(work))
        if "nothing to do" not in again.stdout:
            wrong.append(f"after {story}: a further run says {again.stdout}")
        tiny.run(["rm", "-rf", work])
    print(f"{len(numbers)} runs, {len(kills)} times disturbed, {len(expected)} files, {seconds:.1f} s undisturbed")
    print("\n".join(wrong))
    sys.exit(1 if wrong or not expected else 0)
