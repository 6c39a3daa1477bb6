"""What `speed.py` measures: edgewise beside its references, in turn, on layers, kernels, training steps and memory.

Each function that takes `Settings` yields the comparisons of one job, which runs in a process of its own.
"""

from __future__ import annotations

import ctypes
import gc
import math
import re
import statistics
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import c_double, c_int, c_int64
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgewise.kernels import backend
from edgewise.kernels.native.library import load, reason
from edgewise.kernels.small import SmallNetwork
from edgewise.layers import KANLinear
from edgewise.network import KAN, laplacian
from edgewise.training import Record, fit
from edgewise.training.second_order.native_objective import native_layers
from edgewise.training.second_order.parameters import make_slots, pack


# Settings of every table: how thorough to be, and on how many threads.
@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes
    ----------
    quick : a small part of each table, in about a minute for all
    threads : processor threads for edgewise and for every reference
    data : MNIST as .npz (x_train, y_train, x_test, y_test), for the table of images
    """

    quick: bool = False
    threads: int = 1
    data: Path | None = None

    @property
    def seconds(self) -> float:
        """Time for the repetitions of one comparison."""
        return 0.25 if self.quick else 1.0


# Times of rival pieces of work, measured in turn so that whatever else the machine does meets all of them alike.
Work = Callable[[], object]

# A repetition lasts at least this long; shorter work is done several times over.
_SHORTEST = 2e-3
# Repetitions at least and at most.
_LEAST, _MOST = 3, 200


def clock(threads: int) -> Callable[[], float]:
    """Processor time for one thread, which other programs hardly disturb; for more threads the time on the wall."""
    return time.process_time if threads == 1 else time.perf_counter


def alternately(settings: Settings, *works: Work, seconds: float | None = None) -> tuple[list[float], ...]:
    """Seconds that each piece of work takes, over repetitions in turn, after a warm-up."""
    now = clock(settings.threads)
    counts = [_repeats(work, now) for work in works]
    times: tuple[list[float], ...] = tuple([] for _ in works)
    seconds, began = settings.seconds if seconds is None else seconds, now()
    with no_collection():
        while len(times[0]) < _LEAST or (now() - began < seconds and len(times[0]) < _MOST):
            for work, count, taken in zip(works, counts, times, strict=True):
                start = now()
                for _ in range(count):
                    work()
                taken.append((now() - start) / count)
    return times


@contextmanager
def no_collection() -> Generator[None, None, None]:
    """Without Python's garbage collector, which would strike one of the rivals at random."""
    gc.collect()
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _repeats(work: Work, now: Callable[[], float]) -> int:
    """Warm up, and find how often the work fits into the shortest repetition."""
    took = math.inf
    for _ in range(3):
        start = now()
        work()
        took = min(took, now() - start)
        if took > 0.25:  # long work is warm after one pass
            break
    return max(1, math.ceil(_SHORTEST / max(took, 1e-7)))


# The result of a measurement: two figures beside each other and their ratio, as data first and as a table second.
Setting = Mapping[str, int | str]


@dataclass(frozen=True)
class Comparison:
    """One figure of edgewise beside one of a reference.

    Attributes
    ----------
    table : which table it belongs to
    setting : what was held fixed, by name
    measure, reference, unit : what was measured, against what, in what
    ours, theirs : the two figures, medians
    ratio, low, high : median and quartiles of ours over theirs, from measurements taken in turn
    goal : what the ratio (or, where the goal names a unit, our figure) is meant to be; empty where nothing was aimed at
    met : whether it is
    extra : further figures by name
    """

    table: str
    setting: Setting
    measure: str
    reference: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    goal: str = ""
    met: bool | None = None
    extra: Mapping[str, float | str] = field(default_factory=dict[str, float | str])


@dataclass(frozen=True)
class NotMeasured:
    """Something that could not be measured here, and why."""

    table: str
    reference: str
    reason: str


@dataclass(frozen=True)
class Results:
    """Everything one run measured."""

    machine: str
    comparisons: tuple[Comparison, ...] = ()
    missing: tuple[NotMeasured, ...] = ()

    def of(self, table: str) -> tuple[Comparison, ...]:
        """The comparisons of one table."""
        return tuple(comparison for comparison in self.comparisons if comparison.table == table)


