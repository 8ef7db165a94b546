"""Sensitivity: published indices through our own pipeline, inputs without effect, rankings, refusals, what is told."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

import transition_sim as ts
from transition_sim.errors import ScenarioError
from transition_sim.study.sensitivity import indices
from transition_sim.study.sensitivity.analysis import DESIGN_OF, Sensitivity, sensitivity
from transition_sim.study.sensitivity.quantities import BEST, DIFFERENCE, LEVEL, RANK, RANKING, REGRET, standing_of
from transition_sim.study.sweeps import sweep as sweeps
from transition_sim.study.sweeps.plan import load_job
from transition_sim.study.sweeps.sweep import Sweep

pytest.importorskip("SALib")
MODELS = Path(__file__).parents[1] / "sensitivity"
A, B = 7.0, 0.1
OPTIONS = """
title: three options
model: options.mdl
levers:
  choice: [0, 1, 2]
uncertainties:
  level: {low: 0, high: 10}
  gain one: {low: 0.1, high: 1.1}
  gain two: {low: 0.1, high: 1.1}
  idle: {low: 0, high: 1}
"""


def run(name: str, folder: Path, design: str = "saltelli", runs: int | None = None) -> Sweep:
    """Run a sweep of this file's models in another design; return it."""
    for path in MODELS.glob(f"{name}.*"):
        shutil.copy(path, folder)
    text = (folder / f"{name}.yaml").read_text().replace("design: saltelli", f"design: {design}")
    (folder / f"{name}.yaml").write_text(text)
    return ts.run_sweep(folder / f"{name}.yaml", folder / "out", runs=runs, csv=False)


@pytest.fixture(scope="module")
def ishigami(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return run("ishigami", tmp_path_factory.mktemp("ishigami"))


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Sweep]:
    """Return a function that runs three options, whose ranking hangs on two gains alone, in some design."""
    folder = tmp_path_factory.mktemp("options")
    equations = [f"{name} = 0 ~ ~ |" for name in ("choice", "level", "gain one", "gain two", "idle")]
    cost = "cost of it = level - IF THEN ELSE(choice=1, gain one, 0) - IF THEN ELSE(choice=2, gain two, 0) ~ ~ |"
    clock = ["INITIAL TIME = 0 ~ ~ |", "FINAL TIME = 1 ~ ~ |", "TIME STEP = 1 ~ ~ |", "SAVEPER = 1 ~ ~ |"]
    (folder / "options.mdl").write_text("\n".join(["{UTF-8}", *equations, cost, *clock]) + "\n")
    known: dict[tuple[str, str], Sweep] = {}

    def made(design: str, runs: int = 256, more: str = "") -> Sweep:
        if (design, more) not in known:
            text = f"{OPTIONS}design: {design}\nruns: {runs}\noutcomes: [final cost of it]\n{more}"
            (folder / "s.yaml").write_text(text)
            known[design, more] = ts.run_sweep(folder / "s.yaml", folder / f"out{len(known)}", csv=False)
        return known[design, more]

    return made


def column(found: Sensitivity, kind: str, name: str = "index", option: str | None = None) -> dict[str, float]:
    """Return a column of one quantity's rows by input."""
    table = found.table[(found.table["kind"] == kind) & ((found.table["option"] == option) if option else True)]
    return dict(zip(table["input"], table[name], strict=True))


def test_ishigami_has_its_published_indices(ishigami: Sweep) -> None:
    found = sensitivity(ishigami)
    v1, v2, v13 = 0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, B**2 * np.pi**8 * (1 / 18 - 1 / 50)
    first = np.array([v1, v2, 0, 0]) / (v1 + v2 + v13)
    total = np.array([v1 + v13, v2, v13, 0]) / (v1 + v2 + v13)
    assert first == pytest.approx([0.3139, 0.4424, 0, 0], abs=5e-5)  # as published
    assert total == pytest.approx([0.5576, 0.4424, 0.2437, 0], abs=5e-5)
    table = found.table
    assert table["first"].to_numpy() == pytest.approx(first, abs=0.01)
    assert table["index"].to_numpy() == pytest.approx(total, abs=0.01)
    for value, low, high in ((first, "first_low", "first_high"), (total, "low", "high")):
        assert ((table[low] <= value) & (value <= table[high])).all()
    assert (table["high"] - table["low"]).max() < 0.12


