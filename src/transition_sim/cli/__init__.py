"""The command line: `transition-sim`. Results go to stdout, progress and errors to stderr.

Exit codes: 0 ok, 1 failed, 2 usage, 3 invalid input, 4 some runs failed,
130 interrupted. Imports are lazy, so that `--help` is quick.
"""

from transition_sim.cli import (  # their import registers the commands
    compare,
    evidence,
    lab,
    models,
    reference,
    report,
    scenarios,
    sensitivity,
    sweeps,
    timing,
    workshop,
)
from transition_sim.cli.common import app
from transition_sim.cli.entry import main

__all__ = [
    "app",
    "compare",
    "evidence",
    "lab",
    "main",
    "models",
    "reference",
    "report",
    "scenarios",
    "sensitivity",
    "sweeps",
    "timing",
    "workshop",
]
