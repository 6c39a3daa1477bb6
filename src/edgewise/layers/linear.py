"""KANLinear: a layer with a learnable function on every edge, a drop-in for `torch.nn.Linear`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.fx import Proxy

from edgewise._core.checks import check_bool, check_int
from edgewise._core.errors import InputError
from edgewise._core.modules import as_laid_out, on
from edgewise._core.seeds import generator
from edgewise.kernels import layer_sum, spline_edges
from edgewise.kernels.reference import silu
from edgewise.layers.arguments import (
    HALF,
    autocast_type,
    check_functions,
    check_input,
    check_place,
    check_room,
    lowered,
    make_grid,
    widened,
)
from edgewise.layers.edge_tables import EdgeTables, Start, after_load
from edgewise.layers.initialise import initial_coefficients, zero_coefficients
from edgewise.layers.symbolic_edges import (
    SymbolicEdge,
    check_symbolic,
    form_values,
)
from edgewise.splines.make import make_basis

_after_load = after_load  # the name that layers pickled by earlier releases ask for


class LayerNumbers(NamedTuple):
    """The tensors of a layer: grid (I, K), mask (I, O), coef (I, M, O); bias (O,), base_weight (I, O), affine (edges, 4)."""

    grid: Tensor
    mask: Tensor
    coef: Tensor
    bias: Tensor | None = None
    base_weight: Tensor | None = None
    affine: Tensor | None = None


class KANLinear(EdgeTables):
    """Sum of one function of every input: y_o = bias_o + sum_i phi_io(x_i).

    Parameters
    ----------
    in_features, out_features : int
        Numbers of input nodes I and sum nodes O.
    basis : str
        "bspline" (default), "chebyshev", "fourier", "rbf" or "rational".
    degree : int
        Degree of the B-spline, 0 to 5.
    intervals : int
        Intervals G of the grid; every basis has M = G + degree functions.
    grid : pair of float or Tensor
        Range of every input, (low, high), or the grid itself, shape (I, K).
    symbolic : tuple of SymbolicEdge
        Edges that are a * f(b * x + c) + d, at most one for each pair of source and target; they start as f itself.
    bias : bool
        One learnable constant for each sum node.
    base : None or "silu"
        Adds w_io * silu(x_i) to every edge. It helps first-order training of large networks; without it (the default) an
        edge is exactly a piecewise polynomial.
    init : "random" or "zero"
        Start from variance-preserving random functions, or from functions that are zero.
    seed : int, optional
        Seed of the initial functions; without it they are drawn from torch's global generator, as `nn.Linear` does.
    device, dtype
        As in `nn.Linear`.

    Attributes
    ----------
    coef : Parameter, shape (I, M, O)
    bias : Parameter, shape (O,), or None
    base_weight : Parameter, shape (I, O), or None
    affine : Parameter, shape (S, 4), or None
        a, b, c, d of each symbolic edge a * f(b * x + c) + d.
    grid : Tensor, shape (I, K)
    mask : Tensor of bool, shape (I, O)
        Which edges are alive.
    symbolic : tuple of SymbolicEdge
        The rows of `affine`.

    Raises
    ------
    InputError
        For sizes, names or inputs that do not fit.

    References
    ----------
    Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", 2024, arXiv:2404.19756.

    Examples
    --------
    >>> layer = KANLinear(3, 2, seed=0)
    >>> layer(torch.zeros(5, 7, 3)).shape
    torch.Size([5, 7, 2])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        basis: str = "bspline",
        degree: int = 3,
        intervals: int = 5,
        grid: tuple[float, float] | Tensor = (-1.0, 1.0),
        bias: bool = True,
        base: str | None = None,
        symbolic: tuple[SymbolicEdge, ...] = (),
        init: str = "random",
        seed: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.in_features = check_int(in_features, "in_features", low=1)
        self.out_features = check_int(out_features, "out_features", low=1)
        functions = check_functions(basis, degree, intervals, base, init)
        self.basis_name, self.degree, self.intervals, self.base = functions
        check_bool(bias, "bias")
        check_room(in_features, out_features, self.size)
        self.symbolic = check_symbolic(symbolic, in_features, out_features)
        device, dtype = check_place(device, dtype)
        if isinstance(grid, Tensor) and grid.ndim == 2 and basis == "bspline":
            self.intervals = grid.shape[1] - 1
        laid = grid.detach() if isinstance(grid, Tensor) else grid
        self._start = Start(laid, init, seed)
        table, coef, base_weight, affine = self._beginning(dtype)
        made = {
            "coef": coef,
            "bias": torch.zeros(out_features, device=device) if bias else None,
            "base_weight": base_weight if base else None,
            "affine": affine if self.symbolic else None,
        }
        mask = torch.ones(in_features, out_features, dtype=torch.bool, device=device)
        moved = {name: None if t is None else t.to(device=device, dtype=dtype) for name, t in made.items()}
        self._hold(table.to(device=device, dtype=dtype), mask, **moved)

    def _beginning(self, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The first grid, coefficients, weights of the base and constants of symbolic edges, in float64 on the CPU."""
        start = self._start or Start(self.grid, "random", None)
        with on("cpu"):  # where the first functions are made, whatever the ambient device
            made_grid = make_grid(start.grid, self.in_features, self.basis_name, self.degree, self.intervals)
            # Rounded before it is checked: breaks that are apart in float64 may coincide in float32.
            table = made_grid.to(dtype).to(torch.float64)
            first = make_basis(self.basis_name, table, degree=self.degree, size=self.size)
            draw = zero_coefficients if start.functions == "zero" else initial_coefficients
            random = None if start.seed is None else generator(start.seed)
            coef, base_weight = draw(first, self.out_features, random, self.base is not None)
            if isinstance(start.functions, Tensor):
                coef = start.functions[:, :, None].expand_as(coef)
            affine = torch.tensor([[1.0, 1.0, 0.0, 0.0]]).repeat(len(self.symbolic), 1)
        return table, coef, base_weight, affine

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Begin anew in place, as the layer was made: parameters, grid and mask.

        Without a seed the functions are drawn afresh, as `nn.Linear` does. A layer made by an edit or loaded from a file
        keeps its grid. Parameters may be sharded; memory from `to_empty` is filled so by itself.

        Examples
        --------
        >>> with torch.device("meta"):
        ...     layer = KANLinear(3, 2, seed=0)
        >>> layer = layer.to_empty(device="cpu")
        >>> layer.reset_parameters()
        >>> torch.equal(layer.coef, KANLinear(3, 2, seed=0).coef)
        True
        """
        table, coef, base_weight, affine = self._beginning(self.coef.dtype)
        zeros = torch.zeros(self.out_features, device="cpu")
        begun = (table, torch.ones(self.mask.shape, device="cpu"), coef, zeros, base_weight, affine)
        tensors = (self.grid, self.mask, self.coef, self.bias, self.base_weight, self.affine)
        for tensor, first in zip(tensors, begun, strict=True):
            if tensor is not None:
                tensor.copy_(as_laid_out(first, tensor))
        self._refresh()

    @classmethod
    def of_parts(
        cls,
        numbers: LayerNumbers,
        degree: int,
        *,
        basis: str = "bspline",
        base: str | None = None,
        symbolic: tuple[SymbolicEdge, ...] = (),
    ) -> KANLinear:
        """A layer of copies of these tensors, which are trusted to fit; what edits build with."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.in_features, size, made.out_features = numbers.coef.shape
        made.basis_name, made.degree, made.intervals, made.base = basis, degree, size - degree, base
        made.symbolic = symbolic
        grid, mask, *learned = numbers
        made._hold(grid.clone(), mask.clone(), *(None if t is None else t.detach().clone() for t in learned))
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Sums at the output nodes: (..., I) -> (..., O)."""
        if isinstance(x, Proxy):
            return self.as_node(x)
        coef, base, bias, affine = self.coef, self.base_weight, self.bias, self.affine
        self._check_input(x, coef)
        if (half := autocast_type(x)) is not None:
            # Half precision would lose the place of x on the grid, and with it the function; it is the result's alone.
            with torch.autocast(x.device.type, enabled=False):
                return lowered(self.forward(x.to(coef.dtype)), half)
        if x.is_meta:  # no numbers, only the shape and the graph of them
            y = x @ coef.sum(1)
            return y if bias is None else y + bias
        flat = x if x.dim() == 2 else x.reshape(-1, self.in_features)
        self._look()
        if not self._all_numeric:
            numeric = self._numeric
            coef = coef * numeric[:, None, :]
            base = None if base is None else base * numeric
        kind = flat.dtype
        if kind in HALF:
            flat, coef, base = widened(flat, coef, base)
        y = layer_sum(self.basis, flat, coef, base, bias)
        if affine is not None:
            y = self._add_symbolic(y, flat, affine)
        if kind in HALF:
            y = y.to(kind)
        return y if x.dim() == 2 else y.reshape(*x.shape[:-1], self.out_features)

    def kind(self, source: int, target: int) -> str:
        """ "off", "numeric" or "symbolic"."""
        self._check_edge(source, target)
        if not bool(self.mask[source, target]):
            return "off"
        named = any((edge.source, edge.target) == (source, target) for edge in self.symbolic)
        return "symbolic" if named else "numeric"

    def edges(self, x: Tensor, order: int = 0) -> Tensor:
        """Value (or derivative) of every edge function apart, without bias: (B, I) -> (B, I, O)."""
        self._check_input(x, self.coef)
        kind = x.dtype
        x, coef = widened(x, self.numeric_coef())
        y = spline_edges(self.basis, x, coef, order)
        if self.base_weight is not None:
            y = y + silu(x, order)[..., None] * (self.base_weight * self._numeric)
        if self.affine is not None:
            parts = y.clone()
            for group in self.form_groups:
                sources, targets, rows = list(group.sources), list(group.targets), list(group.rows)
                parts[:, sources, targets] = form_values(group.form, self.affine[rows], x[:, sources], order)
            y = parts
        return y.to(kind)

    def edge(self, source: int, target: int, x: Tensor, order: int = 0) -> Tensor:
        """Value (or derivative) of one edge function on a curve of points: (n,) -> (n,)."""
        kind, points = self.kind(source, target), widened(x.reshape(-1, 1).to(self.coef))[0]
        if kind == "off":
            return torch.zeros_like(points[:, 0])
        if kind == "symbolic":
            row = next(k for k, e in enumerate(self.symbolic) if (e.source, e.target) == (source, target))
            assert self.affine is not None
            return form_values(self.symbolic[row].form, self.affine[row : row + 1], points, order)[:, 0]
        grid, coef = self.grid[source : source + 1], self.coef[source : source + 1, :, target, None]
        grid, coef = widened(grid, coef)
        basis = make_basis(self.basis_name, grid, degree=self.degree, size=self.size, check=False)
        y = spline_edges(basis, points, coef, order)[:, 0, 0]
        if self.base_weight is not None:
            y = y + silu(points[:, 0], order) * self.base_weight[source, target]
        return y

    def set_mask(self, mask: Tensor) -> None:
        """Replace the mask, shape (I, O)."""
        if mask.shape != self.mask.shape:
            raise InputError(
                argument="mask", expected=f"have shape {tuple(self.mask.shape)}", got=tuple(mask.shape)
            )
        self.mask.copy_(mask)
        self._refresh()

    def extra_repr(self) -> str:
        text = f"{self.in_features}, {self.out_features}, basis={self.basis_name!r}, degree={self.degree}, "
        text += f"intervals={self.intervals}"
        if self.symbolic:
            text += f", symbolic={len(self.symbolic)}"
        return text

    def _add_symbolic(self, y: Tensor, x: Tensor, affine: Tensor) -> Tensor:
        if not self._groups:
            return y
        sizes = [len(group.rows) for group in self._groups]
        constants, columns = affine[self._rows].split(sizes), x[:, self._sources].split(sizes, 1)
        each = zip(self._groups, constants, columns, strict=True)
        values = [form_values(group.form, own, column) for group, own, column in each]
        return y.index_add(1, self._targets, torch.cat(values, 1))

    def _check_input(self, x: Tensor, coef: Tensor) -> None:
        name = type(self).__name__
        check_input(x, self.in_features, coef, f"{name}({self.in_features}, {self.out_features})")

    def _check_edge(self, source: int, target: int) -> None:
        check_int(source, "source", low=0, high=self.in_features - 1)
        check_int(target, "target", low=0, high=self.out_features - 1)
