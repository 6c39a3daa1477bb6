"""Raw columns as an Arrow table that knows where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from edgewise.data.arrow import Frame
from edgewise.data.table import Table

# What is known of a frame's origin travels in its schema's metadata under these keys.
_SOURCE, _FINGERPRINT, _DIALECT = b"edgewise.source", b"edgewise.sha256", b"edgewise.dialect"


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
    """

    source: str = "the table"
    fingerprint: str = ""
    dialect: str = ""


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
    return Provenance(*(metadata[key].decode() for key in (_SOURCE, _FINGERPRINT, _DIALECT)))


def with_provenance(frame: Frame, known: Provenance) -> Frame:
    """The frame, told where it came from."""
    told = {_SOURCE: known.source, _FINGERPRINT: known.fingerprint, _DIALECT: known.dialect}
    return frame.replace_schema_metadata({key: text.encode() for key, text in told.items()})


def to_frame(table: Table) -> Frame:
    """A table as raw columns: gaps become nulls, whole numbers integers.

    Examples
    --------
    >>> from edgewise.data import to_frame, to_table
    >>> to_frame(to_table({"n": [1, None], "sort": ["oak", "elm"]})).to_pylist()
    [{'n': 1, 'sort': 'oak'}, {'n': None, 'sort': 'elm'}]
    """
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
