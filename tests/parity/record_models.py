#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Hugging Face's transformers (PyTorch, CPU) computes with random small OPT and GPT-2 checkpoints: scores and
gradients in fp32, steps of AdamW in double precision.

Usage: record_models.py FOLDER [--header]
       (FOLDER: tests/unit/model with --header; through tests/parity/run)

With --header: writes recorded_models.h, two checkpoints with what they compute, for the unit tests. Without: makes a
folder for each of several configurations in FOLDER, for
    CBTM_PARITY_MODELS=FOLDER build/tests/unit/model/huggingface_import_test
A folder has config.json, model.safetensors (one or several files), expected.json (ids, the log-probability of every
next id, loss, and the losses of steps of AdamW) and gradient/model.safetensors (of the mean loss, by the same names).
"""
import argparse
import json
import pathlib
import shutil

import torch
import transformers
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, OPTConfig, OPTForCausalLM

STEPS, LR, BETAS, EPSILON, DECAY, CLIP = 50, 1e-3, (0.9, 0.95), 1e-8, 0.1, 1.0


def opt(vocabulary, positions, layers, width, heads, ffn, **more):
    return OPTForCausalLM(OPTConfig(
        vocab_size=vocabulary, max_position_embeddings=positions, num_hidden_layers=layers, hidden_size=width,
        word_embed_proj_dim=width, num_attention_heads=heads, ffn_dim=ffn, dropout=0.0, attention_dropout=0.0,
        bos_token_id=1, eos_token_id=1, **({"pad_token_id": 0} | more)))


def gpt2(vocabulary, positions, layers, width, heads, ffn, **more):
    return GPT2LMHeadModel(GPT2Config(
        vocab_size=vocabulary, n_positions=positions, n_layer=layers, n_embd=width, n_head=heads, n_inner=ffn,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=1, eos_token_id=1, **more))


# make, sizes, sequences and their length, dtype of the file, bytes of a shard
SMALL = {
    "opt": (opt, (17, 10, 2, 4, 2, 6), (2, 7), torch.float32, None),
    "gpt2": (gpt2, (17, 10, 2, 4, 2, 6), (2, 7), torch.float32, None),
}
MORE = {
    "opt-wide": (opt, (517, 64, 3, 96, 3, 200), (3, 33), torch.float32, None),
    "opt-half": (opt, (260, 32, 1, 64, 4, 256), (2, 32), torch.float16, None),
    "opt-no-padding": (lambda *s: opt(*s, pad_token_id=None), (100, 16, 1, 32, 2, 64), (2, 16), torch.float32, None),
    "opt-shards": (opt, (1000, 48, 4, 64, 1, 100), (2, 20), torch.float32, "200KB"),
    "gpt2-deep": (gpt2, (400, 40, 6, 48, 6, 64), (4, 31), torch.float32, None),
    "gpt2-bf16": (gpt2, (300, 64, 2, 128, 2, None), (2, 64), torch.bfloat16, None),
    "gpt2-one": (gpt2, (100, 16, 1, 32, 1, None), (1, 2), torch.float32, None),
}


def make(folder, build, sizes, batch, dtype, shard):
    torch.manual_seed(sum(map(ord, folder.name)))
    model = build(*sizes).eval()
    with torch.no_grad():
        for p in model.parameters():  # away from where it begins, so that nothing is zero by accident
            p.copy_((p + 0.15 * torch.randn_like(p)).to(dtype).to(torch.float32))
        if getattr(model.config, "pad_token_id", None) == 0:
            model.model.decoder.embed_tokens.weight[0] = 0.1  # the padding's row begins as zeros
    shutil.rmtree(folder, ignore_errors=True)
    model.to(dtype).save_pretrained(folder, safe_serialization=True, **({"max_shard_size": shard} if shard else {}))
    model.to(torch.float32)
    sequences, length = batch
    ids = torch.randint(0, sizes[0], (sequences, length + 1))
    ids[0, length // 2] = 0  # the padding of OPT, whose embedding learns nothing where it is read

    def logprobs():
        logits = model(ids[:, :-1], attention_mask=torch.ones_like(ids[:, :-1])).logits
        return torch.log_softmax(logits, -1).gather(-1, ids[:, 1:, None])[..., 0]

    scores = logprobs()
    loss = -scores.mean()
    loss.backward()
    (folder / "gradient").mkdir()
    save_file({n: p.grad.clone() for n, p in model.named_parameters()}, folder / "gradient" / "model.safetensors")
    # In double precision: in single, PyTorch's own losses differ by more than 1 % between 1 and 2 threads once a model
    # has learnt its few sequences by heart.
    model.to(torch.float64).zero_grad(set_to_none=True)
    matrices = [p for n, p in model.named_parameters() if p.dim() > 1]
    others = [p for n, p in model.named_parameters() if p.dim() == 1]
    adamw = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}],
                              lr=LR, betas=BETAS, eps=EPSILON)
    losses = []
    for _ in range(STEPS):
        adamw.zero_grad()
        step_loss = -logprobs().mean()
        step_loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        adamw.step()
        losses.append(step_loss.item())
    (folder / "expected.json").write_text(json.dumps({
        "ids": ids.flatten().tolist(), "sequences": sequences, "length": length, "loss": loss.item(),
        "logprob": scores.flatten().tolist(), "losses": losses}))


def c_string(b):
    lines, line = [], ""
    for x in b:
        line += chr(x) if 0x20 <= x < 0x7f and chr(x) not in '"\\?' else f"\\{x:03o}"
        if len(line) > 110:
            lines, line = lines + [line], ""
    lines.append(line)
    return "\n\t  ".join(f'"{x}"' for x in lines)


def header(folder):
    files = []
    for name, row in SMALL.items():
        made = folder / f"made-{name}"
        make(made, *row)
        config = json.loads((made / "config.json").read_text())
        (made / "config.json").write_text(json.dumps(config, sort_keys=True))
        for file in ("config.json", "model.safetensors", "expected.json", "gradient/model.safetensors"):
            data = (made / file).read_bytes()
            files.append(f'\t{{ "{name}", "{file}",\n\t  {c_string(data)},\n\t  {len(data)} }},\n')
        shutil.rmtree(made)
    (folder / "recorded_models.h").write_text(
        "/* SPDX-License-Identifier: MIT */\n/* Made by tests/parity/record_models.py; do not edit. transformers "
        f"{transformers.__version__}, PyTorch {torch.__version__.split('+')[0]}. */\n#pragma once\n"
        "#include <stddef.h>\n\n/* clang-format off */\nstatic const struct {\n\tconst char *model, *file, *bytes;\n"
        "\tsize_t n;\n} recorded_models[] = {\n" + "".join(files) + "};\n/* clang-format on */\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--header", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(1)
    if o.header:
        header(o.folder)
        return
    for name, row in (SMALL | MORE).items():
        make(o.folder / name, *row)
        print(o.folder / name)


if __name__ == "__main__":
    main()
