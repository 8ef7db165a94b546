"""Designs: common worlds in a grid, stratified and balanced samples, any run computed alone, layers in their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transition_sim.study.sweeps import design as sweep_design
from transition_sim.study.sweeps.design import BLOCK, RUN, WORLD, Design, Lever, constants_of_row
from transition_sim.study.worlds import Uncertainty

START = Lever("start", "Month", (24.0, 48.0, 72.0), tuple({"start": value} for value in (24.0, 48.0, 72.0)))
PROFILE = Lever("profile", "", ("a", "b"), ({"speed": 5.0, "effort": 1.0}, {"effort": 0.0}))
WIDE = Lever("width", "Month", bounds=(10.0, 20.0))
RANGES = {
    name: Uncertainty(low=low, high=high, distribution="uniform", source=None, assumption="in a test")
    for name, low, high in (("speed", 0.0, 1.0), ("force", 100.0, 200.0))
}


def design(kind: str, samples: int, *levers: Lever, seed: int = 7, **more: object) -> Design:
    given: dict[str, object] = {"ranges": RANGES, "worlds": {}, "base": {"effort": 9.0}, **more}
    defaults = {"start": 0.0, "effort": 2.0, "speed": 3.0, "width": 4.0}
    return Design(kind, levers, defaults=defaults, samples=samples, seed=seed, **given)  # type: ignore[arg-type]


def test_a_grid_crosses_levels_with_common_worlds() -> None:
    grid = design("grid", 5, START, PROFILE)
    assert (grid.shape, grid.runs) == ((3, 2, 5), 30)
    table = grid.table(np.arange(30))
    assert list(table) == [RUN, "start", "profile", WORLD, "speed", "force"]
    assert table["start"].tolist() == [24.0] * 10 + [48.0] * 10 + [72.0] * 10
    assert table["profile"].tolist() == (["a"] * 5 + ["b"] * 5) * 3
    force = table["force"].reshape(6, 5)
    assert (force == force[0]).all()
    assert len(set(force[0])) == 5


def test_levers_win_over_what_is_shared_and_over_worlds_where_they_set_it() -> None:
    constants = design("grid", 5, PROFILE).constants(np.arange(10))
    assert constants["effort"].tolist() == [1.0] * 5 + [0.0] * 5
    assert constants["speed"][:5].tolist() == [5.0] * 5
    assert ((constants["speed"][5:] >= 0) & (constants["speed"][5:] <= 1)).all()
    other = design("grid", 5, PROFILE, ranges={}, worlds={"force": np.arange(5.0)}, base={})
    constants = other.constants(np.arange(10))
    assert constants["speed"].tolist() == [5.0] * 5 + [3.0] * 5
    assert constants["force"].tolist() == [0, 1, 2, 3, 4] * 2


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_sampled_designs_cover_every_dimension_evenly(kind: str) -> None:
    table = design(kind, 64, WIDE, START).table(np.arange(64))
    for name, low, high in (("width", 10, 20), ("force", 100, 200), ("speed", 0, 1)):
        strata = np.floor((table[name] - low) / (high - low) * 64).astype(int)
        assert sorted(strata) == list(range(64)), name
    counts = [int((table["start"] == value).sum()) for value in (24, 48, 72)]
    assert max(counts) - min(counts) <= 1
    assert WORLD not in table


def test_designs_are_those_of_scipy() -> None:
    from scipy.stats import qmc

    expected = qmc.Sobol(d=3, scramble=True, rng=np.random.default_rng([7, 0x50B01])).random(32)
    table = design("sobol", 32, WIDE).table(np.arange(32))
    assert np.array_equal(table["width"], 10 + 10 * expected[:, 0])
    assert np.array_equal(table["force"], 100 + 100 * expected[:, 2])


@pytest.mark.parametrize("kind", ["grid", "latin_hypercube", "sobol", "saltelli", "morris"])
@settings(max_examples=25, deadline=None)
@given(chosen=st.lists(st.integers(0, 127), min_size=1, max_size=20))
def test_any_runs_alone_are_those_of_the_whole(kind: str, chosen: list[int]) -> None:
    samples = {"grid": 64, "saltelli": 80, "morris": 64}.get(kind, 128)  # 16 rows of 5, 16 trajectories of 4
    whole = design(kind, samples, *((START, PROFILE) if kind == "grid" else (WIDE, PROFILE)))
    runs = np.array(chosen)
    everything, some = whole.table(np.arange(128)), whole.table(runs)
    for name, values in some.items():
        assert np.array_equal(values, everything[name][runs]), name


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_large_samples_are_drawn_block_by_block(kind: str) -> None:
    large = design(kind, 2 * BLOCK, WIDE)
    second = large.table(np.arange(BLOCK, 2 * BLOCK))["force"]
    assert sorted(np.floor((second - 100) / 100 * BLOCK).astype(int)) == list(range(BLOCK))
    first = large.table(np.arange(BLOCK))["force"]
    assert not np.array_equal(first, second)
    sweep_design._block.cache_clear()
    again = large.table(np.arange(BLOCK - 5, BLOCK + 5))["force"]
    assert np.array_equal(again, np.concatenate([first[-5:], second[:5]]))


def test_seed_is_part_of_the_design_and_zero_is_a_seed() -> None:
    tables = [design("latin_hypercube", 9, WIDE, seed=seed).table(np.arange(9))["force"] for seed in (0, 0, 7)]
    assert np.array_equal(tables[0], tables[1])
    assert not np.array_equal(tables[0], tables[2])


def test_constants_come_back_from_a_row_of_the_table() -> None:
    grid = design("grid", 4, START, PROFILE)
    sampled = design("sobol", 8, WIDE, PROFILE)
    for each in (grid, sampled):
        table = each.table(np.arange(each.runs))
        for run in range(each.runs):
            row = {name: values[run] for name, values in table.items()}
            expected = {
                name: values[run if len(values) > 1 else 0] for name, values in each.constants(table[RUN]).items()
            }
            assert constants_of_row(row, each.to_dict()) == expected


def test_hash_of_worlds_knows_names_and_numbers() -> None:
    worlds = [{"a": np.arange(3.0)}, {"b": np.arange(3.0)}, {"a": np.array([0.0, 1.0, np.nextafter(2.0, 3)])}]
    hashes = {design("grid", 3, START, ranges={}, worlds=each).worlds_hash for each in worlds}
    assert len(hashes) == 3
