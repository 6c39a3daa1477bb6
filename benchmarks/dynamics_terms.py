"""How often the kinds of terms occur in the sets of systems: what the prices of terms in `find_dynamics` follow.

    python benchmarks/dynamics_terms.py [--set first --set second ...]

Right-hand sides are multiplied out. A term is of the kind of its rarest part.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import sympy
from _common import common_options
from dynamics_systems import SETS


def kind(term: Any) -> str:
    """Of a product of powers and functions of the states."""
    powers = [atom for atom in term.atoms(sympy.Pow) if atom.base.free_symbols]
    functions = sorted({atom.func.__name__ for atom in term.atoms(sympy.Function)})
    if functions:
        return " and ".join(functions)
    if any(power.base.is_Add for power in powers):
        return "over a sum, or a root of one"
    if any(not power.exp.is_Integer for power in powers):
        return "square root" if all((2 * power.exp).is_Integer for power in powers) else "other broken power"
    if any(power.exp < 0 for power in powers):
        return "over a product"
    return (
        f"product of degree {sympy.Poly(term, *term.free_symbols).total_degree() if term.free_symbols else 0}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", action="append", choices=list(SETS))
    common_options(parser, "no less: nothing is searched")
    asked = parser.parse_args().set or ["first", "second", "third", "fourth"]
    terms = [
        term
        for name in asked
        for system in SETS[name]
        for side in system.sympy()
        for term in sympy.Add.make_args(sympy.expand(side))
    ]
    print(f"{len(terms)} terms of the sets {', '.join(asked)}")
    for name, count in Counter(map(kind, terms)).most_common():
        print(f"{count:4} {name}")


if __name__ == "__main__":
    main()
