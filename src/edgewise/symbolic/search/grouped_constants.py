"""The constants of a formula over many groups of rows, fitted apart or together: some each group's own, some one for all.

A tied model is fitted as one formula: a constant of each group's own is a sum over the groups' indicators, so the least
squares of formulas, with their exact Jacobian and their standard errors, serve as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.seeds import numpy_generator
from edgewise.forms.tree import Apply, Node, Number, Variable, replaced
from edgewise.symbolic.config import DEFAULT, ConstantsConfig
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import Refit, refit
from edgewise.symbolic.fitting.variable_projection import Separable, minimum

# Below this share of y, what is left is rounding.
ROUNDING = 1e-13
# Below so many times its rounding a table is described exactly.
EXACTLY = 1e3 * ROUNDING


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """Rows with the number of each one's group."""

    columns: tuple[str, ...]
    X: Floats
    y: Floats
    group: Ints
    count: int

    @cached_property
    def own_price(self) -> float:
        """What a constant of each group's own costs: the log of the group's rows, which alone tell of it, of all groups."""
        sizes = np.bincount(self.group, minlength=self.count)
        return float(np.log(np.maximum(sizes, 1)).sum())

    def of(self, group: int) -> tuple[Floats, Floats]:
        """The rows of one group."""
        there = self.group == group
        return self.X[there], self.y[there]


@dataclass(frozen=True, eq=False)
class Tied:
    """A formula with some constants shared by all groups.

    Attributes
    ----------
    tree : Node
        The template.
    names : tuple of str
        Its constants.
    shared : dict of str to (value, standard error)
    own : dict of str to (values, standard errors), arrays of one entry a group
    plain : dict of str to Node
        Shared constants that are numbers no row contradicts, such as 2 or 1/3.
    rss : float
        Residual sum of squares.
    criterion : float
        n log(rss / n) + log(n) for each shared constant (Schwarz 1978, doi:10.1214/aos/1176344136), and for one of the
        groups' own the log of each group's rows, since no others tell of it (Pauler 1998, doi:10.1093/biomet/85.1.13).
    """

    tree: Node
    names: tuple[str, ...]
    shared: dict[str, tuple[float, float]]
    own: dict[str, tuple[Floats, Floats]]
    plain: dict[str, Node]
    rss: float
    criterion: float

    @property
    def constants(self) -> int:
        """How many numbers were fitted."""
        return len(self.shared) + sum(len(values) for values, _ in self.own.values())


Fit = tuple[Floats, Floats, float]


def distinct(models: Sequence[Tied]) -> list[Tied]:
    """Without those that are another writing of one before: as many constants, which leave the same."""
    found = list[Tied]()
    for each in models:
        if not any(
            each.constants == other.constants and math.isclose(each.rss, other.rss, rel_tol=1e-7)
            for other in found
        ):
            found.append(each)
    return found


def exact(rss: float, y: Floats) -> bool:
    """Whether nothing but rounding is left of y."""
    return rss <= EXACTLY**2 * float(np.square(y).sum())


def apart(
    tree: Node, names: Sequence[str], starts: Sequence[float], rows: GroupedRows, seed: int
) -> Tied | None:
    """The formula fitted to each group by itself; None where some group has too few rows, or no value."""
    return together(tree, names, each_group(tree, names, starts, rows, seed), rows)


def each_group(
    tree: Node, names: Sequence[str], starts: Sequence[float], rows: GroupedRows, seed: int
) -> list[Fit | None]:
    """What `of_group` gives for every group."""
    return [of_group(tree, names, starts, rows.columns, *rows.of(at), seed) for at in range(rows.count)]


def together(tree: Node, names: Sequence[str], fits: Sequence[Fit | None], rows: GroupedRows) -> Tied | None:
    """The fits of all groups as one model, nothing shared; None where there is none for some group."""
    known = [each for each in fits if each is not None]
    if len(known) < len(fits):
        return None
    own = {
        name: (np.array([each[0][k] for each in known]), np.array([each[1][k] for each in known]))
        for k, name in enumerate(names)
    }
    return _tied(tree, tuple(names), {}, own, {}, sum(each[2] for each in known), rows)


def of_group(
    tree: Node,
    names: Sequence[str],
    starts: Sequence[float],
    columns: Sequence[str],
    X: Floats,
    y: Floats,
    seed: int,
    config: ConstantsConfig = DEFAULT.constants,
) -> Fit | None:
    """Constants of one group with their standard errors, and the residual sum of squares."""
    if len(y) < len(names):
        return None
    if not names:
        return np.empty(0), np.empty(0), float(np.square(_value(tree, columns, X) - y).sum())
    problem = Separable(tree, names, columns, X, y, np.ones(len(y)))
    start, known = np.array(starts, dtype=np.float64), np.ones(len(names), dtype=bool)
    found = minimum(problem, start, known, numpy_generator(seed), config)
    if not math.isfinite(found.rss):
        return None
    fit = refit(problem.filled(found.constants), columns, X, y, steps=0)
    errors = np.full(len(names), np.inf)
    errors[np.asarray(problem.order)] = fit.standard_errors
    return found.constants, errors, found.rss


