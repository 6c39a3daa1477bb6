"""Sums of three or four terms with six or seven odd constants in two or three columns, as models of rates are made up.

Of four kinds: growth of a population, reactions, driven oscillators, and stress over strain and temperature. Terms are
drawn without repetition, constants to three digits; each term must carry a twentieth of the spread of y. Tables have 2,000
rows. An answer is right where it has the law's values to 1e-6 in the box and a tenth of its width beyond; in noise its
measured constants are first fitted to the law, and none may be off by more than four of its standard errors.

With --composed the terms come from a language instead: products of powers, before a function of a column, of a function
of a column, or of a product, sum or difference of two columns; a third of the functions hold a constant inside.

    python benchmarks/sums_of_terms.py [--composed] [--noise 0.01] [--count 20] [--seed 1] [--work normal]
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sympy
from _common import Clock, Report, Run, common_options, machine
from _same_law import Law, is_the_law, noisy

import edgewise as ew

ROWS, MATTERS = 2000, 0.05
# `c` is a factor of either sign, `k` a positive number inside.
KINDS = {
    "growth": (
        {"P": (0.5, 5.0), "t": (0.0, 6.0)},
        (
            "c*P, c*P*(1 - P/k), c*P**2, c*P**k, c*P*exp(-k*t), c*sin(k*t), c*P*sin(k*t), c*P/(k + P), c*exp(-k*P), c*t*P, "
            "c*P**2/(k + P**2), c*log(1 + k*P)"
        ),
    ),
    "reaction": (
        {"A": (0.1, 3.0), "t": (0.0, 5.0), "T": (1.0, 2.0)},
        (
            "c*A, c*A**2, c*A*exp(-k*t), c*sqrt(A), c*A*log(1 + k*t), c*A*exp(-k/T), c*A**2*exp(-k/T), c*A/(k + A), "
            "c*sin(k*t), c*exp(-k*t), c*A**k, c*A*T"
        ),
    ),
    "oscillator": (
        {"x": (-2.0, 2.0), "v": (-2.0, 2.0), "t": (0.0, 8.0)},
        (
            "c*x, c*v, c*x**3, c*v**3, c*x*v, c*sin(k*t), c*cos(k*t), c*sin(k*x), c*x**2*v, c*v*exp(-k*x**2), "
            "c*x*exp(-k*t), c*v*cos(k*x), c*tanh(k*v)"
        ),
    ),
    "stress": (
        {"e": (0.01, 0.8), "T": (1.0, 3.0)},
        (
            "c*e, c*e**2, c*e**k, c*e*T, c*e*exp(-k*T), c*(1 - exp(-k*e)), c*log(1 + k*e), c*T, c*exp(-k*T), c*e**k*T, "
            "c*sqrt(e), c*e/(k + e)"
        ),
    ),
}


# The language of composed terms: columns of either sign or positive, functions of a column, around another one, and with a
# constant inside. `u` is what a function is of.
COMPOSED = (
    {"a": (0.3, 4.0), "b": (0.3, 4.0), "c": (0.3, 4.0)},
    {"x": (-2.5, 2.5), "y": (-2.5, 2.5), "z": (0.2, 3.0)},
)
PLAIN = (
    "exp(-u)",
    "sin(u)",
    "cos(u)",
    "tanh(u)",
    "log(1 + u)",
    "sqrt(u)",
    "abs(u)",
    "1/(1 + u)",
    "exp(-u**2)",
    "u**2",
    "u**3",
    "log(u)",
)
POSITIVE = frozenset(("log(1 + u)", "sqrt(u)", "1/(1 + u)", "log(u)"))
WITH_CONSTANT = ("exp(-k*u)", "sin(k*u)", "cos(k*u)", "u**k", "1/(k + u)", "log(1 + k*u)")
POSITIVE_WITH_CONSTANT = frozenset(("u**k", "1/(k + u)", "log(1 + k*u)"))


@dataclass(frozen=True)
class _Term:
    text: str

    @property
    def numbers(self) -> int:
        return len(re.findall(r"\b[ck]\b", self.text))

    def drawn(self, rng: np.random.Generator) -> str:
        def number(match: re.Match[str]) -> str:
            size = np.exp(rng.uniform(*np.log((0.3, 5.0) if match[0] == "c" else (0.35, 2.8))))
            sign = rng.choice([-1, 1]) if match[0] == "c" else 1
            return f"({sign * size:.3g})"

        return re.sub(r"\b[ck]\b", number, self.text)


def laws(seed: int, count: int) -> list[Law]:
    """So many laws, the kinds in turn; more begin with the fewer."""
    made = list[Law]()
    for attempt in itertools.count():
        kind = list(KINDS)[len(made) % len(KINDS)]
        law = _law(np.random.default_rng([seed, attempt]), kind, f"{kind}-{seed}-{len(made) + 1}")
        if law is not None:
            made.append(law)
        if len(made) == count:
            return made
    raise AssertionError


def _law(rng: np.random.Generator, kind: str, name: str) -> Law | None:
    box, pool = KINDS[kind]
    terms = [_Term(part.strip()) for part in re.split(r",(?![^(]*\))", pool)]
    picked = [terms[at] for at in rng.choice(len(terms), rng.integers(3, 5), replace=False)]
    if sum(item.numbers for item in picked) not in (6, 7):
        return None
    symbols = {item: sympy.Symbol(item) for item in box}
    parts = [sympy.sympify(item.drawn(rng), locals=symbols) for item in picked]
    total = sympy.Add(*parts)
    columns = tuple(item for item in box if symbols[item] in total.free_symbols)
    if len(columns) < 2:
        return None
    low, high = zip(*(box[column] for column in columns), strict=True)
    law = Law(name, total, columns, low, high)
    X = law.draw(np.random.default_rng(0), ROWS)
    spread = float(law.values(X).std())
    each = [float(Law("", part, columns, low, high).values(X).std()) for part in parts]
    return law if min(each) >= MATTERS * spread and max(each) <= 20 * spread else None


def composed_laws(seed: int, count: int) -> list[Law]:
    """So many laws of two to four terms of the language, in three columns; more begin with the fewer."""
    made = list[Law]()
    for attempt in itertools.count():
        rng = np.random.default_rng([seed, attempt, 7])
        box = COMPOSED[len(made) % 2]
        law = _summed(
            box, [_composed(rng, box) for _ in range(rng.integers(2, 5))], f"composed-{seed}-{len(made) + 1}"
        )
        if law is not None:
            made.append(law)
        if len(made) == count:
            return made
    raise AssertionError


def _composed(rng: np.random.Generator, box: dict[str, tuple[float, float]]) -> str:
    """A term of the language: a factor of either sign, at most a power or product, and at most a function."""
    columns = list(box)
    sign, size = rng.choice([-1, 1]), np.exp(rng.uniform(*np.log((0.3, 4.0))))
    kind = rng.choice(("power", "function", "constant", "composed", "pair"), p=(0.25, 0.25, 0.2, 0.15, 0.15))
    first, second = rng.choice(columns, 2, replace=False)
    before = rng.choice(("", "", f"*{second}", f"*{first}"))
    positive = box[first][0] > 0
    if kind == "power":
        before = rng.choice(
            (f"*{first}", f"*{first}**2", f"*{first}**3", f"*{first}*{second}", f"*{first}**2*{second}")
        )
        return f"({sign * size:.3g}){before}"
    if kind == "pair":
        plain = [item for item in PLAIN if item not in POSITIVE]
        inner = rng.choice((f"{first}*{second}", f"({first} - {second})", f"({first} + {second})"))
        return f"({sign * size:.3g})*{_of(rng.choice([*plain[:5], 'exp(-u**2)']), inner)}"
    if kind == "constant":
        pool = [item for item in WITH_CONSTANT if positive or item not in POSITIVE_WITH_CONSTANT]
        inner = np.exp(rng.uniform(*np.log((0.35, 2.8))))
        return f"({sign * size:.3g}){before}*{_of(rng.choice(pool), first).replace('k', f'({inner:.3g})')}"
    inner = first
    if kind == "composed":
        known = [item for item in PLAIN[:9] if positive or item not in POSITIVE]
        inner = _of(rng.choice(known), first)
        positive = False
    pool = [item for item in PLAIN if positive or item not in POSITIVE]
    return f"({sign * size:.3g}){before}*{_of(rng.choice(pool), inner)}"


def _of(function: str, inner: str) -> str:
    return re.sub(r"\bu\b", f"({inner})", function)


def _summed(box: dict[str, tuple[float, float]], texts: list[str], name: str) -> Law | None:
    """The sum as a law, if each term carries its share and no two become one."""
    symbols = {
        item: sympy.Symbol(item, real=True, positive=low > 0 or None) for item, (low, _) in box.items()
    }
    parts = [sympy.sympify(text, locals=symbols) for text in texts]
    total = sympy.Add(*parts)
    columns = tuple(item for item in box if symbols[item] in total.free_symbols)
    if len(columns) < 2 or len(sympy.Add.make_args(total)) != len(parts):
        return None
    plain = {symbols[item]: sympy.Symbol(item) for item in box}
    low, high = zip(*(box[column] for column in columns), strict=True)
    laws = [Law(name, part.subs(plain), columns, low, high) for part in (total, *parts)]
    X = laws[0].draw(np.random.default_rng(0), ROWS)
    spread, *shares = (float(law.values(X).std()) for law in laws)
    return laws[0] if min(shares) >= MATTERS * spread and max(shares) <= 20 * spread else None


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/sums_of_terms.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", default="normal")
    parser.add_argument(
        "--composed", action="store_true", help="terms of a language of functions of functions"
    )
    common_options(parser, "four laws with work quick")
    options = parser.parse_args()
    if options.quick:
        options.count, options.work = 4, "quick"
    run = Run("sums_of_terms", options.quick, None)
    print(f"# Sums of terms with odd constants\n{machine()}\n")
    kind = "composed, " if options.composed else ""
    part = f"{kind}noise {options.noise:g}, seed {options.seed}"
    report = Report(
        run,
        part,
        ["law", "found", "sure", "probability", "CPU s", "answer", "truth"],
        [16, 5, 5, 5, 6, 60, 60],
    )
    for row in report.earlier(1)[: options.count]:
        report.add(*row)
    drawn = (composed_laws if options.composed else laws)(options.seed, options.count)
    for law in drawn[len(report.rows) :]:
        X = law.draw(np.random.default_rng(0), ROWS)
        clock = Clock()
        result = ew.find_formula(
            X, noisy(law.values(X), options.noise, 0), names=law.columns, work=options.work
        )
        right = is_the_law(law, result.recommended, options.noise)
        report.add(
            law.name,
            right,
            result.exact,
            result.probability,
            clock.seconds,
            result.recommended.text[:200],
            str(law.expression),
        )
        report.save()
    found, sure = report.column("found"), report.column("sure")
    seconds = np.array(report.column("CPU s"), dtype=float)
    report.note(
        f"{sum(found)} of {len(found)} laws are found; {sum(sure)} answers are called exact, of which "
        f"{sum(a and not b for a, b in zip(sure, found, strict=True))} are wrong. CPU seconds: "
        f"median {np.median(seconds):.1f}, 95 % {np.percentile(seconds, 95):.1f}, longest {seconds.max():.1f}."
    )
    report.save()


if __name__ == "__main__":
    main()
