#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Documents scored with random checkpoints of GPT-2's and OPT's own layout of vocabulary, beside transformers' tokenizer and
model of the same folder.

Usage: bos.py --build BUILD --vocab vocab.json --merges merges.txt CORPUS.jsonl
       (GPT-2's files; OPT's layout is made of them: four specials in front, another order; through tests/parity/run)

For each checkpoint the pipeline runs with it as its seed, and for every document of the test split
  - our ids behind the BOS are those of AutoTokenizer, which puts OPT's </s> in front itself, GPT-2's <|endoftext|> not,
  - the log-probabilities, BOS unscored, then the text and its EOD, are those of the model to 1e-4 of each,
and when the seed is exported and read again its documents have the same scores, and AutoTokenizer of it the same ids (but of
texts that hold "<unk>": vocab.json does not say that it is no special token of this tokenizer's).
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, OPTConfig, OPTForCausalLM

T, DOCUMENTS = 48, 60


def check(ok, what):
    if not ok:
        sys.exit(what)


def spread(model):
    with torch.no_grad():
        for p in model.parameters():
            p += 0.2 * torch.randn_like(p)
    return model


def gpt2(folder, vocab, merges):
    spread(GPT2LMHeadModel(GPT2Config(vocab_size=50257, n_positions=T, n_embd=24, n_layer=2, n_head=3))).save_pretrained(folder)
    shutil.copy(vocab, folder / "vocab.json")
    shutil.copy(merges, folder / "merges.txt")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>", "add_prefix_space": False, "model_max_length": 1024}))
    return "<|endoftext|>", False


def opt(folder, vocab, merges):
    spread(OPTForCausalLM(OPTConfig(
        vocab_size=50272, max_position_embeddings=T, hidden_size=24, word_embed_proj_dim=24, num_hidden_layers=2,
        num_attention_heads=3, ffn_dim=50, bos_token_id=2, eos_token_id=2, pad_token_id=1))).save_pretrained(folder)
    words = [w for w in json.loads(vocab.read_text()) if w != "<|endoftext|>"]
    random.Random(3).shuffle(words)
    words = ["<s>", "<pad>", "</s>", "<unk>", *words, *(f"madeupword{i:04}" for i in range(3))]
    (folder / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    shutil.copy(merges, folder / "merges.txt")
    token = {"__type": "AddedToken", "content": "</s>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "add_prefix_space": False, "errors": "replace",
        "bos_token": token, "eos_token": token, "unk_token": token, "pad_token": {**token, "content": "<pad>"}}))
    return "</s>", True


class Run:
    def __init__(self, build, work):
        self.build, self.work = pathlib.Path(build).resolve(), work
        self.env = {**os.environ, "CBTM_PLUGIN_PATH": str(self.build / "plugins"), "PATH": f"{self.build}:{os.environ['PATH']}"}

    def __call__(self, *words):
        r = subprocess.run([self.build / "cbtm", *map(str, words)], env=self.env, cwd=self.work, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True)
        check(r.returncode == 0, f"cbtm {' '.join(map(str, words))}: exit status {r.returncode}: {r.stderr}")
        return r.stdout

    def rows(self, dataset):
        return [x for x in map(json.loads, self("cat", dataset).splitlines()) if "store" not in x]

    def scores(self, name, corpus, folder, eod, bos):
        """key -> (text, ids, log-probabilities) of the test documents; and the run's folder."""
        files = {"vocab": str(folder / "vocab.json"), "merges": str(folder / "merges.txt"), "eod": eod, "bos": bos}
        if (folder / "tokenizer.json").exists():
            files = {"tokenizer": str(folder / "tokenizer.json")}
        (self.work / f"{name}.yaml").write_text(json.dumps({
            "name": name, "work": f"work-{name}", "embed": {"dims": 4}, "cluster": {"k": 2}, "shard": {"length": T},
            "tokenize": {"input": [str(corpus)], "split": {"valid": 0.1, "test": 0.4, "seed": 0}, "vocabulary": files},
            "train": {"seed": {"import": str(folder)}, "branch": {"tokens": 8 * T, "batch": 4}},
            "evaluate": {}}))
        self("run", f"{name}.yaml", "--quiet")
        run = self.work / f"work-{name}/runs/{name}/main"
        ids = {t["key"]: t["ids"] for t in self.rows(run / "tokens")}
        texts = {t["key"]: t["text"] for t in self.rows(run / "documents")}
        return {s["key"]: (texts[s["key"]], ids[s["key"]], s["logprob"]) for s in self.rows(run / "seed_scores")}, run


