"""What the parts of training cost, in units of `work`: operations times rates that were measured once, on one core of 2024.

They estimate how long a plan takes and what outer budgets are charged; how fast this machine is does not matter to either.
"""

from __future__ import annotations

from edgewise.network import KAN

# A pass over some rows, a number that such a pass reads, and a product of two of them in the normal equations.
CALL, READ, PRODUCT = 5e-5, 2e-9, 1e-10
# An entry of a matrix over all parameters, and a step of its factor (a third of the cube of the size).
ENTRY, ELIMINATION = 7e-9, 3e-11
# A product with the Jacobian and one with its transpose, as multiples of a pass.
BOTH_WAYS = 3.0
# Networks whose first second-order steps take fewer multiplications (some 0.1 s) are trained on one thread.
SMALL = 5e9
# Of a table: a number that is read and passed on, a product of two columns in a row, and a value of a spline.
PASSED, PRODUCED, SPLINED = 1e-9, 3e-11, 1e-8
# A first-order step, and what each parameter adds for each row.
STEP, DESCENT = 9e-4, 5e-10


def numbers_read(net: KAN) -> int:
    """Numbers that one row makes use of: of a spline those on its own interval, of other bases all."""
    total = 0
    for layer in net.layers:
        own = layer.degree + 1 if layer.basis_name == "bspline" else layer.size
        total += int(layer.mask.sum()) * own + layer.out_features
    return total


def is_small(net: KAN, rows: int) -> bool:
    """Whether second-order steps from a network are taken on one thread, whose sums are the same everywhere."""
    return net.n_parameters**2 * rows * net.shape[-1] <= SMALL


def value_cost(rows: int, read: int) -> float:
    """Of the loss of some rows."""
    return CALL + READ * rows * read


def normal_cost(rows: int, outputs: int, read: int, size: int) -> float:
    """Of the normal equations of some rows."""
    return CALL + rows * outputs * (READ * read + PRODUCT * read**2) + ENTRY * size**2


def descent_cost(rows: int, size: int) -> float:
    """Of a first-order step: the loss of some rows, its gradient, and the update."""
    return STEP + DESCENT * rows * size


def solve_cost(size: int) -> float:
    """Of a factor of a matrix, and what is done with it."""
    return ENTRY * size**2 + ELIMINATION * size**3 / 3
