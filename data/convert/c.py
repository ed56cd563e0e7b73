# SPDX-License-Identifier: MIT
"""C source to blocks: one block a function or declaration, without licences and long tables."""

import re

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LICENCE = re.compile(r"copyright|general public license|redistribution and use|"
                     r"permission is hereby granted|see the file copying|license-identifier|"
                     r"all rights reserved|public domain", re.IGNORECASE)


def without_licence(match):
    """A comment without its licence; what describes the code before the copyright line stays."""
    comment = match.group(0)
    found = LICENCE.search(comment)
    if not found:
        return comment
    before = comment[:found.start()].rsplit("\n", 1)[0]
    words = re.findall(r"[A-Za-z]{2,}", before)
    if "\n" not in comment[:found.start()] or len(words) < 3:
        return ""
    return before.rstrip(" \t\n*-=") + "  */"


def at_top_level(line, before):
    """A blank line stands between the two lines: is it between two declarations?"""
    if line[0] in " \t{})":
        return False
    if line[0] == "#":
        return before[:1] in ("}", "#", "/") or before.endswith("*/")
    # A comment or an attribute that stands before a function belongs to it.
    return True


def convert(text):
    text = COMMENT.sub(without_licence, text.expandtabs(8).replace("\f", ""))
    lines = [line.rstrip() for line in text.split("\n")]
    blocks, open_lines, before, blank = [], [], "", True
    for line in lines:
        if not line:
            blank = True
            continue
        if blank and open_lines and at_top_level(line, before):
            blocks.append("\n".join(open_lines))
            open_lines = []
        elif blank and open_lines:
            open_lines.append("")
        open_lines.append(line)
        before, blank = line, False
    if open_lines:
        blocks.append("\n".join(open_lines))
    return [("start" if block.startswith("/*") else "code", block) for block in blocks
            if re.search(r"[A-Za-z]{2}", block)]
