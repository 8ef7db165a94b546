"""transition_sim: a system-dynamics simulator of post-conflict transitions.

A model file becomes equations, equations become trajectories, trajectories become a comparison of where
peacebuilding effort goes against the risk of relapse into war. Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transition_sim.engine.result import Result, load_result
    from transition_sim.engine.simulate import referee, simulate, simulate_reduced
    from transition_sim.errors import Fault, ModelError, ScenarioError, SimulationError, TransitionSimError
    from transition_sim.explorer.view import explore
    from transition_sim.model.equations import Model, Variable
    from transition_sim.model.reader import load_model
    from transition_sim.report import write_report
    from transition_sim.risk import aid_gap, hazard_decomposition, relapse_risk
    from transition_sim.study.calibration import calibrate
    from transition_sim.study.codes import code_of, load_code, run_code
    from transition_sim.study.comparison import compare
    from transition_sim.study.ensembles import draw_worlds
    from transition_sim.study.folder import load_comparison, save_comparison
    from transition_sim.study.outcomes import Comparison
    from transition_sim.study.scenario import Scenario, load_scenario
    from transition_sim.study.sensitivity.analysis import Sensitivity, sensitivity
    from transition_sim.study.sweeps.rerun import rerun
    from transition_sim.study.sweeps.sweep import Sweep, load_sweep, run_sweep
    from transition_sim.study.timing import Timing, draw_down_timing
    from transition_sim.study.worlds import sample_worlds

__version__ = "0.1.0"

_HOMES = {
    "Comparison": "study.outcomes",
    "Fault": "errors",
    "Model": "model.equations",
    "ModelError": "errors",
    "Result": "engine.result",
    "Scenario": "study.scenario",
    "ScenarioError": "errors",
    "Sensitivity": "study.sensitivity.analysis",
    "SimulationError": "errors",
    "Sweep": "study.sweeps.sweep",
    "Timing": "study.timing",
    "TransitionSimError": "errors",
    "Variable": "model.equations",
    "aid_gap": "risk",
    "calibrate": "study.calibration",
    "code_of": "study.codes",
    "compare": "study.comparison",
    "draw_down_timing": "study.timing",
    "draw_worlds": "study.ensembles",
    "explore": "explorer.view",
    "hazard_decomposition": "risk",
    "load_code": "study.codes",
    "load_comparison": "study.folder",
    "load_model": "model.reader",
    "load_result": "engine.result",
    "load_scenario": "study.scenario",
    "load_sweep": "study.sweeps.sweep",
    "referee": "engine.simulate",
    "relapse_risk": "risk",
    "rerun": "study.sweeps.rerun",
    "run_code": "study.codes",
    "run_sweep": "study.sweeps.sweep",
    "sample_worlds": "study.worlds",
    "save_comparison": "study.folder",
    "sensitivity": "study.sensitivity.analysis",
    "simulate": "engine.simulate",
    "simulate_reduced": "engine.simulate",
    "write_report": "report",
}

__all__ = [
    "Comparison",
    "Fault",
    "Model",
    "ModelError",
    "Result",
    "Scenario",
    "ScenarioError",
    "Sensitivity",
    "SimulationError",
    "Sweep",
    "Timing",
    "TransitionSimError",
    "Variable",
    "__version__",
    "aid_gap",
    "calibrate",
    "code_of",
    "compare",
    "draw_down_timing",
    "draw_worlds",
    "explore",
    "hazard_decomposition",
    "load_code",
    "load_comparison",
    "load_model",
    "load_result",
    "load_scenario",
    "load_sweep",
    "referee",
    "relapse_risk",
    "rerun",
    "run_code",
    "run_sweep",
    "sample_worlds",
    "save_comparison",
    "sensitivity",
    "simulate",
    "simulate_reduced",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'transition_sim' has no attribute '{name}'")
    return getattr(import_module(f"transition_sim.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
