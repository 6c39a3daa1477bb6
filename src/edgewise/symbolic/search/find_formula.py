"""From a table to a formula: direct candidates first, then the structure of the data, then small networks.

The search can be stopped at any time and then answers with the best it has.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypedDict, Unpack, cast, overload

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_callables
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_choice, check_float, check_int
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.forms import Form
from edgewise.symbolic.config import SearchConfig, config_of
from edgewise.symbolic.costs import SEARCH_WORK_UNITS
from edgewise.symbolic.fitting.measurements import Measurements, called, read_rows, target_name
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.fitting.word_columns import word_table
from edgewise.symbolic.groups.grouped_result import GroupedResult
from edgewise.symbolic.groups.search_groups import SearchLimits
from edgewise.symbolic.provenance import attempted, recording
from edgewise.symbolic.results.search_result import FormulaResult
from edgewise.symbolic.search.by_groups import by_groups, groups_of
from edgewise.symbolic.search.column_errors import with_column_errors
from edgewise.symbolic.search.constraints import (
    Checker,
    contradicted_by,
    held_to,
    refused_of,
    warn_of_broken,
    warn_of_contradiction,
)
from edgewise.symbolic.search.constraints_by_group import held_by_groups
from edgewise.symbolic.search.ending import concluded
from edgewise.symbolic.search.narrow_first import run_narrow_first, searched_columns
from edgewise.symbolic.search.outcome import (
    Ended,
    message,
    named,
    reduced_chi_square,
    remarks,
    with_units,
)
from edgewise.symbolic.search.search_space import Limits, allowed_functions
from edgewise.symbolic.search.search_state import Search
from edgewise.symbolic.search.set_aside import search_without_errors, suspicious_rows
from edgewise.training.common.records import Record

# Share of a time limit that is kept for the rows beyond those that are searched.
_LAST_SHARE = 0.2

LOSSES = ("squared", "robust")
Labels = Sequence[Hashable] | NDArray[Any]


class _Options(TypedDict, total=False):
    """What `find_formula` takes beside a table and groups."""

    names: Iterable[str] | None
    units: Mapping[str, Any] | None
    work: str | float
    seconds: float | None
    seed: int | None
    callbacks: Iterable[Callable[[Record], Any]]
    forms: Iterable[Form | str] | None
    exclude_functions: Iterable[str]
    require_columns: Iterable[str]
    ignore_columns: Iterable[str]
    constraints: Iterable[str]
    costs: Mapping[str, int] | None
    validation: float
    loss: str
    sample_weight: Any
    sigma: Any
    x_sigma: Mapping[str, Any] | None
    config: SearchConfig | None


@overload
def find_formula(
    X: NDArray[Any], y: Any, *, groups: None = None, **options: Unpack[_Options]
) -> FormulaResult: ...
@overload
def find_formula(
    X: Any, y: Any, *, groups: None = None, **options: Unpack[_Options]
) -> FormulaResult | GroupedResult: ...
@overload
def find_formula(X: Any, y: Any, *, groups: Labels, **options: Unpack[_Options]) -> GroupedResult: ...
@own_settings
def find_formula(
    X: Any,
    y: Any,
    *,
    groups: Labels | None = None,
    names: Iterable[str] | None = None,
    units: Mapping[str, Any] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int | None = 0,
    callbacks: Iterable[Callable[[Record], Any]] = (),
    forms: Iterable[Form | str] | None = None,
    exclude_functions: Iterable[str] = (),
    require_columns: Iterable[str] = (),
    ignore_columns: Iterable[str] = (),
    constraints: Iterable[str] = (),
    costs: Mapping[str, int] | None = None,
    validation: float = 0.2,
    loss: str = "squared",
    sample_weight: Any = None,
    sigma: Any = None,
    x_sigma: Mapping[str, Any] | None = None,
    config: SearchConfig | None = None,
) -> FormulaResult | GroupedResult:
    """Find formulas for y in the columns of X.

    Parameters
    ----------
    X
        Matrix or data frame, (n, d). Columns of a data frame may hold words, beside at least one of numbers: by evidence
        nothing follows these, or constants do, or whole formulas.
    y
        Vector, (n,).
    groups
        The group of each row, (n,), words or numbers, or the column of a data frame that holds them: one law is sought for
        all, whose constants are one for all groups or each group's own, as the rows show. A group of eight rows or more is
        needed; see the notes.
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    units
        What each column and the target are measured in, as {"m": "kg", "v": "m/s", "y": "J"} or as exponents of base
        units. The target goes by "y", or by the name of the series that y is. Formulas whose units do not fit are never
        offered; measured constants may carry a unit where no formula without such does as well.
    work
        How much to search: "quick", "normal", "thorough" or a factor; "normal" is about a minute of one core at most. The
        search ends earlier once a formula is exact or every shape has been tried.
    seconds
        Time limit; None for none. It only interrupts: what is found until then is the answer, and may differ from run to
        run.
    seed
        Seed of the split and of the networks.
    callbacks
        Called with a `Record` after each step, and about twice a second in between; one that returns True ends the search.
    forms
        The closed forms an edge may become, or their names; by default all of `edgewise.forms.FORMS`. Add your own with
        `edgewise.forms.form_from_text`. Formulas then hold no function that none of these is made of; sums, products and
        whole powers are always allowed.
    exclude_functions
        Functions that no formula holds, such as "sin" and "tanh"; without "sqrt" there are no broken powers either.
    require_columns
        Columns that every formula contains.
    ignore_columns
        Columns that are not used.
    constraints
        What every formula must satisfy on the box of the table, as texts: "increasing(x)", "decreasing(x)", "convex(x)",
        "concave(x)", "even(x)", "odd(x)", "symmetric(a, b)", "0 <= y <= 2*x", "y = 1 at x = 0", "y -> 0 as x -> inf",
        "never sin(cos)", "exponents 1, 2, 1/2" (without their signs). Nestings and exponents are read off the formula, the
        others are looked at on points over the box, equalities to within the formula's error: not proved. Where no formula
        satisfies them, the result's `broken` lists what `best` breaks, and a `ConstraintWarning` says so.
    costs
        Functions that count as so many nodes instead of one wherever lengths are compared, as {"sin": 3}: the dearer one is
        used only where it says that much more. Here, too, a broken power is a "sqrt".
    validation
        The share of rows on which formulas are judged. Tables of fewer than 60 rows are judged by leaving out one row
        at a time instead.
    loss
        "squared", or "robust" where some values of y may be no measurements of the law at all (slipped decimal points,
        broken sensors): rows that no law explains are set aside, and the message names them. It may search twice. With
        "squared" the message only warns of such rows.
    sample_weight
        How much each row counts, (n,); 0 leaves it out. Fits, errors and judgements are weighted.
    sigma
        The standard deviation of the noise in y, a number or one a row, (n,); a row then counts 1/sigma^2. The message gives
        chi-square per degree of freedom, and the standard errors of the constants are what this noise makes of them.
    x_sigma
        The standard deviations of errors in columns, by name: each a number or one a row. They count in y through the
        slopes of the formula (effective variance, doi:10.1119/1.12972), so that up to three searches share the work.
    config
        A `SearchConfig`: how large tables and formulas the search takes on; None for the defaults.

    Returns
    -------
    FormulaResult or GroupedResult
        A `GroupedResult` where `groups` is given, or a column of X holds words.

    Raises
    ------
    InputError
        Where the table does not fit together, holds an infinite number, or has fewer than five rows without missing cells;
        where `groups` or a column of words comes with units, weights, sigma or a robust loss.

    Notes
    -----
    Rows with a missing cell (NaN) are left out; the message says how many, and in which columns. Of more than 60 columns,
    those that y follows most closely one by one are searched; the message says so. Of more than 4,000 rows a random 4,000
    are searched, the same for the same seed; constants are then fitted on all rows to fit, and all held-out rows judge.
    Everything runs on one thread: same rows, seed and versions give the same bits.

    With `groups`, structures are sought in the six groups with most rows, each then fitted to all groups; constants that
    differ no more than their errors explain are made one for all, one after another. `work` and `seconds` are for all groups
    together. Words are such groups, whose formulas may differ, too, by Schwarz's criterion
    (doi:10.1214/aos/1176344136); levels of fewer than eight rows are learned afterwards, and columns of words that
    hardly repeat are left out, which the message says. Rows without a word are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic import find_formula
    >>> X = np.random.default_rng(0).uniform(1, 3, (200, 2))
    >>> found = find_formula(X, 2 * X[:, 0] / X[:, 1] ** 2, names=["m", "r"])
    >>> found.best.text, found.exact
    ('2*m/r^2', True)

    Two readings are wrong; the law is found all the same, and they are named:

    >>> y = 2 * X[:, 0] / X[:, 1] ** 2
    >>> y[[7, 90]] = [800.0, -350.0]
    >>> found = find_formula(X, y, names=["m", "r"], loss="robust")
    >>> found.best.text, found.gross_errors
    ('2*m/r^2', (7, 90))

    Where the noise of each row is known, so is how well a formula should do:

    >>> noise = np.linspace(0.01, 0.2, 200)
    >>> y = 2 * X[:, 0] / X[:, 1] ** 2 + noise * np.random.default_rng(1).standard_normal(200)
    >>> found = find_formula(X, y, names=["m", "r"], sigma=noise)
    >>> found.best.text, 0.7 < found.reduced_chi_square < 1.3
    ('2*m/r^2', True)

    What is known beforehand narrows the search; here a sum of exponentials would do as well:

    >>> x = np.linspace(0, 4, 30)
    >>> found = find_formula(x[:, None], 3 / (1 + x), names=["x"], constraints=["decreasing(x)", "y -> 0 as x -> inf"])
    >>> found.best.text
    '3/(x + 1)'

    One law over three bodies that cool, each at its own rate:

    >>> t = np.tile(np.linspace(0, 5, 40), 3)
    >>> body = np.repeat(["cup", "pot", "bath"], 40)
    >>> rate = np.repeat([0.9, 0.5, 0.2], 40)
    >>> found = find_formula(t[:, None], 20 + 60 * np.exp(-rate * t), groups=body, names=["t"])
    >>> found.best.text, round(found.best.own["pot"]["a"].value, 6)
    ('60*exp(-a*t) + 20', 0.5)

    The same from a data frame, whose words are found to matter:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"body": body, "t": t})
    >>> found = find_formula(table, 20 + 60 * np.exp(-rate * t))
    >>> found.best.words.words, found.best.of("bath")
    (('body',), '60*exp(-0.2*t) + 20')
    """
    X, groups = groups_of(X, groups)
    words = word_table(X, names) if groups is None else None
    if groups is not None or words is not None:
        one = partial(
            find_formula, callbacks=callbacks, forms=forms, exclude_functions=exclude_functions,
            require_columns=require_columns, ignore_columns=ignore_columns,
            constraints=constraints, costs=costs, validation=validation, config=config,
        )  # fmt: skip
        alone = {
            "units": units, "loss": None if loss == "squared" else loss, "sample_weight": sample_weight, "sigma": sigma,
            "x_sigma": x_sigma,
        }  # fmt: skip
        limits = SearchLimits(
            work, seconds, seed,
            allowed_functions(forms, exclude_functions)[1], bool(constraints or costs or require_columns),
        )  # fmt: skip
        grouped = by_groups(one, X, y, groups, words, names, alone, limits)
        numbers = X if words is None else words.X
        grouped = held_by_groups(grouped, constraints, numbers, y)
        warn_of_broken(grouped.broken)
        warn_of_contradiction(grouped.contradicted)
        return grouped
    if x_sigma is not None:
        if sample_weight is not None:
            raise InputError(
                "The 'sample_weight' argument has no meaning with 'x_sigma'. Got both; give 'sigma' instead."
            )
        one = partial(
            find_formula, units=units, seed=seed, callbacks=callbacks, forms=forms, exclude_functions=exclude_functions,
            require_columns=require_columns, ignore_columns=ignore_columns, constraints=constraints,
            costs=costs, validation=validation, loss=loss, config=config,
        )  # fmt: skip
        options = {"names": names, "sigma": sigma, "x_sigma": x_sigma, "work": work, "seconds": seconds}
        last = with_column_errors(one, X, y, **cast("dict[str, Any]", options))
        warn_of_broken(last.broken)
        warn_of_contradiction(last.contradicted)
        return last
    settings = config_of(config)
    meter = Meter(SEARCH_WORK_UNITS * check_work(work), limit := check_seconds(seconds))
    seed = None if seed is None else check_int(seed, "seed", low=0)
    robust = check_choice(loss, "loss", LOSSES) == "robust"
    share = check_float(validation, "validation", low=0.05, high=0.5)
    table, columns = read_rows(X, y, names, sample_weight=sample_weight, sigma=sigma)
    listeners = as_callables(callbacks)
    limits = Limits.read(
        columns,
        target=target_name(y, units, columns),
        forms=forms,
        exclude_functions=exclude_functions,
        require_columns=require_columns,
        ignore_columns=ignore_columns,
        units=units,
        constraints=constraints,
        costs=costs,
        called=called(y, columns),
    )

    def split(rows: Measurements) -> SplitRows:
        split = SplitRows.split(columns, rows.X, rows.y, share, seed, rows.weight, rows.variance)
        return replace(split, costs=limits.costs)

    def search(rows: Measurements, most: float) -> Ended:
        return _search(split(rows), limits, listeners, meter, most, limit, seed, settings)

    aside, suspicious = table.numbers[:0], table.numbers[:0]
    # Candidates leave the range of floats as a matter of course; they are judged by what they give.
    with np.errstate(all="ignore"), one_thread(), recording() as failures:
        if robust:
            ended, table, aside = search_without_errors(table, search, split, meter)
        else:
            ended = search(table, meter.most)
        found = with_units(named(ended.result, columns), limits.units)
        if not (robust or found.exact):
            with attempted("gross errors"):
                suspicious = suspicious_rows(found.best, table)
        found = replace(
            found,
            seconds=meter.seconds,
            gross_errors=tuple(int(item) for item in (*aside, *suspicious)),
            reduced_chi_square=reduced_chi_square(found.best, table),
        )
        checker = Checker.of(limits.constraints, columns, table.X, table.y)
        found, kept = held_to(found, checker)
        if not (found.broken or found.exact):
            found = replace(found, refused=refused_of(ended.refused, columns, checker))
            against, note = contradicted_by([(found, table.X, table.y)])
            found, kept = replace(found, contradicted=against), (*kept, *note)
        if found.broken:
            found = replace(found, probability=None)
    found = replace(found, failures=tuple(dict.fromkeys(failures)))
    ended = replace(ended, result=found)
    notes = kept + remarks(ended, table, suspicious.tolist(), aside.tolist(), bool(kept))
    warn_of_broken(found.broken)
    warn_of_contradiction(found.contradicted)
    return replace(found, message=" ".join([message(ended), *notes]), remarks=notes)


def _search(
    everything: SplitRows,
    limits: Limits,
    listeners: tuple[Callable[..., Any], ...],
    meter: Meter,
    most: float,
    limit: float | None,
    seed: int | None,
    config: SearchConfig,
) -> Ended:
    """Formulas for some rows, from the work until the meter has counted `most`."""
    rows = everything.sampled(config.searched_rows, config.searched_held, derive(seed, 2))
    if limit is not None:
        meter.until = meter.began + limit * (1 if rows is everything else 1 - _LAST_SHARE)
    # Only the columns that matter are searched; the formulas are written in all of them.
    chosen = searched_columns(rows, limits, config.searched_columns)
    few = rows.columns(chosen)
    # The last of them is the one that counts.
    searches = [Search(few, limits.narrowed(few.names), listeners, meter, most, config)]
    reason = StopReason.EXHAUSTED
    try:
        with running(meter):
            reason = run_narrow_first(searches, seed)
    except KeyboardInterrupt:
        reason = StopReason.INTERRUPTED
    except StopError as stop:
        reason = meter.own(stop)
    search = searches[-1]
    after = Meter(seconds=None if limit is None else limit - meter.seconds, beat=search.beat)
    ended = concluded(search, reason, everything.named(search.rows.names), after)
    partly = list[str]()
    if (searched := len(search.rows.names)) < len(limits.columns):
        which = "follows most closely" if search.rows.names == few.names else "depends on"
        partly.append(f"Of {len(limits.columns):,} columns only the {searched} that y {which} were searched.")
    if rows is not everything:
        partly.append(
            f"{rows.count:,} of the {everything.count:,} rows were searched, and all judged at the end."
        )
    ended = replace(ended, remarks=tuple(partly))
    with attempted("trust"):
        return ended.judged()
    return ended
