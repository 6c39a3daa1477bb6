"""One face for what a .kan file may hold: an estimator that reads raw columns, or a network that reads numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import among, did_you_mean
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.cli.inputs import called, numbers_of, refuse_infinite, timed
from edgewise.data import provenance
from edgewise.data.arrow import Frame
from edgewise.network.container import kind_of

if TYPE_CHECKING:
    from edgewise.cli.answer import Answer
    from edgewise.network import KAN


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A trained model and the columns it reads.

    Attributes
    ----------
    held : a KAN, a KANRegressor or a KANClassifier
    names : the raw columns it reads, in order
    outputs : what it predicts, by name
    classes : the classes it predicts; empty for numbers
    """

    held: Any
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    classes: tuple[Any, ...] = ()

    @property
    def is_estimator(self) -> bool:
        """Whether it reads raw columns; a plain network reads numbers."""
        return hasattr(self.held, "network_")

    @property
    def network(self) -> KAN:
        """The network itself."""
        return self.held.network_ if self.is_estimator else self.held

    @property
    def target(self) -> str:
        """The column it predicts."""
        return self.outputs[0]

    @property
    def labels(self) -> tuple[Any, ...]:
        """The classes as plain Python values."""
        return tuple(np.asarray(self.classes).tolist())

    @property
    def fit(self) -> Any:
        """What training told, where it was in this program; nothing of a network from a file."""
        return getattr(self.held, "fit_", None)

    @property
    def stop_reason(self) -> StopReason | None:
        """Why training ended; None for a network from a file."""
        return getattr(self.fit, "stop_reason", None)

    def coded(self, y: NDArray[Any]) -> Floats:
        """Targets as numbers: themselves, or the place of each row's class."""
        if not self.classes:
            return np.asarray(y, dtype=np.float64)
        place = {label: k for k, label in enumerate(self.labels)}
        return np.array([place[label] for label in np.asarray(y).tolist()], dtype=np.float64)

    def select(self, frame: Frame) -> Frame:
        """The columns it reads, or one sentence naming those that are missing."""
        missing = [name for name in self.names if name not in frame.column_names]
        if missing:
            source = provenance(frame).source
            hint = did_you_mean(missing[0], frame.column_names)
            what = "a column" if len(missing) == 1 else f"{len(missing)} columns"
            raise InputError(
                f"{source} has no column {among(missing)}{hint}; the model needs {what} called so."
            )
        used = timed(frame.select(list(self.names)))
        refuse_infinite(used, provenance(frame).source)
        return used

    def values(self, used: Frame) -> Floats:
        """Predictions, shape (n,) or (n, outputs), or the probability of every class, shape (n, classes)."""
        if not self.is_estimator:
            predicted = self.held.predict(self.encoded(used))
            answers = predicted[:, 0] if predicted.shape[1] == 1 else predicted
        else:
            answers = self.held.predict_proba(used) if self.classes else self.held.predict(used)
        values = np.asarray(answers, dtype=np.float64)
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise InputError(
                subject=provenance(used).source,
                expected="hold rows that the model has a finite answer for",
                got=f"none for row {row + 1:,} of those asked",
                advice="its numbers are beyond the model's precision, so correct or drop it",
            )
        return values

    def interval(self, used: Frame, share: float) -> Floats:
        """Lowest and highest value that hold such a share of new rows, shape (n, 2) or (n, outputs, 2)."""
        if self.classes:
            raise InputError(
                subject="The option --interval",
                expected="be left out for classes: their probabilities are written anyway",
                got=f"{share:g}",
            )
        if not self.is_estimator:
            raise InputError(
                subject="The option --interval",
                expected="be left out for a plain network, which has no out-of-bag errors",
                got=f"{share:g}",
                advice="use a model of `edgewise fit`",
            )
        return np.asarray(self.held.predict(used, return_interval=share)[1], dtype=np.float64)

    def encoded(self, used: Frame) -> Floats:
        """The columns as the network takes them, shape (n, inputs)."""
        if not self.is_estimator:
            return _numbers_of(used)
        return np.asarray(self.held.encoding_.apply(used), dtype=np.float64)

    def outside(self, used: Frame) -> NDArray[np.bool_]:
        """Which rows hold a number beyond what it has seen."""
        import torch

        X = self.encoded(used)
        return self.network.outside(torch.from_numpy(X).to(self.network.dtype)).any(dim=1).numpy()

    def save(self, path: Path) -> None:
        """Write it to a .kan file."""
        import edgewise

        edgewise.save(self.held, path)


