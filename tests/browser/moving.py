"""The offline page moved as a reader moves it, for the tests that drive it."""

from __future__ import annotations

from typing import Any


def settled(tab: Any) -> None:
    """Wait until all of the present state is drawn and said, at the size that the window has now."""
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    tab.locator("#bench[aria-busy=false]").wait_for()


def choose(tab: Any, model: str) -> None:
    tab.locator(f"[name=model][value={model}]").check()
    settled(tab)


def to(tab: Any, lever: str, index: int) -> None:
    """Put a slider to a step, as a pointer would: it moves, then is let go."""
    tab.evaluate(
        """([id, index]) => { const input = document.getElementById(id); input.value = index;
        for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, {bubbles: true})); }""",
        [f"lever-{lever}", index],
    )
    settled(tab)


def read_at(tab: Any, month: int) -> None:
    """Put the cursor of the charts to a month, three by three from the beginning, with the keyboard."""
    tab.evaluate(
        """(presses) => { const risk = document.getElementById("risk");
        const press = (key) => risk.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        press("Home");
        for (let i = 0; i < presses; i++) press("ArrowRight"); }""",
        (month + 12) // 3,
    )
