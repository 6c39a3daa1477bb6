"""KANConv1d and KANConv2d: convolutions with a learnable function in place of every weight."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.fx import Proxy
from torch.nn import functional as F

from edgewise._core.checks import check_bool, check_choice, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.modules import Traceable, is_tracing
from edgewise.kernels.backends import watched
from edgewise.kernels.convolution import convolve
from edgewise.kernels.patches import Window, patches
from edgewise.kernels.pointwise import pointwise, serves
from edgewise.layers.arguments import (
    autocast_type,
    check_functions,
    check_input,
    check_place,
    check_room,
    lowered,
    make_grid,
    widened,
)
from edgewise.layers.edge_tables import Start
from edgewise.layers.linear import KANLinear
from edgewise.layers.symbolic_edges import SymbolicEdge, check_symbolic, form_values
from edgewise.splines.bspline import BSpline

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _KANConv(Traceable):
    """What both have in common: they are the layer `patch`, laid over every patch of the input."""

    patch: KANLinear
    dimensions = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        *,
        padding_mode: str = "zeros",
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
        name = type(self).__name__
        self.in_channels = check_int(in_channels, "in_channels", low=1)
        self.out_channels = check_int(out_channels, "out_channels", low=1)
        self.groups = check_int(groups, "groups", low=1)
        for what, count in (("in_channels", in_channels), ("out_channels", out_channels)):
            if count % groups:
                raise InputError(
                    argument=what, expected="be a multiple of 'groups'", got=f"{count} in {groups} groups"
                )
        self.kernel_size = self._sizes(kernel_size, "kernel_size")
        self.stride = self._sizes(stride, "stride")
        self.dilation = self._sizes(dilation, "dilation")
        self.padding_mode = check_choice(padding_mode, "padding_mode", PADDING_MODES)
        self.padding = self._padded(padding)
        check_functions(basis, degree, intervals, base, init)
        check_bool(bias, "bias")
        own, places = in_channels // groups, math.prod(self.kernel_size)
        sizes = "'in_channels', 'out_channels', 'kernel_size'"
        check_room(own * places, out_channels, intervals + degree, sizes)
        device, dtype = check_place(device, dtype)
        symbolic = check_symbolic(symbolic, own * places, out_channels)
        if isinstance(grid, Tensor):
            if grid.ndim != 2 or len(grid) not in (own, own * places):
                raise InputError(
                    subject=f"The 'grid' tensor of {name}",
                    expected=f"have shape ({own}, K), one grid a channel of a group",
                    got=tuple(grid.shape),
                )
            grid = grid.repeat_interleave(own * places // len(grid), 0)
        self.patch = KANLinear(
            own * places, out_channels, basis=basis, degree=degree, intervals=intervals, bias=bias, base=base, init=init,
            grid=make_grid(grid, own * places, basis, degree, intervals), symbolic=symbolic, seed=seed,
            device=device, dtype=dtype,
        )  # fmt: skip

    @property
    def places(self) -> int:
        """Number of places of the kernel."""
        return self._window().places

    def source(self, channel: int, *place: int) -> int:
        """Number of the input of `patch` that a channel of a group feeds at one place of the kernel."""
        at = check_int(channel, "channel", low=0, high=self.in_channels // self.groups - 1)
        if len(place) != self.dimensions:
            raise InputError(
                argument="place", expected=f"be {self.dimensions} whole numbers", got=short(place)
            )
        for step, size in zip(place, self.kernel_size, strict=True):
            at = at * size + check_int(step, "place", low=0, high=size - 1)
        return at

    def forward(self, x: Tensor) -> Tensor:
        """Sums at the output nodes, in the shapes of torch's convolutions, with or without a leading dimension of rows."""
        if isinstance(x, Proxy):
            return self.as_node(x)
        coef = self.patch.coef
        self._check(x, coef)
        if (half := autocast_type(x)) is not None:
            # As for `KANLinear`: half precision would lose the place of x on the grid.
            with torch.autocast(x.device.type, enabled=False):
                return lowered(self.forward(x.to(coef.dtype)), half)
        if x.dim() == self.dimensions + 1:
            return self.forward(x[None])[0]
        return self._convolved(x)

    def reset_parameters(self) -> None:
        """Begin anew in place; see `KANLinear.reset_parameters`."""
        self.patch.reset_parameters()

    def edges(self, x: Tensor, order: int = 0) -> Tensor:
        """Value (or derivative) of every function apart on inputs of patches: (B, J) -> (B, J, O); see `KANLinear.edges`."""
        return self.patch.edges(x, order)

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        if any(before or after for before, after in self.padding):
            text += f", padding={self.padding}"
        if self.groups > 1:
            text += f", groups={self.groups}"
        return text

    def _convolved(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _window(self) -> Window:
        raise NotImplementedError

    def _on_pictures(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, O, H', W'), in the memory format of the input."""
        patch, window = self.patch, self._window()
        if self.padding_mode != "zeros":
            top, bottom, left, right = window.padding
            x = F.pad(x, (left, right, top, bottom), self.padding_mode)
            window = Window(window.kernel, window.stride, window.dilation, groups=window.groups)
        if x.is_meta:  # no numbers, only the shape and the graph of them
            return _plain(x, patch.coef.sum(1).T.unflatten(1, (-1, *window.kernel)), patch.bias, window)
        kind = x.dtype
        x, coef, base = widened(x, patch.numeric_coef(), patch.base_weight)
        if base is None and patch.affine is None and self._is_pointwise(x, coef[0]):
            y = pointwise(patch.basis, x, coef[0])
            return (y if patch.bias is None else y + patch.bias[:, None, None]).to(kind)
        if base is not None:
            base = base * patch.numeric_mask()
        last = x.stride(1) == 1 and not x.is_contiguous()
        y = convolve(patch.basis, x.permute(0, 2, 3, 1), coef, base, window, self._one_grid())
        if patch.affine is not None:
            y = self._add_symbolic(y, x, window)
        if patch.bias is not None:
            y = y + patch.bias
        y = y.permute(0, 3, 1, 2).to(kind)
        return y if last else y.contiguous()

    def _is_pointwise(self, x: Tensor, coef: Tensor) -> bool:
        """Whether each output is a function of one channel at its own place, so that there is nothing to add up."""
        alone = self.groups == self.in_channels == self.out_channels and self.places == 1
        plain = {*self.stride} == {1} and not any(before or after for before, after in self.padding)
        return alone and plain and serves(self.patch.basis, x, coef)

    def _add_symbolic(self, y: Tensor, x: Tensor, window: Window) -> Tensor:
        """Closed forms, on the columns of all patches that they take."""
        patch, each = self.patch, self.out_channels // self.groups
        affine, columns = patch.affine, patches(x.permute(0, 2, 3, 1), window)
        assert affine is not None
        flat = y.reshape(-1, self.out_channels)
        for group in patch.form_groups:
            own = [target // each for target in group.targets]
            values = form_values(group.form, affine[list(group.rows)], columns[own, :, list(group.sources)].T)
            flat = flat.index_add(1, torch.tensor(group.targets, device=y.device), values)
        return flat.view_as(y)

    def _one_grid(self) -> bool:
        """Whether a channel has one grid at every place of the kernel; looked up once for every grid."""
        grid = self.patch.grid
        if watched(grid, grid):  # whose numbers may not be there to be asked for
            return False
        seen, version = (
            self.__dict__.get("_seen", (None, 0, False)),
            0 if grid.is_inference() else grid._version,
        )
        if seen[0] is not grid or seen[1] != version:
            by_place = grid.unflatten(0, (-1, self.places))
            seen = (grid, version, bool((by_place == by_place[:, :1]).all()))
            self.__dict__["_seen"] = seen
        return seen[2]

    def _check(self, x: Any, coef: Tensor) -> None:
        name = f"{type(self).__name__}({self.in_channels}, {self.out_channels})"
        if not isinstance(x, Tensor):
            check_input(x, 1, coef, name)
        n = self.dimensions
        if not is_tracing() and (x.dim() not in (n + 1, n + 2) or x.shape[-n - 1] != self.in_channels):
            shape = "(N, C, L) or (C, L)" if n == 1 else "(N, C, H, W) or (C, H, W)"
            raise InputError(
                subject=f"The input of {name}",
                expected=f"have shape {shape} with C = {self.in_channels} channels",
                got=tuple(x.shape),
            )
        check_input(x, x.shape[-1], coef, name)
        if is_tracing():
            return
        sizes = zip(x.shape[-n:], self.kernel_size, self.dilation, self.padding, strict=True)
        for size, k, d, (before, after) in sizes:
            if size + before + after < d * (k - 1) + 1:
                raise InputError(
                    subject=f"The input of {name}",
                    expected=f"be at least as large as its kernel, {d * (k - 1) + 1} with dilation",
                    got=f"{size + before + after} with padding",
                )
            if self.padding_mode in ("reflect", "circular") and max(before, after) > size - (
                self.padding_mode == "reflect"
            ):
                raise InputError(
                    argument="padding",
                    expected=f"be smaller than its input for padding_mode={self.padding_mode!r}",
                    got=f"{max(before, after)} for {size}",
                )

    def _sizes(self, value: Any, name: str, low: int = 1) -> tuple[int, ...]:
        """One number for all dimensions, or one for each."""
        n = self.dimensions
        if isinstance(value, (tuple, list)):
            given = tuple(cast(Any, value))
            if len(given) == n:
                return tuple(check_int(entry, name, low=low) for entry in given)
            raise InputError(argument=name, expected=f"be an int or {n} of them", got=short(value))
        return (check_int(value, name, low=low),) * n

    def _padded(self, padding: Any) -> tuple[tuple[int, int], ...]:
        """Zeros before and after, for each dimension."""
        if not isinstance(padding, str):
            return tuple((size, size) for size in self._sizes(padding, "padding", 0))
        if check_choice(padding, "padding", ("same", "valid")) == "valid":
            return ((0, 0),) * self.dimensions
        if any(step != 1 for step in self.stride):
            raise InputError(argument="padding", expected="be a number where 'stride' is not 1", got="'same'")
        total = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        return tuple((item // 2, item - item // 2) for item in total)


class KANConv2d(_KANConv):
    """A convolution of pictures whose every weight is a function of one variable.

    y[n, o, h, w] = bias_o + sum over channels c and kernel places k of phi_cko(x[n, c, place k below (h, w)]).

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, padding_mode
        As in `torch.nn.Conv2d`. Padded places count as the number 0, and a function has a value there.
        ``groups=in_channels`` is a depthwise convolution; a kernel of 1 after it makes it depthwise separable.
    basis, degree, intervals, base, symbolic, init, seed, bias, device, dtype
        As in `KANLinear`.
    grid : pair of float or Tensor
        Range of every input, (low, high), or grids (C / groups, K), one a channel of a group.

    Attributes
    ----------
    patch : KANLinear
        From the C / groups * kernel places inputs of a patch, ordered as `torch.nn.functional.unfold` does, to the outputs.
        It holds the parameters, and what can be asked of edges or done to them goes through it. In a grouped convolution
        the outputs of each group read their own group's channels.

    Raises
    ------
    InputError
        For sizes, names or inputs that do not fit.

    Examples
    --------
    >>> layer = KANConv2d(3, 8, 3, padding=1, seed=0)
    >>> layer(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 8, 32, 32])
    >>> layer.patch.kind(layer.source(2, 0, 1), 7)  # channel 2, top middle place, output 7
    'numeric'
    """

    dimensions = 2

    def _convolved(self, x: Tensor) -> Tensor:
        return self._on_pictures(x)

    def _window(self) -> Window:
        (top, bottom), (left, right) = self.padding
        return Window(
            cast(Any, self.kernel_size), cast(Any, self.stride), cast(Any, self.dilation),
            (top, bottom, left, right), self.groups,
        )  # fmt: skip


class KANConv1d(_KANConv):
    """A convolution of sequences whose every weight is a function of one variable; see `KANConv2d`.

    Inputs have shape (N, C, L) or (C, L), outputs (N, O, L') or (O, L').

    Examples
    --------
    >>> KANConv1d(2, 4, 5, stride=2, seed=0)(torch.zeros(3, 2, 41)).shape
    torch.Size([3, 4, 19])
    """

    dimensions = 1

    def _convolved(self, x: Tensor) -> Tensor:
        return self._on_pictures(x[:, :, None]).squeeze(2)

    def _window(self) -> Window:
        ((left, right),) = self.padding
        return Window(
            (1, self.kernel_size[0]),
            (1, self.stride[0]),
            (1, self.dilation[0]),
            (0, 0, left, right),
            self.groups,
        )


def _plain(x: Tensor, weight: Tensor, bias: Tensor | None, window: Window) -> Tensor:
    """An ordinary convolution."""
    top, bottom, left, right = window.padding
    x = F.pad(x, (left, right, top, bottom))
    return F.conv2d(x, weight, bias, window.stride, 0, window.dilation, window.groups)


ConvT = TypeVar("ConvT", KANConv1d, KANConv2d)


def channel_functions(
    of: type[ConvT],
    channels: int,
    degree: int,
    intervals: int,
    grid: tuple[float, float] | Tensor,
    begin: Callable[[Tensor], Tensor] | None = None,
    **place: Any,
) -> ConvT:
    """A convolution that gives every channel a function of its own, number by number, over one grid.

    Parameters
    ----------
    of : KANConv1d or KANConv2d
    channels, degree, intervals, grid
    begin : callable, optional
        What they are at first, about: coefficients are its values at the Greville abscissae. By default they change nothing.
    **place
        Device and dtype.

    Examples
    --------
    >>> rising = channel_functions(KANConv1d, 3, 2, 4, (-1.0, 1.0))
    >>> x = torch.linspace(-2, 2, 12).view(2, 3, 2)
    >>> bool((rising(x) - x).abs().max() < 1e-6)
    True
    """
    made = of(
        channels, channels, 1, groups=channels, degree=degree, intervals=intervals, grid=grid, bias=False, init="zero",
        **place,
    )  # fmt: skip
    at = cast(BSpline, made.patch.basis).greville()
    first = at if begin is None else begin(at)
    if not isinstance(first, Tensor) or first.shape != at.shape:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            argument="begin",
            expected="be a function that gives a number for each entry of a tensor, such as torch.tanh",
            got=f"one that gives {short(first)} for a tensor of shape {tuple(at.shape)}",
        )
    with torch.no_grad():
        made.patch.coef.copy_(first[:, :, None].expand_as(made.patch.coef))
    if first.is_meta:
        # What it begins with needs numbers, which this device has none of.
        with torch.device("cpu"):
            real = channel_functions(
                of, channels, degree, intervals, grid, begin, **{**place, "device": "cpu"}
            )
        made.patch._start = real.patch._start
    else:
        made.patch._start = Start(made.patch.grid.detach().to(device="cpu"), first.detach().cpu(), None)
    return made
