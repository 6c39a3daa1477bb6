"""What a layer derives from its grid, its mask and its symbolic edges: tables that are never older than these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from edgewise._core.modules import Traceable, copied, on
from edgewise.layers.arguments import HALF, widened
from edgewise.layers.symbolic_edges import FormGroup, SymbolicEdge, group_by_form
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.make import make_basis
from edgewise.splines.pieces import GridPieces, make_pieces

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
        "_start",
        "symbolic",
    }
)


@dataclass(frozen=True, eq=False)
class Start:
    """How a layer begins: its grid, its functions by name or as coefficients that all sums share, (I, M), and a seed."""

    grid: tuple[float, float] | Tensor
    functions: str | Tensor
    seed: int | None


class EdgeTables(Traceable):
    """Parameters and buffers of a layer of edges, with the tables that are derived from them.

    A table is made anew where grid or mask were written into, loaded, moved or copied; what stands in for them in one call,
    as `torch.func.functional_call` puts it there, is left alone.
    """

    basis_name: str
    degree: int
    intervals: int
    symbolic: tuple[SymbolicEdge, ...]
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
    _start: Start | None = None

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
        self.register_load_state_dict_post_hook(after_load)

    @property
    def size(self) -> int:
        """Number of basis functions M of every edge."""
        return self.intervals + self.degree

    @property
    def basis(self) -> Basis:
        """The basis of the present grid, in float32 where the layer is of half precision."""
        if self.basis_name == "bspline":
            self._look()
            kept, buffers = self._kept, self._buffers
            if torch.compiler.is_dynamo_compiling() or kept is None:
                return self._spline(self._uniform)
            # Buffers may have been put in the place of these for one call, as `torch.func.functional_call` does.
            table = None if kept.pieces is None else kept.pieces.table
            at_hand = kept.breaks is buffers["grid"] or self.grid.dtype in HALF
            same = at_hand and table is buffers["_table"]
            return kept if same else self._spline(False)
        return make_basis(
            self.basis_name, *widened(self.grid), degree=self.degree, size=self.size, check=False
        )

    @property
    def domain(self) -> Tensor:
        """Range of each input that the grid covers, shape (I, 2)."""
        return self.basis.domain

    @property
    def form_groups(self) -> tuple[FormGroup, ...]:
        """The symbolic edges that are alive, gathered by their form."""
        self._look()
        return self._groups

    def numeric_mask(self) -> Tensor:
        """1 where an edge is alive and numeric, else 0; shape (I, O), of the layer's dtype."""
        self._look()
        return self._numeric

    def numeric_coef(self) -> Tensor:
        """Coefficients with those of dead and symbolic edges at zero; shape (I, M, O)."""
        self._look()
        return self.coef if self._all_numeric else self.coef * self._numeric[:, None, :]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = copied(self, memo, _DERIVED)
        if made._kept is not None:
            made._kept = made._spline(made._uniform)  # of its own grid
        made._seen = _versions(made.grid, made.mask)
        return made

    def reset_parameters(self) -> None:
        """Begin anew."""
        raise NotImplementedError

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        was_meta = self.grid.is_meta
        super()._apply(fn, recurse)
        if was_meta and not self.grid.is_meta:
            # The memory that `to_empty` gives holds anything, and a grid of anything gives NaN.
            self._start = self._start or Start((-1.0, 1.0), "random", None)
            self.reset_parameters()
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
            pieces = make_pieces(widened(grid)[0], self.degree)
            buffers["_table"], buffers["_origin"], buffers["_width"] = (
                pieces.table,
                pieces.origin,
                pieces.width,
            )
            plain["_uniform"] = pieces.uniform
            plain["_kept"] = self._spline(pieces.uniform)

    def _spline(self, uniform: bool) -> BSpline:
        breaks, table, origin, width = widened(self.grid, self._table, self._origin, self._width)
        return BSpline(breaks, self.degree, GridPieces(table, origin, width, uniform))


def _versions(grid: Tensor, mask: Tensor) -> tuple[Tensor, int, Tensor, int]:
    """Both, and how often each was written into; what inference made does not count."""
    first, second = (0 if item.is_inference() else item._version for item in (grid, mask))
    return grid, first, mask, second


def after_load(module: nn.Module, incompatible: Any) -> None:
    """Hook of `load_state_dict`; a function of the module, so that a layer can be pickled."""
    if isinstance(module, EdgeTables):
        module._refresh()
