"""Quantities that a system keeps: null vectors of their rates along the right-hand sides, then proved as algebra."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.dynamics.model import TermModel
from edgewise.forms.parser import read
from edgewise.forms.tree import Node, Variable, multiplied, replaced
from edgewise.symbolic.expressions.tape import Tape

# A combination whose rate is below this share of its terms' rates may be conserved.
_NULL_RATE = 1e-6
# Places that rates are compared at, and terms at most that a conserved quantity may be a sum of.
_PLACES = 400
_MOST_TERMS = 120


def candidates(names: Sequence[str], positive: Sequence[bool], degree: int) -> list[Node]:
    """What a conserved quantity may be a sum of, but for a constant."""
    columns = [Variable(name) for name in names]
    found: list[Node] = [
        multiplied(chosen)
        for size in range(1, degree + 1)
        for chosen in itertools.combinations_with_replacement(columns, size)
    ]
    for column, above in zip(columns, positive, strict=True):
        texts = ("cos(u)", "exp(u)", "log(u)") if above else ("cos(u)", "exp(u)")
        found += [replaced(read(text, ("u",)), {"u": column}) for text in texts]
    for one, other in itertools.combinations(columns, 2):
        texts = ("cos(u - v)", "1/sqrt(u^2 + v^2)")
        found += [replaced(read(text, ("u", "v")), {"u": one, "v": other}) for text in texts]
    return found[:_MOST_TERMS]


def conserved(model: TermModel, constants: Floats, names: Sequence[str], Z: Floats, seed: int) -> list[Any]:
    """Sympy expressions whose derivative along the system is zero, proved with the numbers as they are written.

    Parameters
    ----------
    model, constants
        The system; one with inputs keeps nothing.
    names : sequence of str
        Of the states.
    Z : ndarray, shape (q, d)
        Measured states: quantities must hold where they are.
    seed : int
        Of the places that rates are compared at.
    """
    d = model.states
    low, high = Z.min(0), Z.max(0)
    rng = np.random.default_rng(seed)
    places = low + (high - low) * rng.uniform(size=(_PLACES, d))
    for degree in (2, 4):
        terms = candidates(names, low > 0, degree)
        with np.errstate(all="ignore"):
            tapes = [Tape(term, names) for term in terms]
            moves = model.rates(constants)(places.T).T
            rates = np.column_stack([(tape.gradient(tape.start, places)[1] * moves).sum(1) for tape in tapes])
        good = np.isfinite(rates).all(0) & (np.abs(rates).max(0) < 1e12)
        scale = np.sqrt(np.square(rates).mean(0))
        still = [n for n in np.flatnonzero(good) if scale[n] == 0]
        used = [n for n in np.flatnonzero(good) if scale[n] > 0]
        vectors = _sparse_null(rates[:, used] / scale[used], _NULL_RATE) if used else []
        supports = [[used[k] for k in vector] for vector in vectors] + [[n] for n in still]
        proved = [
            each
            for support in supports
            if (each := _proved([terms[n] for n in support], model, constants, names)) is not None
        ]
        if proved:
            return _independent(proved, names)
    return []


def _sparse_null(columns: Floats, share: float) -> list[list[int]]:
    """Supports of combinations of few columns that vanish, one for each dimension of the null space."""
    _, singular, right = np.linalg.svd(columns, full_matrices=True)
    rank = int((singular > share * singular[0] / np.sqrt(len(singular))).sum())
    null = right[rank:].copy()
    if not len(null):
        return []
    # Gauss-Jordan elimination with the largest pivots leaves vectors with as many zeros as there are others.
    # Short terms come first, so that elimination from the back keeps the long ones out where it can.
    order = list(range(columns.shape[1]))[::-1]
    pivots: list[int] = []
    for row in range(len(null)):
        sizes = np.abs(null[row:][:, order])
        at = next((k for k in range(len(order)) if sizes[:, k].max() > 1e-6), None)
        if at is None:
            break
        column = order[at]
        best = row + int(np.abs(null[row:, column]).argmax())
        null[[row, best]] = null[[best, row]]
        null[row] /= null[row, column]
        for other in range(len(null)):
            if other != row:
                null[other] -= null[other, column] * null[row]
        pivots.append(column)
    return [[int(k) for k in np.flatnonzero(np.abs(v) > 1e-6 * np.abs(v).max())] for v in null]


def _proved(terms: Sequence[Node], model: TermModel, constants: Floats, names: Sequence[str]) -> Any | None:
    """The combination of terms that is kept exactly, by linear algebra over exact numbers; None where there is none."""
    import sympy

    from edgewise.symbolic.expressions.border import as_sympy, canonical

    symbols = [sympy.Symbol(name) for name in names]

    def exact(tree: Any) -> Any:
        found: Any = as_sympy(canonical(tree, names))
        return found.xreplace({x: sympy.Rational(float(x)) for x in found.atoms(sympy.Float)})

    right = [exact(tree) for tree in model.trees(constants)]
    made = [exact(term) for term in terms]
    weights = sympy.symbols(f"h0:{len(made)}")
    rate: Any = sum(
        w * sum(sympy.diff(h, x) * f for x, f in zip(symbols, right, strict=True))
        for w, h in zip(weights, made, strict=True)
    )
    # Over one denominator, functions as symbols of their own: zero everywhere means that every coefficient is.
    top, _ = sympy.fraction(sympy.together(sympy.expand(rate)))
    top = sympy.expand(top)
    kinds = sorted(top.atoms(sympy.Function), key=str)
    stand = {kind: sympy.Symbol(f"g{at}_") for at, kind in enumerate(kinds)}
    top = top.xreplace(stand)
    roots = sorted((p for p in top.atoms(sympy.Pow) if not p.exp.is_Integer), key=str)
    if any(not p.exp.is_Rational or p.exp.q != 2 for p in roots):
        return None
    # A square root is no quotient of polynomials: what stands with it and what stands without vanish apart.
    surds = {base: sympy.Symbol(f"r{at}_") for at, base in enumerate(dict.fromkeys(p.base for p in roots))}
    if len(surds) > 1:
        return None
    top = sympy.expand(
        top.xreplace({p: surds[p.base] * p.base ** (p.exp - sympy.Rational(1, 2)) for p in roots})
    )
    generators = [g for g in [*symbols, *stand.values(), *surds.values()] if top.has(g)]
    rows = sympy.Poly(top, *generators).coeffs() if generators else [top]
    matrix = sympy.Matrix([[sympy.diff(row, w) for w in weights] for row in rows])
    null = matrix.nullspace()
    if not null:
        return None
    vector = null[0]
    size = next(v for v in vector if v != 0)
    scaled = [v / size for v in vector]
    return sum(
        (sympy.Float(float(v), 15) if v.q > 1000 else v) * h for v, h in zip(scaled, made, strict=True)
    )


def _independent(found: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Without those that are functions of the others, as far as gradients at a place show."""
    import sympy

    symbols = [sympy.Symbol(name) for name in names]
    place: Any = {x: 0.6180339887 + 0.7320508 * k for k, x in enumerate(symbols)}
    kept: list[Any] = []
    rows: list[list[float]] = []
    for item in sorted(found, key=lambda e: len(str(e))):
        gradient = [float(sympy.diff(item, x).evalf(subs=place)) for x in symbols]
        if np.linalg.matrix_rank(np.array([*rows, gradient]), tol=1e-9) > len(rows):
            kept.append(item)
            rows.append(gradient)
    return kept
