"""How close each kernel comes to what the processor can do.

A kernel that needs w multiply-adds and must read or write q bytes at least takes the longer of w / (peak of the
multiply-add units) and q / (bandwidth of the level of memory that holds its arrays): the roofline of S. Williams,
A. Waterman and D. Patterson, 2009, doi:10.1145/1498765.1498785. Both ceilings are measured on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ctypes import c_double, c_int, c_int64
from typing import Any

import torch

from edgewise.bench import layers, machine
from edgewise.bench.layers import LayerCase
from edgewise.bench.results import Comparison, NotMeasured, compare
from edgewise.bench.settings import Settings
from edgewise.bench.timing import alternately
from edgewise.kernels import backend
from edgewise.kernels.native.library import load, reason

TABLE = "roofline"
KERNELS = ("forward", "grad_coef", "grad_input")
_LIVE = 4
# Twice as many bytes as the last level of cache holds still leave a part of them in it.
_BEYOND_CACHE = 8


def cells(settings: Settings) -> tuple[LayerCase, ...]:
    """The layers whose kernels are looked at."""
    if settings.smoke:
        return (LayerCase(16, 16, 16, 5),)
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
    sizes = {name: size // 2 for name, size in machine.caches().items()}
    sizes["DRAM"] = max(1 << 28, _BEYOND_CACHE * 2 * max(sizes.values()))
    found = {"float32": peak(False, seconds), "float64": peak(True, seconds)}
    return found | {name: bandwidth(size, seconds) for name, size in sizes.items()}


def measure(settings: Settings) -> Iterator[Comparison | NotMeasured]:
    """The ceilings, then the share of the nearer one that each kernel reaches; on one thread."""
    if load() is None:
        yield NotMeasured(TABLE, "native kernels", reason())
        return
    machine.keep_memory()  # fresh pages for each result would be measured, too
    spell = 0.02 if settings.smoke else 0.2
    top = ceilings(spell)
    for name, value in top.items():
        unit = "MAC/s" if name.startswith("float") else "B/s"
        yield compare(TABLE, {"ceiling": name}, "ceiling", "", [value], [value], unit=unit)
    for cell in cells(settings):
        works = _works(cell)
        times = alternately(list(works.values()), seconds=3 * settings.seconds, least=settings.least)
        size = sum(_bytes(cell).values())
        speed = bandwidth(size, spell)
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
                TABLE,
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
    return _native("ew_peak_fma", c_int)(int(is_double), seconds)


def bandwidth(size: int, seconds: float) -> float:
    """Bytes a second that one core reads from a block of this size."""
    return _native("ew_bandwidth", c_int64)(size, seconds)


def _native(name: str, first: Any) -> Callable[[int, float], float]:
    library = load()
    assert library is not None
    function = library.c[name]
    function.argtypes, function.restype = (first, c_double), c_double
    return function


def _works(cell: LayerCase) -> dict[str, Callable[[], object]]:
    """Each kernel alone, through the backend that serves the layer."""
    x, g = layers.inputs_of(cell)
    layer = layers.edgewise_layer(cell)
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
