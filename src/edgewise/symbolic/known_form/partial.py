"""From a partly known formula to the unknown functions in it: y = f(x1/x2)*g(x3) + x4 gives f and g.

Known parts stay exactly as written. Each unknown function becomes a spline, all are learned together, and each is then
compared with the library of closed forms.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import among, as_tuple, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.data import split
from edgewise.forms.tree import Node, replaced
from edgewise.symbolic.expressions.named_constants import given_starts
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.writing import from_tree, values
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.known_form.fit import FitTask, Freedom, Learned, constant_errors, learn
from edgewise.symbolic.known_form.model import PartialModel
from edgewise.symbolic.known_form.partial_result import PartialResult, UnknownFunction
from edgewise.symbolic.known_form.partial_rows import PartialRows, read_rows
from edgewise.symbolic.known_form.snap import whole_formulas, whole_tree
from edgewise.symbolic.known_form.text import Partial, level_label, read_partial
from edgewise.symbolic.results.formula import Constant, Formula
from edgewise.symbolic.univariate.closed_forms import fit_curve

# Units of work of "normal".
_WORK_UNITS = 20.0
# Rows of a table at least; the share that judges, and of the others the share that grids and smoothness are chosen on.
_FEWEST_ROWS = 60
_JUDGING_SHARE = 0.2
_CHOOSING_SHARE = 0.25
# Points of a learned curve.
_CURVE_POINTS = 160
# Parts of its range whose rows are counted; the least weight of a point, for a form must hold where few rows lie, too.
_CROWDS = 20
_LEAST_WEIGHT = 0.1
# A curve is thought no more accurate than the first, and no less than the second.
_CLOSEST_ACCURACY = 1e-8
_LOOSEST_ACCURACY = 0.3
# Closed forms of each function that are tried.
_CLOSED_FORMS = 6
# A formula stands for the learned functions where its error is at most so many times theirs.
_AS_GOOD_TIMES = 1.3

# Closed forms that the message shows, of many groups.
_SHOWN = 4


@own_settings
def fit_partial(
    X: Any,
    y: Any,
    text: str | Sequence[str],
    *,
    names: Iterable[str] | None = None,
    groups: Any = None,
    shared: Iterable[str] = (),
    start: Mapping[str, float] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int | None = 0,
    sample_weight: Any = None,
    sigma: Any = None,
) -> PartialResult:
    """Learn the unknown functions and constants of a partly known formula.

    Parameters
    ----------
    X
        Matrix or data frame, (n, d), at least 60 rows. Columns of a data frame may hold words.
    y
        Vector, (n,), or matrix (n, k) of several targets.
    text
        The formula. Any name that is called and is neither a column nor a known function is an unknown function of one
        variable: "f(x1/x2)*g(x3) + x4", "sqrt(f(x1) + x2^2)", "f(g(x1) + x2)". A function may be called several times. One
        of several columns is found by `find_function`. A name that stands alone and is no column is a constant: "f(x1) +
        b*x2". A function that is called with a column of words is a constant for each word: "f(x1) + h(metal)". With several
        targets a formula for each, in which the same name is the same function or constant.
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    groups
        The group of each row, (n,): constants are then each group's own, functions those of all.
    shared
        Constants that are one for all groups.
    start
        Rough values of some constants; without them those inside functions such as exp(-k*x2) are sought over a few decades
        about one.
    work
        How much to do: "quick", "normal", "thorough" or a factor.
    seconds
        Time limit; functions that are learned until then are the answer, and may differ from run to run. An error is raised
        where there are none yet.
    seed
        Seed of the split and of the starts.
    sample_weight
        How much each row counts, (n,); 0 leaves it out.
    sigma
        The standard deviation of the noise in y, a number or one a row, (n,); a row then counts 1/sigma^2.

    Returns
    -------
    PartialResult

    Raises
    ------
    InputError
        Where the table or the text does not fit, or the formula has no value on the rows.

    Notes
    -----
    Rows with a missing cell (NaN) are left out; the message says how many, and in which columns.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic.known_form.partial import fit_partial
    >>> X = np.random.default_rng(0).uniform(1, 2, (300, 3))
    >>> y = np.exp(-X[:, 0] / X[:, 1]) * X[:, 2] ** 2
    >>> found = fit_partial(X, y, "f(x1/x2)*g(x3)")
    >>> found.formula.text
    'x3^2*exp(-x1/x2)'
    >>> found["f"].normalised
    'its mean square is 1'

    What all rows share is learned once, what differs from vessel to vessel beside it:

    >>> vessel = np.repeat(["a", "b", "c"], 100)
    >>> factor = np.repeat([1.0, 2.0, 5.0], 100)
    >>> found = fit_partial(X, factor * np.sqrt(X[:, 0]) + X[:, 1], "a*f(x1) + x2", groups=vessel, work=0.1)
    >>> own = found.own["a"]
    >>> round(own["c"].value / own["a"].value, 3), found.formulas["b"].text
    (5.0, '2*sqrt(x1) + x2')
    """
    read = read_rows(X, y, text, names=names, groups=groups, sample_weight=sample_weight, sigma=sigma)
    table, categories = read.table, read.reader.categories
    if len(table.y) < _FEWEST_ROWS:
        raise InputError(
            f"The table must have at least {_FEWEST_ROWS} rows with finite numbers in every cell. Got "
            f"{len(table.y)} instead{': ' if table.notes else '.'}{' '.join(table.notes)}"
        )
    meter = Meter(_WORK_UNITS * check_work(work), check_seconds(seconds))
    root = None if seed is None else check_int(seed, "seed", low=0)
    one_for_all = as_tuple(shared, "shared", "names of constants")
    partial = read_partial(text, read.reader.columns, categories=categories, shared=one_for_all)
    known = list(dict.fromkeys(label.partition("[")[0] for label in partial.constants))
    starts = given_starts(start, known)
    rows = SplitRows.split(
        partial.names, read.wide, table.y, _JUDGING_SHARE, root, table.weight, table.variance
    )
    model = PartialModel(partial)
    unit = _unit(read)

    def task(part: NDArray[np.intp]) -> FitTask:
        weight = None if rows.weight is None else rows.weight[part]
        return FitTask(model, rows.X[part], rows.y[part], unit, weight, starts)

    first, second = split(len(rows.y), _CHOOSING_SHARE, derive(root, 1))
    tasks = [task(part) for part in (first, second, np.arange(len(rows.y)))]
    held = FitTask(model, rows.X_held, rows.y_held, unit, rows.weight_held)
    with np.errstate(all="ignore"), one_thread(), running(meter):
        learned = learn(tasks[0], tasks[1], tasks[2], meter, derive(root, 2))
        if learned is None:
            raise InputError(
                argument="text",
                expected="be a formula with a value on every row for some choice of its unknown functions",
                got=f"{short(text)}, for which none was found,",
                advice="check logs, roots and divisions",
            )
        # What is learned is always reported in full, if need be without whole formulas.
        until, meter.until, reason = meter.until, math.inf, learned.stop_reason
        share = held.error(learned.splines)
        functions = _described(learned, model, rows, min(max(share, _CLOSEST_ACCURACY), _LOOSEST_ACCURACY))
        options = {function.name: function.suggestions for function in functions}
        scalars = {label: learned.splines[label] for label in partial.constants}
        fitted = {label: float(scalar.coef[0]) for label, scalar in scalars.items()}
        constants, own = _named(partial, fitted, constant_errors(tasks[2], learned) if fitted else {})
        formulas: tuple[Formula, ...] = ()
        whole: tuple[Node, float] | None = None
        try:
            meter.until = until
            if categories.categories:
                whole = whole_tree(partial, options, rows, meter.most, fitted)
            else:
                formulas = whole_formulas(partial, options, rows, meter.most, fitted)
        except StopError as stop:
            reason = meter.own(stop)
        error = share * unit
        formula = _accepted(formulas, error, rows)
        by_level = dict[Hashable, Formula]()
        if whole is not None and whole[1] <= _allowed(error, rows):
            by_level = _by_level(whole[0], read)
    spread = unit if categories.targets else rows.spread
    closed = "" if formula is None else formula.text
    closed = closed or _listed(by_level)
    return PartialResult(
        partial.text,
        functions,
        error,
        1 - (error / spread) ** 2 if spread > 0 else math.nan,
        formula,
        tuple(item for item in formulas if item is not formula),
        " ".join(
            [
                _message(functions, error, closed, learned.undetermined, constants, own),
                *partial.doubts,
                *table.notes,
            ]
        ),
        meter.seconds,
        reason,
        model,
        read.reader,
        MappingProxyType(scalars),
        MappingProxyType(constants),
        MappingProxyType(own),
        MappingProxyType(by_level),
    )


def _unit(read: PartialRows) -> float:
    """The spread of y; of several targets, each about its own mean."""
    y, weight = read.table.y, read.table.weight
    if read.reader.categories.targets is None:
        return float(y.std()) or max(float(np.abs(y).max()), 1.0)
    about = y.copy()
    for target in np.unique(read.codes[:, -1]):
        there = read.codes[:, -1] == target
        about[there] -= about[there].mean()
    return math.sqrt(float(np.average(np.square(about), weights=weight))) or 1.0


def _named(
    partial: Partial, fitted: Mapping[str, float], errors: Mapping[str, float]
) -> tuple[dict[str, Constant], dict[str, Mapping[Hashable, Constant]]]:
    """The constants by name, and those of levels by name and level."""
    every = {label: Constant(value, errors[label]) for label, value in fitted.items()}
    own = {
        name: MappingProxyType(
            {level: every.pop(level_label(name, at)) for at, level in enumerate(category.levels)}
        )
        for name, category in partial.own.items()
    }
    return every, dict(own)


def _listed(formulas: Mapping[Hashable, Formula]) -> str:
    """The first closed forms, and how many more there are."""
    shown = [f"{item.text} for {level}" for level, item in list(formulas.items())[:_SHOWN]]
    more = len(formulas) - len(shown)
    return "; ".join(shown) + (f" and {more:,} more" if more else "")


def _by_level(tree: Node, read: PartialRows) -> dict[Hashable, Formula]:
    """The whole formula in each group, of each word and of each target, as far as there are rows of it."""
    columns, found = read.reader.columns, dict[Hashable, Formula]()
    numbers = read.table.X[:, : len(columns)]
    positive = frozenset(name for name, column in zip(columns, numbers.T, strict=True) if (column > 0).all())
    for level, (known, codes) in read.reader.categories.views(read.codes).items():
        expression = shortest(from_tree(replaced(tree, known), columns), positive)
        there = (read.codes == codes).all(axis=1)
        y = read.table.y[there]
        error = math.sqrt(float(np.mean(np.square(values(expression, columns, numbers[there]) - y))))
        spread = float(y.std())
        found[level] = Formula(expression, columns, error, 1 - (error / spread) ** 2 if spread else math.nan)
    return found


def _described(
    learned: Learned, model: PartialModel, rows: SplitRows, accuracy: float
) -> tuple[UnknownFunction, ...]:
    run = model.run(learned.splines, rows.X)
    found: list[UnknownFunction] = []
    for name in model.partial.reading_order:
        spline = learned.splines[name]
        seen = np.concatenate([run.arguments[at] for at in model.slots_of(name)])
        x = np.linspace(seen.min(), seen.max(), _CURVE_POINTS)
        y = spline(x)
        counts, edges = np.histogram(seen, bins=_CROWDS)
        # Where few rows lie the curve is poor, but a form must hold there too.
        weight = np.interp(x, (edges[:-1] + edges[1:]) / 2, counts / counts.mean()) + _LEAST_WEIGHT
        suggestions = fit_curve(x, y, weight, accuracy=accuracy, top=_CLOSED_FORMS)
        found.append(UnknownFunction(name, x, y, _normalised(name, learned.freedoms), suggestions, spline))
    return tuple(found)


def _normalised(name: str, freedoms: Iterable[Freedom]) -> str:
    convention = {"shift": "its mean is 0", "scale": "its mean square is 1"}
    return " and ".join(convention[kind] for function, kind in freedoms if function == name)


def _accepted(formulas: tuple[Formula, ...], error: float, rows: SplitRows) -> Formula | None:
    """The recommended formula, if the learned functions are not clearly better."""
    return formulas[0] if formulas and formulas[0].error <= _allowed(error, rows) else None


def _allowed(error: float, rows: SplitRows) -> float:
    """The most that a closed form may leave."""
    return max(_AS_GOOD_TIMES * error, 10 * rows.rounding_error)


def _message(
    functions: tuple[UnknownFunction, ...],
    error: float,
    closed: str,
    undetermined: bool,
    constants: Mapping[str, Constant],
    own: Mapping[str, Mapping[Hashable, Constant]],
) -> str:
    fixed = "; ".join(
        f"{function.name}: {function.normalised}" for function in functions if function.normalised
    )
    tail = f", fixed because the data cannot tell: {fixed}" if fixed else ""
    said = (
        f"in closed form {closed}"
        if closed
        else "no closed form of the library does as well for all of them together"
    )
    loose = [name for name, constant in constants.items() if not math.isfinite(constant.standard_error)]
    loose += [
        name
        for name, levels in own.items()
        if not all(math.isfinite(level.standard_error) for level in levels.values())
    ]
    if loose:
        tail += f"; the data do not determine {among(loose)}"
    if undetermined:
        tail += "; other functions, changed together, give the same y, so these are one choice of many"
    learned = ", ".join([*(function.name for function in functions), *constants, *own])
    return f"Learned {learned} with an error of {error:.3g} on held-out rows; {said}{tail}."
