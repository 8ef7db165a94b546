"""Decision codes: they say the whole round, the page writes the same, and a slip of the tongue is found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_mini_racer import MiniRacer
from workshop_play import workshop

from transition_sim.web.bundle import bundle
from transition_sim.workshop.codes import code_of, read_round
from transition_sim.workshop.pages import STATIC, setup_of, static_file
from transition_sim.workshop.session import RefusedError

ORDER = workshop().order


@st.composite
def rounds(draw: st.DrawFn) -> tuple[int, str, dict[str, int], tuple[int, ...]]:
    name = draw(st.sampled_from(ORDER))
    choices = {k: draw(st.integers(0, len(v.choices) - 1)) for k, v in workshop().levers_of(name).items()}
    points = tuple(sorted(2 * draw(st.integers(0, 30)) for _ in range(4)))
    return draw(st.integers(1, 8)), name, choices, points


@given(rounds())
@settings(max_examples=100, deadline=None)
def test_a_code_says_the_round_that_it_was_made_of(one: tuple[int, str, dict[str, int], tuple[int, ...]]) -> None:
    code = code_of(workshop(), *one)
    for typed in (code, code.lower(), code.replace("-", " "), f" {code} "):
        found = read_round(workshop(), typed)
        assert (found.team, found.round, dict(found.choices), found.points) == one
    assert len(code.replace("-", "")) <= 20


def test_the_page_writes_the_same_codes() -> None:
    modules = {name: static_file(name) for name in STATIC if name.endswith(".js")}
    modules["tell.js"] = 'import { codeOf } from "./code.js";\nglobalThis.codeOf = codeOf;'
    racer = MiniRacer()
    racer.eval(f"{bundle(modules, 'tell.js')}; const setup = {json.dumps(setup_of(workshop(), 'en'))}; 1")
    for i in range(200):
        name = ORDER[i % 4]
        choices = {k: (i * 7 + j) % len(v.choices) for j, (k, v) in enumerate(workshop().levers_of(name).items())}
        points = [2 * (i % 8), 2 * (i % 11 + 8), 40, 40 + 2 * (i % 10)]
        told = racer.eval(f"codeOf(setup, {i % 8 + 1}, '{name}', {json.dumps(choices)}, {json.dumps(points)})")
        assert told == code_of(workshop(), i % 8 + 1, name, choices, points)


def test_every_wrong_sign_and_every_swap_of_neighbours_is_found() -> None:
    code = code_of(workshop(), 3, ORDER[0], {"peak": 5, "effort_start": 2}, (10, 16, 22, 30)).replace("-", "")
    for i, sign in enumerate(code):
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
            if other != sign:
                with pytest.raises(RefusedError) as caught:
                    read_round(workshop(), code[:i] + other + code[i + 1 :])
                assert caught.value.key == "wrong_code"
        if i and code[i - 1] != sign:
            with pytest.raises(RefusedError):
                read_round(workshop(), code[: i - 1] + sign + code[i - 1] + code[i + 1 :])


def test_a_code_of_another_workshop_is_told() -> None:
    with pytest.raises(RefusedError, match="another edition"):
        read_round(workshop(), code_of(workshop("early_exit"), 1, ORDER[0], {}, (2, 4, 6, 8)))


@pytest.mark.parametrize("text", ["", "   ", "<script>", "1QPS", "x" * 500, "💣", "1" * 12])
def test_what_is_no_code_is_refused_in_words(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_round(workshop(), text)
    assert caught.value.key == "wrong_code"
    assert len(str(caught.value.values["told"])) > 10
