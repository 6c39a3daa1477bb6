"""The order of the gallery: the way a newcomer takes, not the alphabet."""

from __future__ import annotations

WAY = (
    "plot_first_fit.py",
    "plot_reading.py",
    "plot_formula.py",
    "plot_classifier.py",
    "plot_credit_story.py",
    "plot_torch_loop.py",
    "plot_refining.py",
    "plot_equations.py",
    "plot_flows_and_drums.py",
    "plot_laws_from_fields.py",
    "plot_asking.py",
    "plot_cooling.py",
    "plot_dynamics.py",
    "plot_forecast.py",
    "plot_characters.py",
    "plot_serving.py",
)


class InOrder:
    """Sort key of an example."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return "InOrder"

    def __call__(self, name: str) -> int:
        return WAY.index(name) if name in WAY else len(WAY)
