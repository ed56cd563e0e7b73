# SPDX-License-Identifier: MIT
"""Converters from the formats of documentation to clean text, one format a file.

Each module has one function, convert(...), that returns a list of blocks. A block is a pair
(kind, text); its text is final (entities, markup and wrapping gone) and never empty:

    heading   the title of a section: a good place to begin a document, never its last line
    start     an ordinary block that is a good place to begin a document
    term      what the next block explains (a signature, an option, a list's term)
    text      a paragraph, on one line
    item      an item of a list, on one line that begins with "- "
    table     a table, one row a line, cells divided by " | "
    code      lines kept as they were written
"""
