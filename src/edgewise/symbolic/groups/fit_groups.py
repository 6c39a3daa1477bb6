"""The constants of a formula that is known, in each of many groups of rows."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import among, as_tuple, check_int, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import numpy_generator
from edgewise._core.threads import one_thread
from edgewise.forms.tree import replaced
from edgewise.symbolic.expressions.named_constants import exact, starts_of, with_constants
from edgewise.symbolic.fitting.measurements import read_rows
from edgewise.symbolic.fitting.variable_projection import Separable, minimum
from edgewise.symbolic.groups.constants import Tied, apart
from edgewise.symbolic.groups.grouped_formula import GroupedFormula
from edgewise.symbolic.groups.grouped_result import group_labels
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.search_groups import as_grouped, joined
from edgewise.symbolic.groups.sharing import tie, with_shared
from edgewise.symbolic.groups.structure_pool import with_enough

Labels = Sequence[Hashable] | NDArray[Any]


def fit_groups(
    X: Any,
    y: Any,
    text: str,
    groups: Labels,
    *,
    shared: Iterable[str] | None = None,
    names: Iterable[str] | None = None,
    start: Mapping[str, float] | None = None,
    seed: int = 0,
) -> GroupedFormula:
    """Fit the constants of a known formula to many groups of rows: some are one for all, the others each group's own.

    Groups may be experiments, or the levels of a category: `text` then has a constant for each level.

    Parameters
    ----------
    X
        Matrix or data frame, (n, d). Rows with a missing cell are left out.
    y
        Vector, (n,).
    text
        The formula. Any name that is neither a column nor a known function nor pi or e is a constant: "a*exp(-b*t) + c".
    groups
        The group of each row, (n,), words or numbers.
    shared
        The constants that are one for all groups; None to have those shared that differ no more than their errors explain.
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    start
        Rough values of some constants.
    seed
        Seed of the starts.

    Returns
    -------
    GroupedFormula
        With standard errors; `with_group` learns a new group. A group with fewer rows than constants gets what its rows say
        and the others make likely.

    Raises
    ------
    InputError
        Where the text cannot be read, no group has rows for every constant, or the formula has no value on some group.

    References
    ----------
    Morris (1983), Parametric empirical Bayes inference. Journal of the American Statistical Association 78(381).
    doi:10.1080/01621459.1983.10477920

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic import fit_groups
    >>> t = np.tile(np.linspace(0, 5, 20), 2)
    >>> metal = np.repeat(["iron", "copper"], 20)
    >>> rate = np.where(metal == "iron", 0.5, 1.1)
    >>> found = fit_groups(t[:, None], 60 * np.exp(-rate * t) + 20, "a*exp(-k*t) + c", metal, names=["t"])
    >>> found.text, round(found.own["copper"]["k"].value, 6)
    ('60*exp(-k*t) + 20', 1.1)
    """
    table, columns = read_rows(X, y, names)
    tree, constants = with_constants(text, columns)
    common = None if shared is None else _shared(shared, constants)
    labels, number = group_labels(groups, len(np.asarray(y)))
    seed = check_int(seed, "seed", low=0)
    everything = GroupedRows(columns, table.X, table.y, number[table.numbers], len(labels))
    rows, few = with_enough(everything, len(constants))
    if not rows.count:
        raise InputError(
            argument="groups",
            expected=f"have a group of at least {len(constants)} rows, one for every constant",
            got=f"at most {np.bincount(everything.group).max()}",
        )
    first, known = starts_of(start, constants)
    tree = exact(tree)
    with np.errstate(all="ignore"), one_thread():
        # From the largest group the others start.
        X, y = rows.of(int(np.bincount(rows.group).argmax()))
        problem = Separable(tree, constants, columns, X, y, np.ones(len(y)))
        found = minimum(problem, first, known, numpy_generator(seed))
        model = (
            apart((tree, constants, tuple(found.constants.tolist())), rows, seed)
            if math.isfinite(found.rss)
            else None
        )
        if model is None or not math.isfinite(model.criterion):
            raise InputError(
                argument="text",
                expected="have a value on every row of each group for some of the starts that are tried",
                got=f"{short(text)}, for which there was none,",
                advice="check logs, roots and divisions",
            )
        model = tie(model, rows) if common is None else _tied(model, common, rows)
        model = replace(model, tree=replaced(model.tree, model.plain), plain={})
        kept = [label for at, label in enumerate(labels) if at not in few]
        return joined(as_grouped(model, rows, kept), labels, few, table, everything.group, seed)


def _tied(model: Tied, shared: Sequence[str], rows: GroupedRows) -> Tied:
    for name in shared:
        found = with_shared(model, name, rows)
        if found is None:
            raise InputError(
                argument="shared",
                expected="name constants that can be one for all groups",
                got=f"{short(name)}, with which the formula has no value on some rows",
            )
        model = found
    return model


def _shared(shared: Iterable[str], constants: Sequence[str]) -> tuple[str, ...]:
    given = as_tuple(shared, "shared", "names of constants")
    for entry in given:
        if entry not in constants:
            raise InputError(
                argument="shared",
                expected=f"name constants of the formula, {among(constants)}",
                got=f"{short(entry)}{did_you_mean(str(entry), constants)}",
            )
    return tuple(dict.fromkeys(str(entry) for entry in given))
