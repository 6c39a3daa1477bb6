"""fit_table: from an encoded table to one network, with everything but the table left to us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from edgewise._core.arguments import all_are, as_callables, as_mapping
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_choice, check_float, check_int, check_matrix, check_vector
from edgewise._core.errors import InputError
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, check_work
from edgewise.training.additive.shape_constraints import ShapeConstraint, check_constraints
from edgewise.training.bag.run import TableRows
from edgewise.training.common.gross_errors import NORMAL_DEVIATION
from edgewise.training.common.losses import (
    LOG_LOSSES,
    CrossEntropy,
    Huber,
    Loss,
    NegativeBinomial,
    Quantile,
    Squared,
    check_means,
    log_loss,
)
from edgewise.training.common.records import Callback
from edgewise.training.common.results import TableFit
from edgewise.training.config import TableConfig, config_of
from edgewise.training.tabular.assembly import Ends
from edgewise.training.tabular.job import TableGoal, TableJob
from edgewise.training.tabular.output_edge import check_range, within_range
from edgewise.training.tabular.rates import dispersion, with_means

MODES = ("auto", "additive", "pairwise", "deep")
LOSSES = ("squared", "huber", "quantile", "logistic", "cross_entropy", *LOG_LOSSES)


@own_settings
def fit_table(
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    quantile: float = 0.5,
    power: float | None = None,
    sample_weight: Any = None,
    groups: Any = None,
    mode: str = "auto",
    members: str | int = "auto",
    hidden: int | None = None,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    interactions: str | int | None = None,
    constraints: Mapping[int, ShapeConstraint] | None = None,
    output_range: tuple[float | None, float | None] | None = None,
    config: TableConfig | None = None,
) -> TableFit:
    """Train a network on an encoded table; architecture, grids, penalties and stopping follow from the rows.

    Parameters
    ----------
    X : array, shape (n, inputs)
        Finite numbers; categories as codes in an order that means something (see `edgewise.data.learn_encoding`).
    y : array, shape (n,) or (n, outputs)
        Numbers, or class numbers.
    loss : "squared", "huber", "quantile", "logistic", "cross_entropy", or one of counts and amounts
        "huber" is squared near the target and linear beyond, "quantile" seeks a quantile instead of the mean.
        "logistic" has one output, the logit of class 1; "cross_entropy" one for each class. "poisson" and
        "negative_binomial" are of counts, "gamma" and "inverse_gaussian" of amounts above 0, "tweedie" of amounts of which
        some are 0: of these the logarithm of the mean is a sum of functions, and one more edge is the exponential.
    quantile : float
        In (0, 1): which quantile `loss="quantile"` seeks.
    power : float, optional
        In (1, 2), of `loss="tweedie"`: variances go with this power of means.
    sample_weight : array, shape (n,), optional
    groups : array of int, shape (n,), optional
        Numbers of groups; rows of one are never learned from where others of it are judged.
    mode : "auto", "additive", "pairwise" or "deep"
        One function an input; functions of chosen pairs as well; hidden nodes that read all inputs; or the simplest of
        these that out-of-bag rows cannot distinguish from the best.
    members : "auto" or int
        Networks that are trained on different parts of the rows and averaged; "auto" leaves it to `config`.
    hidden : int, optional
        Hidden nodes of one member of a deep network; None leaves it to `config`.
    names, outputs : sequence of str, optional
    work : "quick", "normal", "thorough" or float
        A fifth, once or five times the normal work, or a factor of your own: it limits the updates of large tables; small
        ones need fewer.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is found until then is the answer, and may differ
        from run to run.
    seed : int
    callbacks : sequence of callable
        Called with a `Record` at least once a second; returning True ends training with the best so far.
    interactions : int, "auto" or None
        How many pairs of inputs act together, in a model of functions of single inputs and of pairs: so many, the strongest;
        or as many of them as out-of-bag rows support; with "auto" the root of a target that is nowhere negative is fitted,
        and squared by one more edge, where out-of-bag rows support that. None leaves it to `mode`.
    constraints : mapping from int to ShapeConstraint, optional
        What the functions of some inputs must be; held by construction, for all x. Functions that are to be convex or
        within a range are additive in every mode.
    output_range : (low, high), optional
        What one output may be, in units of y or as log-odds; None for no limit. One more edge holds it there for all x.
    config : TableConfig, optional
        The thresholds it decides by; the defaults suit tables of all sizes.

    Returns
    -------
    TableFit

    Raises
    ------
    InputError
        If an argument does not fit.

    References
    ----------
    L. Breiman, "Bagging predictors", 1996, doi:10.1007/BF00058655. D. R. Cox, "Two further applications of a model for
    binary regression", 1958, doi:10.1093/biomet/45.3-4.562.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    >>> result = fit_table(X, np.sin(3 * X[:, 0]) + X[:, 1] ** 2)
    >>> result.mode, result.validation_error < 0.1
    ('additive', True)
    """
    check_choice(loss, "loss", LOSSES)
    check_choice(mode, "mode", MODES)
    check_float(quantile, "quantile", low=0.0, high=1.0, closed=False)
    factor = check_work(work)
    if seconds is not None:
        check_float(seconds, "seconds", low=0.0, closed=False)
    seed = check_int(seed, "seed", low=0)
    settings = config_of(config)
    callbacks = as_callables(callbacks)
    if not isinstance(members, str) or members != "auto":
        settings = replace(settings, members=check_int(members, "members", low=1))
    if interactions is not None and not (isinstance(interactions, str) and interactions == "auto"):
        interactions = check_int(interactions, "interactions", low=0)
    if hidden is not None:
        settings = replace(settings, hidden=check_int(hidden, "hidden", low=1))
    if interactions is not None:
        mode = "additive" if interactions == 0 else "pairwise"
    limits = None if output_range is None else check_range(output_range)
    meter = Meter(seconds=seconds)
    inputs = torch.from_numpy(check_matrix(X, "X"))
    target, row_loss = _targets(y, len(inputs), loss, outputs, quantile, power)
    signless = loss == "squared" and target.shape[1] == 1 and float(target.min()) >= 0
    shift, scale = torch.zeros_like(target[0]), torch.ones_like(target[0])
    weights = torch.ones(len(inputs), dtype=torch.float64)
    if sample_weight is not None:
        weights = torch.from_numpy(check_vector(sample_weight, "sample_weight", length=len(inputs)))
        weights = weights / weights.mean()
    if loss == "squared":
        mean = (target * weights[:, None]).sum(0) / weights.sum()
        spread = (((target - mean) ** 2 * weights[:, None]).sum(0) / weights.sum()).sqrt()
        shift, scale = mean, torch.where(spread > 0, spread, torch.ones_like(spread))
        target = (target - shift) / scale
    if loss in ("huber", "quantile"):
        # What outliers do not move.
        shift = target.median(0).values
        spread = NORMAL_DEVIATION * (target - shift).abs().median(0).values
        spread = torch.where(spread > 0, spread, target.std(0))
        scale = torch.where(spread > 0, spread, torch.ones_like(spread))
        target = (target - shift) / scale
    given = as_mapping(constraints, "constraints", "columns to constraints")
    all_are(list(given.values()), ShapeConstraint, "constraints", "ShapeConstraint objects")
    kept = {i: one for i, one in given.items() if not one.free}
    check_constraints(kept, loss, inputs.shape[1], target.shape[1])
    grouping = (
        None if groups is None else torch.from_numpy(check_vector(groups, "groups", length=len(inputs)))
    )
    rows, ends = TableRows(inputs, target, weights, grouping), Ends(names, outputs, shift, scale)
    job = TableJob(TableGoal(rows, row_loss, ends, kept), settings, factor, meter, seed, callbacks)
    if limits is not None and target.shape[1] != 1:
        raise InputError(subject="An output range", expected="be asked of one output", got=target.shape[1])
    # Matrices are small: a second thread would gain little, and round differently.
    with one_thread():
        curved = interactions == "auto" and signless and not kept and limits is None
        if loss == "negative_binomial":
            first = TableGoal(rows, log_loss("poisson"), ends, kept)
            plain = TableJob(first, settings, factor, meter, seed, callbacks).run("additive", 0, False)
            row_loss = NegativeBinomial(dispersion(plain, rows))
            job = TableJob(TableGoal(rows, row_loss, ends, kept), settings, factor, meter, seed, callbacks)
        fit = job.run(mode, interactions, curved)
        if loss in LOG_LOSSES:
            fit = with_means(fit, rows, row_loss)
    if limits is None:
        return fit
    answers = None if fit.out_of_bag is None else fit.out_of_bag.clamp(*limits)
    return replace(fit, network=within_range(fit.network, *limits), out_of_bag=answers)


def _targets(
    y: Any, rows: int, loss: str, outputs: Sequence[str] | None, quantile: float, power: float | None
) -> tuple[Tensor, Loss]:
    """Targets (n, D), and the loss of a row."""
    columns = y if getattr(y, "ndim", 1) == 2 else check_vector(y, "y", length=rows)[:, None]
    table = torch.from_numpy(check_matrix(columns, "y", rows=rows)).clone()
    if loss == "cross_entropy":
        classes = int(table.max()) + 1 if outputs is None else len(outputs)
        if table.shape[1] != 1 or bool((table != table.round()).any()) or float(table.min()) < 0:
            raise InputError(argument="y", expected="hold class numbers 0, 1, ... for loss='cross_entropy'")
        table = torch.nn.functional.one_hot(table[:, 0].long(), classes).to(torch.float64)
    if loss == "logistic" and bool(((table != 0) & (table != 1)).any()):
        raise InputError(argument="y", expected="hold 0 and 1 only for loss='logistic'")
    if loss in LOG_LOSSES:
        check_means(loss, table)
        return table, log_loss(loss, power)
    made: dict[str, Loss] = {"squared": Squared(), "huber": Huber(), "quantile": Quantile(quantile)}
    return table, made.get(loss, CrossEntropy())
