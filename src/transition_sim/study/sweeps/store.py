"""The folder of a sweep: a manifest, a Parquet part for each chunk, and the tables joined from them.

Everything is written under another name, put on the disk and renamed, so a folder is whole whenever a process ends.
A part counts only where the manifest has its checksum. One process writes a folder at a time.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from transition_sim.data import write_durably
from transition_sim.errors import Fault, ScenarioError, SimulationError, shown

FORMAT = 1
MANIFEST = "manifest.json"
TABLES = ("experiments", "outcomes", "failures")
_TABLE_FILES = ("outcomes.nc", *(f"{table}{ending}" for table in TABLES for ending in (".parquet", ".csv")))
_CODE_WORDS = {"backend": "computing backend"}


def part_name(index: int) -> str:
    """Return the name of a chunk's part inside the folder."""
    return f"parts/part-{index:05d}.parquet"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Store:
    """The folder of one sweep while a process holds it: what the manifest says, and the parts that are whole."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.saved, self.saving = 0.0, 0.0

    @property
    def parts(self) -> dict[str, dict[str, Any]]:
        """The parts that are written, by name: checksum, runs, failed runs, processor."""
        parts: dict[str, dict[str, Any]] = self.manifest["parts"]
        return parts

    def add(self, index: int, data: bytes, runs: int, failed: int, host: str) -> None:
        """Write a part, then, unless it was written just now, the manifest that vouches for it."""
        with told_in_words(self.folder):
            write_durably(self.folder / part_name(index), data)
        digest = hashlib.sha256(data).hexdigest()
        self.parts[part_name(index)] = {"sha256": digest, "runs": runs, "failed": failed, "host": host}
        self.save_now_and_then()

    def save_now_and_then(self) -> None:
        """Write the manifest unless that would take more than a twentieth of the time, as a large one might."""
        began = time.monotonic()
        if began - self.saved >= 20 * self.saving:
            self.save()
            self.saved = time.monotonic()
            self.saving = self.saved - began

    def save(self) -> None:
        """Write the manifest, parts in order, with a checksum of its own."""
        self.manifest["parts"] = dict(sorted(self.parts.items()))
        body = {key: value for key, value in self.manifest.items() if key != "checksum"}
        text = json.dumps({**body, "checksum": _checksum(body)}, indent=1, allow_nan=False)
        with told_in_words(self.folder):
            write_durably(self.folder / MANIFEST, text.encode())

    def drop_faulty(self) -> list[str]:
        """Forget the parts and tables that are missing or not what the manifest vouches for; return their names."""
        faulty = [name for name, known in self.parts.items() if not _same(self.folder / name, known["sha256"])]
        for name in faulty:
            del self.parts[name]
        tables: dict[str, str] = self.manifest["tables"]
        wrong = [name for name, digest in tables.items() if not _same(self.folder / name, digest)]
        if faulty or wrong:
            self.manifest["tables"] = {}
        return faulty + wrong

    def drop_tables(self) -> None:
        """Remove all tables, so that none is left over that nothing vouches for."""
        self.manifest["tables"] = {}
        for name in _TABLE_FILES:
            (self.folder / name).unlink(missing_ok=True)


@contextmanager
def open_store(folder: Path, fresh: Mapping[str, Any], resume: bool, force: bool) -> Iterator[Store]:
    """Hold the folder of a sweep: new with a fresh manifest, or with the parts that it has if `resume` is given.

    Raises ScenarioError where the folder cannot be one, another process writes it, it holds results and neither
    `resume` nor `force` is given, or they are those of another sweep, model or version.
    """
    _make(folder)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ScenarioError(Fault(shown(folder), None, "another process is writing this folder")) from None
    except OSError as error:
        raise ScenarioError(Fault(shown(folder), None, f"cannot be written: {error.strerror}")) from error
    try:
        there = (folder / MANIFEST).exists() and not _nothing_done(folder)
        if there and not resume and not force:
            message = f"holds results already ({MANIFEST}); --resume goes on with them, --force replaces them"
            raise ScenarioError(Fault(shown(folder), None, message))
        if there and resume and not force:
            manifest = read_manifest(folder)
            check_same(folder, manifest, fresh)
            _sweep_up(folder)
        else:
            _clear(folder)
            manifest = {**fresh, "parts": {}, "tables": {}, "finished": False}
        yield Store(folder, manifest)
    finally:
        lock.release()


def _nothing_done(folder: Path) -> bool:
    """Whether a folder's manifest vouches for no part: a sweep that ended before its first chunk."""
    try:
        return not read_manifest(folder)["parts"]
    except ScenarioError:
        return False


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a folder's manifest; ScenarioError where there is none, or it is not as it was written."""
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_bytes())
        body = {key: value for key, value in found.items() if key != "checksum"}
        whole = found["checksum"] == _checksum(body)
    except FileNotFoundError:
        raise ScenarioError(Fault(shown(folder), None, f"holds no sweep: there is no {MANIFEST}")) from None
    except OSError as error:
        raise ScenarioError(Fault(shown(path), None, f"cannot be read: {error.strerror}")) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        whole, body = False, {}
    if not whole:
        message = "was changed after it was written, so nothing in this folder can be trusted; --force starts anew"
        raise ScenarioError(Fault(shown(path), None, message))
    if body.get("format") != FORMAT:
        raise ScenarioError(Fault(shown(path), None, f"has format {body.get('format')}; this version reads {FORMAT}"))
    return body


