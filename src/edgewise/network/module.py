"""KAN: a network with a learnable function on every edge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.fx import Proxy

from edgewise._core.arguments import check_is
from edgewise._core.checks import among, check_bool, check_columns, check_matrix, short
from edgewise._core.errors import InputError
from edgewise._core.modules import Traceable, copied
from edgewise._core.seeds import derive
from edgewise.layers import KANLinear, multiply
from edgewise.layers.arguments import (
    autocast_type,
    check_functions,
    check_input,
    check_place,
    check_room,
    lowered,
    make_grid,
)
from edgewise.network.spec import KANSpec, LayerSpec, NodesLike, as_names, as_nodes

# Values of the widest layer that `predict` holds at once.
NODES_AT_ONCE = 1 << 20


class KAN(Traceable):
    """A Kolmogorov-Arnold network.

    Inputs are scaled to network units, pass layers of edge functions whose nodes sum (or multiply) what arrives, and are
    scaled back to the units of y. Scalings and names live inside the network and survive every edit and file.

    Parameters
    ----------
    shape : sequence
        Numbers of nodes, as [2, 5, 1]. Any but the first may be `Nodes(sums=3, products=(2, 2))` or [3, 2] for three
        sums and two products of two.
    basis, degree, intervals, base, init
        Of every layer, as in `KANLinear`.
    grid : pair of float
        Range of the grid of every node, in network units.
    input_names, output_names : sequence of str, optional
        x1, x2, ... and y by default.
    seed : int, optional
        Seed of the initial functions; without it they come from torch's global generator.
    device, dtype
        As in `nn.Linear`.

    Raises
    ------
    InputError
        For shapes, names or inputs that do not fit.

    References
    ----------
    Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", 2024, arXiv:2404.19756. Multiplication nodes: Z. Liu et al.,
    "KAN 2.0", 2024, arXiv:2408.10205.

    Examples
    --------
    >>> net = KAN([2, 5, 1], seed=0)
    >>> net(torch.zeros(4, 2)).shape
    torch.Size([4, 1])
    """

    input_shift: Tensor
    input_scale: Tensor
    output_shift: Tensor
    output_scale: Tensor

    def __init__(
        self,
        shape: Sequence[NodesLike],
        *,
        basis: str = "bspline",
        degree: int = 3,
        intervals: int = 5,
        base: str | None = None,
        grid: tuple[float, float] = (-1.0, 1.0),
        bias: bool = True,
        init: str = "random",
        input_names: Iterable[str] | None = None,
        output_names: Iterable[str] | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        nodes = [as_nodes(entry) for entry in _check_shape(shape)]
        if nodes[0].products:
            raise InputError(
                argument="shape",
                expected="begin with a number of inputs, which holds no multiplication nodes",
                got=short(shape[0]),
            )
        check_functions(basis, degree, intervals, base, init)
        check_bool(bias, "bias")
        device, dtype = check_place(device, dtype)
        specs = tuple(
            LayerSpec(before.total, after, basis, degree, intervals, base, bias)
            for before, after in pairwise(nodes)
        )
        names = as_names(input_names, nodes[0].total, "x"), as_names(output_names, nodes[-1].total, "y")
        for spec in specs:
            check_room(spec.in_features, spec.nodes.incoming, intervals + degree, "'shape'")
        layers = [
            KANLinear(
                spec.in_features,
                spec.nodes.incoming,
                basis=basis,
                degree=degree,
                intervals=intervals,
                grid=make_grid(grid, spec.in_features, basis, degree, intervals),
                base=base,
                bias=bias,
                init=init,
                seed=derive(seed, k),
                device=device,
                dtype=dtype,
            )
            for k, spec in enumerate(specs)
        ]
        self._assemble(KANSpec(specs, *names), layers)

    @classmethod
    def from_layers(cls, spec: KANSpec, layers: Sequence[KANLinear]) -> KAN:
        """A network of the given layers (taken as they are) with unit scalings; what edits and `load` build with."""
        net = cls.__new__(cls)
        net._assemble(spec, layers)
        return net

    def _assemble(self, spec: KANSpec, layers: Sequence[KANLinear]) -> None:
        nn.Module.__init__(self)
        self.spec = spec
        self.layers = cast("Sequence[KANLinear]", nn.ModuleList(layers))
        like = layers[0].coef
        for name, width in (("input", spec.shape[0]), ("output", spec.shape[-1])):
            self.register_buffer(f"{name}_shift", torch.zeros(width, dtype=like.dtype, device=like.device))
            self.register_buffer(f"{name}_scale", torch.ones(width, dtype=like.dtype, device=like.device))

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of nodes [n0, n1, ..., nL]."""
        return self.spec.shape

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return self.spec.input_names

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self.spec.output_names

    @property
    def dtype(self) -> torch.dtype:
        """Type of the network's numbers."""
        return self.layers[0].coef.dtype

    @property
    def n_parameters(self) -> int:
        """Numbers that the alive edges and the biases hold."""
        total = 0
        for layer in self.layers:
            live = int(layer.numeric_mask().sum())
            total += live * (layer.size + (layer.base is not None))
            total += 4 * sum(len(group.rows) for group in layer.form_groups)
            total += 0 if layer.bias is None else layer.out_features
        return total

    def forward(self, x: Tensor) -> Tensor:
        """Outputs in the units of y: (..., inputs) -> (..., outputs)."""
        if isinstance(x, Proxy):
            return self.as_node(x)
        y = self._answer(x)
        half = autocast_type(x)
        return y if half is None else lowered(y, half)

    def activations(self, x: Tensor) -> list[Tensor]:
        """Node values [h0, h1, ..., hL] in network units; h0 are the scaled inputs."""
        return self._run(x)[0]

    def sums(self, x: Tensor) -> list[Tensor]:
        """Node sums [z1, ..., zL] before multiplication."""
        return self._run(x)[1]

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Outputs for a matrix, list or data frame, shape (n, outputs), without gradients.

        They are what the network was fitted to give: numbers in units of y, but log-odds or logits for
        `fit(loss="cross_entropy")` and logarithms of rates for "poisson"; `FitResult.predict` answers on the scale of y.

        They are computed in float64 whatever the dtype of the parameters, so that columns far from zero lose no digits, and
        proofs, exported code and predictions agree; `net(x)` computes in the dtype of the parameters.

        Raises
        ------
        InputError
            If the columns do not fit or an entry is not finite.
        """
        table = check_matrix(X, "X", columns=self.shape[0])
        wide = self if self.dtype == torch.float64 else _in_float64(self)
        x = torch.from_numpy(table).to(wide.output_shift)
        with torch.no_grad():
            # By parts, whose nodes stay in the caches: those of a wide layer on all rows would fill the memory.
            out = torch.cat(
                [wide._answer(part) for part in x.split(max(1024, NODES_AT_ONCE // max(self.shape)))]
            )
        return out.cpu().numpy()

    def input_range(self) -> Tensor:
        """Range of each input that the grids cover, in the inputs' own units, shape (inputs, 2)."""
        return self.layers[0].domain * self.input_scale[:, None] + self.input_shift[:, None]

    def outside(self, x: Tensor) -> Tensor:
        """Which entries lie outside the training range, so that an edge runs on its linear tail: (..., inputs) bool."""
        check_is(x, Tensor, "x", "a tensor")
        check_columns(x, self.shape[0], "x")
        low, high = self.input_range().unbind(1)
        slack = 1e-6 * (high - low)
        return (x < low - slack) | (x > high + slack)

    def extra_repr(self) -> str:
        return f"shape={list(self.shape)}, inputs={list(self.input_names)}, outputs={list(self.output_names)}"

    def __deepcopy__(self, memo: dict[int, Any]) -> KAN:
        return copied(self, memo, frozenset({"spec"}))

    def reset_parameters(self) -> None:
        """Begin anew in place: the layers, by `KANLinear.reset_parameters`, and scalings that change nothing."""
        for layer in self.layers:
            layer.reset_parameters()
        self._scale_nothing()

    def _scale_nothing(self) -> None:
        for name, buffer in self.named_buffers(recurse=False):
            buffer.fill_(float(name.endswith("scale")))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        was_meta = self.output_scale.is_meta
        super()._apply(fn, recurse)
        if was_meta and not self.output_scale.is_meta:  # as for `EdgeTables`
            self._scale_nothing()
        return self

    def _answer(self, x: Tensor) -> Tensor:
        """What `forward` gives, in full precision whatever autocast asks for."""
        last = self.activations(x)[-1]
        return self.output_shift + self.output_scale * last

    def _run(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        check_input(
            x,
            self.shape[0],
            self.output_shift,
            "this KAN",
            f" ({among(self.input_names)})",
            advice=", or use predict",
        )
        if autocast_type(x) is not None:
            with torch.autocast(x.device.type, enabled=False):
                return self._run(x.to(self.dtype))
        nodes = [(x - self.input_shift) / self.input_scale]
        sums: list[Tensor] = []
        for spec, layer in zip(self.spec.layers, self.layers, strict=True):
            sums.append(layer(nodes[-1]))
            nodes.append(multiply(sums[-1], spec.nodes.sums, spec.nodes.products))
        return nodes, sums


def _in_float64(net: KAN) -> KAN:
    """A copy whose numbers are the same in float64, where its device knows that."""
    with torch.no_grad():
        return deepcopy(net).to("cpu" if net.output_shift.device.type == "mps" else None, torch.float64)


def _check_shape(shape: object) -> Sequence[Any]:
    if isinstance(shape, str) or not isinstance(shape, Sequence) or len(shape) < 2:
        raise InputError(
            argument="shape", expected="list at least inputs and outputs, as in [2, 5, 1]", got=short(shape)
        )
    return shape
