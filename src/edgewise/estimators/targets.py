"""Targets and weights: checked, and brought into the form the engine takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import narwhals as nw
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from edgewise._core.arguments import check_weights
from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, check_choice, check_float, plural, short
from edgewise._core.errors import InputError
from edgewise._core.plain import article
from edgewise._core.rows import row_numbers
from edgewise.data.encoding_raw import is_missing, raw_table
from edgewise.training.common.losses import Loss

# Targets beyond these sizes are scaled on the way in and back inside the network, so that squares stay finite; so are
# weights, of which only ratios count.
_SMALL, _LARGE = 1e-60, 1e60


def regression_target(y: Any, of: str, *, missing: bool = False) -> tuple[Floats, tuple[str, ...]]:
    """Numbers (n,) or (n, k), NaN among them where `missing`, and the names of the outputs."""
    if y is None:
        raise InputError(f"{of} requires y to be passed, but the target y is None.")
    names = target_names(y)
    try:
        plain = _plain(y)
        # scikit-learn has renamed the argument that allows NaN; with them it looks at infinities alone.
        holes = _holes(plain) if missing else None
        values = check_array(
            plain if holes is None else np.where(holes, 0.0, np.asarray(plain, dtype=np.float64)),
            ensure_2d=False,
            dtype="float64",
            input_name="y",
            ensure_min_samples=0,
        )
        values = values if holes is None else np.where(holes, np.nan, values)
    except (TypeError, OverflowError, ValueError) as error:
        theirs = ("could not convert", "cannot convert", "setting an array element")
        if isinstance(error, ValueError) and not str(error).startswith(theirs):
            _say_where(error, y)
            raise  # scikit-learn's own words for shapes
        raise InputError(
            argument="y",
            expected="hold a finite number for every row",
            got=_no_number(y),
            advice="for classes use KANClassifier",
        ) from None
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] == 0):
        raise InputError(argument="y", expected="be of shape (n,) or (n, outputs)", got=values.shape)
    width = 1 if values.ndim == 1 else values.shape[1]
    if len(names) != width or len(set(names)) != width or not all(name.strip() for name in names):
        names = ("y",) if width == 1 else tuple(f"y{k + 1}" for k in range(width))
    return values, names


def _no_number(y: Any) -> str:
    """The first cell that is no number, and its row."""
    cells = np.asarray(_plain(y), dtype=object)
    for row, cell in enumerate(cells.reshape(len(cells), -1) if cells.ndim else ()):
        for item in cell:
            try:
                float(item)
            except (TypeError, ValueError, OverflowError):
                return f"{short(item)} in {row_numbers([row])}"
    return article(type(y))


def _observed(y: Any, predicted: Floats, of: str) -> Floats:
    """The target of predictions."""
    target, _ = regression_target(y, of)
    if len(target) != len(predicted):
        raise InputError(
            argument="y",
            expected=f"have one entry for each of the {plural(len(predicted), 'row')} of X",
            got=f"{len(target):,}",
        )
    return target


def determination(y: Any, predicted: Floats, sample_weight: Any, of: str) -> float:
    """The coefficient of determination of predictions (n,) or (n, k), whatever the size of the numbers."""
    from sklearn.metrics import r2_score

    target = _observed(y, predicted, of)
    weight = None if sample_weight is None else check_weights(sample_weight, len(target))
    factor = power_of_two(target)  # squares of extreme numbers are no floats
    return float(r2_score(target / factor, predicted / factor, sample_weight=weight))


def explained_deviance(
    y: Any, predicted: Floats, sample_weight: Any, factor: Floats | None, loss: Loss, of: str
) -> float:
    """The share of the deviance of counts or amounts that predictions (n,) or (n, k) explain, beside their mean rate.

    Parameters
    ----------
    y, predicted, sample_weight
        Outcomes, their means, and weights.
    factor : array of shape (n,) or None
        Exposures.
    loss : Loss
        Half a deviance, of logarithms of means.
    """
    target = _observed(y, predicted, of)
    weight = check_weights(sample_weight, len(target))[:, None]
    many, means = target.reshape(len(target), -1), predicted.reshape(len(target), -1)
    share = np.ones((len(target), 1)) if factor is None else factor[:, None]
    level = share * ((weight * many).sum(axis=0) / (weight * share).sum(axis=0))
    outcomes = torch.from_numpy(many)

    def deviance(of_rows: Floats) -> float:
        logs = torch.from_numpy(np.log(np.maximum(of_rows, np.finfo(float).tiny)))
        return float(loss.rows(logs, outcomes).numpy() @ weight[:, 0])

    base = deviance(level)
    return 1.0 - deviance(means) / base if base > 0 else 0.0


def _holes(y: Any) -> NDArray[np.bool_] | None:
    """Which cells are missing; None where none is, or where they are no numbers."""
    try:
        holes = np.isnan(np.asarray(y, dtype=np.float64))
    except (TypeError, ValueError, OverflowError):
        return None
    return holes if holes.any() else None


def _say_where(error: ValueError, y: Any) -> None:
    """scikit-learn's own words for NaN and infinities, which its tests look for, and the row of the first."""
    words = " ".join(str(error).split("\n")[0].split())
    if not words.startswith("Input y contains"):
        return
    cells = np.atleast_1d(np.asarray(_plain(y), dtype=np.float64))
    cells = cells.reshape(len(cells), -1)
    rows = np.flatnonzero(~np.isfinite(cells).all(axis=1))
    if len(rows):
        what = cells[rows[0]]
        raise InputError(
            f"{words.rstrip('.')}. Got {what[~np.isfinite(what)][0]} in {row_numbers(rows)} instead; "
            "correct or drop those rows."
        ) from None


