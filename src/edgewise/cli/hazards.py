"""What the command line does with times that may not be over yet: `fit --event`, and `predict` of such a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table as Grid

from edgewise._core.checks import plural
from edgewise._core.errors import InputError
from edgewise._core.work import Meter, check_work, running
from edgewise.cli.answer import Answer
from edgewise.cli.inputs import ColumnRoles, complete, find, prepare, refuse_infinite, timed
from edgewise.cli.outcome import DONE, INTERRUPTED, Interrupts, make_folder, refuse_short
from edgewise.cli.page import origin
from edgewise.cli.predictions import beside, handed_over
from edgewise.cli.progress import ShownProgress
from edgewise.cli.stages import LEARN, Limit, Stages
from edgewise.cli.summary import dim
from edgewise.cli.terminal import tell
from edgewise.data import provenance, read_frame
from edgewise.data.write import check_table_name
from edgewise.estimators import KANSurvival, load, save
from edgewise.report import content_from_survival, write_report
from edgewise.symbolic.costs import SEARCH_WORK_UNITS
from edgewise.training import TableConfig
from edgewise.training.tabular.plan import WORK_UNITS

if TYPE_CHECKING:
    from edgewise.cli.commands.predict import PredictRequest
    from edgewise.report import SurvivalCheck

# Parts of a row's outcome, by the options that name their columns.
_PARTS = ("event", "entry", "until")
_FEWEST_ROWS = 20


def fit(asked: Any) -> Answer:
    """Learn hazards from a table of times, as a `FitRequest` asks; a share of the rows is held out to judge them."""
    frame = read_frame(asked.data)
    duration = find(frame, asked.target or asked.time or "")
    named = {name: find(frame, column) for name in _PARTS if (column := getattr(asked, name)) is not None}
    # A time beside a target parts rows; alone it is what is learned.
    time = asked.time if asked.target is not None else None
    roles = ColumnRoles(
        duration, asked.columns, asked.drop, asked.weight, asked.groups, time, outcomes=tuple(named.values())
    )
    inputs = prepare(frame, roles, drop_missing=asked.drop_missing, task="regression")
    refuse_short(inputs.source, inputs.n_rows, _FEWEST_ROWS)
    tell(inputs.notes, quiet=asked.quiet)
    assert inputs.outcomes is not None
    whole = inputs.frame.append_column(duration, pa.array(inputs.y))
    for name in inputs.outcomes.column_names:
        whole = whole.append_column(name, inputs.outcomes.column(name))
    train, test = inputs.halves(asked.test, asked.seed)
    model_file, report, network = asked.places
    make_folder(model_file.parent)
    with ShownProgress(asked.quiet) as progress, Interrupts() as interrupts, running(Meter()):
        stages = Stages(interrupts, progress, Limit(asked.seconds, asked.began, [LEARN], whole.num_rows))

        def learn(seconds: float | None) -> KANSurvival:
            made = asked.call(
                KANSurvival,
                members="auto" if asked.members is None else asked.members,
                # Of the work of a job, which is that of a search for a formula.
                work=SEARCH_WORK_UNITS / WORK_UNITS * check_work(asked.work),
                seconds=seconds,
                random_state=asked.seed,
                callbacks=stages.callbacks,
                config=TableConfig(identifier_rows=inputs.n_rows + 1),
            )
            return made.fit(
                whole.take(pa.array(train)),
                sample_weight=None if inputs.weight is None else inputs.weight[train],
                groups=None if inputs.groups is None else inputs.groups[train],
                duration=duration,
                **named,
            )

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = stages.run(LEARN, learn)
        if model is None:
            raise KeyboardInterrupt
        progress.begin("draw the page")
        content = content_from_survival(
            model,
            whole.take(pa.array(train)),
            whole.take(pa.array(test if len(test) else train)),
            duration=duration,
            title=f"Hazards over {duration} from {inputs.source}",
            source=inputs.source,
            units=dict(inputs.units),
            origin=origin(inputs.fingerprint, asked.seed),
            notes=inputs.notes,
            rows=asked.rows,
            **named,
        )
    tell(dict.fromkeys(" ".join(str(item.message).split()) for item in caught), quiet=asked.quiet)
    save(model, model_file)
    network.unlink(missing_ok=True)  # of an earlier table; that it may go was asked for
    write_report(report, content, overwrite=True)
    files = {"model": model_file, "report": report}
    reason = model.model_.fit_.stop_reason
    check = content.survival if len(test) else None
    data: dict[str, Any] = {
        "target": duration,
        "task": "survival",
        "columns": list(inputs.names),
        "causes": list(model.causes_),
        "proportional": model.proportional_,
        "pieces": len(model.pieces_),
        "rows": {"fitted": len(train), "held_out": len(test)},
        "accuracy": None if check is None else _as_data(check),
        "files": {name: str(path) for name, path in files.items()},
        "notes": list(inputs.notes),
        "seed": asked.seed,
        "stop_reason": reason.value,
        "message": reason.advice,
    }
    code = INTERRUPTED if interrupts.happened else DONE
    return Answer(data, _shown(model, check, files, reason.advice), code=code)


def _as_data(check: SurvivalCheck) -> dict[str, Any]:
    found = {
        "rows": check.rows,
        "events": check.events,
        "concordance": check.concordance,
        "integrated_brier": check.brier,
        "integrated_brier_of_all": check.brier_of_all,
    }
    return {name: None if value != value else value for name, value in found.items()}


def _shown(
    model: KANSurvival, check: SurvivalCheck | None, files: dict[str, Any], advice: str
) -> Iterator[RenderableType]:
    if check is not None:
        grid = Grid(
            box=SIMPLE_HEAD,
            title=f"{check.rows:,} held-out rows, {plural(check.events, 'event')}",
            title_justify="left",
            title_style="bold",
        )
        grid.add_column("model", no_wrap=True)
        for heading in ("Harrell's C", "integrated Brier"):
            grid.add_column(heading, justify="right")
        grid.add_row("Kaplan-Meier, the same for all", "0.5000", _number(check.brier_of_all))
        grid.add_row("hazards", f"{check.concordance:.4f}", _number(check.brier), style="bold")
        yield grid
    names = [model.time_name_ in pair for hazard in model.models_.values() for pair in hazard.interactions_]
    yield from dim(
        (
            "Hazards are proportional: no column acts together with time."
            if model.proportional_
            else f"Hazards are not proportional: {plural(sum(names), 'column')} act together with time."
            if any(names)
            else "Hazards are those of a deep network.",
            advice,
        )
    )
    yield ""
    yield from (f"{name:<8}{path}" for name, path in files.items())


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"


def predict(asked: PredictRequest) -> Answer:
    """Risks, median times and chances of survival of the rows of a table."""
    model: KANSurvival = load(asked.model)
    if asked.interval is not None:
        raise InputError(
            subject="The option --interval",
            expected="be left out for hazards, whose chances are written anyway",
            got=f"{asked.interval:g}",
        )
    if asked.file is not None:
        check_table_name(asked.file)
    frame = read_frame(asked.data)
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    used = timed(frame.select([find(frame, name) for name in names]))
    source = provenance(frame).source
    refuse_infinite(used, source)
    tell(provenance(frame).notes(names), quiet=asked.quiet)
    if asked.drop_missing:
        kept = pa.array(complete(used, names))
        used, frame = used.filter(kept), frame.filter(kept)
    times = _times(asked, model)
    chances = model.predict_survival(used, times)
    fresh = {
        "risk": pa.array(model.predict(used)),
        # Beyond the last time that was observed there is no answer.
        "median": pa.array([None if np.isinf(time) else float(time) for time in model.predict_median(used)]),
        **{f"survival_{time:g}": pa.array(chances[:, k]) for k, time in enumerate(times)},
    }
    if len(model.causes_) > 1:
        for cause in model.causes_:
            incidence = model.predict_cumulative_incidence(used, times, cause)
            fresh |= {f"{cause}_by_{time:g}": pa.array(incidence[:, k]) for k, time in enumerate(times)}
    return handed_over(beside(frame if asked.keep else used, fresh, model.outside(used), source), asked.file)


def _times(asked: PredictRequest, model: KANSurvival) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The times asked for; by default quarters of those that were observed."""
    if not asked.times:
        low, high = model.pieces_.cuts[0], model.pieces_.cuts[-1]
        # In three digits, as names of columns.
        return np.array([float(f"{low + (high - low) * share:.3g}") for share in (0.25, 0.5, 0.75)])
    found = [part.strip() for entry in asked.times for part in entry.split(",") if part.strip()]
    try:
        return np.array([float(part) for part in found])
    except ValueError:
        raise InputError(
            subject="The option --times", expected="be numbers such as 1,5,10", got=", ".join(found)
        ) from None
