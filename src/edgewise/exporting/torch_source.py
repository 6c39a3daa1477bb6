"""A module with layers of functions as one Python file that needs nothing but torch.

The way through the module is traced, so that what runs in Python around the layers is written as it ran. Layers of torch are
made by what they print themselves as, and checked against what they are.
"""

from __future__ import annotations

import base64
import inspect
import textwrap
from typing import Any

import torch
from torch import Tensor, fx, nn

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.version import __version__
from edgewise.exporting.form_trees import form_tree
from edgewise.exporting.torch_parts import FORM_HELPERS, PARTS, SMOOTH, TORCH
from edgewise.layers import KANConv1d, KANConv2d, KANLinear
from edgewise.network import KAN
from edgewise.splines.make import make_basis
from edgewise.splines.pieces import extended_knots
from edgewise.symbolic.expressions.source import source_of

WIDTH = 100
PLAIN = (bool, int, float, str, tuple, type(None))
_OURS = (KANLinear, KANConv1d, KANConv2d, KAN)
# What the code of a trace may call on; each comes with torch.
_KNOWN = {"torch", "device", "inf", "nan", "NoneType", "fx_pytree", "pytree"}


def to_torch_source(module: Any) -> str:
    """Source of a Python module that computes what a torch module does, weights included, and imports torch only.

    Parameters
    ----------
    module : nn.Module
        KANLinear, KANConv1d, KANConv2d, KAN, or any module with such layers in it that `torch.fx` can trace.

    Returns
    -------
    str
        A module with the class `Model`, whose instance computes the same to rounding, can be trained on, saved by its
        `state_dict`, compiled, and exported by `torch.onnx`. Modes (train, eval) of what is written are those of `module`.

    Raises
    ------
    InputError
        If the module cannot be traced, or a layer in it cannot be written.

    Examples
    --------
    >>> block = nn.Sequential(nn.LayerNorm(4), KANLinear(4, 3, seed=0))
    >>> space = {}
    >>> exec(to_torch_source(block), space)
    >>> x = torch.rand(5, 4)
    >>> bool((space["Model"]()(x) - block(x)).abs().max() < 1e-5)
    True
    """
    if not isinstance(module, nn.Module):
        raise InputError(argument="module", expected="be a torch module", got=short(module))
    root = nn.Sequential(module) if isinstance(module, _OURS) else module
    graph = _traced(root)
    code = graph.python_code("self", verbose=False)
    strange = sorted(set(code.globals) - _KNOWN)
    if strange:
        raise InputError(argument="module", expected="call functions of torch only", got=", ".join(strange))
    writer = _Writer()
    for node in graph.nodes:
        if node.op == "call_module" and str(node.target) not in writer.made:
            writer.module(str(node.target), root.get_submodule(str(node.target)))
        elif node.op == "get_attr":
            writer.attribute(str(node.target), root)
    return _HEAD.format(
        version=__version__,
        origin=type(module).__name__,
        parts="\n\n\n".join([PARTS, *writer.functions()]),
        made=textwrap.indent("\n".join(writer.lines) or "pass", " " * 8),
        mode=f"self.train({module.training})",
        forward=textwrap.indent(code.src.strip(), " " * 4),
        tensors="\n".join(writer.tensors),
    )


_HEAD = """\
# Made by edgewise {version} from a {origin}. Model() computes what it did and needs torch only.

import base64
from math import inf, nan

import torch
from torch import device, nn
from torch.nn import functional as F


{parts}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
{made}
        with torch.no_grad():
            for name, (kind, shape, text) in TENSORS.items():
                *way, last = name.split(".")
                owner = self.get_submodule(".".join(way))
                value = _tensor(kind, shape, text)
                if last in owner._parameters:
                    owner._parameters[last] = nn.Parameter(value, value.is_floating_point())
                else:
                    owner._buffers[last] = value
        {mode}

{forward}


TENSORS = {{
{tensors}
}}
"""


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, _OURS) or super().is_leaf_module(m, module_qualified_name)


def _traced(root: nn.Module) -> fx.Graph:
    try:
        graph = _Tracer().trace(root)
    except Exception as error:  # whatever the module's own code does with a stand-in for a tensor
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            argument="module",
            expected="run the same steps whatever its input holds, for torch.fx to trace it",
            got=f"{type(root).__name__}, which fails with {short(reason)}",
            advice="write its parts one by one",
        ) from None
    for node in graph.nodes:
        node.type = None  # names of annotations need not be importable
    return graph


