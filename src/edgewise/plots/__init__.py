"""Drawings of networks and results: matplotlib figures made without pyplot and without touching its settings."""

from edgewise.plots.audit_frontier import plot_frontier as plot_frontier
from edgewise.plots.audit_groups import plot_audit as plot_audit
from edgewise.plots.audit_proxies import plot_proxies as plot_proxies
from edgewise.plots.coefficient import plot_coefficient as plot_coefficient
from edgewise.plots.dynamics import plot_dynamics as plot_dynamics
from edgewise.plots.edges import plot_edges as plot_edges
from edgewise.plots.explain_changes import plot_counterfactuals as plot_counterfactuals
from edgewise.plots.explain_local import plot_contributions as plot_contributions
from edgewise.plots.explain_shapes import plot_shapes as plot_shapes
from edgewise.plots.explain_surfaces import plot_interactions as plot_interactions
from edgewise.plots.explain_surfaces import plot_surfaces as plot_surfaces
from edgewise.plots.forecast import plot_forecast as plot_forecast
from edgewise.plots.front import plot_front as plot_front
from edgewise.plots.groups import plot_groups as plot_groups
from edgewise.plots.network import plot_network as plot_network
from edgewise.plots.parity import plot_parity as plot_parity
from edgewise.plots.save import figure_svg as figure_svg
from edgewise.plots.save import save_figure as save_figure
from edgewise.plots.solution import plot_solution as plot_solution
from edgewise.plots.solution_animation import animate_solution as animate_solution
from edgewise.plots.training import plot_training as plot_training

__all__ = [
    "animate_solution",
    "figure_svg",
    "plot_audit",
    "plot_coefficient",
    "plot_contributions",
    "plot_counterfactuals",
    "plot_dynamics",
    "plot_edges",
    "plot_forecast",
    "plot_front",
    "plot_frontier",
    "plot_groups",
    "plot_interactions",
    "plot_network",
    "plot_parity",
    "plot_proxies",
    "plot_shapes",
    "plot_solution",
    "plot_surfaces",
    "plot_training",
    "save_figure",
]