def test_sobol_g_has_its_published_indices(tmp_path: Path) -> None:
    found = sensitivity(run("sobol_g", tmp_path))
    each = 1 / 3 / (1 + np.array([0, 1, 4.5, 9, 99, 99, 99, 99])) ** 2
    whole = np.prod(1 + each)
    first, total = each / (whole - 1), each * whole / (1 + each) / (whole - 1)
    assert first[:4] == pytest.approx([0.7165, 0.1791, 0.0237, 0.0072], abs=5e-4)  # as published, to 3 digits
    assert found.table["first"].to_numpy() == pytest.approx(first, abs=0.01)
    assert found.table["index"].to_numpy() == pytest.approx(total, abs=0.01)


def test_designs_are_those_of_salib(ishigami: Sweep, tmp_path: Path) -> None:
    from SALib.sample import sobol

    names = ["x1", "x2", "x3", "dummy"]
    problem = {"num_vars": 4, "names": names, "bounds": [[0, 1]] * 4}
    theirs = sobol.sample(problem, 4096, calc_second_order=False, seed=np.random.default_rng([7, 0x50B01]))
    spread = np.array([2 * np.pi] * 3 + [2])
    assert np.array_equal(ishigami.experiments[names].to_numpy(), -spread / 2 + spread * theirs)
    morris = run("ishigami", tmp_path, "morris", 50).experiments[names].to_numpy()
    levels = ((morris / spread + 0.5) * 3).reshape(50, 5, 4)
    assert set(np.unique(levels.round(9))) == {0, 1, 2, 3}
    steps = np.diff(levels, axis=1).round(9)
    assert (np.sort(np.abs(steps), axis=2) == [0, 0, 0, 2]).all()  # one input at a time, across two thirds
    assert (np.abs(steps).sum(axis=1) == 2).all()  # each once a trajectory
    assert 0.4 < (steps > 0).sum() / 200 < 0.6


@pytest.mark.parametrize("design", ["saltelli", "morris", "latin_hypercube"])
def test_an_input_without_effect_has_an_index_within_its_confidence_of_zero(design: str, tmp_path: Path) -> None:
    found = sensitivity(run("ishigami", tmp_path, design, {"saltelli": 256, "morris": 40}.get(design, 1000)))
    low, high = column(found, LEVEL, "low"), column(found, LEVEL, "high")
    assert low["dummy"] <= 0 <= high["dummy"]
    assert low["x1"] > 0
    assert low["x2"] > 0
    if design == "latin_hypercube":
        assert column(found, LEVEL, "raw")["dummy"] > 0.01  # PAWN as it is, is above zero
        assert column(found, LEVEL, "raw")["dummy"] < column(found, LEVEL, "dummy")["dummy"] < 0.2


def test_pawn_is_seldom_above_zero_for_inputs_without_effect() -> None:
    generator = np.random.default_rng(1)
    inputs, values = generator.random((400, 200)), generator.random(400)
    found = indices.pawn_index(inputs, values[None], np.ones(1), 40, 0.95, 3)
    assert (found.low > 0).mean() < 0.06
    assert (found.more["raw"] > found.more["dummy"]).mean() == pytest.approx(0.05, abs=0.04)
    assert found.more["clear"].sum() <= 1
    values = inputs[:, 7] + 0.5 * values
    again = indices.pawn_index(inputs, values[None], np.ones(1), 20, 0.95, 3)
    assert np.flatnonzero(again.more["clear"]).tolist() == [7]


def test_morris_effects_of_a_straight_line_are_its_slopes(options: Callable[..., Sweep]) -> None:
    found = sensitivity(options("morris", 20))
    assert column(found, LEVEL) == pytest.approx({"level": 10, "gain one": 0, "gain two": 0, "idle": 0}, abs=1e-9)
    change = column(found, DIFFERENCE, "mean_effect", option="choice = 1")
    assert change == pytest.approx({"level": 0, "gain one": -1, "gain two": 0, "idle": 0}, abs=1e-9)
    assert max(column(found, LEVEL, "spread_of_effects").values()) < 1e-9


