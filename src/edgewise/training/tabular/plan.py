"""How fine grids are, and how long a bag is trained: its minibatches, and the updates that the work allows."""

from __future__ import annotations

import math
from dataclasses import replace

from edgewise.training.additive.design import DEGREE
from edgewise.training.bag.run import BagRecipe
from edgewise.training.config import TableConfig

# Work of an update, a multiplication of the first layer, and a value of a hidden spline.
UPDATE_COST, PRODUCT_COST, SPLINE_COST = 1e-3, 4e-11, 1.2e-9


def first_intervals(inputs: int, config: TableConfig) -> int:
    """Intervals of the grid of an input, of any number of rows; fewer where inputs are many."""
    return max(config.fewest_intervals, min(config.intervals, config.design_columns // inputs - DEGREE))


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
    if numbers and rows >= config.finer_numbers:
        finer = max(finer, 2)
    while finer > 1 and (
        inputs * (finer * first + DEGREE) > config.design_columns
        or rows * inputs * (finer * first + DEGREE) > config.design_numbers
    ):
        finer -= 1
    return first * finer


def joint_intervals(intervals: int, inputs: int, config: TableConfig) -> int:
    """Intervals where all functions are solved for at once: a column more costs little there."""
    return max(intervals, min(config.joint_finer * intervals, config.design_columns // inputs - DEGREE))


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
    least, most_rows = config.fewest_in_batch, config.most_in_batch
    batch = int(min(most_rows, max(least, 2 ** round(math.log2(max(rows / config.batches, 1))))))
    first = batch * columns * recipe.members * recipe.hidden[0]
    splines = batch * recipe.members * sum(recipe.hidden) * (config.hidden_intervals + DEGREE)
    cost = UPDATE_COST + PRODUCT_COST * first + SPLINE_COST * splines
    most = config.shown_rows_of_pairs if pairs else config.shown_rows
    affordable = int(config.bag_share * units / cost)
    passes = config.epochs * math.ceil(rows / batch)
    wanted = max(config.fewest_steps, min(passes, config.most_steps, most // batch))
    steps = max(1, min(wanted, affordable))
    return replace(recipe, batch=batch, steps=steps, cost=cost), affordable < wanted
