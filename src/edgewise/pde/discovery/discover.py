"""From measured fields to the law: splines through the values, rows of the weak form, selection of terms.

fields -> spline fits (noise, finest waves) -> weighting functions -> rows for every term -> subsets, by likelihood -> laws
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arguments import all_are, check_text
from edgewise._core.checks import among, check_int, check_names, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, running
from edgewise.fields.jet_polynomials import Divergence, Monomial, monomial
from edgewise.fields.samples import Samples, read_samples
from edgewise.fields.select_terms import HALVES, Candidate, SubsetSearch
from edgewise.fields.spline_fits import FittedFields, fit
from edgewise.fields.weak_rows import WeakRows, reduced
from edgewise.fields.weighting_functions import weights_for
from edgewise.pde.discovery.law import Discovery, Law, LawTerm, Rival, right_side
from edgewise.pde.discovery.library import MonomialTerm, Names, given_terms, library

_RIVALS = 5


def discover(
    fields: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    coordinates: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    left: str | Sequence[str] | None = None,
    order: int | None = None,
    degree: int = 3,
    terms: Sequence[str] | None = None,
    periodic: Any = (),
    time: str = "t",
    seed: int = 0,
    halves: int = HALVES,
    seconds: float | None = None,
) -> Discovery:
    """Find the laws that measured fields obey.

    Parameters
    ----------
    fields : mapping of str to array
        Values of each unknown: on a grid, with one axis for each coordinate, or one value a row. A sequence of such
        mappings for several experiments under one law.
    coordinates : mapping of str to array
        Places along each axis of the grid (in any order, evenly spaced or not), or of every row.
    left : str or sequence of str, optional
        What the laws give: `"u_t"`. Left out, the derivative in time of every field, of first order or, where that is not
        explained, of second.
    order : int, optional
        Highest derivative in space of the library: 4 with one coordinate of space, 2 with more, where left out.
    degree : int
        Highest number of factors of a term.
    terms : sequence of str, optional
        The library, where it is known: `["u*u_x", "u_xx", "u^2"]`.
    periodic : str, sequence of str, or mapping of str to float
        Coordinates along which fields repeat, with their periods where places are not even.
    time : str
        Name of the coordinate of time.
    seed : int
        Of the random halves of the rows.
    halves : int
        Random halves of the rows from which terms are chosen again, to see how stable they are.
    seconds : float, optional
        Interrupts after so long.

    Returns
    -------
    Discovery

    Raises
    ------
    InputError
        Where arrays do not go together, names are not known, or the time is over before the laws are found.

    References
    ----------
    D. A. Messenger and D. M. Bortz, "Weak SINDy for partial differential equations", 2021, doi:10.1016/j.jcp.2021.110525.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import pde
    >>> x, t = np.linspace(0, 6, 80), np.linspace(0, 1, 40)
    >>> u = np.exp(-0.5 * t) * np.sin(x[:, None] - 2 * t) + np.exp(-2 * t) * np.cos(2 * x[:, None] - 4 * t)
    >>> pde.discover({"u": u}, {"x": x, "t": t}, degree=2).text
    'u_t = -2*u_x + 0.5*u_xx'
    """
    check_int(degree, "degree", low=1, high=4)
    check_int(seed, "seed", low=0)
    check_int(halves, "halves", low=1)
    meter = Meter(seconds=check_seconds(seconds))
    many, places = (
        [given]
        if isinstance(given, Mapping)
        else list(all_are(given, Mapping, name, "mappings of names to arrays"))
        for name, given in (("fields", fields), ("coordinates", coordinates))
    )
    places = places * len(many) if isinstance(coordinates, Mapping) else places
    if not many or len(places) != len(many):
        raise InputError(
            argument="coordinates",
            expected=f"be one mapping, or as many as there are experiments, {len(many)}",
            got=len(places),
        )
    samples = [read_samples(f, c, periodic) for f, c in zip(many, places, strict=True)]
    names = Names(samples[0].names, samples[0].coordinates)
    for sample in samples:
        if (sample.names, sample.coordinates) != (names.fields, names.coordinates):
            raise InputError(
                subject="All experiments", expected=f"have the fields {among(names.fields)} in one order"
            )
    lefts = _lefts(left, names, check_text(time, "time"))
    space = [a for a, name in enumerate(names.coordinates) if name != time]
    highest = check_int(order if order is not None else (4 if len(space) == 1 else 2), "order", low=1, high=4)
    try:
        with one_thread(), running(meter):
            fits = [fit(sample) for sample in samples]
            right = _LawTerms(names, space, highest, degree, terms, time)
            laws = tuple(_law(alternatives, right, fits, samples, seed, halves) for alternatives in lefts)
    except StopError as stop:
        meter.own(stop)
        raise InputError(
            "The time of discover was over before the laws were found; give more 'seconds'."
        ) from None
    noise = {name: float(np.mean([f.noise[n] for f in fits])) for n, name in enumerate(names.fields)}
    settled = all(_settled(law) for law in laws)
    return Discovery(
        laws,
        noise,
        " ".join(_message(law) for law in laws),
        StopReason.EXPLAINED if settled else StopReason.EXHAUSTED,
        meter.seconds,
    )


def _lefts(left: Any, names: Names, time: str) -> list[list[Monomial]]:
    """For each law, the left sides that it may have."""
    if left is not None:
        given = [left] if isinstance(left, str) else check_names(left, "left")
        found = [names.read(text) for text in given]
        for text, item in zip(given, found, strict=True):
            if len(item) != 1 or item[0][1] != 1 or not any(item[0][0][1]):
                raise InputError(argument="left", expected="be derivatives, such as 'u_t'", got=short(text))
        return [[item] for item in found]
    if time not in names.coordinates:
        raise InputError(
            f"discover needs to know what the laws give where there is no coordinate of time '{time}': "
            f"left='{names.fields[0]}_{names.coordinates[0] * 2}', or time='...'."
        )
    at = names.coordinates.index(time)
    return [
        [monomial({(f, tuple(n * (a == at) for a in range(len(names.coordinates)))): 1}) for n in (1, 2)]
        for f in range(len(names.fields))
    ]


@dataclass(frozen=True, eq=False)
class _LawTerms:
    """What terms may stand on the right side: those given, or products of fields and their derivatives.

    Attributes
    ----------
    names : Names
    space : sequence of int
        Numbers of the coordinates of space.
    order, degree : int
        Highest derivative in space, and number of factors.
    terms : sequence of str, optional
        The terms, where they are known.
    time : str
        Name of the coordinate of time.
    """

    names: Names
    space: Sequence[int]
    order: int
    degree: int
    terms: Any
    time: str

    def beside(self, left: Monomial) -> tuple[MonomialTerm, ...]:
        """The terms for one left side."""
        names = self.names
        if self.terms is not None:
            found = given_terms(self.terms, names)
        else:
            found = library(names, self.space, self.order, self.degree)
            orders = left[0][0][1]
            at = names.coordinates.index(self.time) if self.time in names.coordinates else None
            if at is not None and orders[at] > 1:
                slow = tuple(int(a == at) for a in range(len(orders)))
                texts = [names.jet((f, slow)) for f in range(len(names.fields))]
                products = [f"{names.fields[g]}*{text}" for text in texts for g in range(len(names.fields))]
                found = (*found, *given_terms(texts + (products if self.degree > 1 else []), names))
        kept = tuple(term for term in found if all(left != m for _, m in term.parts))
        if not kept:
            raise InputError(argument="terms", expected="have a term other than the left side")
        return kept


def _law(
    alternatives: Sequence[Monomial],
    terms: _LawTerms,
    fits: Sequence[FittedFields],
    samples: Sequence[Samples],
    seed: int,
    halves: int,
) -> Law:
    best: Law | None = None
    for left in alternatives:
        law = _found(left, terms.beside(left), fits, samples, terms.names, seed, halves)
        if best is None or law.unexplained < 0.3 * best.unexplained:
            best = law
        if _settled(best):
            break
    assert best is not None
    return best


def _settled(law: Law) -> bool:
    """Whether little is left and the terms do not hang on the rows."""
    return law.unexplained <= 0.1 and law.stability >= 0.8 and bool(law.terms)


def _found(
    left: Monomial,
    terms: Sequence[MonomialTerm],
    fits: Sequence[FittedFields],
    samples: Sequence[Samples],
    names: Names,
    seed: int,
    halves: int,
) -> Law:
    d = len(names.coordinates)
    parts: list[Divergence] = [reduced(term.parts, d) for term in terms]
    side = reduced([(1.0, left)], d)
    highest = max(max(orders, default=0) for part in [side, *parts] for orders in part)
    forms = [
        WeakRows(item, weights_for(item, own, highest, len(fits)))
        for item, own in zip(fits, samples, strict=True)
    ]
    search = SubsetSearch(forms, side, parts)
    ranked, rows = search.best()
    times, subsets = search.stability(rows, seed, halves)
    score, first = ranked[0]
    found = tuple(
        LawTerm(
            terms[n].text,
            float(value),
            float(error),
            float(value - 1.96 * error),
            float(value + 1.96 * error),
            float(times[n]),
        )
        for n, value, error in zip(first.subset, first.coefficients, first.errors, strict=True)
    )
    others = [
        Rival(
            f"{names.text(left)} = {right_side(_written(item, terms))}",
            float(behind - score),
            subsets.get(item.subset, 0) / halves,
        )
        for behind, item in ranked[1 : _RIVALS + 1]
    ]
    return Law(
        names.text(left),
        found,
        float(first.share),
        float(first.rest),
        tuple(others),
        search.count,
        names.coordinates,
    )


def _written(candidate: Candidate, terms: Sequence[MonomialTerm]) -> list[tuple[float, str]]:
    return [
        (float(value), terms[n].text)
        for n, value in zip(candidate.subset, candidate.coefficients, strict=True)
    ]


def _message(law: Law) -> str:
    words = f"{law.text}; it leaves {law.unexplained:.1e} of the left side."
    if law.unexplained > 0.1:
        return f"{words} That is much: terms may be missing from the library, or the noise hides them."
    if not _settled(law):
        weakest = min(law.terms, key=lambda term: term.stability)
        return (
            f"{words} '{weakest.text}' was chosen from {100 * weakest.stability:.0f} % of random halves of the rows only: "
            "look at the rivals."
        )
    return f"{words} Its terms were chosen from at least {100 * law.stability:.0f} % of random halves of the rows."