@pytest.mark.parametrize("design", ["saltelli", "morris", "grid"])
def test_what_drives_the_level_is_not_what_drives_the_ranking(options: Callable[..., Sweep], design: str) -> None:
    """The level of all options follows one input; their order in the same world follows two others alone."""
    found = sensitivity(options(design, 20 if design == "morris" else 1000 if design == "grid" else 256))
    level, ranking, best = (column(found, kind) for kind in (LEVEL, RANKING, BEST))
    assert max(level, key=level.__getitem__) == "level"
    for joint in (ranking, best):
        assert set(sorted(joint, key=joint.__getitem__)[-2:]) == {"gain one", "gain two"}
    none = ("level", "idle")
    if design == "grid":
        low = column(found, RANKING, "low")
        assert all(low[name] == 0 < low[gain] for name in none for gain in ("gain one", "gain two"))
    else:
        assert all(ranking[name] == best[name] == 0 for name in none)
    shares = found.options.set_index("option")["share_best"]
    assert shares["choice = 0"] == 0
    assert shares["choice = 1"] == pytest.approx(0.5, abs=0.1 if design == "morris" else 0.03)
    assert any("shares of worlds" in note for note in found.notes) == (design == "morris")
    assert found.options.set_index("option")["median_rank"]["choice = 0"] == 3


def test_index_of_several_parts_is_that_of_their_summed_variance(options: Callable[..., Sweep]) -> None:
    """Held against the covariance of the parts, computed another way, and against SALib for a single part."""
    done = options("saltelli")
    values = done.outcomes["final cost of it"].to_numpy().reshape(3, -1, 6)
    ranks = values.argsort(axis=0).argsort(axis=0) + 1.0
    a, mixed, b = ranks[..., 0], ranks[..., 1:-1], ranks[..., -1]
    total = 0.5 * ((a[..., None] - mixed) ** 2).mean(axis=1).sum(axis=0)
    total /= np.concatenate([a, b], axis=1).var(axis=1).sum()
    assert list(column(sensitivity(done), RANKING).values()) == pytest.approx(total)


def test_confidence_agrees_with_that_of_salib(ishigami: Sweep) -> None:
    from SALib.analyze import sobol

    y = ishigami.outcomes["final y"].to_numpy()[: 512 * 6]
    theirs = sobol.analyze(indices._problem(4), y, calc_second_order=False, num_resamples=500, seed=3)
    ours = indices.sobol_index(y[None], 6, np.ones(1), 500, 0.95, 3)
    for key, value, low, high in (
        ("ST", ours.value, ours.low, ours.high),
        ("S1", ours.more["first"], ours.more["first_low"], ours.more["first_high"]),
    ):
        assert np.array_equal(value, theirs[key])
        assert (high - low)[:3] / 2 == pytest.approx(theirs[f"{key}_conf"][:3], rel=0.2)


def test_pawn_is_the_distance_of_kolmogorov_and_smirnov() -> None:
    from SALib.analyze import pawn

    generator = np.random.default_rng(5)
    inputs = generator.random((500, 3))
    values = inputs[:, 0] + 0.3 * generator.random(500)
    slices = np.stack([indices.slice_of(column) for column in inputs.T], axis=1)
    assert (np.bincount(slices[:, 0]) == 50).all()
    expected = [np.median([ks_2samp(values[column == s], values).statistic for s in range(10)]) for column in slices.T]
    assert indices._distances(slices, values, indices.LEVELS) == pytest.approx(np.array(expected))
    theirs = pawn.analyze(indices._problem(3), inputs, values)["median"]
    assert expected == pytest.approx(theirs, abs=0.02)  # its last slice lacks the largest value
    assert indices._distances(slices, values, 64) == pytest.approx(np.array(expected), abs=0.02)


def test_few_values_are_slices_of_their_own() -> None:
    assert indices.slice_of(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2, 0, 2, 1]
    assert len(np.unique(indices.slice_of(np.arange(90.0)))) == 4  # at least twenty worlds a slice


