# SPDX-License-Identifier: MIT
"""Tokenizing beside its peers, on the same text, in one run. Prints each goal as `RATIO name value goal`.

  bench/tokenize --vocabulary FOLDER                                   with a text that it makes of Debian's packages
  bench/tokenize --vocabulary FOLDER --mixed A.jsonl.zst --code B.txt  with files of one's own

FOLDER holds GPT-2's vocab.json and merges.txt. There are three texts: "mixed", "code" (code and manuals), and "all", the
distinct documents of both. By default mixed is the default corpus as large as its packages allow, and code its manuals with
sources of gcc. A peer and we take turns, a process each, and a ratio is the median of the turns' own ratios: so what else
the machine does at times cancels. Cold is the first run of a process with its encoder new; warm the median of the others. Just
before the first run each process, the peer's too, takes memory from the machine and gives it back: a virtual machine may have
given its free memory to its host, and how long it takes to come back is not what is measured.
"""
import argparse
import array
import gzip
import hashlib
import io
import json
import lzma
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import time

sys.path.pop(0)  # this folder, whose tokenize is not the library's

HERE = pathlib.Path(__file__).resolve().parent
DIVIDER = "<|endoftext|>"
MANUALS = {"c", "linux", "python", "postgresql", "perl", "erlang", "mathematics"}
SOURCES = re.compile(r"/(gcc|libstdc\+\+-v3|libgo)/.*\.(cc|c|h|go|adb|ads|d)$")
FROM_HOST = 8  # bytes of memory for each of text, as in encode.c
PARTS = ["encode", "threads", "stage", "train", "exact", "record"]

GOALS = {
    "encode_cold_vs_gigatoken": 2.5, "encode_warm_vs_gigatoken": 2.0,
    "encode_cold_vs_gigatoken_code": 1.8, "encode_warm_vs_gigatoken_code": 2.2,
    "threads_2_vs_1": 1.8, "stage_vs_encode": 0.5, "train_vocabulary_vs_hf": 4.0,
}


# ---------------------------------------------------------------- texts
def lines_of(path):
    """Bytes of the lines of a plain, .gz or .zst file."""
    if path.suffix == ".zst":
        with subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE) as p:
            yield from p.stdout
        if p.returncode:
            sys.exit(f"tokenize: cannot unpack {path}")
    else:
        with (gzip.open(path) if path.suffix == ".gz" else open(path, "rb")) as f:
            yield from f


def documents_of(path):
    """(domain, text) of a corpus of JSON lines, or of a file of texts with <|endoftext|> between them."""
    if ".json" not in path.name:
        yield from (("", text) for text in path.read_bytes().decode(errors="replace").split(DIVIDER))
        return
    for line in lines_of(path):
        row = json.loads(line)
        if isinstance(row.get("text", row.get("input")), str):
            meta = row.get("meta")
            yield meta.get("domain", "") if isinstance(meta, dict) else "", row.get("text", row.get("input"))


def recipe(folder, quick):
    """The default corpus, larger, and its packages."""
    out, packages = folder / f"debian-docs-{'quick' if quick else 'all'}.jsonl.zst", folder.parent / "packages"
    subprocess.run([HERE.parent / "data/debian-docs", "--out", out, "--cache", packages, "--domain-bytes",
                    "500000" if quick else "100000000"], check=True, stdout=sys.stderr)
    return out, packages


def sources_of_gcc(packages, limit):
    """Files of the compiler's sources, `limit` bytes of them, in the order of their names' digests."""
    sys.path.insert(0, str(HERE.parent / "data"))
    from recipe.fetch import members
    [(_, data)] = members(next(packages.glob("gcc-12-source_*.deb")), lambda name: re.search(r"/gcc-[^/]*\.tar\.xz$", name))
    found = []
    with lzma.open(io.BytesIO(data)) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            if member.isreg() and SOURCES.search(member.name) and 500 < member.size < 500000:
                text = archive.extractfile(member).read().decode("utf-8", "replace")
                found.append((hashlib.sha256(member.name.encode()).digest(), text))
    for _, text in sorted(found):
        limit -= len(text)
        if limit < 0:
            break
        yield text


