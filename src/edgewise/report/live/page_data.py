"""What the script of the page reads, as plain data: the model, its inputs, some rows, and how edges are drawn."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from edgewise.programs.as_data import program_data
from edgewise.programs.program import Program

Cell = float | str | None


@dataclass(frozen=True)
class EdgeMark:
    """How the curve of an edge is drawn, so that a dot can go along it.

    Attributes
    ----------
    layer, source, target : int
    name : str
        Of the source.
    low, high : float
        Values of the source at the left and right of its box, in the units the first layer reads, else network units.
    bottom, top : float
        Values at the bottom and the top of the box, after `mean` is taken off and times `height`.
    mean, height : float
    levels : int
        Bars that are drawn in the place of a curve; 0 for a curve.
    """

    layer: int
    source: int
    target: int
    name: str
    low: float
    high: float
    bottom: float
    top: float
    mean: float
    height: float
    levels: int


@dataclass(frozen=True)
class InputControl:
    """One column that a reader moves.

    Attributes
    ----------
    name : str
    unit : str
    low, high : float, optional
        Range of the training rows; None for words.
    kind : str
        "number", "whole", "date" (days since 1970), "choice", or "unused", which has no control.
    levels : tuple of str
        Words of a choice; where there are `low` and `high`, what these two numbers stand for.
    missing : bool
        Whether a cell may be missing.
    inputs : tuple of int
        The inputs of the network that it becomes.
    """

    name: str
    unit: str
    low: float | None
    high: float | None
    kind: str
    levels: tuple[str, ...]
    missing: bool
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class LiveRow:
    """A row to start from: its name, its cells, what is known of it, and the least change that is decided otherwise."""

    name: str
    cells: tuple[float | str | None, ...]
    truth: float | str | None
    way: tuple[float | str | None, ...] | None = None
    words: str = ""


@dataclass(frozen=True, eq=False)
class AnswerInterval:
    """How sure an answer is: the truth lies within with a known share.

    Attributes
    ----------
    share : float
        Of new rows whose truth lies within.
    quantile : tuple of float
        Half the width, in units of y or of the local scale; of classes the least probability of the others, one or one a
        class.
    scale : Program, optional
        The logarithm of the local scale, as a program of the same columns.
    spread, low, high : float
        The scale is `spread` times its exponential, kept between `low` and `high`.
    """

    share: float
    quantile: tuple[float, ...]
    scale: Program | None = None
    spread: float = 1.0
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, eq=False)
class LiveFormula:
    """The formula that stands beside the network, and the places of its columns among the cells; -1 of unused ones."""

    program: Program
    cells: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class LiveData:
    """Everything the live network needs.

    Attributes
    ----------
    program : Program
    target, unit : str
        What is predicted, and its unit.
    inputs : tuple of InputControl
        One for each column, in the order of the cells.
    order : tuple of int
        Their places, the strongest first.
    start : tuple
        Cells to begin with.
    rows : tuple of LiveRow
    edges : tuple of EdgeMark
    interval : AnswerInterval, optional
    formula : LiveFormula, optional
    """

    program: Program
    target: str
    unit: str
    inputs: tuple[InputControl, ...]
    order: tuple[int, ...]
    start: tuple[float | str | None, ...]
    rows: tuple[LiveRow, ...]
    edges: tuple[EdgeMark, ...]
    interval: AnswerInterval | None = None
    formula: LiveFormula | None = None

    def to_json(self) -> str:
        """As the text of a script element: no character in it can end the element."""
        data: dict[str, Any] = {
            "program": program_data(self.program),
            "target": self.target,
            "unit": self.unit,
            "inputs": [asdict(variable) for variable in self.inputs],
            "order": self.order,
            "start": self.start,
            "rows": [asdict(row) for row in self.rows],
            "edges": [asdict(edge) for edge in self.edges],
            "interval": None if self.interval is None else _interval(self.interval),
            "formula": None
            if self.formula is None
            else {"program": program_data(self.formula.program), "cells": self.formula.cells},
        }
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _interval(one: AnswerInterval) -> dict[str, Any]:
    scale = None if one.scale is None else program_data(one.scale)
    return {"share": one.share, "quantile": one.quantile, "scale": scale} | {
        "spread": one.spread,
        "low": one.low,
        "high": one.high,
    }
