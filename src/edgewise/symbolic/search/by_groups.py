"""The way of `find_formula` where constants may follow groups, given as such or as words in the table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import narwhals as nw

from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.symbolic.fitting.word_columns import WordTable
from edgewise.symbolic.groups.grouped_result import GroupedResult
from edgewise.symbolic.groups.search_groups import SearchLimits, search_groups
from edgewise.symbolic.groups.worded import search_words
from edgewise.symbolic.provenance import recording
from edgewise.symbolic.results.search_result import FormulaResult
from edgewise.symbolic.search.constraints import ConstraintWarning, contradicted_by


def groups_of(X: Any, groups: Any) -> tuple[Any, Any]:
    """The other columns, and the labels, where `groups` names a column of a data frame; else both as they are."""
    if not isinstance(groups, str):
        return X, groups
    try:
        frame = nw.from_native(X, eager_only=True)
    except TypeError:
        return X, groups
    if groups not in frame.columns:
        near = did_you_mean(groups, frame.columns)
        raise InputError(
            argument="groups",
            expected="name a column of X, or hold one label a row",
            got=f"{short(groups)}{near}",
        )
    return frame.drop(groups).to_native(), frame[groups].to_list()


def by_groups(
    search: Callable[..., FormulaResult],
    X: Any,
    y: Any,
    groups: Any,
    words: WordTable | None,
    names: Iterable[str] | None,
    alone: Mapping[str, Any],
    limits: SearchLimits,
) -> GroupedResult:
    """What `search_words` finds where the table has words, else `search_groups`.

    `alone` are arguments that have no meaning here, None where they were not given.

    Raises
    ------
    InputError
        If one of them was given, or the table does not fit together.
    """
    if given := [name for name, value in alone.items() if value is not None]:
        word = None if words is None else next(iter(words.words))
        beside = "'groups'" if word is None else f"a column of words such as {short(word, 40)}"
        raise InputError(
            f"The {given[0]!r} argument has no meaning with {beside}. Got both; leave one of them out."
        )
    name = getattr(y, "name", None)

    searches = list[tuple[FormulaResult, Any, Any]]()

    def called(X: Any, y: Any, **options: Any) -> FormulaResult:
        """Constraints call the target by its name."""
        named = nw.new_series(name, y, backend="pyarrow") if isinstance(name, str) and name else y
        with warnings.catch_warnings():
            # What holds in one group alone says little; all of them are looked at in the end.
            warnings.simplefilter("ignore", ConstraintWarning)
            found = search(X, named, **options)
        searches.append((found, X, y))
        return found

    with recording() as failures:
        if words is not None:
            result = search_words(called, words, y, limits)
        else:
            result = search_groups(called, X, y, groups, names, limits)
    # Searches of words may share rows, whose evidence counts once.
    parts = [searches] if words is None else [[item] for item in searches]
    against = [contradicted_by(part) for part in parts]
    texts = tuple(dict.fromkeys(text for found, _ in against for text in found))
    notes = [item for _, note in against for item in note][:1]
    if not result.stop_reason.repeatable or result.stop_reason is StopReason.WORK_SPENT:
        notes.append(result.stop_reason.advice)
    failed = tuple(dict.fromkeys(failures))
    return replace(result, contradicted=texts, message=" ".join([result.message, *notes]), failures=failed)
