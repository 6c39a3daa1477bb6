"""Properties: what can be asked of a model, as plain data. `edgewise.properties` is this module.

A property states what must hold at *every* row of a domain, which `edgewise.verify` gets apart from it. `str(property)` is
the short text form, and `edgewise.verifying.language.text.parse_property` reads it back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgewise._core.checks import as_tuple, check_bool, check_choice, check_float, check_int, short, text_of
from edgewise._core.errors import InputError
from edgewise.forms.tree import quote

INCREASING, DECREASING = "increasing", "decreasing"


@dataclass(frozen=True)
class OutputRange:
    """The output stays between two numbers; made by `output_range`."""

    low: float | None
    high: float | None
    output: Any = None
    probability: bool = False

    def __str__(self) -> str:
        what = "probability" if self.probability else _target(self.output)
        parts = [f"{number(self.low)} <= "] if self.low is not None else []
        parts += [what]
        parts += [f" <= {number(self.high)}"] if self.high is not None else []
        return "".join(parts)


@dataclass(frozen=True)
class Linear:
    """A weighted sum of columns and outputs is at most a bound; made by `linear`."""

    terms: tuple[tuple[str, float], ...]
    bound: float

    def __str__(self) -> str:
        return f"{self._sum} <= {number(self.bound)}"

    def sum_at(self, excess: float) -> str:
        """What the sum is where it is beyond its bound by so much, in words."""
        return f"{self._sum} is {self.bound + excess:.10g}"

    @property
    def _sum(self) -> str:
        text = ""
        for name, weight in self.terms:
            sign = "-" if weight < 0 else "+"
            size = "" if abs(weight) == 1 else f"{number(abs(weight))}*"
            lead = f" {sign} " if text else ("-" if weight < 0 else "")
            text += f"{lead}{size}{quote(name)}"
        return text


@dataclass(frozen=True)
class Decides:
    """The decision is always this class; made by `decides`."""

    label: Any

    def __str__(self) -> str:
        return f"decision = {word(self.label)}"


@dataclass(frozen=True)
class Monotone:
    """The output never falls (or never rises) as a column grows; made by `monotone`."""

    feature: str
    direction: str
    output: Any = None

    def __str__(self) -> str:
        return f"monotone({quote(self.feature)}, {self.direction}{_also(self.output)})"


@dataclass(frozen=True)
class Lipschitz:
    """The output changes by at most `bound` for each unit of a column; made by `lipschitz`."""

    feature: str
    bound: float
    output: Any = None

    def __str__(self) -> str:
        return f"lipschitz({quote(self.feature)}, {number(self.bound)}{_also(self.output)})"


@dataclass(frozen=True)
class Robust:
    """Near a row the decision is the row's, or the output stays near the row's; made by `robust`."""

    row: Any = field(repr=False)
    radius: float | tuple[tuple[str, float], ...]
    change: float | None = None
    output: Any = None

    def __str__(self) -> str:
        row = f"row {self.row}" if isinstance(self.row, int) else "a row"
        radius = (
            "{" + ", ".join(f"{quote(name)}: {number(size)}" for name, size in self.radius) + "}"
            if isinstance(self.radius, tuple)
            else number(self.radius)
        )
        change = "" if self.change is None else f", {number(self.change)}"
        return f"robust({row}, {radius}{change}{_also(self.output)})"


@dataclass(frozen=True)
class NeverFlips:
    """Changing these columns alone never changes the decision; made by `never_flips`."""

    features: tuple[str, ...]
    threshold: float | None = None
    output: Any = None
    others: tuple[tuple[str, float], ...] = ()

    @property
    def feature(self) -> str:
        """The first of the columns."""
        return self.features[0]

    @property
    def of_decision(self) -> bool:
        """Whether it is about the model's decision, and not about an output and a threshold."""
        return self.threshold is None and self.output is None

    def __str__(self) -> str:
        names = ", ".join(map(quote, self.features))
        threshold = "" if self.threshold is None else f", {number(self.threshold)}"
        near = ", ".join(f"{quote(name)} within {number(size)}" for name, size in self.others)
        return f"never_flips({names}{threshold}{_also(self.output)}){' with ' + near if near else ''}"


@dataclass(frozen=True)
class ChangesAtMost:
    """Changing this column alone never changes the output by more than `max_change`; made by `changes_at_most`."""

    feature: str
    max_change: float
    output: Any = None

    def __str__(self) -> str:
        return f"changes_at_most({quote(self.feature)}, {number(self.max_change)}{_also(self.output)})"


