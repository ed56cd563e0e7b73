# SPDX-License-Identifier: MIT
"""Blocks of a page to documents of 1000 to 8000 bytes, cut at the borders of paragraphs."""

import re

MIN_BYTES = 1000
MAX_BYTES = 8000
# From here on the next heading begins a new document.
GOOD_BYTES = 3000

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
CLOSE_TO_NEXT = {("term", "text"), ("term", "item"), ("term", "code"), ("term", "term"),
                 ("item", "item")}


def size(text):
    return len(text.encode("utf-8"))


def join(blocks):
    """The text of a document: a blank line between blocks, none inside lists and below terms."""
    parts = []
    for i, (kind, text) in enumerate(blocks):
        if i:
            parts.append("\n" if (blocks[i - 1][0], kind) in CLOSE_TO_NEXT else "\n\n")
        parts.append(text)
    return "".join(parts) + "\n"


def tidy(blocks):
    """Without control characters, blanks at the ends of lines, and more than one blank line."""
    done = []
    for kind, text in blocks:
        text = CONTROL.sub("", text.replace("\u00a0", " ").expandtabs(8))
        text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).strip("\n")
        text = re.sub(r"\n{3,}", "\n\n", text)
        if text.strip():
            done.append((kind, text))
    return done


def pieces(block):
    """A block longer than a document, cut between lines, sentences or words."""
    kind, text = block
    if size(text) < MAX_BYTES:
        return [block]
    glue = "\n" if "\n" in text else " "
    units = text.split("\n") if glue == "\n" else re.split(r"(?<=[.;:!?,]) ", text)
    if max(size(unit) for unit in units) >= MAX_BYTES:
        units = [unit[i:i + 1500] for unit in units for i in range(0, len(unit), 1500)]
    done, part, length = [], [], 0
    for unit in units:
        if part and length + size(unit) + 1 > MAX_BYTES // 2:
            done.append((kind, glue.join(part)))
            part, length = [], 0
        part.append(unit)
        length += size(unit) + 1
    done.append((kind, glue.join(part)))
    return done


def without_lonely_headings(blocks):
    """Without the headings that nothing follows: the next one is not of their section."""
    blocks = list(blocks)
    while blocks and blocks[-1][0] in ("heading", "term"):
        blocks.pop()
    return blocks


def cut(blocks):
    """Lists of blocks, each a document; what is left below MIN_BYTES joins the one before it."""
    documents, part, length = [], [], 0
    for block in (piece for whole in blocks for piece in pieces(whole)):
        more = size(block[1]) + 2
        early = block[0] in ("heading", "start") and length >= GOOD_BYTES
        # Not between a heading and its section.
        if part and (early or length + more > MAX_BYTES) and part[-1][0] != "heading":
            documents.append(part)
            part, length = [], 0
        elif part and length + more > MAX_BYTES:
            carried = []
            while part and part[-1][0] in ("heading", "term"):
                carried.insert(0, part.pop())
            if part:
                documents.append(part)
            part, length = carried, sum(size(text) + 2 for _, text in carried)
        part.append(block)
        length += more
    if part:
        documents.append(part)
    if len(documents) > 1 and size(join(documents[-1])) < MIN_BYTES:
        documents[-2:] = rebalance(documents[-2] + documents[-1])
    documents = [without_lonely_headings(document) for document in documents]
    return [document for document in documents
            if document and MIN_BYTES <= size(join(document)) <= MAX_BYTES]


def rebalance(blocks):
    """One document if it fits, else two of about equal length."""
    total = size(join(blocks))
    if total <= MAX_BYTES:
        return [blocks]
    length = 0
    for i, (kind, text) in enumerate(blocks):
        if length >= total // 2 and blocks[i - 1][0] != "heading":
            return [blocks[:i], blocks[i:]]
        length += size(text) + 2
    return [blocks[:-1], blocks[-1:]]
