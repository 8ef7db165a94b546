"""What a sensitivity analysis says to a person, as lines of text, and as plain data for `--json`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from transition_sim.study.outcomes import NOTE
from transition_sim.study.sensitivity.indices import MORRIS, PAWN, SOBOL
from transition_sim.study.sensitivity.quantities import Quantity, short
from transition_sim.study.wording import filled, worlds_words

if TYPE_CHECKING:
    from transition_sim.study.sensitivity.analysis import Sensitivity

SHOWN = 8
INDEX_OF = {SOBOL: "total", MORRIS: "effect", PAWN: "index"}
SAYS = {
    SOBOL: "Sobol indices of total order: the share of the variance that an input has a part in, alone or with others; "
    "first: alone. Estimates: where runs are few, chance puts some above 1, or first above total",
    MORRIS: "Morris' mean absolute effect of moving an input across its whole range, in the unit of the outcome, or in "
    "places of the ranking; for which option is best, the chance that a step of two thirds of the range changes it",
    PAWN: "PAWN: how far the distribution moves when an input is known to lie in a tenth of its range, 0 to 1; above "
    "that of an input without effect. It needs neither moments nor independent inputs",
}


def sensitivity_lines(found: Sensitivity, shown: int = SHOWN) -> Iterator[str]:
    """Yield what an analysis says: sample, what was held fixed, options, and the largest indices of each headline."""
    yield from filled(sample_words(found))
    yield from filled(held_words(found))
    yield from filled(f"{SAYS[found.method]}. Intervals: {confidence_words(found)}.")
    for note in found.notes:
        yield from filled(f"Note: {note}.")
    yield from _option_lines(found)
    for quantity in found.headlines:
        yield from _quantity_lines(found, quantity, shown)
    yield ""
    if found.assumption:
        yield from filled(f"ASSUMPTION: {found.assumption}")
    yield from filled(f"A {NOTE}.")


def sample_words(found: Sensitivity) -> str:
    """Return in one sentence what sample the indices rest on."""
    s = found.sample
    worlds = f" of {s['ensemble']} ({worlds_words(s['ensemble'])})" if s["ensemble"] else ""
    used = "" if s["used"] == s["worlds"] else f", {s['used']:,} of them used"
    groups = f" in groups of {s['group_size']}" if s["group_size"] > 1 else ""
    text = (
        f"Sample: sweep {s['sweep']} ({s['sweep_id']}), design {s['design'].replace('_', ' ')}, {s['runs']:,} runs, "
        f"{s['worlds']:,} worlds{worlds}{groups}{used}, {s['inputs']} inputs, seed {s['seed']}."
    )
    if s["failed"]:
        text += f" {s['failed']:,} runs failed and are left out."
    if not s["independent"]:
        pair = s["strongest_dependence"]
        text += (
            " Calibrated worlds: their inputs are NOT independent, so an index counts what goes together with an input "
            f"too (strongest: {pair['inputs'][0]} with {pair['inputs'][1]}, rank correlation "
            f"{pair['rank_correlation']:+.2f}); shares of variance would have no meaning."
        )
    return text


def confidence_words(found: Sensitivity) -> str:
    """Return how sure the indices are."""
    s = found.sample
    over = "groups of runs" if s["group_size"] > 1 and found.method != PAWN else "worlds"
    text = f"{100 * s['confidence']:.0f} %, {s['resamples']} bootstrap resamples of {over}, seed {s['bootstrap_seed']}"
    if found.method == PAWN:
        text += "; *: larger than the strongest of so many inputs without effect would be, in 95 of 100 samples"
    return text


def held_words(found: Sensitivity) -> str:
    """Return what was held fixed."""
    held = found.held
    fixed = held["set_by_the_sweep"].items()
    given = [f"{name} {_plainly(value)} {unit}".removesuffix(" Dmnl") for name, (value, unit) in fixed]
    parts = [", ".join(given)] if given else []
    parts.append(f"{held['at_the_models_value']} other constants at the model's values")
    text = f"Held fixed: {'; '.join(parts)}."
    if held["other_levers"]:
        text += f" Levers: {'; '.join(f'{name} {words}' for name, words in held['other_levers'].items())}."
    if held["series"]:
        text += f" Given over time: {', '.join(held['series'])}."
    if held["left_out"]:
        text += f" Set by some level of a lever, so no input: {', '.join(held['left_out'])}."
    return text


def _plainly(value: float) -> str:
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:g}"


def _option_lines(found: Sensitivity) -> Iterator[str]:
    """Yield how the options stand, by outcome and condition."""
    table = found.options
    if not len(table):
        return
    for (outcome, condition), part in table.groupby(["outcome", "condition"], sort=False):
        yield ""
        yield from filled(f"Options by {outcome}" + (f", {condition}" if condition else ""))
        scale = next(each.scale for each in found.quantities if each.outcome == outcome)
        yield f"  {'option':<28} {'best in %':>9} {'median rank':>12} {'median regret':>14} {'90th pct.':>10}"
        for row in part.to_dict("records"):
            yield (
                f"  {_fitted(short(row['option']), 28):<28} {100 * row['share_best']:>9.0f} {row['median_rank']:>12g} "
                f"{brief(scale * row['median_regret']):>14} {brief(scale * row['p90_regret']):>10}"
            )


def _quantity_lines(found: Sensitivity, quantity: Quantity, shown: int) -> Iterator[str]:
    ends, alone = len(quantity.parts) == 1, found.method == SOBOL
    scale = index_scale(found, quantity)
    yield ""
    unit = f", {quantity.measure}" if quantity.measure and (ends or found.method == MORRIS) else ""
    yield from filled(quantity.words[0].upper() + quantity.words[1:] + unit)
    heads = [f"{'input':<28} {'interval':>16} {INDEX_OF[found.method]:>7}"]
    heads += [f"{'first':>6}"] * alone + [f"{'when low':>9} {'high':>7}"] * ends
    yield f"  {' '.join(heads)}"
    for row in found.of(quantity, shown).to_dict("records"):
        mark = "*" if row.get("clear") else " "
        low, high = brief(scale * row["low"]), brief(scale * row["high"])
        cells = [f"{_fitted(row['input'], 28):<28} {f'{low} to {high}':>16} {brief(scale * row['index']):>7}"]
        cells += [f"{row['first']:>6.2f}"] if alone else []
        if ends:
            cells += [f"{brief(quantity.scale * row['when_low']):>9} {brief(quantity.scale * row['when_high']):>7}"]
        yield f"{mark} {' '.join(cells)}".rstrip()


def _fitted(text: str, width: int) -> str:
    """Return a text of at most some width: of a longer one the middle is left out."""
    half = (width - 3) // 2
    return text if len(text) <= width else f"{text[:half]}...{text[-half:]}"


def index_scale(found: Sensitivity, quantity: Quantity) -> float:
    """Return what an index is multiplied by where people read it: only Morris' has the unit of the quantity."""
    return quantity.scale if found.method == MORRIS and len(quantity.parts) == 1 else 1.0


def brief(value: Any) -> str:
    """Return a number as short as people need it, in at most seven signs."""
    number = float(value)
    if not math.isfinite(number):
        return "-"
    if abs(number) >= 100:
        return f"{number:,.0f}" if abs(number) < 1e5 else f"{number:.1e}"
    return f"{number + 0.0:.2f}".replace("-0.00", "0.00")


def sensitivity_data(found: Sensitivity) -> dict[str, Any]:
    """Return an analysis as plain data, missing numbers as None."""
    return {
        "method": found.method, "says": SAYS[found.method], "sample": dict(found.sample),
        "held_fixed": dict(found.held), "notes": list(found.notes),
        "options": _records(found.options.to_dict("records")),
        "indices": _records(found.table.to_dict("records")), "note": f"{NOTE}. {found.assumption}".strip(),
    }  # fmt: skip


def _records(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