@dataclass(frozen=True, eq=False)
class Equal:
    """Two models of the same columns differ by at most `epsilon`; made by `equal`."""

    other: Any = field(repr=False)
    epsilon: float

    def __str__(self) -> str:
        other = word(self.other) if isinstance(self.other, str) else "the other model"
        return f"equal({other}, {number(self.epsilon)})"


@dataclass(frozen=True, eq=False)
class FormulaWithin:
    """A formula differs from the output by at most `epsilon`; made by `formula_within`."""

    formula: Any
    epsilon: float
    output: Any = None

    def __str__(self) -> str:
        text = getattr(self.formula, "text", self.formula)
        return f"formula({word(str(text))}, {number(self.epsilon)}{_also(self.output)})"


Property = (
    OutputRange
    | Linear
    | Decides
    | Monotone
    | Lipschitz
    | Robust
    | NeverFlips
    | ChangesAtMost
    | Equal
    | FormulaWithin
)


def number(value: float) -> str:
    """A number as people write it; reading it gives the same float."""
    if math.isfinite(value) and float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def word(value: Any) -> str:
    """A value as the text form writes it: words in quotes."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return (
        number(float(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        else text_of(value)
    )


def _target(output: Any) -> str:
    return "output" if output is None else quote(text_of(output))


def _also(output: Any) -> str:
    return "" if output is None else f", output={word(output)}"


def output_range(
    low: float | None = None, high: float | None = None, *, output: Any = None, probability: bool = False
) -> OutputRange:
    """The output stays in [low, high].

    Parameters
    ----------
    low, high : float, optional
        In the units of the target; of a classifier in log-odds (two classes) or logits. None leaves that side open.
    output : str, int or class label, optional
        Which output, where there are several.
    probability : bool
        The bounds are probabilities of the second class of a classifier of two.

    Raises
    ------
    InputError
        If no side is given, or low is above high.

    Examples
    --------
    >>> print(output_range(0, 1))
    0 <= output <= 1
    >>> print(output_range(high=0.9, probability=True))
    probability <= 0.9
    """
    if low is None and high is None:
        raise InputError(
            subject="The 'low' and 'high' parameters of output_range",
            expected="not both be None",
            got="None twice",
        )
    ends = (0.0, 1.0) if check_bool(probability, "probability") else (None, None)
    low = None if low is None else check_float(low, "low", low=ends[0], high=ends[1], closed=not probability)
    high = (
        None if high is None else check_float(high, "high", low=ends[0], high=ends[1], closed=not probability)
    )
    if low is not None and high is not None and low > high:
        raise InputError(
            argument="low", expected="not exceed 'high'", got=f"{short(low)} above {short(high)}"
        )
    return OutputRange(low, high, output, probability)


def linear(terms: Mapping[str, float], bound: float) -> Linear:
    """A weighted sum of columns and outputs is at most `bound`.

    Parameters
    ----------
    terms : mapping of str to float
        Weights of columns of numbers, in their own units, and of the output by the name "output" or its own.
    bound : float

    Raises
    ------
    InputError
        If there are no terms, or a weight is no number.

    Examples
    --------
    >>> print(linear({"age": 2, "output": -1}, 3))
    2*age - output <= 3
    """
    if not isinstance(terms, Mapping) or not terms:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            argument="terms",
            expected="map names to weights, as in {'age': 2, 'output': -1}",
            got=short(terms),
        )
    weights = tuple((_name(name), check_float(weight, f"terms[{name!r}]")) for name, weight in terms.items())
    return Linear(weights, check_float(bound, "bound"))


def decides(label: Any) -> Decides:
    """The decision of a classifier is always this class.

    Examples
    --------
    >>> print(decides("good"))
    decision = "good"
    """
    return Decides(label)


def monotone(feature: str, direction: str = INCREASING, *, output: Any = None) -> Monotone:
    """The output never falls as a column grows ("increasing"), or never rises ("decreasing"), all else equal.

    Parameters
    ----------
    feature : str
        A column of numbers. Rows where it is missing are not compared with others.
    direction : "increasing" or "decreasing"
    output : str, int or class label, optional
        Which output, where there are several. Of a classifier of two classes it is the log-odds of the second.

    Examples
    --------
    >>> print(monotone("income", "increasing"))
    monotone(income, increasing)
    """
    check_choice(direction, "direction", (INCREASING, DECREASING))
    return Monotone(_name(feature), direction, output)


def lipschitz(feature: str, bound: float, *, output: Any = None) -> Lipschitz:
    """The output changes by at most `bound` for each unit of a column of numbers.

    Examples
    --------
    >>> print(lipschitz("income", 0.01))
    lipschitz(income, 0.01)
    """
    return Lipschitz(_name(feature), check_float(bound, "bound", low=0.0), output)


def robust(
    row: Any, radius: float | Mapping[str, float], *, change: float | None = None, output: Any = None
) -> Robust:
    """Every row near this one is decided alike; of a model of numbers, the output changes by at most `change`.

    Parameters
    ----------
    row : int, mapping of columns to values, or table of one row
        An int counts the rows (from 0) of the table that `verify` gets as `rows`.
    radius : float or mapping of str to float
        One number: numbers may move by that share of the width of their training range (on the scale on which the model
        reads them). A mapping: these columns may move by so much in their own units, the others not at all. Words,
        columns of two values and missing cells stay as they are.
    change : float, optional
        Needed for models of numbers.
    output : optional
        Which output, where there are several.

    Examples
    --------
    >>> print(robust(5, 0.05))
    robust(row 5, 0.05)
    """
    if isinstance(radius, Mapping):
        sizes: Any = tuple(
            (_name(name), check_float(size, f"radius[{name!r}]", low=0.0)) for name, size in radius.items()
        )
    else:
        sizes = check_float(radius, "radius", low=0.0)
    if isinstance(row, int):
        row = check_int(row, "row", low=0)
    change = None if change is None else check_float(change, "change", low=0.0)
    return Robust(row, sizes, change, output)


def never_flips(
    features: str | Sequence[str],
    *,
    others: Mapping[str, float] | None = None,
    threshold: float | None = None,
    output: Any = None,
) -> NeverFlips:
    """Changing these columns never changes the decision, whatever the values of the other columns.

    Parameters
    ----------
    features : str or sequence of str
        Columns of words or of two values (a missing cell counts as a value of its own where the model knows it); of
        several all change at will, together.
    others : mapping of str to float, optional
        Columns of numbers that may move besides, and by how much at most, in their own units. Missing cells stay missing.
    threshold : float, optional
        The output decides by being above it: 0 for classifiers of two classes, the log-odds of even chances; needed for
        models of numbers. Of more classes the largest output decides, unless a threshold and an output are given.
    output : optional
        Which output, where there are several.

    Examples
    --------
    >>> print(never_flips("sex"))
    never_flips(sex)
    >>> print(never_flips(["sex", "race"], others={"age": 5}))
    never_flips(sex, race) with age within 5
    """
    threshold = None if threshold is None else check_float(threshold, "threshold")
    listed = [features] if isinstance(features, str) else as_tuple(features, "features", "names of columns")
    names = tuple(_name(name) for name in listed)
    if not names or len(set(names)) < len(names):
        raise InputError(argument="features", expected="name columns, each once", got=short(features))
    if others is not None and not isinstance(others, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            argument="others",
            expected="map columns to how far they may move, as in {'age': 5}",
            got=short(others),
        )
    near = tuple(
        (_name(name), check_float(size, f"others[{name!r}]", low=0.0, closed=False))
        for name, size in (others or {}).items()
    )
    return NeverFlips(names, threshold, output, near)


def changes_at_most(feature: str, max_change: float, *, output: Any = None) -> ChangesAtMost:
    """Changing this column alone changes the output by at most `max_change` (log-odds for classifiers).

    Parameters
    ----------
    feature : str
        A column of words or of two values.
    max_change : float
    output : optional
        Which output, where there are several.

    Examples
    --------
    >>> print(changes_at_most("sex", 0.1))
    changes_at_most(sex, 0.1)
    """
    return ChangesAtMost(_name(feature), check_float(max_change, "max_change", low=0.0), output)


def equal(other: Any, epsilon: float) -> Equal:
    """Each output of another model of the same columns differs by at most `epsilon`.

    Parameters
    ----------
    other : KAN, KANRegressor or KANClassifier
    epsilon : float

    Examples
    --------
    >>> import edgewise as ew
    >>> print(equal(ew.KAN([1, 1], seed=0), 0.1))
    equal(the other model, 0.1)
    """
    return Equal(other, check_float(epsilon, "epsilon", low=0.0))


def formula_within(formula: Any, epsilon: float, *, output: Any = None) -> FormulaWithin:
    """A formula differs from the model's output by at most `epsilon`.

    Parameters
    ----------
    formula : Formula, sympy expression or str
        In the columns of numbers, in their own units.
    epsilon : float
    output : optional
        Which output, where there are several.

    Examples
    --------
    >>> print(formula_within("2*x + 1", 0.1))
    formula("2*x + 1", 0.1)
    """
    return FormulaWithin(formula, check_float(epsilon, "epsilon", low=0.0, closed=False), output)


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise InputError(subject="A column", expected="be a name", got=short(name))
    return name
