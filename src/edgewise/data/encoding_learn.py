"""learn_encoding: decide from training rows how each raw column becomes inputs of a network."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, check_int, check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.work import charge
from edgewise.data.encoding import CELL, GAPS, Encoding, distinct
from edgewise.data.encoding_codes import special_codes
from edgewise.data.encoding_columns import DroppedColumn, EncodedColumn, LevelColumn, NumberColumn, numbers_of
from edgewise.data.encoding_levels import order_levels
from edgewise.data.encoding_raw import RawColumn, raw_table

# A tail this many times longer than the typical deviation would leave most of a grid to few rows: it is drawn in. A
# normal column reaches 6, an exponential one 20, a log-normal one 60 or more.
LONG_TAIL = 25.0
# Numbers within these sizes pass as they are, so that edges are read in the column's own units.
SMALL, LARGE = 1e-30, 1e30
TINIEST = float(np.nextafter(0.0, 1.0))
# Quantiles of this many rows are as good as those of all.
ENOUGH = 100_000
LISTED = 100


def learn_encoding(
    frame: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    most_levels: int = 30,
    fewest: int | None = None,
) -> Encoding:
    """Learn from training rows how raw columns become inputs of a network.

    Numbers stay what they are; where a tail is so long that it would leave most of a grid empty, asinh draws it in.
    Missing numbers become the median, and a second input marks where they were missing; so do special codes, repeated
    numbers beyond the ordinary ones that stand for words (-9, 999), with an input for each. Words become codes 0, 1, ...
    ordered by the mean of the target, so that a smooth function of the code is a sensible first guess; rare words share
    one code. Columns without information (constant, or equal to an earlier one) are left out.

    Parameters
    ----------
    frame : array, mapping of columns or data frame, n rows
    y : array of shape (n,) or (n, k)
        Numbers to order levels by: the target, or a column for each class.
    sample_weight : array of shape (n,), optional
        Weights of the rows.
    most_levels : int
        Codes a column of words may have.
    fewest : int, optional
        A word in fewer rows counts as rare; by default 20, fewer where there are few rows.

    Returns
    -------
    Encoding

    Raises
    ------
    InputError
        If the table has no rows or columns, holds infinities, or y does not fit.

    References
    ----------
    D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in classification and
    prediction problems", 2001, doi:10.1145/507533.507538, for shrunken means of the target.

    Examples
    --------
    >>> encoding = learn_encoding({"kind": ["oak"] * 20 + ["elm"] * 30}, [1.0] * 20 + [0.0] * 30)
    >>> encoding.columns[0].levels
    ('elm', 'oak')
    """
    table = raw_table(frame)
    if not table.columns:
        raise InputError(subject="The table to learn from", expected="have at least one column", got="none")
    if not table.n_rows:
        raise InputError(subject="The table to learn from", expected="have at least one row", got="none")
    targets = _targets(y, table.n_rows)
    weights = (
        np.ones(table.n_rows)
        if sample_weight is None
        else check_vector(sample_weight, "sample_weight", length=table.n_rows)
    )
    if weights.max() > LARGE:
        weights = weights / weights.max()  # sums of squares of them must stay finite
    most = check_int(most_levels, "most_levels", low=2)
    rare = max(2, min(20, table.n_rows // 40)) if fewest is None else check_int(fewest, "fewest", low=1)

    columns = list[EncodedColumn]()
    seen = dict[bytes, str]()
    for raw in table.columns:
        charge(CELL * table.n_rows)
        column = (
            number_column(raw, weights, rare)
            if raw.codes is None
            else level_column(raw, targets, weights, most, rare)
        )
        if not column.dropped:
            mark = _fingerprint(raw)
            if mark in seen:
                column = DroppedColumn(raw.name, f"the same as {short(seen[mark], 40)}")
            else:
                seen[mark] = raw.name
        columns.append(column)
    if all(column.dropped for column in columns):
        columns[0] = NumberColumn(columns[0].name, "number", "identity", 0.0, 1.0, 0.0, 0.0, 0.0)
        if table.columns[0].codes is not None:
            columns[0] = LevelColumn(table.columns[0].name, ("any",), 0, 0)
    return Encoding(tuple(columns))


def _targets(y: Any, n_rows: int) -> Floats:
    try:
        values = np.asarray(y, dtype=np.float64)
    except UNREADABLE:
        raise InputError(argument="y", expected="hold numbers", got=short(y)) from None
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != n_rows:
        raise InputError(
            argument="y",
            expected=f"be of shape ({n_rows},) or ({n_rows}, k)",
            got=f"an array of shape {np.shape(y)}",
        )
    return values


def number_column(raw: RawColumn, weight: Floats, rare: float) -> EncodedColumn:
    """What a column of numbers, truth values or dates becomes."""
    x = numbers_of(raw, raw.name, raw.kind)
    missing = np.isnan(x)
    flagged = bool(missing.any())
    known, w = (x[~missing], weight[~missing]) if flagged else (x, weight)
    if not len(known):
        return DroppedColumn(raw.name, "all its cells are missing")
    low, high = float(known.min()), float(known.max())
    if low == high:
        if not flagged:
            return DroppedColumn(raw.name, "constant")
        # Only whether the cell is missing is informative, never the number itself.
        return NumberColumn(
            raw.name, raw.kind, "linear", low, max(abs(low), 1.0), 0.0, 0.0, 0.0, flagged=True
        )
    codes = special_codes(known, w, rare) if raw.kind == "number" else ()
    if codes:
        ordinary = ~np.isin(known, codes)
        known, w = known[ordinary], w[ordinary]
    column = _two_valued(raw, known, w) or _many_valued(raw, known, w)
    return replace(column, flagged=flagged, whole=_are_whole(known), codes=codes)


def _are_whole(x: Floats) -> bool:
    """Whether all are whole numbers, of a size at which others could be distinguished from them."""
    return bool((x == np.floor(x)).all() and np.abs(x).max() < 2.0**52)


def _two_valued(raw: RawColumn, x: Floats, weight: Floats) -> NumberColumn | None:
    """Two values become 0 and 1; None where there are more, or where they are too far apart or too near to divide."""
    low, high = float(x.min()), float(x.max())
    with np.errstate(over="ignore"):
        span = np.float64(high) - low
    if ((x != low) & (x != high)).any() or not SMALL < span < np.inf:
        return None
    fill = float(np.average(x == high, weights=weight) >= 0.5)
    return NumberColumn(raw.name, raw.kind, "linear", low, float(span), 0.0, 1.0, fill, two_valued=True)


def _many_valued(raw: RawColumn, x: Floats, weight: Floats) -> NumberColumn:
    low, high = float(x.min()), float(x.max())
    sample, w = _thinned(x, weight)
    centre = middle = _median(sample, w)
    deviation = np.abs(sample / 2 - centre / 2)  # halved: the difference of two huge numbers overflows
    off = deviation > 0
    typical = max(_median(deviation[off], w[off]) if off.any() else 0.0, TINIEST)
    longest = max(high / 2 - centre / 2, centre / 2 - low / 2)
    scale = float(min(2 * typical, np.finfo(float).max / 4))
    if longest > LONG_TAIL * typical:
        transform = "asinh"
    elif max(abs(low), abs(high)) < LARGE and longest > SMALL:
        transform, centre, scale = "identity", 0.0, 1.0
    else:
        transform = "linear"
    column = NumberColumn(raw.name, raw.kind, transform, centre, scale, 0.0, 0.0, 0.0)
    ends = column.transformed(np.array([low, high, middle])).tolist()
    return replace(column, low=ends[0], high=ends[1], fill=ends[2])


def level_column(raw: RawColumn, targets: Floats, weight: Floats, most: int, rare: int) -> EncodedColumn:
    """What a column of words becomes: those that are frequent each a level, the others one together."""
    codes = cast(Any, raw.codes)
    n_words = len(raw.words)
    # The last group is that of missing cells.
    group = np.where(codes < 0, n_words, codes)
    counts = np.bincount(group, weights=weight, minlength=n_words + 1)
    present: list[int] = np.flatnonzero(np.bincount(group, minlength=n_words + 1)).tolist()
    common = sorted((k for k in present if counts[k] >= rare), key=lambda k: (-counts[k], _label(raw, k)))
    kept = common if len(common) == len(present) <= most else common[: most - 1]
    pooled = sorted(set(present) - set(kept), key=lambda k: _label(raw, k))
    if len(kept) + bool(pooled) < 2:
        few = (
            "constant"
            if len(present) == 1
            else f"none of its {len(present):,} values is in {rare} rows or more"
        )
        return DroppedColumn(raw.name, few)

    # Groups become one code each: words kept, then "other" where anything was pooled.
    code_of = np.full(n_words + 1, len(kept))
    code_of[kept] = np.arange(len(kept))
    labels = [_label(raw, k) for k in kept]
    if pooled:
        labels.append(distinct(("other", "(other)", "all others"), labels))
    order = order_levels(code_of[group], targets, weight, labels)
    levels = tuple(labels[k] for k in order)
    place = {label: code for code, label in enumerate(levels)}
    totals = np.bincount(code_of[group], weights=weight, minlength=len(labels))[order]
    middle = int(np.searchsorted(np.cumsum(totals), totals.sum() / 2))
    unseen = place[labels[-1]] if pooled else min(middle, len(levels) - 1)
    missing = place[_label(raw, n_words)] if n_words in kept else unseen
    listed = tuple(itertools.islice((_label(raw, k) for k in pooled if k != n_words), LISTED))
    return LevelColumn(raw.name, levels, unseen, missing, listed, n_words in kept)


def _label(raw: RawColumn, k: int) -> str:
    if k < len(raw.words):
        return raw.words[k]
    return distinct(GAPS, raw.words)


def _thinned(x: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Evenly spaced rows where there are more than enough."""
    step = -(-len(x) // ENOUGH)
    return x[::step], weight[::step]


def _median(x: Floats, weight: Floats) -> float:
    """Weighted median: the value at which half of the weight is reached."""
    order = np.argsort(x, kind="stable")
    reached = np.cumsum(weight[order])
    return float(x[order][min(int(np.searchsorted(reached, reached[-1] / 2)), len(x) - 1)])


def _fingerprint(raw: RawColumn) -> bytes:
    """Equal for columns that hold the same, word for word or number for number."""
    if raw.numbers is not None:
        body = np.ascontiguousarray(raw.numbers + 0.0).tobytes()  # + 0.0: zero has one sign
    else:
        # Words are numbered in the order in which a kind of frame happens to keep them.
        _, first, codes = np.unique(cast(Any, raw.codes), return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))
        ordered = [(*raw.words, "")[cast(Any, raw.codes)[k]] for k in np.sort(first)]
        body = rank[codes].tobytes() + "\0".join(ordered).encode(errors="surrogatepass")
    return hashlib.sha256(body).digest()
