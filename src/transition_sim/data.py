"""Where the shipped models and scenarios are: inside the wheel, or at the repository's top level in a checkout."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from transition_sim.errors import ModelError, ScenarioError, nearest

_PACKAGE = Path(__file__).resolve().parent


@lru_cache(maxsize=2)
def _folder(name: str) -> Path:
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parents[1] / name):
        if candidate.is_dir():
            return candidate
    raise ModelError(f"the shipped folder '{name}' is missing from this installation; install transition_sim again")


def models_folder() -> Path:
    """Return the folder of the shipped models."""
    return _folder("models")


def scenarios_folder() -> Path:
    """Return the folder of the shipped scenarios."""
    return _folder("scenarios")


def list_models() -> list[str]:
    """Return the names of the shipped models."""
    return sorted(path.stem for path in models_folder().glob("*.mdl"))


def list_scenarios(templates: bool = False) -> list[str]:
    """Return the names of the shipped scenarios, such as `entry_points/none`; templates (`_...`) if asked."""
    found = [name for name in _shipped_names() if not name.startswith(("sweeps/", "teaching/"))]
    return [name for name in found if templates or not name.rsplit("/", 1)[-1].startswith("_")]


def list_sweeps() -> list[str]:
    """Return the names of the shipped sweeps, such as `sweeps/aid_gap`."""
    return [name for name in _shipped_names() if name.startswith("sweeps/")]


def list_workshops(templates: bool = False) -> list[str]:
    """Return the names of the shipped workshops, such as `aid_gap`; what they share (`_...`) if asked."""
    found = [name.removeprefix("teaching/") for name in _shipped_names() if name.startswith("teaching/")]
    return [name for name in found if templates or not name.startswith("_")]


def _shipped_names() -> list[str]:
    folder = scenarios_folder()
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def shipped_model(name: str) -> Path:
    """Return the file of a shipped model; ModelError with the nearest name where there is none."""
    if name not in list_models():
        known = ", ".join(list_models())
        raise ModelError(f"'{name}' is no shipped model ({known}) and no file{nearest(name, list_models())}")
    return models_folder() / f"{name}.mdl"


def shipped_scenario(reference: str) -> Path:
    """Return the file of a shipped scenario; ScenarioError with the nearest name where there is none."""
    plain = reference.removesuffix(".yaml")
    if plain not in list_scenarios(templates=True):
        raise ScenarioError(f"'{reference}' is no shipped scenario and no file{nearest(plain, list_scenarios())}")
    return scenarios_folder() / f"{plain}.yaml"


def shipped_sweep(reference: str) -> Path:
    """Return the file of a shipped sweep; ScenarioError with the nearest name where there is none."""
    plain = reference.removesuffix(".yaml")
    plain = plain if "/" in plain else f"sweeps/{plain}"
    if plain not in list_sweeps():
        known = [name.removeprefix("sweeps/") for name in list_sweeps()]
        hint = nearest(plain.removeprefix("sweeps/"), known).replace("'", "'sweeps/", 1)
        raise ScenarioError(f"'{reference}' is no shipped sweep ({', '.join(known)}) and no file{hint}")
    return scenarios_folder() / f"{plain}.yaml"


def shipped_workshop(reference: str) -> Path:
    """Return the file of a shipped workshop; ScenarioError with the nearest name where there is none."""
    plain = reference.removesuffix(".yaml").removeprefix("teaching/")
    if plain not in list_workshops(templates=True):
        known = list_workshops()
        told = f"'{reference}' is no shipped workshop ({', '.join(known)}) and no file{nearest(plain, known)}"
        raise ScenarioError(told)
    return scenarios_folder() / "teaching" / f"{plain}.yaml"


def write_text(path: Path, text: str) -> Path:
    """Write a text file by a temporary name and a rename; return its path."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes, mode: int = 0o644) -> Path:
    """Write a file by a temporary name and a rename, so that no half of it is ever seen; return its path."""
    with written(path, mode=mode) as temporary:
        temporary.write_bytes(data)
    return path


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> Path:
    """Write a file as `write_bytes` does, and have it on the disk before it gets its name; return its path."""
    with written(path, durable=True, mode=mode) as temporary:
        temporary.write_bytes(data)
    return path


@contextmanager
def written(path: Path, durable: bool = False, mode: int = 0o644) -> Iterator[Path]:
    """Give a temporary file beside `path` that takes its name once the block ends well, and is removed if it fails."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if durable:
            _to_disk(temporary)
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _to_disk(path: Path) -> None:
    """Have a file's bytes on the disk before going on."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
