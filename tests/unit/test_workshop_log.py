"""The log of a session: durable, in order, restored to its last whole event wherever it was cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from workshop_play import played, started, write_log

from transition_sim.errors import ScenarioError
from transition_sim.workshop import events
from transition_sim.workshop import log as log_module
from transition_sim.workshop.log import Log, read_log
from transition_sim.workshop.session import fold


@pytest.fixture(scope="module")
def session_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_log(tmp_path_factory.mktemp("log") / "session.jsonl", played({1: {"peak": 5}, 2: {"cut": 1}}))


def test_a_log_gives_back_what_was_written(session_log: Path) -> None:
    reading = read_log(session_log)
    assert list(reading.events) == played({1: {"peak": 5}, 2: {"cut": 1}})
    assert reading.torn == b""
    assert reading.ends_line
    assert session_log.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_log_cut_at_any_byte_of_its_last_kilobyte_restores_to_the_last_whole_event(
    session_log: Path, tmp_path: Path, step: int
) -> None:
    data = session_log.read_bytes()
    whole = list(read_log(session_log).events)
    ends = [i for i, byte in enumerate(data) if byte == 10]
    path = tmp_path / "cut.jsonl"
    for size in range(len(data) - 1024, len(data) + 1, step):
        path.write_bytes(data[:size])
        expected = sum(end <= size for end in ends)  # a line is whole with its last brace, before its line end
        reading = read_log(path)
        assert list(reading.events) == whole[:expected], size
        assert path.read_bytes() == data[:size], "reading changes nothing"
    assert fold(read_log(path).events).phase == "ended"


@pytest.mark.parametrize("lost", [0, 1, 2, 40, 900])
def test_a_cut_log_goes_on_where_it_stands_and_puts_the_rest_aside(
    session_log: Path, tmp_path: Path, lost: int
) -> None:
    data = session_log.read_bytes()
    path = tmp_path / "session.jsonl"
    path.write_bytes(data[: len(data) - lost])
    log = Log(path)
    before = list(log.events)
    assert log.append(events.Undone(at=5)) == len(before) + 1
    log.close()
    assert list(read_log(path).events) == [*before, events.Undone(at=5)]
    aside = log.torn
    cut = data[: len(data) - lost].rsplit(b"\n", 1)[1] if lost > 1 else b""
    assert (aside.read_bytes() if aside else b"") == cut


@pytest.mark.parametrize("place", [0, 1, 5, -2])
def test_a_log_that_was_changed_before_its_end_is_refused_with_its_line_and_left_alone(
    session_log: Path, tmp_path: Path, place: int
) -> None:
    lines = session_log.read_bytes().splitlines(keepends=True)
    number = place % len(lines)
    for changed in (
        [*lines[:number], *lines[number + 1 :]],
        [*lines[:number], lines[number], lines[number], *lines[number + 1 :]],
        [*lines[:number], lines[number].replace(b'"type":"', b'"type":"x', 1), *lines[number + 1 :]],
        [*lines[:number], b"\xff\xfe\n", *lines[number + 1 :]],
        [*lines[:number], b"[" * 100_000 + b"\n", *lines[number + 1 :]],
        [*lines[:number], b'{"sum":"1","sum":"2"}\n', *lines[number + 1 :]],
        [*lines[:number], b'{"at":NaN,"sum":"2"}\n', *lines[number + 1 :]],
    ):
        path = tmp_path / "session.jsonl"
        path.write_bytes(b"".join(changed))
        kept = path.read_bytes()
        with pytest.raises(ScenarioError, match=r"session.jsonl:\d+: .*; the \d+ events before it are whole"):
            Log(path)
        assert path.read_bytes() == kept
        assert not list(tmp_path.glob("*.cut-after-*"))


def test_what_is_no_log_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        read_log(tmp_path / "none.jsonl")
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_log(tmp_path)
    path = tmp_path / "big.jsonl"
    with path.open("wb") as stream:
        stream.truncate(log_module.MAX_BYTES + 1)
    with pytest.raises(ScenarioError, match="is larger than"):
        read_log(path)


def test_two_sessions_cannot_write_to_one_log(tmp_path: Path) -> None:
    first = Log(tmp_path / "session.jsonl")
    with pytest.raises(ScenarioError, match="another session is writing"):
        Log(tmp_path / "session.jsonl")
    first.close()
    Log(tmp_path / "session.jsonl").close()


def test_an_event_is_on_the_disk_before_it_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync
    log = Log(tmp_path / "session.jsonl")
    monkeypatch.setattr(
        os, "fsync", lambda handle: (synced.append((tmp_path / "session.jsonl").stat().st_size), real(handle))
    )
    log.append(started())
    assert synced == [(tmp_path / "session.jsonl").stat().st_size]
    assert synced[0] > 1000
    log.close()


def test_a_disk_that_is_full_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "session.jsonl"
    log = Log(path)
    log.append(started())
    kept = path.read_bytes()

    def full(self: Log, data: bytes) -> None:
        self._stream.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Log, "_write", full)
        with pytest.raises(ScenarioError, match="No space left"):
            log.append(events.Opened(round="mission_start"))
    assert path.read_bytes() == kept
    assert log.append(events.Opened(round="mission_start")) == 2
    log.close()
    assert len(read_log(path).events) == 2