def test_the_same_seed_gives_the_same_table_and_zero_is_a_seed(ishigami: Sweep) -> None:
    tables = [sensitivity(ishigami, seed=seed).table for seed in (0, 0, 7)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert not tables[0]["low"].equals(tables[2]["low"])
    assert tables[0]["index"].equals(tables[2]["index"])


def test_options_stand_as_their_outcomes_say() -> None:
    values = np.array([[3.0, 3.0, 1.0], [1.0, 2.0, 1.0], [2.0, 1.0, 5.0]])
    low = standing_of("cost", "", "", values, ("a", "b", "c"), highest=False)
    assert low.best.mean(axis=1) == pytest.approx([1 / 6, 1 / 2, 1 / 3])
    assert low.regret[0].tolist() == [2, 2, 0]
    assert low.ranks[:, 2].tolist() == [1.5, 1.5, 3]
    high = standing_of("gain", "", "", values, ("a", "b", "c"), highest=True)
    assert high.best.mean(axis=1) == pytest.approx([2 / 3, 0, 1 / 3])
    assert high.regret[2].tolist() == [1, 2, 0]


def test_every_option_has_its_change_rank_and_regret(options: Callable[..., Sweep]) -> None:
    found = sensitivity(options("saltelli"))
    kinds = found.table.groupby("kind")["option"].unique()
    assert list(kinds[DIFFERENCE]) == ["choice = 1", "choice = 2"]
    assert set(kinds[REGRET]) == {"choice = 0", "choice = 1", "choice = 2"}
    assert set(kinds[RANK]) <= {"choice = 0", "choice = 1", "choice = 2"}
    assert any("rank of choice = 0" in note and "the same in all worlds" in note for note in found.notes)
    assert [quantity.kind for quantity in found.headlines] == [LEVEL, RANKING, BEST, DIFFERENCE]


def test_ends_of_an_input_show_its_direction(options: Callable[..., Sweep]) -> None:
    found = sensitivity(options("saltelli"))
    low, high = (column(found, LEVEL, end) for end in ("when_low", "when_high"))
    assert (low["level"], high["level"]) == (pytest.approx(1, abs=0.1), pytest.approx(9, abs=0.1))
    margin = column(found, LEVEL, "when_margin")
    assert abs(high["idle"] - low["idle"]) < margin["idle"] < 1


def test_a_lever_without_levels_is_an_input_and_one_with_levels_is_crossed(options: Callable[..., Sweep]) -> None:
    done = options("saltelli", more="why: {choice: definition - three options}\n")
    assert list(done.experiments)[:3] == ["run", "choice", "world"]
    folder = done.folder.parent
    text = OPTIONS.replace("  choice: [0, 1, 2]", "  choice: {from: 0, to: 2}\n  idle: [0, 1]")
    (folder / "free.yaml").write_text(
        text.replace("  idle: {low: 0, high: 1}\n", "") + "design: saltelli\nruns: 64\noutcomes: [final cost of it]\n"
    )
    found = sensitivity(ts.run_sweep(folder / "free.yaml", folder / "free", csv=False), options="idle")
    assert list(column(found, LEVEL)) == ["choice", "level", "gain one", "gain two"]
    assert found.sample["group_size"] == 6
    assert found.notes[-1].startswith("regret of idle = 1")  # the two options are level in all worlds


def test_levels_of_other_levers_are_conditions(tmp_path: Path) -> None:
    text = (
        "title: t\nbased_on: contexts/reference\nlevers:\n  draw down start: [24, 96]\n"
        "  bridging: [entry_points/draw_down, entry_points/none]\nuncertainties: c5\nruns: 60\n"
        "outcomes: [relapse probability at 20 years, cost]\n"
    )
    (tmp_path / "s.yaml").write_text(text)
    done = ts.run_sweep(tmp_path / "s.yaml", tmp_path / "o", csv=False)
    found = sensitivity(done, resamples=20)
    assert set(found.table["condition"]) == {"draw down start = 24", "draw down start = 96"}
    assert found.held["other_levers"] == {"draw down start": "2 levels, each apart"}
    assert found.headlines[0].words == "relapse probability at 20 years, none (draw down start = 24)"
    gap = found.headlines[0].parts[0]
    values = done.outcomes["relapse probability at 20 years"].to_numpy().reshape(2, 2, 60)
    assert np.array_equal(gap, values[0, 1])
    one = sensitivity(done, "cost", at={"draw down start": "96"}, resamples=20)
    assert one.held["other_levers"] == {"draw down start": "held at 96"}
    assert set(one.table["outcome"]) == {"cost"}
    assert one.sample["independent"] is False
    assert abs(one.sample["strongest_dependence"]["rank_correlation"]) > 0.3
    assert "draw down start" not in one.held["set_by_the_sweep"]
    assert one.held["set_by_the_sweep"]["population"] == [4e6, "Person"]
    with pytest.raises(ScenarioError, match=r"indices of sobol need a sweep of design saltelli.*'c5'.*no meaning"):
        sensitivity(done, method="sobol")
    with pytest.raises(ScenarioError, match=r"no level '48'; allowed: 24, 96"):
        sensitivity(done, at={"draw down start": 48})
    with pytest.raises(
        ScenarioError, match=r"'bridgin' is no lever whose levels can be ranked.*did you mean 'bridging'"
    ):
        sensitivity(done, options="bridgin")


def test_many_conditions_are_averaged_in_each_world(options: Callable[..., Sweep]) -> None:
    folder = options("saltelli").folder.parent
    text = OPTIONS.replace("  idle: {low: 0, high: 1}\n", "").replace(
        "  choice: [0, 1, 2]", "  choice: [0, 1, 2]\n  idle: {from: 0, to: 1, steps: 6}"
    )
    (folder / "mean.yaml").write_text(text + "design: morris\nruns: 9\noutcomes: [final cost of it]\n")
    found = sensitivity(ts.run_sweep(folder / "mean.yaml", folder / "mean", csv=False), options="choice")
    assert set(found.table["condition"]) == {"mean over 6 levels of idle"}
    assert found.held["other_levers"] == {"idle": "6 levels, averaged in each world"}


@pytest.mark.parametrize(
    ("design", "asked", "told"),
    [
        ("morris", {"method": "pawn"}, "trajectories of Morris are no sample of worlds.*allowed: morris"),
        ("morris", {"method": "sobol"}, "need a sweep of design saltelli; this one is of design morris"),
        ("saltelli", {"method": "sobl"}, "allowed: auto, sobol, morris, pawn; did you mean 'sobol'"),
        (
            "saltelli",
            {"outcomes": "final cots"},
            "has no outcome 'final cots'; allowed: final cost of it; did you mean",
        ),
        ("saltelli", {"best": "lowst"}, "allowed: lowest, highest; did you mean 'lowest'"),
        ("saltelli", {"resamples": 3}, "3 resamples; allowed: 20 or more"),
        ("saltelli", {"at": {"level": 3}}, "'level' is no lever to choose a level of; allowed: none"),
    ],
)
def test_what_cannot_be_analysed_is_refused(
    options: Callable[..., Sweep], design: str, asked: dict[str, object], told: str
) -> None:
    done = options(design, 20) if design == "morris" else options(design)
    with pytest.raises(ScenarioError, match=told):
        sensitivity(done, **asked)  # type: ignore[arg-type]


def test_too_few_worlds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"numbers in 4 groups of runs; sobol needs 8 or more"):
        sensitivity(run("ishigami", tmp_path, "saltelli", 4))
    (tmp_path / "x").mkdir()
    with pytest.raises(ScenarioError, match="numbers in 30 worlds; pawn needs 40 or more"):
        sensitivity(run("ishigami", tmp_path / "x", "latin_hypercube", 30))


