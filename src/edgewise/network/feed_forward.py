"""KANFeedForward: a feed-forward block with one function a hidden node, and the `KAN` that it is.

Take a `KAN` [I, H, O] whose first edges are straight lines, and whose edges out of a hidden node are multiples of one
function of it, w_oh phi_h: a perceptron whose hidden units have learned their activations. Written so, it holds one function
a node in place of one an edge, and can be as wide as a perceptron. With a gate, a node is the function of one direction
times another direction: a multiplication node (Z. Liu et al., "KAN 2.0", 2024, arXiv:2408.10205), as in gated linear units
(N. Shazeer, 2020, arXiv:2002.05202).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.fx import Proxy
from torch.nn import functional as F

from edgewise._core.arguments import check_is
from edgewise._core.checks import check_bool, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise.layers import KANConv1d, KANLinear, SymbolicEdge, channel_functions
from edgewise.layers.arguments import check_functions, check_input, check_place, check_room, make_grid
from edgewise.layers.linear import LayerNumbers
from edgewise.network.module import KAN
from edgewise.network.spec import KANSpec, LayerSpec, Nodes
from edgewise.splines.bspline import MAX_DEGREE, BSpline


class StraightEdges(nn.Module):
    """Edges that are straight lines through the origin, some of which may be turned off: x (..., I) to sums (..., O).

    Attributes
    ----------
    weight : Parameter, shape (O, I)
    bias : Parameter, shape (O,), or None
    mask : Tensor of bool, shape (O, I)
        Which edges are alive.
    """

    mask: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        seed: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        random = None if seed is None else generator(seed)
        reach = in_features**-0.5  # as nn.Linear begins
        start = (torch.rand(out_features, in_features, generator=random, device="cpu") * 2 - 1) * reach
        self.weight = nn.Parameter(start.to(torch.empty(0, **place)))
        self.bias = nn.Parameter(torch.zeros(out_features, **place)) if bias else None
        self.register_buffer(
            "mask", torch.ones(out_features, in_features, dtype=torch.bool, device=self.weight.device)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)

    def alive(self) -> Tensor:
        """Weights, those that are turned off at zero."""
        return self.weight.detach() * self.mask

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}, bias={self.bias is not None}"


class KANFeedForward(nn.Module):
    """y = W [phi(D x + d) * (G x + g)] + b, with a function phi_h of its own for each hidden node; a gate if asked for.

    Parameters
    ----------
    in_features, hidden, out_features : int
        Numbers of inputs I, hidden nodes H and outputs O.
    gated : bool
        Whether each hidden node is multiplied by a direction of its own.
    degree, intervals : int
        Of the functions, which are B-splines.
    grid : pair of float
        Range over which they are laid; they go on straight beyond it.
    begin : callable, optional
        What they are at first, about (default SiLU); of tensors.
    bias : bool
        Whether directions, gates and outputs have constants.
    seed : int, optional
        Of the weights; without it they are drawn from torch's global generator.
    device, dtype
        As in `nn.Linear`.

    Attributes
    ----------
    directions, gate, out : StraightEdges
        D and d; G and g, or None; W and b.
    functions : KANConv1d
        phi, a function a channel.

    Raises
    ------
    InputError
        For sizes or inputs that do not fit.

    References
    ----------
    D. A. Sprecher, "On the structure of continuous functions of several variables", 1965, doi:10.2307/1994176.

    Examples
    --------
    >>> block = KANFeedForward(4, 8, 3, gated=True, seed=0)
    >>> x = torch.linspace(-1, 1, 20).view(5, 4)
    >>> block(x).shape, bool((as_kan(block)(x) - block(x)).abs().max() < 1e-5)
    (torch.Size([5, 3]), True)
    """

    def __init__(
        self,
        in_features: int,
        hidden: int,
        out_features: int,
        *,
        gated: bool = False,
        degree: int = 2,
        intervals: int = 8,
        grid: tuple[float, float] = (-4.0, 4.0),
        begin: Callable[[Tensor], Tensor] = F.silu,
        bias: bool = True,
        seed: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        sizes = {"in_features": in_features, "hidden": hidden, "out_features": out_features}
        self.in_features, self.hidden, self.out_features = (
            check_int(size, name, low=1, high=1 << 24) for name, size in sizes.items()
        )
        for name, flag in (("gated", gated), ("bias", bias)):
            check_bool(flag, name)
        check_int(degree, "degree", low=1, high=MAX_DEGREE)
        check_functions("bspline", degree, intervals)
        for inputs, outputs in ((in_features, hidden), (hidden, out_features)):
            check_room(inputs, outputs, 1)
        if not callable(begin):
            raise InputError(
                argument="begin", expected="be a function of tensors, such as torch.tanh", got=short(begin)
            )
        device, dtype = check_place(device, dtype)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.directions = StraightEdges(in_features, hidden, bias, derive(seed, 0), **place)
        laid = make_grid(grid, 1, "bspline", degree, intervals)
        self.functions = channel_functions(KANConv1d, hidden, degree, intervals, laid, begin, **place)
        self.gate = StraightEdges(in_features, hidden, bias, derive(seed, 1), **place) if gated else None
        self.out = StraightEdges(hidden, out_features, bias, derive(seed, 2), **place)

    @property
    def gated(self) -> bool:
        """Whether each hidden node is multiplied by a direction of its own."""
        return self.gate is not None

    @property
    def n_parameters(self) -> int:
        """Numbers that are learned; those of edges that are turned off do not count."""
        parts = [part for part in (self.directions, self.gate, self.out) if part is not None]
        lines = sum(int(part.mask.sum()) + (0 if part.bias is None else len(part.bias)) for part in parts)
        patch = self.functions.patch
        numeric = int(patch.numeric_mask().sum()) * patch.size
        return lines + numeric + 4 * sum(len(group.rows) for group in patch.form_groups)

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) -> (..., O)."""
        if not isinstance(x, Proxy):  # of torch.fx, which follows the parts
            check_input(x, self.in_features, self.out.weight, "KANFeedForward")
        return self.out(self.nodes(x))

    def nodes(self, x: Tensor) -> Tensor:
        """Values of the hidden nodes: (..., I) -> (..., H)."""
        h = self.directions(x)
        h = self.functions(h.reshape(-1, self.hidden, 1)).reshape(h.size())
        return h if self.gate is None else h * self.gate(x)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.hidden}, {self.out_features}, gated={self.gated}"


