"""Claims about 100 random laws, half of them true: how often check_structure is right, without noise and with 1 %."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _common import Clock, Report, Run, begin

from edgewise.symbolic.hypotheses.check import check_structure
from edgewise.symbolic.hypotheses.nearest import DataRegion, nearest
from edgewise.symbolic.hypotheses.text import read_hypothesis

Law = Callable[[np.ndarray], np.ndarray]

ROWS = 2000
# What makes a claim false: without it the law would differ by at least this share of its size.
LEAST_VIOLATION = 0.05
_CURVES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    np.sin,
    np.cos,
    np.exp,
    np.tanh,
    np.square,
    lambda z: z**3,
    lambda z: 1 / (z + 3),
    lambda z: np.log(z + 3),
    lambda z: np.sqrt(z + 3),
    lambda z: np.exp(-z * z),
    lambda z: z,
)


def curve(rng: np.random.Generator) -> Law:
    """A random function of one number from about -1 to 1."""
    shape, rate, shift = _CURVES[rng.integers(len(_CURVES))], rng.uniform(0.7, 2.0), rng.uniform(-0.5, 0.5)
    sign = rng.choice([-1.0, 1.0])
    return lambda z: shape(np.clip(sign * rate * z + shift, -2.6, None))


def block(rng: np.random.Generator, width: int) -> Law:
    """A random function of several columns from about -1 to 1 that couples them all."""
    outer, inner = curve(rng), [curve(rng) for _ in range(width)]
    weight = rng.uniform(0.5, 1.0, width) * rng.choice([-1.0, 1.0], width)
    kind = rng.integers(4)

    def law(U: np.ndarray) -> np.ndarray:
        parts = [f(U[:, at]) for at, f in enumerate(inner)]
        if width == 1:
            return parts[0]
        if kind == 0:
            return np.prod(parts, axis=0)
        if kind == 1:
            return outer(U @ weight / np.sqrt(width))
        if kind == 2:
            return parts[0] * parts[-1] + outer(U @ weight / np.sqrt(width))
        return outer(sum(w * np.tanh(part) for w, part in zip(weight, parts, strict=True)) / np.sqrt(width))

    return law


@dataclass(frozen=True)
class Planted:
    """A law on a box and a claim about it."""

    kind: str
    claim: str
    true: bool
    low: np.ndarray
    high: np.ndarray
    law: Law

    def rows(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return rng.uniform(self.low, self.high, (count, len(self.low)))


def planted(kind: str, true: bool, rng: np.random.Generator) -> Planted:
    """Draw laws until one holds, or breaks the claim by enough to matter."""
    while True:
        case = _drawn(kind, true, rng)
        X = case.rows(rng, ROWS)
        y = case.law(X)
        if (
            not np.isfinite(y).all()
            or y.std() < 0.1 * np.sqrt(np.mean(y**2))
            or np.abs(y).max() > 30 * y.std()
        ):
            continue
        names = [f"x{at + 1}" for at in range(X.shape[1])]
        exact = nearest(
            read_hypothesis(case.claim, names), case.law, DataRegion(tuple(names), X), X[:400], rng
        )
        gap = max(np.sqrt(np.nanmean(np.square(value - y[:400]))) for value in exact) / np.sqrt(np.mean(y**2))
        if (gap < 1e-6) if true else (gap > LEAST_VIOLATION):
            return case


def _drawn(kind: str, true: bool, rng: np.random.Generator) -> Planted:
    d = int(rng.integers(2, 6))
    positive = kind == "scale" or (kind not in ("even", "odd") and rng.random() < 0.5)
    low = rng.uniform(0.5, 1.0, d) if positive else -rng.uniform(1.0, 2.0, d)
    high = low + rng.uniform(1.5, 3.0, d) if positive else -low
    names = [f"x{at + 1}" for at in range(d)]
    order = rng.permutation(d)
    cut = int(rng.integers(1, d))
    left, right = np.sort(order[:cut]), np.sort(order[cut:])

    def unit(X: np.ndarray) -> np.ndarray:
        return 2 * (X - low) / (high - low) - 1

    whole, a, b = block(rng, d), block(rng, len(left)), block(rng, len(right))
    i, j = int(order[0]), int(order[1])
    others = [at for at in range(d) if at not in (i, j)]
    size = rng.uniform(0.2, 1.0)
    listed = [", ".join(names[at] for at in part) for part in (left, right)]

    def through(form: Callable[[np.ndarray, np.ndarray], np.ndarray], claim: str) -> Planted:
        inner = block(rng, 1 + len(others))
        ends = form(*np.meshgrid(*(np.linspace(low[k], high[k], 60) for k in (i, j))))
        base, span = ends.min(), np.ptp(ends)

        def law(X: np.ndarray) -> np.ndarray:
            level = 2 * (form(X[:, i], X[:, j]) - base) / span - 1
            value = inner(np.column_stack([level, unit(X)[:, others]]))
            return value if true else value + size * whole(unit(X))

        return Planted(kind, claim, true, low, high, law)

    if kind == "sum":
        return Planted(
            kind, f"sum({listed[0]} | {listed[1]})", true, low, high,
            lambda X: a(unit(X)[:, left]) + b(unit(X)[:, right]) + (0 if true else size * whole(unit(X))),
        )  # fmt: skip
    if kind == "product":
        return Planted(
            kind, f"product({listed[0]} | {listed[1]})", true, low, high,
            lambda X: a(unit(X)[:, left]) * b(unit(X)[:, right]) + (0 if true else size * whole(unit(X))),
        )  # fmt: skip
    if kind == "translation":
        return through(lambda p, q: p - q, f"translation({names[i]}, {names[j]})")
    if kind == "scale":
        return through(lambda p, q: p / q, f"scale({names[i]}, {names[j]})")
    if kind == "through":
        rate = float(rng.integers(1, 4))
        forms = [
            (lambda p, q: p * q, f"{names[i]}*{names[j]}"),
            (lambda p, q: p + rate * q, f"{names[i]} + {rate:g}*{names[j]}"),
            (lambda p, q: p**2 + q**2, f"{names[i]}^2 + {names[j]}^2"),
        ]
        form, text = forms[rng.integers(len(forms))]
        return through(form, f"through({text})")
    column, rest = names[i], [at for at in range(d) if at != i]
    if kind == "independent":
        inner = block(rng, d - 1)
        return Planted(
            kind, f"independent({column})", true, low, high,
            lambda X: inner(unit(X)[:, rest]) + (0 if true else size * whole(unit(X))),
        )  # fmt: skip
    if kind in ("even", "odd"):
        inner = block(rng, d)

        def mirrored(X: np.ndarray) -> np.ndarray:
            flipped = X.copy()
            flipped[:, i] *= -1
            sign = 1 if kind == "even" else -1
            value = inner(unit(X)) + sign * inner(unit(flipped))
            return value if true else value + size * whole(unit(X))

        return Planted(kind, f"{kind}({column})", true, low, high, mirrored)
    up, other = rng.choice([-1.0, 1.0]), block(rng, d - 1)
    rate = rng.uniform(0.5, 1.5)

    def directed(X: np.ndarray) -> np.ndarray:
        U = unit(X)
        lift = np.exp(other(U[:, rest]) / 2) * (U[:, i] + rate * np.tanh(2 * U[:, i]))
        return up * lift + (0 if true else 3 * size * whole(U))

    return Planted(kind, f"{'increasing' if up > 0 else 'decreasing'}({column})", true, low, high, directed)


KINDS = ("sum", "product", "translation", "scale", "through", "independent", "even", "odd", "direction")


def judged(run: Run, noise: float, count: int) -> None:
    """One table: every claim, the verdict, the evidence."""
    print(f"## Noise {noise:g} of the RMS of y\n")
    columns = ["law", "columns", "claim", "true", "verdict", "p", "free", "claimed", "CPU s"]
    report = Report(run, f"noise {noise:g}", columns, [4, 7, 32, 5, 7, 9, 9, 9, 6])
    for seed in range(count):
        rng = np.random.default_rng([seed, 7])
        case = planted(KINDS[seed // 2 % len(KINDS)], seed % 2 == 0, rng)
        X = case.rows(rng, ROWS)
        y = case.law(X)
        y = y + noise * np.sqrt(np.mean(y**2)) * rng.normal(size=ROWS)
        clock = Clock()
        verdict = check_structure(X, y, case.claim, seed=seed)
        report.add(
            seed, X.shape[1], case.claim, case.true, verdict.holds, verdict.p_value,
            verdict.free_error, verdict.constrained_error, clock.seconds,
        )  # fmt: skip
    true, said = np.array(report.column("true")), np.array(report.column("verdict"))
    report.note(
        f"Noise {noise:g}: right on {(true == said).sum()} of {count}; true claims rejected {(true & ~said).sum()} of "
        f"{true.sum()}, false claims accepted {(~true & said).sum()} of {(~true).sum()}. CPU seconds median "
        f"{np.median(report.column('CPU s')):.1f}."
    )
    report.save()


def main() -> None:
    run = begin("hypotheses", "True and false claims about random laws of two to five columns, 2,000 rows")
    for noise in (0.0, 0.01):
        judged(run, noise, 4 if run.quick else 100)


if __name__ == "__main__":
    main()
