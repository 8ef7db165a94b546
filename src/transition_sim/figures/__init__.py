"""Figures: each drawing function takes an axes (and data) and returns it; each `*_figure` returns a whole figure.

The only importers of matplotlib. Nothing here simulates.
"""

from transition_sim.figures.comparison import (
    COMPARISON_FIGURES,
    comparison_figure,
    option_difference,
    option_risk,
    pictures,
    save_comparison,
)
from transition_sim.figures.courses import money_figure, money_lines, trajectories_figure, trajectory
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
    Drawing,
    Picture,
    drawing,
    drawn,
    font_folder,
    letters_of,
    picture,
    save,
    settle,
    style,
)
from transition_sim.figures.evidence import evidence_figure, moved_figure
from transition_sim.figures.hazard import hazard_figure, hazard_multiplier, windows_key, yearly_hazard
from transition_sim.figures.ranks import rank_shares, ranks_figure
from transition_sim.figures.runs import loops_figure, run_figure, save_run
from transition_sim.figures.sensitivity import index_intervals, save_sensitivity, sensitivity_figure, tornado
from transition_sim.figures.timeline import mark_windows, timeline, timeline_figure
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
    "Drawing",
    "Picture",
    "best_rule",
    "comparison_figure",
    "drawing",
    "drawn",
    "evidence_figure",
    "font_folder",
    "frontier_figure",
    "hazard_figure",
    "hazard_multiplier",
    "index_intervals",
    "letters_of",
    "loops_figure",
    "mark_windows",
    "money_figure",
    "money_lines",
    "moved_figure",
    "option_difference",
    "option_risk",
    "picture",
    "pictures",
    "rank_shares",
    "ranks_figure",
    "run_figure",
    "save",
    "save_comparison",
    "save_run",
    "save_sensitivity",
    "save_timing",
    "sensitivity_figure",
    "settle",
    "style",
    "surface_figure",
    "timeline",
    "timeline_figure",
    "timing_frontier",
    "timing_surface",
    "tornado",
    "trajectories_figure",
    "trajectory",
    "windows_key",
    "yearly_hazard",
]
