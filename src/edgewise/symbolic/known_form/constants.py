"""From a formula with named constants, such as a*exp(-b*x) + c, to the values that the data give them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from edgewise._core.arguments import column_names
from edgewise._core.checks import (
    among,
    check_int,
    check_matrix,
    check_vector,
    plural,
    short,
)
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.seeds import numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter
from edgewise.forms.tree import Node, names_in
from edgewise.symbolic.expressions.named_constants import exact, like_columns, starts_of, with_constants
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.measurements import Measurements, measured
from edgewise.symbolic.fitting.rounding import FittedFormula
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.fitting.variable_projection import Separable, minimum
from edgewise.symbolic.results.formula import Constant, Formula
from edgewise.symbolic.results.search_result import as_formula, chi_square_text


class WithConstants:
    """What was fitted, as named constants and a message state it."""

    constants: Mapping[str, Constant]
    message: str

    def plain_constants(self) -> dict[str, Any]:
        """The constants as plain values, for JSON."""
        return {
            name: fields(constant, "value", "standard_error") for name, constant in self.constants.items()
        }

    def __str__(self) -> str:
        lines = [
            f"{name} = {constant.value:.6g} +- {constant.standard_error:.2g}"
            for name, constant in self.constants.items()
        ]
        return "\n".join([*lines, self.message])


@dataclass(frozen=True, eq=False)
class FittedConstants(WithConstants):
    """A formula whose named constants were fitted.

    Parameters
    ----------
    text
        The formula as it was written.
    constants
        Each constant's value and standard error (infinite where the data do not determine it), in reading order.
    deviation
        The residual standard deviation, with the constants' degrees of freedom taken off, in the units of y.
    formula
        The formula with the values in it; its error is that of predicting each row from all others.
    message
        What was found, in one sentence.
    reduced_chi_square
        Where the noise was given by `sigma`: the mean squared error in units of it, with the constants' degrees of freedom
        taken off. About one where the formula is right.
    stop_reason
        Why the search for the lowest minimum ended.
    seconds
        How long it took.
    """

    text: str
    constants: Mapping[str, Constant]
    deviation: float
    formula: Formula
    message: str
    reduced_chi_square: float | None = None
    stop_reason: StopReason = StopReason.CONVERGED
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        names = ("text", "deviation", "message", "reduced_chi_square", "stop_reason", "seconds")
        return {
            **fields(self, *names),
            "constants": self.plain_constants(),
            "formula": self.formula.to_dict(),
        }


def fit_constants(
    X: Any,
    y: Any,
    text: str,
    *,
    names: Iterable[str] | None = None,
    start: Mapping[str, float] | None = None,
    sample_weight: Any = None,
    sigma: Any = None,
    seed: int | None = 0,
) -> FittedConstants:
    """Fit the constants of a formula by least squares.

    Constants that only scale terms need no start, and the others are searched over decades on both sides of theirs: the
    lowest minimum found is the answer, not the one next to the start.

    Parameters
    ----------
    X
        Matrix or data frame, (n, d). Rows with a missing cell are left out, and the message says so.
    y
        Vector, (n,), with at least as many rows as there are constants.
    text
        The formula. Any name that is neither a column nor a known function nor pi or e is a constant to fit:
        "a*exp(-b*x) + c". Numbers stay as they are.
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    start
        Rough values of some constants; only the sign and the power of ten matter much. Where constants could change
        places, as the rates of two exponentials can, they keep the order that they have here.
    sample_weight
        How much each row counts, (n,), as the inverse square of its standard error; by default all the same. 0 leaves a row
        out.
    sigma
        The standard deviation of the noise in y, a number or one a row, (n,): rows count 1/sigma^2, the standard errors are
        what this noise makes of them, and the message gives chi-square per degree of freedom.
    seed
        Seed of the starts.

    Returns
    -------
    FittedConstants

    Raises
    ------
    InputError
        Where the table, the text or the starts do not fit, or the formula has no value on some row wherever it is started.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic.known_form.constants import fit_constants
    >>> t = np.linspace(0, 600, 40)
    >>> found = fit_constants(t[:, None], 5 * np.exp(-t / 80) + 2, "a*exp(-t/tau) + c", names=["t"])
    >>> [f"{name} {each.value:.6f}" for name, each in found.constants.items()]
    ['a 5.000000', 'tau 80.000000', 'c 2.000000']

    What is known of the noise determines how well the formula should do:

    >>> y = 5 * np.exp(-t / 80) + 2 + 0.1 * np.random.default_rng(0).standard_normal(40)
    >>> found = fit_constants(t[:, None], y, "a*exp(-t/tau) + c", names=["t"], sigma=0.1)
    >>> print(found.message.split("; ")[0])
    Fitted 3 constants to 40 rows with a residual standard deviation of 0.08068
    >>> round(found.reduced_chi_square, 2)
    0.65
    """
    cells = check_matrix(X, "X", missing=True)
    values_of_y = check_vector(y, "y", length=len(cells), missing=True)
    columns = column_names(X, names, cells.shape[1])
    data = measured(cells, values_of_y, columns, sample_weight=sample_weight, sigma=sigma)
    table, target = data.X, data.y
    root = np.ones(len(target)) if data.weight is None else np.sqrt(data.weight)
    meter = Meter()
    tree, labels = with_constants(text, columns)
    doubts = like_columns(labels, columns, set(names_in(tree)))
    if len(target) < len(labels):
        raise InputError(
            f"The 'y' argument must have at least {plural(len(labels), 'row')}, one for every constant. "
            f"Got {len(target)} instead{': ' if data.notes else '.'}{' '.join(data.notes)}"
        )
    first, known = starts_of(start, labels)
    generator = numpy_generator(None if seed is None else check_int(seed, "seed", low=0))
    tree = exact(tree)
    with np.errstate(all="ignore"):
        problem = Separable(tree, labels, columns, table, target, root)
        found = minimum(problem, first, known, generator)
        if not math.isfinite(found.rss):
            raise InputError(
                argument="text",
                expected="have a value on every row for some of the starts that are tried",
                got=f"{short(text)}, for which there was none,",
                advice="give a start by 'start', and check logs, roots and divisions",
            )
        rows = SplitRows.whole(columns, data)
        values = dict(zip(labels, found.constants.tolist(), strict=True))
        result = _result(text, problem.filled(found.constants), problem.order, values, rows, data)
        return replace(result, message=" ".join([result.message, *doubts]), seconds=meter.seconds)


def _result(
    text: str,
    tree: Node,
    order: Sequence[int],
    values: Mapping[str, float],
    rows: SplitRows,
    data: Measurements,
) -> FittedConstants:
    fit = refit(tree, rows.names, rows.X, rows.y, rows.weight, steps=0, variance=rows.variance)
    errors = dict(zip(order, fit.standard_errors.tolist(), strict=True))
    constants = {name: Constant(value, errors[at]) for at, (name, value) in enumerate(values.items())}
    deviation = math.sqrt(fit.rss / max(fit.dof, 1))
    open_ = [name for name, constant in constants.items() if not math.isfinite(constant.standard_error)]
    determined = f"the data do not determine {among(open_)}" if open_ else "the data determine every constant"
    # As a sum without brackets and the like it may have fewer constants.
    expression = from_tree(tree, rows.names)
    whole = refit(
        to_tree(expression), rows.names, rows.X, rows.y, rows.weight, steps=0, variance=rows.variance
    )
    formula = as_formula(FittedFormula(expression, whole, rows.held_error(whole)), rows, None)
    chi_square = None if rows.variance is None else fit.rss / rows.variance / max(fit.dof, 1)
    if chi_square is not None:
        determined += f"; {chi_square_text(chi_square, fit.dof)}"
    notes = "".join(f" {note}" for note in data.notes)
    return FittedConstants(
        text,
        MappingProxyType(constants),
        deviation,
        formula,
        f"Fitted {plural(len(values), 'constant')} to {plural(len(rows.y), 'row')} with a residual standard deviation "
        f"of {deviation:.4g}; {determined}.{notes}",
        chi_square,
    )
