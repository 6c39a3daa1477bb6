"""The Pareto front on the terminal: a table of formulas, one of them on lines of its own, and what to know of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

if TYPE_CHECKING:
    from edgewise.symbolic import FormulaResult

MOST_RIVALS = 3


def place_of_best(found: FormulaResult) -> int:
    """The place of the recommended formula on the front, from 1."""
    texts = [each.exact_text for each in found.front]
    return texts.index(found.best.exact_text) + 1 if found.best.exact_text in texts else 1


def show_front(
    console: Console,
    found: FormulaResult,
    target: str,
    number: int | None = None,
    *,
    verbose: bool = False,
) -> None:
    """The front from the simplest to the most accurate, and one formula, by default the recommended one."""
    best = place_of_best(found)
    number = best if number is None else number
    grid = Grid(box=SIMPLE_HEAD, title="Formulas, simplest first", title_justify="left", title_style="bold")
    grid.add_column("", no_wrap=True)
    for heading in ("complexity", "held-out RMSE", "R2"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("formula", overflow="fold")
    for place, formula in enumerate(found.front, start=1):
        grid.add_row(
            f"{'*' if place == best else ' '} {place}",
            str(formula.complexity),
            "-" if math.isnan(formula.error) else f"{formula.error:.4g}",
            "-" if math.isnan(formula.r2) else f"{formula.r2:.6f}",
            Text(formula.text),  # not markup: a formula may hold square brackets
            style="bold" if place == best else "",
        )
    console.print(grid)
    console.print(Text(f"{target} = {found.front[number - 1].text}", style="bold"), soft_wrap=True)
    for line in _remarks(found, number, best, verbose):
        console.print(Text(line, style="dim"), soft_wrap=True)


def _remarks(found: FormulaResult, number: int, best: int, verbose: bool) -> Iterator[str]:
    """What to know of the formula shown: what rivals it, where it has no value; with `verbose` all that is known."""
    rule = f"* {best} is recommended: no other beats it by more than chance."
    yield rule if number == best else f"This is formula {number}. {rule}"
    if found.probability is not None and not verbose:
        from edgewise.symbolic.results.probability import likely

        yield f"The probability that formula {best} is the law is {likely(found.probability)}."
    for other in found.alternatives()[:MOST_RIVALS] if number == best else ():
        yield f"The data cannot distinguish it from {other}."
    trust = found.front[number - 1].trust
    if verbose:
        from edgewise.symbolic.provenance import in_words

        yield from ("" if trust is None else str(trust)).splitlines()
        yield found.message
        yield from filter(None, [in_words(found.front[number - 1].origin)])
        return
    if trust is not None:
        yield from map(str, trust.leaves_domain)
    if number != best and found.front[number - 1].units_told:
        yield found.front[number - 1].units_told
    yield from (each for each in found.remarks if number == best or each != found.best.units_told)
