"""A trained model as explanations, proofs and audits see it: its network, how columns become inputs, what outputs mean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_matrix, short
from edgewise._core.errors import InputError
from edgewise.data import Encoding
from edgewise.network.calibration import Calibration
from edgewise.network.module import KAN


class HoldsNetwork:
    """Base of the estimators above this room, by which the rooms between know them."""

    network_: KAN

    @abstractmethod
    def file_contents(self) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
        """What a file holds of it: a document that JSON takes, and the numbers of the network."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network with what is known around it.

    Attributes
    ----------
    network : KAN
    encoding : Encoding or None
        How raw columns become inputs; None for a plain network, which reads numbers.
    classes : tuple
        The classes an estimator predicts, as plain values; empty where the outputs are numbers.
    target : str
        What is predicted, by name.
    held : KAN, KANRegressor, KANClassifier or CalibratedKAN
        The model itself.
    calibration : Calibration or None
        The rising maps between the network's outputs and the model's answers, where there are any.
    """

    network: KAN
    encoding: Encoding | None
    classes: tuple[Any, ...]
    target: str
    held: Any
    calibration: Calibration | None = None

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the raw columns it reads; of a plain network those of its inputs."""
        return self.network.input_names if self.encoding is None else self.encoding.column_names

    @cached_property
    def sources(self) -> tuple[int, ...]:
        """For each input of the network the place of its raw column."""
        return tuple(range(self.network.shape[0])) if self.encoding is None else self.encoding.sources

    @property
    def binary(self) -> bool:
        """Whether the one output is the log-odds of the second of two classes."""
        return len(self.classes) == 2

    @property
    def threshold(self) -> float:
        """The output of the network above which the second of two classes is decided for."""
        carried = None if self.calibration is None else self.calibration.threshold
        return 0.0 if carried is None else carried

    def decided(self, outputs: Floats) -> NDArray[np.int64]:
        """Numbers of the classes that are decided for, (n,), from outputs of the network (n, outputs)."""
        if self.calibration is not None:
            return self.calibration.decided(outputs)
        if len(self.classes) == 1:
            return np.zeros(len(outputs), dtype=np.int64)
        return (outputs[:, 0] > 0).astype(np.int64) if self.binary else outputs.argmax(axis=1)

    def answers(self, outputs: Floats) -> Floats:
        """Outputs of the network as the model gives them, (n, outputs): calibrated log-odds where it is calibrated."""
        if self.calibration is None:
            return outputs
        return self.calibration.log_odds(outputs).reshape(outputs.shape)

    def inputs(self, X: Any) -> Floats:
        """Inputs of the network for the rows of a table, shape (n, inputs)."""
        if self.encoding is None:
            return check_matrix(X, "X", columns=self.network.shape[0])
        return self.encoding.apply(self.held.raw_table(X))

    def outputs(self, X: Any) -> Floats:
        """Outputs of the network for the rows of a table, shape (n, outputs): units of y, log-odds or logits."""
        return self.network.predict(self.inputs(X))


def fitted(model: Any, *, others: str = "") -> Fitted:
    """See a model as `Fitted`.

    Parameters
    ----------
    model : KAN, KANRegressor, KANClassifier or CalibratedKAN
        Estimators are known by what they carry, for they stand above this room.
    others : str
        What else the asker takes, for the message.

    Raises
    ------
    InputError
        If it is none of these, or is not fitted.

    Examples
    --------
    >>> fitted(KAN([2, 1], seed=0)).columns
    ('x1', 'x2')
    """
    if isinstance(model, Fitted):
        return model
    if isinstance(model, KAN):
        return Fitted(model, None, (), model.output_names[0], model)
    net, encoding = getattr(model, "network_", None), getattr(model, "encoding_", None)
    if isinstance(net, KAN) and isinstance(encoding, Encoding):
        classes = tuple(np.asarray(getattr(model, "classes_", ())).tolist())
        target = (*getattr(model, "target_names_", ()), *net.output_names)[0]
        return Fitted(net, encoding, classes, target, model, getattr(model, "calibration_", None))
    raise InputError(
        argument="model",
        expected=f"be a KAN{others and f', {others}'} or a fitted KANRegressor or KANClassifier",
        got=short(model),
        advice=_instead(model),
    )


def _instead(model: Any) -> str:
    """What of a model can be seen as `Fitted`, or why there is nothing yet."""
    parts: Mapping[str, Any] = getattr(model, "__dict__", {})
    inner = next((name for name, part in parts.items() if isinstance(part, (KAN, HoldsNetwork))), "")
    if inner:
        return f"ask it of its .{inner}"
    if "formula_" in parts:
        return "it holds a formula, its .formula_, and no network"
    # What fit has learned ends in an underscore, as scikit-learn has it.
    learned = any(name.endswith("_") and not name.startswith("_") for name in parts)
    return "it is not fitted: call fit first" if hasattr(model, "fit") and not learned else ""