def functions_of(block: KANFeedForward) -> KAN:
    """The functions of a block as a network [1, H], for everything that is done with edges: draw, list, edit, snap.

    Examples
    --------
    >>> block = KANFeedForward(4, 8, 3, seed=0)
    >>> functions_of(block).shape
    (1, 8)
    """
    patch = copy.deepcopy(_block(block).functions.patch)
    return KAN.from_layers(_spec([_layer(patch, Nodes(patch.out_features))], "z", "u"), [patch])


def with_functions(block: KANFeedForward, functions: KAN) -> KANFeedForward:
    """A copy of a block with other functions, those of a network [1, H] without scales.

    Raises
    ------
    InputError
        If it has another shape, a bias or scales.

    Examples
    --------
    >>> from edgewise.network.edits import set_symbolic
    >>> block = KANFeedForward(4, 8, 3, seed=0)
    >>> edited = with_functions(block, set_symbolic(functions_of(block), (0, 0, 2), "tanh").network)
    >>> edited.functions.patch.kind(0, 2)
    'symbolic'
    """
    _block(block)
    plain = (
        isinstance(functions, KAN)  # pyright: ignore[reportUnnecessaryIsInstance]
        and functions.shape == (1, block.hidden)
        and functions.layers[0].bias is None
        and bool((functions.input_scale == 1).all() & (functions.output_scale == 1).all())
        and not bool(functions.input_shift.any() | functions.output_shift.any())
    )
    if not plain:
        raise InputError(
            argument="functions",
            expected=(
                f"be what functions_of gave, edited: a KAN of shape (1, {block.hidden}) without bias "
                "and scales"
            ),
            got=short(functions),
        )
    made = copy.deepcopy(block)
    made.functions.patch = copy.deepcopy(functions.layers[0])
    return made


