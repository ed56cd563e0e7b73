# SPDX-License-Identifier: MIT
"""Stages under the fault shim: the n-th write, fsync, rename, ftruncate, mmap or malloc fails, once or from then on. Each time:
one clear error with its exit status and no signal, and the plain command afterwards ends with the bytes of an
undisturbed run."""
import os
import shutil
import subprocess
import sys

import kills
import tiny

EXPECTED = {71, 73, 74, 75}  # memory, cannot create, I/O or disk full, stopped (include/cbtm/error.h)
PLANS = [("write", "ENOSPC"), ("write", "short"), ("fsync", "EIO"), ("rename", "EROFS"), ("ftruncate", "EIO"),
         ("mmap", "ENOMEM"), ("malloc", "ENOMEM")]


def attempt(stage, plan):
    """What is wrong with the stage under this plan ("" if nothing), and whether the plan struck."""
    for path in ("trial", "fired"):
        shutil.rmtree(path, True) if path == "trial" else os.path.exists(path) and os.unlink(path)
    env = {**os.environ, "LD_PRELOAD": str(tiny.BUILD / "tests/fault/shim.so"), "CBTM_SHIM": plan,
           "CBTM_SHIM_FIRED": os.path.abspath("fired")}
    line = stage.line("trial") + ["--threads", "1"]
    try:
        r = subprocess.run(line, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "hangs", True
    fired = os.path.exists("fired")
    if r.returncode and not fired:
        return f"fails though nothing was made to fail: {r.stderr}", fired
    if r.returncode and (r.returncode not in EXPECTED or not r.stderr.strip()):
        return f"exit status {r.returncode}: {r.stderr.strip() or 'no message'}", fired
    if r.returncode:
        r = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if r.returncode:
            return f"the same command afterwards: exit status {r.returncode}: {r.stderr}", fired
    return "\n".join(tiny.compare("at last", stage.expected, stage.published("trial"))), fired


def main(first, growth):
    """The first calls all, then a sample that grows coarser: n += n // growth. 0: all of them, and for good as well."""
    if tiny.sanitized() or not (tiny.BUILD / "tests/fault/shim.so").exists():
        sys.exit(tiny.SKIPPED)
    wrong = []
    for stage in kills.stages():
        runs = struck = 0
        for call, error in PLANS:
            # Allocations are many and alike: a sample of them in any case.
            coarse = growth if call != "malloc" else min(growth or 16, 16)
            for later in ("", "+") if call == "write" or not growth else ("",):
                n = 1
                while True:
                    what, fired = attempt(stage, f"{call}:{n}{later}:{error}")
                    runs, struck = runs + 1, struck + fired
                    if what:
                        wrong.append(f"{stage.name}, {call}:{n}{later}:{error}: {what}")
                    if not fired:
                        break
                    n += 1 if n < first or not coarse else max(1, n // coarse)
        print(f"{stage.name}: {runs} runs, {struck} struck")
        if not struck:
            wrong.append(f"{stage.name}: nothing was made to fail")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)
