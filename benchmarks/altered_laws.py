"""Laws of nature with other exponents and signs, so that none is in any book: as tables, or found by asking.

    python benchmarks/altered_laws.py [--ask] [--count 40] [--seed 0] [--from K] [--most 60] [--work normal]

Of a law drawn from `textbook_laws.py` one to three places are changed: the power of a column or of a bracket, or the sign
of a term of a sum. As a table it gives 2,000 rows; by asking, at most 60 measurements where `symbolic.ask` wants them. A law
counts as found where the answer has its values to 1e-6 on fresh rows, in the box and a tenth of its width beyond. Rows are
kept in out/altered_laws.json.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sympy
from _common import Clock, Report, Run, common_options, machine
from _same_law import Law, is_the_law
from random_laws import is_fair
from textbook_laws import handbook, textbook

import edgewise as ew
from edgewise.symbolic import ask

Rng = np.random.Generator
POWERS = [sympy.Rational(n, 2) for n in (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)]
CHANGES, ROWS = 3, 2000


def places(expression: Any) -> Iterator[tuple[Any, list[Any]]]:
    """What of an expression may change, and into what."""
    for part in sympy.preorder_traversal(expression):
        if isinstance(part, sympy.Add):
            for term in part.args:
                yield part, [part - 2 * term]
        elif isinstance(part, sympy.Pow) and part.exp.is_number and part.exp.is_rational:
            yield part, [part.base**power for power in POWERS if power != part.exp]
        elif isinstance(part, sympy.Mul):
            for factor in part.args:
                if isinstance(factor, sympy.Symbol):
                    yield part, [part / factor * factor**power for power in POWERS if power != 1]


def altered(rng: Rng, row: dict[str, Any]) -> Law | None:
    """The law of a row with some places changed; None where what comes out is no law of the box any more."""
    # Columns are positive, so that powers of products come apart.
    symbols = {name: sympy.Symbol(name, positive=True) for name in row["vars"]}
    first = expression = sympy.sympify(row["formula"], locals=symbols)
    for _ in range(rng.integers(1, CHANGES + 1)):
        found = list(places(expression))
        if not found:
            return None
        old, options = found[rng.integers(len(found))]
        expression = expression.xreplace({old: options[rng.integers(len(options))]})
    plain = expression.xreplace({value: sympy.Symbol(name) for name, value in symbols.items()})
    names, low, high = row["vars"], row["low"], row["high"]
    if plain.free_symbols != set(map(sympy.Symbol, names)) or expression.equals(first):
        return None
    try:
        fair = is_fair(plain, names, low, high)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return Law(row["id"], plain, tuple(names), tuple(low), tuple(high)) if fair else None


def laws(seed: int, count: int) -> list[Law]:
    """So many changed laws; more begin with the fewer."""
    known, made = [*textbook(), *handbook()], list[Law]()
    for attempt in itertools.count():
        rng = np.random.default_rng([seed, attempt])
        law = altered(rng, known[rng.integers(len(known))])
        if law is not None and all(formula.expression != law.expression for formula in made):
            made.append(law)
        if len(made) == count:
            return made
    raise AssertionError


def found_by(law: Law, options: argparse.Namespace) -> tuple[Any, int, bool]:
    """The formula that is answered, from how many rows, and whether it is called certain."""
    if options.ask:
        answer = ask(
            lambda at: float(law.values(np.array([[at[name] for name in law.columns]]))[0]),
            {name: (a, b) for name, a, b in zip(law.columns, law.low, law.high, strict=True)},
            most=options.most,
            work=options.work,
        )
        return answer.result.recommended, len(answer.y), answer.confirmed
    X = law.draw(np.random.default_rng(0), ROWS)
    result = ew.find_formula(X, law.values(X), names=law.columns, work=options.work)
    return result.recommended, ROWS, result.exact


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/altered_laws.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--ask", action="store_true", help="by asking rather than from tables")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", dest="first", type=int, default=0, help="leave out the laws before")
    parser.add_argument("--most", type=int, default=60, help="measurements at most")
    parser.add_argument("--work", default="normal")
    common_options(parser, "four laws with work quick")
    options = parser.parse_args()
    if options.quick:
        options.count, options.work = 4, "quick"
    run = Run("altered_laws", options.quick, None)
    print(f"# Laws with other exponents and signs\n{machine()}\n")
    part = f"{'asked' if options.ask else 'tables'}, seed {options.seed}"
    report = Report(
        run, part, ["law", "found", "sure", "rows", "CPU s", "answer", "truth"], [24, 5, 5, 5, 6, 60, 60]
    )
    for law in laws(options.seed, options.count)[options.first :]:
        clock = Clock()
        formula, rows, sure = found_by(law, options)
        report.add(
            law.name,
            is_the_law(law, formula),
            sure,
            rows,
            clock.seconds,
            formula.text[:200],
            str(law.expression),
        )
    found, sure = report.column("found"), report.column("sure")
    wrong = sum(a and not b for a, b in zip(sure, found, strict=True))
    seconds = np.array(report.column("CPU s"), dtype=float)
    report.note(
        f"{sum(found)} of {len(found)} laws are found; {sum(sure)} answers are called certain, of which {wrong} are wrong. "
        f"CPU seconds: median {np.median(seconds):.1f}, 95 % {np.percentile(seconds, 95):.1f}, longest {seconds.max():.1f}; "
        f"rows: median {np.median(report.column('rows')):.0f}."
    )
    report.save()


if __name__ == "__main__":
    main()
