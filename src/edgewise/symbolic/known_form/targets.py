"""Several targets whose known formulas share constants: fitted together, each as closely as its own noise lets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from edgewise._core.arguments import column_names
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_int, check_matrix, plural, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.seeds import numpy_generator
from edgewise._core.threads import one_thread
from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Node, Number, Variable, names_in, replaced, summed
from edgewise.symbolic.expressions.named_constants import exact, like_columns, starts_of, with_constants
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.variable_projection import Separable, minimum
from edgewise.symbolic.known_form.constants import WithConstants
from edgewise.symbolic.results.formula import Constant, Formula

# Rounds in which each target's weight becomes that of what its formula leaves; they change little after two.
_ROUNDS = 3
# Below this share of a target's spread, what is left is rounding.
_ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class FittedTargets(WithConstants):
    """Formulas of several targets with the constants that they share.

    Attributes
    ----------
    texts : tuple of str
        The formulas as they were written.
    constants : mapping of str to Constant
        Each with its standard error (infinite where the data do not determine it), in reading order.
    formulas : tuple of Formula
        The formulas with the values in them, one a target.
    deviations : tuple of float
        The residual standard deviation of each target.
    message : str
    """

    texts: tuple[str, ...]
    constants: Mapping[str, Constant]
    formulas: tuple[Formula, ...]
    deviations: tuple[float, ...]
    message: str

    def predict(self, X: Any) -> Floats:
        """All targets at every row, (n, k)."""
        return np.column_stack([formula.predict(X) for formula in self.formulas])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **fields(self, "texts", "deviations", "message"),
            "constants": self.plain_constants(),
            "formulas": [formula.to_dict() for formula in self.formulas],
        }


def fit_targets(
    X: Any,
    Y: Any,
    texts: Iterable[str],
    *,
    names: Iterable[str] | None = None,
    start: Mapping[str, float] | None = None,
    seed: int = 0,
) -> FittedTargets:
    """Fit the constants of several formulas, one a target, that may share them.

    Each target counts by the inverse variance of what its own formula leaves, which is found in a few rounds (iterated
    generalised least squares with independent noise).

    Parameters
    ----------
    X
        Matrix or data frame, (n, d).
    Y
        The targets, (n, k). Cells may be missing (NaN); a target then has fewer rows.
    texts
        k formulas. Any name that is neither a column nor a known function nor pi or e is a constant; the same name is the
        same constant in all.
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    start
        Rough values of some constants.
    seed
        Seed of the starts.

    Returns
    -------
    FittedTargets

    Raises
    ------
    InputError
        Where the tables do not fit together, a formula cannot be read or has no value on some row.

    References
    ----------
    Zellner (1962), An efficient method of estimating seemingly unrelated regressions and tests for aggregation bias. Journal
    of the American Statistical Association 57(298). doi:10.1080/01621459.1962.10480664

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic import fit_targets
    >>> t = np.linspace(0, 4, 30)
    >>> Y = np.column_stack([3 * np.exp(-0.7 * t), 3 - 3 * np.exp(-0.7 * t)])
    >>> found = fit_targets(t[:, None], Y, ["a*exp(-k*t)", "a*(1 - exp(-k*t))"], names=["t"])
    >>> {name: round(each.value, 6) for name, each in found.constants.items()}
    {'a': 3.0, 'k': 0.7}
    """
    table = check_matrix(X, "X")
    targets = check_matrix(Y, "Y", missing=True)
    written = as_tuple(texts, "texts", "formulas, one a target")
    if len(targets) != len(table) or len(written) != targets.shape[1] or not written:
        raise InputError(
            argument="Y",
            expected=(
                f"have {plural(len(table), 'row')} and one column for each of "
                f"{plural(len(written), 'formula')}"
            ),
            got=f"{plural(targets.shape[0], 'row')} and {plural(targets.shape[1], 'column')}",
        )
    columns = column_names(X, names, table.shape[1])
    trees = [exact(_read(text, columns)) for text in written]
    free = dict.fromkeys(name for tree in trees for name in names_in(tree))
    labels = tuple(name for name in free if name not in columns and name not in CONSTANTS)
    there, which = np.isfinite(targets), np.arange(targets.shape[1])
    flags = [f"target {k}" for k in which]
    whole = summed(Variable(flag) * tree for flag, tree in zip(flags, trees, strict=True))
    at, target = np.nonzero(there)
    if len(at) < len(labels):
        raise InputError(
            argument="Y",
            expected=f"have at least {plural(len(labels), 'number')}, one for every constant",
            got=len(at),
        )
    first, known = starts_of(start, labels)
    rows, y = np.hstack([table[at], np.eye(len(which))[target]]), targets[at, target]
    spread = np.array([float(np.std(y[target == k])) or 1.0 for k in which])
    deviation, every = spread, (*columns, *flags)
    with np.errstate(all="ignore"), one_thread():
        problem = Separable(whole, labels, every, rows, y, 1 / deviation[target])
        found = minimum(problem, first, known, numpy_generator(check_int(seed, "seed", low=0)))
        if not math.isfinite(found.rss):
            raise InputError(
                argument="texts",
                expected="have values on every row for some of the starts that are tried",
                got=f"{short(written)}, for which there were none",
                advice="check logs, roots and divisions",
            )
        fit = refit(problem.filled(found.constants), every, rows, y, 1 / np.square(deviation[target]))
        for _ in range(_ROUNDS):
            tape = Tape(fit.tree, every)
            off = np.square(tape.value(tape.start, rows) - y)
            left = np.array([math.sqrt(float(off[target == k].mean())) for k in which])
            deviation = np.maximum(left, _ROUNDING * spread)
            fit = refit(fit.tree, every, rows, y, 1 / np.square(deviation[target]))
    pairs = zip(fit.constants.tolist(), fit.standard_errors.tolist(), strict=True)
    by_place = {at: Constant(*pair) for at, pair in zip(problem.order, pairs, strict=True)}
    constants = {name: by_place[k] for k, name in enumerate(labels)}
    values = {name: constant.value for name, constant in constants.items()}
    formulas = tuple(
        _formula(tree, values, columns, float(item), float(size))
        for tree, item, size in zip(trees, deviation, spread, strict=True)
    )
    message = f"Fitted {plural(len(labels), 'constant')} to {plural(len(which), 'target')} and {plural(len(y), 'value')}."
    message = " ".join([message, *like_columns(labels, columns, free)])
    return FittedTargets(
        tuple(map(str, written)), MappingProxyType(constants), formulas, tuple(deviation.tolist()), message
    )


def _read(text: object, columns: tuple[str, ...]) -> Node:
    return with_constants(text, columns)[0]


def _formula(
    tree: Node, values: Mapping[str, float], columns: tuple[str, ...], error: float, spread: float
) -> Formula:
    filled = replaced(tree, {name: Number(value) for name, value in values.items()})
    return Formula(from_tree(filled, columns), columns, error, 1 - (error / spread) ** 2)
