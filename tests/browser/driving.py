"""What a person does with the explorer in a page, by keyboard, and what they see."""

from __future__ import annotations

from typing import Any

import transition_sim as ts
from transition_sim.explorer import words


class Driver:
    """The explorer that a page shows."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.root = page.locator(".ts-explorer")

    def press(self, label: str, key: str, times: int = 1) -> None:
        self.root.get_by_label(label, exact=True).focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def button(self, name: str, key: str = "Enter") -> None:
        self.root.get_by_role("button", name=name).focus()
        self.page.keyboard.press(key)

    def sees(self, words: str) -> None:
        shown = self.page.locator(":not(.ts-spoken)")  # what is spoken follows later
        self.root.get_by_text(words).and_(shown).first.wait_for()

    def told(self, label: str) -> str:
        return str(self.root.get_by_label(label, exact=True).get_attribute("aria-valuetext"))

    def curve(self) -> str:
        return str(self.root.locator("path.ts-line-now").first.get_attribute("d"))

    def answered(self) -> int:
        return int(self.root.get_attribute("data-answered"))


def moved_as_python_says(drive: Driver) -> str:
    """Move the start of the draw-down by six months, held against the same in Python; return the curve before."""
    ours = ts.explore(sliders=False)
    drive.sees(words.finding(ours.outcome, None))
    before = drive.curve()
    drive.press("Draw-down starts", "ArrowRight", 6)
    ours.set("draw down start", 54)
    drive.sees(words.finding(ours.outcome, ours.pinned_outcome))
    assert drive.told("Draw-down starts") == "month 54"
    assert drive.curve() != before
    return before
