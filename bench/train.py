# SPDX-License-Identifier: MIT
"""Training steps of an OPT beside PyTorch's, step by step in turn; and beside llm.c's CPU trainer.

    bench/with-peers train --build build [--shape A] [--all] [--steps 7] [--llmc DIR]
    bench/with-peers train --search ways.jsonl [--shape A] [--seconds 500]

For each shape PyTorch's ways are tried for a few steps each (by default own module and transformers' OPT, eager and compiled, bf16
autocast; --all adds fp32 and one thread); the fastest then takes turns with cbtm's step, so that both see the same machine.
Medians. Memory is each process's peak of resident memory. --llmc: a checkout of
karpathy/llm.c, compiled in a temporary folder; its trainer runs at its own batch of 4 x 64 tokens, as does cbtm beside it.

--search tries all of PyTorch's ways and nothing else, and adds a line for each to a file; ways that stand there are not tried again, so
it can be done in pieces. It prints the table of all. --way FILE takes the fastest way of a shape from such a file.
"""
import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SHAPES = {
    "A": {"width": 256, "layers": 4, "heads": 4, "vocabulary": 8192, "length": 256, "batch": 8},
    "B": {"width": 512, "layers": 8, "heads": 8, "vocabulary": 8192, "length": 512, "batch": 4},
    "C": {"width": 768, "layers": 12, "heads": 12, "vocabulary": 50272, "length": 1024, "batch": 1},
}
GOALS = {"A": (2.0, 0.25), "B": (1.8, 0.6), "C": (1.6, 0.9)}
GPT2 = {"width": 768, "layers": 12, "heads": 12, "vocabulary": 50257, "length": 64, "batch": 4}


class Worker:
    """A process that takes a step for each line; close() gives its peak of memory in MiB."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=dict(os.environ, **(environment or {})))
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError(self.process.stderr.read()[-800:])

    def step(self):
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def hurry(self):
        """From now on at real-time priority, all threads."""
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(5))

    def close(self):
        out, self.notes = self.process.communicate("end\n")
        memory, self.loss = map(float, out.split())
        return memory


def tokens(shape):
    return shape["batch"] * shape["length"]


def flops(shape):
    """Of a step: six per token and matrix parameter, and attention's products over half of the pairs."""
    d, layers, n = shape["width"], shape["layers"], tokens(shape)
    return 6 * n * (12 * d * d * layers + shape["vocabulary"] * d) + 6 * n * shape["length"] * d * layers


def torch_worker(shape, how):
    model, mode, precision, threads = how
    c = dict(shape, model=model, how=mode, precision=precision, threads=threads, fused=True, warmup=3 if mode == "compile" else 1)
    return Worker([sys.executable, "-P", str(HERE / "train_torch.py"), json.dumps(c)])


def own_worker(build, shape, precision, threads=2, **options):
    keys = dict(shape, precision=precision, threads=threads, steps=0, **options)
    return Worker([str(build / "bench/train_step")] + [f"{k}={v}" for k, v in keys.items()],
                  {"CBTM_PLUGIN_PATH": str(build / "plugins")})


def ways(every):
    """PyTorch's ways: model, mode, precision, threads."""
    found = [(m, h, "bf16", 2) for h in ("eager", "compile") for m in ("module", "transformers")]
    more = [(m, h, p, t) for h in ("eager", "compile") for m in ("module", "transformers") for p in ("fp32", "bf16") for t in (1, 2)]
    return found + [w for w in more if every and w not in found]


def fastest(name, shape, every, way):
    """The worker of PyTorch's fastest way, left running, and its name; `way`: that one, or that of a file, without a search."""
    if way and os.path.exists(way):
        found = [f for f in found_ways(way) if f["shape"] == name and "seconds" in f]
        way = min(found, key=lambda f: f["seconds"])["way"]
    if way:
        model, mode, precision, threads = way.split(",")
        chosen = (model, mode, precision, int(threads))
        return torch_worker(shape, chosen), chosen
    best = None
    for way in ways(every):
        worker = torch_worker(shape, way)
        seconds = statistics.median(worker.step() for _ in range(3))
        print(f"  PyTorch, {', '.join(map(str, way))} thread(s): {tokens(shape) / seconds:8.0f} tokens/s", flush=True)
        if best and best[0] <= seconds:
            worker.close()
            continue
        if best:
            best[1].close()
        best = (seconds, worker, way)
    return best[1], best[2]


