"""The whole model at a glance: importances, shape functions, interactions and their surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arguments import check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, lines_of
from edgewise._core.seeds import derive, numpy_generator
from edgewise.explaining.columns import cut, number_text
from edgewise.explaining.contributions import baseline_of, contributions
from edgewise.explaining.interactions import Interactions, interactions_of
from edgewise.explaining.shapes import Shape, shape_of
from edgewise.explaining.subject import ExplainedModel, Output
from edgewise.explaining.surfaces import Surface, surfaces_of

# Rows whose contributions make the importances of a network with joint terms, and rows they are compared with.
ROWS, ADDITIVE_ROWS, BACKGROUND = 300, 50_000, 32
REPLICATES = 1000
# Importances below this share of the largest are not worth a line.
LEAST = 1e-4


@dataclass(frozen=True)
class Importance:
    """How much one column moves the output.

    Attributes
    ----------
    column : str
    value : float
        Root mean square of its contributions over the rows, in units of the output: of a column that acts alone the standard
        deviation of its shape function.
    low, high : float or None
        95 % interval of a bootstrap over rows. It shows how far the value depends on which rows were there, not how far the
        model hangs on them; None where the rows were drawn.
    share : float
        Covariance of its contribution with the output over the variance of the output. Shares sum to one; a negative one
        belongs to a column that mostly offsets others.
    """

    column: str
    value: float
    low: float | None
    high: float | None
    share: float


@dataclass(frozen=True, eq=False)
class GlobalExplanation:
    """What a model has learned, column by column.

    Attributes
    ----------
    output : str
        What is explained.
    n_rows : int
    additive : bool
        Whether the network adds functions of single columns, so that its shape functions describe it completely.
    additive_share : float
        Share of the variance of the output that the sum of the shape functions explains (1 for an additive network).
    base : float
        The mean output over the rows.
    importances : tuple of Importance
        Largest first.
    shapes : tuple of Shape
        In the order of the importances.
    interactions : Interactions
    surfaces : tuple of Surface
        What the strongest pairs do beyond their shapes; strongest first.
    method : "exact", "shapley" or "path"
        Whose contributions the importances are.
    notes : tuple of str
        What a reader must know.
    """

    output: str
    n_rows: int
    additive: bool
    additive_share: float
    base: float
    importances: tuple[Importance, ...]
    shapes: tuple[Shape, ...]
    interactions: Interactions
    surfaces: tuple[Surface, ...]
    method: str
    notes: tuple[str, ...]

    def shape(self, column: str) -> Shape:
        """The shape function of a column.

        Raises
        ------
        InputError
            If the model reads no such column.
        """
        check_text(column, "column")
        for shape in self.shapes:
            if shape.column == column:
                return shape
        known = [shape.column for shape in self.shapes]
        raise InputError(
            argument="column",
            expected=f"be one of {among(known)}",
            got=f"{short(column, 40)}{did_you_mean(column, known)}",
        )

    def surface(self, first: str, second: str) -> Surface:
        """The surface of two columns, in either order.

        Raises
        ------
        InputError
            If they are not among the pairs that act together most.
        """
        check_text(first, "first")
        check_text(second, "second")
        for surface in self.surfaces:
            if set(surface.columns) == {first, second}:
                return surface
        known = [" and ".join(surface.columns) for surface in self.surfaces]
        raise InputError(
            subject="The columns",
            expected=f"be a pair that acts together: {(among(known) if known else 'there is none')}",
            got=f"{short(first, 40)} and {short(second, 40)}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {
            "kind": "global",
            "output": self.output,
            "rows": self.n_rows,
            **fields(self, "additive", "additive_share", "base", "method"),
            "importances": [vars(one).copy() for one in self.importances],
            "shapes": [shape.to_dict() for shape in self.shapes],
            "interactions": self.interactions.to_dict(),
            "surfaces": [surface.to_dict() for surface in self.surfaces],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        title = f"What moves {self.output} ({self.n_rows:,} rows, mean {number_text(self.base)})"
        if self.additive:
            how = "The model adds one function a column; the shapes describe it completely."
        else:
            how = f"The shapes together explain {100 * self.additive_share:.1f} % of it; the rest are interactions."
        least = LEAST * max((one.value for one in self.importances), default=0.0)
        shown = [one for one in self.importances if one.value > least]
        width = min(max([len(one.column) for one in shown] + [6]), 36)
        lines = [title, how, "", f"  {'column':<{width}}  importance  {'[95 %]':^15}  share  shape"]
        for one, shape in zip(self.importances, self.shapes, strict=True):
            if one.value <= least:
                continue
            interval = (
                ""
                if one.low is None or one.high is None
                else f"[{number_text(one.low, 3)}, {number_text(one.high, 3)}]"
            )
            lines.append(
                f"  {cut(one.column, width):<{width}}  {number_text(one.value, 3):>10}  {interval:^15}  "
                f"{100 * one.share:4.0f} %  {'; '.join((shape.words, *shape.besides))}"
            )
        if any(100 * one.share <= -0.5 for one in shown):
            lines += ["", "  A share below 0: what the column adds mostly offsets others that go with it."]
        if unused := [one.column for one in self.importances if one.value <= least]:
            lines += ["", f"  No part, or next to none: {', '.join(unused)}"]
        if pairs := self.interactions.strongest(5):
            lines += ["", "  Columns that act together (in units of the output)"]
            words = {surface.columns: surface.words for surface in self.surfaces}
            for a, b, size in pairs:
                lines.append(f"    {number_text(size, 3):>8}  {a} \u00d7 {b}")
                if (a, b) in words:
                    lines.append(f"{'':14}{words[a, b]}")
        if self.notes:
            lines += ["", *(f"  {note}" for note in self.notes)]
        return lines_of(lines)


def overview(subject: ExplainedModel, output: Output, seed: int = 0) -> GlobalExplanation:
    """The global explanation of a model on its rows."""
    terms = subject.terms
    rows = subject.some(ADDITIVE_ROWS if terms.additive else ROWS)
    baseline = baseline_of(subject, output, "path", None if terms.additive else BACKGROUND)
    shares = contributions(subject, output, baseline, subject.rows.inputs[rows])
    value = output.of(subject.outputs)
    importances = _importances(subject, shares, value[rows], seed)
    order = sorted(range(len(importances)), key=lambda k: (-importances[k].value, k))
    shapes = {k: shape_of(subject, k, output, seed) for k in order}
    interactions = interactions_of(subject, output, seed)
    return GlobalExplanation(
        output=output.name,
        n_rows=len(subject.rows),
        additive=terms.additive,
        additive_share=1.0 if terms.additive else _additive_share(subject, shapes, value),
        base=float(value.mean()),
        importances=tuple(importances[k] for k in order),
        shapes=tuple(shapes[k] for k in order),
        interactions=interactions,
        surfaces=surfaces_of(subject, output, interactions, seed),
        method=baseline.method,
        notes=_notes(subject, terms.additive, len(rows)),
    )


def _importances(subject: ExplainedModel, shares: Floats, value: Floats, seed: int) -> list[Importance]:
    n = len(shares)
    squares = shares**2
    size = np.sqrt(squares.mean(axis=0))
    # Rounding leaves traces where a column has no part.
    size[size <= 1e-12 * max(float(size.max(initial=0.0)), 1e-300)] = 0.0
    random = numpy_generator(derive(seed, 6001))
    # Multinomial counts are a bootstrap of rows; the matrix product serves all columns at once.
    drawn = np.empty((REPLICATES, shares.shape[1]))
    for at in range(REPLICATES):
        drawn[at] = np.bincount(random.integers(0, n, n), minlength=n) @ squares / n
    low, high = np.percentile(np.sqrt(drawn), [2.5, 97.5], axis=0)
    away = value - value.mean()
    variance = float((away**2).mean())
    covariance = (shares - shares.mean(axis=0)).T @ away / n
    share = covariance / variance if variance > 0 else np.zeros(len(size))
    return [
        Importance(
            name,
            float(size[k]),
            float(low[k]) if subject.given else None,
            float(high[k]) if subject.given else None,
            float(share[k]),
        )
        for k, name in enumerate(subject.names)
    ]


def _additive_share(subject: ExplainedModel, shapes: dict[int, Shape], value: Floats) -> float:
    """How much of the variance of the output the sum of the shape functions explains."""
    total = np.zeros(len(value))
    for k, column in enumerate(subject.columns):
        shape, own = shapes[k], subject.rows.inputs[:, column.inputs[0]]
        if shape.labels:
            effect = shape.y[np.clip(own.round(), 0, len(shape.y) - 1).astype(np.int64)]
        else:
            # In a unit of their own: steps between the largest and the smallest floats leave their range.
            power = -int(np.frexp(np.abs(shape.x).max())[1])
            at, known = (np.ldexp(np.nan_to_num(x, nan=np.nan), power) for x in (column.decode(own), shape.x))
            effect = np.interp(at, known, shape.y)
        for mark, place in zip(shape.marks, column.inputs[1:], strict=True):
            effect = np.where(subject.rows.inputs[:, place] > 0.5, mark.effect, effect)
        total += effect
    left = value - total
    variance = float(value.var())
    return 1.0 - float(left.var()) / variance if variance > 0 else 1.0


def _notes(subject: ExplainedModel, additive: bool, rows: int) -> tuple[str, ...]:
    notes: list[str] = []
    if not subject.given:
        notes.append(
            "No table was given: the rows were drawn evenly over the ranges and levels that the model knows, so importances "
            "say nothing about real rows."
        )
    if not additive:
        notes.append(
            f"Importances are those of {rows:,} rows spread over the table; shapes with joint terms are accumulated local "
            "effects."
        )
    if curve := getattr(getattr(subject.model.held, "fit_", None), "curve", ""):
        what = {"square": "square", "exp": "exponential"}[curve]
        notes.append(
            f"The answer is the {what} of a sum of functions of columns and pairs; what under_curve() returns shows them as "
            "they are."
        )
    return tuple(notes)
