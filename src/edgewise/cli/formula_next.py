"""Where `edgewise formula --next` says to measure: between the ends of --bounds, or of the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.cli.formula_words import pairs
from edgewise.cli.inputs import called, find
from edgewise.data.arrow import Frame

if TYPE_CHECKING:
    from edgewise.symbolic import FormulaResult, Measurement

Ends = Mapping[str, tuple[float, float]]
# Places that are told; each is apart from those before it.
_PLACES = 3


def ends_of(frame: Frame, entries: Sequence[str] | None, names: Sequence[str], X: Floats) -> Ends:
    """The ends of every column: those in `--bounds m=1:5,r=2`, where r is held fixed, else those of the rows X."""
    ends = {
        name: (float(low), float(high))
        for name, low, high in zip(names, X.min(axis=0), X.max(axis=0), strict=True)
    }
    seen = set[str]()
    for pair in pairs(entries or (), frame.column_names):
        name, equals, span = (part.strip() for part in pair.rpartition("="))
        try:
            given = [float(each) for each in span.split(":")]
        except ValueError:
            given = []
        right = len(given) in (1, 2) and given[0] <= given[-1] and all(map(math.isfinite, given))
        if not (right and equals and name):
            raise InputError(
                subject="The entries of --bounds",
                expected="read column=low:high, or column=value for one that is held fixed",
                got=called(pair),
            )
        column = find(frame, name)
        if column not in ends:
            raise InputError(
                subject="The columns of --bounds",
                expected="be among those that are searched",
                got=called(column),
            )
        if column in seen:
            raise InputError(
                subject="The columns of --bounds",
                expected="be distinct",
                got=f"{called(column)} more than once",
            )
        seen.add(column)
        ends[column] = (given[0], given[-1])
    if all(low == high for low, high in ends.values()):
        raise InputError(
            "The option --next needs a column that is free. Got all of them held fixed; give the ends of one with --bounds."
        )
    return ends


def places_of(result: FormulaResult, ends: Ends, seed: int) -> tuple[Measurement, ...]:
    """The most informative places between the ends, the first of them most."""
    from edgewise.symbolic import next_measurement

    return next_measurement(result, ends, count=_PLACES, seed=seed)


def told(places: Sequence[Measurement], target: str, noise: float | None) -> tuple[str, ...]:
    """The places in lines."""
    if not places:
        return ()
    lines = [f"Where to measure {target} next, the most informative place first:"]
    lines += [f"  {number}. {place}" for number, place in enumerate(places, start=1)]
    if places[0].spread <= (noise or 0.0):
        lines.append(
            "  Even there the formulas that are possible differ by no more than the noise; wider --bounds may tell more."
        )
    return tuple(lines)
