#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What checkpointed activations save and cost, and what a mixture of experts costs, in training steps of the shapes of bench/train.

    bench/layers.py --build build [--shape A B C] [--steps 5] [--threads 2] [--experts 8] [--precision bf16]

For each shape four programs take steps in turn: dense; dense with checkpointed activations; a mixture of experts (each second
layer, top-2, capacity factor 2); and that with checkpointed activations. Medians of a step's time; peaks of resident memory.
A ratio's goal is what is to be expected: of checkpointing, memory below 1; of a mixture, tokens/s as its products alone say.
"""
import argparse
import os
import pathlib
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from train import SHAPES, flops, own_worker, tokens  # noqa: E402


def mixture_flops(shape, every=2, top_k=2):
    """Of a step: dense, and one more feed-forward network (8 d^2 parameters) for each further choice in its layers."""
    d = shape["width"]
    return flops(shape) + 6 * tokens(shape) * 8 * d * d * (top_k - 1) * (shape["layers"] // every)


def measure(shape, ways, o):
    workers = {name: own_worker(o.build.resolve(), shape, o.precision, o.threads, warmup=o.warmup, **keys) for name, keys in ways.items()}
    times = {name: [] for name in ways}
    for _ in range(o.steps):
        for name, worker in workers.items():
            times[name].append(worker.step())
    peaks = {name: worker.close() for name, worker in workers.items()}
    return {name: (statistics.median(times[name]), peaks[name], workers[name].loss) for name in ways}


def compare(name, o):
    shape, mixture = SHAPES[name], {"experts": o.experts}
    found = measure(shape, {"dense": {}, "dense, checkpointed": {"checkpointing": 1}, "mixture": mixture,
                            "mixture, checkpointed": {**mixture, "checkpointing": 1}}, o)
    print(f"{name}: {shape}, {o.experts} experts, {o.precision}, {o.threads} thread(s)")
    for way, (seconds, memory, _) in found.items():
        print(f"  {way:22} {tokens(shape) / seconds:9.0f} tokens/s {seconds * 1e3:9.1f} ms a step {memory:8.1f} MiB")
    for way in ("dense", "mixture"):
        (t, m, loss), (again_t, again_m, again_loss) = found[way], found[way + ", checkpointed"]
        if loss != again_loss:
            sys.exit(f"{name}: {way}: the losses differ: {loss} and {again_loss}")
        print(f"RATIO checkpointing_memory_{way}_{name} {again_m / m:.2f} 1.00")
        print(f"RATIO checkpointing_speed_{way}_{name} {t / again_t:.2f} 0.75")
    expected = flops(shape) / mixture_flops(shape)
    print(f"RATIO mixture_vs_dense_{name} {found['dense'][0] / found['mixture'][0]:.2f} {expected:.2f}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default="build")
    p.add_argument("--shape", nargs="+", choices=sorted(SHAPES), default=sorted(SHAPES))
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--warmup", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--experts", type=int, default=8)
    p.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    o = p.parse_args()
    for name in o.shape:
        compare(name, o)


if __name__ == "__main__":
    main()
