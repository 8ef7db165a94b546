"""Where the shipped models and scenarios are: inside the wheel, or at the repository's top level in a checkout."""

from __future__ import annotations

import os
import tempfile
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
    folder = scenarios_folder()
    found = sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))
    return [name for name in found if templates or not name.rsplit("/", 1)[-1].startswith("_")]


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


def write_text(path: Path, text: str) -> Path:
    """Write a text file by a temporary name and a rename; return its path."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes, mode: int = 0o644) -> Path:
    """Write a file by a temporary name and a rename, so that no half of it is ever seen; return its path."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
