"""The model and the table read, the question asked, the answer shown and drawn."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from edgewise._core.checks import among
from edgewise._core.errors import FileError, InputError
from edgewise._core.stopping import StopReason
from edgewise.cli.answer import Answer
from edgewise.cli.commands.explain import ExplainRequest
from edgewise.cli.inputs import as_names, called
from edgewise.cli.many_files import read_rows
from edgewise.cli.models import LoadedModel, load_model, way_of_kind
from edgewise.cli.outcome import DONE, INTERRUPTED
from edgewise.cli.terminal import tell
from edgewise.data import provenance
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
)

Found = GlobalExplanation | LocalExplanation | Counterfactuals | AdverseReasons


def run(asked: ExplainRequest) -> Answer:
    """Explain a model or its answer for a row, or a model of another kind in its way."""
    if way := way_of_kind(asked.model, "explain"):
        return way(asked)
    found = explained(asked)
    interrupted = getattr(found, "stop_reason", None) is StopReason.INTERRUPTED
    return Answer(
        found.to_dict,
        str(found),
        figure=partial(drawing, found, pairs=asked.pairs),
        code=INTERRUPTED if interrupted else DONE,
    )


def explained(asked: ExplainRequest) -> Found:
    """The answer to a question about a model; how the table was read is printed unless it is to be quiet."""
    model = load_model(asked.model)
    if asked.data is None:
        return Explainer(model.held).overall(asked.output)
    frame, row, remarks = read_rows(asked.data, asked.row)
    used = model.select(frame)
    tell((*remarks, *provenance(frame).notes(model.names)), quiet=asked.quiet)
    if row is not None and row >= used.num_rows:
        raise InputError(
            subject="The row",
            expected=f"be one of the {used.num_rows:,} of {provenance(frame).source}, counted from 0",
            got=f"{row:,}",
        )
    X: Any = used if model.is_estimator else model.encoded(used)
    if asked.counterfactual:
        named = {name: _names(getattr(asked, name), model) for name in ("fixed", "increase", "decrease")}
        return asked.call(counterfactuals, model.held, X, row, **named)
    if asked.reasons is not None:
        return adverse_reasons(
            model.held,
            X,
            row,
            favourable=asked.target,
            reference=asked.reasons,
            protected=_names(asked.protected, model),
            codes=None if asked.codes is None else read_codes(asked.codes),
        )
    explainer = Explainer(model.held, X, _actual(model, frame))
    return explainer.overall(asked.output) if row is None else explainer.row(row, asked.output)


def drawing(found: Found, *, pairs: bool = False) -> Any:
    """The figure of an answer."""
    if isinstance(found, AdverseReasons):
        raise TypeError("reasons for an adverse decision have no picture")
    if isinstance(found, Counterfactuals):
        return plot_counterfactuals(found)
    if isinstance(found, LocalExplanation):
        return plot_contributions(found)
    return plot_surfaces(found) if pairs else plot_shapes(found)


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