class _Writer:
    """Lines that make the parts, and their tensors."""

    def __init__(self) -> None:
        self.made: set[str] = set()
        self.lines: list[str] = []
        self.tensors: list[str] = []
        self.forms: dict[str, str] = {}
        self.smooth = False

    def functions(self) -> list[str]:
        """What only some networks have: other bases than B-splines, and closed forms."""
        smooth = [SMOOTH] if self.smooth else []
        if not self.forms:
            return smooth
        written = [
            f"def {name}(x):\n    return {source_of(form_tree(text), {'x': 'x'}, TORCH)}"
            for text, name in self.forms.items()
        ]
        return [*smooth, FORM_HELPERS, *written]

    def module(self, name: str, module: nn.Module) -> None:
        self.made.add(name)
        self.lines.append(f"_put(self, {name!r}, {self.expression(name, module)})")

    def attribute(self, name: str, root: nn.Module) -> None:
        owner, _, last = name.rpartition(".")
        if name in self.made:
            return
        self.made.add(name)
        module = root.get_submodule(owner)
        value = getattr(module, last)
        if not isinstance(value, Tensor):
            raise InputError(
                argument="module",
                expected="read tensors and parts of its own only",
                got=f"{short(name)}, {short(value)}",
            )
        empty = "torch.empty(0)"
        if last in module._parameters:
            self.lines.append(f"_put(self, {name!r}, nn.Parameter({empty}))")
        else:
            self.lines.append(f"_put(self, {name!r}, nn.Buffer({empty}))")
        self.tensor(name, value)

    def tensor(self, name: str, value: Tensor) -> None:
        raw = value.detach().cpu().contiguous()
        data = raw.flatten().view(torch.uint8).numpy().tobytes() if raw.numel() else b""
        text = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), WIDTH))
        kind = str(value.dtype).removeprefix("torch.")
        self.tensors.append(f'    {name!r}: ("{kind}", {tuple(value.shape)}, """\n{text}"""),')

    def expression(self, name: str, module: nn.Module) -> str:
        """What makes a part; its tensors are taken down."""
        if isinstance(module, KANLinear):
            return self.edges(name, module)
        if isinstance(module, (KANConv1d, KANConv2d)):
            window = module._window()
            top, bottom, left, right = window.padding
            edges = self.edges(f"{name}.edges", module.patch)
            mode = {"zeros": "constant"}.get(module.padding_mode, module.padding_mode)
            return (
                f"Convolution({edges}, {window.kernel}, {window.stride}, {(left, right, top, bottom)}, {window.dilation}, "
                f"{window.groups}, {mode!r}, {isinstance(module, KANConv1d)})"
            )
        if isinstance(module, KAN):
            layers = [self.edges(f"{name}.layers.{k}", layer) for k, layer in enumerate(module.layers)]
            for part in ("input_shift", "input_scale", "output_shift", "output_scale"):
                self.tensor(f"{name}.{part}", getattr(module, part))
            products = tuple((each.nodes.sums, each.nodes.products) for each in module.spec.layers)
            return f"Network([{', '.join(layers)}], {products})"
        return self.of_torch(name, module)

    def edges(self, name: str, layer: KANLinear) -> str:
        kind, grid = layer.basis_name, layer.grid.detach().to(torch.float64)
        self.smooth |= kind != "bspline"
        exact = make_basis(kind, grid, degree=layer.degree, size=layer.size)
        known = extended_knots(grid, layer.degree) if kind == "bspline" else grid
        self.tensor(f"{name}.grid", known.to(layer.coef.dtype))
        self.tensor(f"{name}.slopes", exact.values(exact.domain.T, 1).to(layer.coef.dtype))
        self.tensor(f"{name}.coef", layer.numeric_coef())
        if layer.bias is not None:
            self.tensor(f"{name}.bias", layer.bias)
        if layer.base_weight is not None:
            self.tensor(f"{name}.base", layer.base_weight * layer.numeric_mask())
        forms, rows = "", list[int]()
        for group in layer.form_groups:
            function = self.forms.setdefault(group.form, f"_form_{len(self.forms)}")
            for row, source, target in zip(group.rows, group.sources, group.targets, strict=True):
                forms += f"({source}, {target}, {function}), "
                rows.append(row)
        if rows:
            assert layer.affine is not None
            self.tensor(f"{name}.affine", layer.affine[rows])
        return (
            f"Edges({layer.in_features}, {layer.out_features}, {layer.size}, {kind!r}, {layer.degree}, "
            f"{layer.bias is not None}, {layer.base_weight is not None}{f', ({forms})' if forms else ''})"
        )

    def of_torch(self, name: str, module: nn.Module) -> str:
        """A layer of torch by its own representation, where that is complete."""
        text, again = _made(module)
        if (
            again is None
            or type(again) is not type(module)
            or _shapes(again) != _shapes(module)
            or _settings(again) != _settings(module)
        ):
            raise InputError(
                subject="The layers of a module to be written as torch source",
                expected="be those of edgewise and plain ones of torch",
                got=f"{short(type(module).__name__)} as {name!r}",
            )
        for own, value in module.state_dict().items():
            self.tensor(f"{name}.{own}", value)
        return text


def _made(module: nn.Module) -> tuple[str, nn.Module | None]:
    """A layer of torch made anew from what its class asks for and the layer remembers, and how it was made."""
    kind = type(module)
    if getattr(nn, kind.__name__, None) is not kind:
        return kind.__name__, None
    given = dict[str, Any]()
    for name in inspect.signature(kind).parameters:
        value = getattr(module, name, inspect.Parameter.empty)
        if value is None or isinstance(value, Tensor):
            value = value is not None if name == "bias" else value
        if name not in ("device", "dtype") and isinstance(value, PLAIN):
            given[name] = value
    arguments = ", ".join(f"{name}={value!r}" for name, value in given.items())
    try:
        return f"nn.{kind.__name__}({arguments})", kind(**given)
    except (TypeError, ValueError):
        return arguments, None


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def _settings(module: nn.Module) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and name != "training" and isinstance(value, PLAIN)
    }
