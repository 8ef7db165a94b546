"""A sweep analysed: which inputs drive an outcome, and which drive the ranking of options, with confidence.

Shapes: inputs are `(world, input)`; outcomes `(option, world)` under each condition. See `quantities.py`, `indices.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.errors import Fault, ScenarioError, nearest, shown, word_faults
from transition_sim.model.equations import Model
from transition_sim.model.reader import CONTROLS, load_model
from transition_sim.study.outcomes import ASSUMPTION, BUDGET
from transition_sim.study.sensitivity.indices import (
    MORRIS,
    PAWN,
    SMALLEST_SLICE,
    SOBOL,
    Index,
    ends_of,
    morris_index,
    need_salib,
    pawn_index,
    sobol_index,
)  # fmt: skip
from transition_sim.study.sensitivity.quantities import (
    BEST,
    DIFFERENCE,
    LEVEL,
    RANKING,
    Quantity,
    Standing,
    by_option,
    conditions_of,
    lever_of_options,
    levers_words,
    options_of,
    quantities_of,
    standing_of,
)  # fmt: skip
from transition_sim.study.sweeps.design import (
    CROSSED,
    MORRIS_STEP,
    SALTELLI,
    crossed_levers,
    group_size,
    sampled_shares,
)
from transition_sim.study.sweeps.sweep import Sweep, load_sweep
from transition_sim.study.sweeps.tables import read_frame
from transition_sim.study.worlds import Uncertainty

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
AUTO = "auto"
METHODS = (AUTO, SOBOL, MORRIS, PAWN)
DESIGN_OF = {SOBOL: SALTELLI, MORRIS: MORRIS}
FEWEST_GROUPS = 8
RESAMPLES, SEED, CONFIDENCE = 100, 7, 0.95
ASSUMED = f"{ASSUMPTION} What drives the ranking is, for the most part, what was assumed."


@dataclass(frozen=True, eq=False)
class Sample:
    """The inputs of a sweep that differ between worlds: names, values `(world, input)`, worlds a group, and the design.

    Where worlds come in groups the values are shares of the inputs' ranges. `independent`: whether each input was
    sampled without regard to the others. `left_out` are inputs that some level of a lever sets.
    """

    names: tuple[str, ...]
    values: Floats
    group: int
    design: str
    independent: bool
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Indices of a sweep: a tidy table, how the options stand, the sample they rest on, and what was held fixed.

    `table` has a row for each quantity and input: `index` with its confidence interval `low` to `high`, what the method
    gives beside it, and the quantity's mean in the lowest and highest fifth of the input (`when_low`, `when_high`, with
    the margin of their difference).
    """

    method: str
    table: pd.DataFrame
    standings: tuple[Standing, ...]
    quantities: tuple[Quantity, ...]
    sample: Mapping[str, Any]
    held: Mapping[str, Any]
    notes: tuple[str, ...]
    assumption: str = ""

    @property
    def options(self) -> pd.DataFrame:
        """How the options stand: share of worlds in which each is best, median rank, median and 90th pct. of regret."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "outcome": each.outcome, "condition": each.condition, "option": option,
                    "share_best": float(each.best[i].mean()), "median_rank": float(np.median(each.ranks[i])),
                    "median_regret": float(np.median(each.regret[i])),
                    "p90_regret": float(np.quantile(each.regret[i], 0.9)),
                }
                for each in self.standings
                for i, option in enumerate(each.options)
            ]
        )  # fmt: skip

    @property
    def headlines(self) -> list[Quantity]:
        """The quantities shown first: the outcome itself, the ranking, which is best, the change by the leader."""
        leaders = {(s.outcome, s.condition): s.options[int(np.argmax(s.best.mean(axis=1)))] for s in self.standings}
        return [
            each
            for each in self.quantities
            if each.kind in (LEVEL, RANKING, BEST)
            or (each.kind == DIFFERENCE and each.option == leaders.get((each.outcome, each.condition)))
        ]

    def of(self, quantity: Quantity, most: int | None = None) -> pd.DataFrame:
        """Return the rows of a quantity, the largest index first, at most so many."""
        at = np.ones(len(self.table), dtype=bool)
        for name in ("kind", "outcome", "option", "condition"):
            at &= (self.table[name] == getattr(quantity, name)).to_numpy()
        rows = self.table[at].sort_values("index", ascending=False, kind="stable")
        return rows if most is None else rows.head(most)

    def __repr__(self) -> str:
        told = f"{self.method}, {self.sample['inputs']} inputs, {len(self.quantities)} quantities"
        return f"<Sensitivity of '{self.sample['sweep']}': {told}>"

    def _repr_html_(self) -> str:
        from transition_sim.study.forms import sensitivity_html

        return sensitivity_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as the plain data of `sensitivity --json`, missing numbers as None."""
        from transition_sim.study.sensitivity.words import sensitivity_data

        return sensitivity_data(self)


