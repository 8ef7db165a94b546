"""The log of a session, `session.jsonl`: one event a line, each with its number and a checksum that hangs on the last.

A line is on the disk before its event is answered. A log that was cut anywhere restores to its last whole event; what
is left of a cut line is put aside, never thrown away. A log that was changed in the middle is refused and left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from transition_sim.data import write_durably
from transition_sim.errors import Fault, ScenarioError, shown
from transition_sim.workshop.events import Event, event_of

MAX_LINE = 400_000
MAX_BYTES = 64_000_000
FIRST = "0" * 16


@dataclass(frozen=True)
class Reading:
    """What a log holds: its events, the checksum of the last, and the bytes of a cut line at its end."""

    events: tuple[Event, ...]
    last: str
    whole: int
    torn: bytes
    ends_line: bool


def line_of_event(event: Event, number: int, before: str) -> tuple[str, str]:
    """Return an event as a line of a log, without its end, and the line's checksum."""
    body = {"n": number, **event.model_dump(mode="json", exclude_none=True)}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    checksum = _checksum(before, text)
    return f'{text[:-1]},"sum":"{checksum}"}}', checksum


def read_log(path: Path) -> Reading:
    """Return the whole events of a log.

    A last line that is cut is left out and returned as `torn`. Raises ScenarioError with the line where anything
    before it was changed, is missing or is no event; nothing is written.
    """
    data = _bytes(path)
    events: list[Event] = []
    last, whole = FIRST, 0
    lines = data.split(b"\n")
    for i, line in enumerate(lines):
        final = i == len(lines) - 1
        if final and not line:
            break
        try:
            event, checksum = _event(line, i + 1, last)
        except ScenarioError as error:
            if final:
                return Reading(tuple(events), last, whole, line, True)
            message = f"{error.faults[0].message}; the {i} events before it are whole"
            raise ScenarioError(Fault(shown(path), i + 1, message)) from None
        events.append(event)
        last, whole = checksum, whole + len(line) + (not final)
    return Reading(tuple(events), last, whole, b"", data.endswith(b"\n") or not events)


def _event(line: bytes, number: int, before: str) -> tuple[Event, str]:
    """Return a line's event and checksum; ScenarioError where it is not whole."""
    if len(line) > MAX_LINE:
        raise ScenarioError(f"is longer than {MAX_LINE:,} bytes")
    try:
        text = line.decode("utf-8")
        body = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError):
        raise ScenarioError("is no line of a session's log (not JSON)") from None
    if not isinstance(body, dict) or not isinstance(body.get("sum"), str):
        raise ScenarioError("is no line of a session's log (no checksum)")
    checksum = body.pop("sum")
    mark = f',"sum":"{checksum}"}}'
    if not text.endswith(mark) or _checksum(before, text.removesuffix(mark) + "}") != checksum:
        raise ScenarioError("does not fit its checksum: it was changed, or a line before it is missing")
    if body.pop("n", None) != number:
        raise ScenarioError(f"does not carry the number {number}")
    return event_of(body), checksum


def _checksum(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()[:16]


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ScenarioError(Fault(shown(path), None, f"is larger than {MAX_BYTES:,} bytes, the most that is read"))
        return path.read_bytes()
    except FileNotFoundError:
        raise ScenarioError(Fault(shown(path), None, "no such file")) from None
    except OSError as error:
        raise ScenarioError(Fault(shown(path), None, f"cannot be read: {error.strerror}")) from None


class Log:
    """A log that is open for writing by this process alone; each event is on the disk once `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(f"{path}.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ScenarioError(Fault(shown(path), None, "another session is writing to it")) from None
        except OSError as error:
            raise ScenarioError(Fault(shown(path), None, f"cannot be written: {error.strerror}")) from None
        try:
            self.events: list[Event] = []
            self._last = FIRST
            self._stream: IO[bytes] = self._opened()
        except BaseException:
            self._lock.release()
            raise

    def _opened(self) -> IO[bytes]:
        """Restore what the file holds, put a cut line aside, and open it at the end of the last whole event."""
        reading = read_log(self.path) if self.path.exists() else Reading((), FIRST, 0, b"", True)
        if reading.torn:
            aside = self.path.with_name(f"{self.path.name}.cut-after-{len(reading.events)}")
            write_durably(aside, reading.torn, mode=0o600)  # it may hold the session's secret
        self.events, self._last = list(reading.events), reading.last
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            raise ScenarioError(Fault(shown(self.path), None, f"cannot be written: {error.strerror}")) from None
        stream = os.fdopen(handle, "r+b", buffering=0)
        stream.truncate(reading.whole)
        stream.seek(reading.whole)
        if not reading.ends_line:
            stream.write(b"\n")
        os.fsync(handle)
        _name_to_disk(self.path.parent)
        return stream

    @property
    def torn(self) -> Path | None:
        """Where a cut line was put aside, if one was found."""
        found = sorted(self.path.parent.glob(f"{self.path.name}.cut-after-*"))
        return found[-1] if found else None

    def append(self, event: Event) -> int:
        """Write an event durably; return its number. The file is as before where the disk does not take it."""
        line, checksum = line_of_event(event, len(self.events) + 1, self._last)
        start = self._stream.tell()
        try:
            self._write(f"{line}\n".encode())
        except OSError as error:
            self._stream.truncate(start)
            self._stream.seek(start)
            raise ScenarioError(Fault(shown(self.path), None, f"cannot be written: {error.strerror}")) from None
        self.events.append(event)
        self._last = checksum
        return len(self.events)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._stream.write(view) :]
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Let the file go; one in which nothing was ever written is removed."""
        empty = not self._stream.closed and not self.events and self.path.stat().st_size == 0
        self._stream.close()
        if empty:
            self.path.unlink()
        self._lock.release()


def _name_to_disk(folder: Path) -> None:
    """Have a new file's name on the disk too, where the system knows how to."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
