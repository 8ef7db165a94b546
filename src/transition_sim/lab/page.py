"""The page as one file: models printed as JavaScript, worlds, texts, style and scripts, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transition_sim import __version__, risk
from transition_sim.data import shipped_model
from transition_sim.engine.javascript import print_script
from transition_sim.errors import ModelError, ScenarioError
from transition_sim.lab.catalogue import Catalogue, load_catalogue
from transition_sim.lab.worlds import pack_worlds
from transition_sim.model.equations import Kind, Model
from transition_sim.model.reader import load_model
from transition_sim.study.drivers import PREFIX, with_drivers
from transition_sim.study.ensembles import ENSEMBLES
from transition_sim.study.levers import Lever, lever_table
from transition_sim.study.scenario import DEFINITIONS
from transition_sim.study.yaml_file import plain, read_yaml
from transition_sim.web.bundle import bundle, data_text, shared

MODELS = ("aid_gap", "transition")
OWNER = "transition"
YEARS = (5, 10, 15, 20)
MAX_BYTES = 400_000
_FOLDER = Path(__file__).parent
_ENGINE = ("risk.js", "worlds.js")
_SHARED = ("charts.js", "elements.js", "panels.js", "voice.js")


def build_page() -> str:
    """Return the page as HTML, under 400 KB; it asks no host for anything and runs what is inside it alone.

    Raises ScenarioError where texts are missing or the ensembles are stale, ModelError where the page grows too large.
    """
    models = {name: with_drivers(load_model(shipped_model(name))) for name in MODELS}
    catalogue = load_catalogue()
    panels = load_panels(models)
    engine = _engine(models, panels)
    app = bundle(_modules(), "app.js", given=(*_ENGINE, "models.js"))
    style = shared("style.css") + _file("page.css")
    html: str = _template().render(
        version=__version__, title=catalogue.text("title"), style=_plain(style), policy=_policy([engine, app], style),
        languages=catalogue.languages, without_scripts=_without_scripts(catalogue), models=MODELS, ensembles=ENSEMBLES,
        years=YEARS, hashes=[f"{name}.mdl {model.file_hash[:12]}" for name, model in models.items()],
        facts=data_text(_facts(models, panels, catalogue)), engine=_plain(engine), app=_plain(app),
        worker=_plain(bundle({"worker.js": _file("worker.js")}, "worker.js", given=_ENGINE)),
    )  # fmt: skip
    if len(html.encode()) > MAX_BYTES:
        raise ModelError(f"the page has {len(html.encode()):,} bytes; allowed: {MAX_BYTES:,}")
    return html


def load_panels(models: Mapping[str, Model]) -> dict[str, Any]:
    """Return what the page draws of each model; ScenarioError for a variable that its model does not have."""
    tree, _ = read_yaml(_FOLDER / "panels.yaml")
    panels: dict[str, Any] = plain(tree)
    for name, model in models.items():
        missing = [variable for variable in _named(panels[name]) if variable not in model]
        if missing:
            raise ScenarioError(f"panels.yaml: {name}.mdl has no {', '.join(map(repr, missing))}")
    return panels


def line_outputs(model: Model, panels: Mapping[str, Any]) -> list[str]:
    """Return the variables of which the page draws the single line; constants are known without a run."""
    wanted = [*_named(panels), *(name for name in model.variables if name.startswith(PREFIX))]
    return [name for name in dict.fromkeys(wanted) if model.find(name).kind is not Kind.CONSTANT]


def band_outputs(model: Model, panels: Mapping[str, Any]) -> list[str]:
    """Return the variables of which the page draws bands over worlds."""
    risks = [name for key, name in panels["risk"].items() if name and key not in ("baseline", "definition")]
    return list(dict.fromkeys([*risks, *panels["small"], *panels["chain"]]))


def _named(panels: Mapping[str, Any]) -> list[str]:
    """Return every variable that the panels of a model name."""
    names = [*panels["risk"].values(), *panels["money"].values(), *panels["chain"], *panels["lost"], *panels["small"]]
    names += [*(panels["window"] or ()), *panels["marks"].values()]
    return [name for name in names if name]


def _engine(models: Mapping[str, Model], panels: Mapping[str, Any]) -> str:
    """Return the script that page and workers run alike: both models and what runs worlds."""
    parts = []
    for name, model in models.items():
        line, band = line_outputs(model, panels[name]), band_outputs(model, panels[name])
        views = {"line": line, "band": band}
        parts.append(print_script(model, f"model_{name}", outputs=list(dict.fromkeys([*line, *band])), views=views))
    table = ", ".join(f"{name}: model_{name}" for name in models)
    parts.append(f"const module_models = {{ models: {{ {table} }} }};")
    parts.append(bundle({name: _file(name) for name in _ENGINE}, "worlds.js", given=("models.js",)))
    return "\n".join(parts)


def _facts(models: Mapping[str, Model], panels: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    nodes, weights = risk.frailty_rule()
    return {
        "version": __version__, "first": MODELS[0], "owner": OWNER,
        "ensembles": list(ENSEMBLES), "definitions": list(DEFINITIONS),
        "rule": {"nodes": nodes.tolist(), "weights": weights.tolist()},
        "worlds": {name: pack_worlds(load_model(shipped_model(OWNER)), name).data() for name in ENSEMBLES},
        "panels": panels, "catalogue": catalogue.data(),
        "models": {name: _model_facts(model, panels[name]) for name, model in models.items()},
    }  # fmt: skip


def _model_facts(model: Model, panels: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page says of a model: names, units and documentation as its file has them."""
    outputs = dict.fromkeys([*line_outputs(model, panels), *band_outputs(model, panels)])
    dates = [*(panels["window"] or ()), *panels["marks"].values()]
    return {
        "stocks": len(model.stocks),
        "units": {name: model.find(name).unit for name in outputs},
        "values": {name: model.find(name).value for name in dates},
        "drivers": [name.removeprefix(PREFIX) for name in model.variables if name.startswith(PREFIX)],
        "table": _table(model),
    }


