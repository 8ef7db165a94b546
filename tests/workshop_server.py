"""A session's server in a process of its own, as people start it, for the tests of the workshop."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Served:
    """A running server: its address, join codes by team, and the tokens of facilitator and big screen."""

    process: subprocess.Popen[str]
    address: str
    codes: dict[int, str]
    facilitator: str
    projector: str
    said: list[str] = field(default_factory=list)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(20)


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    """Start a session in a folder; `options` are those of `workshop start`. It is killed in the end."""
    command = [sys.executable, "-m", "transition_sim.cli", "workshop", "start", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        yield opened(process)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def opened(process: subprocess.Popen[str]) -> Served:
    """Return a server that was started, once it has told its addresses."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("A stylised"):
            break
    text = "".join(said)
    assert process.poll() is None, text
    assert "your screen" in text, text
    address = re.search(r"your screen\s+(http://\S+?)/facilitator", text)
    codes = {int(team): code for team, code in re.findall(r"team (\d): (\w{6})", text)}
    facilitator, projector = re.search(r"facilitator#(\S+)", text), re.search(r"projector#(\S+)", text)
    assert address
    assert facilitator
    assert projector
    return Served(process, address.group(1), codes, facilitator.group(1), projector.group(1), said)
