"""Worlds: plausible sets of the uncertain constants, sampled from `models/uncertainties.yaml`.

Shapes: a column `(run,)` for each uncertain constant, one run a world.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transition_sim.data import models_folder
from transition_sim.errors import Fault, ScenarioError, nearest, shown
from transition_sim.model.equations import Kind, Model, canonical
from transition_sim.study.yaml_file import Item, line_of, plain, read_yaml

Floats = NDArray[np.float64]


class Uncertainty(BaseModel):
    """What is uncertain about one constant, and why: a plausible range that is sampled, a lever, or held fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float | None = None
    high: float | None = None
    distribution: Literal["uniform", "loguniform", "triangular"] = "uniform"
    mode: float | None = None
    role: Literal["uncertainty", "lever", "fixed"] = "uncertainty"
    source: str | None = Field(None, min_length=5)
    assumption: str | None = Field(None, min_length=5)

    def at(self, share: Floats) -> Floats:
        """Return the value below which a share `(run,)` of the distribution lies."""
        low, high = self.range
        if self.distribution == "loguniform":
            return np.asarray(low * (high / low) ** share)
        if self.distribution == "triangular" and self.mode is not None:
            from scipy.stats import triang

            return np.asarray(triang.ppf(share, (self.mode - low) / (high - low), loc=low, scale=high - low))
        return np.asarray(low + (high - low) * share)

    def share(self, values: Floats) -> Floats:
        """Return the share of the distribution that lies below values `(run,)`: the inverse of `at`."""
        low, high = self.range
        if self.distribution == "loguniform":
            return np.asarray(np.log(values / low) / np.log(high / low))
        if self.distribution == "triangular" and self.mode is not None:
            from scipy.stats import triang

            return np.asarray(triang.cdf(values, (self.mode - low) / (high - low), loc=low, scale=high - low))
        return np.asarray((values - low) / (high - low))

    @property
    def range(self) -> tuple[float, float]:
        """The plausible range; ScenarioError where none is given."""
        if self.low is None or self.high is None:
            raise ScenarioError("a range needs both low and high")
        return self.low, self.high


class UncertaintyFile(BaseModel):
    """`models/uncertainties.yaml`: a model and the ranges of its uncertain constants."""

    model_config = ConfigDict(extra="forbid")

    model: str
    uncertainties: dict[str, Uncertainty]


@dataclass(frozen=True)
class Worlds:
    """Sampled worlds: a column `(run,)` for each constant, the bounds they come from, and how they were made."""

    columns: Mapping[str, Floats]
    bounds: Mapping[str, tuple[float, float]]
    seed: int
    file: str
    file_hash: str
    ensemble: str = "prior"

    @property
    def runs(self) -> int:
        """The number of worlds."""
        return len(next(iter(self.columns.values())))

    def besides(self, given: Collection[str]) -> dict[str, Floats]:
        """Return the columns of what is not given, in whatever spelling: what a scenario sets is not sampled."""
        known = {canonical(name) for name in given}
        return {name: column for name, column in self.columns.items() if canonical(name) not in known}


def load_uncertainties(model: Model, path: Path | None = None) -> tuple[dict[str, Uncertainty], str]:
    """Return the ranges of a model's uncertain constants, and the file's hash.

    Raises ScenarioError with a line for every fault: form, order of the bounds, names and limits of the model.
    """
    found = path or models_folder() / "uncertainties.yaml"
    tree, data = read_yaml(found)
    file = shown(found)
    try:
        form = UncertaintyFile.model_validate(plain(tree))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise ScenarioError(
            sorted({_spoken(tree, problem["loc"], problem["msg"], file) for problem in problems})
        ) from None
    faults: list[Fault] = []
    for name, uncertainty in form.uncertainties.items():
        line = tree.value["uncertainties"].value[name].line
        faults += [Fault(file, line, message) for message in range_faults(model, name, uncertainty)]
    if faults:
        raise ScenarioError(sorted(faults))
    named = {model.find(name).name: uncertainty for name, uncertainty in form.uncertainties.items()}
    return named, hashlib.sha256(data).hexdigest()