def preload() -> None:
    """Load the estimators and what they stand on, which takes seconds."""
    for name in ("KANClassifier", "KANRegressor"):
        getattr(import_module("edgewise.estimators"), name)


_NOT_OF_TABLES = {
    "ImageClassifier": "a classifier of pictures, instead; `edgewise predict`, `explain` and `report` take it",
    "FormulaRegressor": "a formula, instead; `edgewise predict` takes it",
    **dict.fromkeys(
        ("Formula", "GroupedFormula", "BranchedFormula"),
        "a formula by itself, instead; `edgewise.load` reads it, and its predict takes a table",
    ),
    "KANForecaster": "a forecaster of a series, instead; `edgewise.load` reads it, and its forecast carries the series on",
    "KANQuantile": "quantiles of a number, instead; `edgewise.load` reads it, and its predict takes a table",
    "KANSurvival": "hazards of times, instead; `edgewise predict` takes it, and in Python its `model_` is a network",
    "Solution": "the solution of an equation, instead; `edgewise.load` reads it",
    "Dynamics": "the equations of courses, instead; `edgewise.load` reads it, and its simulate solves them from any start",
}


# What the command line does with a model of another kind stands in a file of functions, named like commands.
_WAYS = {"ImageClassifier": "pictures", "FormulaRegressor": "formulas", "KANSurvival": "hazards"}


def way_of_kind(model: Path, command: str) -> Callable[[Any], Answer] | None:
    """What answers a request of a command about a model of such a kind, if there is something of its own."""
    name = f"edgewise.cli.{_WAYS.get(kind_of(model) or '', '')}"
    there = not name.endswith(".") and find_spec(name) is not None
    return getattr(import_module(name), command, None) if there else None


def load_any(path: Path, other: str) -> tuple[Any, bool]:
    """What a file holds, and whether it is of the other kind that may be there beside networks for tables."""
    import edgewise

    return (edgewise.load(path), True) if kind_of(path) == other else (load_model(path).held, False)


def load_model(path: Path) -> LoadedModel:
    """What a .kan file holds."""
    import edgewise

    held: Any = edgewise.load(path)
    other = _NOT_OF_TABLES.get(type(held).__name__)
    if other is not None:
        raise InputError(subject="The model", expected="be a network for tables here", got=f"{path}, {other}")
    if not hasattr(held, "network_"):
        return LoadedModel(held, held.input_names, held.output_names)
    names = getattr(held, "feature_names_in_", None)
    columns = tuple(map(str, names)) if names is not None else tuple(held.encoding_.column_names)
    classes = tuple(getattr(held, "classes_", ()))
    outputs = tuple(getattr(held, "target_names_", ())) or (("y",) if classes else held.network_.output_names)
    return LoadedModel(held, columns, outputs, classes)


def _numbers_of(used: Frame) -> Floats:
    """The columns as one matrix, or one sentence about the one that does not fit in."""
    columns = {name: numbers_of(used, name) for name in used.column_names}
    for name, values in columns.items():
        if gaps := int(np.isnan(values).sum()):
            raise InputError(
                subject=f"Column {called(name)} of {provenance(used).source}",
                expected="have no missing cells, for this model is a network of numbers",
                got=f"{gaps:,} missing",
                advice="fill them, or give --drop-missing",
            )
    return np.stack(list(columns.values()), axis=1)
