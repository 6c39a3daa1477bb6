"""When the search says "exact", is it? Three hundred laws, and a hundred that are nearly another law.

A near-law is a plain law and something small: a ripple of 1e-9, a slope that changes for a few rows at the end of the range,
an exponent of 2.0000001, a relativistic correction at low speed, a step that is a steep tanh, a polynomial that follows exp
to twelve digits. A claim is wrong where the answer misses the law on fresh rows by more than a hundredth of what was hidden
(for the plain laws: by more than 1e-9). Not to claim is never wrong.

    python benchmarks/exactness.py [--near | --plain] [--every 4] [--from 1] [--work normal] [--resume]
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from _common import Clock, Report, Run, common_options, machine
from decade_laws import Column, laws, same
from decade_laws import Law as Written
from random_laws import generate
from scipy import special
from textbook_laws import handbook, textbook

import edgewise as ew

Floats = np.ndarray
_ROWS, _FRESH = 1000, 4000
# A claim may miss what was hidden by so much of it, and a plain law by so much of itself.
_MISSED, _SAME = 0.01, 1e-9


@dataclass(frozen=True)
class Near:
    """A law and the plainer one that it nearly is, in columns between 0.5 and 3 (or as `low` and `high` say)."""

    name: str
    columns: int
    plain: Callable[[Floats], Floats]
    truth: Callable[[Floats], Floats]
    low: float = 0.5
    high: float = 3.0

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        return rng.uniform(self.low, self.high, (count, self.columns))


# Plain laws that something is hidden in.
_PLAIN: dict[str, tuple[int, Callable[[Floats], Floats]]] = {
    "x": (1, lambda X: X[:, 0]),
    "x^2": (1, lambda X: X[:, 0] ** 2),
    "exp(-x)": (1, lambda X: np.exp(-X[:, 0])),
    "a b": (2, lambda X: X[:, 0] * X[:, 1]),
    "a/b^2": (2, lambda X: X[:, 0] / X[:, 1] ** 2),
    "sqrt(a^2 + b^2)": (2, lambda X: np.hypot(X[:, 0], X[:, 1])),
    "a b/(a + b)": (2, lambda X: X[:, 0] * X[:, 1] / (X[:, 0] + X[:, 1])),
    "a sin(b) + c": (3, lambda X: X[:, 0] * np.sin(X[:, 1]) + X[:, 2]),
    "a b c": (3, lambda X: X[:, 0] * X[:, 1] * X[:, 2]),
}
_HIDDEN: dict[str, Callable[[Floats], Floats]] = {
    "1e-6 sin(50 x)": lambda x: 1e-6 * np.sin(50 * x),
    "1e-9 sin(50 x)": lambda x: 1e-9 * np.sin(50 * x),
    "1e-11 cos(20 x)": lambda x: 1e-11 * np.cos(20 * x),
    "1e-8 x^3": lambda x: 1e-8 * x**3,
    "1e-10 exp(x)": lambda x: 1e-10 * np.exp(x),
    "a bend at 2.99": lambda x: 0.1 * np.maximum(x - 2.99, 0),
    "a step of 1e-7 at 2.98": lambda x: 1e-7 * (x > 2.98),
    "a bump of 1e-5": lambda x: 1e-5 * np.exp(-((x - 1) ** 2) / 1e-3),
}


def _pade(x: Floats, order: int) -> Floats:
    """The Pade approximant of exp: a quotient of polynomials that follows it closely."""
    k = np.arange(order + 1)
    weights = special.comb(order, k) * special.factorial(2 * order - k)
    return np.polyval(weights[::-1], x) / np.polyval(weights[::-1], -x)


def _drag(v: Floats) -> Floats:
    """1/sqrt(1 - v^2) - 1 without cancellation."""
    root = np.sqrt(1 - v * v)
    return v * v / (root * (1 + root))


def near_laws() -> Iterator[Near]:
    """A hundred."""
    for (name, (count, plain)), (what, hidden) in itertools.product(_PLAIN.items(), _HIDDEN.items()):
        yield Near(
            f"{name} + {what}", count, plain, lambda X, plain=plain, hidden=hidden: plain(X) + hidden(X[:, 0])
        )
    first = lambda f: lambda X: f(X[:, 0])  # noqa: E731
    for power, simple in ((2.0000001, 2), (1.99999, 2), (0.5000001, 0.5), (3.00000001, 3)):
        yield Near(f"x^{power}", 1, first(lambda x, p=simple: x**p), first(lambda x, p=power: x**p))
    for number, simple in ((3.14159265, np.pi), (0.33333333, 1 / 3), (2.7182818, np.e), (1.00000001, 1.0)):
        yield Near(
            f"{number} a b",
            2,
            lambda X, c=simple: c * X[:, 0] * X[:, 1],
            lambda X, c=number: c * X[:, 0] * X[:, 1],
        )
    for top in (1e-4, 1e-3, 1e-2):
        yield Near(
            f"kinetic energy to {top:g} of light",
            1,
            first(lambda v: v * v / 2),
            first(_drag),
            low=top / 100,
            high=top,
        )
        yield Near(f"sin below {top:g}", 1, first(lambda x: x), first(np.sin), low=top / 100, high=top)
    for steep in (300, 1000, 5000):
        yield Near(
            f"tanh({steep} x)",
            1,
            first(np.sign),
            first(lambda x, k=steep: np.tanh(k * x)),
            low=-1.0,
            high=1.0,
        )
    for order in (4, 5, 6):
        yield Near(f"Pade {order} of exp", 1, first(np.exp), first(lambda x, n=order: _pade(x, n)))
    for tiny in (1e-6, 1e-8, 1e-10):
        yield Near(
            f"x/(1 + {tiny:g} x)", 1, first(lambda x: x), first(lambda x, t=tiny: x / (1 + t * x)), low=0.1
        )
    yield Near(
        "r (1 + |a - b|), b rarely larger",
        3,
        lambda X: X[:, 0] * (1 + X[:, 1] + 2.35 - X[:, 2]),
        lambda X: X[:, 0] * (1 + np.abs(X[:, 1] + 2.35 - X[:, 2])),
    )
    functions = {"erf": special.erf, "J0": special.j0, "gamma": special.gamma, "digamma": special.psi}
    for name, function in functions.items():
        yield Near(name, 1, lambda X: np.zeros(len(X)), first(function))


def plain_laws() -> list[Written]:
    """Three hundred: of textbooks, of handbooks, over decades, and random ones of the kinds physics has."""
    books = [(row, "of a handbook") for row in handbook()]
    rows = [*((row, "") for row in textbook()), *books, *((row, "") for row in generate(3, 44, "kinds"))]
    told = [
        Written(
            ", ".join(filter(None, (row["id"], source))),
            row["formula"],
            tuple(
                Column(name, ":", low, high)
                for name, low, high in zip(row["vars"], row["low"], row["high"], strict=True)
            ),
        )
        for row, source in rows
    ]
    return [*told, *(replace(law, name=f"{law.name}, over decades") for law in laws())]


def judged(law: Near | Written, work: str | float) -> tuple[bool, bool, float, str]:
    """Whether the search claims, whether the claim is right, CPU seconds, and the answer."""
    rng = np.random.default_rng(0)
    truth = law.truth if isinstance(law, Near) else law.values
    X, fresh = law.draw(rng, _ROWS), law.draw(rng, _FRESH)
    clock = Clock()
    found = ew.find_formula(X, truth(X), work=work, seed=0)
    spent = clock.seconds
    with np.errstate(all="ignore"):
        answer = found.best.predict(fresh)
    if isinstance(law, Near):
        hidden = float(np.abs(truth(fresh) - law.plain(fresh)).max())
        right = float(np.abs(answer - truth(fresh)).max()) <= _MISSED * hidden
    else:
        right = same(answer, truth(fresh), _SAME)
    return found.exact, right, spent, found.best.exact_text


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/exactness.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--near", action="store_true", help="the near-laws only")
    parser.add_argument("--plain", action="store_true", help="the plain laws only")
    parser.add_argument("--resume", action="store_true", help="keep the rows that the last run left")
    parser.add_argument("--every", type=int, default=1, help="every so many only")
    parser.add_argument("--from", type=int, default=0, dest="first", help="counted from this one")
    parser.add_argument("--work", default="quick")
    common_options(parser, "every 20th")
    options = parser.parse_args()
    every = 20 if options.quick else options.every
    near: list[Near | Written] = [] if options.plain else [*near_laws()]
    chosen = near if options.near else [*near, *plain_laws()]
    run = Run("exactness", options.quick, None)
    print(f"# Claims of exactness\n{machine()}\n")
    report = Report(
        run, "claims", ["law", "near", "claimed", "right", "CPU s", "answer"], [40, 5, 7, 5, 6, 60]
    )
    if options.resume:
        report.rows.extend(report.saved())
    known = set(report.column("law"))
    for law in chosen[options.first :: every]:
        if law.name not in known:
            claimed, right, spent, answer = judged(law, options.work)
            report.add(law.name, isinstance(law, Near), claimed, right, spent, answer[:160])
            report.save()
    rows = report.rows
    for kind, name in ((True, "near-laws"), (False, "laws")):
        own = [row for row in rows if row[1] is kind]
        claims = [row for row in own if row[2]]
        report.note(
            f"Of {len(own)} {name} {sum(row[3] for row in own)} are found; {len(claims)} answers are claimed to be exact, "
            f"{sum(not row[3] for row in claims)} of them wrongly."
        )
    report.save()


if __name__ == "__main__":
    main()
