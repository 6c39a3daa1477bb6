"""What `edgewise explain` does: the model and the table read, the question asked, the picture drawn."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgewise._core.checks import among
from edgewise._core.errors import FileError, InputError
from edgewise.cli.inputs import as_names, called
from edgewise.cli.models import LoadedModel, load_model
from edgewise.cli.requests import ExplainRequest
from edgewise.cli.streamed import is_dataset, rows_in_memory
from edgewise.cli.terminal import tell
from edgewise.data import provenance, read_frame
from edgewise.data.arrow import Frame
from edgewise.explaining import (
    AdverseReasons,
    Counterfactuals,
    Explainer,
    GlobalExplanation,
    LocalExplanation,
    adverse_reasons,
    counterfactuals,
)
from edgewise.plots import (
    plot_contributions,
    plot_counterfactuals,
    plot_shapes,
    plot_surfaces,
    save_figure,
)

Found = GlobalExplanation | LocalExplanation | Counterfactuals | AdverseReasons


def explained(question: ExplainRequest) -> Found:
    """The answer to a question about a model; how the table was read is printed unless it is to be quiet."""
    model, quiet = load_model(question.model), question.quiet
    if question.data is None:
        return Explainer(model.held).overall(question.output)
    if is_dataset(question.data):
        frame, row, remark = rows_in_memory(question.data, question.row)
        question = replace(question, row=row)
        tell([remark] if remark else [], quiet=quiet)
    else:
        frame = read_frame(question.data)
    used = model.select(frame)
    tell(provenance(frame).notes(model.names), quiet=quiet)
    if question.row is not None and question.row >= used.num_rows:
        raise InputError(
            subject="The row",
            expected=f"be one of the {used.num_rows:,} of {provenance(frame).source}, counted from 0",
            got=f"{question.row:,}",
        )
    X: Any = used if model.is_estimator else model.encoded(used)
    if question.counterfactual:
        return counterfactuals(
            model.held,
            X,
            question.row,
            target=question.target,
            above=question.above,
            below=question.below,
            fixed=_names(question.fixed, model),
            increase=_names(question.increase, model),
            decrease=_names(question.decrease, model),
            work=question.work,
            seconds=question.seconds,
        )
    if question.reasons is not None:
        return adverse_reasons(
            model.held,
            X,
            question.row,
            favourable=question.target,
            reference=question.reasons,
            protected=_names(question.protected, model),
            codes=None if question.codes is None else read_codes(question.codes),
        )
    explainer = Explainer(model.held, X, _actual(model, frame))
    return (
        explainer.overall(question.output)
        if question.row is None
        else explainer.row(question.row, question.output)
    )


def picture(found: Found, path: Path, *, pairs: bool = False) -> None:
    """Draw an answer to a file."""
    if isinstance(found, AdverseReasons):
        raise TypeError("reasons for an adverse decision have no picture")
    if isinstance(found, Counterfactuals):
        figure = plot_counterfactuals(found)
    elif isinstance(found, LocalExplanation):
        figure = plot_contributions(found)
    else:
        figure = plot_surfaces(found) if pairs else plot_shapes(found)
    save_figure(figure, path)


def read_codes(path: Path) -> dict[str, tuple[str, str]]:
    """Codes and statements by column, from a table with the columns column, code and (optional) statement.

    Raises
    ------
    InputError, FileError
        If it is no such table.
    """
    try:
        # As text: a code 01 is not the number 1.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise FileError(f"The file {path}, which --codes names, cannot be read: {why}.") from None
    known = list(rows[0]) if rows else []
    if "column" not in known or "code" not in known:
        raise InputError(
            subject="The file of --codes",
            expected="have the columns 'column' and 'code', and a row for each column",
            got=f"{(among(map(str, known)) if known else 'no row')}",
        )
    listed = [
        tuple((row.get(name) or "").strip() for name in ("column", "code", "statement")) for row in rows
    ]
    names = [name for name, _, _ in listed]
    if twice := [name for k, name in enumerate(names) if name in names[:k]]:
        raise InputError(
            subject="The file of --codes", expected="name each column once", got=f"{called(twice[0])} twice"
        )
    return {name: (code, statement) for name, code, statement in listed}


def _names(entries: Sequence[str] | None, model: LoadedModel) -> tuple[str, ...]:
    return as_names(entries, model.names) or ()


def _actual(model: LoadedModel, frame: Frame) -> list[Any] | None:
    """The target's own column, where the table has it."""
    return frame.column(model.target).to_pylist() if model.target in frame.column_names else None
