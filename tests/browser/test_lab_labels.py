"""Words in the charts of the offline page: none on another, none on the axis, none outside its chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from moving import choose, read_at, settled, to

WRONG = """() => {
const wrong = [];
for (const svg of document.querySelectorAll("svg.ts-svg")) {
  const frame = svg.getBoundingClientRect();
  const words = [...svg.querySelectorAll("text")].filter((each) => each.textContent.trim())
    .map((each) => ({ node: each, at: each.getBoundingClientRect() }))
    .map(({ node, at }) => ({ said: `'${node.textContent}' (${node.getAttribute("class")})`, at }));
  const axes = [...svg.querySelectorAll("line.ts-axis")].map((each) => each.getBoundingClientRect())
    .filter((at) => at.width > 50);
  words.forEach(({ said, at }, i) => {
    const [aside, above] = [Math.max(frame.left - at.left, at.right - frame.right), frame.top - at.top];
    const beyond = Math.max(aside, above - 2, at.bottom - frame.bottom - 2);
    if (beyond > 1)
      wrong.push(`${said} leaves its chart`);
    for (const other of words.slice(i + 1)) {
      const wide = Math.min(at.right, other.at.right) - Math.max(at.left, other.at.left);
      const high = Math.min(at.bottom, other.at.bottom) - Math.max(at.top, other.at.top);
      if (wide > 1 && high > 4) wrong.push(`${said} lies on ${other.said}`);
    }
    for (const axis of svg.matches(".ts-rows") ? [] : axes)
      if (axis.top > at.top + 4 && axis.top < at.bottom - 4 && axis.left < at.right && axis.right > at.left)
        wrong.push(`${said} lies on the axis`);
  });
}
return [...new Set(wrong)];
}"""
"""Boxes of words are a few pixels higher than the letters in them."""

MONTHS = (-12, 0, 12, 117, 201, 240)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_words_in_charts_keep_apart(open_lab: Callable[..., Any], language: str, width: int) -> None:
    seen = open_lab(f"#language={language}", width)
    tab = seen.page
    for model in ("aid_gap", "transition"):
        choose(tab, model)
        for setting in ("by itself", "against a pinned run", "a long way from it"):
            if setting == "against a pinned run":
                tab.click("#pin")
                to(tab, "draw_down_start", 20)
            elif setting != "by itself":
                to(tab, "draw_down_start", 0)
                to(tab, "pledge_speed", 54)
            for month in MONTHS:
                read_at(tab, month)
                assert tab.locator("#risk .ts-reading").count() == (2 if setting == "by itself" else 3)
                assert tab.evaluate(WRONG) == [], (model, setting, month)
            tab.keyboard.press("Escape")
        tab.click("#pin")
        settled(tab)
    seen.assert_quiet()


def test_words_that_lie_on_each_other_would_be_seen(open_lab: Callable[..., Any]) -> None:
    tab = open_lab().page
    read_at(tab, 60)
    tab.evaluate("document.querySelectorAll('#risk .ts-reading').forEach((each) => each.setAttribute('y', 200))")
    assert any("lies on" in each for each in tab.evaluate(WRONG))
    tab.evaluate("document.querySelector('#risk .ts-reading').setAttribute('x', -30)")
    assert any("leaves its chart" in each for each in tab.evaluate(WRONG))


def test_names_of_lines_and_events_give_way_to_what_is_read_and_come_back(open_lab: Callable[..., Any]) -> None:
    tab = open_lab().page
    event = tab.locator("#risk .ts-event")
    assert event.count() == 1
    name = tab.locator("#panels .ts-label")
    names = name.count()
    read_at(tab, 240)
    assert name.count() < names == 2
    read_at(tab, 48)
    assert event.count() == 1
    tab.locator("#risk").press("Escape")
    assert (name.count(), event.count()) == (names, 1)
