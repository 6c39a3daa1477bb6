"""Which closed form is this curve? Every form of a library fitted at once, ranked by fit and complexity.

The curve is a fixed number of points, so the cost does not grow with the data it came from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise.forms import FORMS, Form
from edgewise.symbolic.univariate.affine_fit import Batch, UnitCurve, evaluate, join, refine
from edgewise.symbolic.univariate.curve_rows import read_curve
from edgewise.symbolic.univariate.starting_points import POINTS, best_starts, symmetric

# A tenfold smaller residual is worth this many nodes.
_DECADE = 5.0
_STARTS = 4
# Points of a curve.
FEWEST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A closed form fitted to a curve: a*f(b*x + c) + d.

    Parameters
    ----------
    form
        The form f.
    a, b, c, d
        Its constants.
    r2
        Share of the curve's variance explained.
    residual
        Root of the share left unexplained; unlike `r2` it distinguishes 1e-4 from 1e-8.
    complexity
        The form's complexity, plus two for each of b and c that is needed.
    """

    form: Form
    a: float
    b: float
    c: float
    d: float
    r2: float
    residual: float
    complexity: int

    def value(self, x: ArrayLike) -> Floats:
        """The fitted function at x."""
        return self.a * self.form.at(self.b * np.asarray(x, dtype=np.float64) + self.c) + self.d

    @property
    def text(self) -> str:
        """The fitted function in words: 2*sin(3*x + 1) + 0.5."""
        inner = f"{self.b:.6g}*x" + (f" + {self.c:.6g}" if self.c else "")
        return f"{self.a:.6g}*[{self.form.text} at x = {inner}] + {self.d:.6g}"


def fit_curve(
    x: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    forms: Iterable[Form] | None = None,
    accuracy: float = 1e-8,
    top: int | None = None,
) -> tuple[Suggestion, ...]:
    """Fit a*f(b*x + c) + d to a curve for every form of a library.

    Parameters
    ----------
    x, y
        The curve, (n,); 100 to 200 points are plenty.
    sample_weight
        How much each point counts, (n,); by default all the same.
    forms
        The library; by default all of `FORMS`.
    accuracy
        The curve's own relative accuracy: residuals below it do not count against a form.
    top
        How many suggestions to return; by default all.

    Returns
    -------
    tuple of Suggestion
        Simplest right form first: ordered by complexity plus five times the decades of residual. One form appears
        at most twice, with c = 0 and with a shift.

    Raises
    ------
    InputError
        Where x, y and sample_weight are not vectors of one length.

    References
    ----------
    Golub, Pereyra (2003), Separable nonlinear least squares. doi:10.1088/0266-5611/19/2/201

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic import fit_curve
    >>> x = np.linspace(-1, 1, 120)
    >>> best = fit_curve(x, 3 * np.sin(np.pi * x) - 1)[0]
    >>> best.form.name, round(best.a, 6), round(best.b, 6), best.c, round(best.d, 6)
    ('sin', 3.0, 3.141593, 0.0, -1.0)
    """
    points, values, weights = read_curve(x, y, sample_weight, FEWEST_POINTS)
    weights = weights / weights.sum()
    accuracy = check_float(accuracy, "accuracy", low=1e-15, high=1.0)
    library = list(some_forms(forms))
    # Forms leave the range of floats as a matter of course; they are judged by what they give.
    with np.errstate(all="ignore"):
        found = _suggestions(points, values, weights, library)
    place = {form.name: at for at, form in enumerate(library)}
    # Equally good forms keep the order of the library: sin before cos with a shift.
    ranked = sorted(
        found,
        key=lambda suggestion: (round(score(suggestion, accuracy), 6), place.get(suggestion.form.name, 0)),
    )
    return tuple(ranked if top is None else ranked[: check_int(top, "top", low=1)])


def some_forms(forms: object) -> tuple[Form, ...]:
    """A library of at least one closed form; of None the whole one."""
    library = tuple(FORMS.values()) if forms is None else check_forms(forms)
    if not library:
        raise InputError(argument="forms", expected="hold at least one Form", got="none")
    return library


def check_forms(forms: object) -> tuple[Form, ...]:
    """A library of closed forms."""
    library = as_tuple(forms, "forms", "Form objects")
    for form in library:
        if not isinstance(form, Form):
            raise InputError(argument="forms", expected="hold Form objects", got=short(form))
    return library


def score(suggestion: Suggestion, accuracy: float) -> float:
    """Complexity plus five times the decades of residual above the curve's accuracy; lower is better."""
    return suggestion.complexity + _DECADE * math.log10(max(suggestion.residual, accuracy) / accuracy)


def _suggestions(x: Floats, y: Floats, w: Floats, library: Sequence[Form]) -> list[Suggestion]:
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    mean = float(w @ y)
    spread = math.sqrt(float(w @ np.square(y - mean)))
    flat = spread <= 1e-14 * max(abs(mean), float(np.abs(y).max()))
    if flat or half <= 0:
        return [
            Suggestion(FORMS["identity"], 0.0, 1.0, 0.0, mean, 1.0 if flat else 0.0, 0.0 if flat else 1.0, 1)
        ]
    curve = UnitCurve((x - middle) / half, (y - mean) / spread, w)
    batch = _fitted(library, curve, middle / half)
    return _in_own_units(library, batch, x, y, w, middle, half)


