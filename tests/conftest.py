"""Options and fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from transition_sim import cli
from transition_sim.model.equations import Model
from transition_sim.model.reader import load_model

CONTROL = """
INITIAL TIME = {start} ~ Month ~ |
FINAL TIME = {stop} ~ Month ~ |
TIME STEP = {step} ~ Month ~ |
SAVEPER = {save} ~ Month ~ |
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-goldens", action="store_true", help="write the golden tables anew, from the oracles")


@pytest.fixture(scope="session", autouse=True)
def cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep compiled code in a folder of the tests, never in the user's; it is returned."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRANSITION_SIM_CACHE", str(folder))
        yield folder


@pytest.fixture
def mdl(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes equations, one a line, with control variables to an `.mdl` file."""

    def write(
        *equations: str,
        start: float = 0,
        stop: float = 10,
        step: float = 0.5,
        save: float | None = None,
        name: str = "model",
    ) -> Path:
        lines = [line if "~" in line else f"{line} ~ ~ |" for line in equations]
        control = CONTROL.format(start=start, stop=stop, step=step, save=step if save is None else save)
        path = tmp_path / f"{name}.mdl"
        path.write_text("{UTF-8}\n" + "\n".join(lines) + control, encoding="utf-8")
        return path

    return write


@pytest.fixture
def model_of(mdl: Callable[..., Path]) -> Callable[..., Model]:
    """Return a function that gives the model of equations, one a line."""
    return lambda *equations, **times: load_model(mdl(*equations, **times))


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command in an empty folder and gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            cli.main(words)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        code = stop.value.code
        return code if isinstance(code, int) else 0, captured.out, captured.err

    return run
