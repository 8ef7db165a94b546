"""Work that comes out the same each time, kept in the user's own cache folder and thrown away without harm.

`TRANSITION_SIM_CACHE` names another folder, or says `off`. What is read may become machine code, so a folder or file
counts only if it belongs to the user and nobody else can write it; each file carries a checksum of its key and content.
Files are written to a temporary name and renamed. Whatever goes wrong costs time alone. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from transition_sim.data import write_bytes

VARIABLE = "TRANSITION_SIM_CACHE"
SUFFIX = ".tsim"
HEAD = b"transition_sim cache 1\n"
MAX_BYTES = 64 * 2**20
_DIGEST = hashlib.sha256().digest_size


def folder() -> Path | None:
    """Return the cache folder, which need not exist yet; None where there is to be no cache."""
    named = os.environ.get(VARIABLE, "").strip()
    if named.lower() == "off":
        return None
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    usual = user_cache_path("transition_sim", appauthor=False)
    return usual if usual.is_absolute() else None


def key_of(*parts: str) -> str:
    """Return the name under which something made from these parts is kept."""
    digest = hashlib.sha256()
    for part in parts:
        text = part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(text)}:".encode() + text)
    return digest.hexdigest()


def load(key: str) -> bytes | None:
    """Return what is kept under a key; None where nothing is, or nothing that can be trusted."""
    try:
        place = folder()
        if place is None or not _own(place.stat()):
            return None
        path = place / (key + SUFFIX)
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as stream:
            found = os.fstat(handle)
            data = stream.read() if _own(found) and stat.S_ISREG(found.st_mode) and found.st_size <= MAX_BYTES else b""
        payload = data[len(HEAD) + _DIGEST :]
        if data[: len(HEAD) + _DIGEST] != HEAD + _checksum(key, payload):
            return None
        os.utime(path)
        return payload
    except (OSError, RuntimeError):
        return None


def store(key: str, payload: bytes) -> None:
    """Keep something under a key, and remove the oldest where it grows too large; do nothing where that cannot be."""
    try:
        place = folder()
        if place is None or len(payload) > MAX_BYTES // 4:
            return
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _own(place.stat()):
            return
        write_bytes(place / (key + SUFFIX), HEAD + _checksum(key, payload) + payload, mode=0o600)
        _prune(place)
    except (OSError, RuntimeError):
        return


def _own(found: os.stat_result) -> bool:
    """Return whether a file or folder belongs to the user and nobody else can write it."""
    if not hasattr(os, "getuid"):
        return True  # Windows keeps the folder inside the user's profile
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _checksum(key: str, payload: bytes) -> bytes:
    return hashlib.sha256(key.encode() + payload).digest()


def _prune(place: Path) -> None:
    """Remove the files used longest ago until the rest is small enough; files of other names are left alone."""
    ours = [path for path in place.iterdir() if path.suffix == SUFFIX or path.match(f"*{SUFFIX}.*.tmp")]
    files = [(path.lstat(), path) for path in ours]
    total = sum(found.st_size for found, _ in files)
    for found, path in sorted(files, key=lambda pair: pair[0].st_mtime_ns):
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= found.st_size
