"""`edgewise formula` where constants follow groups: those of --groups, or the words of columns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import typer

from edgewise._core.errors import InputError
from edgewise.cli.outcome import (
    INTERRUPTED,
    REFUTED,
    Interrupts,
    make_folder,
    refuse_other_pictures,
    refuse_to_overwrite,
)
from edgewise.cli.terminal import print_json, say, tell, tell_files

if TYPE_CHECKING:
    from edgewise.data.arrow import Frame
    from edgewise.symbolic import GroupedResult

_FILES = ("formula.kan", "formulas.json")


def find_for_groups(
    data: Path | Frame,
    target: str,
    groups: str | None,
    *,
    columns: Sequence[str] | None,
    drop: Sequence[str] | None,
    exclude_functions: Sequence[str] | None,
    only: Sequence[str] | None,
    require_columns: Sequence[str] | None,
    ignore_columns: Sequence[str] | None,
    constraint: Sequence[str] | None,
    cost: Sequence[str] | None,
    others: Mapping[str, Any],
    search: Mapping[str, Any],
    out: Path | None,
    plot: Path | None,
    force: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Print the law and the constants of each group; `others` are options that have no meaning here, by their names.

    Without `groups` the words of columns are the groups.
    """
    given = [name for name, value in others.items() if value]
    if given and groups is not None:
        raise InputError(f"--groups cannot be combined with {given[0]}; leave one of them out.")
    if given:
        raise InputError(
            f"Columns of words cannot be combined with {given[0]}. Leave it out, or these columns with --drop."
        )
    refuse_other_pictures(plot)
    places = [] if out is None else [out / name for name in _FILES]
    refuse_to_overwrite([*places, *([] if plot is None else [plot])], force, folder=out)
    from edgewise.cli.formula_progress import BestSoFar
    from edgewise.cli.formula_words import columns_of, limits_of
    from edgewise.cli.inputs import as_names, called, find
    from edgewise.cli.progress import ShownProgress
    from edgewise.cli.summary import to_json
    from edgewise.data import provenance, read_frame, to_table
    from edgewise.data.encoding_raw import raw_table
    from edgewise.estimators.grouped import labels_of
    from edgewise.symbolic import ConstraintWarning, GroupedResult, find_formula

    frame = read_frame(data) if isinstance(data, Path) else data
    group = None if groups is None else find(frame, groups)
    apart = [] if group is None else [group]
    if group is not None and group in (find(frame, target), *(as_names(columns, frame.column_names) or ())):
        which = "the target" if group == find(frame, target) else "among --columns"
        raise InputError(
            subject="The column of --groups", expected=f"not be {which}", got=f"{called(group)} for both"
        )
    asked = columns_of(
        frame.drop_columns(apart),
        target,
        columns=columns,
        drop=drop,
        ignore_columns=ignore_columns,
        require_columns=require_columns,
        units=None,
        weight=None,
        sigma=None,
    )
    limits = limits_of(
        asked, exclude_functions=exclude_functions, only=only, constraints=constraint, costs=cost
    )
    known = provenance(frame)
    table = to_table(frame.select(dict.fromkeys([*asked.chosen, asked.target])), known.source)
    worded = words_of(frame, asked.chosen) if group is None else list[str]()
    counted = [name for name in asked.chosen if name not in worded]
    X, y, names = table.features(asked.target, counted, missing=True)
    tell(known.notes([*asked.chosen, asked.target, *apart]), quiet=quiet)
    if out is not None:
        make_folder(out)  # before the search, which would be lost
    with Interrupts() as interrupts, ShownProgress(quiet) as progress, warnings.catch_warnings():
        # What it says is a part of the result's own message.
        warnings.simplefilter("ignore", ConstraintWarning)
        progress.begin("find one law for all groups")
        callbacks = (BestSoFar(progress, asked.target), interrupts)
        named = nw.new_series(asked.target, y, backend="pyarrow")
        rows: Any = raw_table(frame.select(asked.chosen)) if worded else X
        labels = None if group is None else labels_of(raw_table(frame.select([group])).columns[0])
        how: dict[str, Any] = (
            {**limits, **search} if worded else {**limits, **search, "groups": labels, "names": names}
        )
        found = find_formula(rows, named, callbacks=callbacks, **how)
    assert isinstance(found, GroupedResult)
    written = [] if out is None else _write(found, out, rows, group, asked.target)
    if plot is not None:
        from edgewise.plots import plot_groups, save_figure

        if found.best.words is not None:
            _, labels = found.best.words.read(rows, names)
        assert labels is not None
        missing = np.array([label is None for label in labels], dtype=bool)
        complete = ~(np.isnan(X).any(axis=1) | np.isnan(y) | missing)
        kept = [label for label, whole in zip(labels, complete, strict=True) if whole]
        measured = nw.new_series(asked.target, y[complete], backend="pyarrow")
        written.append(save_figure(plot_groups(found.best, X[complete], measured, kept), plot))
    tell_files(written, quiet=quiet)
    if json:
        print_json(to_json(found.to_dict()))
    else:
        say(str(found))
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)
    if found.broken:
        raise typer.Exit(REFUTED)


def words_of(frame: Frame, chosen: Sequence[str]) -> list[str]:
    """The columns of words among those chosen; none where one holds words beside numbers, which is a slip."""
    from edgewise.data.encoding_raw import raw_table
    from edgewise.symbolic.fitting.word_columns import of_words

    columns = [each for each in raw_table(frame.select(chosen)).columns if each.codes is not None]
    return [each.name for each in columns] if all(map(of_words, columns)) else []


def _write(found: GroupedResult, folder: Path, X: Any, group: str | None, target: str) -> list[Path]:
    """The law as data, and as a file to predict with."""
    from edgewise._core.files import write_file
    from edgewise.cli.summary import to_json
    from edgewise.estimators import FormulaRegressor, save

    model = FormulaRegressor.from_result(found, X, groups=group, target=target)
    save(model, folder / _FILES[0])
    write_file(folder / _FILES[1], (to_json(found.to_dict()) + "\n").encode(), overwrite=True)
    return [folder / name for name in _FILES]
