"""The explorer in words: tables with ranges, what is set, cautions and provenance; as text, HTML and plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from transition_sim.explorer.controls import Control, value_words
from transition_sim.explorer.outcome import Outcome, change
from transition_sim.study.outcomes import ASSUMPTION, BUDGET, HORIZONS, quantiles
from transition_sim.study.scenario import DEFINITIONS
from transition_sim.study.wording import filled, meaning, worlds_words

if TYPE_CHECKING:
    from transition_sim.explorer.view import Explorer, Step

CAUTION = f"Stylised teaching and exploration model, not a forecast. {ASSUMPTION}"
SHARES = "PBC effort"
MINUS = "\u2212"


def percent(q: Mapping[str, float]) -> str:
    """Return a risk in per cent as `16 to 23 (19)`, the median last; with one decimal where it is small."""
    digits = 0 if q["p90"] >= 0.02 else 1
    low, middle, high = (f"{100 * q[part]:.{digits}f}" for part in ("p10", "median", "p90"))
    return f"{low} to {high} ({middle})"


def points(q: Mapping[str, float]) -> str:
    """Return a change of risk as `-2.0 to -0.4 (-1.1)`, the median last, with a true minus."""
    low, middle, high = (_signed(100 * q[part]) for part in ("p10", "median", "p90"))
    return f"{low} to {high} ({middle})"


def _signed(value: float) -> str:
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", MINUS)


def cost(now: Outcome) -> str:
    """Return what mission and aid cost, as `4,100 to 5,000 MUSD (median 4,500)` in a sentence."""
    q = quantiles(now.cost)
    told = f"{q['p10']:,.0f} to {q['p90']:,.0f} MUSD (median {q['median']:,.0f})"
    return f"Cost by year 20, mission and disbursed aid: {told}."


def rows(now: Outcome, pinned: Outcome | None) -> list[dict[str, str]]:
    """Return a row of words for each year: the risk, that of the pinned setting, the change, effort spent by then."""
    found = []
    changes = change(now, pinned) if pinned is not None else []
    for i, year in enumerate(HORIZONS):
        row = {
            "year": str(year),
            "risk": percent(quantiles(now.probability[i])),
            "effort": f"{round(float(now.effort[i]), 1):g}",
        }
        if pinned is not None:
            row["pinned"] = percent(quantiles(pinned.probability[i]))
            row["change"] = "-" if pinned is now else points(changes[i])
        found.append(row)
    return found


def finding(now: Outcome, pinned: Outcome | None) -> str:
    """Return the risk at the last year, and its change, in one sentence."""
    q = quantiles(now.probability[-1])
    low, _, rest = percent(q).partition(" (")
    told = f"Risk of relapse within {HORIZONS[-1]} years of the mandate: {low} % (median {rest}"
    if pinned is None or pinned is now:
        return f"{told}."
    low, _, rest = points(change(now, pinned)[-1]).partition(" (")
    return f"{told}; {low} points (median {rest} against the pinned setting."


def settings(view: Explorer, step: Step) -> list[tuple[str, str]]:
    """Return what a setting is, in words: each control that says something, and whatever else was set."""
    constants = view.constants(step)
    told: list[tuple[str, str]] = []
    efforts = [control for control in view.controls if control.kind == "effort"]
    for control in view.controls:
        if control.kind != "effort":
            told.append((control.label, value_words(control, constants[control.name], constants)))
        elif control is efforts[0]:
            told.append((SHARES, effort_words(efforts, constants)))
    known = {control.name for control in view.controls} | {BUDGET, "relapse definition", "PBC same bundle"}
    find = view.study.model.find
    told += [(n, f"{v:.10g} {find(n).unit}".strip()) for n, v in step.values.items() if n not in known]
    return [*told, ("Relapse", _definition(constants["relapse definition"]))]


def effort_words(controls: Sequence[Control], constants: Mapping[str, float]) -> str:
    """Return where the effort goes, such as `9 draw-down, 9 late transition (effort-months, of a budget of 18)`."""
    spent = [
        f"{round(constants[c.name] * constants[BUDGET], 2):g} {c.label.lower()}" for c in controls if constants[c.name]
    ]
    told = ", ".join(spent) if spent else "none"
    same = "; the same bundle in every window" if constants["PBC same bundle"] == 1 else ""
    return f"{told} (effort-months, of a budget of {constants[BUDGET]:g}{same})"


def differences(view: Explorer) -> str:
    """Return how the current setting differs from the pinned one, in words."""
    if view.pinned is None:
        return "Nothing is pinned."
    before, after = dict(settings(view, view.pinned)), dict(settings(view, view.now))
    told = [f"{name}: {after[name]}" for name in after if after[name] != before.get(name)]
    told += [f"{name}: as in the worlds" for name in before if name not in after]
    return "Against the pinned setting: " + "; ".join(told) + "." if told else "This is the pinned setting."


def notes(view: Explorer) -> list[str]:
    """Return what the numbers mean and hang on, caution first."""
    definition = _definition(view.constants(view.now)["relapse definition"])
    worlds = view.study.worlds
    return [
        CAUTION,
        f"Ranges: 10th to 90th percentile over {worlds.runs:,} worlds of '{worlds.ensemble}' "
        f"({worlds_words(worlds.ensemble)}), the same at every setting. The change against the pinned setting is taken "
        "inside each world.",
        "Only year 20 compares equal effort: at earlier years late effort has not yet been spent.",
        f"Relapse means {definition}; risks are counted from the mandate and averaged over frailty.",
    ]


def _definition(number: float) -> str:
    words = {value: meaning(word) for word, value in DEFINITIONS.items()}
    return words.get(number, f"something between the definitions of the model ({number:g})")


def source(view: Explorer) -> str:
    """Return in one line what the numbers come from."""
    p = view.provenance
    return (
        f"Profile '{p['context']}' ({str(p['context_hash'])[:8]}), model {p['model']} {str(p['model_hash'])[:12]}, "
        f"worlds {p['ensemble']} {str(p['worlds_hash'])[:8]}, seed {p['worlds_seed']}, {p['method'].upper()} with a "
        f"step of {p['time_step']:g} months ({p['backend']}), transition_sim {p['versions']['transition_sim']}."
    )


def title(view: Explorer) -> str:
    """Return what is explored."""
    return f"{view.study.context.title}: draw-down, PBC effort and the risk of relapse"


def heads(pinned: bool) -> list[tuple[str, str]]:
    """Return the columns of the table: key and heading."""
    told = [("year", "years"), ("risk", "risk, % (median)")]
    told += [("pinned", "pinned, % (median)"), ("change", "change, points (median)")] if pinned else []
    return [*told, ("effort", "effort-months spent")]


def as_text(view: Explorer) -> str:
    """Return the explorer as plain text, at most 80 wide."""
    pinned = view.pinned_outcome
    columns = [(key, head) for key, head in heads(pinned is not None) if key != "pinned"]
    table = [[head for _, head in columns]]
    table += [[row[key] for key, _ in columns] for row in rows(view.outcome, pinned)]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    told = [f"{name}: {value}" for name, value in settings(view, view.now)]
    below = [differences(view), cost(view.outcome), *notes(view), source(view)]
    return "\n".join([title(view), *_lines(told), "", *lines, "", *_lines(below)])


def _lines(told: Sequence[str]) -> list[str]:
    return [line for text in told for line in filled(text)]


def as_html(view: Explorer) -> str:
    """Return the explorer as a still piece of HTML for front-ends without sliders; no script, no style sheet."""
    pinned = view.pinned_outcome
    columns = heads(pinned is not None)
    head = "".join(f'<th scope="col">{escape(words)}</th>' for _, words in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(row[key])}</td>" for key, _ in columns) + "</tr>"
        for row in rows(view.outcome, pinned)
    )
    told = "".join(f"<li>{escape(name)}: {escape(value)}</li>" for name, value in settings(view, view.now))
    small = "".join(f"<p><small>{escape(text)}</small></p>" for text in (*notes(view), source(view)))
    return (
        f"<div><p><strong>{escape(title(view))}</strong></p><ul>{told}</ul>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p>{escape(differences(view))} {escape(cost(view.outcome))}</p>{small}</div>"
    )


def as_data(view: Explorer) -> dict[str, Any]:
    """Return all that the front-end shows in words."""
    now, pinned = view.outcome, view.pinned_outcome
    return {
        "rows": rows(now, pinned),
        "heads": [list(each) for each in heads(pinned is not None)],
        "notes": notes(view),
        "source": source(view),
        "finding": finding(now, pinned),
        "differences": differences(view),
        "cost": cost(now),
    }