def found_ways(path):
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


@contextlib.contextmanager
def locked(path):
    """While measurements on this machine that take the same file's lock wait."""
    with open(path or os.devnull, "a") as f:
        if path:
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def try_way(name, way, steps, realtime, lock):
    """What a way takes: the median and the least of its steps' seconds, and its memory; or why it does not work."""
    found = {"shape": name, "way": ",".join(map(str, way))}
    try:
        worker = torch_worker(SHAPES[name], way)
    except RuntimeError as e:
        return dict(found, error=str(e)[-300:])
    with locked(lock):
        if realtime:
            worker.hurry()
        times = [worker.step() for _ in range(steps)]
    memory = worker.close()
    return dict(found, seconds=statistics.median(times), least=min(times), memory=memory, loss=worker.loss)


def search(path, names, a):
    start, left = time.monotonic(), 0
    for name in names:
        for way in ways(True):
            if any(f["shape"] == name and f["way"] == ",".join(map(str, way)) for f in found_ways(path)):
                continue
            if time.monotonic() - start > a.seconds:
                left += 1
                continue
            found = try_way(name, way, a.steps, a.realtime, a.lock)
            with open(path, "a") as f:
                f.write(json.dumps(found) + "\n")
    for name in names:
        print(f"{name}: {SHAPES[name]}")
        for f in sorted((f for f in found_ways(path) if f["shape"] == name), key=lambda f: f.get("seconds", 1e9)):
            if "error" in f:
                print(f"  {f['way']:30} does not work: {f['error']}")
            else:
                print(f"  {f['way']:30} {f['seconds'] * 1e3:8.1f} ms  (best {f['least'] * 1e3:8.1f})  "
                      f"{tokens(SHAPES[name]) / f['seconds']:8.0f} tokens/s  {f['memory']:7.0f} MiB  loss {f['loss']:.3f}")
    print(f"{left} ways are left: run it again" if left else "all ways are tried")


def compare(name, build, steps, every, way):
    shape, (speed, memory) = SHAPES[name], GOALS[name]
    print(f"{name}: {shape}")
    theirs, way = fastest(name, shape, every, way)
    ours, exact = own_worker(build, shape, "bf16", way[3], timings="true"), own_worker(build, shape, "fp32", way[3])
    times = {"theirs": [], "ours": [], "exact": []}
    for i in range(steps):
        times["theirs"].append(theirs.step())
        times["ours"].append(ours.step())
        if i % 3 == 0:
            times["exact"].append(exact.step())
    peaks = {"theirs": theirs.close(), "ours": ours.close(), "exact": exact.close()}
    seconds = {k: statistics.median(v) for k, v in times.items()}
    load = os.getloadavg()[0]
    print(f"  load {load:.1f}{': others are at work, which slows two threads more than it should' if load > 3 else ''}")
    for k, text in (("theirs", "PyTorch, " + ", ".join(map(str, way[:3]))), ("ours", "cbtm, bf16"), ("exact", "cbtm, fp32")):
        print(f"  {text:32} {seconds[k] * 1e3:8.1f} ms  {tokens(shape) / seconds[k]:8.0f} tokens/s  "
              f"{flops(shape) / seconds[k] * 1e-9:7.0f} GFLOP/s  {peaks[k]:7.0f} MiB  (best step {min(times[k]) * 1e3:.1f} ms)")
    for line in ours.notes.splitlines():
        print("   ", line.replace("cbtm: ", ""))
    peak = dict(line.split() for line in subprocess.run([str(build / "bench/peak"), str(way[3])], capture_output=True, text=True,
                                                         check=True).stdout.splitlines())
    for precision, k in (("bf16", "ours"), ("fp32", "exact")):
        if precision in peak:
            share = flops(shape) / seconds[k] * 1e-9 / float(peak[precision])
            print(f"  peak of {precision} products, {way[3]} thread(s): {peak[precision]} GFLOP/s; share reached {share:.0%}")
    print(f"RATIO train_vs_pytorch_{name} {seconds['theirs'] / seconds['ours']:.2f} {speed}")
    print(f"RATIO memory_vs_pytorch_{name} {peaks['ours'] / peaks['theirs']:.2f} {memory}", flush=True)


