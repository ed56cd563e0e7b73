# SPDX-License-Identifier: MIT
"""The table of domains: package, the files that are read, the format, and what is left out.

To add a domain add a row: the whole recipe is made from this table.
"""

import gzip
import hashlib
import io
import lzma
import os
import re
import tarfile
from collections import namedtuple

from convert import c, gcide, html, pod, rst
from recipe.fetch import RecipeError, members

# domain: what the documents are of; several rows of one domain are joined.
# package: its name in the archive. root: the folder of the files in it.
# files: regular expression that a file's name below root must match; but: one it must not.
# convert: text -> blocks, or None where `read` (bytes -> pages) does all.
Source = namedtuple("Source", "domain package root files but convert read",
                    defaults=(None, None, None))


def html_of(*skip, main=None, numbered=False):
    profile = html.Profile(main=main, skip=skip, numbered=numbered)
    return lambda text: html.convert(text, profile)


def decode(data):
    """Old pages are Latin-1; whatever is UTF-8 is taken as such."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def chosen(name, share):
    """True for one name in `share`, always the same ones."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:4], "big") % share == 0


def read_gcide(data):
    """Pages of some 60 neighbouring entries; one page in five, for the dictionary is long."""
    run, share = 60, 5
    text = gzip.decompress(data).decode("utf-8", "replace").replace("\ufffd", "")
    every = gcide.entries(text)
    for begin in range(0, len(every), run):
        source = f"{begin // run:05d} {gcide.headword(every[begin])}"
        if chosen(source, share):
            blocks = []
            for entry in every[begin:begin + run]:
                blocks.extend(gcide.convert(entry))
            yield source, blocks


# Folders of hand-written C: the compiler proper is C++, and generated or tested code repeats.
GCC_FOLDERS = re.compile(r"^[^/]+/((?:fixincludes|gcc|intl|libatomic|libbacktrace|libdecnumber|"
                         r"libffi|libgcc|libgfortran|libgo/runtime|libgomp|libiberty|libobjc|"
                         r"libquadmath|libssp|lto-plugin|zlib)/.*\.c)$")
GCC_NOT = re.compile(r"/(testsuite|generated|libbid|examples|contrib|jit)/")


def read_gcc(data):
    with lzma.open(io.BytesIO(data)) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            match = GCC_FOLDERS.match(member.name)
            if match and member.isreg() and not GCC_NOT.search(member.name):
                yield match.group(1), c.convert(decode(archive.extractfile(member).read()))


SOURCES = [
    Source("linux", "linux-doc-6.1", "usr/share/doc/linux-doc-6.1/Documentation",
           r"\.rst\.gz$", r"^translations/|(^|/)index\.rst|^process/changes\.|kernel-parameters|"
           r"fdl-appendix|license-rules|^userspace-api/media/(glossary|typical)",
           rst.convert),
    Source("python", "python3.11-doc", "usr/share/doc/python3.11/html",
           r"^(c-api|distutils|extending|faq|howto|library|reference|tutorial|using|whatsnew|"
           r"glossary)(/|\.html).*", r"(^|/)index\.html|whatsnew/changelog|/license|\.py$",
           html_of("headerlink", "toctree-wrapper", "contents", "deprecated-removed-note",
                   "copybutton", main=("role", "main"), numbered=True)),
    Source("postgresql", "postgresql-doc-15", "usr/share/doc/postgresql-doc-15/html",
           r"\.html$", r"^(bookindex|index|legalnotice|biblio|acronyms|errcodes-appendix|"
           r"sql-keywords-appendix|contributors|features.*|unsupported-features.*)\.html$",
           html_of("navheader", "navfooter", "toc", "indexterm", "id_link", numbered=True)),
    Source("anarchism", "anarchism", "usr/share/doc/anarchism/html",
           r"\.html$",
           r"^(index|alinks|book|biblio|links|new|copyright|sec[A-Z]con)\.html$",
           html_of("toc", main=("class", "content"))),
    Source("erlang", "erlang-doc", "usr/share/doc/erlang-doc",
           r"\.html$", r"/java/|^lib/wx-|(^|/)(index|users_guide|release_notes|internal_docs|"
           r"man_index|part_notes[^/]*|notes_history|notes|bibliography|permuted_index|"
           r"applications|overview-summary|glossary)\.html$",
           html_of("footer", "title-anchors", "toc", "since", main=("id", "content"),
                   numbered=True)),
    Source("mathematics", "octave-doc", "usr/share/doc/octave",
           r"\.html$", r"/XREF|Index\.html$|/index\.html$|/Copying\.html$",
           html_of("header", "menu", "section-toc", "contents", "shortcontents", "category",
                   numbered=True)),
    Source("mathematics", "maxima-doc", "usr/share/doc/maxima-doc/html",
           r"^maxima_\d+\.html$", r"^maxima_(0|toc|abt)\.html$",
           html_of("header", "menu", "section-toc", "contents", "shortcontents", "category",
                   "categorybox", numbered=True)),
    Source("desktop", "gimp-help-en", "usr/share/gimp/2.0/help/en",
           r"\.html$", r"^(index|bibliography|glossary|gfdl.*|fdl.*|contributing|"
           r"legalnotice|dedication|reporting.*)\.html$",
           html_of("navheader", "navfooter", "toc", "indexterm", numbered=True)),
    # Elements of the class MAC are shown on that system only, instead of their neighbours.
    Source("desktop", "libreoffice-help-en-us", "usr/share/libreoffice/help/en-US/text",
           r"\.html$", r"/main0\d+\.html$|/new_help|/00000\d\d\d\.html$",
           html_of("related", "howtoget", "relatedtopics", "MAC", "icontable",
                   main=("id", "DisplayArea"))),
    Source("perl", "perl-doc", "usr/share/perl",
           r"\.pod$", r"/perl(\w*delta|toc|uniprops|cn|jp|ko|tw|hist|artistic|gpl|ebcdic)\.pod$",
           pod.convert),
    Source("dictionary", "dict-gcide", "usr/share/dictd", r"\.dict\.dz$", None,
           None, read_gcide),
    Source("c", "gcc-12-source", "usr/src", r"/gcc-[^/]*\.tar\.xz$", None, None, read_gcc),
]


def domains():
    """The names of the domains, in the table's order."""
    return list(dict.fromkeys(source.domain for source in SOURCES))


def pages(source, package_path):
    """The source's pages in the order of their names: a list of (name, blocks)."""
    root, but = source.root.rstrip("/") + "/", re.compile(source.but or r"(?!)")
    files = re.compile(source.files)

    def wanted(name):
        inner = name.removeprefix(root)
        return name != inner and files.search(inner) and not but.search(inner)

    found = []
    for name, data in members(package_path, wanted):
        name = name.removeprefix(root)
        if source.read:
            found.extend(source.read(data))
            continue
        if name.endswith(".gz"):
            name, data = name.removesuffix(".gz"), gzip.decompress(data)
        found.append((name, source.convert(decode(data))))
    if not found:
        raise RecipeError(f"{os.path.basename(package_path)}: no file of the domain "
                          f"{source.domain} in {root}",
                          "the package has changed: see its row in data/recipe/domains.py", 65)
    return sorted(found, key=lambda page: page[0])