def sensitivity(
    sweep: Sweep | str | Path,
    outcomes: Sequence[str] | str | None = None,
    *,
    method: str = AUTO,
    options: str | None = None,
    at: Mapping[str, float | str] | None = None,
    best: str = "lowest",
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Sensitivity:
    """Return which inputs of a finished sweep drive its outcomes, and which drive the ranking of options.

    `sweep`: a sweep or its folder. `outcomes`: names of its columns, by default the first. `method`: `sobol` for
    sweeps of design `saltelli`, `morris` for `morris`, `pawn` for any other sample, calibrated worlds among them;
    `auto` chooses. `options`: the lever whose levels are ranked in each world, by default one that lists scenarios or
    the only one; its level `none`, or else the first, is the base. `at`: levels of other levers to look at. `best`:
    whether the `lowest` or the `highest` outcome is the best. Confidence is 95 per cent, by `resamples` of a bootstrap
    from `seed`.

    Raises ScenarioError for what cannot be analysed, and where SALib is missing (extra `analysis`).
    """
    done = sweep if isinstance(sweep, Sweep) else load_sweep(sweep)
    plan = done.manifest["plan"]
    chosen = _method(method, plan)
    names = _outcomes(done, outcomes)
    _check_words(best, resamples)
    lever = lever_of_options(plan, options)
    sample = _sample(done)
    stood = list(_standings(done, names, lever, at or {}, sample, chosen, best))
    asked = [(quantity, kept) for standing, kept in stood for quantity in quantities_of(standing)]
    moves = [_varies(quantity, sample, chosen) for quantity, _ in asked]
    driven = list(compress(asked, moves))
    still = [quantity for (quantity, _), one in zip(asked, moves, strict=True) if not one]
    return Sensitivity(
        chosen, _joined([_rows(quantity, kept, chosen, resamples, seed) for quantity, kept in driven]),
        tuple(standing for standing, _ in stood if len(standing.options) > 1),
        tuple(quantity for quantity, _ in driven),
        _told_sample(done, sample, chosen, min(len(kept.values) for _, kept in stood), resamples, seed),
        _held(done, sample, lever, at or {}), (*done.manifest["notes"], *_caution(chosen, lever), *map(_still, still)),
        ASSUMED if BUDGET in _model(done) else "",
    )  # fmt: skip


def _still(quantity: Quantity) -> str:
    return f"{quantity.words} is the same in all worlds, so nothing drives it"


def _standings(
    done: Sweep,
    names: Mapping[str, str],
    options: Mapping[str, Any] | None,
    at: Mapping[str, float | str],
    sample: Sample,
    method: str,
    best: str,
) -> Iterator[tuple[Standing, Sample]]:
    """Yield how the options stand by each outcome under each condition, in the complete worlds, and these worlds."""
    labels = options_of(options)[0]
    for name, condition, values in _by_condition(done, names, options, at):
        keep = _complete(name, values, sample, method)
        standing = standing_of(name, names[name], condition, values[:, keep], labels, best == "highest")
        yield standing, replace(sample, values=sample.values[keep])


def _check_words(best: str, resamples: int) -> None:
    if best not in ("lowest", "highest"):
        raise ScenarioError(f"best is '{best}'; allowed: lowest, highest{nearest(best, ('lowest', 'highest'))}")
    if resamples < 20:
        raise ScenarioError(f"{resamples} resamples; allowed: 20 or more")


def _caution(method: str, options: Mapping[str, Any] | None) -> list[str]:
    """Return what must be said about how options stand in a design that is no sample of worlds."""
    if method != MORRIS or options is None:
        return []
    return [
        "trajectories visit the ends of ranges more often than a sample would, so shares of worlds are of these alone"
    ]


def _by_condition(
    done: Sweep, names: Iterable[str], options: Mapping[str, Any] | None, at: Mapping[str, float | str]
) -> Iterator[tuple[str, str, Floats]]:
    """Yield each outcome and condition with its values `(option, world)`."""
    plan = done.manifest["plan"]
    for name in names:
        column = done.outcome(name)
        if plan["design"] in CROSSED:
            yield from ((name, *each) for each in by_option(column, plan, options, at))
        else:
            conditions_of(plan, options, at)
            yield name, "", column[None]


def _method(asked: str, plan: Mapping[str, Any]) -> str:
    """Return the method to use; ScenarioError where the sweep's sample does not bear the one asked for."""
    design = plan["design"]
    own = next((method for method, needs in DESIGN_OF.items() if needs == design), PAWN)
    faults = word_faults("method", asked, METHODS)
    if faults:
        raise ScenarioError(faults[0])
    chosen = own if asked == AUTO else asked
    if chosen in DESIGN_OF and design != DESIGN_OF[chosen]:
        message = f"indices of {chosen} need a sweep of design {DESIGN_OF[chosen]}; this one is of design {design}"
        if not _independent(plan):
            message += (
                f", over the worlds of '{plan['ensemble']}', whose constants are not independent of each other, "
                "so that shares of variance have no meaning there"
            )
        raise ScenarioError(f"{message}; allowed: {PAWN}")
    if chosen == PAWN and design == MORRIS:
        raise ScenarioError(f"trajectories of Morris are no sample of worlds, as {PAWN} needs; allowed: {MORRIS}")
    if chosen in DESIGN_OF:
        need_salib()
    return chosen


def _independent(plan: Mapping[str, Any]) -> bool:
    return not plan["worlds"]["sampled"] or plan["ensemble"] == "prior"


def _outcomes(done: Sweep, asked: Sequence[str] | str | None) -> dict[str, str]:
    """Return the outcomes to explain and their units; ScenarioError for a name that the sweep has not."""
    units: dict[str, str] = done.manifest["units"]["outcomes"]
    if asked is None:
        return dict(list(units.items())[:1])
    wanted = [asked] if isinstance(asked, str) else list(asked)
    unknown = [name for name in wanted if name not in units]
    if unknown:
        allowed = ", ".join(units)
        faults = [f"the sweep has no outcome '{n}'; allowed: {allowed}{nearest(n, units)}" for n in unknown]
        raise ScenarioError([Fault(shown(done.folder), None, fault) for fault in faults])
    return {name: units[name] for name in wanted}


def _sample(done: Sweep) -> Sample:
    """Return the inputs that differ between the worlds of a sweep; crossed levers are no inputs of a world."""
    plan = done.manifest["plan"]
    crossed = crossed_levers(plan)
    rows = plan["samples"] if plan["design"] in CROSSED else None
    frame = read_frame(done.folder / "experiments.parquet", rows=rows)
    free = [lever["name"] for lever in plan["levers"] if lever not in crossed]
    moved = {name for lever in plan["levers"] if lever["settings"] is not None for name in lever["sets"]}
    moved |= {name for lever in crossed for name in lever["sets"]}
    names = [*free, *plan["ranges"], *plan["worlds"]["sampled"]]
    group = group_size(plan["design"], len(free) + len(plan["ranges"]))
    kept = [name for name in names if group > 1 or (name not in moved and frame[name].nunique() > 1)]
    if not kept:
        raise ScenarioError(
            Fault(shown(done.folder), None, "no input differs between worlds; nothing can be explained")
        )
    values = np.stack([_numbers(frame[name], plan, name) for name in kept], axis=1)
    left = tuple(name for name in names if name in moved)
    if group > 1:
        values = _shares(done, kept, values, left)
    return Sample(tuple(kept), values, group, plan["design"], _independent(plan), left)


def _shares(done: Sweep, names: Sequence[str], values: Floats, left: Sequence[str]) -> Floats:
    """Return the design's own shares `(world, input)`, which must be those that the stored inputs come from."""
    plan = done.manifest["plan"]
    at = np.arange(plan["samples"])
    shares = sampled_shares(plan["design"], len(names), plan["samples"], plan["seed"], at)
    bounds = {lever["name"]: lever["bounds"] for lever in plan["levers"]}
    for i, name in enumerate(names):
        if name in left:
            continue
        low, high = bounds.get(name, (0.0, 0.0))
        each = Uncertainty(**plan["ranges"][name]) if name in plan["ranges"] else None
        expected = each.at(shares[:, i]) if each else low + (high - low) * shares[:, i]
        if not np.allclose(values[:, i], expected, rtol=1e-9, atol=1e-12):
            message = f"'{name}' is not what the design gives; was the sweep made by another version of NumPy or SciPy?"
            raise ScenarioError(Fault(shown(done.folder), None, message))
    return shares


def _numbers(column: pd.Series[Any], plan: Mapping[str, Any], name: str) -> Floats:
    """Return an input as numbers `(world,)`, the names of scenarios by their place in the lever."""
    lever = next((lever for lever in plan["levers"] if lever["name"] == name), None)
    if lever is None or lever["settings"] is None:
        return np.asarray(column, dtype=float)
    return np.array([lever["labels"].index(label) for label in column], dtype=float)


def _complete(outcome: str, values: Floats, sample: Sample, method: str) -> NDArray[np.bool_]:
    """Return which worlds are used: those with numbers throughout, in whole groups; for PAWN independent ones alone.

    Raises ScenarioError where they are too few.
    """
    good = np.isfinite(values).all(axis=0).reshape(-1, sample.group)
    if method == PAWN:
        keep = good if sample.group == 1 else good & _ends(sample)
    else:
        keep = np.broadcast_to(good.all(axis=1, keepdims=True), good.shape)
    fewest = 2 * SMALLEST_SLICE if method == PAWN else FEWEST_GROUPS * sample.group
    if keep.sum() < fewest:
        what, size = ("worlds", 1) if method == PAWN else ("groups of runs", sample.group)
        told = f"has numbers in {keep.sum() // size:,} {what}; {method} needs {fewest // size} or more"
        raise ScenarioError(f"'{outcome}' {told}")
    return keep.ravel()


def _varies(quantity: Quantity, sample: Sample, method: str) -> bool:
    """Whether a quantity differs between worlds; for Sobol between those whose variance is explained."""
    parts = quantity.parts
    if method == SOBOL:
        parts = parts.reshape(len(parts), -1, sample.group)[..., [0, -1]]
    return bool(np.ptp(parts.reshape(len(parts), -1), axis=1).max() > 0)


def _ends(sample: Sample) -> NDArray[np.bool_]:
    """Return which members of a group are independent of each other: the first and the last, rows of A and of B."""
    member = np.arange(sample.group)
    return np.asarray((member == 0) | (member == sample.group - 1))


def _rows(quantity: Quantity, sample: Sample, method: str, resamples: int, seed: int) -> pd.DataFrame:
    """Return the rows of one quantity, one an input; those left out as inputs of a design for indices are dropped."""
    import pandas as pd

    found = _index(quantity, sample, method, resamples, seed)
    columns: dict[str, Any] = {
        "kind": quantity.kind, "outcome": quantity.outcome, "option": quantity.option,
        "condition": quantity.condition, "input": sample.names, "unit": quantity.unit,
        "index": found.value, "low": found.low, "high": found.high, **found.more,
    }  # fmt: skip
    if len(quantity.parts) == 1:
        at = np.tile(_ends(sample), len(sample.values) // sample.group) if method != PAWN else slice(None)
        ends = np.array(list(ends_of(sample.values[at], quantity.parts[0][at])))
        columns |= {"when_low": ends[:, 0], "when_high": ends[:, 1], "when_margin": ends[:, 2]}
    else:
        columns |= dict.fromkeys(("when_low", "when_high", "when_margin"), np.nan)
    frame = pd.DataFrame(columns)
    return frame[~frame["input"].isin(sample.left_out)]


def _index(quantity: Quantity, sample: Sample, method: str, resamples: int, seed: int) -> Index:
    parts, weights = quantity.parts, quantity.weights
    if method == SOBOL:
        return sobol_index(parts, sample.group, weights, resamples, CONFIDENCE, seed)
    if method == MORRIS:
        step = MORRIS_STEP if quantity.kind == BEST else 1.0  # a chance is that of one step
        return morris_index(sample.values, parts, step * weights, resamples, CONFIDENCE, seed)
    return pawn_index(sample.values, parts, weights, resamples, CONFIDENCE, seed)


def _joined(rows: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    if not rows:
        raise ScenarioError("no outcome differs between worlds; nothing drives it")
    return pd.concat(rows, ignore_index=True)


def _told_sample(done: Sweep, sample: Sample, method: str, used: int, resamples: int, seed: int) -> dict[str, Any]:
    """Return what the indices rest on, as plain data."""
    plan = done.manifest["plan"]
    told = {
        "sweep": done.name, "title": done.manifest["title"], "sweep_id": done.manifest["plan_hash"][:12],
        "design": plan["design"], "runs": done.runs, "failed": done.failed, "seed": plan["seed"],
        "ensemble": plan["ensemble"], "worlds": len(sample.values), "used": used, "group_size": sample.group,
        "inputs": len(sample.names), "independent": sample.independent, "confidence": CONFIDENCE,
        "resamples": resamples, "bootstrap_seed": seed, "model": plan["model"], "model_hash": plan["model_hash"],
    }  # fmt: skip
    if method == PAWN and not sample.independent:
        told["strongest_dependence"] = _dependence(sample)
    return told


def _model(done: Sweep) -> Model:
    """Return the copy of the model in the sweep's folder."""
    return load_model(done.folder / f"{done.manifest['plan']['model']}.mdl")


def _dependence(sample: Sample) -> dict[str, Any]:
    """Return the two inputs that go together most, and their rank correlation."""
    from scipy.stats import rankdata

    together = np.corrcoef(rankdata(sample.values, axis=0), rowvar=False)
    np.fill_diagonal(together, 0)
    one, other = np.unravel_index(int(np.abs(together).argmax()), together.shape)
    pair = [sample.names[one], sample.names[other]]
    return {"inputs": pair, "rank_correlation": float(together[one, other])}


def _held(
    done: Sweep, sample: Sample, options: Mapping[str, Any] | None, at: Mapping[str, float | str]
) -> dict[str, Any]:
    """Return what was held fixed: what the sweep sets, levers, inputs left out, and all else at the model's values."""
    plan = done.manifest["plan"]
    model = _model(done)
    moved = {name for lever in plan["levers"] for name in lever["sets"]}
    varied = {*sample.names, *plan["ranges"], *plan["worlds"]["sampled"], *moved}
    others = [name for name in model.constants if name not in {*varied, *plan["base"], *CONTROLS}]
    return {
        "options": options["name"] if options else None,
        "other_levers": levers_words(plan, options, at),
        "set_by_the_sweep": {n: [v, model.find(n).unit] for n, v in plan["base"].items() if n not in moved},
        "left_out": list(sample.left_out),
        "series": list(plan["series"]),
        "at_the_models_value": len(others),
    }
