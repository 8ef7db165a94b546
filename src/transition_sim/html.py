"""Objects as HTML for notebooks: cards with tables and notes. Every text is escaped; there is no script and no link."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

CAUTION = "Stylised teaching and exploration model, not a forecast."
ASSUMED = "The size of any PBC effect is an assumption with a wide range; no published estimate exists."


def card(title: str, parts: Sequence[str], notes: Sequence[str] = (), names: Iterable[str] = ()) -> str:
    """Return a card: a title, parts that are HTML already, and notes in small print, the caution last.

    `names` are those of a model's constants: where they include effort of the Commission the caution says so.
    """
    assumed = ASSUMED if any(name.startswith("PBC ") for name in names) else ""
    small = "".join(f"<div>{escaped(note)}</div>" for note in (*notes, assumed, CAUTION) if note)
    return (
        '<div style="max-width:60em;overflow-x:auto">'
        f'<div style="font-weight:bold;margin:.3em 0">{escaped(title)}</div>{"".join(parts)}'
        f'<div style="font-size:85%;opacity:.8;margin:.4em 0">{small}</div></div>'
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", words: int = 1) -> str:
    """Return a table; the first `words` columns hold words and stand left, the others hold numbers and stand right."""

    def cells(row: Sequence[str], tag: str) -> str:
        sides = ("left" if i < words else "right" for i in range(len(row)))
        return "".join(
            f'<{tag} style="text-align:{side};vertical-align:top;padding:.15em .9em .15em 0">{escaped(cell)}</{tag}>'
            for cell, side in zip(row, sides, strict=True)
        )

    above = f'<div style="margin:.8em 0 .2em">{escaped(caption)}</div>' if caption else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"{above}<table><thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def line(text: str) -> str:
    """Return a line of text."""
    return f"<div>{escaped(text)}</div>"


def escaped(text: str) -> str:
    """Return a text that shows as it is, whatever it holds."""
    return html.escape(str(text), quote=True)


def number(value: float) -> str:
    """Return a number in at most four digits."""
    if value != value:
        return "-"
    if abs(value) >= 1000 and abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value + 0.0:.4g}"