def as_kan(block: KANFeedForward) -> KAN:
    """The same network with every edge written out: [I, H, O], or with a gate [I, 2H, products of two, O].

    Raises
    ------
    InputError
        If it has more edges than a `KANLinear` may hold.
    """
    out, hidden = _block(block).out.alive(), block.hidden
    patch, rows = block.functions.patch, range(hidden)
    if block.gate is None:
        second = _outgoing(patch, out, block.out.mask, block.out.bias)
        layers = [_straight([block.directions]), second]
        nodes = [Nodes(hidden), Nodes(block.out_features)]
    else:
        layers = [_straight([block.directions, block.gate]), _gating(patch), _straight([block.out])]
        nodes = [Nodes(2 * hidden), Nodes(products=(2,) * len(rows)), Nodes(block.out_features)]
    specs = [_layer(layer, own) for layer, own in zip(layers, nodes, strict=True)]
    return KAN.from_layers(_spec(specs, "x", "y"), layers)


def _block(block: object) -> KANFeedForward:
    return check_is(block, KANFeedForward, "block", "a KANFeedForward, as a block of replace_mlp is")


def _straight(parts: list[StraightEdges]) -> KANLinear:
    """Straight edges, one part's nodes after the other's."""
    weight, mask = torch.cat([p.alive() for p in parts]), torch.cat([p.mask for p in parts])
    ends = torch.tensor([-1.0, 1.0]).to(weight)
    zero = weight.new_zeros
    bias = torch.cat([zero(len(p.weight)) if p.bias is None else p.bias.detach() for p in parts])
    grid = ends.expand(weight.shape[1], 2)
    return KANLinear.of_parts(LayerNumbers(grid, mask.T, weight.T[:, None] * ends[:, None], bias), 1)


def _outgoing(patch: KANLinear, out: Tensor, mask: Tensor, bias: Tensor | None) -> KANLinear:
    """Edges w_oh phi_h from hidden nodes, of functions as edges (1, H)."""
    coef = patch.numeric_coef().detach()[0].T[:, :, None] * out.T[:, None]
    mask = mask.T & patch.mask[0][:, None]
    forms, rows = list[SymbolicEdge](), list[Tensor]()
    for edge, row in zip(patch.symbolic, () if patch.affine is None else patch.affine.detach(), strict=True):
        for target in mask[edge.target].nonzero()[:, 0].tolist():
            w = out[target, edge.target]
            forms.append(SymbolicEdge(edge.target, target, edge.form))
            rows.append(torch.stack([w * row[0], row[1], row[2], w * row[3]]))
    affine = torch.stack(rows) if rows else None
    numbers = LayerNumbers(patch.grid.expand(len(coef), -1), mask, coef, bias, affine=affine)
    return KANLinear.of_parts(numbers, patch.degree, symbolic=tuple(forms))


def _gating(patch: KANLinear) -> KANLinear:
    """Pairs of sums from 2H nodes: the function of the first H, and the others as they are."""
    hidden, size = patch.out_features, patch.size
    first, second = torch.arange(0, 2 * hidden, 2), torch.arange(1, 2 * hidden, 2)
    coef = patch.coef.new_zeros(2 * hidden, size, 2 * hidden)
    at = torch.arange(hidden)
    coef[at, :, first] = patch.numeric_coef().detach()[0].T
    coef[hidden + at, :, second] = cast(BSpline, patch.basis).greville()[0].to(coef)
    mask = torch.zeros(2 * hidden, 2 * hidden, dtype=torch.bool)
    mask[at, first] = patch.mask[0].cpu()
    mask[hidden + at, second] = True
    forms = tuple(SymbolicEdge(e.target, 2 * e.target, e.form) for e in patch.symbolic)
    affine = None if patch.affine is None else patch.affine.detach()
    grid = patch.grid.expand(2 * hidden, -1)
    numbers = LayerNumbers(grid, mask.to(coef.device), coef, affine=affine)
    return KANLinear.of_parts(numbers, patch.degree, symbolic=forms)


def _layer(layer: KANLinear, nodes: Nodes) -> LayerSpec:
    return LayerSpec(
        layer.in_features, nodes, degree=layer.degree, intervals=layer.intervals, bias=layer.bias is not None,
        symbolic=layer.symbolic,
    )  # fmt: skip


def _spec(layers: list[LayerSpec], before: str, after: str) -> KANSpec:
    def names(letter: str, count: int) -> tuple[str, ...]:
        return (letter,) if count == 1 else tuple(f"{letter}{k + 1}" for k in range(count))

    return KANSpec(tuple(layers), names(before, layers[0].in_features), names(after, layers[-1].nodes.total))
