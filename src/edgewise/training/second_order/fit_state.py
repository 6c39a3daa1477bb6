"""What a second-order fit is asked for, where it stands, and that in a file from which it goes on to the same result."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from edgewise._core.errors import FileError
from edgewise._core.stopping import StopReason
from edgewise.network import KAN
from edgewise.network.container import Table, cause, read_container, write_container
from edgewise.network.files import build_network, promised_tensors
from edgewise.network.spec import KANSpec
from edgewise.training.common.records import Record
from edgewise.training.common.state_files import check_same_fit, is_there
from edgewise.training.second_order import lm
from edgewise.training.second_order.lm import LMState
from edgewise.training.second_order.penalty import Weights

# Most steps of a round with work=1.
STEPS = 60
KIND = "fit checkpoint"
# Writing after every step would cost more than the steps of a small network.
SECONDS_BETWEEN = 1.0


@dataclass(frozen=True)
class Options:
    """Settings of a second-order fit; see `fit`. Grids grow to what `work` times the normal multiplications can carry."""

    steps: int = STEPS
    work: float = 1.0
    starts: int = 1
    intervals: tuple[int, ...] | None = None
    roughness: float | None = None
    sparsity: float | None = 0.0
    total_variation: float = 0.0
    patience: int = 1
    seed: int = 0
    # It changes no result, and so belongs to no fingerprint.
    shared: bool = field(default=False, repr=False)


@dataclass(frozen=True, eq=False)
class FitState:
    """Where a fit stands.

    Attributes
    ----------
    stage : "start", "round", "refit" or "done"
    index, step, updates : int
        Number of the start or round, LM steps and weight updates within it.
    net : KAN
        Grids, masks and forms of the present stage; its trained numbers are those of `state`.
    state : lm.LMState
    weights : Weights
    best, best_error, best_weights
        Best network so far with its criterion (held-out error, or generalised cross-validation) and the weights it was
        trained with.
    pool, pool_errors
        Networks the finished starts arrived at.
    rounds_without_progress : int
        Rounds without progress.
    degrees : float
        Effective degrees of freedom at the last update.
    round_error, round_loss : float
        Criterion at the last update of the weights; training loss at the end of the round before.
    noise_free, best_noise_free : bool
        Whether the present round, and the one that gave the best network, went without smoothing: every finer grid
        lowers the error too steeply for noise.
    held_out_error : float
        Held-out error of the best network before the refit, in the units of y.
    stop_reason, events
        Why the fit is done, and what happened on the way.
    """

    stage: str
    index: int
    step: int
    updates: int
    net: KAN
    state: lm.LMState
    weights: Weights
    best: KAN
    best_error: float
    best_weights: Weights | None = None
    pool: tuple[KAN, ...] = ()
    pool_errors: tuple[float, ...] = ()
    rounds_without_progress: int = 0
    degrees: float = math.nan
    round_error: float = math.inf
    round_loss: float = math.inf
    noise_free: bool = False
    best_noise_free: bool = False
    held_out_error: float = math.nan
    stop_reason: StopReason | None = None
    events: tuple[str, ...] = ()


class FitCheckpoint:
    """A file that follows a fit.

    Parameters
    ----------
    path : Path
    fingerprint : str
        Of the rows, settings and network the fit was started with.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint
        self._written = 0.0

    def read(self) -> tuple[FitState, list[Record]] | None:
        """The stored state and history, or None where there is no file yet.

        Raises
        ------
        FileError
            If the file is damaged or belongs to another fit.
        """
        if not is_there(self.path):
            return None
        document, tensors = read_container(self.path, KIND, _promised, finite=False)
        check_same_fit(self.path, document.get("fingerprint"), self.fingerprint)
        try:
            return _state(document, tensors), [Record(**entry) for entry in document["history"]]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise FileError(
                f"The checkpoint {self.path} is damaged ({cause(error)}); remove it to start anew."
            ) from error

    def write(self, state: FitState, history: list[Record], force: bool = False) -> None:
        """Store a state, at most once a second unless forced."""
        if not force and time.monotonic() - self._written < SECONDS_BETWEEN:
            return
        networks = _networks(state)
        tensors: dict[str, Tensor] = {"theta": state.state.theta}
        for k, net in enumerate(networks):
            tensors |= {f"net{k}.{name}": tensor.clone() for name, tensor in net.state_dict().items()}
        for name, weights in _weights(state).items():
            for k, (rough, tilt) in enumerate(zip(weights.rough, weights.tilt, strict=True)):
                # Copies: two names of one tensor may not share a file.
                tensors |= {f"{name}.rough{k}": rough.clone(), f"{name}.tilt{k}": tilt.clone()}
        document = {
            "kind": KIND,
            "fingerprint": self.fingerprint,
            "networks": [net.spec.to_json() for net in networks],
            "scalars": {stored: _number(getattr(state, name)) for name, stored in _SCALARS.items()},
            "lm": {name: _number(getattr(state.state, name)) for name in _LM_SCALARS},
            "pool_errors": [_number(error) for error in state.pool_errors],
            "events": list(state.events),
            "weights": list(_weights(state)),
            "edges": [len(w) for w in state.weights.rough],
            "parameters": len(state.state.theta),
            "history": [dataclasses.asdict(record) for record in history],
        }
        write_container(self.path, json.loads(json.dumps(document)), tensors, overwrite=True)
        self._written = time.monotonic()