def make_texts(args, folder):
    mixed, code = [], []
    if not args.mixed or not args.code:
        corpus, packages = recipe(folder, args.quick)
        debian = list(documents_of(corpus))
        if not args.mixed:
            mixed = [text for _, text in debian]
        if not args.code:
            code = [text for domain, text in debian if domain in MANUALS]
            code += sources_of_gcc(packages, 2_000_000 if args.quick else 45_000_000)
    mixed += [text for path in args.mixed for _, text in documents_of(path)]
    code += [text for path in args.code for _, text in documents_of(path)]
    # Each document once: caches like repeated ones.
    texts = {name: list(dict.fromkeys(documents)) for name, documents in (("mixed", mixed), ("code", code), ("all", mixed + code))}
    sizes = {}
    for name, documents in texts.items():
        # Peers leave empty documents out, and divide a file by the name of the special token.
        documents = [d.encode("utf-8", "replace") for d in documents if d and DIVIDER not in d]
        sizes[name] = {"documents": len(documents), "bytes": sum(map(len, documents))}
        with open(folder / f"{name}.txt", "wb") as f:
            f.write(DIVIDER.encode().join(documents))
        if name == "all":
            with open(folder / "all.jsonl", "w") as f:
                f.writelines(json.dumps({"text": d.decode()}, ensure_ascii=False) + "\n" for d in documents)
            subprocess.run(["zstd", "-q", "-f", "-3", folder / "all.jsonl", "-o", folder / "all.jsonl.zst"], check=True)
            take, slice_ = (2_000_000 if args.quick else 10_000_000), []
            for d in documents[::max(1, sizes[name]["bytes"] // take)]:
                slice_.append(d)
            with open(folder / "slice.txt", "wb") as f:
                f.write(DIVIDER.encode().join(slice_))
            sizes["slice"] = {"documents": len(slice_), "bytes": sum(map(len, slice_))}
    (folder / "sizes.json").write_text(json.dumps(sizes))


def prepare(args):
    """Texts and tokenizer.json, made once and kept for the same arguments."""
    key = json.dumps([[str(p.resolve()) for p in (*args.mixed, *args.code)], len(args.mixed), args.quick, DIVIDER])
    folder = args.scratch / hashlib.sha256(key.encode()).hexdigest()[:12]
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make_texts(args, folder)
        from tokenizers import Tokenizer, models, pre_tokenizers
        t = Tokenizer(models.BPE.from_file(str(args.vocabulary / "vocab.json"), str(args.vocabulary / "merges.txt")))
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        t.save(str(folder / "tokenizer.json"))
        (folder / "ready").touch()
    return folder, json.loads((folder / "sizes.json").read_text())


# ---------------------------------------------------------------- peers, each in a process of its own
def report(seconds, size, documents, ids):
    print(f"run {seconds:.6f} {size} {documents} {ids}", flush=True)


def texts_of(path):
    return path.read_bytes().decode().split(DIVIDER)


def ask_host(text):
    import numpy
    numpy.ones(FROM_HOST * text.stat().st_size, numpy.uint8)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # what is its own peak begins now


def write_ids(path, eod, rows):
    with open(path, "wb") as f:
        for row in rows:
            array.array("I", [*row, eod]).tofile(f)


def peer_gigatoken(args, parallel):
    """From the file to ids. Imports, threads and what Python does at first are warmed up with another tokenizer."""
    import awkward
    import gigatoken
    from gigatoken.gigatoken_rs import TextFileSource
    warm_up = args.folder / "warm-up.txt"
    warm_up.write_text("a" + DIVIDER + "b")
    json_text = (args.folder / "tokenizer.json").read_bytes()
    gigatoken.Tokenizer.from_json(json_text).encode_files(TextFileSource([warm_up], separator=DIVIDER), parallel=parallel)
    tokenizer = gigatoken.Tokenizer.from_json(json_text)
    source = TextFileSource([args.text], separator=DIVIDER)
    ask_host(args.text)
    for i in range(args.runs):
        ids = None  # the last run's are given back, as ours are
        begin = time.perf_counter()
        ids = tokenizer.encode_files(source, parallel=parallel)
        report(time.perf_counter() - begin, 0, len(ids), int(awkward.num(ids).to_numpy().sum()) if i == 0 else 0)
    if args.ids:
        write_ids(args.ids, args.eod, (row.to_numpy() for row in ids))


def peer_gigatoken_threads(args):
    peer_gigatoken(args, True)


def peer_gigatoken_alone(args):
    peer_gigatoken(args, False)


def peer_hf(args):
    from tokenizers import Tokenizer
    tokenizer, texts = Tokenizer.from_file(str(args.folder / "tokenizer.json")), texts_of(args.text)
    for _ in range(args.runs):
        begin, count = time.perf_counter(), 0
        encodings = [tokenizer.encode_batch_fast(texts[i:i + 1000]) for i in range(0, len(texts), 1000)]
        count = sum(len(e) for batch in encodings for e in batch)
        report(time.perf_counter() - begin, 0, len(texts), count)
    if args.ids:
        write_ids(args.ids, args.eod, (e.ids for batch in encodings for e in batch))


def peer_tiktoken(args):
    import tiktoken
    plain = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    byte_of = {chr(b): b for b in plain} | {chr(0x100 + i): b for i, b in
                                            enumerate(b for b in range(256) if b not in plain)}
    vocab = json.loads((args.vocabulary / "vocab.json").read_text())
    ranks = {bytes(byte_of[c] for c in token): i for token, i in vocab.items() if token != DIVIDER}
    pattern = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
    encoding = tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=ranks, special_tokens={DIVIDER: vocab[DIVIDER]})
    texts = texts_of(args.text)
    for _ in range(args.runs):
        begin = time.perf_counter()
        ids = encoding.encode_ordinary_batch(texts, num_threads=1)
        report(time.perf_counter() - begin, 0, len(texts), sum(map(len, ids)))


def peer_quicktok(args):
    import quicktok
    encoding, texts = quicktok.get_encoding("cl100k_base"), texts_of(args.text)
    for _ in range(args.runs):
        begin = time.perf_counter()
        tokens, _offsets = encoding.encode_batch(texts, threads=1)
        report(time.perf_counter() - begin, 0, len(texts), len(tokens))


def peer_hf_train(args):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    texts = texts_of(args.text)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(vocab_size=args.size, special_tokens=[DIVIDER], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    begin = time.perf_counter()
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    report(time.perf_counter() - begin, 0, len(texts), tokenizer.get_vocab_size())
    tokenizer.save(str(args.ids))


# ---------------------------------------------------------------- running
class Result:
    def __init__(self, seconds, documents, ids, wall, peak):
        self.seconds, self.documents, self.ids, self.wall, self.peak = seconds, documents, ids, wall, peak

    @property
    def cold(self):
        return self.seconds[0]

    @property
    def warm(self):
        return statistics.median(self.seconds[1:] or self.seconds)


def run(command, threads):
    """A child: what it printed, its seconds, its peak memory in MB."""
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true" if threads > 1 else "false",
                       OMP_NUM_THREADS="1")
    begin = time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True, env=environment)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"tokenize: this failed: {' '.join(map(str, command))}")
    rows = [line.split() for line in output.split("\n") if line.startswith("run ")]
    return Result([float(r[1]) for r in rows], int(rows[0][3]) if rows else 0, int(rows[0][4]) if rows else 0,
                  time.perf_counter() - begin, usage.ru_maxrss / 1024)


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder, self.sizes = prepare(args)
        self.rounds = args.rounds
        self.results = {"machine": machine(), "texts": self.sizes, "rates": {}, "ratios": {}}
        self.eod = json.loads((args.vocabulary / "vocab.json").read_text())[DIVIDER]

    def ours(self, text, threads=1, runs=1, ids=None):
        v = self.args.vocabulary
        return run([self.args.build / "bench/encode", v / "vocab.json", v / "merges.txt", self.folder / f"{text}.txt",
                    threads, runs, *([ids] if ids else [])], threads)

    def peer(self, name, text, threads=1, runs=1, ids=None, size=0):
        return run([sys.executable, __file__, "--vocabulary", self.args.vocabulary, "--peer", name, "--folder", self.folder,
                    "--text", self.folder / f"{text}.txt", "--runs", runs, "--eod", self.eod, "--size", size,
                    *(["--ids", ids] if ids else [])], threads)

    def rate(self, what, text, seconds, ids=0, peak=0.0):
        """A line of the table: the median of the seconds."""
        middle, size = statistics.median(seconds), self.sizes[text]["bytes"]
        row = {"text": text, "MB/s": round(size / middle / 1e6, 2), "seconds": [round(s, 4) for s in seconds]}
        extra = f"  {ids / middle / 1e6:8.1f} M tokens/s" if ids else " " * 21
        if ids:
            row["Mtokens/s"] = round(ids / middle / 1e6, 3)
        if peak:
            row["peak MB"] = round(peak)
        self.results["rates"][f"{what} ({text})"] = row
        print(f"  {what:<44} {text:<6} {size / middle / 1e6:9.1f} MB/s{extra}{f'  peak {peak:5.0f} MB' if peak else ''}",
              flush=True)

    def ratio(self, name, values, goal=True):
        middle = statistics.median(values)
        self.results["ratios"][name] = {"value": round(middle, 3), "goal": GOALS.get(name), "all": [round(v, 3) for v in values]}
        print(f"  {name}: {middle:.2f}, {min(values):.2f} to {max(values):.2f} in {len(values)} turns", flush=True)
        if goal:
            print(f"RATIO {name} {middle:.2f} {GOALS[name]}", flush=True)

    # ------------------------------------------------------------ parts
    def part_encode(self):
        """encode alone, one thread: a file to ids in memory"""
        for text in ("mixed", "code", "all"):
            turns = []
            for i in range(self.rounds):
                both = [lambda: self.ours(text, runs=4),
                        lambda: (self.peer("gigatoken_threads", text, runs=4), self.peer("gigatoken_alone", text, runs=4))]
                made = [f() for f in (both if i % 2 == 0 else both[::-1])]
                turns.append(made if i % 2 == 0 else made[::-1])
            ours = [o for o, _ in turns]
            cold = [min(g.cold for g in theirs) for _, theirs in turns]
            warm = [min(g.warm for g in theirs) for _, theirs in turns]
            self.rate("cbtm cold", text, [o.cold for o in ours], ours[0].ids, max(o.peak for o in ours))
            self.rate("cbtm warm", text, [o.warm for o in ours], ours[0].ids)
            peak = max(g.peak for _, theirs in turns for g in theirs)
            self.rate("gigatoken cold", text, cold, turns[0][1][0].ids, peak)
            self.rate("gigatoken warm", text, warm, turns[0][1][0].ids)
            suffix = {"mixed": "", "code": "_code", "all": "_all"}[text]
            for name, theirs in (("cold", cold), ("warm", warm)):
                self.ratio(f"encode_{name}_vs_gigatoken{suffix}", [t / getattr(o, name) for t, o in zip(theirs, ours)],
                           text != "all")

    def part_threads(self):
        """two threads beside one"""
        one, two = [], []
        for _ in range(self.rounds):
            one.append(self.ours("all", 1, 4))
            two.append(self.ours("all", 2, 4))
        for name in ("cold", "warm"):
            for n, results in ((1, one), (2, two)):
                self.rate(f"cbtm {name}, {n} thread{'s'[:n - 1]}", "all", [getattr(r, name) for r in results], results[0].ids,
                          max(r.peak for r in results))
        self.ratio("threads_2_vs_1", [a.cold / b.cold for a, b in zip(one, two)])
        self.ratio("threads_2_vs_1, warm", [a.warm / b.warm for a, b in zip(one, two)], False)

    def stage(self, name, threads):
        out, v = self.folder / "stage", self.args.vocabulary
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        r = run([self.args.build / "cbtm-tokenize", "--input", self.folder / name, "--documents", out / "documents", "--vocabulary",
                 out / "vocabulary", "--tokens", out / "tokens", "--vocabulary-vocab", v / "vocab.json", "--vocabulary-merges",
                 v / "merges.txt", "--id", "", "--threads", threads, "--quiet", "--log", out / "log"], threads)
        events = [json.loads(line) for line in (out / "log").read_text().splitlines()]
        r.tasks = {e["task"]: e["seconds"] for e in events if e["event"] == "done"}
        r.steps, r.sealed = {}, {}
        for e in events:
            if e["event"] == "steps":
                for step, seconds in e.items():
                    if isinstance(seconds, float):
                        r.steps[step] = r.steps.get(step, 0) + seconds
            elif e["event"] == "sealed":
                r.sealed[pathlib.Path(e["part"]).parent.name] = {k: e[k] for k in ("raw_bytes", "stored_bytes", "ratio", "file_bytes")}
        return r

    def disk(self, size):
        """Seconds in which the disk takes so many bytes, written in a row and synced."""
        path, piece, seconds = self.folder / "written", os.urandom(1 << 20), []
        for _ in range(3):
            begin = time.perf_counter()
            with open(path, "wb") as f:
                for _ in range(0, size, len(piece)):
                    f.write(piece)
                f.flush()
                os.fdatasync(f.fileno())
            seconds.append(time.perf_counter() - begin)
            path.unlink()
        return statistics.median(seconds)

    def show_steps(self, name, results, threads):
        """Where the threads' time goes. A seal counts once for each thread: it lets none work at anything else."""
        wall = statistics.median(r.wall for r in results)
        steps = {s: statistics.median(r.steps.get(s, 0) for r in results) for s in results[0].steps}
        for s in ("seal", "sync"):
            steps[s] = threads * steps.get(s, 0)
        steps["waiting, starting, ending"] = threads * wall - sum(steps.values())
        raw = self.sizes["all"]["bytes"]
        print(f"    of {threads} x {wall:.3f} s of threads:")
        for step, seconds in sorted(steps.items(), key=lambda x: -x[1]):
            print(f"      {step:<26} {seconds:7.3f} s {100 * seconds / (threads * wall):5.1f} %  {raw / max(seconds, 1e-9) / 1e6:9.0f} MB/s")
        row = self.results["rates"][f"stage, {threads} threads, {name} (all)"]
        row["steps"] = {s: round(v, 4) for s, v in steps.items()}
        row["tasks"] = {t: statistics.median(r.tasks[t] for r in results) for t in results[0].tasks}
        print("    tasks: " + ", ".join(f"{t} {s:.3f} s" for t, s in row["tasks"].items()))

    def show_stores(self, sealed):
        self.results["stores"] = sealed
        for name, s in sealed.items():
            print(f"    store {name:<10} raw {s['raw_bytes'] / 1e6:8.1f} MB, compressed {s['stored_bytes'] / 1e6:7.1f} MB, ratio "
                  f"{s['ratio']:.2f}, file {s['file_bytes'] / 1e6:.1f} MB")
        size = sum(s["file_bytes"] for s in sealed.values())
        seconds = self.disk(size)
        print(f"    the disk takes {size / 1e6:.1f} MB, written in a row and synced, in {seconds:.3f} s ({size / seconds / 1e6:.0f} MB/s)")
        self.results["disk MB/s"] = round(size / seconds / 1e6)

    def part_stage(self):
        """the whole stage on two threads: read, unpack, parse, encode, compress, commit"""
        encode, files = [], {"all.jsonl": [], "all.jsonl.zst": []}
        for _ in range(self.rounds):
            encode.append(self.ours("all", 1, 3))
            for name, results in files.items():
                results.append(self.stage(name, 2))
        self.rate("encode alone, 1 thread, cold", "all", [r.cold for r in encode], encode[0].ids, encode[0].peak)
        worst = None
        for name, results in files.items():
            self.rate(f"stage, 2 threads, {name}", "all", [r.wall for r in results], encode[0].ids, max(r.peak for r in results))
            self.show_steps(name, results, 2)
            values = [e.cold / r.wall for e, r in zip(encode, results)]
            self.ratio(f"stage_vs_encode, {name}", values, False)
            self.ratio(f"stage_vs_encode warm, {name}", [e.warm / r.wall for e, r in zip(encode, results)], False)
            worst = values if worst is None or statistics.median(values) < statistics.median(worst) else worst
        self.show_stores(results[0].sealed)
        self.ratio("stage_vs_encode", worst)

    def train_ours(self, size, threads):
        out = self.folder / "stage"
        shutil.rmtree(out / "learnt", ignore_errors=True)
        r = run([self.args.build / "cbtm-tokenize", "--task", "vocabulary", "--input", self.folder / "all.jsonl", "--documents",
                 out / "train", "--vocabulary", out / "learnt", "--vocabulary-size", size, "--id", "", "--split-valid", "0",
                 "--split-test", "0", "--threads", threads, "--quiet"], threads)
        r.seconds = [r.wall]
        return r

    def part_train(self):
        """training a vocabulary on two threads; ours is a whole process that reads the documents' store"""
        size, out = 4096 if self.args.quick else 32768, self.folder / "stage"
        shutil.rmtree(out / "train", ignore_errors=True)
        run([self.args.build / "cbtm-tokenize", "--task", "documents", "--input", self.folder / "all.jsonl", "--documents", out / "train",
             "--id", "", "--split-valid", "0", "--split-test", "0", "--quiet"], 2)
        ours, theirs = [], []
        for _ in range(min(self.rounds, 3)):
            ours.append(self.train_ours(size, 2))
            theirs.append(self.peer("hf_train", "all", threads=2, ids=self.folder / "learnt.json", size=size))
        self.rate(f"train {size} tokens, cbtm", "all", [r.wall for r in ours], 0, max(r.peak for r in ours))
        self.rate(f"train {size} tokens, Hugging Face", "all", [r.cold for r in theirs], 0, max(r.peak for r in theirs))
        model = json.loads((self.folder / "learnt.json").read_text())["model"]
        pairs = [m if isinstance(m, list) else m.split(" ") for m in model["merges"]]
        expected = [[model["vocab"][t] for t in pair] for pair in pairs]
        cat = subprocess.run([self.args.build / "cbtm", "cat", out / "learnt"], capture_output=True, check=True).stdout
        merges = [row["merge"] for row in map(json.loads, cat.splitlines()) if "merge" in row]
        print(f"  {len(expected)} merges: {'equal' if merges == expected else 'DIFFERENT'}")
        self.results["merges equal"] = merges == expected
        self.ratio("train_vocabulary_vs_hf", [b.cold / a.wall for a, b in zip(ours, theirs)])

    def part_exact(self):
        """ids of each document beside Hugging Face's"""
        text = "all"
        files = {"cbtm": self.folder / "ids", "gigatoken": self.folder / "ids-gigatoken", "hf": self.folder / "ids-hf"}
        self.ours(text, 2, 2, files["cbtm"])
        self.peer("gigatoken_threads", text, 2, 1, files["gigatoken"])
        self.peer("hf", text, 2, 1, files["hf"])
        rows = {name: split_ids(path, self.eod) for name, path in files.items()}
        for name in ("cbtm", "gigatoken"):
            different = sum(a != b for a, b in zip(rows[name], rows["hf"])) + abs(len(rows[name]) - len(rows["hf"]))
            self.results[f"documents different, {name}"] = different
            print(f"  {name}: {different} of {len(rows['hf'])} documents ({self.sizes[text]['bytes']} bytes) differ from "
                  "Hugging Face's ids", flush=True)

    def part_record(self):
        """other tokenizers, one thread, warm, texts in memory; quicktok has another vocabulary (cl100k)"""
        for name in ("quicktok", "tiktoken", "hf"):
            results = [self.peer(name, "slice", runs=2) for _ in range(1 if self.args.quick else 3)]
            self.rate(name, "slice", [r.warm for r in results], results[0].ids, max(r.peak for r in results))
        results = [self.ours("slice", runs=4) for _ in range(3)]
        self.rate("cbtm", "slice", [r.warm for r in results], results[0].ids, max(r.peak for r in results))


