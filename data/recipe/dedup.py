# SPDX-License-Identifier: MIT
"""What stands in many pages, and what stands twice, is left out."""

import re
import zlib
from collections import Counter

# Blocks from this length on are left out where they come again.
LONG_BLOCK = 80
# Shorter ones, where more pages than this have them: they belong to the site, not to the page.
MANY_PAGES = 40
# Documents that share more than this part of their five-word runs with earlier ones are copies.
COPIED = 0.4
# One run of words in so many is remembered.
SAMPLED = 4

# Lines of owners and licences that stand among the text.
OWNER = re.compile(r"copyright (\(c\)|\u00a9|\d{4})|\u00a9 \d{4}|free documentation license|"
                   r"all rights reserved", re.IGNORECASE)

WORD = re.compile(r"\w+")


def normal(text):
    """Equal for blocks that differ in digits, case and spaces alone."""
    return re.sub(r"\d+", "0", " ".join(text.lower().split()))


def mostly_numbers(kind, text):
    """A table of numbers: little to learn from."""
    if len(text) < 200 or kind not in ("code", "start", "table"):
        return False
    marks = re.sub(r"\s", "", text)
    numbers = sum(len(n) for n in re.findall(r"\b(?:0[xX][0-9a-fA-F]+|\d[\d.]*)\w{0,3}\b", marks))
    return numbers > 0.4 * len(marks)


def without_boilerplate(pages):
    """pages: a list of (source, blocks). The same, without what is repeated."""
    count = Counter()
    for _, blocks in pages:
        count.update({normal(text) for _, text in blocks if len(text) < LONG_BLOCK})
    seen, done = set(), []
    for source, blocks in pages:
        kept = []
        for kind, text in blocks:
            if kind != "code" and len(text) < 400 and OWNER.search(text):
                continue
            key = normal(text)
            if len(text) >= LONG_BLOCK:
                if key in seen or mostly_numbers(kind, text):
                    continue
                seen.add(key)
            elif kind in ("text", "item", "table") and count[key] > MANY_PAGES:
                continue
            # A heading whose section was left out goes with it.
            if kind == "heading" and kept and kept[-1] == (kind, text):
                continue
            kept.append((kind, text))
        done.append((source, kept))
    return done


class Copies:
    """Remembers a sample of the word runs of all documents asked about that were no copies."""

    def __init__(self):
        self.seen = set()

    def is_copy(self, text):
        words = WORD.findall(text.lower())
        runs = (zlib.crc32(" ".join(words[i:i + 5]).encode("utf-8"))
                for i in range(max(1, len(words) - 4)))
        sample = {run for run in runs if run % SAMPLED == 0}
        if sample and len(sample & self.seen) > COPIED * len(sample):
            return True
        self.seen |= sample
        return False
