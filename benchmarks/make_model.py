"""Write `large.mdl`: a model of World3's size, made for the benchmark alone.

41 stocks, 160 auxiliaries, 50 lookups of 7 points, 95 divisions, 2 powers, 400 Euler steps. Its numbers mean nothing;
they are drawn with a fixed seed, and every stock stays between 0 and 1.
"""

from __future__ import annotations

import random
from pathlib import Path

STOCKS, LOOKUPS, SUMS = 41, 50, 17


def equations() -> list[str]:
    """Return the model's equations, one a line."""
    draw = random.Random(2026)  # noqa: S311 - a fixed sequence, not a secret
    lines = [f"k{i} = {draw.uniform(0.5, 1.5):.4f}" for i in range(STOCKS)]
    for i in range(LOOKUPS):
        a, b = draw.sample(range(STOCKS), 2)
        lines.append(f"ratio {i} = stock {a}/(stock {b}+k{i % STOCKS})")
        points = ",".join(f"({x:g},{draw.uniform(0.2, 1):.3f})" for x in (0, 0.2, 0.4, 0.7, 1, 1.4, 2))
        lines.append(f"effect {i} = WITH LOOKUP(ratio {i}, ([(0,0)-(2,1)],{points}))")
    lines.append("bend 0 = (0.2+stock 0)^1.7")
    lines.append("bend 1 = (0.2+stock 1)^(0.5+k1)")
    for i in range(SUMS):
        parts = "+".join(f"effect {draw.randrange(LOOKUPS)}" for _ in range(3))
        ending = f"/(1+stock {i})" if i < 4 else f"*k{i}"
        lines.append(f"sum {i} = ({parts}+bend {i % 2}){ending}")
    for i in range(STOCKS):
        chosen = draw.randrange(LOOKUPS)
        lines.append(f"inflow {i} = (1-stock {i})*effect {chosen}*sum {i % SUMS}/(20*k{i})")
        other = draw.randrange(LOOKUPS)
        lines.append(f"stock {i} = INTEG(inflow {i}-0.03*stock {i}*effect {other}, {draw.uniform(0.2, 0.8):.4f})")
    return lines


def text() -> str:
    """Return the file's text."""
    head = ["INITIAL TIME = 0", "FINAL TIME = 400", "TIME STEP = 1", "SAVEPER = 1"]
    body = "".join(f"{line}\n\t~ \n\t~ \n\t|\n\n" for line in (*equations(), *head))
    settings = "\\\\\\---/// Sketch information - do not modify anything except names\nV300  nothing below\n"
    return "{UTF-8}\n" + body + settings + "*View 1\n///---\\\\\\\n" + ":L\x7f<%^E!@\n15:0,0,0,0,0,0\n"


if __name__ == "__main__":
    Path(__file__).with_name("large.mdl").write_text(text(), encoding="utf-8")