def split_ids(path, eod):
    ids = array.array("I", path.read_bytes())
    rows, start = [], 0
    for end in (i for i, x in enumerate(ids) if x == eod):
        rows.append(ids[start:end].tobytes())
        start = end + 1
    return rows


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().split("\n")
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    best = next((f for f in ("avx512_vbmi2", "avx512bw", "avx2") if f in flags), "no AVX2")
    return f"{model}, {len(os.sched_getaffinity(0))} processors, {best}, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(prog="bench/tokenize", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--vocabulary", metavar="FOLDER", type=pathlib.Path, required=True, help="GPT-2's vocab.json and merges.txt, as at "
        "huggingface.co/openai-community/gpt2")
    add("--mixed", metavar="FILE", type=pathlib.Path, nargs="+", default=[], help="JSON lines (plain, .gz, .zst; "
        "field text or input), or texts with <|endoftext|> between them")
    add("--code", metavar="FILE", type=pathlib.Path, nargs="+", default=[], help="the same")
    add("--build", metavar="DIR", type=pathlib.Path, default=pathlib.Path("build"), help="where we are built (%(default)s)")
    add("--scratch", metavar="DIR", type=pathlib.Path, default=pathlib.Path("build/bench-texts"),
        help="where texts are kept between runs (%(default)s)")
    add("--rounds", metavar="N", type=int, default=5, help="turns, of which medians are taken (%(default)s)")
    add("--only", metavar="PART", nargs="+", choices=PARTS, default=PARTS, help="of " + " ".join(PARTS))
    add("--quick", action="store_true", help="little text and 2 turns: to see that all runs")
    add("--json", metavar="FILE", type=pathlib.Path, help="all figures")
    for name, kind in (("peer", str), ("folder", pathlib.Path), ("text", pathlib.Path), ("ids", pathlib.Path), ("runs", int),
                       ("eod", int), ("size", int)):
        add("--" + name, type=kind, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        globals()["peer_" + args.peer](args)
        return
    if args.quick:
        args.rounds = 2
    if not (args.build / "bench/encode").exists():
        sys.exit(f"tokenize: there is no {args.build}/bench/encode\nhint: make bench in the build folder, or name it with --build")
    bench = Bench(args)
    print(bench.results["machine"])
    for name, size in bench.sizes.items():
        print(f"  text {name:<6} {size['documents']:>7} documents {size['bytes']:>11} bytes")
    if bench.sizes["all"]["bytes"] < 100_000_000:
        print("  the text has less than 100 MB: name more files with --mixed and --code")
    for part in args.only:
        function = getattr(bench, "part_" + part)
        print(f"\n{part}: {function.__doc__}")
        function()
    if args.json:
        args.json.write_text(json.dumps(bench.results, indent=1) + "\n")


if __name__ == "__main__":
    main()