def llmc_seconds(source, folder, steps):
    """Seconds of llm.c's steps with random parameters and tokens."""
    folder = pathlib.Path(folder)
    subprocess.run(["gcc", "-Ofast", "-march=native", "-fopenmp", "-DOMP", "-w", "-o", folder / "train", source / "train_gpt2.c", "-lm"],
                   check=True)
    d, layers, length, vocabulary, padded = 768, 12, 1024, 50257, 50304
    numbers = padded * d + length * d + layers * (12 * d * d + 13 * d) + 2 * d
    rng = random.Random(1)
    with open(folder / "gpt2_124M.bin", "wb") as f:
        f.write(struct.pack("256i", 20240326, 3, length, vocabulary, layers, 12, d, padded, *([0] * 248)))
        block = struct.pack("65536f", *(rng.gauss(0, 0.02) for _ in range(65536)))
        for _ in range(numbers // 65536):
            f.write(block)
        f.write(block[:numbers % 65536 * 4])
    data = folder / "dev/data/tinyshakespeare"
    data.mkdir(parents=True)
    for name in ("train", "val"):
        n = 32768
        (data / f"tiny_shakespeare_{name}.bin").write_bytes(struct.pack("256i", 20240520, 1, n, *([0] * 253)) + struct.pack(
            f"{n}H", *(rng.randrange(vocabulary) for _ in range(n))))
    process = subprocess.Popen([folder / "train"], cwd=folder, stdout=subprocess.PIPE, text=True,
                               env=dict(os.environ, OMP_NUM_THREADS="2"))
    found = []
    for line in process.stdout:
        if line.startswith("step "):
            found.append(float(line.split("took ")[1].split()[0]) / 1e3)
        if len(found) > steps:
            break
    process.kill()
    process.wait()
    return found[1:]


def compare_llmc(source, build):
    with tempfile.TemporaryDirectory() as folder:
        theirs = statistics.median(llmc_seconds(source, folder, 3))
    worker = own_worker(build, GPT2, "bf16")
    ours = statistics.median(worker.step() for _ in range(7))
    worker.close()
    print(f"llm.c, 124M, 4 x 64 tokens, fp32: {tokens(GPT2) / theirs:.0f} tokens/s; cbtm, bf16, the same shape: "
          f"{tokens(GPT2) / ours:.0f}")
    print(f"RATIO train_vs_llmc {theirs / ours:.1f} 10", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default="build", help="build folder; `make bench` there first")
    parser.add_argument("--shape", action="append", choices=[*SHAPES, "none"], help="A, B, C or none; may be repeated; all without it")
    parser.add_argument("--all", action="store_true", help="try all of PyTorch's ways")
    parser.add_argument("--way", help="one of PyTorch's ways without a search: module,compile,bf16,2, or a file of --search; cbtm runs as many threads")
    parser.add_argument("--search", metavar="FILE", help="try all of PyTorch's ways that FILE lacks, and add them to it")
    parser.add_argument("--seconds", type=float, default=500, help="--search: begin no way after so many")
    parser.add_argument("--lock", metavar="FILE", help="--search: hold this file's lock while steps are taken")
    parser.add_argument("--realtime", action="store_true", help="--search: take steps (not what comes before) at real-time priority")
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--llmc", type=pathlib.Path, help="checkout of karpathy/llm.c")
    a = parser.parse_args()
    start = time.monotonic()
    if a.search:
        search(a.search, a.shape or list(SHAPES), a)
        return
    for name in a.shape or SHAPES:
        if name != "none":
            compare(name, a.build.resolve(), a.steps, a.all, a.way)
    if a.llmc:
        compare_llmc(a.llmc.resolve(), a.build.resolve())
    else:
        print("train_vs_llmc is skipped: no --llmc DIR")
    print(f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
