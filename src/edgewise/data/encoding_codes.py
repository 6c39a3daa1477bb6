"""Special codes: repeated numbers that stand for words (-9 for "no record") among numbers that are meant as such."""

from __future__ import annotations

import numpy as np

from edgewise._core.arrays import Floats

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


def codes_sentence(columns: list[tuple[str, tuple[str, ...]]]) -> str:
    """A sentence about which columns have which codes; empty where none has any.

    Examples
    --------
    >>> codes_sentence([("age", ("999",)), ("income", ()), ("debt", ("-9", "-8"))])
    'Treated as codes, beside the curves of their columns: 999 in age; -9, -8 in debt.'
    """
    shared = dict[tuple[str, ...], list[str]]()
    for name, codes in columns:
        if codes:
            shared.setdefault(codes, []).append(name)
    if not shared:
        return ""
    parts = [f"{', '.join(codes)} in {_listed(names)}" for codes, names in shared.items()]
    return f"Treated as codes, beside the curves of their columns: {'; '.join(parts)}."


def _listed(names: list[str]) -> str:
    return (
        ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more columns"
    )