def sample_worlds(model: Model, runs: int, seed: int, path: Path | None = None) -> Worlds:
    """Return worlds from a Latin hypercube over the plausible ranges (McKay, Beckman and Conover 1979; unchecked).

    The same runs, seed and file give the same worlds. DOI of the design: https://doi.org/10.2307/1268522
    """
    from scipy.stats import qmc

    if runs < 1:
        raise ScenarioError(f"{runs} worlds; allowed: 1 or more")
    ranges, file_hash = load_uncertainties(model, path)
    varied = sampled(ranges)
    shares = qmc.LatinHypercube(d=len(varied), rng=np.random.default_rng(seed)).random(runs)
    columns = {name: uncertainty.at(shares[:, i]) for i, (name, uncertainty) in enumerate(varied.items())}
    bounds = {name: uncertainty.range for name, uncertainty in varied.items()}
    return Worlds(columns, bounds, seed, shown(path or models_folder() / "uncertainties.yaml"), file_hash)


def sampled(ranges: Mapping[str, Uncertainty]) -> dict[str, Uncertainty]:
    """Return those that are sampled, in order: levers and what is held fixed are not."""
    return {name: uncertainty for name, uncertainty in ranges.items() if uncertainty.role == "uncertainty"}


def ranges_hash(ranges: Mapping[str, Uncertainty]) -> str:
    """Return a hash of what is sampled and over which ranges, whatever the words beside them."""
    keys = ("low", "high", "distribution", "mode")
    told = {name: [getattr(u, key) for key in keys] for name, u in sorted(sampled(ranges).items())}
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def check_uncertainties(path: Path, model: Model) -> list[Fault]:
    """Return every fault of an uncertainties file."""
    try:
        load_uncertainties(model, path)
    except ScenarioError as error:
        return list(error.faults)
    return []


def _spoken(tree: Item, location: tuple[int | str, ...], message: str, file: str) -> Fault:
    words = " / ".join(str(part) for part in location)
    if "Extra inputs" in message:
        message = f"unknown key; allowed: {', '.join(Uncertainty.model_fields)}"
        message += nearest(str(location[-1]), Uncertainty.model_fields)
    return Fault(file, line_of(tree, location), f"'{words}': {message}")


def range_faults(model: Model, name: str, given: Uncertainty) -> list[str]:
    """Return what is wrong with one range, against the model's limits; its name must be a constant of the model."""
    if name not in model:
        constants = [variable.name for variable in model.of_kind(Kind.CONSTANT)]
        return [f"'{name}' is not in {model.name}.mdl{nearest(name, constants)}"]
    variable = model.find(name)
    wrong = [] if variable.kind is Kind.CONSTANT else [f"'{name}' is computed by the model, not a constant"]
    if (given.source is None) == (given.assumption is None):
        wrong.append(f"'{name}': give either a source or an assumption")
    if given.low is None or given.high is None:
        if given.role == "uncertainty" or (given.low is None) != (given.high is None):
            wrong.append(f"'{name}': a range needs both low and high")
        return wrong
    if not (math.isfinite(given.low) and math.isfinite(given.high) and given.low < given.high):
        wrong.append(f"'{name}': low {given.low:g} must be below high {given.high:g}")
    low, high = variable.limits
    if (low is not None and given.low < low) or (high is not None and given.high > high):
        wrong.append(f"'{name}': {given.low:g} to {given.high:g} leaves the model's limits, {low} to {high}")
    if given.distribution == "loguniform" and given.low <= 0:
        wrong.append(f"'{name}': a loguniform range must lie above zero")
    inside = given.mode is not None and given.low <= given.mode <= given.high
    if given.distribution == "triangular" and not inside:
        wrong.append(f"'{name}': a triangular range needs a mode between low and high")
    return wrong
