"""Random formulas of one variable, and how many of them `one_variable` finds.

`python benchmarks/single_laws.py --noise 0.01` runs a hundred with one per cent of noise and prints what was missed.
A formula
is kept only where it is a fair question: finite on its box, curved, no faster than the points can follow, and no polynomial
of low degree in disguise. What is found is right if it agrees with the truth inside the box and beyond it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _common import common_options

from edgewise.forms import parse
from edgewise.forms.tree import render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.univariate.search import FittedForm, one_variable

Generator = np.random.Generator
BOXES = ((-1.0, 1.0), (-2.0, 2.0), (0.5, 3.0), (1.0, 5.0), (0.1, 4.0), (0.0, 2.0), (1.0, 10.0), (-3.0, 3.0))
POINTS = 1000
SPEED = 0.35


@dataclass(frozen=True)
class Law:
    """A formula in x, its family and its box."""

    text: str
    family: str
    low: float
    high: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        tape = Tape(parse(self.text, ["x"]).tree, ["x"])
        with np.errstate(all="ignore"):
            return np.array(tape.value(tape.start, x[:, None]), dtype=np.float64)


def number(rng: Generator, low: float = 0.3, high: float = 3.0) -> str:
    """A small whole number or half, or a decimal."""
    if rng.random() < 0.5:
        return str(rng.choice(["1", "2", "3", "0.5", "1.5", "2.5"]))
    return f"{rng.uniform(low, high):.2f}"


def signed(rng: Generator) -> str:
    """A number of either sign, in brackets."""
    return f"({rng.choice(['', '-'])}{number(rng)})"


def function(rng: Generator, inner: str) -> str:
    """A library function of something."""
    name = str(rng.choice(["sin", "cos", "exp", "log", "sqrt", "tanh", "exp-", "square", "inverse", "atan"]))
    table = {"exp-": f"exp(-({inner}))", "square": f"({inner})^2", "inverse": f"1/({inner})"}
    return table.get(name, f"{name}({inner})")


def inside(rng: Generator) -> str:
    """What stands inside a function."""
    kind = rng.integers(5)
    if kind <= 1:
        return f"{number(rng)}*x"
    if kind == 2:
        return f"{number(rng)}*x + {signed(rng)}"
    if kind == 3:
        return f"{number(rng)}*x^2"
    return "x"


def monomial(rng: Generator) -> str:
    return str(
        rng.choice(
            ["x", "x^2", "x^3", "1/x", "sqrt(x)", "x^4", "1/x^2"], p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05]
        )
    )


def polynomial(rng: Generator) -> str:
    powers = sorted(rng.choice(np.arange(0, 8), rng.integers(2, 5), replace=False))
    return " + ".join(f"{signed(rng)}*x^{p}" if p else signed(rng) for p in powers)


def rational(rng: Generator) -> str:
    below = rng.choice(
        [f"x^2 + {number(rng)}", f"x + {number(rng)}", f"x^2 + {number(rng)}*x + 2", f"1 + {number(rng)}*x^2"]
    )
    powers = sorted(rng.choice(np.arange(0, 5), rng.integers(1, 4), replace=False))
    return f"({' + '.join(f'{signed(rng)}*x^{p}' for p in powers)})/({below})"


def tree(rng: Generator, depth: int) -> str:
    """A random expression."""
    kind = rng.random()
    if depth == 0 or kind < 0.1:
        return "x" if rng.random() < 0.6 else f"{number(rng)}*x"
    if kind < 0.45:
        return function(rng, tree(rng, depth - 1))
    left, right = tree(rng, depth - 1), tree(rng, depth - 1)
    operator = rng.choice(["+", "-", "*", "/"], p=[0.35, 0.15, 0.35, 0.15])
    if kind < 0.55:
        right = number(rng)
    return f"({left} {operator} ({right}))"


FAMILIES: dict[str, Callable[[Generator], str]] = {
    "polynomial": polynomial,
    "rational": rational,
    "power": lambda rng: f"{signed(rng)}*(x + {number(rng)})^{rng.uniform(-2.5, 3):.1f} + {signed(rng)}",
    "one": lambda rng: f"{signed(rng)}*{function(rng, inside(rng))} + {signed(rng)}",
    "sum": lambda rng: (
        f"{signed(rng)}*{function(rng, inside(rng))} + {signed(rng)}*{function(rng, inside(rng))}"
    ),
    "with monomial": lambda rng: (
        f"{signed(rng)}*{function(rng, inside(rng))} + {signed(rng)}*{monomial(rng)}"
    ),
    "product": lambda rng: f"{signed(rng)}*{monomial(rng)}*{function(rng, inside(rng))}",
    "two functions": lambda rng: f"{signed(rng)}*{function(rng, inside(rng))}*{function(rng, inside(rng))}",
    "nested": lambda rng: (
        f"{signed(rng)}*{function(rng, f'{number(rng)}*' + function(rng, inside(rng)) + ' + ' + number(rng))}"
    ),
    "tree": lambda rng: tree(rng, 3),
}


def draw(rng: Generator, family: str) -> Law:
    """A fair formula of a family."""
    while True:
        text = FAMILIES[family](rng)
        low, high = BOXES[rng.integers(len(BOXES))]
        if fair(law := Law(text, family, low, high)):
            return law


def fair(law: Law) -> bool:
    x = np.linspace(law.low, law.high, 1001)
    try:
        y = law(x)
    except Exception:
        return False
    if not np.isfinite(y).all() or float(np.abs(y).max()) > 1e5:
        return False
    spread = float(y.std())
    if spread < 1e-3 * float(np.abs(y).max()) or float(np.abs(y - y.mean()).max()) > 15 * spread:
        return False
    if float(np.abs(np.diff(y)).max()) > SPEED * 0.4 * spread:
        return False
    t = np.linspace(-1, 1, len(x))
    left = y - np.polynomial.chebyshev.chebval(t, np.polynomial.chebyshev.chebfit(t, y, 3))
    return law.family == "polynomial" or float(left.std()) > 1e-4 * spread


def right(found: FittedForm, law: Law, noise: float) -> bool:
    """Does it agree with the truth, in the box and a third of it beyond?"""
    width = law.high - law.low
    x = np.linspace(law.low - 0.3 * width, law.high + 0.3 * width, 801)
    truth = law(x)
    tape = Tape(found.tree, ["x"])
    with np.errstate(all="ignore"):
        error = np.abs(tape.value(tape.start, x[:, None]) - truth)
    inside = (x >= law.low) & (x <= law.high)
    spread = float(truth[inside].std())
    good = np.isfinite(truth)
    near, far = (1e-6, 1e-4) if noise == 0 else (0.3 * noise, 0.2)
    with np.errstate(all="ignore"):
        beyond = error[good] / (np.abs(truth[good]) + spread)
    # Next to a pole nothing is asked.
    fine = np.mean(beyond <= far) >= 0.97
    return bool(np.sqrt(np.mean(error[inside] ** 2)) <= near * spread and fine)


def main(seed: int, count: int, noise: float, only: str = "") -> None:
    rng = np.random.default_rng(seed)
    names = [only] if only else list(FAMILIES)
    score: dict[str, list[bool]] = {name: [] for name in names}
    times: list[float] = []
    last = 0
    for at in range(count):
        law = draw(rng, names[at % len(names)])
        x = rng.uniform(law.low, law.high, POINTS)
        y = law(x)
        y = y + noise * y.std() * rng.standard_normal(POINTS)
        start = time.process_time()
        front = one_variable(x, y)
        times.append(time.process_time() - start)
        hits = [formula for formula in front if right(formula, law, noise)]
        score[law.family].append(bool(hits))
        last += bool(hits) and hits[-1] is front[-1]
        if not hits:
            print(f"-- {law.family}: {law.text} on [{law.low}, {law.high}] {times[-1]:.2f} s")
            for formula in front[-3:]:
                print(f"     {formula.complexity} {formula.residual:.1e} {render(formula.tree)[:130]}")
    for name, results in score.items():
        print(f"{name:15s} {sum(results)}/{len(results)}")
    total = sum(map(sum, score.values()))
    print(
        f"noise {noise}: {total}/{count}, last on the front {last}, median {np.median(times):.2f} s, most {max(times):.2f} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--family", default="", choices=["", *FAMILIES])
    common_options(parser, "ten laws")
    asked = parser.parse_args()
    main(asked.seed, 10 if asked.quick else asked.count, asked.noise, asked.family)
