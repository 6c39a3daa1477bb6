"""Laws of handbooks in tables of ten to sixty noisy rows: does the law come first, and is it offered?

Each of 48 laws is drawn twice, with other constants, rows and noise (1 to 30 % of the standard deviation of y, values to 4
digits, as in a laboratory's table). Judged as the measured tables are: a formula has the form of the law where the law with
constants of its own equals it all over the box. A law that few rows do not tell from a shorter formula cannot come first.
The criterion by which formulas are recommended of few rows was chosen on the laws of even number; those of odd number were
looked at only afterwards.

    python benchmarks/few_rows.py [--part even|odd] [--draws 2] [--work normal]

Tables of 12 and 15 rows of noise alone, in one, two and three columns, hold no law; each is searched, and a formula that is
no constant is a false one:

    python benchmarks/few_rows.py --noise [--draws 100] [--work quick]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import sympy
from _common import Clock, Report, Run, common_options, machine
from real_laws import Law, Table, in_form

import edgewise as ew

# The name, the law, its constants c0, c1, ... each between two numbers, and its columns each between two numbers.
LAWS = """
proportional         | c0*x                          | 0.5 5                | x 1 10
line                 | c0 + c1*x                     | -9 9, 0.5 5          | x 1 10
with a square        | c0*x + c1*x**2                | 0.5 3, 0.05 0.5      | x 1 10
parabola             | c0 + c1*x + c2*x**2           | 1 9, -3 3, -1 1      | x -4 4
square               | c0*x**2                       | 0.5 5                | x 1 10
square and level     | c0 + c1*x**2                  | 1 9, 0.5 2           | x 0 4
inverse              | c0/x                          | 1 30                 | x 1 10
inverse square       | c0/x**2                       | 1 90                 | x 1 5
inverse and level    | c0 + c1/x                     | 1 9, 3 20            | x 1 10
measured power       | c0*x**c1                      | 0.5 5, 0.6 2.7       | x 1 10
three halves         | c0*x**1.5                     | 0.5 5                | x 0.3 10
root                 | c0*sqrt(x)                    | 0.5 5                | x 0.1 10
growth               | c0*exp(c1*x)                  | 0.5 5, 0.1 0.6       | x 0 6
decay to a level     | c0 + c1*exp(-c2*x)            | 1 5, 3 9, 0.4 1.2    | x 0 6
saturation           | c0*x/(c1 + x)                 | 5 90, 0.5 3          | x 0.2 9
approach             | c0*(1 - exp(-c1*x))           | 5 90, 0.3 1          | x 0.2 7
logarithm            | c0 + c1*log(x)                | 1 20, 1 9            | x 0.5 30
Arrhenius            | c0*exp(-c1/x)                 | 5 90, 2 6            | x 1 6
logistic             | c0/(1 + exp(-c1*(x - c2)))    | 5 90, 0.8 2, 4 6     | x 0 10
wave                 | c0 + c1*sin(c2*x + c3)        | 5 9, 1 5, 0.8 1.4, 0 3 | x 0 10
shifted square       | c0*(x - c1)**2                | 0.5 3, 1 3           | x 4 20
bell                 | c0*exp(-(x - c1)**2/c2)       | 5 50, 4 6, 2 9       | x 0 10
inverse of a line    | 1/(c0 + c1*x)                 | 0.5 3, 0.2 2         | x 0 9
Hill                 | c0*x**2/(c1 + x**2)           | 5 90, 1 9            | x 0.2 9
vapour pressure      | exp(c0 - c1/(c2 + x))         | 9 10, 30 40, 4 6     | x 1 9
series               | c0*(1/x**2 - 1/z**2)          | 10 90                | x 1 2, z 3 6
product              | c0*x*z                        | 0.5 5                | x 1 5, z 1 5
quotient             | c0*x/z                        | 0.5 5                | x 1 5, z 1 5
square and factor    | c0*x**2*z                     | 0.1 5                | x 1 5, z 1 5
square over          | c0*x**2/z                     | 0.1 5                | x 1 5, z 1 5
root of a quotient   | c0*sqrt(x/z)                  | 0.5 7                | x 1 5, z 1 5
plane through zero   | c0*x + c1*z                   | 0.5 5, -5 -0.5       | x 1 9, z 1 9
plane                | c0*x + c1*z + c2              | 0.5 5, 0.5 5, -9 9   | x 1 9, z 1 9
product and level    | c0*x*z + c1                   | 0.5 5, 3 20          | x 1 5, z 1 5
lens                 | c0*x*z/(x + z)                | 0.9 3                | x 1 9, z 1 9
factor and decay     | c0*x*exp(-c1*z)               | 1 9, 0.2 0.8         | x 1 5, z 0 4
factor and halving   | c0*x/(c1 + z)                 | 1 9, 0.5 2           | x 1 5, z 0.2 6
two powers           | c0*x**c1*z**c2                | 1 9, 0.2 0.8, 0.2 0.8 | x 1 20, z 1 20
line and square      | c0*x + c1*z**2                | 0.5 5, 0.2 2         | x 1 9, z 0 5
distance             | c0*sqrt(x**2 + z**2)          | 0.5 5                | x 0.2 5, z 0.2 5
two over one         | c0*x*w/z                      | 0.5 5                | x 1 5, w 1 5, z 1 5
three slopes         | c0*x + c1*w + c2*z            | 0.5 5, -5 -0.5, 0.5 5 | x 1 9, w 1 9, z 1 9
product of three     | c0*x*w*z                      | 0.1 5                | x 1 5, w 1 5, z 1 5
flow                 | c0*x*(w - z)                  | 0.5 5                | x 1 5, w 4 9, z 1 3
gravity              | c0*x*w/z**2                   | 0.5 9                | x 1 5, w 1 5, z 1 3
slope and product    | c0*x + c1*w*z                 | 0.5 5, 0.2 2         | x 1 9, w 1 5, z 1 5
dying wave           | c0*exp(-c1*x)*cos(c2*x)       | 5 20, 0.2 0.4, 1 2   | x 0 8
distance and decay   | c0*exp(-c1*x)/x               | 5 50, 0.2 0.8        | x 0.5 5
"""
DRAWS = 2


@dataclass(frozen=True)
class Drawn:
    """A law with its noisy table."""

    law: Law
    table: Table


def pairs(text: str) -> list[tuple[float, float]]:
    return [(float(low), float(high)) for low, high in (part.split()[-2:] for part in text.split(","))]


def drawn(part: str = "both", draws: int = DRAWS) -> Iterator[Drawn]:
    """The laws of even or of odd number, or of both kinds."""
    lines = [[cell.strip() for cell in line.split("|")] for line in LAWS.strip().splitlines()]
    for number, (name, law, constants, columns) in enumerate(lines):
        if part in ("both", ("even", "odd")[number % 2]):
            for draw in range(draws):
                yield one(f"{name}, {draw + 1}", law, pairs(constants), columns, [number, draw])


def one(name: str, text: str, constants: list[tuple[float, float]], columns: str, seed: list[int]) -> Drawn:
    rng = np.random.default_rng(seed)
    names = tuple(part.split()[0] for part in columns.split(","))
    symbols = sympy.symbols([f"c{at}" for at in range(len(constants))])
    function = sympy.lambdify((symbols, *sympy.symbols(names)), sympy.sympify(text), "numpy")

    def form(c: np.ndarray, t: Table) -> np.ndarray:
        return function(c, *(t[item] for item in names))

    truth = np.array([float(f"{rng.uniform(*constant):.3g}") for constant in constants])
    rows = int(np.exp(rng.uniform(np.log(10), np.log(60))))
    apart = len(names) == 1 and rng.random() < 0.5
    table = {
        item: four(np.linspace(low, high, rows) if apart else rng.uniform(low, high, rows))
        for item, (low, high) in zip(names, pairs(columns), strict=True)
    }
    y = form(truth, table)
    noise = float(np.exp(rng.uniform(np.log(0.01), np.log(0.3))))
    table["y"] = four(y + noise * y.std() * rng.standard_normal(rows))
    law = Law(name, "", "y", names, f"{text} (noise {noise:.2g})", (form,), tuple(truth), {})
    return Drawn(law, table)


def four(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.4g}") for value in values])


def has_form(item: Drawn) -> Callable[[object], bool]:
    """Whether a formula has the form of the law."""
    return lambda formula: in_form(item.law, formula, item.table, [np.array(item.law.start)]) is not None


def of_noise(draws: int, work: str) -> None:
    """How often a law is told of nothing but noise."""
    report = Report(
        Run("few_rows", False, None),
        "noise",
        ["rows", "columns", "table", "false", "CPU s", "best"],
        [4, 7, 5, 5, 6, 50],
    )
    for at in range(draws):
        for count in (12, 15):
            columns = 1 + at % 3
            rng = np.random.default_rng([at, count])
            X, y = rng.standard_normal((count, columns)), rng.standard_normal(count)
            clock = Clock()
            best = ew.find_formula(X, y, work=work, seed=0).best
            report.add(count, columns, at, not best.expression.numeric, clock.seconds, best.text)
            report.save()
    for count in (12, 15):
        own = [row for row in report.rows if row[0] == count]
        report.note(
            f"Of {len(own)} tables of {count} rows of noise a law is told of {sum(row[3] for row in own)}."
        )
    report.save()


def main() -> None:
    parser = argparse.ArgumentParser(description="Laws of handbooks in few noisy rows")
    parser.add_argument("--part", choices=("even", "odd", "both"), default="both")
    parser.add_argument("--draws", type=int, default=DRAWS, help="tables of each law")
    parser.add_argument("--work", default="normal")
    common_options(parser, "every 12th law")
    parser.add_argument("--noise", action="store_true", help="tables of noise alone")
    options = parser.parse_args()
    print(f"# Laws of handbooks in few noisy rows\n{machine()}\n")
    if options.noise:
        of_noise(options.draws, options.work)
        return
    columns = ["law", "rows", "form", "first", "offered", "CPU s", "best"]
    report = Report(Run("few_rows", options.quick, None), options.part, columns, [24, 4, 44, 5, 7, 6, 50])
    first = offered = count = 0
    for item in list(drawn(options.part, options.draws))[:: 12 if options.quick else 1]:
        clock = Clock()
        X = np.column_stack([item.table[name] for name in item.law.columns])
        found = ew.find_formula(X, item.table["y"], names=item.law.columns, work=options.work, seed=0)
        spent, fits = clock.seconds, has_form(item)
        leads = fits(found.recommended)
        shown = leads or any(map(fits, [*found.front, *(one.formula for one in found.alternatives())]))
        report.add(item.law.name, len(X), item.law.form, leads, shown, spent, found.recommended.text)
        first, offered, count = first + leads, offered + shown, count + 1
    report.note(f"The law comes first for {first} and is offered for {offered} of {count}.")
    report.save()


if __name__ == "__main__":
    main()
