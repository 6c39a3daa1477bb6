"""What `fit_partial` returns: unknown functions as curves, constants, and closed forms."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edgewise._core.arrays import Floats
from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, plain
from edgewise._core.stopping import StopReason
from edgewise.data.row_labels import label_text
from edgewise.symbolic.known_form.model import PartialModel, Spline
from edgewise.symbolic.known_form.partial_rows import RowReader
from edgewise.symbolic.results.formula import Constant, Formula
from edgewise.symbolic.univariate.closed_forms import Suggestion


@dataclass(frozen=True, eq=False)
class UnknownFunction:
    """A learned function of one variable.

    Parameters
    ----------
    name
        As in the text.
    x, y
        The curve over all the function was called with.
    normalised
        What was fixed because the data cannot determine it, in words; empty where they can.
    suggestions
        Closed forms a*f(b*x + c) + d, the most likely first.
    """

    name: str
    x: Floats
    y: Floats
    normalised: str
    suggestions: tuple[Suggestion, ...]
    _spline: Spline

    def __repr__(self) -> str:
        likely = f", most likely {self.suggestions[0].text}" if self.suggestions else ""
        return f"<{self.name} from {self.x[0]:.6g} to {self.x[-1]:.6g}{likely}>"

    def __call__(self, x: ArrayLike) -> Floats:
        """The function at x; beyond the curve's ends it goes on straight."""
        values = np.asarray(x, dtype=np.float64)
        return self._spline(values.ravel()).reshape(values.shape)


@dataclass(frozen=True, eq=False)
class PartialResult:
    """A partly known formula with its unknown functions learned.

    Parameters
    ----------
    text
        The formula as it was written.
    functions
        The unknown functions in reading order.
    error
        Root mean squared error on held-out rows, in the units of y.
    r2
        Coefficient of determination on the same rows.
    formula
        The whole formula with every unknown in closed form, where that is about as accurate; else None.
    alternatives
        Other whole formulas in closed form, as accurate or not.
    message
        What was learned, in one sentence.
    seconds
        How long it took.
    stop_reason
        Why learning ended.
    constants
        The named constants that are one for all rows, each with its standard error (infinite where the rows leave it open).
    own
        The others: for each name, a constant of groups or a function of words, its constant in each group or of each word.
    formulas
        Where constants follow groups or words, or there are several targets, the closed form in each, by group, word or
        number of the target (from 0), or by a tuple of these; `formula` is then None.
    """

    text: str
    functions: tuple[UnknownFunction, ...]
    error: float
    r2: float
    formula: Formula | None
    alternatives: tuple[Formula, ...]
    message: str
    seconds: float
    stop_reason: StopReason
    _model: PartialModel
    _rows: RowReader
    _scalars: Mapping[str, Spline]
    constants: Mapping[str, Constant] = field(default_factory=dict[str, Constant])
    own: Mapping[str, Mapping[Hashable, Constant]] = field(
        default_factory=dict[str, Mapping[Hashable, Constant]]
    )
    formulas: Mapping[Hashable, Formula] = field(default_factory=dict[Hashable, Formula])

    def __str__(self) -> str:
        """The formula with what was learned of it, a line each, and the message."""
        lines = [self.text if self.formula is None else self.formula.text]
        lines += [f"{label_text(level)}: {formula.text}" for level, formula in self.formulas.items()]
        lines += [f"{name} = {_measured(constant)}" for name, constant in self.constants.items()]
        for name, levels in self.own.items():
            cells = ", ".join(f"{_measured(item)} ({label_text(level)})" for level, item in levels.items())
            lines.append(f"{name} = {cells}")
        return "\n".join([*lines, self.message])

    def __repr__(self) -> str:
        return f"<PartialResult of {self.text}: {self.message}>"

    def __getitem__(self, name: str) -> UnknownFunction:
        for function in self.functions:
            if function.name == name:
                return function
        known = [function.name for function in self.functions]
        raise InputError(
            subject="The name of an unknown function",
            expected=f"be one of {among(known)}",
            got=f"{short(name)}{did_you_mean(name, known)}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything but what `predict` needs, for JSON."""
        curves = [
            {
                **fields(function, "name", "x", "y", "normalised"),
                "suggestions": [one.text for one in function.suggestions],
            }
            for function in self.functions
        ]
        return {
            **fields(self, "text", "error", "r2", "message", "stop_reason", "seconds"),
            "functions": curves,
            "formula": None if self.formula is None else self.formula.to_dict(),
            "alternatives": [alternative.to_dict() for alternative in self.alternatives],
            "constants": {name: _as_data(constant) for name, constant in self.constants.items()},
            "own": [
                {"name": name, "level": plain(level), **_as_data(item)}
                for name, levels in self.own.items()
                for level, item in levels.items()
            ],
            "formulas": [
                {"of": plain(level), "formula": formula.to_dict()} for level, formula in self.formulas.items()
            ],
        }

    def predict(self, X: Any, groups: Sequence[Hashable] | None = None) -> Floats:
        """The formula with the learned functions at every row.

        Parameters
        ----------
        X
            The columns, (n, d), those of words among them where there were such.
        groups
            The group of each row, (n,), where there were groups.

        Returns
        -------
        ndarray
            (n,), with several targets (n, k); not finite where the formula has no value.
        """
        tables = self._rows.tables(X, groups)
        splines = {**self._scalars, **{function.name: function._spline for function in self.functions}}
        with np.errstate(all="ignore"):
            values = [self._model.run(splines, table).value for table in tables]
        return values[0] if self._rows.categories.targets is None else np.column_stack(values)


def _measured(constant: Constant) -> str:
    return f"{constant.value:.6g} ± {constant.standard_error:.2g}"


def _as_data(constant: Constant) -> dict[str, Any]:
    return fields(constant, "value", "standard_error")