def _fitted(library: Sequence[Form], curve: UnitCurve, origin: float) -> Batch:
    """The best candidate of each form with its shift free, and the best with none in the user's coordinates."""
    coarse = np.interp(POINTS, curve.t, curve.v)
    primary = [
        at
        for at, form in enumerate(library)
        if form.shift_of is None or form.shift_of[0] not in _names(library)
    ]
    starts: list[Batch] = []
    for at in primary:
        b, c = best_starts(library[at], coarse, _STARTS)
        family = library[at].family
        starts.append(
            _batch(at, b, c, 0.0, family in ("general", "exponential"), family in ("general", "power"))
        )
    free, loss = refine(library, join(starts), curve)
    # A shifted sine is a cosine: what was found for the one is a start for the other.
    images = [free, *_images(library, free, loss)]
    both = join(images)
    tied = [batch for at, form in enumerate(library) for batch in _tied(at, form, both, origin)]
    return join([both, refine(library, join(tied), curve)[0]]) if tied else both


def _names(library: Sequence[Form]) -> set[str]:
    return {form.name for form in library}


def _batch(at: int, b: Floats, c: Floats, origin: float, free_b: bool, free_c: bool) -> Batch:
    size = len(b)
    return Batch(np.full(size, at), b, c, np.full(size, origin), np.full(size, free_b), np.full(size, free_c))


def _images(library: Sequence[Form], free: Batch, loss: Floats) -> list[Batch]:
    found: list[Batch] = []
    for at, form in enumerate(library):
        if form.shift_of is None or form.shift_of[0] not in _names(library):
            continue
        other, _, rate, shift, _ = form.shift_of
        rows = (free.form == [item.name for item in library].index(other)) & np.isfinite(loss)
        found.append(_batch(at, free.b[rows] / rate, (free.c[rows] - shift) / rate, 0.0, True, True))
    return found


def _tied(at: int, form: Form, both: Batch, origin: float) -> list[Batch]:
    """Candidates with c = 0 in the user's coordinates: z = b*(t + origin)."""
    if form.family == "power":
        return [_batch(at, np.array([1.0, -1.0]), np.zeros(2), origin, False, False)]
    if form.family != "general":
        return []
    b = both.b[both.form == at]
    return [_batch(at, b, np.zeros(len(b)), origin, True, False)]


def _in_own_units(
    library: Sequence[Form], batch: Batch, x: Floats, y: Floats, w: Floats, middle: float, half: float
) -> list[Suggestion]:
    """The best two of every form (shifted, unshifted), with a and d solved again in the user's coordinates."""
    rate = batch.b / half
    shift = batch.c + batch.b * (batch.origin - middle / half)
    tied = ~batch.free_c
    shift[tied] = 0.0
    for at, form in enumerate(library):
        rows = batch.form == at
        if form.family in ("power", "linear"):
            # b is redundant up to its sign: report it as one.
            sign = np.sign(rate[rows])
            shift[rows] = np.where(tied[rows], 0.0, shift[rows] / np.abs(rate[rows]))
            rate[rows] = sign
        elif form.name in ("sin", "cos"):
            shift[rows] = np.remainder(shift[rows] + math.pi / 2, math.pi) - math.pi / 2
        elif form.family == "exponential":
            # exp(b*x) may overflow where x is far from zero.
            far = np.abs(rate[rows]) * np.abs(x).max() > 300
            shift[rows] = np.where(far, -rate[rows] * middle, 0.0)
        if form.family == "general" and symmetric(form):
            negative = rows & (rate < 0)
            rate[negative], shift[negative] = -rate[negative], -shift[negative]
    shift += 0.0  # no negative zeros
    z = rate[:, None] * x + shift[:, None]
    with np.errstate(all="ignore"):
        f, _ = evaluate(library, batch.form, z)
        centre = f @ w
        power = np.square(f - centre[:, None]) @ w
        mean = float(w @ y)
        a = ((f - centre[:, None]) * w) @ (y - mean) / power
        residual = np.square((y - mean) - a[:, None] * (f - centre[:, None])) @ w
        unexplained = residual / float(w @ np.square(y - mean))
    best: dict[tuple[int, bool], int] = {}
    ends = np.sort(z[:, [0, -1]], axis=1)
    for row in np.argsort(unexplained, kind="stable"):
        form = library[int(batch.form[row])]
        inside = bool(form.domain.admits(ends[row, 0], ends[row, 1]))
        if inside and np.isfinite(unexplained[row]) and np.isfinite(a[row]):
            best.setdefault((int(batch.form[row]), bool(shift[row] == 0.0)), int(row))
    return [
        Suggestion(
            form := library[at],
            float(a[row]),
            float(rate[row]),
            float(shift[row]),
            mean - float(a[row]) * float(centre[row]),
            1.0 - float(unexplained[row]),
            math.sqrt(float(unexplained[row])),
            form.complexity
            + (2 if form.family in ("general", "exponential") else 0)
            + (0 if unshifted else 2),
        )
        for (at, unshifted), row in best.items()
    ]
