# SPDX-License-Identifier: MIT
"""One domain from its package to its documents."""

import hashlib
import os
from collections import namedtuple

from recipe.cut import cut, join, size, tidy
from recipe.dedup import Copies, without_boilerplate
from recipe.domains import SOURCES, pages

# Pages shorter than this join the next one of their folder.
JOIN_BYTES = 2000

Document = namedtuple("Document", "id text domain source")


def rank(identifier):
    """Documents stand in the order of this digest: a shuffle that is always the same."""
    return hashlib.sha256(identifier.encode("utf-8")).hexdigest()


def joined(found):
    """Pages long enough for a document, made of neighbours where they are short."""
    done, open_source, open_blocks = [], None, []
    for source, blocks in found:
        if open_blocks and os.path.dirname(source) != os.path.dirname(open_source):
            open_blocks = []
        if not open_blocks:
            open_source = source
        open_blocks = open_blocks + blocks
        if sum(size(text) + 2 for _, text in open_blocks) >= JOIN_BYTES:
            done.append((open_source, open_blocks))
            open_blocks = []
    return done


def documents(domain, packages, limit):
    """The documents of a domain, about `limit` bytes of text, in the order of rank.

    packages: package name -> (version, path). Returns them and the bytes that there were.
    """
    copies, every = Copies(), []
    for source in SOURCES:
        if source.domain != domain:
            continue
        version, path = packages[source.package]
        found = [(name, tidy(blocks)) for name, blocks in pages(source, path)]
        for name, blocks in joined(without_boilerplate(found)):
            for number, part in enumerate(cut(blocks)):
                text = join(part)
                if not copies.is_copy(text):
                    every.append(Document(f"{source.package}/{name}#{number}", text, domain,
                                          f"{source.package}={version}/{name}"))
    every.sort(key=lambda document: rank(document.id))
    chosen, total = [], 0
    for document in every:
        if total >= limit:
            break
        chosen.append(document)
        total += size(document.text)
    return chosen, sum(size(document.text) for document in every)