_HELD = {"net", "state", "weights", "best", "best_weights", "pool", "pool_errors", "events"}
# Names in the file where they are not those of the state: files of earlier versions are read on.
_STORED = {
    "rounds_without_progress": "stale",
    "noise_free": "resolving",
    "best_noise_free": "best_resolved",
    "held_out_error": "judged",
}
_SCALARS = {
    field.name: _STORED.get(field.name, field.name)
    for field in dataclasses.fields(FitState)
    if field.name not in _HELD
}
_LM_SCALARS = [field.name for field in dataclasses.fields(LMState) if field.name != "theta"]


def _networks(state: FitState) -> list[KAN]:
    return [state.net, state.best, *state.pool]


def _weights(state: FitState) -> dict[str, Weights]:
    best = {} if state.best_weights is None else {"best": state.best_weights}
    return {"present": state.weights, **best}


def _promised(document: Mapping[str, Any]) -> Table:
    """The tensors that a checkpoint of this description holds."""
    table: Table = {"theta": ("F64", (int(document["parameters"]),))}
    for k, spec in enumerate(document["networks"]):
        part = promised_tensors({"dtype": "F64", "network": spec})
        table |= {f"net{k}.{name}": entry for name, entry in part.items()}
    for name in document["weights"]:
        for k, count in enumerate(document["edges"]):
            table |= {f"{name}.{kind}{k}": ("F64", (int(count),)) for kind in ("rough", "tilt")}
    return table


def _state(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> FitState:
    networks: list[KAN] = []
    for k, spec in enumerate(document["networks"]):
        prefix = f"net{k}."
        own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        networks.append(build_network(KANSpec.from_json(spec), own))
    layers = range(len(document["edges"]))
    weights = {
        name: Weights(*(tuple(tensors[f"{name}.{kind}{k}"] for k in layers) for kind in ("rough", "tilt")))
        for name in document["weights"]
    }
    scalars = {name: _value(document["scalars"][stored]) for name, stored in _SCALARS.items()}
    ended = scalars.pop("stop_reason")
    lm_scalars = {name: _value(document["lm"][name]) for name in _LM_SCALARS}
    return FitState(
        net=networks[0],
        state=LMState(theta=tensors["theta"], **lm_scalars),
        weights=weights["present"],
        best_weights=weights.get("best"),
        best=networks[1],
        pool=tuple(networks[2:]),
        pool_errors=tuple(_value(error) for error in document["pool_errors"]),
        events=tuple(document["events"]),
        stop_reason=None if ended is None else StopReason(ended),
        **scalars,
    )


def _number(value: Any) -> Any:
    """Floats as their exact hexadecimal text: JSON knows neither infinity nor every bit."""
    return value.hex() if isinstance(value, float) else value


def _value(value: Any) -> Any:
    if isinstance(value, str) and ("0x" in value or value in ("inf", "-inf", "nan")):
        return float.fromhex(value)
    return value
