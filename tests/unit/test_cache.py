"""The cache of compiled code: bits as fresh ones, files that cannot be trusted passed over, no harm when it fails."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transition_sim import cache
from transition_sim.engine import llvm_backend, simulate
from transition_sim.engine.simulate import simulate as run
from transition_sim.model import keeping
from transition_sim.model.equations import Model

Build = Callable[..., Model]
POSIX = pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
LINES = ("k = 0.3", "x = INTEG(-k * x + SIN(Time) + MODULO(Time, 3) ^ 1.7, 1)", "y = EXP(-x) * RANDOM 0 1()")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache folder that does not exist yet; models that were read are not kept in it."""
    monkeypatch.setattr(keeping, "store", lambda key, model: None)
    folder = tmp_path / "deep" / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    return folder


@pytest.fixture
def no_compiling(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which compiling is an error."""

    def refuse(text: str) -> Any:
        raise AssertionError("compiled again")

    return lambda: monkeypatch.setattr(llvm_backend, "optimised", refuse)


def forget() -> None:
    """Let go of what this process has compiled."""
    simulate._machine.cache_clear()
    simulate._single.cache_clear()


def computed(model: Model) -> np.ndarray:
    forget()
    constants = {"k": np.linspace(0.1, 0.5, 19)}
    return run(model, constants=constants, outputs="all", events="compatible", method="rk4", backend="llvm").values


def kept(place: Path) -> list[Path]:
    return sorted(place.iterdir())


def test_what_is_kept_comes_back(place: Path) -> None:
    key = cache.key_of("a", "b")
    assert cache.load(key) is None
    cache.store(key, b"payload")
    assert cache.load(key) == b"payload"
    assert [path.name for path in kept(place)] == [key + ".tsim"]
    assert cache.load(cache.key_of("ab", "")) is None


@POSIX
def test_folder_and_files_are_the_users_alone(place: Path) -> None:
    before = os.umask(0)
    try:
        cache.store(cache.key_of("a"), b"payload")
    finally:
        os.umask(before)
    assert place.stat().st_mode & 0o777 == 0o700
    assert kept(place)[0].stat().st_mode & 0o777 == 0o600


def test_cached_code_gives_the_bits_of_fresh_code(
    place: Path, model_of: Build, no_compiling: Callable[[], None]
) -> None:
    model = model_of(*LINES)
    fresh = computed(model)
    assert len(kept(place)) == 1
    no_compiling()
    assert np.array_equal(computed(model), fresh)


def test_cached_code_serves_single_runs(place: Path, model_of: Build, no_compiling: Callable[[], None]) -> None:
    model = model_of(*LINES[:2], "y = x ^ 2")
    forget()
    fresh = run(model, backend="llvm").values
    no_compiling()
    forget()
    assert np.array_equal(run(model, backend="llvm").values, fresh)


def test_off_keeps_and_reads_nothing(
    place: Path, model_of: Build, monkeypatch: pytest.MonkeyPatch, no_compiling: Callable[[], None]
) -> None:
    model = model_of(*LINES)
    fresh = computed(model)
    monkeypatch.setenv(cache.VARIABLE, "off")
    assert cache.folder() is None
    before = [path.stat().st_mtime_ns for path in kept(place)]
    assert np.array_equal(computed(model), fresh)
    assert [path.stat().st_mtime_ns for path in kept(place)] == before
    no_compiling()
    with pytest.raises(AssertionError, match="compiled again"):
        computed(model)


@POSIX
@pytest.mark.skipif(sys.platform == "darwin", reason="a cache has another place there")
def test_usual_folder_follows_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "transition_sim"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "transition_sim"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def take_anothers_name(path: Path) -> None:
    other = cache.key_of("other")
    cache.store(other, b"code of another model")
    (path.parent / (other + ".tsim")).replace(path)


@pytest.mark.parametrize("spoil", [truncate, empty, flip_a_bit, take_anothers_name])
def test_spoilt_files_are_passed_over_and_written_anew(
    place: Path, model_of: Build, spoil: Callable[[Path], None], no_compiling: Callable[[], None]
) -> None:
    model = model_of(*LINES)
    fresh = computed(model)
    (path,) = kept(place)
    whole = path.read_bytes()
    spoil(path)
    assert path.read_bytes() != whole
    assert np.array_equal(computed(model), fresh)
    assert path.read_bytes() == whole
    no_compiling()
    assert np.array_equal(computed(model), fresh)


@POSIX
@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_files_that_others_can_write_are_not_read(place: Path, mode: int) -> None:
    key = cache.key_of("a")
    cache.store(key, b"payload")
    kept(place)[0].chmod(mode)
    assert cache.load(key) is None
    cache.store(key, b"payload")
    assert cache.load(key) == b"payload"


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_folders_that_others_can_write_are_not_used(place: Path, mode: int) -> None:
    key = cache.key_of("a")
    cache.store(key, b"payload")
    place.chmod(mode)
    assert cache.load(key) is None
    cache.store(cache.key_of("b"), b"payload")
    assert len(kept(place)) == 1


@POSIX
def test_what_belongs_to_another_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache.key_of("a")
    cache.store(key, b"payload")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert cache.load(key) is None
    cache.store(cache.key_of("b"), b"payload")
    assert len(kept(place)) == 1


@POSIX
def test_links_are_not_followed(place: Path) -> None:
    key, other = cache.key_of("a"), cache.key_of("b")
    cache.store(key, b"payload")
    (place / (key + ".tsim")).rename(place / "elsewhere")
    (place / (key + ".tsim")).symlink_to(place / "elsewhere")
    assert cache.load(key) is None
    assert cache.load(other) is None


def test_the_oldest_go_when_it_grows_too_large(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_BYTES", 4000)
    keys = [cache.key_of(str(i)) for i in range(5)]
    place.mkdir(parents=True)
    (place / "notes.txt").write_bytes(b"x" * 9000)
    (place / f"{keys[0]}.tsim.half.tmp").write_bytes(b"x" * 500)  # a process was killed here
    for i, key in enumerate(keys):
        cache.store(key, b"x" * 900)
        os.utime(place / (key + ".tsim"), (i + 1, i + 1))
        if i == 2:
            assert cache.load(keys[0]) is not None  # used just now
    os.utime(place / "notes.txt", (0, 0))
    cache.store(cache.key_of("last"), b"x" * 900)
    assert [cache.load(key) is not None for key in keys] == [True, False, False, False, True]
    assert cache.load(cache.key_of("last")) == b"x" * 900
    assert (place / "notes.txt").exists()
    cache.store(cache.key_of("huge"), b"x" * 1001)
    assert cache.load(cache.key_of("huge")) is None


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(
    tmp_path: Path, model_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(*LINES)
    monkeypatch.setenv(cache.VARIABLE, "off")
    fresh = computed(model)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "cache"))
    assert np.array_equal(computed(model), fresh)
    assert np.array_equal(computed(model), fresh)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_or_read_only_disk_costs_nothing_but_time(
    place: Path, model_of: Build, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    model = model_of(*LINES)
    fresh = computed(model)
    kept(place)[0].unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        assert np.array_equal(computed(model), fresh)
    assert kept(place) == []  # no half of a file is left


def test_another_processor_or_version_is_another_key(
    place: Path, model_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(*LINES)
    computed(model)
    monkeypatch.setattr(llvm_backend, "version", lambda name: "99")
    computed(model)
    name, features, lanes = llvm_backend.host()
    monkeypatch.setattr(llvm_backend, "host", lambda: (name, features + ",-xyz", lanes))
    monkeypatch.setattr(llvm_backend, "_target", lambda: llvm_backend.llvm.Target.from_default_triple()
                        .create_target_machine(cpu=name, features=features, opt=3))  # fmt: skip
    computed(model)
    assert len(kept(place)) == 3


SCRIPT = """
import sys, numpy as np, transition_sim as ts
from transition_sim.engine import llvm_backend
made = []
optimised = llvm_backend.optimised
llvm_backend.optimised = lambda text: (made.append(text), optimised(text))[1]
model = ts.load_model()
runs = ts.simulate(model, constants={"draw down start": np.linspace(24, 96, 50)}, outputs=["relapse probability"])
one = ts.simulate(model, outputs=["relapse probability"])
print(len(made), runs.values.tobytes().hex()[-64:], one.values.tobytes().hex()[-64:])
"""


def test_another_process_finds_the_code_and_gives_the_same_bits(place: Path) -> None:
    """The text from which the key is made hangs on no order of hashing."""
    told = []
    for hashing in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hashing}
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout.split())
    assert told[0][0] == "2"
    assert told[1] == ["0", *told[0][1:]]


def test_many_at_once_write_whole_files(place: Path) -> None:
    script = (
        "import sys; from transition_sim import cache\n"
        "for i in range(200):\n"
        "    cache.store('k', bytes([i % 256]) * 50_000); got = cache.load('k')\n"
        "    assert got is not None and len(set(got)) == 1 and len(got) == 50_000\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) for _ in range(3)]
    deadline = time.monotonic() + 60
    for worker in workers:
        _, errors = worker.communicate(timeout=max(deadline - time.monotonic(), 1))
        assert worker.returncode == 0, errors
    assert [path.name for path in kept(place)] == ["k.tsim"]
