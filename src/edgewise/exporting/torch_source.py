"""A module with layers of functions as one Python file that needs nothing but torch.

The way through the module is traced, so that what runs in Python around the layers is written as it ran. Layers of torch are
made by what they print themselves as, and checked against what they are.
"""

from __future__ import annotations

import base64
import inspect
import textwrap
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.version import __version__
from edgewise.forms.functions import FUNCTIONS
from edgewise.layers import KANConv1d, KANConv2d, KANLinear
from edgewise.network import KAN
from edgewise.programs.program import form_tree
from edgewise.splines.global_bases import GaussianRBF
from edgewise.splines.make import make_basis
from edgewise.splines.pieces import extended_knots
from edgewise.symbolic.expressions.source import SOURCE, source_of

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
            products = tuple((layer.nodes.sums, layer.nodes.products) for layer in module.spec.layers)
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


TORCH = replace(
    SOURCE,
    functions={
        name: function.in_language("torch", "_call(torch.{}, {{}})") for name, function in FUNCTIONS.items()
    }
    | {"expm1": "_call(torch.expm1, {})"},
    power="(({}) ** ({}))",
)

FORM_HELPERS = """\
def _call(function, *arguments):
    return function(*(torch.as_tensor(each, dtype=torch.float64) if isinstance(each, float) else each for each in arguments))


def _step(x):
    return torch.where(x >= 0, x * 0 + 1, x * 0)"""

SMOOTH = f'''\
def smooth_values(basis, x, grid, slopes):
    """All functions of a basis, (..., I, M), at x, (..., I): by their formulas inside the grid, straight beyond it."""
    low, high, size = grid[:, 0], grid[:, -1], slopes.shape[-1]
    t, slope = torch.minimum(torch.maximum(x, low), high), 2 / (high - low)
    # From -1 to 1, measured from the nearer end.
    u = torch.where(t - low < high - t, (t - low) * slope - 1, 1 - (high - t) * slope).unsqueeze(-1)
    one, number = u * 0 + 1, torch.arange(size, device=x.device)
    if basis == "fourier":  # 1, sin a, cos a, sin 2a, cos 2a, ... with a from -pi/2 to pi/2
        turns = torch.div(number + 1, 2, rounding_mode="floor").to(x.dtype) * (torch.pi / 2)
        values = torch.sin(u * turns + (1 - number % 2).to(x.dtype) * (torch.pi / 2))
    elif basis == "rbf":  # 1, u, and a Gaussian around every centre
        gaps = grid[:, 1:] - grid[:, :-1]
        around = torch.cat([gaps[:, :1], gaps], 1) + torch.cat([gaps, gaps[:, -1:]], 1)
        values = torch.cat([one, u, torch.exp(-(((t.unsqueeze(-1) - grid) / ({GaussianRBF.width / 2} * around)) ** 2))], -1)
    else:  # Chebyshev's polynomials, of u / sqrt(1 + u^2) where they are rational
        u = u / torch.sqrt(1 + u * u) if basis == "rational" else u
        terms = [one, u]
        while len(terms) < size:
            terms.append(2 * u * terms[-1] - terms[-2])
        values = torch.cat(terms[:size], -1)
    below, above = (x - low).clamp(max=0).unsqueeze(-1), (x - high).clamp(min=0).unsqueeze(-1)
    return values + below * slopes[0] + above * slopes[1]'''

