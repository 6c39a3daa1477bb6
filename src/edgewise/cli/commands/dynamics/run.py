"""The columns of courses are read, their equations searched, shown and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from edgewise._core.errors import InputError
from edgewise._core.files import write_file
from edgewise.cli.answer import Answer, code_of, to_json
from edgewise.cli.commands.dynamics import DynamicsRequest
from edgewise.cli.inputs import as_names, called, find, words_of
from edgewise.cli.outcome import Interrupts, make_folder
from edgewise.cli.terminal import tell
from edgewise.data import provenance, read_frame, to_table
from edgewise.data.arrow import Frame
from edgewise.data.dates import read_dates
from edgewise.data.encoding_raw import microseconds_of, raw_table
from edgewise.dynamics import Dynamics, find_dynamics
from edgewise.estimators.formula_rows import labels_of

# In which times are counted where they are dates.
_UNITS = (("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def run(asked: DynamicsRequest) -> Answer:
    """Search the equations of a table of courses."""
    frame = read_frame(asked.data)
    when, acting, course, states = _columns(frame, asked)
    known = provenance(frame)
    frame, clock = _counted(frame, when)
    tell(known.notes([when, *states, *acting, *([] if course is None else [course])]), quiet=asked.quiet)
    table = to_table(frame.select([when, *states, *acting]), known.source)
    X, t, _ = table.features(when, [*states, *acting], missing=True)
    d = len(states)
    if asked.out is not None:
        make_folder(asked.out)  # before the search, which would be lost
    with Interrupts() as interrupts:
        found = asked.call(
            find_dynamics,
            t,
            X[:, :d],
            states,
            X[:, d:] if acting else None,
            input_names=acting or None,
            groups=None if course is None else labels_of(raw_table(frame.select([course])).columns[0]),
            exclude_functions=as_names(asked.exclude_functions, ()) or (),
            callbacks=(interrupts,),
        )
    data = {**found.to_dict(), "time": {"column": when, **(clock or _Clock()).to_dict()}}
    if asked.places:
        from edgewise.estimators import save

        model, document = asked.places
        save(found, model)
        write_file(document, (to_json(data) + "\n").encode(), overwrite=True)

    def figure() -> Any:
        from edgewise.plots import plot_dynamics

        return plot_dynamics(found, time=label)

    lines = [*_lines(found), *([] if clock is None else [clock.told(when)])]
    label = when if clock is None else f"{clock.unit} since {clock.since}"
    return Answer(
        data,
        "\n".join(lines),
        files=asked.places,
        figure=figure,
        code=code_of(interrupts),
    )


def _columns(frame: Frame, asked: DynamicsRequest) -> tuple[str, list[str], str | None, list[str]]:
    """The columns of time, of inputs, of courses and of states."""
    known = frame.column_names
    when = find(frame, asked.time)
    course = None if asked.groups is None else find(frame, asked.groups)
    acting = [find(frame, name) for name in as_names(asked.inputs, known) or ()]
    left_out = {when, course, *acting, *(find(frame, name) for name in as_names(asked.drop, known) or ())}
    named = as_names(asked.columns, known)
    states = [name for name in (find(frame, name) for name in named or known) if name not in left_out]
    if course is not None and course in (when, *acting):
        raise InputError(
            subject="The column of --groups",
            expected="not be that of times or inputs",
            got=f"{called(course)} for both",
        )
    if worded := words_of(frame, states):
        courses = "" if course is not None else "name it by --groups if it says which course a row is of, or "
        raise InputError(
            subject="The states",
            expected="be columns of numbers",
            got=f"words in {called(worded[0])}",
            advice=f"{courses}leave it out with --drop",
        )
    if not states:
        raise InputError(subject="There", expected="be a column besides time, inputs and courses: the states")
    return when, acting, course, list(dict.fromkeys(states))


@dataclass(frozen=True)
class _Clock:
    """In what times are counted, and from when; nothing of numbers, whose unit nobody told."""

    unit: str | None = None
    since: str | None = None

    def told(self, when: str) -> str:
        """The rates, too, depend on it."""
        return f"Times in {when!r} are counted in {self.unit} since {self.since}, rates are per {str(self.unit)[:-1]}."

    def to_dict(self) -> dict[str, str | None]:
        """For JSON."""
        return {"unit": self.unit, "since": self.since}


def _counted(frame: Frame, when: str) -> tuple[Frame, _Clock | None]:
    """The table with dates as times since the first, in the largest unit that a step between rows holds; None of numbers."""
    cells = frame.column(when)
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        read = read_dates(cells.drop_null())
        if read is None or read.doubt:
            return frame, None
        spread = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[us]")
        spread[cells.is_valid().to_numpy()] = read.values.to_numpy()
    elif pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type):
        spread = microseconds_of(cells.to_numpy(), when)
    else:
        return frame, None
    if np.isnat(spread).all():
        return frame, None
    first = spread[~np.isnat(spread)].min()
    seconds = np.asarray((spread - first) / np.timedelta64(1, "s"), dtype=np.float64)
    steps = np.diff(np.unique(seconds[np.isfinite(seconds)]))
    step = float(np.median(steps)) if len(steps) else 1.0
    unit, size = next((item for item in _UNITS if item[1] <= step), _UNITS[-1])
    numbers = pa.array(seconds / size, pa.float64(), from_pandas=True)
    place = frame.column_names.index(when)
    return frame.set_column(place, when, numbers), _Clock(unit, str(first)[:19].replace("T", " "))


def _lines(found: Dynamics) -> list[str]:
    lines: list[str] = []
    for name, equation in zip(found.states, found.equations, strict=True):
        lines.append(f"{name}' = {equation.text}")
        cells = [f"{c.value:.6g} ± {c.standard_error:.2g}" for c in equation.constants]
        share = 100 * found.stability[name]
        lines.append(
            f"    {', '.join([*cells, f'r2 {equation.r2:.6g}', f'stable in {share:.0f} % of halves'])}"
        )
    return [*lines, found.message]
