"""Raw columns as an Arrow table that knows where it came from."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise.data.arrow import Cells, Frame
from edgewise.data.table import Table

# What is known of a frame's origin travels in its schema's metadata under these keys.
_SOURCE, _FINGERPRINT, _DIALECT = b"edgewise.source", b"edgewise.sha256", b"edgewise.dialect"
_DECISIONS, _UNITS, _SIGMA = b"edgewise.decisions", b"edgewise.units", b"edgewise.sigma"


@dataclass(frozen=True)
class Decision:
    """What a column was taken for, where that is not obvious.

    Attributes
    ----------
    column : str
        Its name.
    text : str
        "looks like amounts of money ('$1,100.50'): read as numbers (1100.5)"
    """

    column: str
    text: str

    def __str__(self) -> str:
        return f"Column {short(self.column, 40)} {self.text}."


@dataclass(frozen=True)
class Provenance:
    """Where a frame was read from.

    Attributes
    ----------
    source : str
        The file's name, or "standard input".
    fingerprint : str
        SHA-256 of the bytes it was read from, in hexadecimal.
    dialect : str
        What is unusual about how the file is written ("separated by semicolons, decimal commas"); empty where nothing is.
    decisions : tuple of Decision
        What columns of text were taken for.
    units : mapping of str to str
        Units that the table itself states, by column.
    """

    source: str = "the table"
    fingerprint: str = ""
    dialect: str = ""
    decisions: tuple[Decision, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict[str, str])

    def notes(self, columns: Collection[str] | None = None) -> tuple[str, ...]:
        """What was decided in reading, in sentences; of these columns only, where they are named."""
        read = (f"{self.source} is read so: {self.dialect}.",) if self.dialect else ()
        chosen = [decision for decision in self.decisions if columns is None or decision.column in columns]
        return (*read, *map(str, chosen))


def provenance(frame: Frame) -> Provenance:
    """Where a frame that `read_frame` read came from; for other tables, one that knows nothing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from edgewise.data import provenance
    >>> provenance(pa.table({"a": [1]})).source
    'the table'
    """
    metadata = frame.schema.metadata or {}
    if _SOURCE not in metadata:
        return Provenance()
    source, fingerprint, dialect = (metadata[key].decode() for key in (_SOURCE, _FINGERPRINT, _DIALECT))
    decisions = tuple(Decision(*pair) for pair in json.loads(metadata.get(_DECISIONS, b"[]")))
    return Provenance(source, fingerprint, dialect, decisions, json.loads(metadata.get(_UNITS, b"{}")))


def sigma_of(frame: Frame, column: str) -> Floats | None:
    """The standard deviations that a file states behind the numbers of a column, NaN in gaps; None where it states none."""
    stated = json.loads((frame.schema.metadata or {}).get(_SIGMA, b"{}")).get(column)
    return None if stated is None or len(stated) != frame.num_rows else np.array(stated, dtype=np.float64)


def with_sigma(frame: Frame, sigma: Mapping[str, Cells]) -> Frame:
    """The frame, all rows of a file, with standard deviations of columns in its metadata."""
    if not sigma:
        return frame
    stated = json.dumps({name: cells.to_pylist() for name, cells in sigma.items()}).encode()
    return frame.replace_schema_metadata({**(frame.schema.metadata or {}), _SIGMA: stated})


def with_provenance(frame: Frame, known: Provenance) -> Frame:
    """The frame with metadata that state where it came from."""
    metadata = {_SOURCE: known.source, _FINGERPRINT: known.fingerprint, _DIALECT: known.dialect}
    if known.decisions:
        metadata[_DECISIONS] = json.dumps([[decision.column, decision.text] for decision in known.decisions])
    if known.units:
        metadata[_UNITS] = json.dumps(dict(known.units))
    return frame.replace_schema_metadata({key: text.encode() for key, text in metadata.items()})


def to_frame(table: Table) -> Frame:
    """A table as raw columns: gaps become nulls, whole numbers integers.

    Examples
    --------
    >>> from edgewise.data import to_frame, to_table
    >>> to_frame(to_table({"n": [1, None], "sort": ["oak", "elm"]})).to_pylist()
    [{'n': 1, 'sort': 'oak'}, {'n': None, 'sort': 'elm'}]
    """
    check_is(table, Table, "table", "a Table")
    frame = pa.table({name: _to_arrow(values) for name, values in table.columns.items()})
    return with_provenance(frame, Provenance(table.source, table.fingerprint))


def _to_arrow(values: np.ndarray[Any, Any]) -> Any:
    """Missing cells as nulls; whole numbers as integers, the way people write them."""
    if values.dtype != np.float64:
        return pa.array(values.tolist(), type=pa.string())
    gaps = np.isnan(values)
    whole = np.all(gaps | ((values == np.round(values)) & (np.abs(values) < 2**53)))
    if whole and not gaps.all():
        return pa.array(np.where(gaps, 0, values).astype(np.int64), mask=gaps)
    return pa.array(values, mask=gaps)
