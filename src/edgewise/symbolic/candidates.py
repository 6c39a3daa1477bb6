"""Formulas that need no network: single curves, straight lines, power laws and short sums of products.

They cost milliseconds, are exact where the law has that shape, and give every later candidate something to beat.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgewise.forms import Form
from edgewise.forms.tree import Apply, Node, Number, Variable, substitute
from edgewise.symbolic.compose import form_tree
from edgewise.symbolic.curve import Suggestion, fit_curve
from edgewise.symbolic.rows import Rows

Floats = NDArray[np.float64]

_MOST_PRODUCTS = 400
_LONGEST = 6


def direct_candidates(rows: Rows, forms: Sequence[Form] | None = None) -> Iterator[Node]:
    """Trees to refit, the simplest kinds first."""
    yield Number(float(rows.y.mean()))
    yield from _lines(rows)
    yield from _power_laws(rows)
    if len(rows.names) <= 3:
        yield from _curves(rows, forms)
    yield from _sums_of_products(rows)


def curve_tree(found: Suggestion, inner: Node) -> Node:
    """a*f(b*x + c) + d as a tree, without the constants it does not need."""
    scaled = inner if found.b == 1.0 else Apply("*", (Number(float(found.b)), inner))
    z = scaled if found.c == 0.0 else Apply("+", (scaled, Number(float(found.c))))
    value = Apply("*", (Number(float(found.a)), substitute(form_tree(found.form), "x", z)))
    return Apply("+", (value, Number(float(found.d))))


def _lines(rows: Rows) -> Iterator[Node]:
    design = np.column_stack([rows.X, np.ones(len(rows.y))])
    solution = np.linalg.lstsq(design, rows.y, rcond=None)[0]
    yield _linear([Variable(name) for name in rows.names], solution)


def _linear(terms: Sequence[Node], solution: Floats) -> Node:
    """Terms with coefficients, and the constant that comes last."""
    parts: list[Node] = [
        Apply("*", (Number(float(weight)), term)) for weight, term in zip(solution[:-1], terms, strict=True)
    ]
    return Apply("+", (*parts, Number(float(solution[-1])))) if parts else Number(float(solution[-1]))


def _power_laws(rows: Rows) -> Iterator[Node]:
    """C * x1^p1 * x2^p2 ..., by a line through logarithms; also of y less its offset at the smallest power."""
    positive = (rows.X > 0).all(axis=0)
    if not positive.any() or not ((rows.y > 0).all() or (rows.y < 0).all()):
        return
    sign = float(np.sign(rows.y[0]))
    logs = np.column_stack([np.log(rows.X[:, positive]), np.ones(len(rows.y))])
    powers = np.linalg.lstsq(logs, np.log(sign * rows.y), rcond=None)[0]
    names = [name for name, good in zip(rows.names, positive, strict=True) if good]
    factors = tuple(
        Apply("^", (Variable(name), Number(float(power)))) for name, power in zip(names, powers[:-1], strict=True)
    )
    law = Apply("*", (Number(sign * float(np.exp(powers[-1]))), *factors))
    yield law
    yield Apply("+", (law, Number(0.0)))


def _curves(rows: Rows, forms: Sequence[Form] | None) -> Iterator[Node]:
    """One column's curve, where one column may be all there is to it."""
    for at, name in enumerate(rows.names):
        order = np.argsort(rows.X[:, at], kind="stable")
        chosen = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), 300)).astype(np.intp))]
        if len(np.unique(rows.X[chosen, at])) < 4:
            continue
        for found in fit_curve(rows.X[chosen, at], rows.y[chosen], forms=forms, top=8 if len(rows.names) == 1 else 3):
            yield curve_tree(found, Variable(name))


def _sums_of_products(rows: Rows) -> Iterator[Node]:
    """Sums of one to six products of integer powers, each next product the one that explains most (orthogonal
    matching pursuit, Tropp and Gilbert 2007, doi:10.1109/TIT.2007.909108)."""
    products = list(itertools.islice(_exponents(rows), _MOST_PRODUCTS))
    with np.errstate(all="ignore"):
        columns = np.stack([np.prod(rows.X ** np.array(powers, dtype=float), axis=1) for powers in products], axis=1)
    centred = columns - columns.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    good = np.isfinite(size) & (size > 0)
    unit = np.where(good, centred, 0.0) / np.where(good, size, 1.0)
    residual = rows.y - rows.y.mean()
    total = float(residual @ residual)
    chosen: list[int] = []
    for _ in range(min(_LONGEST, int(good.sum()), max(len(rows.y) // 5, 1))):
        score = np.abs(unit.T @ residual)
        score[chosen] = -1.0
        chosen.append(int(np.argmax(score)))
        design = np.column_stack([columns[:, chosen], np.ones(len(rows.y))])
        scale = np.linalg.norm(design, axis=0)
        solution = np.linalg.lstsq(design / scale, rows.y, rcond=None)[0] / scale
        residual = rows.y - design @ solution
        yield _linear([_product(products[at], rows.names) for at in chosen], solution)
        if float(residual @ residual) <= 1e-26 * total:
            return


def _exponents(rows: Rows) -> Iterator[tuple[int, ...]]:
    """Exponents of products, the simplest first; negative ones only of columns that keep away from zero."""
    count = rows.X.shape[1]
    inverse = [bool((column > 0).all() or (column < 0).all()) for column in rows.X.T]
    most = 3 if count <= 5 else 2
    choices = [range(-most if free else 0, most + 1) for free in inverse]
    if count > 8:
        singles = [tuple(power * (at == each) for each in range(count)) for at in range(count) for power in (1, 2)]
        pairs = [
            tuple(int(each in pair) for each in range(count)) for pair in itertools.combinations(range(count), 2)
        ]
        yield from [*singles, *pairs]
        return
    everything = (powers for powers in itertools.product(*choices) if 0 < sum(map(abs, powers)) <= most + 1)
    yield from sorted(everything, key=lambda powers: (sum(map(abs, powers)), -min(powers), powers))


def _product(powers: Sequence[int], names: Sequence[str]) -> Node:
    factors: list[Node] = []
    for name, power in zip(names, powers, strict=True):
        if power:
            size = Variable(name) if abs(power) == 1 else Apply("^", (Variable(name), Number(abs(power))))
            factors.append(size if power > 0 else Apply("inv", (size,)))
    return factors[0] if len(factors) == 1 else Apply("*", tuple(factors))
