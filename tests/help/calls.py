# SPDX-License-Identifier: MIT
"""Stages under the fault shim: the n-th write, fsync, rename, ftruncate, mmap or malloc fails, once or from then on. Each time:
one clear error with its exit status and no signal, and the plain command afterwards ends with the bytes of an
undisturbed run."""
import collections
import concurrent.futures
import itertools
import os
import shutil
import subprocess
import sys

import kills
import tiny

EXPECTED = {71, 73, 74, 75}  # memory, cannot create, I/O or disk full, stopped (include/cbtm/error.h)
PLANS = [("write", "ENOSPC"), ("write", "short"), ("fsync", "EIO"), ("rename", "EROFS"), ("ftruncate", "EIO"),
         ("mmap", "ENOMEM"), ("malloc", "ENOMEM")]
SAMPLE = 14  # allocations are many and alike: so many of them; disks that stay full: a quarter of that
# Four steps of each model have every call that sixteen have.
tiny.SETTINGS["train"].update({"seed.tokens": 1024, "seed.warmup": 1, "branch.tokens": 1536, "branch.warmup": 1, "valid_every": 2})
SHIM = tiny.BUILD / "tests/fault/shim.so"


def attempt(stage, plan, number):
    """What is wrong with the stage under this plan ("" if nothing), and whether the plan struck."""
    out, mark = f"trial-{number}", os.path.abspath(f"fired-{number}")
    env = {**os.environ, "LD_PRELOAD": str(SHIM), "CBTM_SHIM": plan, "CBTM_SHIM_FIRED": mark}
    line = stage.line(out) + ["--threads", "1"]
    try:
        r = subprocess.run(line, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        fired = os.path.exists(mark)
        if r.returncode and not fired:
            return f"fails though nothing was made to fail: {r.stderr}", fired
        if r.returncode and (r.returncode not in EXPECTED or not r.stderr.strip()):
            return f"exit status {r.returncode}: {r.stderr.strip() or 'no message'}", fired
        if r.returncode:
            r = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if r.returncode:
                return f"the same command afterwards: exit status {r.returncode}: {r.stderr}", fired
        return "\n".join(tiny.compare("at last", stage.expected, stage.published(out))), fired
    except subprocess.TimeoutExpired:
        return "hangs", True
    finally:
        shutil.rmtree(out, True)
        if os.path.exists(mark):
            os.unlink(mark)


def sites(stage):
    """{function: [the site of its first call, of its second, ...]} of an undisturbed run."""
    listed = os.path.abspath("sites")
    tiny.run(stage.line("listed") + ["--threads", "1"], {"LD_PRELOAD": str(SHIM), "CBTM_SHIM_SITES": listed})
    shutil.rmtree("listed")
    calls = collections.defaultdict(list)
    with open(listed) as f:
        for line in f:
            function, site = line.split()
            calls[function].append(site)
    os.unlink(listed)
    return calls


def one_a_site(calls):
    """Plans (function, n, suffix, error) in which each place of the program that calls the disk fails once, each write for want of
    room and every third by halves; of the places that allocate a sample, from the first to the last."""
    for function, error in PLANS:
        first = {}
        for n, site in enumerate(calls[function], 1):
            first.setdefault(site, n)
        chosen = list(first.values())
        spread = lambda most: chosen[::max(1, -(-len(chosen) // most))]
        if function == "malloc":
            chosen = spread(SAMPLE)
        elif error == "short":
            chosen = chosen[::3]
        for n in chosen:
            yield function, n, "", error
        if error == "ENOSPC":
            for n in spread(SAMPLE // 4):
                yield function, n, "+", error


def every_call(calls):
    """All calls, once and from then on; of the allocations, which are many, a sample that grows coarser."""
    for function, error in PLANS:
        n = 1
        while n <= len(calls[function]):
            for later in ("", "+"):
                yield function, n, later, error
            n += 1 if function != "malloc" or n < 100 else n // 16


def main(plans):
    if tiny.sanitized() or not SHIM.exists():
        sys.exit(tiny.SKIPPED)
    wrong = []
    for stage in kills.stages():
        calls = sites(stage)
        todo = tiny.of_piece(plans(calls))
        covered = {(function, calls[function][n - 1]) for function, n, later, error in todo}
        struck = 0
        with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            texts = [f"{function}:{n}{later}:{error}" for function, n, later, error in todo]
            for text, (what, fired) in zip(texts, pool.map(attempt, itertools.repeat(stage), texts, itertools.count())):
                struck += fired
                if what:
                    wrong.append(f"{stage.name}, {text}: {what}")
        every = sum(len(set(s)) for s in calls.values())
        print(f"{stage.name}: {len(todo)} runs, {struck} struck, {len(covered)} of {every} places that call")
        if struck < len(todo):
            wrong.append(f"{stage.name}: {len(todo) - struck} runs in which nothing was made to fail")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)