def _table(model: Model) -> dict[str, Any]:
    """Return the levers of a model with what its file says of the constants that they set."""
    found = lever_table(model.name)
    if found is None:
        raise ScenarioError(f"{model.name}.mdl has no levers")
    table = found.data()
    for lever, data in zip(found.levers, table["levers"], strict=True):
        data["documentation"] = [_said(model, name) for name in _constants(lever)]
        if lever.constant:
            variable = model.find(lever.constant)
            data |= {"unit": variable.unit, "share": variable.limits == (0, 1)}
    constants = {lever.id: lever.constant for lever in found.levers if lever.constant}
    for switch, data in zip(found.switches, table["switches"], strict=True):
        put = dict.fromkeys(constants[lever] for puts in switch.choices.values() for lever in puts)
        data["documentation"] = [_said(model, name) for name in put]
    return table


def _constants(lever: Lever) -> list[str]:
    """Return the constants whose documentation stands at a lever; a profile sets too many to show."""
    names = list(dict.fromkeys(name for option in lever.options for name in option.sets))
    return [lever.constant] if lever.constant else names if len(names) <= 2 else []


def _said(model: Model, name: str) -> str:
    variable = model.find(name)
    low, high = ("any" if limit is None else f"{limit:g}" for limit in variable.limits)
    return f"{variable.name} ({variable.unit}, {low} to {high}). {variable.documentation}"


def _policy(scripts: Sequence[str], style: str) -> str:
    """Return what a browser may do for the page: run these very scripts, and nothing else."""
    allowed = " ".join(_hash(_plain(script)) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(_plain(style))}; img-src data:; worker-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _without_scripts(catalogue: Catalogue) -> list[dict[str, str]]:
    return [
        {"code": each.code, "direction": each.direction, "words": catalogue.text("no_scripts", each.code)}
        for each in catalogue.languages
    ]


def _modules() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in _FOLDER.glob("*.js")} | {
        name: shared(name) for name in _SHARED
    }


def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _plain(text: str) -> str:
    """Return a script or style as it may stand in HTML; ModelError where it would end its element."""
    if "</s" in text.lower() or "<!--" in text:
        raise ModelError("a script of the page holds what would end it")
    return text


def _template() -> Any:
    import jinja2

    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_file("page.html"))
