# SPDX-License-Identifier: MIT
"""Debian packages by name: downloaded once, read without being installed or unpacked on disk."""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from urllib.parse import unquote


class RecipeError(Exception):
    """What failed, why, and what to do; status is the exit status (sysexits)."""

    def __init__(self, what, hint=None, status=66):
        super().__init__(what)
        self.hint = hint
        self.status = status


def need(command, package):
    if shutil.which(command) is None:
        raise RecipeError(f"the command {command} is not installed",
                          f"apt-get install {package}", 69)


def cached(cache):
    """Package name -> (version, path), from the names of the files."""
    found = {}
    for name in sorted(os.listdir(cache)):
        match = re.fullmatch(r"([a-z0-9][a-z0-9+.-]*)_([^_]+)_[a-z0-9]+\.deb", name)
        if match:
            found[match.group(1)] = (unquote(match.group(2)), os.path.join(cache, name))
    return found


def fetch(packages, cache):
    """Download what the cache lacks; returns package name -> (version, path)."""
    need("apt-get", "apt")
    need("dpkg-deb", "dpkg")
    # Only whole files reach the cache: a download stands in a folder of its own until it ends.
    for name in os.listdir(cache):
        if name.startswith("download."):
            shutil.rmtree(os.path.join(cache, name), ignore_errors=True)
    missing = [name for name in packages if name not in cached(cache)]
    if missing:
        with tempfile.TemporaryDirectory(prefix="download.", dir=cache) as folder:
            command = ["apt-get", "-q", "download"] + missing
            if os.geteuid() == 0:
                # The user _apt may not write here; apt-get would only say so and go on.
                command[1:1] = ["-o", "APT::Sandbox::User=root"]
            done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=dict(os.environ, LC_ALL="C"), check=False)
            if done.returncode != 0:
                why = [line for line in done.stderr.splitlines() if line.startswith("E:")]
                raise RecipeError("apt-get download failed: " +
                                  ("; ".join(why) or f"status {done.returncode}"),
                                  "run apt-get update (as root) once, and see that the archive of "
                                  "Debian 12 is in the sources and can be reached")
            for name in sorted(os.listdir(folder)):
                os.rename(os.path.join(folder, name), os.path.join(cache, name))
    found = cached(cache)
    absent = [name for name in packages if name not in found]
    if absent:
        raise RecipeError("apt-get downloaded no file of " + ", ".join(absent),
                          "run apt-get update (as root)")
    return {name: found[name] for name in packages}


def members(path, wanted):
    """(name, bytes) of the regular files in a package for which wanted(name); sorted by name.

    Hard links to a wanted file are its other names and are left out, as symbolic links are.
    """
    reader = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE)
    found = []
    try:
        with tarfile.open(fileobj=reader.stdout, mode="r|") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if member.isreg() and wanted(name):
                    found.append((name, archive.extractfile(member).read()))
    except tarfile.TarError as error:
        reader.kill()
        raise RecipeError(f"{path}: not a package: {error}",
                          "remove the file; the next run downloads it again", 65) from error
    finally:
        reader.stdout.close()
        status = reader.wait()
    if status != 0:
        raise RecipeError(f"{path}: dpkg-deb ended with status {status}",
                          "remove the file; the next run downloads it again", 65)
    return sorted(found)
