# SPDX-License-Identifier: MIT
"""reStructuredText to blocks, as the kernel's documentation writes it."""

import re

UNDERLINE = re.compile(r"^([=\-~^\"'`#*+.:_!])\1{2,}$")
TABLE_LINE = re.compile(r"^\s*(?:\+[-=+]{3,}\+?|={2,}(?:\s+=+)+|-{3,}(?:\s+-{2,})+)\s*$")
DIRECTIVE = re.compile(r"^\.\.\s+([a-zA-Z][\w:-]*)::\s*(.*)$")
FOOTNOTE = re.compile(r"^\.\.\s+\[[^\]]+\]\s+(.*)$")
ITEM = re.compile(r"^(?:[-*+\u2022]|\(?(?:\d+|[a-zA-Z]|#)[.)])\s+")
FIELD = re.compile(r"^:([A-Za-z][\w -]{0,40}):(?:\s+(.*)|$)")
# Fields of a page's head that say nothing about its subject.
HEAD_FIELDS = re.compile(r"^(author|authors|date|copyright|version|revised|original|translator|"
                         r"contact|maintainer|orphan|last.*|address|organization|status)$", re.I)
OWNER = re.compile(r"^[\s*-]*(?:\([cC]\)\s*\d{4}|Copyright\b|\u00a9|Author:|Authors:)")
SPOKEN = {"note", "warning", "important", "tip", "caution", "attention", "hint", "danger",
          "seealso", "admonition", "topic", "sidebar", "rubric", "versionadded", "deprecated",
          "table", "container", "glossary", "centered", "epigraph", "compound"}
LIST_TABLES = {"list-table", "flat-table"}
CODE = {"code-block", "code", "sourcecode", "parsed-literal", "math", "productionlist"}
SIGNATURE = re.compile(r"^(c|py|cpp)?:?(function|macro|type|struct|union|enum|enumerator|member|"
                       r"var|module|class|method|data)$")
# The directives' options, :name: value, stand first in what is indented below them.
OPTION = re.compile(r"^\s*:[\w-]+:")

NUMBERING = re.compile(r"^(?:(?:\d+|[A-Z])(?:\.\d+)+\.?|\d+[.)])\s+(?=\S)")
ROLE = re.compile(r":[a-zA-Z][\w:+-]*:`([^`]+)`")
QUOTED = re.compile(r"``(.+?)``", re.DOTALL)
LINKED = re.compile(r"`([^`<>]+?)\s*<[^`<>]+>`__?")
SINGLE = re.compile(r"`([^`]+)`_{0,2}")
STRONG = re.compile(r"(?<![\w*])\*\*(?=\S)(.+?)(?<=\S)\*\*(?![\w*])")
EMPHASIS = re.compile(r"(?<![\w*/])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?![\w*/])")


def inline(text):
    """A line of prose without markup. What is quoted as code keeps its asterisks."""
    kept = []

    def keep(match):
        kept.append(match.group(1))
        return f"\0{len(kept) - 1}\0"

    text = QUOTED.sub(keep, text)
    text = ROLE.sub(lambda match: re.sub(r"\s*<[^<>]*>$", "", match.group(1)).lstrip("~!"), text)
    text = LINKED.sub(r"\1", text)
    text = SINGLE.sub(r"\1", text)
    text = EMPHASIS.sub(r"\1", STRONG.sub(r"\1", text))
    text = re.sub(r"\[#\w*\]_", "", re.sub(r"(\[\d+\])_(?!\w)", r"\1", text))
    text = re.sub(r"\\(\W)", r"\1", text).replace("\\ ", "")
    return re.sub("\0(\\d+)\0", lambda match: kept[int(match.group(1))], text)


def indent_of(line):
    return len(line) - len(line.lstrip())


def dedent(lines):
    margin = min((indent_of(line) for line in lines if line.strip()), default=0)
    return [line[margin:] for line in lines]