def test_failed_runs_are_left_out_with_their_group(mdl: Callable[..., Path], tmp_path: Path) -> None:
    mdl("u = 1", "v = 1", "y = SQRT(u) + v", "z = INTEG(y, 0)", name="odd")
    (tmp_path / "odd.yaml").write_text(
        "title: odd\nmodel: odd.mdl\nuncertainties:\n  u: {low: -0.01, high: 1}\n  v: {low: 0, high: 1}\n"
        "design: saltelli\nruns: 256\noutcomes: [final z]\n"
    )
    done = ts.run_sweep(tmp_path / "odd.yaml", tmp_path / "odd", csv=False)
    found = sensitivity(done)
    assert found.sample["failed"] == done.failed > 0
    assert found.sample["used"] % 4 == 0
    assert done.runs - 4 * done.failed <= found.sample["used"] < done.runs
    assert np.isfinite(found.table[["index", "low", "high"]].to_numpy()).all()


def test_inputs_that_were_altered_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("ishigami", tmp_path, "morris", 20)
    monkeypatch.setitem(done.manifest["plan"], "seed", 8)  # type: ignore[arg-type]
    with pytest.raises(ScenarioError, match="'x1' is not what the design gives"):
        sensitivity(done)


def test_every_table_names_sample_confidence_and_what_was_held(options: Callable[..., Sweep]) -> None:
    from transition_sim.study.sensitivity.words import sensitivity_lines

    found = sensitivity(options("saltelli"))
    lines = list(sensitivity_lines(found))
    text = " ".join(" ".join(lines).split())
    for part in (
        "design saltelli, 4,608 runs, 1,536 worlds in groups of 6, 4 inputs, seed 7", "Held fixed: 0 other constants",
        "95 %, 100 bootstrap resamples of groups of runs, seed 7", str(found.sample["sweep_id"]), "not a forecast",
        "Which option is best by final cost of it", "The ranking of all options by final cost of it",
    ):  # fmt: skip
        assert part in text, part
    assert "Peacebuilding" not in text  # no such model
    assert max(map(len, lines)) <= 80
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["sample"]["confidence"] == 0.95
    assert data["held_fixed"]["at_the_models_value"] == 0
    assert {"index", "low", "high", "input", "kind"} <= set(data["indices"][0])


