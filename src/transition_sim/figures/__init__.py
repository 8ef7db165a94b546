"""Figures: each drawing function takes an axes (and data) and returns it; each `*_figure` returns a whole figure.

The only importers of matplotlib. Nothing here simulates.
"""

from transition_sim.figures.comparison import (
    COMPARISON_FIGURES,
    comparison_figure,
    hazard_figure,
    hazard_multiplier,
    option_difference,
    option_risk,
    save_comparison,
    trajectories_figure,
    trajectory,
)
from transition_sim.figures.draw import (
    BLUE,
    CAUTION,
    COLUMN,
    GREEN,
    GREY,
    ORANGE,
    PAGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Picture,
    picture,
    save,
    style,
)
from transition_sim.figures.evidence import evidence_figure, moved_figure
from transition_sim.figures.runs import loops_figure, run_figure, save_run
from transition_sim.figures.sensitivity import index_intervals, save_sensitivity, sensitivity_figure, tornado
from transition_sim.figures.timing import (
    best_rule,
    frontier_figure,
    save_timing,
    surface_figure,
    timing_frontier,
    timing_surface,
)

__all__ = [
    "BLUE",
    "CAUTION",
    "COLUMN",
    "COMPARISON_FIGURES",
    "GREEN",
    "GREY",
    "ORANGE",
    "PAGE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "YELLOW",
    "Picture",
    "best_rule",
    "comparison_figure",
    "evidence_figure",
    "frontier_figure",
    "hazard_figure",
    "hazard_multiplier",
    "index_intervals",
    "loops_figure",
    "moved_figure",
    "option_difference",
    "option_risk",
    "picture",
    "run_figure",
    "save",
    "save_comparison",
    "save_run",
    "save_sensitivity",
    "save_timing",
    "sensitivity_figure",
    "style",
    "surface_figure",
    "timing_frontier",
    "timing_surface",
    "tornado",
    "trajectories_figure",
    "trajectory",
]
