# SPDX-License-Identifier: MIT
"""Reads cbtm stores: a second reader, written from doc/store-format.md alone.

    from cbtm_store import Dataset, Part
    for part in Dataset("work/documents/abc"):
        for text in part.rows("text"): ...
        vectors = part.array("vector")         # a list of rows; numpy.array(...) of it as you like

Needs the modules lmdb, zstandard and xxhash (Debian: python3-lmdb python3-zstandard python3-xxhash).
Everything is checked: Damaged names the file.
"""
import base64
import json
import os
import struct
from fractions import Fraction

import lmdb
import xxhash
import zstandard

TYPES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "I", "f64": "Q", "bf16": "H"}
NAN = {"f32": 0x7FC00000, "f64": 0x7FF8000000000000, "bf16": 0x7FC0}
BLOCK, TENSOR, CHUNK, ROW_MAX = 262144, 67108864, 262144, 1 << 30


class Damaged(Exception):
    pass


# ---------------------------------------------------------------- digests and CRCs

class Digest:
    def __init__(self):
        self.state = xxhash.xxh3_128()

    def u64(self, x):
        self.state.update(struct.pack("<Q", x))
        return self

    def raw(self, data):
        self.state.update(data)
        return self

    def text(self, s):
        data = s.encode()
        return self.u64(len(data)).raw(data)

    def both(self, name):
        """The halves of another digest."""
        return self.u64(int(name[9:25], 16)).u64(int(name[25:], 16))

    def name(self):
        return "xxh3-128:" + self.state.hexdigest()


def digest_of_file(path):
    state = xxhash.xxh3_128()
    with open(path, "rb") as f:
        while piece := f.read(1 << 20):
            state.update(piece)
    return "xxh3-128:" + state.hexdigest()


def _crc_tables():
    first = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        first.append(i)
    tables = [first]
    for _ in range(7):
        tables.append([first[x & 255] ^ x >> 8 for x in tables[-1]])
    return tables


CRC = _crc_tables()


