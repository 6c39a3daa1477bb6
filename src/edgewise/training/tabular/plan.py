"""How fine grids are, which inputs the hidden nodes of a bag read, its minibatches, and the updates that the work allows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from edgewise.training.additive.design import DEGREE
from edgewise.training.additive.shape_constraints import ShapeConstraint
from edgewise.training.bag.members import MonotoneConstraint
from edgewise.training.bag.run import HIDDEN_INTERVALS, BagRecipe
from edgewise.training.config import TableConfig
from edgewise.training.interactions.two_way_tables import Pair

# Units of work of "normal", about half a minute of one core, and the share of it that the updates of a bag may take.
WORK_UNITS, _BAG_SHARE = 30.0, 0.6
# Intervals of an input at least, where inputs are many, and columns of the design: more inputs get coarser grids.
FEWEST_INTERVALS, DESIGN_COLUMNS = 4, 1500
# Rows from which grids have two times the intervals where the target is a number: it holds more information a row than a
# class. Not under constraints.
_FINER_NUMBERS = 500
# So many times the intervals are grids where all functions are solved for at once: how smooth they are follows from the
# evidence, and the cost from the rows.
_JOINT_FINER = 2
# Minibatches of an epoch, as far as that makes them of so many rows.
_BATCHES, _FEWEST_IN_BATCH, _MOST_IN_BATCH = 30, 32, 256
# Updates that a bag is given where the work allows.
_FEWEST_STEPS, _MOST_STEPS = 200, 4000
# Rows of all minibatches together: out-of-bag errors fall no further with more; pairs are easier to learn.
_SHOWN_ROWS, _SHOWN_ROWS_OF_PAIRS = 700_000, 450_000
# Work of an update, a multiplication of the first layer, and a value of a hidden spline.
UPDATE_COST, PRODUCT_COST, SPLINE_COST = 1e-3, 4e-11, 1.2e-9


def first_intervals(inputs: int, config: TableConfig) -> int:
    """Intervals of the grid of an input, of any number of rows; fewer where inputs are many."""
    return max(FEWEST_INTERVALS, min(config.intervals, DESIGN_COLUMNS // inputs - DEGREE))


def intervals_of(rows: int, inputs: int, numbers: bool, config: TableConfig) -> int:
    """Intervals of the grid of an input: the more, the more rows there are.

    Parameters
    ----------
    rows, inputs : int
    numbers : bool
        Whether the target is a number, and only the rows determine how smooth functions are: the bends that a constraint
        asks for cost more on finer grids.
    config : TableConfig
    """
    first = first_intervals(inputs, config)
    finer = 1 + sum(rows >= most for most in config.finer_rows)
    if numbers and rows >= _FINER_NUMBERS:
        finer = max(finer, 2)
    while finer > 1 and (
        inputs * (finer * first + DEGREE) > DESIGN_COLUMNS
        or rows * inputs * (finer * first + DEGREE) > config.design_numbers
    ):
        finer -= 1
    return first * finer


def joint_intervals(intervals: int, inputs: int) -> int:
    """Intervals where all functions are solved for at once: a column more costs little there."""
    return max(intervals, min(_JOINT_FINER * intervals, DESIGN_COLUMNS // inputs - DEGREE))


def planned(
    recipe: BagRecipe, columns: int, rows: int, units: float, config: TableConfig, pairs: bool
) -> tuple[BagRecipe, bool]:
    """The recipe with its batch and its updates, and whether the work allows fewer of these than would be wanted.

    Parameters
    ----------
    recipe : BagRecipe
    columns : int
        Columns of the design that a hidden node reads.
    rows : int
    units : float
        Work that the whole fit may do.
    config : TableConfig
    pairs : bool
        Whether hidden nodes read pairs of inputs.
    """
    even = 2 ** round(math.log2(max(rows / _BATCHES, 1)))
    batch = int(min(_MOST_IN_BATCH, max(_FEWEST_IN_BATCH, even)))
    first = batch * columns * recipe.members * recipe.hidden[0]
    splines = batch * recipe.members * sum(recipe.hidden) * (HIDDEN_INTERVALS + DEGREE)
    cost = UPDATE_COST + PRODUCT_COST * first + SPLINE_COST * splines
    most = _SHOWN_ROWS_OF_PAIRS if pairs else _SHOWN_ROWS
    affordable = int(_BAG_SHARE * units / cost)
    passes = config.epochs * math.ceil(rows / batch)
    wanted = max(_FEWEST_STEPS, min(passes, _MOST_STEPS, most // batch))
    steps = max(1, min(wanted, affordable))
    return replace(recipe, batch=batch, steps=steps, cost=cost), affordable < wanted


def monotone_inputs(constraints: Mapping[int, ShapeConstraint]) -> dict[int, int]:
    """Inputs in which hidden nodes have to be monotone, and their directions."""
    return {i: one.monotone for i, one in constraints.items() if one.monotone and not one.alone}


def links_of(
    constraints: Mapping[int, ShapeConstraint], inputs: int, pairs: Sequence[Pair], hidden: int
) -> Tensor | None:
    """Which inputs each hidden node of a member reads, (inputs, hidden); None for all of them."""
    if pairs:
        joint = torch.zeros(inputs, len(pairs), dtype=torch.bool)
        for k, (i, j) in enumerate(pairs):
            joint[[i, j], k] = True
        return joint.repeat_interleave(hidden // len(pairs), 1)
    if not constraints:
        return None
    links = torch.ones(inputs, hidden, dtype=torch.bool)
    links[[i for i, one in constraints.items() if one.alone]] = False
    # One half of the nodes may do as they like with the inputs that are free.
    links[list(monotone_inputs(constraints)), hidden // 2 :] = False
    return links


def kept_monotone(
    links: Tensor, constraints: Mapping[int, ShapeConstraint], maps: Sequence[Tensor]
) -> MonotoneConstraint | None:
    """What keeps the nodes monotone that read inputs in which they have to be; None where there are none."""
    monotone = monotone_inputs(constraints)
    nodes = links[list(monotone)].any(0)
    if not bool(nodes.any()):
        return None
    return MonotoneConstraint(tuple(monotone.get(i, 0) for i in range(len(links))), tuple(maps), nodes)
