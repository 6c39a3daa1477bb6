"""Whether a formula is the law behind a table: by its values without noise, in noise up to its measured constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from decade_laws import same

from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit

# Equal to this share; fresh rows; how far beyond the box, in widths of it; standard errors that a constant may be off.
EQUAL, FRESH, BEYOND, ERRORS = 1e-6, 1000, 0.1, 4.0
# A constant that the law lets vanish stands for a term that the law does not have.
GONE = 1e-6


@dataclass(frozen=True)
class Law:
    """A law on its box."""

    name: str
    expression: Any
    columns: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Law:
        """The law of a row in the judge's format."""
        names = {name: sympy.Symbol(name) for name in row["vars"]}
        expression = sympy.sympify(row["formula"], locals=names)
        return cls(row["id"], expression, tuple(row["vars"]), tuple(row["low"]), tuple(row["high"]))

    def row(self, group: str) -> dict[str, Any]:
        """The law in the judge's format, as one of a set."""
        return {
            "set": group, "id": self.name, "formula": str(self.expression), "output": "y", "vars": list(self.columns),
            "low": list(self.low), "high": list(self.high), "sampler": "uniform", "units": None, "out_units": None,
        }  # fmt: skip

    def values(self, X: Any) -> Any:
        value = sympy.lambdify([sympy.Symbol(name) for name in self.columns], self.expression, "numpy")
        with np.errstate(all="ignore"):
            y = np.asarray(value(*np.asarray(X, dtype=complex).T), dtype=complex)
        y = np.broadcast_to(y, (len(X),))
        return np.where(np.abs(y.imag) > 1e-9 * np.abs(y.real), np.nan, y.real)

    def draw(self, rng: np.random.Generator, count: int, beyond: float = 0.0) -> Any:
        low, high = np.array(self.low), np.array(self.high)
        room = beyond * (high - low)
        return rng.uniform(low - room, high + room, (count, len(low)))


def noisy(y: Any, share: float, seed: int) -> Any:
    """With normal noise, a share of the root mean square."""
    rng = np.random.default_rng([seed, 1])
    return y + share * float(np.sqrt(np.mean(np.square(y)))) * rng.standard_normal(len(y))


def is_the_law(law: Any, formula: Any, noise: float = 0.0) -> bool:
    """Whether a formula has the law's values on fresh rows, in its box and a tenth of its width beyond.

    In noise its measured constants are fitted to the law's own values first, and none may move by more than four of its
    standard errors, nor vanish; rounded ones stay as they are.
    """
    inside = law.draw(np.random.default_rng(1), FRESH)
    tree, names = formula.tree, formula.names
    if noise > 0 and formula.constants:
        truth = law.values(inside)
        known = np.isfinite(truth) & np.isfinite(formula.predict(inside))
        if known.mean() < 0.99:
            return False
        with np.errstate(all="ignore"):
            fitted = refit(tree, names, inside[known], truth[known], steps=200)
        before = np.array([constant.value for constant in formula.constants])
        errors = np.array([constant.standard_error for constant in formula.constants])
        if (np.abs(fitted.constants - before) > ERRORS * errors).any():
            return False
        if (np.abs(fitted.constants) <= GONE * np.abs(before)).any():
            return False
        tree = fitted.tree
    tape = Tape(tree, names)
    X = np.vstack(
        [law.draw(np.random.default_rng(k + 1), FRESH, beyond) for k, beyond in enumerate((0, BEYOND))]
    )
    truth = law.values(X)
    with np.errstate(all="ignore"):
        answer = tape.value(tape.start, X)
    known = np.isfinite(truth)
    return same(np.where(np.isfinite(answer), answer, np.inf)[known], truth[known], EQUAL)
