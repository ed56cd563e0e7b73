# SPDX-License-Identifier: MIT
"""Documents to one file, which appears whole or not at all."""

import fcntl
import hashlib
import json
import os
import subprocess

from recipe.fetch import RecipeError, need


def line(document):
    record = {"id": document.id, "text": document.text,
              "meta": {"domain": document.domain, "source": document.source}}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


class Output:
    """The file under way, PATH.partial; only one recipe at a time writes it."""

    def __init__(self, path):
        self.path = path
        self.partial = path + ".partial"
        self.file = None

    def __enter__(self):
        if self.path.endswith(".zst"):
            need("zstd", "zstd")
        self.file = open(self.partial, "ab")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.file.close()
            raise RecipeError(f"{self.partial}: another run writes it",
                              "wait for it, or choose another --out", 75) from error
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            os.unlink(self.partial)
        self.file.close()

    def write(self, documents):
        """Write, sync and rename; returns the SHA-256 of the uncompressed lines."""
        digest = hashlib.sha256()
        self.file.truncate(0)
        if self.path.endswith(".zst"):
            # One thread: the number of threads changes what zstd writes.
            command = ["zstd", "-q", "-9", "--single-thread", "--no-progress", "-c"]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self.file) as zstd:
                for document in documents:
                    data = line(document)
                    digest.update(data)
                    zstd.stdin.write(data)
            if zstd.returncode != 0:
                raise RecipeError(f"{self.partial}: zstd ended with status {zstd.returncode}",
                                  "see whether the disk is full", 74)
        else:
            for document in documents:
                data = line(document)
                digest.update(data)
                self.file.write(data)
            self.file.flush()
        os.fsync(self.file.fileno())
        os.rename(self.partial, self.path)
        folder = os.open(os.path.dirname(os.path.abspath(self.path)), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return digest.hexdigest()
