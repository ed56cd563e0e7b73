#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What transformers' last hidden states, the mean over a text's tokens, are for the checkpoints of recorded_models.h.

Usage: record_hidden.py FOLDER          (FOLDER: tests/unit/model; through tests/parity/run)

Writes recorded_hidden.h: for each checkpoint some texts as ids, longer ones than it has positions in windows of LENGTH
ids, none of which sees another, and the mean of all their hidden states in double precision.
"""
import pathlib
import random
import re
import sys
import tempfile

import torch
import transformers

LENGTH = 6
HERE = pathlib.Path(__file__).resolve().parent.parent / "unit/model"


def checkpoints():
    """{model: {file: bytes}} of the recorded header."""
    text = (HERE / "recorded_models.h").read_text()
    found = {}
    for model, file, body in re.findall(r'\{ "([\w-]+)", "([^"]+)",\n((?:\t  ".*"\n?,?\n?)+)', text):
        data = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', body))
        found.setdefault(model, {})[file] = re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), data).encode("latin-1")
    return found


def main():
    folder = pathlib.Path(sys.argv[1])
    rand = random.Random(1)
    rows = []
    for name, files in checkpoints().items():
        with tempfile.TemporaryDirectory() as scratch:
            for file in ("config.json", "model.safetensors"):
                (pathlib.Path(scratch) / file).write_bytes(files[file])
            model = transformers.AutoModel.from_pretrained(scratch, dtype=torch.float64).eval()
        for n in (1, 3, LENGTH, LENGTH + 1, 3 * LENGTH + 2):
            ids = [rand.randrange(2, model.config.vocab_size) for _ in range(n)]
            states = []
            for i in range(0, n, LENGTH):
                window = torch.tensor([ids[i:i + LENGTH]])
                with torch.no_grad():
                    states.append(model(window, attention_mask=torch.ones_like(window)).last_hidden_state[0])
            mean = torch.cat(states).mean(0).tolist()
            rows.append(f'\t{{ "{name}", {n}, {{ {", ".join(map(str, ids))} }},\n\t  {{ {", ".join(f"{x:.9g}" for x in mean)} }} }},\n')
    (folder / "recorded_hidden.h").write_text(
        "/* SPDX-License-Identifier: MIT */\n"
        f"/* Made by tests/parity/record_hidden.py; do not edit. transformers {transformers.__version__}, PyTorch {torch.__version__.split('+')[0]}. */\n"
        "#pragma once\n#include <stddef.h>\n#include <stdint.h>\n\n/* clang-format off */\n"
        f"enum {{ RECORDED_LENGTH = {LENGTH}, RECORDED_WIDTH = 4 }};\n"
        f"static const struct {{\n\tconst char *model;\n\tsize_t n;\n\tuint32_t ids[{3 * LENGTH + 2}];\n\tdouble mean[RECORDED_WIDTH];\n"
        "} recorded_hidden[] = {\n" + "".join(rows) + "};\n/* clang-format on */\n")


if __name__ == "__main__":
    main()
