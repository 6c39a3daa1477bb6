"""Properties: what can be asked of a model. `edgewise.properties` is this module.

A property states what must hold at *every* row of a domain, which `edgewise.verify` gets apart from it. `str(property)` is
the short text form, and `edgewise.verifying.language.text.parse_property` reads it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewise._core.checks import as_tuple, check_bool, check_choice, check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise.forms.directions import DIRECTIONS
from edgewise.verifying.claims.decides import Decides
from edgewise.verifying.claims.directions import Lipschitz, Monotone
from edgewise.verifying.claims.equal import Equal
from edgewise.verifying.claims.flips import ChangesAtMost, NeverFlips
from edgewise.verifying.claims.formula_within import FormulaWithin
from edgewise.verifying.claims.linear import Linear
from edgewise.verifying.claims.output_range import OutputRange
from edgewise.verifying.claims.property import Property as Property
from edgewise.verifying.claims.robust import Robust


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


def monotone(feature: str, direction: str = DIRECTIONS[0], *, output: Any = None) -> Monotone:
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
    check_choice(direction, "direction", DIRECTIONS)
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