def compare(
    table: str,
    setting: Setting,
    measure: str,
    reference: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    unit: str = "s",
    most: float | None = None,
    least: float | None = None,
    extra: Mapping[str, float | str] | None = None,
) -> Comparison:
    """Put figures beside each other, the k-th of one measured right after the k-th of the other.

    The median of their ratios should not be above `most`, or below `least`.
    """
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    low, middle, high = quartiles(ratios)
    goal = f"at most {most:g}" if most is not None else f"at least {least:g}" if least is not None else ""
    met = None
    if goal:
        met = middle <= most if most is not None else middle >= (least or 0.0)
    return Comparison(
        table,
        dict(setting),
        measure,
        reference,
        unit,
        statistics.median(ours),
        statistics.median(theirs),
        middle,
        low,
        high,
        goal,
        met,
        dict(extra or {}),
    )


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


# What is known of this machine and this process: processor, caches, memory, the allocator.
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
# Where the system does not say: what processors of recent years have at least.
_USUAL_CACHES = {"L1": 32 << 10, "L2": 512 << 10, "L3": 8 << 20}
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def caches() -> dict[str, int]:
    """Bytes of each level of data cache of one core, smallest first: {"L1": ..., "L2": ..., "L3": ...}."""
    found: dict[str, int] = {}
    for index in sorted(_CACHES.glob("index*")):
        kind, level, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction" and (amount := re.fullmatch(r"(\d+)([KMG])", size)):
            found[f"L{level}"] = int(amount[1]) * _UNITS[amount[2]]
    return found or dict(_USUAL_CACHES)


def keep_memory() -> bool:
    """Let the C library keep freed memory instead of giving it back, which spares large temporaries their page faults.

    Programs that make such temporaries over and over gain up to fourfold; True where this C library can do so.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # The largest values that the C library's 32-bit parameters take.
    return mallopt is not None and all(
        mallopt(kind, (1 << 31) - 1) == 1 for kind in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD)
    )


def resident_bytes() -> int | None:
    """Memory this process holds now; None where the system does not report it."""
    return _status("VmRSS")


def peak_bytes() -> int | None:
    """Most memory this process held since it began or since `forget_peak`; None where the system does not report it."""
    return _status("VmHWM")


def forget_peak() -> bool:
    """Begin to look for the peak anew; False where the system does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _status(name: str) -> int | None:
    file = Path("/proc/self/status")
    found = re.search(rf"{name}:\s*(\d+) kB", file.read_text()) if file.is_file() else None
    return int(found[1]) * 1024 if found else None


# The popular way to a fast spline layer, as the reference to beat: all basis functions of every input, one matrix product.
# Every input's G + k B-splines are evaluated by the recursion of Cox and de Boor (1972, doi:10.1016/0021-9045(72)90080-9),
# element by element over the whole batch, and multiplied as a dense matrix with the coefficients; all but k + 1 are zero.


