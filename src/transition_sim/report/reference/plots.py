"""Small drawings of the reference page as SVG: a variable's course, a plausible range, the points of a table.

Only numbers go in; colours and lines come from the page's style sheet, by class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from transition_sim.model.equations import Table

Floats = NDArray[np.float64]
WIDE, HIGH = 240, 48
EDGE = 3


def course(values: Floats) -> str:
    """Return a course `(3, time)` as a band and its middle line, or `(1, time)` as a line."""
    shapes = []
    if len(values) == 3:
        low, high = _points(values[0], values), _points(values[2], values)
        shapes.append(f'<polygon class="band" points="{" ".join([*low, *reversed(high)])}"/>')
    middle = _points(values[len(values) // 2], values)
    shapes.append(f'<polyline class="line" points="{" ".join(middle)}"/>')
    return _svg("course", shapes)


def _points(path: Floats, scale: Floats) -> list[str]:
    x = np.linspace(0, WIDE, len(path))
    low, high = float(scale.min()), float(scale.max())
    flat = high - low <= 1e-12 * max(abs(low), abs(high))
    share = np.full(len(path), 0.5) if flat else (path - low) / (high - low)
    y = HIGH - EDGE - share * (HIGH - 2 * EDGE)
    return [f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True)]


def range_bar(low: float, high: float, value: float, kept: tuple[float, float] | None, logarithmic: bool) -> str:
    """Return a plausible range as a bar, what calibration left of it as a thicker part, the file's number as a dot."""

    def at(number: float) -> float:
        ends = np.log([low, high, max(number, low * 1e-3)]) if logarithmic else np.array([low, high, number])
        return float(np.clip(12 + (WIDE - 24) * (ends[2] - ends[0]) / (ends[1] - ends[0]), 2, WIDE - 2))

    shapes = [f'<rect class="range" x="12" y="6" width="{WIDE - 24}" height="4"/>']
    if kept is not None:
        left, right = at(kept[0]), at(kept[1])
        shapes.append(f'<rect class="kept" x="{left:.1f}" y="4" width="{right - left:.1f}" height="8"/>')
    shapes.append(f'<circle class="dot" cx="{at(value):.1f}" cy="8" r="4"/>')
    return _svg("range-bar", shapes, 16)


def table_plot(table: Table, mode: str) -> str:
    """Return the points of a table, joined as the model reads between them."""
    x, y = np.array(table.x), np.array(table.y)
    if mode == "forward":
        line_x, line_y = np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]
    elif mode == "backward":
        line_x, line_y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    else:
        line_x, line_y = x, y
    dots = [f'<circle class="dot" cx="{a:.1f}" cy="{b:.1f}" r="2.5"/>' for a, b in _placed(x, y, table)]
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in _placed(line_x, line_y, table))
    return _svg("table-plot", [f'<polyline class="line" points="{line}"/>', *dots], 96)


def _placed(x: Floats, y: Floats, table: Table) -> Sequence[tuple[float, float]]:
    low, high = min(table.y), max(table.y)
    across = 8 + (WIDE - 16) * (x - table.x[0]) / (table.x[-1] - table.x[0])
    up = 88 - 80 * (y - low) / (high - low) if high > low else np.full(len(y), 48.0)
    return list(zip(across.tolist(), up.tolist(), strict=True))


def _svg(kind: str, shapes: Sequence[str], high: int = HIGH) -> str:
    body = "".join(shapes)
    ratio = ' preserveAspectRatio="none"' if kind == "course" else ""
    return (
        f'<svg class="{kind}" viewBox="0 0 {WIDE} {high}" width="{WIDE}" height="{high}"{ratio} '
        f'aria-hidden="true" focusable="false">{body}</svg>'
    )
