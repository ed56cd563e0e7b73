# SPDX-License-Identifier: MIT
"""What resume checkpoints take, and how much of a run's time training waits for them.

    bench/with-peers save --build build [--folder DIR] [--shape A C] [--every 5 60] [--seconds 90] [--threads 2]

cbtm-train trains a model of a shape of bench/train from random ids for about --seconds, for each --every (checkpoint_every); its
log.jsonl says what each checkpoint took. `waited` are seconds in which nothing was trained; steps that ran while a checkpoint was
on its way to the disk are compared with the others, and what they took more (or less) is added. Peers, in the same folder: a plain
write and fsync of as many bytes, and torch.save (and fsync) of tensors of the same shapes. SIGTERM: seconds until the program
has ended, after a few steps, and while a checkpoint is under way. Goals of shares and seconds are the most that they may be. What is
asked for is that training does not wait: the peers' seconds are shown beside. torch.save returns when the numbers are in the page
cache and takes no digest; a checkpoint is a sealed store, checksummed, with a digest of the file and its name durable. Of one of
less than 500 MB these (and other programs' hold on the disk for a moment) are most of its tenths of a second, whatever is written:
a ratio to the plain write is a measure of larger ones alone.
Each shape and each --every can be done by itself; a call takes a minute or two beside --seconds for each of them.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from train import SHAPES, tokens  # noqa: E402

sys.path[:] = [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]  # tokenize.py here is not Python's

SHARE, DURABLE = 0.02, 10  # of a run's time; seconds from SIGTERM to the exit
LARGE = 500e6  # bytes of a checkpoint that the disk's rate decides


def sequences(cbtm, shape, folder):
    """A dataset of random ids, enough that no step needs many copies."""
    rng = random.Random(1)
    facts = {"cluster": 0, "clusters": 1, "documents": 1, "eod": 0, "length": shape["length"], "vocabulary": "0",
             "vocabulary_size": shape["vocabulary"]}
    rows = 256
    facts["tokens"] = facts["tokens_all"] = rows * shape["length"]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.write(json.dumps({"store": "sequences", "version": 1, "part": 0, "fingerprint": "xxh3-128:" + "1" * 32, "facts": facts,
                            "columns": [{"name": "ids", "type": "u32", "shape": "fixed", "width": shape["length"] + 1}]}) + "\n")
        for _ in range(rows):
            f.write(json.dumps({"ids": [rng.randrange(shape["vocabulary"]) for _ in range(shape["length"] + 1)]}) + "\n")
        f.flush()
        subprocess.run([cbtm, "load", f.name, folder], check=True, stdout=subprocess.DEVNULL)


def line(o, shape, data, out, steps, every):
    keys = {"seed-sequences": data, "seed": out, "model-width": shape["width"], "model-layers": shape["layers"],
            "model-heads": shape["heads"], "seed-batch": shape["batch"], "micro-batch": shape["batch"], "seed-warmup": 2,
            "seed-tokens": steps * tokens(shape), "log-every": 1, "valid-every": 0, "checkpoint-every": every, "seed-schedule": "linear", "threads": o.threads}
    return [str(o.build / "cbtm-train"), "--task", "seed", "--quiet"] + [t for k, v in keys.items() for t in ("--" + k, str(v))]


def seconds_of(event):
    return datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def events(out):
    with open(pathlib.Path(out) / "log.jsonl") as f:
        return [json.loads(text) for text in f]


def run(o, shape, data, steps, every):
    """The log of a whole run."""
    out = tempfile.mkdtemp(dir=o.folder)
    try:
        subprocess.run(line(o, shape, data, out, steps, every), check=True)
        return events(out)
    finally:
        shutil.rmtree(out)


def stall(log):
    """(saves, seconds of the run, waited, what steps beside a save took more than others, their number)"""
    saves = [e for e in log if e["event"] == "save"]
    at = [seconds_of(e) for e in log if e["event"] == "step"]
    waits = {}
    for s in saves:
        waits[s["step"]] = s["waited"]
    took = [(b - a - waits.get(i + 1, 0), a, b) for i, (a, b) in enumerate(zip(at, at[1:]))]
    beside = {i for i, (_, a, b) in enumerate(took) for s in saves if a < seconds_of(s) and b > seconds_of(s) - s["seconds"]}
    one = [t for i, (t, _, _) in enumerate(took) if i in beside]
    other = [t for i, (t, _, _) in enumerate(took) if i not in beside]
    more = len(one) * (statistics.median(one) - statistics.median(other)) if one and other else 0
    return saves, at[-1] - at[0], sum(s["waited"] for s in saves), more, len(one)


def terminate(o, shape, data, amid):
    """Seconds from SIGTERM to the exit, after a few steps, or while a save is under way; and the last save."""
    out = pathlib.Path(tempfile.mkdtemp(dir=o.folder))
    process = subprocess.Popen(line(o, shape, data, out, 10**6, 0 if amid else 10**6), stderr=subprocess.DEVNULL)
    ready = (lambda: len(list(out.glob("resume-*/part-00000.json"))) == 1 and list(out.glob("resume-*/part-00000.lmdb.blocks"))) if amid else (
        lambda: sum(e["event"] == "step" for e in events(out)) >= 4)
    try:
        while process.poll() is None and not ((out / "log.jsonl").exists() and ready()):
            time.sleep(0.01)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status = process.wait()
        took = time.monotonic() - begin
        saves = [e for e in events(out) if e["event"] == "save"]
        last = max(e["step"] for e in events(out) if e["event"] == "step")
        if status != 75 or not saves:
            sys.exit(f"SIGTERM: exit status {status}, {len(saves)} states are kept")
        print(f"  SIGTERM {'while a checkpoint was under way' if amid else 'between checkpoints'}: {took:.2f} s, of which {saves[-1]['seconds']:.2f} s for a "
              f"checkpoint of step {saves[-1]['step']} of {last}")
        return took, saves[-1]
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(out)


def write_plain(folder, size):
    block = os.urandom(8 << 20)
    with tempfile.NamedTemporaryFile(dir=folder) as f:
        begin, left = time.monotonic(), size
        while left:
            left -= os.write(f.fileno(), memoryview(block)[:min(left, len(block))])
        os.fsync(f.fileno())
        return time.monotonic() - begin


def torch_state(shape):
    import torch

    d = shape["width"]
    shapes = [(shape["vocabulary"], d), (shape["length"], d), (d,), (d,)]
    for _ in range(shape["layers"]):
        shapes += [(3 * d, d), (3 * d,), (d, d), (d,), (4 * d, d), (4 * d,), (d, 4 * d), (d,), (d,), (d,), (d,), (d,)]
    return {f"{kind}.{i}": torch.rand(s) for kind in ("parameter", "m", "v") for i, s in enumerate(shapes)}


def write_torch(folder, state):
    """Seconds until torch.save returns, and until all is on the disk."""
    import torch

    with tempfile.NamedTemporaryFile(dir=folder) as f:
        begin = time.monotonic()
        torch.save(state, f)
        f.flush()
        returned = time.monotonic() - begin
        os.fsync(f.fileno())
        return returned, time.monotonic() - begin


def compare(o, name):
    shape = SHAPES[name]
    data = tempfile.mkdtemp(dir=o.folder)
    sequences(str(o.build / "cbtm"), shape, data + "/sequences")
    data += "/sequences"
    at = [seconds_of(e) for e in run(o, shape, data, 4, 10**6) if e["event"] == "step"]
    steps = max(8, int(o.seconds / statistics.median(b - a for a, b in zip(at, at[1:]))))
    waits, durable, enough = [], [], True
    print(f"{name}: {shape}")
    for every in o.every:
        saves, seconds, waited, more, beside = stall(run(o, shape, data, steps, every))
        print(f"  checkpoint_every {every}: {steps} steps in {seconds:.1f} s, {len(saves)} checkpoints; waited {waited:.3f} s; "
              f"{beside} steps ran beside one and took {more:+.3f} s more than others")
        for s in saves:
            print(f"    step {s['step']}: {s['bytes'] / 1e6:.1f} MB, {s['seconds']:.3f} s until on the disk, "
                  f"{s['bytes'] / 1e6 / s['seconds']:.0f} MB/s; training waited {s['waited']:.3f} s")
        waits += [s["waited"] for s in saves[:-1]]  # the end of the run waits for the last one
        durable += [s["seconds"] for s in saves[:-1]]
        if not saves:
            enough = False
            print("  too short a run for a checkpoint, nothing is measured: --seconds, --every", flush=True)
            continue
        print(f"RATIO saving_stall_share_{name}_every_{every} {(waited + more) / seconds:.4f} {SHARE}")
        print(f"RATIO saving_waited_share_{name}_every_{every} {waited / seconds:.4f} {SHARE}", flush=True)
    took, last = terminate(o, shape, data, False)
    amid, other = terminate(o, shape, data, True)
    print(f"RATIO sigterm_seconds_{name} {took:.2f} {DURABLE}")
    print(f"RATIO sigterm_amid_a_save_seconds_{name} {amid:.2f} {DURABLE}", flush=True)
    shutil.rmtree(os.path.dirname(data))
    size = last["bytes"]
    durable += [last["seconds"], other["seconds"]]
    state, plain, theirs = torch_state(shape), [], []
    for _ in range(3):
        plain.append(write_plain(o.folder, size))
        theirs.append(write_torch(o.folder, state))
    raw, on_disk = statistics.median(plain), statistics.median(durable)
    returned, synced = (statistics.median(t[i] for t in theirs) for i in (0, 1))
    print(f"  {size / 1e6:.1f} MB: plain write and fsync {raw:.3f} s ({size / 1e6 / raw:.0f} MB/s); torch.save {returned:.3f} s, "
          f"with fsync {synced:.3f} s; cbtm's is on the disk after {on_disk:.3f} s")
    if waits:
        print(f"  training waits {statistics.median(waits):.3f} s for one, {returned:.3f} s for torch.save")
    if size >= LARGE:
        print(f"RATIO saving_vs_plain_write_{name} {on_disk / raw:.2f} 2", flush=True)
    return enough


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder, without failpoints")
    parser.add_argument("--folder", default=".", help="on the disk that is to be measured")
    parser.add_argument("--shape", nargs="+", choices=sorted(SHAPES), default=["A", "C"])
    parser.add_argument("--every", nargs="+", type=int, default=[5, 60], help="checkpoint_every")
    parser.add_argument("--seconds", type=float, default=90, help="of each run")
    parser.add_argument("--threads", type=int, default=2)
    o = parser.parse_args()
    o.build = o.build.resolve()
    os.environ["CBTM_PLUGIN_PATH"] = str(o.build / "plugins")
    o.folder = tempfile.mkdtemp(dir=o.folder)
    try:
        if not all([compare(o, name) for name in o.shape]):
            sys.exit("a run was too short")
    finally:
        shutil.rmtree(o.folder)


if __name__ == "__main__":
    main()
