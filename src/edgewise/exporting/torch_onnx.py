"""A torch module with layers of functions as ONNX: written as plain torch first, whose operators are standard ones.

What holds such a module and knows what it takes, as a classifier of pictures does, needs no example.
"""

from __future__ import annotations

import io
import warnings
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.extras import need
from edgewise.exporting.torch_source import to_torch_source
from edgewise.network import KAN

# As old as standard operators allow that layers of torch are written in.
OPSET = 17


@runtime_checkable
class HoldsModule(Protocol):
    """What holds a torch module and knows what it takes."""

    def torch_module(self) -> tuple[nn.Module, Tensor]:
        """The module, and one row of what it takes."""
        ...


def module_of(model: Any) -> Any:
    """The torch module that a model is or holds."""
    return model.torch_module()[0] if isinstance(model, HoldsModule) else model


def is_module(model: Any) -> bool:
    """Whether a model is, or holds, a torch module other than a network of a table's columns."""
    return isinstance(model, HoldsModule) or (isinstance(model, nn.Module) and not isinstance(model, KAN))


def torch_to_onnx(model: Any, example: Tensor | None = None) -> bytes:
    """A torch module with layers of functions in it as an ONNX model.

    Parameters
    ----------
    model : nn.Module or ImageClassifier
        As `to_torch_source` takes it; it is written as it judges, in evaluation mode.
    example : Tensor, optional
        Rows that the module takes, at least one; any number of rows can go in later, all other sizes stay. An
        ImageClassifier needs none.

    Returns
    -------
    bytes
        Input "X" and output "y", float32 where the example is.

    Raises
    ------
    InputError
        If the module cannot be written, takes no such example, or has several outputs, or if onnx is not installed.

    Examples
    --------
    >>> import onnx
    >>> from edgewise.layers import KANConv2d
    >>> net = nn.Sequential(KANConv2d(1, 2, 3, seed=0), nn.Flatten())
    >>> graph = onnx.load_from_string(torch_to_onnx(net, torch.zeros(1, 1, 5, 5))).graph
    >>> graph.input[0].name, graph.output[0].name
    ('X', 'y')
    """
    need("onnx", "onnx", "ONNX files")
    if isinstance(model, HoldsModule):
        module, known = model.torch_module()
        example = known if example is None else example
    else:
        module = model
    if not isinstance(example, Tensor) or example.ndim == 0 or len(example) == 0:
        raise InputError(
            argument="example",
            expected=(
                "be a tensor of at least one row that the module takes, from which its sizes are known"
            ),
            got=short(example),
        )
    space: dict[str, Any] = {}
    exec(to_torch_source(module), space)  # noqa: S102  our own text, whose weights are data
    plain = space["Model"]().eval()
    with torch.no_grad():
        try:
            told = plain(example)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            got = f"a tensor of shape {tuple(example.shape)} ({reason})"
            raise InputError(argument="example", expected="be what the module takes", got=got) from None
    if not isinstance(told, Tensor):
        raise InputError(argument="model", expected="have one tensor as its output", got=short(told))
    stream: Any = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter without dynamo needs no further package; that it is the older one is known.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            plain, (example,), stream, dynamo=False, opset_version=OPSET, input_names=["X"], output_names=["y"],
            dynamic_axes={"X": {0: "n"}, "y": {0: "n"}},
        )  # fmt: skip
    return stream.getvalue()
