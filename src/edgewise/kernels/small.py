"""Small networks in one native call: outputs, products with the Jacobian, normal equations, whole training steps.

A layer at a time, a small network is all overhead: [2, 5, 1] on a thousand rows needs tens of microseconds of arithmetic and
milliseconds of calls. Here the whole network and its rows are described once, and everything asked of them is one call.
Results do not depend on the number of threads.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from ctypes import c_double, c_int, c_int32, c_int64, c_void_p
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.kernels.native.library import NativeLibrary, check
from edgewise.splines.bspline import BSpline


class LayerStruct(ctypes.Structure):
    """`struct ew_layer` of edgewise_network.h."""

    _fields_ = [
        *(
            (name, c_int32)
            for name in ("inputs", "sums", "degree", "intervals", "plain", "products", "edges", "reserved")
        ),
        *((name, c_void_p) for name in ("arity", "source", "target", "breaks", "table", "origin", "width")),
        *((name, c_int64) for name in ("coef", "base", "bias")),
    ]


class NetworkStruct(ctypes.Structure):
    """`struct ew_network`."""

    _fields_ = [
        *((name, c_int64) for name in ("nets", "parameters", "rows")),
        *((name, c_int32) for name in ("depth", "is_double", "threads", "full_root")),
        ("layers", c_void_p),
        *((name, c_void_p) for name in ("theta", "x", "y", "weight", "g", "root", "v")),
        *((name, c_void_p) for name in ("f", "gradient", "curvature", "value")),
    ]


class DescentStruct(ctypes.Structure):
    """`struct ew_descent`."""

    _fields_ = [
        *(
            (name, c_void_p)
            for name in ("penalty", "theta", "value", "mu", "nu", "decrease", "stuck", "taken")
        ),
        *((name, c_int32) for name in ("steps", "reserved")),
        *((name, c_double) for name in ("rest", "mu_start", "mu_max", "floor", "tolerance", "least_gain")),
    ]


@dataclass(frozen=True, eq=False)
class SmallLayer:
    """One layer: splines on edges, sums with biases, products of sums.

    Attributes
    ----------
    basis : BSpline
        Grids of the I nodes that feed the layer.
    sources, targets : Tensor of int, shape (E,)
        The edges, ascending in (source, target).
    plain : int
        The first sums are nodes as they are.
    arities : tuple of int
        Then each product multiplies so many of the sums that follow.
    coef, base, bias : int
        Where (E, M) coefficients, (E,) weights of silu and one bias a sum start in the vector, in this order; -1 for none.
    """

    basis: BSpline
    sources: Tensor
    targets: Tensor
    plain: int
    arities: tuple[int, ...]
    coef: int
    base: int
    bias: int

    @property
    def nodes(self) -> int:
        """Number of nodes it makes."""
        return self.plain + len(self.arities)


@dataclass(frozen=True)
class DescentDamping:
    """How steps of Levenberg-Marquardt are damped.

    Attributes
    ----------
    mu_start, mu_max : float
        Damping after the search is stuck, and the largest.
    floor, tolerance : float
        Smallest share of the largest diagonal entry that is not zero, and of P that a scaled pivot must exceed.
    least_gain : float
        Smallest ratio of actual to predicted decrease that counts.
    """

    mu_start: float = 1e-2
    mu_max: float = 1e14
    floor: float = 1e-14
    tolerance: float = 8.9e-16
    least_gain: float = 1e-4


@dataclass(frozen=True, eq=False)
class Descended:
    """Where Levenberg-Marquardt steps have led; for E networks at once, every number is a tensor (E,).

    Attributes
    ----------
    theta : Tensor, shape (P,) or (E, P)
    value, mu, nu, decrease : Tensor
        Objective, damping, its next growth factor, relative decrease by the last step.
    stuck : Tensor of bool
        Whether no step improves any more.
    steps : Tensor of int
        Steps made.
    """

    theta: Tensor
    value: Tensor
    mu: Tensor
    nu: Tensor
    decrease: Tensor
    stuck: Tensor
    steps: Tensor


class SmallNetwork:
    """A network on fixed rows, as a function of its vector of P numbers.

    Parameters
    ----------
    library : NativeLibrary
        As `edgewise.kernels.native.library.load` gives it.
    layers : sequence of SmallLayer
    parameters : int
        Length P of the vector.
    x : Tensor, shape (n, inputs)
        float64.
    y, weight : Tensor, shapes (n, D) and (n,), optional
        The loss sum_r weight_r |f_r - y_r|^2 / 2.

    Notes
    -----
    A vector (P,) stands for one network, (E, P) for E networks on the same rows; results then have a leading E.

    Raises
    ------
    InputError
        For tensors of other shapes or types.
    """

    def __init__(
        self,
        library: NativeLibrary,
        layers: Sequence[SmallLayer],
        parameters: int,
        x: Tensor,
        y: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> None:
        self.dtype, self.rows, self.parameters = x.dtype, len(x), parameters
        if self.dtype != torch.float64 or x.device.type != "cpu":
            raise InputError(
                argument="x",
                expected="be float64 in the CPU's memory",
                got=f"{x.dtype} on {x.device}",
            )
        self.outputs_width = layers[-1].nodes
        self._kept = list[Any]()  # what the structures point to
        self._call = NetworkStruct(parameters=parameters, rows=self.rows, depth=len(layers))
        self._call.is_double = 1
        described = (LayerStruct * len(layers))(*(self._describe(layer) for layer in layers))
        self._kept.append(described)
        self._call.layers = ctypes.addressof(described)
        self._call.x = self._keep(x, (self.rows, len(layers[0].basis.breaks)))
        self.has_loss = y is not None and weight is not None
        if y is not None and weight is not None:
            self._call.y = self._keep(y, (self.rows, self.outputs_width))
            self._call.weight = self._keep(weight, (self.rows,))
        self._at = ctypes.addressof(self._call)
        self._functions = {name: _declared(library, name) for name in _CALLS}

    def outputs(self, theta: Tensor) -> Tensor:
        """Outputs f, shape (n, D)."""
        theta = self._take(theta)
        f = theta.new_empty(*theta.shape[:-1], self.rows, self.outputs_width)
        self._run("outputs", theta, f=f)
        return f

    def value(self, theta: Tensor) -> Tensor:
        """The loss of y, float64."""
        theta = self._take(theta)
        value = torch.empty(theta.shape[:-1], dtype=torch.float64)
        self._run("outputs", theta, value=value)
        return value

    def pull(self, theta: Tensor, g: Tensor) -> Tensor:
        """J^T g of a gradient g (n, D) in the outputs, shape (P,)."""
        theta = self._take(theta)
        gradient = torch.empty_like(theta)
        self._run("pull", theta, g=self._take_outputs(g, theta), gradient=gradient)
        return gradient

    def push(self, theta: Tensor, v: Tensor) -> Tensor:
        """J v of a direction v (P,), shape (n, D)."""
        theta = self._take(theta)
        f = theta.new_empty(*theta.shape[:-1], self.rows, self.outputs_width)
        self._run("push", theta, v=_checked(v, theta.shape, self.dtype, "v"), f=f)
        return f

    def normal(
        self, theta: Tensor, g: Tensor | None = None, root: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss, gradient J^T g (P,) and Gauss-Newton matrix J^T R^T R J (P, P).

        Parameters
        ----------
        theta : Tensor, shape (P,), float64
        g, root : Tensor, shapes (n, D) and (n, D) or (n, D, D), optional
            Gradient of a loss in the outputs and root R of its second derivative, row weights included. Without them they
            are those of the loss of y; the loss returned is always that one (0 without y).
        """
        theta = self._take(theta)
        gradient, value = torch.empty_like(theta), torch.zeros(theta.shape[:-1], dtype=torch.float64)
        curvature = theta.new_empty(*theta.shape, self.parameters)
        shape = (*theta.shape[:-1], self.rows, self.outputs_width)
        full = root is not None and root.ndim > len(shape)
        root = (
            None
            if root is None
            else _checked(root, (*shape, shape[-1]) if full else shape, self.dtype, "root")
        )
        g = None if g is None else self._take_outputs(g, theta)
        self._call.full_root = int(full)
        self._run("normal", theta, g=g, root=root, gradient=gradient, curvature=curvature, value=value)
        return value, gradient, curvature

    def descend(
        self,
        theta: Tensor,
        mu: Tensor,
        nu: Tensor,
        steps: int,
        penalty: Tensor | None = None,
        rest: float = 0.0,
        damping: DescentDamping | None = None,
    ) -> Descended:
        """Levenberg-Marquardt steps on the loss of y plus theta^T S theta / 2, as training.second_order.lm makes them.

        Where a damped system is singular to rounding, the damping grows.

        Parameters
        ----------
        theta : Tensor, shape (P,) or (E, P), float64
        mu, nu : Tensor, shape () or (E,), float64
            Damping and its next growth factor.
        steps : int
            Most steps.
        penalty : Tensor, shape (P, P), optional
            S, symmetric.
        rest : float
            Steps end where one lowers the objective by a smaller share.
        damping : DescentDamping, optional
        """
        theta = self._take(theta).clone()
        shape = theta.shape[:-1]
        mu, nu = (_checked(t, shape, torch.float64, name).clone() for t, name in ((mu, "mu"), (nu, "nu")))
        value, decrease = (torch.full(shape, math.inf, dtype=torch.float64) for _ in range(2))
        stuck, taken = torch.zeros(shape, dtype=torch.int32), torch.zeros(shape, dtype=torch.int32)
        rule = asdict(damping or DescentDamping())
        call = DescentStruct(steps=steps, rest=rest, **rule)
        if penalty is not None:
            penalty = _checked(penalty, (self.parameters, self.parameters), torch.float64, "penalty")
            call.penalty = penalty.data_ptr()
        named = {
            "theta": theta,
            "value": value,
            "mu": mu,
            "nu": nu,
            "decrease": decrease,
            "stuck": stuck,
            "taken": taken,
        }
        for name, tensor in named.items():
            setattr(call, name, tensor.data_ptr())
        self._run("descend", theta, call)
        return Descended(theta, value, mu, nu, decrease, stuck.bool(), taken)

    def _run(
        self, name: str, theta: Tensor, more: ctypes.Structure | None = None, **arrays: Tensor | None
    ) -> None:
        call = self._call
        call.nets = 1 if theta.ndim == 1 else len(theta)
        call.theta = theta.data_ptr()
        call.threads = torch.get_num_threads()
        for key in ("g", "root", "v", "f", "gradient", "curvature", "value"):
            array = arrays.get(key)
            setattr(call, key, None if array is None else array.data_ptr())
        function = self._functions[name]
        status = function(self._at) if more is None else function(self._at, ctypes.addressof(more))
        if status:
            check(status)

    def _take(self, theta: Tensor) -> Tensor:
        if theta.ndim == 2:
            return _checked(theta, (len(theta), self.parameters), self.dtype, "theta")
        return _checked(theta, (self.parameters,), self.dtype, "theta")

    def _take_outputs(self, g: Tensor, theta: Tensor) -> Tensor:
        return _checked(g, (*theta.shape[:-1], self.rows, self.outputs_width), self.dtype, "g")

    def _keep(self, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> int:
        tensor = _checked(tensor.detach(), shape, dtype or self.dtype, "x, y or weight")
        self._kept.append(tensor)
        return tensor.data_ptr()

    def _describe(self, layer: SmallLayer) -> LayerStruct:
        basis, (n, intervals) = layer.basis, (len(layer.basis.breaks), layer.basis.intervals)
        pieces, k1 = basis.pieces, basis.degree + 1
        assert pieces is not None
        edges = (len(layer.sources),)
        at = LayerStruct(
            inputs=n, sums=layer.plain + sum(layer.arities), degree=basis.degree, intervals=intervals
        )
        at.plain, at.products, at.edges = layer.plain, len(layer.arities), len(layer.sources)
        at.coef, at.base, at.bias = layer.coef, layer.base, layer.bias
        at.arity = self._keep(torch.tensor(layer.arities).int(), (len(layer.arities),), torch.int32)
        at.source = self._keep(layer.sources.int(), edges, torch.int32)
        at.target = self._keep(layer.targets.int(), edges, torch.int32)
        at.breaks = self._keep(basis.breaks, (n, intervals + 1))
        at.table = self._keep(pieces.table, (n, intervals + 2, k1, k1))
        at.origin = self._keep(pieces.origin, (n, intervals + 2))
        at.width = self._keep(pieces.width, (n, intervals + 2))
        return at


_CALLS = ("outputs", "pull", "push", "normal", "descend")


def _declared(library: NativeLibrary, name: str) -> Any:
    function = library.c[f"ew_network_{name}"]  # by index: a function object of our own
    function.argtypes = (c_void_p, c_void_p) if name == "descend" else (c_void_p,)
    function.restype = c_int
    return function


def _checked(tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype, name: str) -> Tensor:
    """The tensor, contiguous; its shape and type are what the library trusts."""
    if tensor.shape != shape or tensor.dtype != dtype or tensor.device.type != "cpu":
        raise InputError(
            subject=f"The {name!r} of a SmallNetwork",
            expected=f"have shape {tuple(shape)} and type {dtype}, in the CPU's memory",
            got=f"{tuple(tensor.shape)} and {tensor.dtype} on {tensor.device}",
        )
    return tensor.contiguous()