def class_target(y: Any, of: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The classes, sorted, and the class number of every row."""
    if y is None:
        raise InputError(f"{of} requires y to be passed, but the target y is None.")
    values = column_or_1d(_plain(y), warn=True)
    nested = (
        next((value for value in values if isinstance(value, (list, tuple))), None)
        if values.dtype.kind == "O"
        else None
    )
    if nested is not None:
        raise InputError(
            argument="y", expected="hold one class for every row", got=f"{short(nested)} among them"
        )
    if values.dtype.kind == "f":
        try:
            assert_all_finite(values, input_name="y")
        except ValueError as error:
            _say_where(error, values)
            raise
    if values.dtype.kind == "O" and any(map(is_missing, values)):
        raise InputError(
            argument="y", expected="name the class of every row", got="missing ones", advice="drop those rows"
        )
    try:
        with np.errstate(invalid="ignore"):  # it converts to int to see whether that changes anything
            check_classification_targets(values)
        classes, codes = np.unique(values, return_inverse=True)
    except TypeError:
        raise InputError(
            argument="y",
            expected="hold classes of one type",
            got=f"a mixture such as {short(list(values[:3]))}",
            advice="make them all strings",
        ) from None
    return classes, codes.astype(np.int64)


def row_weights(sample_weight: Any, n_rows: int) -> Floats | None:
    """Non-negative weights with a positive sum, or None."""
    if sample_weight is None:
        return None
    weight = np.asarray(_plain(sample_weight))
    if weight.ndim == 0 and weight.dtype.kind in "iuf":
        weight = np.full(n_rows, float(weight))
    if weight.ndim != 1:
        raise InputError(
            subject="Sample weights",
            expected="be 1D array or scalar",
            got=f"an array of shape {weight.shape}",
        )
    if weight.shape != (n_rows,):
        raise InputError(
            argument="sample_weight", expected=f"have {n_rows:,} entries, one a row", got=f"{len(weight):,}"
        )
    try:
        weight = weight.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            argument="sample_weight", expected="hold numbers", got=short(sample_weight)
        ) from None
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise InputError(
            argument="sample_weight",
            expected="hold finite numbers that are not negative",
            got=f"{weight[~np.isfinite(weight) | (weight < 0)][0]} among them",
        )
    if not (weight > 0).any():
        raise InputError(argument="sample_weight", expected="hold a weight above zero", got="zeros only")
    return weight / power_of_two(weight)


def class_factors(
    class_weight: Any, classes: NDArray[Any], codes: NDArray[np.int64], weight: Floats | None
) -> Floats | None:
    """The factor of every class, shape (classes,), or None where they all count the same.

    "balanced" gives every class the same total weight: n / (classes * size of the class), counting sample weights.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        check_choice(class_weight, "class_weight", ("balanced",))
        size = np.bincount(codes, weights=weight, minlength=len(classes)).astype(np.float64)
        return size.sum() / (len(classes) * np.maximum(size, np.finfo(float).tiny))
    if not isinstance(class_weight, Mapping):
        raise InputError(
            argument="class_weight",
            expected="be None, 'balanced' or a dictionary from class to weight",
            got=short(class_weight),
        )
    given = cast("Mapping[Any, Any]", class_weight)
    known = classes.tolist()
    strange = [label for label in given if label not in known]
    if strange and not any(label in given for label in known):
        raise InputError(
            argument="class_weight", expected=f"name the classes {short(known)}", got=short(strange[0])
        )
    factors = [check_float(given.get(label, 1.0), "class_weight", low=0.0) for label in known]
    return np.array(factors)


# Rows of neighbouring times are left out together: in so many blocks.
_BLOCKS = 20


def kept_together(groups: Any, time: Any) -> NDArray[np.int64] | None:
    """Numbers of the groups whose rows are left out together, (n,): those given, or blocks of neighbouring times.

    Raises
    ------
    InputError
        If both are given, a cell is missing, all rows are of one group, or times are neither numbers nor dates.
    """
    if groups is None and time is None:
        return None
    name, given = ("groups", groups) if time is None else ("time", time)
    if groups is not None and time is not None:
        raise InputError(
            subject="At most one of 'groups' and 'time'",
            expected="be given",
            got="both",
            advice="give either",
        )
    column = raw_table({name: _plain(given)}, name).columns[0]
    cells = column.numbers if column.codes is None else np.array([*column.words, ""])[column.codes]
    if cells is None or not len(cells) or any(cell is None for cell in column.cells()):
        raise InputError(argument=name, expected="hold a value for every row", got="missing ones")
    found, codes, counts = np.unique(cells, return_inverse=True, return_counts=True)
    if len(found) < 2:
        raise InputError(argument=name, expected="take at least two values", got=short(found[0]))
    if time is None:
        return codes.astype(np.int64)
    if column.codes is not None:
        raise InputError(
            argument=name, expected="hold numbers or dates", got=f"words such as {short(cells[0])}"
        )
    before = np.cumsum(counts) - counts
    return np.unique(before * _BLOCKS // len(cells), return_inverse=True)[1][codes].astype(np.int64)


def power_of_two(y: Floats) -> float:
    """What to divide numbers of extreme size by; 1 for all others. A power of two rounds nothing."""
    largest = float(np.abs(y).max(initial=0.0))
    if largest == 0.0 or _SMALL < largest < _LARGE:
        return 1.0
    return 2.0 ** min(max(math.frexp(largest)[1], -1020), 1020)


def _plain(values: Any) -> Any:
    """Series and one-column frames of any library as numpy arrays; everything else as it is."""
    if hasattr(values, "detach"):
        return values.detach().cpu().numpy()
    if isinstance(values, (list, tuple)):
        try:
            return np.asarray(values)
        except ValueError:  # entries of different lengths, to be reported as such
            return np.fromiter(cast("list[Any]", values), dtype=object, count=len(values))
    if isinstance(values, np.ndarray):
        return values
    if not (hasattr(values, "dtype") or hasattr(values, "to_numpy")):
        try:
            np.asarray(values)
        except (TypeError, ValueError):  # to be reported in scikit-learn's words
            return values
        except UNREADABLE:
            raise InputError(
                subject="The 'y' and 'sample_weight' of an estimator", expected="be arrays", got=short(values)
            ) from None
        return values
    try:
        native = nw.from_native(values, allow_series=True, eager_only=True)
    except TypeError:
        return np.asarray(values)
    return native.to_numpy()


def target_names(y: Any) -> tuple[str, ...]:
    """The names that a series or a frame gives its columns; none for other targets."""
    columns = getattr(y, "column_names", getattr(y, "columns", None))
    if columns is not None and not callable(columns):
        return tuple(str(name) for name in columns)
    name = getattr(y, "name", None)
    return (name,) if isinstance(name, str) else ()