def test_a_resumed_sweep_of_such_a_design_has_the_same_bytes(options: Callable[..., Sweep], tmp_path: Path) -> None:
    folder = options("saltelli").folder.parent
    for design in DESIGN_OF.values():
        (folder / "r.yaml").write_text(f"{OPTIONS}design: {design}\nruns: 64\noutcomes: [final cost of it]\n")
        job = load_job(folder / "r.yaml", chunk=100)
        whole = sweeps.execute(job, tmp_path / f"{design}-whole", jobs=2)
        again = sweeps.execute(job, tmp_path / design, jobs=1)
        for part in sorted((again.folder / "parts").iterdir())[1::2]:
            part.unlink()
        again = sweeps.execute(job, tmp_path / design, resume=True)
        assert len(again.redone) >= 4
        for name in whole.manifest["tables"]:
            assert (again.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
        assert ts.rerun(again.folder, job.design.runs - 1).equal


@pytest.mark.slow
def test_shipped_sweep_says_what_drives_the_ranking(tmp_path: Path) -> None:
    job = load_job("what_drives_the_ranking")
    assert (job.design.samples, job.design.runs) == (128 * 102, 2 * 7 * 128 * 102)
    done = ts.run_sweep("what_drives_the_ranking", tmp_path / "o", runs=8, csv=False)
    found = sensitivity(done, resamples=20)
    assert found.method == "sobol"
    assert "assumption" in found.assumption
    top = found.of(found.headlines[0], 1)["input"].tolist()
    assert top == ["baseline hazard of war"]
    ranking = next(quantity for quantity in found.headlines if quantity.kind == RANKING)
    assert any(name.startswith(("PBC ", "half effect")) for name in found.of(ranking, 4)["input"])


def test_command_prints(call: Callable[..., tuple[int, str, str]], ishigami: Sweep) -> None:
    code, out, err = call("sensitivity", str(ishigami.folder), "--resamples", "20")
    assert (code, err) == (0, "")
    assert re.search(r"x1 +0\.\d\d to 0\.\d\d +0\.56", out)


@pytest.mark.slow
def test_command_prints_saves_and_gives_json(
    call: Callable[..., tuple[int, str, str]], ishigami: Sweep, tmp_path: Path
) -> None:
    folder = str(ishigami.folder)
    code, out, err = call("sensitivity", folder, "--out", "s")
    assert (code, err) == (0, "")
    saved = {path.name for path in (tmp_path / "s").iterdir()}
    assert {"indices.csv", "options.csv", "provenance.json", "sensitivity.svg", "sensitivity-column.png"} <= saved
    table = pd.read_csv(tmp_path / "s" / "indices.csv")
    assert len(table) == 4
    assert set(table["sweep_id"]) == {ishigami.manifest["plan_hash"][:12]}
    assert (table[["method", "design", "seed", "confidence"]].iloc[0] == ["sobol", "saltelli", 7, 0.95]).all()
    assert call("sensitivity", folder, "--out", "s")[0] == 3
    code, out, _ = call("sensitivity", folder, "--json", "--method", "pawn")
    assert (code, json.loads(out)["method"]) == (0, "pawn")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("sensitivity", 2, "DIR"),
        ("sensitivity nowhere", 3, "holds no sweep"),
        ("sensitivity FOLDER --at level", 2, "expected LEVER=LEVEL"),
        ("sensitivity FOLDER --method variance", 3, "allowed: auto, sobol, morris, pawn"),
        ("sensitivity FOLDER --resamples 2", 2, "--resamples"),
        ("sensitivity FOLDER --outcome x", 3, "has no outcome 'x'"),
    ],
)
def test_mistakes_get_a_code_and_a_message(
    call: Callable[..., tuple[int, str, str]], ishigami: Sweep, words: str, code: int, told: str
) -> None:
    given, _, err = call(*words.replace("FOLDER", str(ishigami.folder)).split(" "))
    assert (given, told in err) == (code, True), err


def test_a_missing_extra_is_a_message(
    call: Callable[..., tuple[int, str, str]], ishigami: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "SALib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "SALib", None)
    code, out, err = call("sensitivity", str(ishigami.folder))
    assert (code, out) == (3, "")
    assert err == 'error: indices of Sobol and Morris need SALib: pip install "transition_sim[analysis]"\n'
    assert call("sensitivity", str(ishigami.folder), "--method", "pawn")[0] == 0
