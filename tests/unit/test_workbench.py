"""A sweep's runs go straight into the EMA workbench's PRIM, CART and feature scoring, in its versions 2 and 3."""

from __future__ import annotations

import inspect
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import transition_sim as ts

pytest.importorskip("ema_workbench")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the workbench's own, of pandas and of extras that it lacks
]
RISK = "relapse probability at 20 years"
Results = tuple[pd.DataFrame, dict[str, Any]]
SWEEP = """
title: when is the risk high
based_on: contexts/reference
levers:
  draw down start: [24, 96]
  bridging: [entry_points/none, entry_points/draw_down]
uncertainties:
  baseline hazard of war: {low: 0.0012, high: 0.007}
  mission hazard weight: {low: 0.05, high: 0.46}
  optimism: {low: 0.1, high: 0.5}
runs: 150
outcomes: [relapse probability at 20 years, cost]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("workbench")
    (folder / "s.yaml").write_text(SWEEP)
    return ts.run_sweep(folder / "s.yaml", folder / "o", csv=False).for_workbench()


@pytest.fixture(scope="module")
def high(results: Results) -> Any:
    return results[1][RISK] > np.quantile(results[1][RISK], 0.8)


def test_results_are_numbers_of_the_runs_that_did_not_fail(results: Results) -> None:
    experiments, outcomes = results
    assert list(experiments) == [
        "draw down start", "bridging: entry_points/none", "bridging: entry_points/draw_down",
        "baseline hazard of war", "mission hazard weight", "optimism",
    ]  # fmt: skip
    assert all(kind.kind == "f" for kind in experiments.dtypes)
    assert experiments["bridging: entry_points/none"].sum() == 300
    assert list(outcomes) == [RISK, "cost"]
    assert all(len(values) == len(experiments) == 600 for values in outcomes.values())


def test_runs_that_failed_are_left_out(tmp_path: Path) -> None:
    from transition_sim.study.sweeps.workbench import workbench_results

    experiments = pd.DataFrame({"run": [0, 1, 2], "world": [0, 1, 2], "x": [1.0, 2.0, 3.0]})
    outcomes = pd.DataFrame({"run": [0, 1, 2], "y": [1.0, np.nan, 3.0], "failed": [False, True, False]})
    kept, found = workbench_results({"levers": []}, experiments, outcomes)
    assert kept["x"].tolist() == found["y"].tolist() == [1, 3]


def test_prim_finds_the_box_of_high_risk(results: Results, high: Any) -> None:
    from ema_workbench.analysis import prim

    assert version("ema_workbench").split(".")[0] in ("2", "3")
    needs = inspect.signature(prim.Prim.__init__).parameters
    box = prim.Prim(results[0], high, **({"threshold": 0.8} if "threshold" in needs else {})).find_box()
    assert box.density > 0.75
    table = box.inspect(style="data")[0][1]
    assert "baseline hazard of war" in table.index
    low, top = table.loc["baseline hazard of war"].iloc[:2]
    assert 0.0025 < low < top <= 0.007


def test_cart_splits_on_what_raises_the_risk(results: Results, high: Any) -> None:
    from ema_workbench.analysis import cart

    tree = cart.CART(results[0], high, mass_min=0.1)
    tree.build_tree()
    first = int(tree.clf.tree_.feature[0])
    assert results[0].columns[first] == "baseline hazard of war"
    assert max(stats["density"] for stats in tree.stats) > 0.7


def test_feature_scores_put_the_same_input_first(results: Results) -> None:
    from ema_workbench.analysis import feature_scoring

    experiments, outcomes = results
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = feature_scoring.get_feature_scores_all(experiments, outcomes, nr_trees=20, random_state=1)
    assert scores[RISK].idxmax() == "baseline hazard of war"
    assert scores[RISK]["optimism"] < 0.1
    assert scores["cost"].idxmax() == "draw down start"
