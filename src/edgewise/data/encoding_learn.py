"""learn_encoding: decide from training rows how each raw column becomes inputs of a network."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, check_int, check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.work import charge
from edgewise.data.encoding import CELL, GAPS, Encoding, distinct
from edgewise.data.encoding_columns import DroppedColumn, EncodedColumn, LevelColumn, NumberColumn, numbers_of
from edgewise.data.encoding_raw import RawColumn, raw_table

# So many levels may be put in order whatever the noise: a function of so few distinguishes them one by one.
FEW = 10
# Standard errors within which levels of a longer column are taken for alike.
ALIKE = 2.0


def order_levels(
    codes: NDArray[Any], targets: Floats, weight: Floats, labels: Sequence[str]
) -> NDArray[np.int64]:
    """Places of the levels in order of what they do to the target.

    Several targets (classes, say) are brought to one number a level by the first principal component of the level
    means, weighted by the levels' sizes. Levels that the data cannot distinguish stand in alphabetical order: an order
    made of noise would be learned as if it were knowledge, and the more so the more levels there are.

    Parameters
    ----------
    codes : array of int, shape (n,)
    targets : array of shape (n, k)
    weight : array of shape (n,)
    labels : sequence of str
        One for each code.
    """
    size = np.bincount(codes, weights=weight, minlength=len(labels))
    scaled = _standardised(targets, weight)
    means = shrunken_means(codes, scaled, weight, len(labels))
    centred = means - (size @ means) / max(size.sum(), np.finfo(float).tiny)
    _, _, directions = np.linalg.svd(np.sqrt(size)[:, None] * centred, full_matrices=False)
    direction = directions[0] * (1.0 if directions[0].sum() >= 0 else -1.0)
    value = np.round(centred @ direction, 12)
    if len(labels) > FEW:
        step = ALIKE * _uncertainty(codes, scaled @ direction, weight, size)
        value = np.round(value / step) if step > 0 else value
    return np.array(sorted(range(len(labels)), key=lambda k: (value[k], labels[k])), dtype=np.int64)


def shrunken_means(codes: NDArray[Any], targets: Floats, weight: Floats, n_levels: int) -> Floats:
    """Means of the targets by level, (levels, k), each drawn to the mean of all by as much as noise accounts for.

    The spread among levels beyond what noise explains is estimated by moments (R. DerSimonian and N. Laird, 1986,
    doi:10.1016/0197-2456(86)90046-2); a level of size n then keeps n / (n + noise / spread) of its deviation.
    """
    size = np.bincount(codes, weights=weight, minlength=n_levels)
    out = np.empty((n_levels, targets.shape[1]))
    for j, target in enumerate(targets.T):
        mean, centre, noise, spread = _components(codes, target, weight, size)
        if spread <= 1e-12 * (noise + spread):
            out[:, j] = centre
        else:
            out[:, j] = centre + (mean - centre) * size / (size + noise / spread)
    return out


def _components(
    codes: NDArray[Any], target: Floats, weight: Floats, size: NDArray[Any]
) -> tuple[Floats, float, float, float]:
    """Means by level, the mean of all, and the variances within levels and among them."""
    total = float(size.sum())
    mean = np.bincount(codes, weights=weight * target, minlength=len(size)) / np.maximum(
        size, np.finfo(float).tiny
    )
    centre = float(size @ mean) / total
    noise = float(weight @ (target - mean[codes]) ** 2) / max(total - len(size), 1.0)
    between = float(size @ (mean - centre) ** 2) - (len(size) - 1) * noise
    share = total - float((size**2).sum()) / total
    return mean, centre, noise, max(between, 0.0) / share if share > 0 else 0.0


def _uncertainty(codes: NDArray[Any], target: Floats, weight: Floats, size: NDArray[Any]) -> float:
    """Standard deviation of what a typical level does, given the rows; 0 where no level is distinguished from another."""
    _, _, noise, spread = _components(codes, target, weight, size)
    if spread <= 1e-12 * (noise + spread):
        return 0.0
    own = noise / np.maximum(size, np.finfo(float).tiny)
    return float(np.median(np.sqrt(spread * own / (spread + own))))


def _standardised(targets: Floats, weight: Floats) -> Floats:
    """Targets of unit spread, whatever their size."""
    size = np.abs(targets).max(axis=0)
    scaled = targets / np.where(size > 0, size, 1.0)
    total = weight.sum()
    mean = weight @ scaled / total
    spread = np.sqrt(weight @ (scaled - mean) ** 2 / total)
    return (scaled - mean) / np.where(spread > 0, spread, 1.0)


# A tail this many times longer than the typical deviation would leave most of a grid to few rows: it is drawn in. A
# normal column reaches 6, an exponential one 20, a log-normal one 60 or more.
LONG_TAIL = 25.0
# Numbers within these sizes pass as they are, so that edges are read in the column's own units.
SMALL, LARGE = 1e-30, 1e30
TINIEST = float(np.nextafter(0.0, 1.0))
# Quantiles of this many rows are as good as those of all.
ENOUGH = 100_000
LISTED = 100
# A column of numbers that passes as it is, for a table that tells nothing: transform, centre, scale, range and fill.
_ANY = ("identity", 0.0, 1.0, 0.0, 0.0, 0.0)


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
    for raw in table.columns:
        charge(CELL * table.n_rows)
        columns.append(
            number_column(raw, weights, rare)
            if raw.codes is None
            else level_column(raw, targets, weights, most, rare)
        )
    words = table.columns[0].codes is not None
    return distinct_columns(columns, lambda k: _fingerprint(table.columns[k]), words=words)


def distinct_columns(
    columns: list[EncodedColumn], mark_of: Callable[[int], bytes], *, words: bool, where: str = ""
) -> Encoding:
    """The encoding of columns without those equal to an earlier one; it keeps one at least.

    Parameters
    ----------
    columns : list of EncodedColumn
    mark_of : callable
        From the place of a column that is not dropped to what is equal where columns hold the same.
    words : bool
        Whether the first one holds words.
    where : str
        The rows in which they are equal, where these are not all.
    """
    kept, seen = list[EncodedColumn](), dict[bytes, int]()
    for k, column in enumerate(columns):
        if not column.dropped:
            first = seen.setdefault(mark_of(k), k)
            if first != k:
                same = f"the same as {short(columns[first].name, 40)}{where}"
                column = DroppedColumn(column.name, same)
        kept.append(column)
    if all(column.dropped for column in kept):
        name = kept[0].name
        kept[0] = LevelColumn(name, ("any",), 0, 0) if words else NumberColumn(name, "number", *_ANY)
    return Encoding(tuple(kept))


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


# Codes a column may have, ordinary values it must have, and rows of the rarest code.
MOST_CODES, FEWEST_VALUES, FEWEST_ROWS = 5, 5, 2
# Negative codes are so many times as far from the others as these from each other, or in so many times the rows.
CLEARLY = 3.0


def special_codes(x: Floats, weight: Floats, rare: float) -> tuple[float, ...]:
    """The values of a column that are codes, in rising order.

    Codes are whole numbers other than zero, at most five, each in two rows or more and all together in `rare`, outside the
    range of the ordinary values, of which there are at least five, and more than codes. They are

    - all negative values among others that are not: further below these than any two neighbours of their lower half lie
      apart, and than three times as far as most do, or a single one with three times the rows of any of them; or else
    - values further beyond the ordinary ones than these reach: 999 among ages.

    Parameters
    ----------
    x : array of shape (n,)
        Without missing cells.
    weight : array of shape (n,)
    rare : float
        Weight that the codes at one end must have together.
    """
    values, place = np.unique(x, return_inverse=True)
    rows = np.bincount(place, weights=weight).astype(np.float64)
    found = list[float]()
    for codes_of in (_negative, _highest, _lowest, _highest):
        which = codes_of(values, rows, rare, MOST_CODES - len(found))
        found += values[which].tolist()
        kept = np.ones(len(values), dtype=bool)
        kept[which] = False
        values, rows = values[kept], rows[kept]
    return tuple(sorted(found))


def _negative(values: Floats, rows: Floats, rare: float, most: int) -> slice:
    """Which of the values are negative codes among values that are not negative."""
    count = int(np.searchsorted(values, 0.0))
    codes, rest, common = slice(0, count), values[count:], rows[count:]
    if not _may_be(values[codes], rows[codes], len(rest), rare, most):
        return slice(0, 0)
    steps = np.diff(rest[: len(rest) // 2 + 1])
    apart = bool(rest[0] - values[count - 1] > max(steps.max(), CLEARLY * np.median(steps)))
    spike = count == 1 and bool(rows[0] >= CLEARLY * common.max())
    return codes if apart or spike else slice(0, 0)


def _lowest(values: Floats, rows: Floats, rare: float, most: int) -> slice:
    """Which of the values are codes far below the others."""
    far = _highest(-values[::-1], rows[::-1], rare, most)
    return slice(0, far.stop - far.start)


def _highest(values: Floats, rows: Floats, rare: float, most: int) -> slice:
    """Which of the values are codes further above the others than these reach."""
    for count in range(min(most, len(values) // 2), 0, -1):
        rest, codes = values[:-count], slice(len(values) - count, len(values))
        # Halved: the difference of two huge numbers overflows.
        far = bool(values[codes][0] / 2 - rest[-1] / 2 > rest[-1] / 2 - rest[0] / 2)
        if far and _may_be(values[codes], rows[codes], len(rest), rare, most):
            return codes
    return slice(len(values), len(values))


def _may_be(codes: Floats, rows: Floats, ordinary: int, rare: float, most: int) -> bool:
    """Whether values are few, whole, repeated and often enough to be codes beside so many ordinary ones."""
    if not 0 < len(codes) <= most or ordinary < max(FEWEST_VALUES, len(codes) + 1):
        return False
    whole = bool(((codes == np.round(codes)) & (codes != 0)).all())
    return whole and float(rows.min()) >= FEWEST_ROWS and float(rows.sum()) >= rare
