# SPDX-License-Identifier: MIT
"""The dictionary GCIDE, as dictd keeps it, to blocks: the headword, then its senses."""

import re
import unicodedata

# An entry begins at the left margin with the word and its syllables: Lark \Lark\ (l[aum]rk), n.
ENTRY = re.compile(r"^(?=\S.*\\)", re.MULTILINE)
# Where each sense was taken from.
ORIGIN = re.compile(r"\s*\[(?:(?:1913 Webster|Webster 1913 Suppl\.|WordNet(?: \d\.\d| sense \d+)?|"
                    r"PJC\.?|AS|RDH|RP|RHUD|Century Dict\. 1906|MW10)[\s+,;]*)+\]")
SYLLABLES = re.compile(r"\s*\\[^\\]*\\")
# (l[aum]rk), (m[imac]*r[=e]"n[.a]; 277): between parentheses, no blank, letters in brackets.
PRONOUNCED = re.compile(r"\s*\([^(){}\s]*\[[^(){}\s]*(?:;\s*\d+)?\)")
# What could not be written in the file: roots by number, Greek words.
LOST = re.compile(r"\[root\]\d+\.?\s*|\s\?+(?=[\s,;.)\]]|$)")

NAMED = {
    "ae": "\u00e6", "AE": "\u00c6", "oe": "\u0153", "OE": "\u0152", "eth": "\u00f0",
    "thorn": "\u00fe", "edh": "\u00f0", "yogh": "\u021d", "deg": "\u00b0", "root": "\u221a",
    "sect": "\u00a7", "pounds": "\u00a3", "asl": "", "imac": "\u012b", "ng": "\u014b",
    "th": "th", "add": "\u1ea1", "udd": "\u1ee5", "alpha": "\u03b1", "beta": "\u03b2",
    "pi": "\u03c0", "phi": "\u03c6", "Delta": "\u0394", "Upsilon": "\u03a5", "min": "\u2032",
    "sec": "\u2033", "frac12": "\u00bd", "frac14": "\u00bc", "frac34": "\u00be",
    "=ae": "\u01e3", "'ae": "\u01fd", "=oo": "o\u035eo", "oo^": "o\u035do"}
MARKS = {
    "^": "\u0302", "'": "\u0301", "`": "\u0300", "=": "\u0304", "-": "\u0304", '"': "\u0308",
    "~": "\u0303", ".": "\u0307", ",": "\u0327", "*": "\u030a"}
LETTERS = re.compile(r"\[([^\[\]\s]{1,8})\]")


def letter(match):
    """The character that a name in brackets stands for; brackets of other use stay."""
    name = match.group(1)
    if name in NAMED:
        return NAMED[name]
    if len(name) == 4 and name.endswith("um") and name[0] in "aeiouAEIOU":
        return name
    if len(name) == 3 and name.endswith("um"):
        return unicodedata.normalize("NFC", name[0] + "\u0308")
    if len(name) == 2 and name[0] in MARKS and name[1].isalpha():
        return unicodedata.normalize("NFC", name[1] + MARKS[name[0]])
    if len(name) == 2 and name[0].isalpha() and name[1] == "^":
        return unicodedata.normalize("NFC", name[0] + "\u0306")
    return match.group(0)


def entries(text):
    """The dictionary's entries in order, without the notices before the first one."""
    at = [match.start() for match in ENTRY.finditer(text)]
    return [text[begin:end] for begin, end in zip(at, at[1:] + [len(text)])]


def headword(entry):
    return entry.split("\\", 1)[0].strip()


def clean(paragraph):
    text = ORIGIN.sub("", " ".join(paragraph.split()))
    text = LOST.sub("", PRONOUNCED.sub("", text))
    text = LETTERS.sub(letter, text)
    return " ".join(text.replace("{", "").replace("}", "").split())


def convert(entry):
    """One entry: its first paragraph begins with the headword."""
    blocks = []
    for paragraph in re.split(r"\n[ \t]*\n", entry):
        # The first line and what is indented below it are the word, then its first sense.
        if not blocks:
            paragraph = SYLLABLES.sub("", paragraph)
        text = clean(paragraph)
        if text:
            blocks.append(("start" if not blocks else "text", text))
    return blocks