class Reader:
    def __init__(self, text):
        self.lines = [line.rstrip() for line in text.expandtabs(8).split("\n")]
        self.at = 0
        self.blocks = []

    def add(self, kind, text):
        text = text if kind in ("code", "table") else " ".join(inline(text).split())
        if text.strip():
            self.blocks.append((kind, text))

    def indented(self, margin):
        """The lines below that are indented by more than margin, blank lines included."""
        found = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line and indent_of(line) <= margin:
                break
            found.append(line)
            self.at += 1
        while found and not found[-1]:
            found.pop()
        while found and not found[0]:
            found.pop(0)
        return found

    def paragraph(self):
        found = []
        while self.at < len(self.lines) and self.lines[self.at]:
            found.append(self.lines[self.at])
            self.at += 1
        return found

    def read(self):
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line:
                self.at += 1
            elif line.lstrip().startswith(".. ") or line.strip() == "..":
                self.explicit(line)
            elif not self.heading():
                self.body()
        return self.blocks

    def explicit(self, line):
        """.. directive::, .. [1] footnote, .. _label:, .. comment."""
        margin, bare = indent_of(line), line.strip()
        self.at += 1
        content = self.indented(margin)
        directive, footnote = DIRECTIVE.match(bare), FOOTNOTE.match(bare)
        if footnote:
            self.add("text", " ".join([footnote.group(1)] + content))
        elif directive:
            name, argument = directive.group(1).lower(), directive.group(2)
            while content and OPTION.match(content[0]):
                content.pop(0)
            if name in CODE:
                self.add("code", "\n".join(dedent(content)).strip("\n"))
            elif SIGNATURE.match(name):
                self.add("term", argument)
                self.inner(content)
            elif name in SPOKEN:
                # The name of a container is markup, the title of a note is not.
                if name != "container":
                    self.add("text", argument)
                self.inner(content)
            elif name in LIST_TABLES:
                self.add("text", argument)
                self.list_table(content)

    def inner(self, lines):
        self.blocks.extend(Reader("\n".join(dedent(lines))).read())

    def heading(self):
        """A title with a line below it, or with one above and one below."""
        lines, at = self.lines, self.at
        if UNDERLINE.match(lines[at].strip()) and at + 2 < len(lines) and lines[at + 1] \
                and lines[at + 2].strip() == lines[at].strip():
            self.add("heading", NUMBERING.sub("", lines[at + 1].strip()))
            self.at += 3
            return True
        if UNDERLINE.match(lines[at].strip()):
            self.at += 1
            return True
        if at + 1 < len(lines) and UNDERLINE.match(lines[at + 1]) and not lines[at][0].isspace():
            self.add("heading", NUMBERING.sub("", lines[at].strip()))
            self.at += 2
            return True
        return False

    def body(self):
        start = self.at
        margin = indent_of(self.lines[start])
        lines = self.paragraph()
        # A title may follow a paragraph without a blank line: give it back.
        for i in range(1, len(lines) - 1):
            if UNDERLINE.match(lines[i + 1]) and not lines[i][0].isspace() \
                    and not TABLE_LINE.match(lines[i + 1]):
                self.at, lines = start + i, lines[:i]
                break
        if any(TABLE_LINE.match(line) for line in lines):
            return self.table(lines)
        literal = lines[-1].endswith("::")
        if literal:
            lines[-1] = lines[-1][:-1] if lines[-1].strip() != "::" else ""
        if lines[0].lstrip().startswith(("| ", ">>>")):
            self.add("code", "\n".join(re.sub(r"^\s*\| ?", "", line) for line in lines))
        else:
            self.prose([line for line in lines if line])
        if literal:
            margin = indent_of(lines[-1]) if lines[-1] else margin
            code = self.indented(min(margin, indent_of(lines[0]) if lines[0] else margin))
            self.add("code", "\n".join(dedent(code)))

    def row(self, cells):
        text = " | ".join(" ".join(inline(cell).split()) for cell in cells).strip(" |")
        return "" if re.fullmatch(r"[\s|+=-]*", text) else text

    def list_table(self, lines):
        """Rows begin with "* - ", their other cells with "- " below the first."""
        rows = []
        for line in lines:
            bare = re.sub(r":(cspan|rspan):`\d+`", "", line.strip())
            if bare.startswith("* -"):
                rows.append([bare[3:]])
            elif bare.startswith("-") and rows and indent_of(line) <= 2 + indent_of(lines[0]):
                rows[-1].append(bare[1:])
            elif rows and not bare.startswith(".. "):
                rows[-1][-1] += " " + bare
        self.add("table", "\n".join(filter(None, map(self.row, rows))))

    def table(self, lines):
        """Grid tables, whose rows end at a line of dashes, and simple ones."""
        rows, margin, fresh = [], min(indent_of(line) for line in lines), True
        grid = any(line.lstrip().startswith("+-") for line in lines)
        for line in lines:
            if TABLE_LINE.match(line):
                fresh = True
                continue
            cells = line.strip().strip("|").split("|") if grid \
                else re.split(r"\s{2,}", line.strip())
            if grid and not fresh and len(cells) == len(rows[-1]):
                rows[-1] = [above + " " + cell for above, cell in zip(rows[-1], cells)]
            elif not grid and rows and indent_of(line) > margin:
                # A line without a first cell goes on with the last one.
                rows[-1][-1] += " " + " ".join(cells)
            else:
                rows.append(cells)
            fresh = False
        self.add("table", "\n".join(filter(None, map(self.row, rows))))

    def prose(self, lines):
        """Paragraphs, items, fields and terms that stand without blank lines between them."""
        kind, words = "text", []

        def end():
            self.add(kind, " ".join(words))

        for i, line in enumerate(lines):
            if OWNER.match(line):
                continue
            bare, field = line.strip(), FIELD.match(line.strip())
            deeper = i + 1 < len(lines) and indent_of(lines[i + 1]) > indent_of(line)
            if field and (HEAD_FIELDS.match(field.group(1)) or not field.group(2)):
                end()
                kind, words = "text", []
            elif ITEM.match(bare):
                end()
                mark = ITEM.match(bare)
                kind, words = "item", ["-", re.sub(r"^[-*+]\s+", "", bare[mark.end():])]
            elif field:
                end()
                kind, words = "item", ["-", field.group(1) + ":", field.group(2)]
            elif deeper and (i == 0 or indent_of(line) < indent_of(lines[i - 1])):
                end()
                kind, words = "term", [bare]
            elif kind == "term":
                end()
                kind, words = "text", [bare]
            else:
                words.append(bare)
        end()


def convert(text):
    return Reader(text).read()