def check_same(folder: Path, manifest: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    """Refuse to go on with results of another model, sweep or version; says what differs."""
    old, new = manifest["plan"], fresh["plan"]
    differing = [key for key in new if old.get(key) != new[key]]
    faults = []
    if "model_hash" in differing:
        faults.append(
            f"holds runs of another model: {old['model']} {old['model_hash'][:12]}, not {new['model_hash'][:12]}"
        )
    others = [key for key in differing if key not in ("model", "model_hash")]
    if others:
        faults.append(f"holds runs of another sweep: {', '.join(_difference(key, old, new) for key in others)}")
    code = {k: v for k, v in fresh["code"].items() if k != "host"}
    faults += [
        f"holds runs of another {_CODE_WORDS.get(key, f'version of {key}')}: {manifest['code'].get(key)}, not {value}"
        for key, value in code.items()
        if manifest["code"].get(key) != value
    ]
    if faults:
        end = "; allowed: the same, another folder, or --force, which replaces them"
        raise ScenarioError([Fault(shown(folder), None, fault + end) for fault in faults])


def _difference(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    short = isinstance(new[key], int | float | str) and len(f"{old.get(key)}{new[key]}") < 60
    return f"{key} {old.get(key)}, not {new[key]}" if short else f"its {key} differ"


@contextmanager
def told_in_words(folder: Path) -> Iterator[None]:
    """Turn a failing disk into an error that says what stays."""
    try:
        yield
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}; what is finished stays, --resume goes on from there"
        raise SimulationError([Fault(shown(folder), None, message)]) from error


def _make(folder: Path) -> None:
    try:
        (folder / "parts").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScenarioError(Fault(shown(folder), None, f"cannot be the folder of --out: {error.strerror}")) from error


def _clear(folder: Path) -> None:
    """Remove what a sweep wrote in the folder, and nothing else."""
    _sweep_up(folder)
    for name in (MANIFEST, "units.json", *_TABLE_FILES):
        (folder / name).unlink(missing_ok=True)
    for path in (folder / "parts").glob("part-*.parquet"):
        path.unlink(missing_ok=True)


def _sweep_up(folder: Path) -> None:
    """Remove the half files of a process that was killed; nobody else writes while the lock is held."""
    for name in (MANIFEST, "units.json", "*.mdl", "parts/part-*.parquet", *_TABLE_FILES):
        for path in folder.glob(f"{name}.*.tmp"):
            path.unlink(missing_ok=True)


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _same(path: Path, digest: str) -> bool:
    try:
        return sha256_of(path) == digest
    except OSError:
        return False
