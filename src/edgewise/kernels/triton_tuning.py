"""Tile sizes of the Triton programs, from the roofline on paper: nothing here was measured.

Per input value, with k + 1 live functions, M functions padded to P (a power of two) and a tile of T outputs, the candidates
cost, in operations of a floating-point multiply-add (2) and of comparing and selecting (1):

    gather   2 (k + 1) T at the *gather rate*: every multiply-add waits for a coefficient from the L1 cache
    dense    2 P T at the *matrix rate*, and 2 (k + 1) P selections at half the vector rate to spread the functions

The gather rate is the L1 bandwidth over the size of a number, times 2, or the vector rate where that is lower. The matrix
rate for float32 is a third of the TF32 rate, since three TF32 products make one of nearly float32 accuracy. T = 64, k = 3:

    =========  ======  ====  ==============  ==============  ============================
    card       gather  dense (P = 8)         dense (P = 16)  taken
    =========  ======  ====================  ==============  ============================
    A100       53 ps   26 ps                 53 ps           dense up to 8 functions
    H100       31 ps   8 ps                  16 ps           dense up to 16 functions
    RTX 4090   25 ps   39 ps                 78 ps           gather
    =========  ======  ====================  ==============  ============================

Memory is no limit. A tile of R rows and T outputs reads min(P, R (k + 1)) T coefficients an input from L2 and multiplies
R (k + 1) T of them (gather) or R P T (dense): at R = 64 that is at least 2 R / 4 = 32 operations a byte, where an H100 needs
30 (165 Tflop/s over 5.5 TB/s). A 1-byte-per-flop DRAM floor is never near: x and y move once.

grad_coef multiplies all P functions of a tile of inputs, or sorts the rows of each input by interval first, after which a
program of 16 functions reads the rows of 16 + k intervals only. Sorting moves about 150 bytes a value through DRAM and costs
some 50 microseconds of launches, so that it pays for many functions and many rows only.

Few programs leave multiprocessors idle: then inputs (forward) or rows (grad_coef) are divided into parts whose sums are
added in a fixed order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

LARGEST = 64  # functions of one dense tile
THREE_STAGES = 108  # KB of shared memory that a dense float32 tile takes in three stages of loads
SORTED = 16  # functions of one program over sorted rows: the least that a matrix unit takes


@dataclass(frozen=True)
class DeviceSheet:
    """A data sheet: multiprocessors, TB/s of DRAM and L1, Tflop/s of vector and matrix units (float32, float64).

    `shared` is the most shared memory of one program, in KB.
    """

    processors: int
    dram: float
    l1: float
    vector: tuple[float, float]
    matrix: tuple[float, float]
    shared: int

    def gather(self, double: bool) -> float:
        """Tflop/s of multiply-adds that wait for one number from L1 each."""
        return min(self.vector[double], 2 * self.l1 / (8 if double else 4))


# NVIDIA's white papers. Triton's float64 products are counted at the vector rate.
A100 = DeviceSheet(108, 2.0, 19.5, (19.5, 9.7), (156 / 3, 9.7), 163)
H100 = DeviceSheet(132, 3.35, 33.4, (67.0, 34.0), (495 / 3, 34.0), 227)
CONSUMER = DeviceSheet(128, 1.0, 41.3, (82.6, 1.3), (82.6 / 3, 1.3), 99)


def card(capability: tuple[int, int]) -> DeviceSheet:
    """The card whose shape a compute capability has: 8.0 A100, 9.0 and 10.0 H100, all others consumer cards."""
    return {8: A100, 9: H100, 10: H100}.get(capability[0], CONSUMER) if capability[1] == 0 else CONSUMER


@dataclass(frozen=True)
class Plan:
    """How a map is cut into programs. Zero functions mean gather; `sort` is for grad_coef."""

    rows: int = 32
    outputs: int = 32
    inputs: int = 1
    functions: int = 0
    parts: int = 1
    sort: bool = False
    warps: int = 4
    stages: int = 2


@dataclass(frozen=True)
class Sizes:
    """Networks, rows, inputs, outputs, degree, intervals; whether numbers are float64."""

    nets: int
    rows: int
    inputs: int
    outputs: int
    degree: int
    intervals: int
    double: bool

    @property
    def functions(self) -> int:
        """Number of functions M."""
        return self.intervals + self.degree


def power(n: int, least: int, most: int) -> int:
    """The smallest power of two that holds n, kept between two others."""
    return min(max(1 << max(n - 1, 0).bit_length(), least), most)


def dense_pays(on: DeviceSheet, s: Sizes, outputs: int) -> bool:
    """Whether multiplying all functions beats fetching the live ones, for a tile of `outputs`."""
    live, padded = s.degree + 1, power(s.functions, 2, 1 << 30)
    spread = 2 * live * padded / (on.vector[0] / 2)
    multiply = 2 * padded * outputs / on.matrix[s.double]
    return padded <= LARGEST and spread + multiply < 2 * live * outputs / on.gather(s.double)


def plan_rows(on: DeviceSheet, s: Sizes, split: bool) -> Plan:
    """Plan of forward (`split`: inputs may be divided into parts) and of grad_input."""
    outputs, rows = power(s.outputs, 16, 32 if s.double else 64), power(s.rows, 16, 64)
    if dense_pays(on, s, outputs):
        functions = power(s.functions, 2, LARGEST)
        # 32 to 64 columns keep the matrix unit busy between two loads; no fewer than its least, 16.
        inputs = max(1, (32 if s.double else 64) // functions)
        plan = Plan(rows, outputs, inputs, functions, 1, False, 4, 3 if on.shared >= THREE_STAGES else 2)
    else:
        # A warp reads 32 neighbouring outputs of one coefficient row; nothing can be prefetched behind a gather.
        plan = Plan(rows, outputs, 1, 0, 1, False, 4, 2)
    if not split:
        return plan
    programs = s.nets * ceil(s.rows / rows) * ceil(s.outputs / outputs)
    return _divided(plan, on, programs, ceil(s.inputs / plan.inputs) // 4)


def plan_coef(on: DeviceSheet, s: Sizes) -> Plan:
    """Plan of grad_coef."""
    outputs, rows = power(s.outputs, 16, 32 if s.double else 64), power(s.rows, 16, 64)
    functions = power(s.functions, 2, LARGEST)
    columns = ceil(s.functions / functions) * functions
    values, matrix = s.nets * s.rows * s.inputs, on.matrix[s.double]
    whole = values * 2 * columns * s.outputs / matrix  # picoseconds, as below
    overlap = 1 + s.degree / SORTED
    sort = 5e7 + values * (150 / on.dram + overlap * 2 * SORTED * s.outputs / matrix)
    if s.functions > SORTED and sort < whole:
        return Plan(rows, outputs, 1, SORTED, 1, True, 4, 2)
    plan = Plan(rows, outputs, max(1, (32 if s.double else 64) // functions), functions, 1, False, 4, 2)
    programs = (
        s.nets * ceil(s.inputs / plan.inputs) * ceil(s.functions / functions) * ceil(s.outputs / outputs)
    )
    return _divided(plan, on, programs, ceil(s.rows / rows) // 4)


def _divided(plan: Plan, on: DeviceSheet, programs: int, most: int) -> Plan:
    """Enough parts for two programs a multiprocessor, each of four steps or more, and never more than 32."""
    parts = max(1, min(ceil(2 * on.processors / max(programs, 1)), most, 32))
    return Plan(
        plan.rows, plan.outputs, plan.inputs, plan.functions, parts, plan.sort, plan.warps, plan.stages
    )