class DenseKANLinear(nn.Module):
    """A layer of splines, (B, I) -> (B, O), as bases times matrix."""

    knots: Tensor

    def __init__(self, in_features: int, out_features: int, *, intervals: int, degree: int = 3) -> None:
        super().__init__()
        self.degree = degree
        step = 2.0 / intervals
        knots = torch.arange(-degree, intervals + degree + 1) * step - 1.0
        self.register_buffer("knots", knots.expand(in_features, -1).contiguous())
        self.weight = nn.Parameter(torch.empty(out_features, in_features * (intervals + degree)))
        nn.init.normal_(self.weight, std=in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Sums at the output nodes."""
        return nn.functional.linear(self.bases(x).reshape(len(x), -1), self.weight)

    def bases(self, x: Tensor) -> Tensor:
        """All basis functions, (B, I) -> (B, I, G + k)."""
        t, x = self.knots, x.unsqueeze(-1)
        values = ((x >= t[:, :-1]) & (x < t[:, 1:])).to(x.dtype)
        for d in range(1, self.degree + 1):
            rising = (x - t[:, : -(d + 1)]) / (t[:, d:-1] - t[:, : -(d + 1)])
            falling = (t[:, d + 1 :] - x) / (t[:, d + 1 :] - t[:, 1:-d])
            values = rising * values[..., :-1] + falling * values[..., 1:]
        return values


# A layer of edge functions against a linear layer, a perceptron of as many parameters, and the dense formulation.
# An edge of degree k needs k + 1 multiply-adds in each of the three passes (forward, coefficients, input) where a linear
# edge needs one, so four is the floor of the first ratio for cubics, five with a base function. A perceptron of the same
# number of parameters has G + k times as many edges; the dense formulation multiplies G + k basis functions an edge.

BOTH, PERCEPTRON = "forward + backward", "MLP, same parameters"
SHAPES = ((64, 64), (256, 256), (784, 64), (1024, 1024))
BATCHES = (256, 4096)
INTERVALS = (5, 32, 128)
# What is aimed at, by number of intervals: against the perceptron (median over the cells) and the dense formulation.
_MLP_GOALS = {5: 0.5, 32: 0.15, 128: 0.05}
_DENSE_GOALS = {5: 1 / 5, 32: 1 / 20}


@dataclass(frozen=True)
class LayerCase:
    """One layer and one batch."""

    inputs: int
    outputs: int
    batch: int
    intervals: int

    @property
    def setting(self) -> dict[str, int | str]:
        """As it stands in the results."""
        return {"in": self.inputs, "out": self.outputs, "batch": self.batch, "G": self.intervals}


def cells(settings: Settings) -> tuple[LayerCase, ...]:
    """The cells of the table."""
    if settings.quick:
        return (LayerCase(64, 64, 256, 5), LayerCase(256, 256, 256, 5), LayerCase(256, 256, 256, 32))
    return tuple(
        LayerCase(inputs, outputs, batch, G)
        for (inputs, outputs), batch, G in product(SHAPES, BATCHES, INTERVALS)
    )


def inputs_of(cell: LayerCase) -> tuple[Tensor, Tensor]:
    """Inputs spread over the grid, (B, I), and gradients at the outputs, (B, O)."""
    random = torch.Generator().manual_seed(0)
    x = torch.rand(cell.batch, cell.inputs, generator=random) * 1.96 - 0.98
    return x, torch.randn(cell.batch, cell.outputs, generator=random)


def edgewise_layer(cell: LayerCase, base: str | None = None) -> KANLinear:
    """Our layer for a cell."""
    return KANLinear(cell.inputs, cell.outputs, intervals=cell.intervals, base=base, seed=0)


def linear_layer(cell: LayerCase) -> nn.Module:
    """A linear layer of the same width with SiLU."""
    return nn.Sequential(nn.Linear(cell.inputs, cell.outputs), nn.SiLU())


def perceptron(cell: LayerCase) -> nn.Module:
    """[in, h, out] with SiLU and as many parameters as our layer."""
    parameters = cell.inputs * cell.outputs * (cell.intervals + 3)
    hidden = max(1, round(parameters / (cell.inputs + cell.outputs + 1)))
    return nn.Sequential(nn.Linear(cell.inputs, hidden), nn.SiLU(), nn.Linear(hidden, cell.outputs))


def one_pass(layer: Any, x: Tensor, g: Tensor) -> Work:
    """Forward and backward, for the parameters and the input."""
    x = x.clone().requires_grad_()

    def work() -> None:
        x.grad = None
        layer.zero_grad(set_to_none=True)
        layer(x).backward(g)

    return work


def forward_only(layer: Any, x: Tensor) -> Work:
    """The outputs alone."""

    def work() -> None:
        with torch.no_grad():
            layer(x)

    return work


def layers_against_linear(settings: Settings) -> Iterator[Comparison]:
    """Forward and backward against the same-width linear layer, without and with a base function."""
    for cell in cells(settings):
        x, g = inputs_of(cell)
        theirs = one_pass(linear_layer(cell), x, g)
        # Fetching the coefficients of large grids for a small batch takes as long as the arithmetic.
        fetching = (cell.inputs, cell.batch, cell.intervals) == (1024, 256, 128)
        for base in (None, "silu"):
            ours = one_pass(edgewise_layer(cell, base), x, g)
            mine, other = alternately(settings, ours, theirs)
            most = None if fetching else 5.5 if cell.batch >= 4096 else 8.0
            setting = cell.setting | {"base": base or "none"}
            yield compare("layers", setting, BOTH, "Linear + SiLU", mine, other, most=most)


def layers_against_perceptron(settings: Settings) -> Iterator[Comparison]:
    """Forward and backward, and forward alone, against a perceptron of as many parameters."""
    found: list[Comparison] = []
    for cell in cells(settings):
        x, g = inputs_of(cell)
        ours, theirs = edgewise_layer(cell), perceptron(cell)
        for measure in (BOTH, "forward"):
            first, second = (
                one_pass(layer, x, g) if measure == BOTH else forward_only(layer, x)
                for layer in (ours, theirs)
            )
            mine, other = alternately(settings, first, second)
            found.append(compare("layers", cell.setting, measure, PERCEPTRON, mine, other, most=1.0))
            yield found[-1]
    for G, goal in _MLP_GOALS.items():
        if same := [
            comparison for comparison in found if comparison.setting["G"] == G and comparison.measure == BOTH
        ]:
            mine, other = [item.ours for item in same], [item.theirs for item in same]
            setting = {"in": "all", "out": "all", "batch": "all", "G": G}
            yield compare("layers", setting, BOTH, PERCEPTRON, mine, other, most=goal)


def layers_against_dense(settings: Settings) -> Iterator[Comparison]:
    """Forward and backward against the dense formulation, whose memory the C library is asked to keep."""
    keep_memory()
    for cell in cells(settings):
        if cell.intervals not in _DENSE_GOALS:
            continue
        x, g = inputs_of(cell)
        dense = DenseKANLinear(cell.inputs, cell.outputs, intervals=cell.intervals)
        mine, other = alternately(settings, one_pass(edgewise_layer(cell), x, g), one_pass(dense, x, g))
        most = _DENSE_GOALS[cell.intervals]
        yield compare("layers", cell.setting, BOTH, "dense formulation", mine, other, most=most)


# A training step on a differential equation: third derivatives by autograd, against a perceptron of the same width.


def derivatives(settings: Settings) -> Iterator[Comparison]:
    """One Adam step on the residual of Poisson's equation, network [2, w, w, 1]."""
    width, batches = 64, (1024,) if settings.quick else (1024, 4096)
    for batch in batches:
        x = torch.rand(batch, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
        ours = poisson_step(KAN([2, width, width, 1], seed=0, dtype=torch.float32), x)
        theirs = poisson_step(tanh_perceptron(2, width, width, 1), x)
        mine, other = alternately(settings, ours, theirs)
        setting = {"network": f"[2, {width}, {width}, 1]", "batch": batch}
        yield compare("derivatives", setting, "Poisson step", "tanh MLP, same width", mine, other, most=2.0)
        network = KAN([2, width, width, 1], seed=0, dtype=torch.float32)
        rival = tanh_perceptron(2, width, width, 1)
        mine, other = alternately(
            settings,
            forward_step(network, lambda at, net=network: laplacian(net, at), x),
            forward_step(rival, lambda at, net=rival: perceptron_laplacian(net, at), x),
        )
        yield compare(
            "derivatives",
            setting,
            "Poisson step, forward",
            "tanh MLP, forward by hand",
            mine,
            other,
            most=2.0,
        )


def tanh_perceptron(*widths: int) -> nn.Module:
    """Linear layers with tanh between them."""
    parts: list[nn.Module] = []
    for before, after in pairwise(widths):
        parts += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*parts[:-1])


def perceptron_laplacian(network: nn.Module, x: Tensor) -> Tensor:
    """u_xx + u_yy by derivatives carried forward through its layers."""
    value = x
    slope = torch.eye(2).expand(len(x), -1, -1)
    second = torch.zeros_like(x)
    for layer in network.children():
        if isinstance(layer, nn.Linear):
            value, slope, second = layer(value), slope @ layer.weight.T, second @ layer.weight.T
        else:
            value = torch.tanh(value)
            bend = 1 - value**2
            second = bend * second - 2 * value * bend * (slope**2).sum(1)
            slope = bend[:, None] * slope
    return second


def forward_step(network: Any, laplacian: Callable[[Tensor], Tensor], points: Tensor) -> Work:
    """One Adam step on the same residual, its derivatives carried forward."""
    f = -2 * torch.pi**2 * torch.sin(torch.pi * points).prod(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def work() -> None:
        optimizer.zero_grad()
        (laplacian(points)[:, 0] - f).square().mean().backward()
        optimizer.step()

    return work


def poisson_step(network: Any, points: Tensor) -> Work:
    """One Adam step on the mean square of u_xx + u_yy - f, f = -2 pi^2 sin(pi x) sin(pi y)."""
    x = points.clone().requires_grad_()
    f = -2 * torch.pi**2 * torch.sin(torch.pi * points).prod(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def work() -> None:
        optimizer.zero_grad()
        (slope,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
        laplacian = sum(
            torch.autograd.grad(slope[:, k].sum(), x, create_graph=True)[0][:, k] for k in range(2)
        )
        (laplacian - f).square().mean().backward()
        optimizer.step()
        x.grad = None

    return work


# Networks so small that overhead is what takes time: one step in float64, whole or through torch.
ADAM, LM = "Adam step", "LM iteration"
_RIVAL = "MLP of the same size in torch"
_SHAPE = (4, 5, 1)
# [4, 33, 1] has 199 parameters, [4, 5, 1] on five intervals 206.
_PERCEPTRON = (4, 33, 1)
_SETTING: dict[str, int | str] = {"network": "[4, 5, 1]", "batch": 1000}


def small_adam(settings: Settings) -> Iterator[Comparison]:
    """One Adam step of a [4, 5, 1] network through torch, against an eager perceptron of the same size."""
    X, y = _wave_rows()
    theirs = torch_step(tanh_perceptron(*_PERCEPTRON).double(), X, y)
    mine, other = alternately(settings, torch_step(_network(), X, y), theirs)
    yield compare("small", _SETTING, f"{ADAM}, through torch", f"{ADAM}, {_RIVAL}", mine, other)


def small_levenberg_marquardt(settings: Settings) -> Iterator[Comparison]:
    """One iteration of Levenberg-Marquardt, alone and as part of a fit, against an Adam step of the perceptron."""
    X, y = _wave_rows()
    theirs = torch_step(tanh_perceptron(*_PERCEPTRON).double(), X, y)
    if load() is not None:
        mine, other = alternately(settings, _native_descent(X, y), theirs)
        yield compare("small", _SETTING, f"{LM}, in one call", f"{ADAM}, {_RIVAL}", mine, other)
    mine = _iterations_of_a_fit(settings, X, y)
    (other,) = alternately(settings, theirs)
    other = [statistics.median(other)] * len(mine)
    yield compare("small", _SETTING, f"{LM}, in a fit", f"{ADAM}, {_RIVAL}", mine, other)


def _network() -> KAN:
    return KAN(_SHAPE, seed=0, dtype=torch.float64)


def _native(X: Tensor, y: Tensor) -> tuple[SmallNetwork, Tensor]:
    """The network as the native engine takes it, and its vector of numbers."""
    library = load()
    assert library is not None
    net = _network()
    slots = make_slots(net)
    layers = native_layers(net, slots)
    assert layers is not None
    weight = torch.full((len(X),), 1 / len(X), dtype=torch.float64)
    return SmallNetwork(library, layers, slots.total, X, y, weight), pack(net, slots)


def _native_descent(X: Tensor, y: Tensor) -> Work:
    """One iteration, again and again from where twenty have led."""
    network, theta = _native(X, y)
    mu, nu = (torch.tensor(value, dtype=torch.float64) for value in (1e-2, 2.0))
    led = network.descend(theta, mu, nu, 20)
    return lambda: network.descend(led.theta, led.mu, led.nu, 1)


def _iterations_of_a_fit(settings: Settings, X: Tensor, y: Tensor) -> list[float]:
    """Seconds from one record of a fit to the next."""
    now = clock(settings.threads)
    marks: list[tuple[str, float]] = []

    def mark(record: Record) -> bool:
        marks.append((record.phase, now()))
        return False

    with no_collection():
        fit(_network(), X.numpy(), y.numpy(), method="lm", intervals=[5], steps=60, callbacks=[mark])
    pairs = pairwise(marks)
    return [later - earlier for (before, earlier), (after, later) in pairs if before == after]


def torch_step(network: Any, X: Tensor, y: Tensor) -> Work:
    """One Adam step on the mean square error, in plain torch."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def work() -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(network(X), y).backward()
        optimizer.step()

    return work


def _wave_rows() -> tuple[Tensor, Tensor]:
    """exp((sin(pi (x1^2 + x2^2)) + sin(pi (x3^2 + x4^2))) / 2), the usual example of this size."""
    random = torch.Generator().manual_seed(0)
    X = torch.rand(1000, 4, generator=random, dtype=torch.float64) * 2 - 1
    waves = torch.sin(torch.pi * (X[:, :2].square().sum(1))) + torch.sin(
        torch.pi * (X[:, 2:].square().sum(1))
    )
    return X, torch.exp(waves / 2)[:, None]


# Most memory that a forward and backward pass holds, against the arrays it cannot do without.
# Each layer has a process of its own, so that nothing measured before stays in the way.


def memory_of_ours(settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """Our layer."""
    # Random functions would leave behind the memory they were drawn in.
    yield _memory(
        settings,
        "edgewise",
        lambda cell: KANLinear(cell.inputs, cell.outputs, intervals=cell.intervals, init="zero"),
        2.0,
    )


def memory_of_dense(settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """The dense formulation."""
    yield _memory(
        settings,
        "dense formulation",
        lambda cell: DenseKANLinear(cell.inputs, cell.outputs, intervals=cell.intervals),
        None,
    )


def _large_cell(settings: Settings) -> LayerCase:
    return LayerCase(256, 256, 1024, 32) if settings.quick else LayerCase(1024, 1024, 4096, 32)


def _memory(
    settings: Settings, name: str, make: Callable[[LayerCase], Any], most: float | None
) -> Comparison | NotMeasured:
    cell = _large_cell(settings)
    # A first pass of a tiny layer loads what is loaded once.
    small = LayerCase(8, 8, 8, cell.intervals)
    one_pass(make(small), *inputs_of(small))()
    before = resident_bytes()
    layer = make(cell)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -1.0, 1.0)  # zeros need no memory until they are written
    x, g = inputs_of(cell)
    if before is None or not forget_peak():
        return NotMeasured("memory", name, "this system does not report the most memory that a process held")
    arrays = 2 * 4 * (x.numel() + g.numel() + sum(parameter.numel() for parameter in layer.parameters()))
    work = one_pass(layer, x, g)
    del x  # the work has its own
    work()
    peak = (peak_bytes() or 0) - before
    setting = cell.setting | {"layer": name}
    return compare(
        "memory",
        setting,
        "peak",
        "inputs, outputs, parameters, gradients",
        [peak],
        [arrays],
        unit="B",
        most=most,
    )


# MNIST: an epoch of [784, 64, 10] in the same loop as a perceptron of the same widths, and how accurate it gets.
_BATCH, _EPOCHS = 256, 10
# Rates and the coarse grid of the pixels are the best of a few on 10,000 held-out training images.
_RATES = {"edgewise": 4e-3, "perceptron": 2e-3}
_PIXEL_INTERVALS = 2
_ACCURACY = 98.0


def images(settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """Epochs of both networks in turn; then the accuracy after the last of them on the test images."""
    if settings.data is None:
        yield NotMeasured("images", "MNIST", "give mnist.npz (x_train, y_train, x_test, y_test) by --data")
        return
    x, y, x_test, y_test = _digits(settings)
    torch.manual_seed(0)
    ours = nn.Sequential(
        KANLinear(784, 64, intervals=_PIXEL_INTERVALS, grid=(0.0, 1.0), base="silu", seed=0),
        nn.LayerNorm(64, elementwise_affine=False),
        KANLinear(64, 10, grid=(-3.0, 3.0), base="silu", seed=1),
    )
    theirs = nn.Sequential(nn.Linear(784, 64), nn.SiLU(), nn.Linear(64, 10))
    epochs = 2 if settings.quick else _EPOCHS
    rivals = (
        Trainer(ours, _RATES["edgewise"], epochs, x, y),
        Trainer(theirs, _RATES["perceptron"], epochs, x, y),
    )
    now, times = clock(settings.threads), ([], [])
    for epoch in range(epochs):
        for rival, taken in zip(rivals, times, strict=True):
            start = now()
            with no_collection():
                rival.epoch(epoch)
            taken.append(now() - start)
    setting: dict[str, int | str] = {"network": "[784, 64, 10]", "batch": _BATCH}
    yield compare("images", setting, "epoch", "MLP, same widths", *times, most=2.0)
    right = [100 * rival.accuracy(x_test, y_test) for rival in rivals]
    found = compare(
        "images",
        setting | {"epochs": epochs},
        "test accuracy",
        "MLP, same widths",
        right[:1],
        right[1:],
        unit="%",
    )
    yield (
        found
        if settings.quick
        else replace(found, goal=f"at least {_ACCURACY:.0f} %", met=right[0] >= _ACCURACY)
    )


class Trainer:
    """A network, its optimiser and a loop in plain torch."""

    def __init__(self, network: Any, rate: float, epochs: int, x: Tensor, y: Tensor) -> None:
        self.network, self._x, self._y = network, x, y
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-2, fused=True)
        steps = epochs * -(-len(x) // _BATCH)
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, steps)

    def epoch(self, number: int) -> None:
        """All images once, in a new order."""
        order = torch.randperm(len(self._x), generator=torch.Generator().manual_seed(number))
        for rows in order.split(_BATCH):
            self._optimizer.zero_grad()
            nn.functional.cross_entropy(self.network(self._x[rows]), self._y[rows]).backward()
            self._optimizer.step()
            self._schedule.step()

    def accuracy(self, x: Tensor, y: Tensor) -> float:
        """Share of images whose digit is the likeliest."""
        with torch.no_grad():
            return float((self.network(x).argmax(1) == y).double().mean())


def _digits(settings: Settings) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images and digits to learn from and to judge by."""
    assert settings.data is not None
    with np.load(settings.data, allow_pickle=False) as arrays:
        parts = [arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    count = 12_800 if settings.quick else len(parts[0])
    few = torch.randperm(len(parts[0]), generator=torch.Generator().manual_seed(0))[
        :count
    ]  # files may be sorted
    x, x_test = (torch.from_numpy(part.reshape(len(part), -1)).float() / 255 for part in parts[::2])
    y, y_test = (torch.from_numpy(part).long() for part in parts[1::2])
    return x[few], y[few], x_test, y_test


# How close each kernel comes to what the processor can do.
# A kernel that needs w multiply-adds and must read or write q bytes at least takes the longer of w / (peak of the
# multiply-add units) and q / (bandwidth of the level of memory that holds its arrays): the roofline of S. Williams,
# A. Waterman and D. Patterson, 2009, doi:10.1145/1498765.1498785. Both ceilings are measured on one core.

KERNELS = ("forward", "grad_coef", "grad_input")
_LIVE = 4
# Seconds for one ceiling.
_SPELL = 0.2
# Twice as many bytes as the last level of cache holds still leave a part of them in it.
_BEYOND_CACHE = 8


def kernel_cells(settings: Settings) -> tuple[LayerCase, ...]:
    """The layers whose kernels are looked at."""
    if settings.quick:
        return (LayerCase(256, 256, 1024, 5),)
    return tuple(
        LayerCase(width, width, batch, G)
        for width in (256, 1024)
        for batch in (256, 4096)
        for G in (5, 32, 128)
    )


def ceilings(seconds: float) -> dict[str, float]:
    """Multiply-adds a second in float32 and float64, and bytes a second from each level of memory: {"float32": ...}."""
    sizes = {name: size // 2 for name, size in caches().items()}
    sizes["DRAM"] = max(1 << 28, _BEYOND_CACHE * 2 * max(sizes.values()))
    found = {"float32": peak(False, seconds), "float64": peak(True, seconds)}
    return found | {name: bandwidth(size, seconds) for name, size in sizes.items()}


def roofline(settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """The ceilings, then the share of the nearer one that each kernel reaches; on one thread."""
    if load() is None:
        yield NotMeasured("roofline", "native kernels", reason())
        return
    keep_memory()  # fresh pages for each result would be measured, too
    top = ceilings(_SPELL)
    for name, value in top.items():
        unit = "MAC/s" if name.startswith("float") else "B/s"
        yield compare("roofline", {"ceiling": name}, "ceiling", "", [value], [value], unit=unit)
    for cell in kernel_cells(settings):
        works = _works(cell)
        times = alternately(settings, *works.values(), seconds=3 * settings.seconds)
        size = sum(_bytes(cell).values())
        speed = bandwidth(size, _SPELL)
        for name, taken in zip(works, times, strict=True):
            work, moved = _LIVE * cell.batch * cell.inputs * cell.outputs, _moved(cell, name)
            limit = min(top["float32"], work / moved * speed)
            rates = [work / seconds for seconds in taken]
            extra: dict[str, float | str] = {
                "bound by": "multiply-adds" if limit == top["float32"] else "memory",
                "multiply-adds a byte": work / moved,
                "share of the peak": compare("", {}, "", "", rates, [top["float32"]] * len(rates)).ratio,
            }
            yield compare(
                "roofline",
                cell.setting,
                name,
                "roofline",
                rates,
                [limit] * len(rates),
                unit="MAC/s",
                least=0.7,
                extra=extra,
            )


def peak(is_double: bool, seconds: float) -> float:
    """Multiply-adds a second of one core at most."""
    return _native_figure("ew_peak_fma", c_int)(int(is_double), seconds)


def bandwidth(size: int, seconds: float) -> float:
    """Bytes a second that one core reads from a block of this size."""
    return _native_figure("ew_bandwidth", c_int64)(size, seconds)


def _native_figure(name: str, first: Any) -> Callable[[int, float], float]:
    library = load()
    assert library is not None
    function = library.c[name]
    function.argtypes, function.restype = (first, c_double), c_double
    return function


def _works(cell: LayerCase) -> dict[str, Callable[[], object]]:
    """Each kernel alone, through the backend that serves the layer."""
    x, g = inputs_of(cell)
    layer = edgewise_layer(cell)
    coef, basis, kernels = layer.coef.detach(), layer.basis, backend(x)

    def forward() -> object:
        return kernels.forward(basis, x, None, coef, None, 0)

    def grad_coef() -> object:
        return kernels.grad_coef(basis, x, None, g, False, 0)

    def grad_input() -> object:
        return kernels.grad_input(basis, x, coef, None, g, 1)

    return {
        name: torch.no_grad()(work)
        for name, work in zip(KERNELS, (forward, grad_coef, grad_input), strict=True)
    }


def _bytes(cell: LayerCase) -> dict[str, int]:
    """Bytes of the arrays; of the coefficients only those that the batch can reach."""
    reached = min(cell.intervals + 3, _LIVE * cell.batch)
    return {
        "x": 4 * cell.batch * cell.inputs,
        "y": 4 * cell.batch * cell.outputs,
        "coef": 4 * cell.inputs * reached * cell.outputs,
    }


def _moved(cell: LayerCase, kernel: str) -> int:
    """Bytes that a kernel reads or writes at least: x, outputs or their gradient, coefficients or theirs; dx too."""
    arrays = _bytes(cell)
    return sum(arrays.values()) + (arrays["x"] if kernel == "grad_input" else 0)
