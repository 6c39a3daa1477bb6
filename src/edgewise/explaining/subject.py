"""What is explained: a model with its columns, network and terms, the rows it is seen on, and which of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import place_among
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, check_squarable, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, numpy_generator
from edgewise.data.encoding_columns import LevelColumn, NumberColumn
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.explaining.columns import Column, ModelRows, columns_of, read_rows
from edgewise.explaining.terms import NetworkTerms, double, terms_of, values_of
from edgewise.network import KAN
from edgewise.network.fitted import Fitted, fitted


@dataclass(frozen=True)
class Output:
    """A weighted sum of the network's outputs.

    Attributes
    ----------
    weights : tuple of float
    name : str
        What it is, in words.
    label : object
        The class that it supports; None where numbers are predicted.
    place : int
        Number of that class or output.
    """

    weights: tuple[float, ...]
    name: str
    label: Any
    place: int

    def of(self, outputs: Floats) -> Floats:
        """Its values from the network's outputs: (n, outputs) -> (n,)."""
        return outputs @ np.array(self.weights)


def output_of(model: Fitted, output: Any = None, default: int | None = None) -> Output:
    """The output called so.

    Of two classes the network gives the log-odds of the second, and those of the first are their negative. Of more classes
    only differences of logits mean something: the logit of a class is taken against the mean of all. Where a calibration
    follows, these are the numbers before it.

    Parameters
    ----------
    model : Fitted
    output : class, name or int, optional
    default : int, optional
        Number of the class that is meant where none is named.

    Raises
    ------
    InputError
        If there is no such output.
    """
    count = model.network.shape[-1]
    before = "" if model.calibration is None else " before calibration"
    if model.classes and count == 1:
        last = model.classes[-1]
        place = len(model.classes) - 1 if output is None else _place(output, list(model.classes))
        sign = 1.0 if place == len(model.classes) - 1 else -1.0
        label = last if sign > 0 else model.classes[place]
        return Output((sign,), f"log-odds of {label}{before}", label, place)
    if model.classes:
        place = (default or 0) if output is None else _place(output, list(model.classes))
        weights = -np.ones(count) / count
        weights[place] += 1.0
        label = model.classes[place]
        return Output(tuple(weights.tolist()), f"logit of {label} against all classes{before}", label, place)
    names = list(model.network.output_names)
    place = 0 if output is None else _place(output, names)
    name = model.target if count == 1 else names[place]
    return Output(tuple(np.eye(count)[place].tolist()), name, None, place)


def decisions(model: Fitted, outputs: Floats) -> NDArray[np.int64] | None:
    """Numbers of the classes that the model decides for, (n,); None where it predicts numbers."""
    return model.decided(outputs) if model.classes else None


def _place(output: Any, known: list[Any]) -> int:
    place = place_among(output, known)
    if place is not None:
        return place
    plain = output.item() if isinstance(output, np.generic) else output
    if isinstance(plain, int) and not isinstance(plain, bool) and 0 <= plain < len(known):
        return plain
    words = [str(name) for name in known]
    raise InputError(
        argument="output",
        expected=f"be one of {among(words)}",
        got=f"{short(output, 40)}{did_you_mean(output, words)}",
    )


# Rows that are drawn where no table is given.
DRAWN = 500


@dataclass(frozen=True, eq=False)
class ExplainedModel:
    """A model ready to be explained.

    Attributes
    ----------
    model : Fitted
    columns : tuple of Column
        The raw columns that become inputs; their order is that of every table of an explanation.
    rows : ModelRows
        The table it is seen on.
    given : bool
        Whether that table was given; else its rows were drawn evenly over the ranges and levels the model knows.
    """

    model: Fitted
    columns: tuple[Column, ...]
    rows: ModelRows
    given: bool

    @cached_property
    def network(self) -> KAN:
        """The network in float64."""
        return double(self.model.network)

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """For each input the number of its column."""
        owner = np.zeros(self.network.shape[0], dtype=np.int64)
        for k, column in enumerate(self.columns):
            owner[list(column.inputs)] = k
        return owner

    @cached_property
    def terms(self) -> NetworkTerms:
        """The network as a constant plus functions of sets of columns."""
        return terms_of(self.network, self.owner.tolist())

    @cached_property
    def outputs(self) -> Floats:
        """Outputs of the network for the rows, (n, outputs)."""
        values = values_of(self.network, self.rows.inputs)
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise InputError(
                argument="model",
                expected="have a finite answer for every row",
                got=f"none for row {row}",
                advice="fit it in other units, or leave such rows out",
            )
        check_squarable(values, "What the 'model' of explain answers", tiny=False)
        return values

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def some(self, most: int) -> NDArray[np.int64]:
        """Numbers of at most so many rows, evenly spread over the table."""
        return evenly(len(self.rows), most)


def evenly(n: int, most: int) -> NDArray[np.int64]:
    """At most so many of n rows, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))


def subject_of(
    model: Any, X: Any = None, *, units: Mapping[str, str] | None = None, seed: int = 0
) -> ExplainedModel:
    """Read a model and a table.

    Raises
    ------
    InputError
        If the model is none, reads no column, or the table does not fit it.
    """
    seen = fitted(model)
    columns = columns_of(seen, units)
    if not columns:
        raise InputError(argument="model", expected="read at least one column", got="one that reads none")
    rows = _drawn(seen, columns, seed) if X is None else read_rows(seen, X)
    return ExplainedModel(seen, columns, rows, X is not None)


def _drawn(model: Fitted, columns: tuple[Column, ...], seed: int) -> ModelRows:
    """Rows drawn evenly and independently over the ranges and levels that the model knows."""
    random = numpy_generator(derive(seed, 6101))
    raw: dict[int, RawColumn] = {}
    plain = list[Floats]()
    ranges = model.network.input_range().to("cpu").double().numpy()
    for column in columns:
        encoded = column.encoded
        if isinstance(encoded, LevelColumn):
            codes = random.integers(0, len(encoded.levels), DRAWN)
            raw[column.place] = RawColumn(column.name, "text", codes=codes, words=encoded.levels)
        elif isinstance(encoded, NumberColumn):
            values = random.uniform(encoded.low, encoded.high, DRAWN)
            if column.discrete:
                values = random.choice([encoded.low, encoded.high], DRAWN)
            raw[column.place] = RawColumn(column.name, encoded.kind, encoded.decode(values))
        else:
            low, high = ranges[column.inputs[0]].tolist()
            plain.append(random.uniform(low, high, DRAWN))
            raw[column.place] = RawColumn(column.name, "number", plain[-1])
    if model.encoding is None:
        return ModelRows(RawTable(tuple(raw.values()), DRAWN, named=True), np.column_stack(plain))
    nothing = np.full(DRAWN, np.nan)
    listed = tuple(
        raw.get(k, RawColumn(name, "number", nothing)) for k, name in enumerate(model.encoding.column_names)
    )
    table = RawTable(listed, DRAWN, named=True)
    return ModelRows(table, model.encoding.apply(table))
