"""What an argument is: a mapping, functions, an object of a class. Checks of numbers and tables stand in `checks`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import (
    UNREADABLE,
    among,
    as_tuple,
    check_matrix,
    check_names,
    check_vector,
    did_you_mean,
    short,
    text_of,
)
from edgewise._core.errors import EdgewiseError, InputError
from edgewise._core.plain import article
from edgewise._core.work import StopError

T = TypeVar("T")


def as_mapping(value: object, name: str, of_what: str) -> dict[Any, Any]:
    """The entries of a mapping, none where there is none; `of_what` names what it should map."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(argument=name, expected=f"be a mapping of {of_what}", got=short(value))
    return dict(cast("Mapping[Any, Any]", value))


def as_units(value: object) -> dict[Any, str]:
    """Units of columns as texts; None stands for none."""
    given = as_mapping(value, "units", "columns to units")
    return {key: "" if text is None else check_text(text, "units") for key, text in given.items()}


def check_callable(value: object, name: str) -> Callable[..., Any]:
    """Anything that can be called."""
    if not callable(value):
        raise InputError(argument=name, expected="be a function", got=short(value))
    return value


def ended_in(error: Exception) -> str:
    """How a call of something of the caller's ended, with the first line of its own words."""
    words = text_of(error).strip().partition("\n")[0].rstrip(".")
    return f"ended in {article(type(error))} instead" + (f" ({words[:120]})" if words else "")


def result_of(function: Callable[..., T], *arguments: object, name: str, what: str) -> T:
    """What a function of the caller's gives, which is to be `what`; an error of its own stands behind ours."""
    try:
        return function(*arguments)
    except (EdgewiseError, StopError):
        raise
    except Exception as error:
        raise InputError(
            f"The '{name}' argument must be a function that gives {what}. Calling it {ended_in(error)}."
        ) from error


def as_callables(value: object) -> tuple[Callable[..., Any], ...]:
    """Callbacks: one function or a list of them; none for None."""
    if value is None or callable(value):
        return () if value is None else (value,)
    listed = as_tuple(value, "callbacks", "functions")
    if not all(map(callable, listed)):
        raise InputError(argument="callbacks", expected="list functions", got=short(value))
    return listed


def check_is(value: object, kind: type[T] | tuple[type[T], ...], name: str, what: str) -> T:
    """An object of a class; `what` names what is wanted, with its article."""
    if not isinstance(value, kind):
        raise InputError(argument=name, expected=f"be {what}", got=short(value))
    return value


def all_are(value: object, kind: Any, name: str, what: str) -> tuple[Any, ...]:
    """Objects of a class; `what` names what they are, in the plural."""
    listed = as_tuple(value, name, what)
    for item in listed:
        if not isinstance(item, kind):
            raise InputError(argument=name, expected=f"list {what}", got=f"{short(item)} among them")
    return listed


def check_text(value: object, name: str) -> str:
    """Text."""
    return check_is(value, str, name, "text")


def check_words(value: object, name: str) -> str:
    """Text with more than spaces in it."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(argument=name, expected="be a text", got=short(value))
    return value


def place_among(value: object, known: Sequence[object]) -> int | None:
    """The place of what a caller names among known names, classes or words; None where it is none of them.

    What equals it comes first, then what reads like it ("1" names the class 1), then the same number of another type.
    """
    plain = value.item() if isinstance(value, np.generic) and value.ndim == 0 else value
    for place, one in enumerate(known):
        if type(one) is type(plain) and one == plain:
            return place
    text = text_of(plain)
    for place, one in enumerate(known):
        if str(one) == text:
            return place
    if isinstance(plain, (int, float)):
        return next((place for place, one in enumerate(known) if one == plain), None)
    return None


def as_pair(value: Any, name: str) -> tuple[float, float]:
    """Two numbers, infinite ones too."""
    try:
        if not isinstance(value, (str, bytes)):
            first, second = (float(item) for item in value)
            return first, second
    except UNREADABLE:
        pass
    raise InputError(argument=name, expected="be two numbers, such as (0, 1)", got=short(value))


def dimensions(value: Any) -> int:
    """How many dimensions an array, or what numpy would make one of, has; -1 of what cannot be read."""
    try:
        shape = value.shape if hasattr(value, "shape") else np.shape(value)
        return len(shape)
    except UNREADABLE:  # rows of different lengths, too
        return -1


def as_labels(value: object, name: str, *, rows: int | None = None) -> NDArray[Any]:
    """Labels (n,), one a row: words, numbers or anything else that can be distinguished."""
    try:
        labels = np.asarray(value)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1 or not len(labels):
            raise TypeError
        set(cast("list[Any]", labels.tolist()))
    except UNREADABLE:
        raise InputError(argument=name, expected="hold one label a row", got=short(value)) from None
    if rows is not None and len(labels) != rows:
        raise InputError(argument=name, expected=f"hold {rows:,} labels, one a row", got=f"{len(labels):,}")
    return labels


def check_weights(value: object, rows: int) -> Floats:
    """Weights (n,) of rows: none is negative, and not all are 0; all are 1 where there are none."""
    if value is None:
        return np.ones(rows)
    weight = check_vector(value, "sample_weight", length=rows)
    if weight.min() < 0 or not weight.sum() > 0:
        raise InputError(
            argument="sample_weight", expected="be at least 0 and not all 0", got=f"{weight.min():g}"
        )
    return weight


def own_names(table: Any) -> list[str] | None:
    """What a data frame of any library calls its columns; None of anything else."""
    labels = getattr(table, "column_names", getattr(table, "columns", None))
    return None if labels is None or callable(labels) else [str(label) for label in labels]


def check_table(X: Any, names: Sequence[str], name: str = "X", *, rows: int | None = None) -> Floats:
    """A matrix (n, d) of the columns `names`: by name of a data frame that has any of them, else by place."""
    own = own_names(X) or []
    if any(item in own for item in names):
        if missing := [item for item in names if item not in own]:
            raise InputError(
                argument=name,
                expected=f"have the columns {among(names)}",
                got=f"a table without {short(missing[0], 40)}{did_you_mean(missing[0], own)}",
            )
        places = [own.index(item) for item in names]
        X = X.iloc[:, places] if hasattr(X, "iloc") else X.select(list(names))
    return check_matrix(X, name, columns=len(names), rows=rows)


def column_names(X: Any, names: Iterable[str] | None, count: int) -> tuple[str, ...]:
    """Names given, those of a data frame, or x1, x2, ..."""
    if names is None:
        names = own_names(X) or [f"x{at + 1}" for at in range(count)]
    return check_names(names, "names", count)
