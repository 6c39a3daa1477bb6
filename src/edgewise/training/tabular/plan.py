"""How long a bag is trained: its minibatches, and the updates that the work allows."""

from __future__ import annotations

import math
from dataclasses import replace

from edgewise.training.additive.design import DEGREE
from edgewise.training.bag.run import Recipe
from edgewise.training.config import TableConfig

# Work of an update, a multiplication of the first layer, and a value of a hidden spline.
UPDATE_COST, PRODUCT_COST, SPLINE_COST = 1e-3, 4e-11, 1.2e-9


def planned(
    recipe: Recipe, columns: int, rows: int, units: float, config: TableConfig, pairs: bool
) -> tuple[Recipe, bool]:
    """The recipe with its batch and its updates, and whether the work allows fewer of these than would be wanted.

    Parameters
    ----------
    recipe : Recipe
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
