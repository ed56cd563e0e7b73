# SPDX-License-Identifier: MIT
"""HTML pages to blocks: what a browser shows of the page's main part, without the navigation."""

import re
from html.parser import HTMLParser

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
# Tags that end the paragraph before them and begin one of their own.
BLOCKS = HEADINGS | {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl",
    "dt", "figcaption", "figure", "hr", "li", "main", "ol", "p", "section", "summary", "ul"}
NEVER_SHOWN = {"head", "script", "style", "nav", "form", "button", "svg", "iframe", "noscript"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "param", "wbr"}

INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff\u00b6\U0001f517]")
NUMBERING = re.compile(r"^(?:(?:Chapter|Appendix|Part|Section)\s+)?"
                       r"(?:(?:\d+|[A-Z])(?:\.\d+)+\.?|\d+\.|[A-Z]\.|\d+|[IVXLC]+\.)\s+(?=\S)")


class Profile:
    """Where a site keeps its text.

    main: (attribute, value) of the element that holds it, None for the whole body.
    skip: classes and ids of the elements to leave out.
    numbered: headings begin with section numbers, to be cut off.
    """

    def __init__(self, main=None, skip=(), numbered=False):
        self.main = main
        self.skip = frozenset(skip)
        self.numbered = numbered


class Page(HTMLParser):
    def __init__(self, profile):
        super().__init__(convert_charrefs=True)
        self.profile = profile
        self.blocks = []
        self.words = []          # text of the open paragraph
        self.kind = "text"
        self.item = False        # the open paragraph is the first one of a list's item
        self.inside = profile.main is None
        self.hole = None         # (tag, depth) of the element being left out
        self.room = None         # (tag, depth) of the main element
        self.pre = 0
        self.tables = 0
        self.rows = []
        self.cells = None        # cells of the open row; a cell is a list of lines

    # -- what to leave out ---------------------------------------------------------------------

    def handle_starttag(self, tag, attributes):
        if self.hole:
            if tag == self.hole[0]:
                self.hole = (tag, self.hole[1] + 1)
            return
        named = dict(attributes)
        names = set((named.get("class") or "").split())
        names.add(named.get("id") or "")
        if tag not in VOID and (tag in NEVER_SHOWN or names & self.profile.skip):
            self.hole = (tag, 1)
            return
        if not self.inside:
            key, value = self.profile.main
            if value in (named.get(key) or "").split():
                self.inside, self.room = True, (tag, 1)
            return
        if self.room and tag == self.room[0]:
            self.room = (tag, self.room[1] + 1)
        self.open(tag)

    def handle_startendtag(self, tag, attributes):
        if tag in VOID:
            self.handle_starttag(tag, attributes)
        # <a id="x"/> and the like hold no text.

    def handle_endtag(self, tag):
        if self.hole:
            if tag == self.hole[0]:
                depth = self.hole[1] - 1
                self.hole = (tag, depth) if depth else None
            return
        if not self.inside:
            return
        self.close(tag)
        if self.room and tag == self.room[0]:
            self.room = (tag, self.room[1] - 1)
            if self.room[1] == 0:
                self.flush()
                self.inside, self.room = False, None

    def handle_data(self, data):
        if self.inside and not self.hole:
            self.words.append(data)

    # -- what to keep --------------------------------------------------------------------------

    def open(self, tag):
        if tag == "br":
            self.words.append("\n" if self.pre else " ")
        elif tag == "table":
            if self.tables == 0:
                self.flush()
            self.tables += 1
        elif tag == "tr" and self.tables == 1:
            self.end_row()
            self.cells = []
        elif tag in ("td", "th") and self.tables == 1:
            self.end_line()
            if self.cells is None:
                self.cells = []
            self.cells.append([])
        elif tag == "pre":
            self.flush()
            self.pre += 1
        elif tag in BLOCKS and not self.pre:
            item = self.item
            self.flush()
            if tag in HEADINGS:
                self.kind = "heading"
            elif tag == "dt":
                self.kind = "term"
            # <li><p>: the paragraph inside is still the item's first.
            self.item = tag == "li" or (item and tag in ("p", "div"))

    def close(self, tag):
        if tag == "table" and self.tables:
            self.tables -= 1
            if self.tables == 0:
                self.end_row()
                self.flush()
                self.end_table()
        elif tag == "tr" and self.tables == 1:
            self.end_row()
        elif tag == "pre" and self.pre:
            self.flush()
            self.pre -= 1
        elif tag in BLOCKS and not self.pre:
            self.flush()
            if tag == "li":
                self.item = False

    def take(self):
        """The open paragraph's text, on one line."""
        text = " ".join(INVISIBLE.sub("", "".join(self.words)).split())
        self.words = []
        return text

    def flush(self):
        if self.cells is not None:
            return self.end_line()
        if self.pre:
            text = INVISIBLE.sub("", "".join(self.words)).replace("\u00a0", " ").strip("\n")
            self.words = []
            if text.strip():
                self.blocks.append(("code", text))
            return
        text, kind = self.take(), self.kind
        if not text:
            return
        self.kind = "text"
        if kind == "heading" and self.profile.numbered:
            text = NUMBERING.sub("", text)
        if kind == "text" and self.item:
            self.item = False
            kind, text = "item", "- " + text
        self.blocks.append((kind, text))

    def end_line(self):
        text = self.take()
        if text and self.cells:
            self.cells[-1].append(text)

    def end_row(self):
        if self.cells is None:
            return
        self.end_line()
        cells, self.cells = self.cells, None
        if len(cells) == 1:
            self.rows.extend(cells[0])
        elif any(cells):
            self.rows.append(" | ".join(" ".join(cell) for cell in cells).strip(" |"))

    def end_table(self):
        if self.rows:
            self.blocks.append(("table", "\n".join(self.rows)))
        self.rows = []


def convert(text, profile):
    page = Page(profile)
    page.feed(text)
    page.end_row()
    page.flush()
    page.end_table()
    return page.blocks
