"""A model and a table are read and measured, and the limits compared with what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.auditing import AuditResult, audit
from edgewise.auditing.groups import JOINT
from edgewise.auditing.result import read_limit
from edgewise.auditing.stages import Stage
from edgewise.cli.answer import Answer, code_of
from edgewise.cli.commands.audit import AuditRequest
from edgewise.cli.entries import read_entries
from edgewise.cli.inputs import numbers_of
from edgewise.cli.many_files import read_rows
from edgewise.cli.models import LoadedModel, load_model
from edgewise.cli.outcome import DONE, REFUTED, STANDARD_OUTPUT, UNDECIDED
from edgewise.cli.progress import Note, ShownProgress, at_work
from edgewise.cli.terminal import tell
from edgewise.data import provenance
from edgewise.data.arrow import Frame


def run(asked: AuditRequest) -> Answer:
    """Measure how a model treats groups, and whether the limits are kept."""
    limits, cuts = limits_of(asked.fail_on, asked.protected), cuts_of(asked.cut, asked.protected)
    frame, _, remarks = read_rows(asked.data)
    held = load_model(asked.model)
    told = provenance(frame).notes((*held.names, *asked.protected, asked.target or held.target))
    tell((*told, *remarks), quiet=asked.quiet)
    rows = outcomes(held, frame, asked.target, asked.weight, tuple(asked.protected))
    progress = AuditProgress(asked.quiet)
    with at_work(progress) as interrupts:
        result = asked.call(
            audit,
            held.held,
            rows.frame,
            rows.y,
            asked.protected,
            sample_weight=rows.weight,
            bins=cuts,
            callbacks=(progress.stage, interrupts),
        )
    ended, breaches = result.stop_reason, result.breaches(*limits)
    found = [
        {"limit": breach.limit, "attribute": breach.attribute, "value": breach.value} for breach in breaches
    ]
    page = None if asked.html is None else _page(asked, result)
    code, remark, warnings = DONE, "", [f"Limit exceeded: {breach.text}" for breach in breaches]
    if breaches:
        code = REFUTED
    elif limits and not ended.repeatable:
        code = UNDECIDED
        warnings.append("The audit was cut short, so a limit may not have been measured.")
    elif limits:
        remark = "The limit is kept." if len(limits) == 1 else f"All {len(limits)} limits are kept."
    return Answer(
        {**result.to_dict(), "message": ended.advice, "breaches": found},
        f"{str(result).rstrip()}\n\n{ended.advice}",
        content=page,
        figure=partial(_drawn, result),
        remark=remark,
        warnings=warnings,
        code=code_of(interrupts, code),
    )


def _page(asked: AuditRequest, result: AuditResult) -> bytes | None:
    """Write the page of --html, or give what is for standard output."""
    from edgewise.report.sections.audit import render_audit, write_audit_page

    if asked.html == STANDARD_OUTPUT:
        return render_audit(result).encode("utf-8", errors="replace")
    assert asked.html is not None
    write_audit_page(asked.html, result, overwrite=asked.force)
    return None


def _drawn(result: AuditResult) -> Any:
    from edgewise.plots.audit_groups import plot_audit

    return plot_audit(result)


@dataclass(frozen=True, eq=False)
class AuditRows:
    """Columns the model reads and protected ones, outcomes, and weights."""

    frame: Frame
    y: NDArray[Any]
    weight: NDArray[np.float64] | None


def limits_of(given: Sequence[str] | None, protected: Sequence[str]) -> tuple[str, ...]:
    """The limits of --fail-on, known to be readable and to name attributes that are audited."""
    known = [*protected, "intersection"] if len(protected) > 1 else [*protected]
    for limit in given or ():
        _, attribute, _, _ = read_limit(limit)
        if attribute is not None and attribute not in (*known, JOINT.join(protected)):
            raise InputError(
                subject=f"The limit {short(limit)}",
                expected=f"name an attribute that is audited: {', '.join(map(repr, known))}",
                got=f"{short(attribute)}{did_you_mean(attribute, known)}",
            )
    return tuple(given or ())


def cuts_of(given: Sequence[str] | None, protected: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Where to cut protected columns, from words such as "age=25,60"."""
    return read_entries(
        given,
        "--cut",
        "like age=25,60",
        lambda text: tuple(float(number) for number in text.split(",")),
        among=protected,
        cut=False,
    )


def outcomes(
    model: LoadedModel, frame: Frame, target: str | None, weight: str | None, protected: Sequence[str]
) -> AuditRows:
    """The rows whose outcome is known, in the classes that the model knows."""
    source = provenance(frame).source
    name = model.target if target is None else target
    for asked in (name, *protected, *([] if weight is None else [weight])):
        if asked not in frame.column_names:
            raise InputError(
                f"{source} has no column {asked!r}{did_you_mean(asked, frame.column_names)}; name the outcomes with "
                "--target, protected attributes with --protected."
            )
    frame = frame.filter(pa.compute.is_valid(frame[name]))  # pyright: ignore[reportAttributeAccessIssue]
    if not frame.num_rows:
        raise InputError(subject=source, expected=f"have rows whose {name!r} is known", got="none")
    cells = frame[name]
    if model.classes:
        y = _classes(cells.to_pylist(), model.labels, name)
    else:
        y = numbers_of(frame, name, ", for the model predicts numbers")
    weights = None if weight is None else numbers_of(frame, weight, ", for they are weights")
    table = model.select(frame)
    for column in protected:
        if column not in table.column_names:
            table = table.append_column(column, frame[column])
    return AuditRows(table, y, weights)


class AuditProgress(ShownProgress):
    """Shows which stage of an audit is being done."""

    def stage(self, stage: Stage) -> bool:
        """Take note of a stage; never asks to stop."""
        if not self.begun:  # by now all that was asked fits together
            self.begin("audit")
        return self(Note("stage", min(stage.done + 1, stage.stages), stage.name, stage.share))


def _classes(cells: list[Any], labels: Sequence[Any], name: str) -> NDArray[Any]:
    """Outcomes as the model's own classes: a table may write True as "true", and 1 as "1"."""
    known = {_written(label): label for label in labels}
    found: list[Any] = []
    for cell in cells:
        if cell not in labels and _written(cell) not in known:
            raise InputError(
                subject=f"Column {name!r}",
                expected=f"hold the classes {short(list(labels))}",
                got=short(cell),
            )
        found.append(known[_written(cell)])
    made = np.empty(len(found), dtype=object)
    made[:] = found
    return made


def _written(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().lower() if isinstance(value, (bool, str)) else str(value)
