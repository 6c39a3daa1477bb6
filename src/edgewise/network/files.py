"""Save and load: a network as one .kan file, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import check_bool, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.version import __version__
from edgewise.network.container import DTYPES, PathLike, Table, packed, read_container, write_container
from edgewise.network.fitted import HoldsNetwork
from edgewise.network.module import KAN
from edgewise.network.spec import KANSpec, LayerSpec
from edgewise.network.state import LayerState, make_layer

KIND = "KAN"
SCALINGS = ("input_shift", "input_scale", "output_shift", "output_scale")
_FLOATS = {code: dtype for code, dtype in DTYPES.items() if dtype.is_floating_point}


def save(model: KAN, path: PathLike, *, overwrite: bool = True) -> None:
    """Write a network to one file: its structure, names, scalings and every number to the bit.

    The file is a safetensors file whose metadata hold the structure as JSON. It is written beside its place first and moved
    there when complete, so that an interruption leaves the old file or the new one, never half of one.

    Parameters
    ----------
    model : KAN
    path : str or path
        Where to write, by custom with the suffix .kan.
    overwrite : bool
        False refuses a path that exists.

    Raises
    ------
    InputError
        If `model` is not a KAN, or its tensors are not of one floating dtype or not finite.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> model = KAN([2, 3, 1], input_names=["mass", "length"], seed=0)
    >>> save(model, "pendulum.kan")
    >>> load("pendulum.kan").input_names
    ('mass', 'length')
    """
    document, tensors = _contents(model)
    write_container(path, document, tensors, check_bool(overwrite, "overwrite"))


def file_of(model: KAN | HoldsNetwork) -> bytes:
    """What a file of a network holds, or of an estimator around one.

    Examples
    --------
    >>> net = KAN([1, 1], seed=0)
    >>> file_of(net) == file_of(net)
    True
    """
    return packed(*(_contents(model) if isinstance(model, KAN) else model.file_contents()))


def _contents(net: KAN) -> tuple[dict[str, Any], Mapping[str, Tensor]]:
    return network_document(net), net.state_dict()


def network_document(net: KAN, kind: str = KIND) -> dict[str, Any]:
    """What a file holds of a network besides its numbers."""
    return {
        "kind": kind,
        "written_by": __version__,
        "dtype": _one_dtype(net),
        "network": net.spec.to_json(),
    }


def load(path: PathLike) -> KAN:
    """Read a network that `save` wrote, on the CPU. No code from the file runs.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    KAN
        Bit for bit the one that was saved.

    Raises
    ------
    FileError
        If the file is missing, not a .kan file, written by a newer edgewise, or damaged anywhere.

    Examples
    --------
    >>> net = KAN([2, 3, 1], seed=0)
    >>> save(net, "net.kan")
    >>> again = load("net.kan")
    >>> all(torch.equal(again.state_dict()[name], tensor) for name, tensor in net.state_dict().items())
    True
    """
    document, tensors = read_container(path, KIND, promised_tensors)
    return restored(document, tensors, path)


def restored(document: Mapping[str, Any], tensors: Mapping[str, Tensor], path: PathLike) -> KAN:
    """The network that a file holds.

    Raises
    ------
    FileError
        If its numbers make no network.
    """
    try:
        net = build_network(KANSpec.from_json(document["network"]), tensors)
    except InputError as error:  # a grid that does not increase
        raise FileError(f"The file {path} is damaged: {error}") from error
    if not bool(net.input_scale.all()):
        raise FileError(f"The file {path} is damaged: an input is divided by an input_scale of zero.")
    return net


def _one_dtype(net: object) -> str:
    """Code of the floating dtype that all numbers of the network share; they are finite, as in files that are read."""
    if not isinstance(net, KAN):
        raise InputError(argument="model", expected="be a KAN", got=short(net))
    found = {tensor.dtype for tensor in net.state_dict().values()} - {torch.bool}
    codes = [code for code, dtype in _FLOATS.items() if found == {dtype}]
    if not codes:
        names = ", ".join(sorted(map(str, found)))
        raise InputError(
            argument="model",
            expected="be of one floating dtype throughout",
            got=names,
            advice="convert it with net.double()",
        )
    for name, tensor in net.state_dict().items():
        if not bool(tensor.isfinite().all()):
            raise InputError(
                argument="model", expected="have finite parameters", got=f"NaN or infinity in {name}"
            )
    return codes[0]


def promised_tensors(document: Mapping[str, Any]) -> Table:
    """The tensors that a network of this description has. Sizes are only computed here: nothing is allocated."""
    code = document.get("dtype")
    if not isinstance(code, str) or code not in _FLOATS:
        raise InputError(argument="dtype", expected=f"be one of {', '.join(_FLOATS)}", got=short(code))
    if "network" not in document:
        raise InputError("The description of the network is missing.")
    spec = KANSpec.from_json(document["network"])
    table: Table = {}
    for k, layer in enumerate(spec.layers):
        for name, (kind, shape) in _layer_table(layer, code).items():
            table[f"layers.{k}.{name}"] = (kind, shape)
    for name in SCALINGS:
        table[name] = (code, (spec.shape[0 if name.startswith("input") else -1],))
    return table


def _layer_table(spec: LayerSpec, code: str) -> Table:
    n, m = spec.in_features, spec.nodes.incoming
    size = spec.intervals + spec.degree
    columns = {"bspline": spec.intervals + 1, "rbf": size - 2}.get(spec.basis, 2)
    table: Table = {"coef": (code, (n, size, m)), "grid": (code, (n, columns)), "mask": ("BOOL", (n, m))}
    if spec.bias:
        table["bias"] = (code, (m,))
    if spec.base is not None:
        table["base_weight"] = (code, (n, m))
    if spec.symbolic:
        table["affine"] = (code, (len(spec.symbolic), 4))
    return table


def build_network(spec: KANSpec, tensors: Mapping[str, Tensor]) -> KAN:
    """The network of a description from its tensors, named as in its state."""
    layers = [
        make_layer(
            LayerState(
                layer,
                tensors[f"layers.{k}.grid"],
                tensors[f"layers.{k}.mask"],
                tensors[f"layers.{k}.coef"],
                tensors.get(f"layers.{k}.bias"),
                tensors.get(f"layers.{k}.base_weight"),
                tensors.get(f"layers.{k}.affine"),
            )
        )
        for k, layer in enumerate(spec.layers)
    ]
    net = KAN.from_layers(spec, layers)
    with torch.no_grad():
        for name in SCALINGS:
            getattr(net, name).copy_(tensors[name])
    return net
