"""KANLinear: a layer with a learnable function on every edge, a drop-in for `torch.nn.Linear`.

Long because it is one class: a torch module holds its parameters, buffers and what reads them together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from edgewise._core.checks import check_bool, check_choice, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.modules import copied, on
from edgewise._core.seeds import generator
from edgewise.kernels import spline_edges, spline_sum
from edgewise.kernels.reference import silu
from edgewise.layers.initialise import initial_coefficients, zero_coefficients
from edgewise.layers.inputs import autocast_type, check_input, lowered
from edgewise.layers.symbolic_edges import (
    FormGroup,
    SymbolicEdge,
    check_symbolic,
    form_values,
    group_by_form,
)
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import MAX_DEGREE, BSpline
from edgewise.splines.make import BASES, default_grid, make_basis, most_intervals
from edgewise.splines.pieces import GridPieces, make_pieces

BASE_FUNCTIONS = ("silu",)
MOST_COEFFICIENTS = 1 << 28
# What is derived from grid, mask and symbolic edges: made anew, never written to.
_DERIVED = frozenset(
    {
        "_table",
        "_origin",
        "_width",
        "_numeric",
        "_rows",
        "_sources",
        "_targets",
        "_groups",
        "_kept",
        "_seen",
        "symbolic",
    }
)
FLOATING = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


class KANLinear(nn.Module):
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

    coef: nn.Parameter
    bias: nn.Parameter | None
    base_weight: nn.Parameter | None
    affine: nn.Parameter | None
    grid: Tensor
    mask: Tensor
    _table: Tensor
    _origin: Tensor
    _width: Tensor
    _numeric: Tensor
    _rows: Tensor
    _sources: Tensor
    _targets: Tensor
    _groups: tuple[FormGroup, ...]
    _all_numeric: bool
    _uniform: bool
    _kept: BSpline | None
    _seen: tuple[Tensor, int, Tensor, int]

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
        self.in_features = check_int(in_features, "in_features", low=1, of="KANLinear")
        self.out_features = check_int(out_features, "out_features", low=1, of="KANLinear")
        self.basis_name = check_choice(basis, "basis", BASES, of="KANLinear")
        self.degree = check_int(degree, "degree", low=0, high=MAX_DEGREE, of="KANLinear")
        self.intervals = check_int(
            intervals, "intervals", low=1, high=most_intervals(self.basis_name), of="KANLinear"
        )
        self.base = None if base is None else check_choice(base, "base", BASE_FUNCTIONS, of="KANLinear")
        check_choice(init, "init", ("random", "zero"), of="KANLinear")
        check_bool(bias, "bias", of="KANLinear")
        self._check_room()
        self.symbolic: tuple[SymbolicEdge, ...] = check_symbolic(symbolic, in_features, out_features)
        dtype = torch.get_default_dtype() if dtype is None else _check_dtype(dtype)
        device = torch.get_default_device() if device is None else device
        with on("cpu"):  # where the first functions are made, whatever the ambient device
            # Rounded before it is checked: breaks that are apart in float64 may coincide in float32.
            table = self._make_grid(grid).to(dtype).to(torch.float64)
            first = make_basis(basis, table, degree=degree, size=self.size)
            start = initial_coefficients if init == "random" else zero_coefficients
            random = None if seed is None else generator(seed)
            coef, base_weight = start(first, out_features, random, base is not None)
            affine = torch.tensor([[1.0, 1.0, 0.0, 0.0]]).repeat(len(self.symbolic), 1)
        made = {
            "coef": coef,
            "bias": torch.zeros(out_features, device=device) if bias else None,
            "base_weight": base_weight if base else None,
            "affine": affine if self.symbolic else None,
        }
        mask = torch.ones(in_features, out_features, dtype=torch.bool, device=device)
        moved = {name: None if t is None else t.to(device=device, dtype=dtype) for name, t in made.items()}
        self._hold(table.to(device=device, dtype=dtype), mask, **moved)

    @classmethod
    def of_parts(
        cls,
        basis: str,
        degree: int,
        base: str | None,
        symbolic: tuple[SymbolicEdge, ...],
        grid: Tensor,
        mask: Tensor,
        coef: Tensor,
        bias: Tensor | None,
        base_weight: Tensor | None,
        affine: Tensor | None,
    ) -> KANLinear:
        """A layer of copies of these tensors, which are trusted to fit; what edits build with."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.in_features, size, made.out_features = coef.shape
        made.basis_name, made.degree, made.intervals, made.base = basis, degree, size - degree, base
        made.symbolic = symbolic
        made._hold(
            grid.clone(),
            mask.clone(),
            *(None if t is None else t.detach().clone() for t in (coef, bias, base_weight, affine)),
        )
        return made

    def _hold(
        self,
        grid: Tensor,
        mask: Tensor,
        coef: Tensor | None,
        bias: Tensor | None,
        base_weight: Tensor | None,
        affine: Tensor | None,
    ) -> None:
        """Take these tensors for its own."""
        self._buffers.update(grid=grid, mask=mask)
        for name in ("_table", "_origin", "_width", "_numeric", "_rows", "_sources", "_targets"):
            # Each its own: modules whose tensors are shared cannot be traced.
            counts = name in ("_rows", "_sources", "_targets")
            self._buffers[name] = grid.new_zeros(0, dtype=torch.int64 if counts else grid.dtype)
            self._non_persistent_buffers_set.add(name)
        named = {"coef": coef, "bias": bias, "base_weight": base_weight, "affine": affine}
        for name, tensor in named.items():
            self._parameters[name] = None if tensor is None else nn.Parameter(tensor)
        with on(grid.device):
            self._refresh()
        self.register_load_state_dict_post_hook(_after_load)

    @property
    def size(self) -> int:
        """Number of basis functions M of every edge."""
        return self.intervals + self.degree

    @property
    def basis(self) -> Basis:
        """The basis of the present grid."""
        if self.basis_name == "bspline":
            self._look()
            kept, buffers = self._kept, self._buffers
            if torch.compiler.is_dynamo_compiling() or kept is None:
                return self._spline(self._uniform)
            # Buffers may have been put in the place of these for one call, as `torch.func.functional_call` does.
            table = None if kept.pieces is None else kept.pieces.table
            same = kept.breaks is buffers["grid"] and table is buffers["_table"]
            return kept if same else self._spline(False)
        return make_basis(self.basis_name, self.grid, degree=self.degree, size=self.size, check=False)

    @property
    def domain(self) -> Tensor:
        """Range of each input that the grid covers, shape (I, 2)."""
        return self.basis.domain

    @property
    def form_groups(self) -> tuple[FormGroup, ...]:
        """The symbolic edges that are alive, gathered by their form."""
        self._look()
        return self._groups

    def forward(self, x: Tensor) -> Tensor:
        """Sums at the output nodes: (..., I) -> (..., O)."""
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
        y = spline_sum(self.basis, flat, coef, 0, base)
        if affine is not None:
            y = self._add_symbolic(y, flat, affine)
        if bias is not None:
            y = y + bias
        return y if flat is x else y.reshape(*x.shape[:-1], self.out_features)

    def numeric_mask(self) -> Tensor:
        """1 where an edge is alive and numeric, else 0; shape (I, O), of the layer's dtype."""
        self._look()
        return self._numeric

    def numeric_coef(self) -> Tensor:
        """Coefficients with those of dead and symbolic edges at zero; shape (I, M, O)."""
        self._look()
        return self.coef if self._all_numeric else self.coef * self._numeric[:, None, :]

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
        y = spline_edges(self.basis, x, self.numeric_coef(), order)
        if self.base_weight is not None:
            y = y + silu(x, order)[..., None] * (self.base_weight * self._numeric)
        if self.affine is not None:
            parts = y.clone()
            for group in self.form_groups:
                sources, targets, rows = list(group.sources), list(group.targets), list(group.rows)
                parts[:, sources, targets] = form_values(group.form, self.affine[rows], x[:, sources], order)
            y = parts
        return y

    def edge(self, source: int, target: int, x: Tensor, order: int = 0) -> Tensor:
        """Value (or derivative) of one edge function on a curve of points: (n,) -> (n,)."""
        kind, points = self.kind(source, target), x.reshape(-1, 1).to(self.coef)
        if kind == "off":
            return torch.zeros_like(points[:, 0])
        if kind == "symbolic":
            row = next(k for k, e in enumerate(self.symbolic) if (e.source, e.target) == (source, target))
            assert self.affine is not None
            return form_values(self.symbolic[row].form, self.affine[row : row + 1], points, order)[:, 0]
        grid, coef = self.grid[source : source + 1], self.coef[source : source + 1, :, target, None]
        basis = make_basis(self.basis_name, grid, degree=self.degree, size=self.size, check=False)
        y = spline_edges(basis, points, coef, order)[:, 0, 0]
        if self.base_weight is not None:
            y = y + silu(points[:, 0], order) * self.base_weight[source, target]
        return y

    def set_mask(self, mask: Tensor) -> None:
        """Replace the mask, shape (I, O)."""
        if mask.shape != self.mask.shape:
            raise InputError(
                f"The 'mask' of set_mask must have shape {tuple(self.mask.shape)}. Got {tuple(mask.shape)} instead."
            )
        self.mask.copy_(mask)
        self._refresh()

    def extra_repr(self) -> str:
        text = f"{self.in_features}, {self.out_features}, basis={self.basis_name!r}, degree={self.degree}, "
        text += f"intervals={self.intervals}"
        if self.symbolic:
            text += f", symbolic={len(self.symbolic)}"
        return text

    def __deepcopy__(self, memo: dict[int, Any]) -> KANLinear:
        made = copied(self, memo, _DERIVED)
        if made._kept is not None:
            made._kept = made._spline(made._uniform)  # of its own grid
        made._seen = _versions(made.grid, made.mask)
        return made

    def _add_symbolic(self, y: Tensor, x: Tensor, affine: Tensor) -> Tensor:
        if not self._groups:
            return y
        sizes = [len(group.rows) for group in self._groups]
        constants, columns = affine[self._rows].split(sizes), x[:, self._sources].split(sizes, 1)
        each = zip(self._groups, constants, columns, strict=True)
        values = [form_values(group.form, own, column) for group, own, column in each]
        return y.index_add(1, self._targets, torch.cat(values, 1))

    def _make_grid(self, grid: tuple[float, float] | Tensor) -> Tensor:
        if isinstance(grid, Tensor):
            if grid.ndim != 2 or grid.shape[0] != self.in_features:
                raise InputError(
                    f"The 'grid' tensor of KANLinear must have shape ({self.in_features}, K). "
                    f"Got {tuple(grid.shape)} instead."
                )
            if self.basis_name == "bspline":
                self.intervals = grid.shape[1] - 1
            return grid.detach().to(device="cpu", dtype=torch.float64)
        try:
            low, high = (float(end) for end in grid)
        except (TypeError, ValueError):
            low = high = 0.0
        if not -torch.inf < low < high < torch.inf:
            raise InputError(
                "The 'grid' parameter of KANLinear must be two finite numbers (low, high) with low < high, or a "
                f"tensor. Got {short(grid)} instead."
            )
        ends = torch.tensor([low, high], dtype=torch.float64).expand(self.in_features, 2)
        return default_grid(self.basis_name, ends[:, 0], ends[:, 1], self.intervals, self.degree)

    def _check_room(self) -> None:
        """Refuse a layer that no memory holds before anything is allocated."""
        count = self.in_features * self.out_features * self.size
        if count > MOST_COEFFICIENTS:
            raise InputError(
                f"The 'in_features', 'out_features' and 'intervals' of KANLinear must give at most {MOST_COEFFICIENTS:,} "
                f"coefficients. Got {self.in_features:,} x {self.out_features:,} edges of {self.size:,} each instead."
            )

    def _check_input(self, x: Tensor, coef: Tensor) -> None:
        check_input(x, self.in_features, coef, f"KANLinear({self.in_features}, {self.out_features})")

    def _check_edge(self, source: int, target: int) -> None:
        check_int(source, "source", low=0, high=self.in_features - 1, of="KANLinear")
        check_int(target, "target", low=0, high=self.out_features - 1, of="KANLinear")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> KANLinear:
        super()._apply(fn, recurse)
        # A table rounded to float32 and moved on to float64 would keep the rounding; it is made anew instead.
        self._refresh()
        return self

    def _look(self) -> None:
        """Make the tables anew where grid or mask were written into; what stands in for them in one call is left alone."""
        if torch.compiler.is_dynamo_compiling():
            return
        seen, buffers = self.__dict__.get("_seen"), self._buffers
        if seen is None:  # pickled before there was any
            self._refresh()
            return
        grid, drawn, mask, masked = seen
        if grid is buffers["grid"] and mask is buffers["mask"]:
            now = _versions(grid, mask)
            if now[1] != drawn or now[3] != masked:
                self._refresh()

    def _refresh(self) -> None:
        """Tables derived from the grid, the mask and the symbolic edges."""
        # Straight into the dictionaries: `nn.Module` asks ten questions for every attribute that is set.
        plain, buffers, symbolic = self.__dict__, self._buffers, self.symbolic
        mask, grid = self.mask, self.grid
        plain.update(_groups=group_by_form(symbolic), _all_numeric=False, _uniform=False, _kept=None)
        plain["_seen"] = _versions(grid, mask)
        if mask.is_meta:
            return  # there are no numbers yet; `to_empty` and `load_state_dict` come back here
        numeric = mask.to(self.coef.dtype)
        if symbolic:
            # Dead edges are left out rather than multiplied by zero: outside its domain a form is NaN, and so is 0 * NaN.
            groups = group_by_form(symbolic, lambda edge: bool(mask[edge.source, edge.target]))
            plain["_groups"] = groups
            for name, places in (
                ("_rows", lambda g: g.rows),
                ("_sources", lambda g: g.sources),
                ("_targets", lambda g: g.targets),
            ):
                numbers = [k for group in groups for k in places(group)]
                buffers[name] = torch.tensor(numbers, device=mask.device, dtype=torch.int64)
            for edge in symbolic:
                numeric[edge.source, edge.target] = 0
        buffers["_numeric"] = numeric
        plain["_all_numeric"] = bool(numeric.all())
        if self.basis_name == "bspline":
            pieces = make_pieces(grid, self.degree)
            buffers["_table"], buffers["_origin"], buffers["_width"] = (
                pieces.table,
                pieces.origin,
                pieces.width,
            )
            plain["_uniform"] = pieces.uniform
            plain["_kept"] = self._spline(pieces.uniform)

    def _spline(self, uniform: bool) -> BSpline:
        return BSpline(self.grid, self.degree, GridPieces(self._table, self._origin, self._width, uniform))


def _versions(grid: Tensor, mask: Tensor) -> tuple[Tensor, int, Tensor, int]:
    """Both, and how often each was written into; what inference made does not count."""
    first, second = (0 if each.is_inference() else each._version for each in (grid, mask))
    return grid, first, mask, second


def _after_load(module: nn.Module, incompatible: Any) -> None:
    """Hook of `load_state_dict`; a function of the module, so that a layer can be pickled."""
    if isinstance(module, KANLinear):
        module._refresh()


def _check_dtype(dtype: object) -> torch.dtype:
    if not isinstance(dtype, torch.dtype) or dtype not in FLOATING:
        names = ", ".join(str(each) for each in FLOATING)
        raise InputError(
            f"The 'dtype' parameter of KANLinear must be one of {names}. Got {short(dtype)} instead."
        )
    return dtype
