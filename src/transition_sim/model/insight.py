"""A second opinion on a model from another engine: its unit check. The only importer of pysimlin.

pysimlin is native code and a model file is untrusted, so it runs in a process of its own with a time limit, on a
file that our reader has accepted.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

from transition_sim.errors import Fault, ModelError, shown
from transition_sim.model.equations import Model

TIME_LIMIT = 60.0
_SCRIPT = """
import json, sys, simlin
model = simlin.load(sys.argv[1])
issues = [*model.check_units(), *(issue for issue in model.check() if "units" in issue.message)]
print(json.dumps([[issue.variable, issue.message] for issue in issues]))
"""


def unit_faults(model: Model) -> list[Fault]:
    """Return a fault, with file and line, for each variable whose unit does not follow from its equation.

    Raises ModelError where the model has no file, or the check crashes or takes more than a minute.
    """
    if model.path is None:
        raise ModelError(f"model '{model.name}' has no file, so its units cannot be checked")
    file = shown(model.path)
    issues = [(name, message) for name, message in _issues(str(model.path), file) if message.strip()]
    named = [(name, message) for name, message in issues if name is not None]
    return sorted({_fault(model, file, name, message) for name, message in named or issues})


def _issues(path: str, file: str) -> list[tuple[str | None, str]]:
    command = [sys.executable, "-I", "-c", _SCRIPT, path]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise ModelError(Fault(file, None, f"the unit check took more than {TIME_LIMIT:g} s")) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise ModelError(Fault(file, None, f"the unit check failed: {last[:200]}"))
    return [(name, message) for name, message in json.loads(done.stdout)]


def _fault(model: Model, file: str, name: str | None, message: str) -> Fault:
    last = " ".join(message.strip().splitlines()[-1].split())
    text = re.sub(r"^units (inference )?warning in model '\w*'( variable '[^']*')?:? ?", "", last)
    text = text.replace("unit_mismatch -- ", "")
    if name is None or name not in model:
        return Fault(file, None, f"units: {text}")
    variable = model.find(name)
    return Fault(file, variable.line, f"units of '{variable.name}' ({variable.unit or 'none'}): {text}")