PARTS = '''\
def spline_values(x, knots, slopes, degree):
    """All B-splines, (..., I, M), at x, (..., I): the recursion of Cox and de Boor inside the grid, straight beyond it."""
    low, high = knots[:, degree], knots[:, -degree - 1]
    inside = torch.minimum(torch.maximum(x, low), high)
    t, size = inside.unsqueeze(-1), knots.shape[1] - degree - 1
    piece = (t >= knots[:, degree + 1:size]).sum(-1, keepdim=True) + degree
    values = (torch.arange(knots.shape[1] - 1, device=x.device) == piece).to(x.dtype)
    for d in range(1, degree + 1):
        a, b = knots[:, :-d - 1], knots[:, d + 1:]
        rising = (t - a) / (knots[:, d:-1] - a) * values[..., :-1]
        values = rising + (b - t) / (b - knots[:, 1:-d]) * values[..., 1:]
    below, above = (x - low).clamp(max=0).unsqueeze(-1), (x - high).clamp(min=0).unsqueeze(-1)
    return values + below * slopes[0] + above * slopes[1]


def values_of(basis, x, grid, slopes, degree):
    return spline_values(x, grid, slopes, degree) if basis == "bspline" else smooth_values(basis, x, grid, slopes)


class Edges(nn.Module):
    """A function on every edge: (..., I) to the sums (..., O) of what arrives."""

    def __init__(self, inputs, outputs, size, basis="bspline", degree=3, bias=True, base=False, forms=()):
        super().__init__()
        self.basis, self.degree, self.forms = basis, degree, forms
        self.register_buffer("grid", torch.zeros(inputs, 0))
        self.register_buffer("slopes", torch.zeros(2, inputs, size))
        self.coef = nn.Parameter(torch.zeros(inputs, size, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.base = nn.Parameter(torch.zeros(inputs, outputs)) if base else None
        self.affine = nn.Parameter(torch.zeros(len(forms), 4)) if forms else None

    def forward(self, x, group=slice(None)):
        values = values_of(self.basis, x, self.grid, self.slopes, self.degree)
        y = values.flatten(-2) @ self.coef.flatten(0, 1)[:, group]
        if self.base is not None:
            y = y + F.silu(x) @ self.base[:, group]
        for (source, target, form), (a, b, c, d) in zip(self.forms, () if self.affine is None else self.affine):
            one = F.one_hot(torch.tensor(target, device=x.device), self.coef.shape[2])[group].to(x.dtype)
            if one.any():
                y = y + (a * form(b * x[..., source] + c) + d).unsqueeze(-1) * one
        return y if self.bias is None else y + self.bias[group]


class Convolution(nn.Module):
    """A function in place of every weight of a convolution: (N, C, H, W) to (N, O, H', W'), of sequences without H."""

    def __init__(self, edges, kernel, stride, padding, dilation, groups=1, mode="constant", flat=False):
        super().__init__()
        self.edges, self.kernel, self.stride, self.padding = edges, kernel, stride, padding
        self.dilation, self.groups, self.mode, self.flat = dilation, groups, mode, flat

    def forward(self, x):
        x = F.pad(x.unsqueeze(-2) if self.flat else x, self.padding, self.mode)
        sizes = [
            (x.shape[2 + k] - self.dilation[k] * (self.kernel[k] - 1) - 1) // self.stride[k] + 1 for k in range(2)
        ]
        patches = F.unfold(x, self.kernel, self.dilation, 0, self.stride).transpose(1, 2)
        width, each = patches.shape[2] // self.groups, self.edges.coef.shape[2] // self.groups
        parts = [
            self.edges(patches[..., k * width:(k + 1) * width], slice(k * each, (k + 1) * each))
            for k in range(self.groups)
        ]
        y = torch.cat(parts, -1).transpose(1, 2).reshape(x.shape[0], -1, *sizes)
        return y.squeeze(2) if self.flat else y


class Network(nn.Module):
    """Layers of edges, whose last sums are multiplied in groups, between a scaling of inputs and one of outputs."""

    def __init__(self, layers, products):
        super().__init__()
        self.layers, self.products = nn.ModuleList(layers), products
        for name, width in (("input", layers[0].coef.shape[0]), ("output", products[-1][0] + len(products[-1][1]))):
            self.register_buffer(name + "_shift", torch.zeros(width))
            self.register_buffer(name + "_scale", torch.ones(width))

    def forward(self, x):
        h = (x - self.input_shift) / self.input_scale
        for layer, (sums, arities) in zip(self.layers, self.products):
            z = layer(h)
            parts = [z[..., :sums]]
            for arity in arities:
                parts.append(z[..., sums:sums + arity].prod(-1, keepdim=True))
                sums += arity
            h = torch.cat(parts, -1)
        return self.output_shift + self.output_scale * h


def _put(root, name, value):
    """A module or parameter under a dotted name, with empty modules on the way to it."""
    *way, last = name.split(".")
    for part in way:
        if not hasattr(root, part):
            root.add_module(part, nn.Module())
        root = getattr(root, part)
    setattr(root, last, value)


def _tensor(kind, shape, text):
    data = bytearray(base64.b64decode("".join(text.split())))
    dtype = getattr(torch, kind)
    return torch.frombuffer(data, dtype=dtype).reshape(shape).clone() if data else torch.empty(shape, dtype=dtype)'''
