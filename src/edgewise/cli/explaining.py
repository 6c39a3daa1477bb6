"""What `edgewise explain` does: the model and the table read, the question asked, the picture drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewise._core.errors import InputError
from edgewise.cli.inputs import as_names
from edgewise.cli.models import Model, load_model
from edgewise.cli.outcome import tell
from edgewise.data import provenance, read_frame
from edgewise.data.arrow import Frame
from edgewise.explain import Counterfactuals, Explainer, GlobalExplanation, LocalExplanation, counterfactuals
from edgewise.plots import (
    plot_contributions,
    plot_counterfactuals,
    plot_shapes,
    plot_surfaces,
    save_figure,
)

Found = GlobalExplanation | LocalExplanation | Counterfactuals


@dataclass(frozen=True)
class Question:
    """What is asked; the fields are the options of the command."""

    row: int | None
    output: str | None
    counterfactual: bool
    target: str | None
    above: float | None
    below: float | None
    immutable: tuple[str, ...]
    increase: tuple[str, ...]
    decrease: tuple[str, ...]
    work: str | float
    seconds: float | None


def explained(path: Path, data: Path | None, question: Question, *, quiet: bool = True) -> Found:
    """The answer to a question about a model; how the table was read is told unless `quiet`."""
    model = load_model(path)
    frame = None if data is None else read_frame(data)
    if frame is None:
        return Explainer(model.held).overall(question.output)
    used = model.select(frame)
    tell(provenance(frame).notes(model.names), quiet=quiet)
    if question.row is not None and question.row >= used.num_rows:
        raise InputError(
            f"The row must be one of the {used.num_rows:,} of {provenance(frame).source}, counted from 0. "
            f"Got {question.row:,} instead."
        )
    X: Any = used if model.is_estimator else model.encoded(used)
    if question.counterfactual:
        return counterfactuals(
            model.held,
            question.row,
            X,
            target=question.target,
            above=question.above,
            below=question.below,
            immutable=_names(question.immutable, model),
            increase=_names(question.increase, model),
            decrease=_names(question.decrease, model),
            work=question.work,
            seconds=question.seconds,
        )
    explainer = Explainer(model.held, X, _actual(model, frame))
    return (
        explainer.overall(question.output)
        if question.row is None
        else explainer.row(question.row, question.output)
    )


def picture(found: Found, path: Path, *, pairs: bool = False) -> None:
    """Draw an answer to a file."""
    if isinstance(found, Counterfactuals):
        figure = plot_counterfactuals(found)
    elif isinstance(found, LocalExplanation):
        figure = plot_contributions(found)
    else:
        figure = plot_surfaces(found) if pairs else plot_shapes(found)
    save_figure(figure, path)


def _names(entries: Sequence[str], model: Model) -> tuple[str, ...]:
    return as_names(entries, model.names) or ()


def _actual(model: Model, frame: Frame) -> list[Any] | None:
    """The target's own column, where the table has it."""
    return frame.column(model.target).to_pylist() if model.target in frame.column_names else None
