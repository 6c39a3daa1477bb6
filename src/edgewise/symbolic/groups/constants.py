"""The constants of a formula over many groups of rows, fitted apart or together: some each group's own, some one for all.

Apart they are found from many starts, together from where they are (`fit_together`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Bools, Floats
from edgewise._core.seeds import numpy_generator
from edgewise.forms.tree import Node, replaced
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.variable_projection import EFFORT, Separable, StartEffort, minimum
from edgewise.symbolic.groups.least_squares import GroupedProblem, fit_together
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.template import Structure

# Formulas that are taken from a search, and structures whose constants are tied, the best first.
TAKEN_FORMULAS = 10
TIED_STRUCTURES = 8
# Starts for the constants of a group: of many groups each has fewer, being judged with the others.
STARTS = StartEffort(200, 6, 3, 80)
# The same of a formula with another function in one place, which are many and have one new constant each.
FEW_STARTS = StartEffort(16, 2, 1, 60)
# Nats of a node beside the criterion of Schwarz: a formula with a node more must have a third less error.
NODE_NATS = math.log(2) / 0.3

# Below this share of y, what is left is rounding.
ROUNDING = 1e-13
# Below so many times its rounding a table is described exactly.
EXACTLY = 1e3 * ROUNDING


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
    for model in models:
        if not any(
            model.constants == other.constants and math.isclose(model.rss, other.rss, rel_tol=1e-7)
            for other in found
        ):
            found.append(model)
    return found


def exact(rss: float, y: Floats) -> bool:
    """Whether nothing but rounding is left of y."""
    return rss <= EXACTLY**2 * float(np.square(y).sum())


def apart(structure: Structure, rows: GroupedRows, seed: int) -> Tied | None:
    """The formula fitted to each group by itself; None where some group has too few rows, or no value."""
    return together(structure, each_group(structure, rows, seed), rows)


def each_group(structure: Structure, rows: GroupedRows, seed: int) -> list[Fit | None]:
    """What `of_group` gives for every group."""
    return [of_group(structure, rows.columns, *rows.of(at), seed) for at in range(rows.count)]


def together(structure: Structure, fits: Sequence[Fit | None], rows: GroupedRows) -> Tied | None:
    """The fits of all groups as one model, nothing shared; None where there is none for some group."""
    tree, names, _ = structure
    known = [fit for fit in fits if fit is not None]
    if len(known) < len(fits):
        return None
    values = {name: np.array([item[0][k] for item in known]) for k, name in enumerate(names)}
    errors = {name: np.array([item[1][k] for item in known]) for k, name in enumerate(names)}
    own = {name: (array, errors[name]) for name, array in written_alike(tree, values, rows).items()}
    return _tied(tree, names, {}, own, {}, sum(name[2] for name in known), rows)


def of_group(
    structure: Structure,
    columns: Sequence[str],
    X: Floats,
    y: Floats,
    seed: int,
    effort: StartEffort = EFFORT,
) -> Fit | None:
    """Constants of one group with their standard errors, and the residual sum of squares."""
    tree, names, starts = structure
    if len(y) < len(names):
        return None
    if not names:
        return np.empty(0), np.empty(0), float(np.square(_value(tree, columns, X) - y).sum())
    problem = Separable(tree, names, columns, X, y, np.ones(len(y)))
    start, known = np.array(starts, dtype=np.float64), np.ones(len(names), dtype=bool)
    found = minimum(problem, start, known, numpy_generator(seed), effort)
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
    fit = fit_together(
        replaced(model.tree, plain),
        {name: values for name, (values, _) in own.items()},
        {name: value for name, (value, _) in shared.items()},
        rows,
    )
    if not math.isfinite(fit.rss):
        return None
    ones = {name: (value, fit.shared_errors[name]) for name, value in fit.shared.items()}
    per_group = {name: (values, fit.own_errors[name]) for name, values in fit.own.items()}
    return _tied(model.tree, model.names, {**shared, **ones}, {**own, **per_group}, plain, fit.rss, rows)


def linearized(model: Tied, rows: GroupedRows) -> tuple[Floats, list[tuple[str, int]]]:
    """The slopes of all rows in all constants, and which constant of which group each is; of a shared one it is -1."""
    problem, point = _problem(model, rows)
    order = [(name, at) for name in problem.own for at in range(rows.count)]
    return problem.spread(problem.jacobian(point)[1]), [*order, *((name, -1) for name in problem.shared)]


def residuals(model: Tied, rows: GroupedRows) -> Floats | None:
    """What the model leaves of every row; None where it has no value."""
    problem, point = _problem(model, rows)
    left = rows.y - problem.jacobian(point)[0]
    return left if np.isfinite(left).all() else None


def _problem(model: Tied, rows: GroupedRows) -> tuple[GroupedProblem, Floats]:
    """The model's least squares, and where it is."""
    problem = GroupedProblem.of(
        replaced(model.tree, model.plain), tuple(model.own), tuple(model.shared), rows
    )
    own = {name: values for name, (values, _) in model.own.items()}
    return problem, problem.joined(own, {name: value for name, (value, _) in model.shared.items()})


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


# Values that differ by less than this share of the largest are the same.
_SAME = 1e-9


def written_alike(tree: Node, own: dict[str, Floats], rows: GroupedRows) -> dict[str, Floats]:
    """The constants with equal signs, and angles near each other, where that leaves the values as they are.

    Parameters
    ----------
    tree
        The formula of the columns and the named constants, every other number exact.
    own
        The constants, an entry a group.
    rows
        All groups.
    """
    problem = GroupedProblem.of(tree, tuple(own), (), rows)
    values = problem.value(own)
    if not np.isfinite(values).all():
        return own
    near = _SAME * float(np.abs(values).max())

    def same(changed: dict[str, Floats]) -> bool:
        return bool(np.abs(problem.value({**own, **changed}) - values).max() <= near)

    angles = [name for name in problem.own if same({name: own[name] + 2 * math.pi})]
    found = dict(own)
    for name in problem.own:
        fewer = _fewer(found[name])
        others = [item for item in problem.own if item != name]
        # By itself, with the sign of another, or with half a turn.
        moves = [{}, *({other: -found[other]} for other in others)]
        moves += [{angle: found[angle] + math.pi} for angle in angles if angle != name]
        for move in moves if fewer.any() and name not in angles else []:
            changed = {
                item: np.where(fewer, new, found[item]) for item, new in {name: -found[name], **move}.items()
            }
            if same({**found, **changed}):
                found |= changed
                break
    return found | {name: _near_each_other(found[name]) for name in angles}


def _fewer(values: Floats) -> Bools:
    """The groups with the rarer sign; of as many, those with another than the first."""
    below = values < 0
    return below if 2 * below.sum() < len(below) + (not below[0]) else ~below


def _near_each_other(angles: Floats) -> Floats:
    """The same angles within half a turn of their mean direction."""
    middle = float(np.angle(np.exp(1j * angles).mean()))
    return middle + np.remainder(angles - middle + math.pi, 2 * math.pi) - math.pi
