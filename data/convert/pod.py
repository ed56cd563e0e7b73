# SPDX-License-Identifier: MIT
"""Perl's pod to blocks (perlpod, perlpodspec)."""

import re
from html import unescape

BRACKETS = re.compile(r"([A-Z])(<<+\s|<)")
NAMED = {"sol": "/", "verbar": "|", "lchevron": "\u00ab", "rchevron": "\u00bb"}


def escape(name):
    """The character of E<name>."""
    if name in NAMED:
        return NAMED[name]
    if re.fullmatch(r"0?x[0-9a-fA-F]+", name):
        return chr(int(name.lower().lstrip("0x") or "0", 16))
    if re.fullmatch(r"0[0-7]+", name):
        return chr(int(name, 8))
    if name.isdigit():
        return chr(int(name))
    return unescape("&" + name + ";")


def link(text):
    """What L<text> shows: its own words, else the page and section it names."""
    if "|" in text:
        return text.split("|", 1)[0]
    if re.match(r"[a-z]+://", text):
        return text
    page, _, section = text.partition("/")
    section = section.strip('"')
    if page and section:
        return f'"{section}" in {page}'
    return page or section


def inline(text):
    """Text without formatting codes; codes nest, and C<< x >> ends at as many brackets."""
    out, end = read(text, 0, None)
    return out + text[end:]


def read(text, at, closing):
    """Read up to the closing bracket; returns the text and the place behind the bracket."""
    out = []
    while at < len(text):
        if closing and text.startswith(closing, at):
            return "".join(out), at + len(closing)
        code = BRACKETS.match(text, at)
        if not code or (at and text[at - 1].isalnum()):
            out.append(text[at])
            at += 1
            continue
        brackets = code.group(2).strip()
        ending = (" " if len(brackets) > 1 else "") + ">" * len(brackets)
        inner, at = read(text, code.end(), ending)
        letter = code.group(1)
        if letter == "E":
            inner = escape(inner)
        elif letter == "L":
            inner = link(inner)
        elif letter in "XZ":
            inner = ""
        out.append(inner)
    return "".join(out), at


def convert(text):
    blocks = []
    skipping = None              # format of the open =begin, unless it is plain text
    ended = False                # behind =cut
    for paragraph in re.split(r"\n(?:[ \t]*\n)+", text.expandtabs(8)):
        paragraph = paragraph.strip("\n").rstrip()
        if not paragraph.strip():
            continue
        if paragraph.startswith("="):
            command, _, rest = paragraph[1:].partition(" ")
            command, _, more = command.partition("\n")
            rest = " ".join((more + " " + rest).split())
            ended = command == "cut"
            if command == "begin":
                skipping = None if rest in ("text", ":text") else rest
            elif command == "end":
                skipping = None
            elif skipping is None and command.startswith("head"):
                add(blocks, "heading", inline(rest))
            elif skipping is None and command == "item":
                item = re.sub(r"^(\*|\d+\.?|[oO-])(\s+|$)", "", rest)
                add(blocks, "term", inline(item))
        elif skipping is not None or ended:
            continue
        elif paragraph[0] in " \t":
            if blocks and blocks[-1][0] == "code":
                blocks[-1] = ("code", blocks[-1][1] + "\n\n" + paragraph)
            else:
                blocks.append(("code", paragraph))
        else:
            add(blocks, "text", inline(paragraph))
    return blocks


def add(blocks, kind, text):
    text = " ".join(text.split())
    if text:
        blocks.append((kind, text))