def compare(name, found, folder, special, puts):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    bos = tokenizer.convert_tokens_to_ids(special)
    check(model.config.bos_token_id == bos and model.config.eos_token_id == bos, f"{name}: {model.config}")
    worst = cut = 0
    for text, ids, logprob in found.values():
        theirs = tokenizer(text).input_ids
        check(theirs == ([bos] if puts else []) + ids, f"{name}: {text[:60]!r}: {theirs[:9]}, not {ids[:9]}")
        sequence = torch.tensor([([] if puts else [bos]) + theirs + [bos]])[:, :T + 1]
        cut += len(ids) + 2 > T + 1
        with torch.no_grad():
            logits = model(sequence[:, :-1], attention_mask=torch.ones_like(sequence[:, :-1])).logits
        wanted = torch.log_softmax(logits.double(), -1).gather(-1, sequence[:, 1:, None])[0, :, 0]
        check(len(wanted) == len(logprob), f"{name}: {len(logprob)} scores, not {len(wanted)}")
        worst = max(worst, ((torch.tensor(logprob) - wanted).abs() / wanted.abs().clamp_min(0.1)).max().item())
    check(worst <= 1e-4, f"{name}: log-probabilities differ by {worst:.3g}")
    print(f"{name}: {len(found)} documents, {cut} of them cut at {T}, worst {worst:.2g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--vocab", required=True, type=pathlib.Path)
    parser.add_argument("--merges", required=True, type=pathlib.Path)
    parser.add_argument("--work", default="bos-parity", type=pathlib.Path)
    parser.add_argument("corpus", type=pathlib.Path)
    o = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.manual_seed(5)
    shutil.rmtree(o.work, ignore_errors=True)
    o.work.mkdir(parents=True)
    work, run = o.work.resolve(), Run(o.build, o.work.resolve())
    lines = o.corpus.read_text().splitlines()
    random.Random(1).shuffle(lines)
    corpus = work / "corpus.jsonl"
    corpus.write_text("".join(line + "\n" for line in lines[:3 * DOCUMENTS]))
    for make in (gpt2, opt):
        name = make.__name__
        special, puts = make(work / name, o.vocab, o.merges)
        found, place = run.scores(name, corpus, work / name, special, special if puts else "")
        check(len(found) >= DOCUMENTS // 2, f"{name}: only {len(found)} documents")
        compare(name, found, work / name, special, puts)
        back = work / f"{name}-back"
        run("export", place / "seed", "--to", back)
        run("export", place / "vocabulary", "--to", back)
        again, _ = run.scores(f"{name}-back", corpus, back, special, "")
        check({k: v[1:] for k, v in again.items()} == {k: v[1:] for k, v in found.items()}, f"{name}: read again, scores are others")
        # Without a pipeline, tokenizer_config.json says whether a text begins with it.
        run("import", work / name, "--to", work / f"{name}-ours")
        for part in "checkpoint", "vocabulary":
            run("export", work / f"{name}-ours" / part, "--to", work / f"{name}-alone")
        theirs = AutoTokenizer.from_pretrained(work / name)
        for folder in back, work / f"{name}-alone":
            ours = AutoTokenizer.from_pretrained(folder)
            differ = [t for t, _, _ in found.values() if theirs(t).input_ids != ours(t).input_ids and "<unk>" not in t]
            check(not differ, f"{name}: a text has other ids by {folder}: {differ[0][:80]!r}" if differ else "")
        print(f"{name}: exported and read again, the same")


main()
