"""Models kept as JSON: the same model as when it was read, and read again whenever anything could be otherwise."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transition_sim import cache
from transition_sim.data import list_models, models_folder
from transition_sim.engine.simulate import simulate
from transition_sim.errors import ModelError
from transition_sim.model import keeping, reader
from transition_sim.model.equations import Model
from transition_sim.model.reader import load_model

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.mdl"))
SHIPPED = [models_folder() / f"{name}.mdl" for name in list_models()]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a cache of its own and a process that has read nothing."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    reader._read.cache_clear()
    yield tmp_path / "cache"
    reader._read.cache_clear()


@pytest.fixture
def no_parsing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which parsing is an error, and what was read is forgotten."""

    def refuse() -> Any:
        raise AssertionError("parsed again")

    def start() -> None:
        reader._read.cache_clear()
        monkeypatch.setattr(reader, "_parser", refuse)

    return start


def assert_same(one: Model, other: Model) -> None:
    for field in fields(Model):
        assert getattr(one, field.name) == getattr(other, field.name), field.name
    assert list(one.variables) == list(other.variables)
    assert repr(one) == repr(other)  # types of numbers and signs of zeros too


@pytest.mark.parametrize("path", [*GOLDEN, *SHIPPED], ids=lambda path: path.stem)
def test_kept_model_is_the_one_that_was_read(path: Path, no_parsing: Callable[[], None]) -> None:
    fresh = load_model(path)
    no_parsing()
    assert_same(load_model(path), fresh)


def test_kept_model_gives_the_same_bits(no_parsing: Callable[[], None]) -> None:
    constants = {"draw down start": np.linspace(24, 96, 9)}
    fresh = simulate(load_model(), constants=constants, outputs="all", save_every=12)
    no_parsing()
    again = simulate(load_model(), constants=constants, outputs="all", save_every=12)
    assert np.array_equal(again.values, fresh.values)
    assert again.provenance == fresh.provenance


def test_same_bytes_elsewhere_keep_their_own_name(tmp_path: Path, no_parsing: Callable[[], None]) -> None:
    load_model("aid_gap")
    copy = tmp_path / "mine.mdl"
    shutil.copy(models_folder() / "aid_gap.mdl", copy)
    no_parsing()
    model = load_model(copy)
    assert (model.name, model.path) == ("mine", copy)


def test_a_changed_file_is_read_again(mdl: Callable[..., Path]) -> None:
    assert load_model(mdl("x = 1")).constants["x"] == 1
    assert load_model(mdl("x = 2")).constants["x"] == 2


@pytest.mark.parametrize("what", ["reader", "parser"])
def test_another_reader_or_parser_reads_again(
    mdl: Callable[..., Path], place: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = mdl("x = 1")
    load_model(path)
    reader._read.cache_clear()
    if what == "reader":
        monkeypatch.setattr(keeping, "_readers_text", lambda: "changed")
    else:
        monkeypatch.setattr(reader, "version", lambda name: "9.9")
        reader._parser.cache_clear()
        with pytest.raises(ModelError, match=r"PySD 9\.9 is installed"):
            load_model(path)
        return
    load_model(path)
    assert len(list(place.iterdir())) == 2


def test_files_with_faults_are_not_kept(mdl: Callable[..., Path], place: Path) -> None:
    for _ in range(2):
        with pytest.raises(ModelError, match=r"model\.mdl:2: 'x': 'y' is not defined"):
            load_model(mdl("x = y"))
        with pytest.raises(ModelError, match="hangs on itself"):
            load_model(mdl("x = y", "y = x"))
    assert not place.exists()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"variables": [[["x"]]]}', b"[" * 100_000, b"\xff"])
def test_kept_text_that_is_no_model_is_passed_over(mdl: Callable[..., Path], text: bytes) -> None:
    path = mdl("x = 1", "s = INTEG(x, 0)")
    fresh = load_model(path)
    key = keeping.key_of(fresh.file_hash, reader.version("pysd"))
    assert cache.load(key)
    cache.store(key, text)
    reader._read.cache_clear()
    assert_same(load_model(path), fresh)
    assert cache.load(key) != text


def test_what_is_nested_too_deeply_is_read_each_time(mdl: Callable[..., Path], place: Path) -> None:
    names = ", ".join(f"e{i}" for i in range(3000))
    path = mdl(f"many: {names}", "x[many] = 1", "total = SUM(x[many!])")
    for _ in range(2):
        reader._read.cache_clear()
        assert len(load_model(path).variables) == 3005
    assert not place.exists()
