# SPDX-License-Identifier: MIT
"""PyTorch's side of bench/train: one way to train an OPT on the CPU, a step for every line of standard input.

    train_torch.py '{"model": "module", "how": "compile", "precision": "bf16", "threads": 2, "width": 256, ...}'

prints "ready", then for a line "step" the step's seconds, and for "end" the peak of its resident memory in MiB and the last loss.
"""
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """Pre-norm: attention with one product for queries, keys and values, then two linear maps with a ReLU between them."""

    def __init__(self, d, heads, ffn):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, ffn), nn.Linear(ffn, d)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.relu(self.up(self.norm2(x))))


class Module(nn.Module):
    """OPT without dropout, in as few operations as PyTorch has for it; returns the mean loss."""

    def __init__(self, c):
        super().__init__()
        self.token, self.position = nn.Embedding(c["vocabulary"], c["width"]), nn.Embedding(c["length"], c["width"])
        self.blocks = nn.ModuleList(Block(c["width"], c["heads"], 4 * c["width"]) for _ in range(c["layers"]))
        self.norm = nn.LayerNorm(c["width"])
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids, targets):
        x = self.token(ids) + self.position.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.token.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


class Transformers(nn.Module):
    def __init__(self, c):
        super().__init__()
        from transformers import OPTConfig, OPTForCausalLM

        self.model = OPTForCausalLM(OPTConfig(
            vocab_size=c["vocabulary"], hidden_size=c["width"], num_hidden_layers=c["layers"], ffn_dim=4 * c["width"],
            num_attention_heads=c["heads"], max_position_embeddings=c["length"], word_embed_proj_dim=c["width"], dropout=0.0,
            attention_dropout=0.0, use_cache=False, attn_implementation="sdpa"))
        self.model.train()

    def forward(self, ids, targets):
        logits = self.model(input_ids=ids, use_cache=False).logits
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def main():
    c = json.loads(sys.argv[1])
    torch.set_num_threads(c["threads"])
    torch.manual_seed(1)
    model = (Module if c["model"] == "module" else Transformers)(c)
    call = torch.compile(model) if c["how"] == "compile" else model
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=3e-4,
                                  betas=(0.9, 0.95), fused=c["fused"])
    ids = torch.randint(c["vocabulary"], (c["batch"], c["length"] + 1))
    loss = None

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=c["precision"] == "bf16"):
            loss = call(ids[:, :-1], ids[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    for _ in range(c["warmup"]):
        loss = step()
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() != "step":
            break
        start = time.perf_counter()
        loss = step()
        loss.item()
        print(time.perf_counter() - start, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, loss.item(), flush=True)


main()