def refitted(model: Tied, rows: GroupedRows) -> Tied | None:
    """The model with its constants fitted anew, to these rows; None where it has no value on them."""
    return joint(model, model.shared, model.own, model.plain, rows)


def joint(
    model: Tied,
    shared: dict[str, tuple[float, float]],
    own: dict[str, tuple[Floats, Floats]],
    plain: dict[str, Node],
    rows: GroupedRows,
) -> Tied | None:
    """All constants fitted at once."""
    tree, placed, columns, X = _written_out(model.tree, shared, own, plain, rows)
    order = _order(tree, columns, placed)
    fit = refit(tree, columns, X, rows.y)
    if not math.isfinite(fit.rss):
        return None
    return _read(model, fit, order, shared, own, plain, rows)


def linearized(model: Tied, rows: GroupedRows) -> tuple[Floats, list[tuple[str, int]]]:
    """The slopes of all rows in all constants, and which constant of which group each is; of a shared one it is -1."""
    tree, placed, columns, X = _written_out(model.tree, model.shared, model.own, model.plain, rows)
    tape = Tape(tree, columns)
    return tape.jacobian(tape.start, X)[1], _order(tree, columns, placed)


def residuals(model: Tied, rows: GroupedRows) -> Floats | None:
    """What the model leaves of every row; None where it has no value."""
    tree, _, columns, X = _written_out(model.tree, model.shared, model.own, model.plain, rows)
    left = rows.y - _value(tree, columns, X)
    return left if np.isfinite(left).all() else None


def _written_out(
    tree: Node,
    shared: dict[str, tuple[float, float]],
    own: dict[str, tuple[Floats, Floats]],
    plain: dict[str, Node],
    rows: GroupedRows,
) -> tuple[Node, dict[int, tuple[str, int]], list[str], Floats]:
    """The formula of all groups, where its constants are, and the columns with a flag for each group."""
    flags = [f"_{at}" for at in range(rows.count)]
    values: dict[str, Node] = dict(plain)
    placed: dict[int, tuple[str, int]] = {}
    for name, (value, _) in shared.items():
        literal = Number(float(value))
        values[name], placed[id(literal)] = literal, (name, -1)
    for name, (each, _) in own.items():
        literals = [Number(float(value)) for value in each]
        placed.update({id(literal): (name, at) for at, literal in enumerate(literals)})
        terms = tuple(
            Apply("*", (literal, Variable(flag))) for literal, flag in zip(literals, flags, strict=True)
        )
        values[name] = terms[0] if len(terms) == 1 else Apply("+", terms)
    X = np.concatenate([rows.X, np.eye(rows.count)[rows.group]], axis=1)
    return replaced(tree, values), placed, [*rows.columns, *flags], X


def _order(tree: Node, columns: Sequence[str], placed: dict[int, tuple[str, int]]) -> list[tuple[str, int]]:
    """Which constant, of which group, each constant of the tape is."""
    literals: list[tuple[str, int]] = []
    seen: set[int] = set()

    def walk(node: Node) -> None:
        if isinstance(node, Apply):
            for each in node.arguments:
                walk(each)
        elif isinstance(node, Number) and isinstance(node.value, float) and id(node) not in seen:
            seen.add(id(node))
            literals.append(placed[id(node)])

    walk(tree)
    assert len(literals) == Tape(tree, columns).size
    return literals


def _read(
    model: Tied,
    fit: Refit,
    order: list[tuple[str, int]],
    shared: dict[str, tuple[float, float]],
    own: dict[str, tuple[Floats, Floats]],
    plain: dict[str, Node],
    rows: GroupedRows,
) -> Tied:
    by_group = {name: (np.empty(rows.count), np.empty(rows.count)) for name in own}
    common = dict(shared)
    for (name, at), value, error in zip(
        order, fit.constants.tolist(), fit.standard_errors.tolist(), strict=True
    ):
        if at < 0:
            common[name] = (value, error)
        else:
            by_group[name][0][at], by_group[name][1][at] = value, error
    return _tied(model.tree, model.names, common, by_group, plain, fit.rss, rows)


def _tied(
    tree: Node,
    names: tuple[str, ...],
    shared: dict[str, tuple[float, float]],
    own: dict[str, tuple[Floats, Floats]],
    plain: dict[str, Node],
    rss: float,
    rows: GroupedRows,
) -> Tied:
    size = deviance(rss, rows) + math.log(len(rows.y)) * len(shared) + rows.own_price * len(own)
    return Tied(tree, names, shared, own, plain, rss, size)


def deviance(rss: float, rows: GroupedRows) -> float:
    """n log(rss / n), of no less than rounding."""
    n = len(rows.y)
    floor = n * (ROUNDING * float(np.sqrt(np.mean(np.square(rows.y))))) ** 2
    return n * math.log(max(rss, floor, 1e-300) / n)


def _value(tree: Node, columns: Sequence[str], X: Floats) -> Floats:
    tape = Tape(tree, columns)
    return np.asarray(tape.value(tape.start, X), dtype=np.float64)