def crc32c(data):
    a, b, c, d, e, f, g, h = CRC
    crc = 0xFFFFFFFF
    whole = len(data) // 8
    for low, high in struct.iter_unpack("<II", data[:8 * whole]):
        low ^= crc
        crc = (h[low & 255] ^ g[low >> 8 & 255] ^ f[low >> 16 & 255] ^ e[low >> 24]
               ^ d[high & 255] ^ c[high >> 8 & 255] ^ b[high >> 16 & 255] ^ a[high >> 24])
    for byte in data[8 * whole:]:
        crc = a[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


# ---------------------------------------------------------------- JSON files

def read_signed(path):
    """A JSON file whose last line is the digest of the lines before it."""
    with open(path, "rb") as f:
        data = f.read()
    lines = data.splitlines(keepends=True)
    if not lines:
        raise Damaged(f"{path}: empty")
    body = data[:len(data) - len(lines[-1])]
    if lines[-1] != f'"digest": "{Digest().raw(body).name()}"}}\n'.encode():
        raise Damaged(f"{path}: it does not have the digest of its last line")
    return json.loads(data), data.decode()


# ---------------------------------------------------------------- one part

class Column:
    def __init__(self, part, described):
        self.part, self.described = part, described
        self.name, self.type, self.shape = (described[k] for k in ("name", "type", "shape"))
        self.width, self.count = described["width"], described["rows"]
        self.size = struct.calcsize("<" + TYPES[self.type])

    def damaged(self, key, why):
        return Damaged(f"{self.part.path}: column '{self.name}', row {key}: {why}")

    def place(self, key, rows):
        high, low = int(self.part.fingerprint[9:25], 16), int(self.part.fingerprint[25:], 16)
        return struct.pack("<QQ", high, low) + self.name.encode() + b"\0" + struct.pack("<QQ", key, rows)

    def block(self, key, value):
        rows, raw_size, crc, codec = struct.unpack_from("<IIIB", value)
        if not 0 < rows <= self.count - key or raw_size > min(ROW_MAX, self.described["raw_bytes"]) \
                or codec > 1 or value[13:16] != b"\0\0\0":
            raise self.damaged(key, "bad header")
        raw = value[16:]
        if codec == 1:
            if raw_size > 1 << 20 and raw_size // 1000 > len(raw):
                raise self.damaged(key, "shrinks too much")
            if zstandard.frame_content_size(raw) != raw_size:
                raise self.damaged(key, "another size in its frame")
            raw = zstandard.ZstdDecompressor(max_window_size=1 << 23).decompress(raw)
        if len(raw) != raw_size:
            raise self.damaged(key, "short")
        if crc32c(self.place(key, rows) + raw) != crc:
            raise self.damaged(key, "wrong CRC")
        return rows, raw

    def tensor(self, key, value, crcs):
        rows, n, crc = struct.unpack_from("<QQI", value)
        if not 0 < rows <= self.count - key or 48 + n > len(value):
            raise self.damaged(key, "bad header")
        if any(value[20:48]) or any(value[48 + n:]) or len(value) != max(48 + n, self.part.header["page"]):
            raise self.damaged(key, "bad padding")
        raw = value[48:48 + n]
        chunks = b"".join(struct.pack("<I", crc32c(raw[i:i + CHUNK])) for i in range(0, n, CHUNK))
        if chunks != crcs or crc32c(self.place(key, rows) + crcs) != crc:
            raise self.damaged(key, "wrong CRC")
        return rows, raw

    def blocks(self):
        """(rows, lengths or None, bytes of elements), with everything checked on the way."""
        next_row = elements = raw_bytes = stored = 0
        digest = Digest().text(self.name).text(self.type).text(self.shape).u64(self.width)
        for key_bytes, value, crcs in self.part.values(self):
            (key,) = struct.unpack(">Q", key_bytes)
            if key != next_row:
                raise self.damaged(next_row, "missing")
            rows, raw = self.block(key, value) if self.shape != "tensor" else self.tensor(key, value, crcs)
            lengths, data = None, raw
            if self.shape == "variable":
                lengths = struct.unpack(f"<{rows}I", raw[len(raw) - 4 * rows:])
                data = raw[:len(raw) - 4 * rows]
                wrong = sum(lengths) * self.size != len(data)
            else:
                wrong = len(data) != rows * self.width * self.size
            digest.u64(rows).both(Digest().raw(raw).name())
            if wrong:
                raise self.damaged(key, "its rows do not fill it")
            self.check_border(key, rows, lengths, len(raw))
            next_row, elements = next_row + rows, elements + len(data) // self.size
            raw_bytes, stored = raw_bytes + len(raw), stored + len(value)
            yield rows, lengths, data
        found = [next_row, elements, raw_bytes, stored, digest.u64(next_row).name()]
        if found != [self.described[k] for k in ("rows", "elements", "raw_bytes", "stored_bytes", "content")]:
            raise self.damaged(next_row, f"found {found}, described {self.described}")

    def check_border(self, key, rows, lengths, raw_size):
        """Blocks end where the page says."""
        last = key + rows == self.count
        if lengths is not None:
            if rows > 1 and raw_size > BLOCK:
                raise self.damaged(key, "too large")
        else:
            full = max(1, (TENSOR if self.shape == "tensor" else BLOCK) // max(1, self.width * self.size))
            if rows > full or (rows < full and not last):
                raise self.damaged(key, "ends at another row")

    def rows(self):
        """Each row's elements as bits (numbers), or bytes for u8."""
        letter = TYPES[self.type]
        for rows, lengths, data in self.blocks():
            at = 0
            for n in lengths if lengths is not None else [self.width] * rows:
                row = data[at:at + n * self.size]
                at += n * self.size
                yield row if self.type == "u8" else struct.unpack(f"<{n}{letter}", row)


class Part:
    def __init__(self, path):
        """path: part-NNNNN.lmdb or .json"""
        stem = os.path.splitext(path)[0]
        self.path, self.number = stem + ".lmdb", int(os.path.basename(stem)[5:])
        manifest, text = read_signed(stem + ".json")
        self.header, self.file = manifest["store"], manifest["file"]
        self.header_text = text[len('{"store": '):text.rindex(',\n"file": {')]
        if self.header["format"] != 2:
            raise Damaged(f"{stem}.json: format {self.header['format']}")
        self.kind, self.version = self.header["kind"], self.header["version"]
        self.fingerprint, self.content = self.header["fingerprint"], self.header["content"]
        self.facts = self.header["facts"]
        self.columns = {c["name"]: Column(self, c) for c in self.header["columns"]}
        self.check_file()
        self.env = lmdb.open(self.path, subdir=False, readonly=True, lock=False, max_dbs=len(self.columns) + 2,
                             map_size=self.file["bytes"])

    def close(self):
        self.env.close()

    def check_file(self):
        if os.path.getsize(self.path) != self.file["bytes"] or self.file["bytes"] % self.header["page"]:
            raise Damaged(f"{self.path}: another size than its manifest's")
        if digest_of_file(self.path) != self.file["digest"]:
            raise Damaged(f"{self.path}: another digest than its manifest's")

    def values(self, column):
        db, crc = self.env.open_db(column.name.encode(), create=False), self.env.open_db(b".crc", create=False)
        with self.env.begin() as t, t.cursor(db) as cursor:
            for key, value in cursor:
                yield key, value, t.get(column.name.encode() + b"\0" + key, db=crc)

    def rows(self, name):
        return self.columns[name].rows()

    def array(self, name):
        """All rows as Python numbers (lists of them where the width is not 1)."""
        column = self.columns[name]
        number = {"f32": f32, "bf16": lambda b: f32(b << 16), "f64": f64}.get(column.type, int)
        rows = ([number(x) for x in row] for row in column.rows())
        return [row[0] for row in rows] if column.shape != "variable" and column.width == 1 else list(rows)

    def check(self):
        """Reads everything; Damaged if anything differs from the manifest."""
        digest = Digest().text(self.kind).u64(self.version).u64(len(self.columns))
        if list(self.columns) != sorted(self.columns) or list(self.facts) != sorted(self.facts):
            raise Damaged(f"{self.path}: columns or facts are not in order")
        for c in self.columns.values():
            for _ in c.blocks():
                pass
            digest.both(c.described["content"])
        digest.u64(len(self.facts))
        for name, value in self.facts.items():
            digest.text(name).text(compact(value))
        if digest.name() != self.content:
            raise Damaged(f"{self.path}: content {digest.name()}, the manifest says {self.content}")
        store = self.env.open_db(b".store", create=False)
        with self.env.begin() as t:
            header = t.get(b"header", db=store)
            names = [k.decode() for k in t.cursor().iternext(values=False)]
        if header.decode() != self.header_text:
            raise Damaged(f"{self.path}: its header is not its manifest's")
        if names != sorted([".crc", ".store", *self.columns]):
            raise Damaged(f"{self.path}: databases {names}")


class Dataset:
    def __init__(self, folder):
        self.folder = folder
        self.listed = read_signed(os.path.join(folder, "DATASET.json"))[0]["dataset"]
        if self.listed["format"] != 2:
            raise Damaged(f"{folder}: format {self.listed['format']}")
        self.kind, self.version = self.listed["kind"], self.listed["version"]
        parts = self.listed["parts"]
        content = Digest().text(self.kind).u64(self.version).u64(len(parts))
        fingerprint = Digest().text("cbtm dataset").u64(len(parts))
        for p in parts:
            content.both(p["content"])
            fingerprint.both(p["fingerprint"])
        if [content.name(), fingerprint.name()] != [self.listed["content"], self.listed["fingerprint"]]:
            raise Damaged(f"{folder}: DATASET.json's digests are not those of its parts")

    def __len__(self):
        return len(self.listed["parts"])

    def __iter__(self):
        for i, listed in enumerate(self.listed["parts"]):
            part = Part(os.path.join(self.folder, f"part-{i:05d}.lmdb"))
            told = {"fingerprint": part.fingerprint, "content": part.content,
                    "rows": {c.name: c.count for c in part.columns.values()}}
            if told != listed or part.kind != self.kind or part.version != self.version:
                raise Damaged(f"{part.path}: not the part that DATASET.json lists")
            yield part
            part.close()


# ---------------------------------------------------------------- as text

def f32(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def f64(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def nearest_f32(x):
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return None


def shortest_digits(x, is_f32):
    """(digits, exponent): x reads back from 0.DIGITS x 10^exponent, no shorter digits do."""
    if not is_f32:
        whole = repr(x)
        mantissa = whole.split("e")[0]
        exponent = int(whole.split("e")[1]) if "e" in whole else 0
        before, _, after = mantissa.partition(".")
        digits = (before + after).lstrip("0")
        point = len(before) + exponent if before != "0" else exponent - (len(after) - len(after.lstrip("0")))
        return digits.rstrip("0") or "0", point
    exact = Fraction(x)
    for n in range(1, 10):
        text = f"{x:.{n - 1}e}"
        digits, exponent = int(text.split("e")[0].replace(".", "")), int(text.split("e")[1]) - n + 1
        # The nearest decimal of n digits, or a neighbour of it: at a power of two only that may read back.
        fits = [d for d in (digits - 1, digits, digits + 1) if nearest_f32(float(f"{d}e{exponent}")) == x]
        if fits:
            best = min(fits, key=lambda d: abs(Fraction(d) * Fraction(10) ** exponent - exact))
            return str(best).rstrip("0"), exponent + len(str(best))
    raise AssertionError(x)


def print_real(x, is_f32):
    if x == 0:
        return "-0.0" if str(x)[0] == "-" else "0"
    sign, x = ("-", -x) if x < 0 else ("", x)
    digits, point = shortest_digits(x, is_f32)
    if 1e-4 <= x < (1e7 if is_f32 else 1e16):
        if point <= 0:
            return sign + "0." + "0" * -point + digits
        if point >= len(digits):
            return sign + digits + "0" * (point - len(digits))
        return sign + digits[:point] + "." + digits[point:]
    exponent = point - 1
    return (sign + digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
            + f"e{'-' if exponent < 0 else '+'}{abs(exponent):02d}")


def print_element(column, bits):
    if column.type[0] == "u":
        return str(bits)
    x = f64(bits) if column.type == "f64" else f32(bits << 16 if column.type == "bf16" else bits)
    if x in (float("inf"), float("-inf")):
        return '"inf"' if x > 0 else '"-inf"'
    if x != x:
        return '"nan"' if bits == NAN[column.type] else f'"nan:{bits:0{2 * column.size}x}"'
    return print_real(x, column.type != "f64")


def compact(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(k)}:{compact(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    if isinstance(value, float):
        return print_real(value, False)
    return json.dumps(value, ensure_ascii=False)


def print_row(column, row):
    if column.shape == "variable" and column.type == "u8":
        try:
            return json.dumps(row.decode(), ensure_ascii=False)
        except UnicodeDecodeError:
            return '{"base64":"' + base64.b64encode(row).decode() + '"}'
    if column.shape != "variable" and column.width == 1:
        return print_element(column, row[0])
    return "[" + ",".join(print_element(column, x) for x in row) + "]"


def lines(part):
    """The lines of `cbtm cat`."""
    columns = list(part.columns.values())
    described = ",".join(f'{{"name":"{c.name}","type":"{c.type}","shape":"{c.shape}","width":{c.width},'
                         f'"rows":{c.count}}}' for c in columns)
    yield (f'{{"store":"{part.kind}","version":{part.version},"part":{part.number},'
           f'"fingerprint":"{part.fingerprint}","content":"{part.content}","facts":{compact(part.facts)},'
           f'"columns":[{described}]}}')
    rows = [c.rows() for c in columns]
    for i in range(max((c.count for c in columns), default=0)):
        yield "{" + ",".join(f'"{c.name}":{print_row(c, next(r))}' for c, r in zip(columns, rows) if i < c.count) + "}"
    for r in rows:  # to their ends, where the column's digest is checked
        next(r, None)


def parts(path):
    """The parts of an argument: a part's file or a dataset's folder."""
    if os.path.isdir(path):
        yield from Dataset(path)
    else:
        yield Part(path)
