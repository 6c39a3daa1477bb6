"""Edges of replaced blocks turned off, and the others fitted anew."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from edgewise._core.arguments import as_callables, check_callable
from edgewise._core.checks import check_float, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.kernels import edge_moments
from edgewise.layers import KANLinear
from edgewise.network import KAN
from edgewise.network.feed_forward import StraightEdges
from edgewise.replacing.functions import EdgeFunctions
from edgewise.replacing.replace import (
    SAMPLED,
    STEPS,
    Loss,
    Network,
    ReplaceJob,
    polished,
    unexplained,
    watched,
)
from edgewise.replacing.results import ReplaceResult, digest_of
from edgewise.replacing.sampling import as_calls, collect
from edgewise.replacing.surgery import put_in
from edgewise.training.common.records import Callback, Listeners


@torch.inference_mode(False)
def prune_blocks(
    model: nn.Module,
    result: ReplaceResult,
    data: Any,
    share: float = 0.3,
    *,
    loss: Loss | None = None,
    work: str | float = "normal",
    seed: int | None = 0,
    seconds: float | None = None,
    callbacks: Sequence[Callback] = (),
) -> ReplaceResult:
    """Turn off the edges of each layer that move least, refit the others, and tune all blocks together.

    Parameters
    ----------
    model : nn.Module
        The model that was given to `replace_mlp`.
    result : ReplaceResult
        What that gave; it is not changed.
    data
        As there.
    share : float
        Of the edges that are alive in each layer.
    loss, work, seed, seconds, callbacks
        As in `replace_mlp`.

    Returns
    -------
    ReplaceResult
        With what is left unexplained, and the agreement, measured anew.

    Examples
    --------
    >>> from edgewise.replacing import replace_mlp
    >>> model = nn.Sequential(nn.Linear(3, 20), nn.Tanh(), nn.Linear(20, 3))
    >>> data = torch.randn(500, 3)
    >>> result = replace_mlp(model, data, work=0.02)
    >>> less = prune_blocks(model, result, data, 0.2, work=0.02)
    >>> less.blocks[0].after < result.blocks[0].after
    True
    """
    share = check_float(share, "share", low=0.0, high=0.99)
    if not isinstance(result, ReplaceResult):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(argument="result", expected="be what replace_mlp gave", got=short(result))
    module = isinstance(model, nn.Module)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not module or digest_of(model) != result.digest:
        raise InputError(
            argument="model",
            expected="be the model that was given to replace_mlp, as it was then",
            got="one with other weights" if module else short(model),
            advice="call replace_mlp with it first" if module else "",
        )
    if loss is not None:
        check_callable(loss, "loss")
    callbacks = as_callables(callbacks)
    effort = check_work(work)
    meter = Meter(seconds=check_seconds(seconds))
    teacher = copy.deepcopy(model).eval()
    calls = as_calls(data, teacher)
    watched(teacher, calls[0])
    blocks = tuple(result._block(k) for k in range(len(result.blocks)))
    job = ReplaceJob(teacher, calls, dict.fromkeys(blocks, EdgeFunctions()), effort, seed, meter, loss)
    job.listeners = Listeners(callbacks, meter, job.record)
    reason = StopReason.MOST_STEPS
    try:
        with running(meter):
            samples = collect(teacher, blocks, job.learns, SAMPLED, seed)
            for k, (block, sample) in enumerate(zip(blocks, samples, strict=True)):
                own = derive(seed, 3, k)
                learn, judge = sample.split(own)
                net = thinned(result.block(k), learn.x, share)
                job.networks[block] = net
                try:
                    polished(net, learn, round(STEPS * effort), own)
                finally:
                    job.errors[block] = unexplained(net, judge)
            reason = job.tune()
    except (StopError, KeyboardInterrupt) as stop:
        reason = meter.own(stop)
    made, records = result.model, list(result.blocks)
    for k, block in enumerate(blocks):
        if block in job.networks:
            net = job.networks[block]
            made = put_in(made, block, net)
            records[k] = replace(records[k], after=net.n_parameters, unexplained=job.errors.get(block))
    agreement = job.agreement(made)
    return replace(
        result, model=made, blocks=tuple(records), agreement=agreement, score_after=None, stop_reason=reason,
        seconds=meter.seconds, held_out=job.held_out,
    )  # fmt: skip


def thinned(net: Network, x: Tensor, share: float) -> Network:
    """A copy without the edges of each layer that vary least over rows; their means go to those that stay."""
    made = copy.deepcopy(net)
    with torch.no_grad():
        if isinstance(made, KAN):
            nodes = made.activations(x)
            for layer, h in zip(made.layers, nodes, strict=False):
                _thin(layer, h.contiguous(), share)
        else:
            _thin_lines(made.directions, x, share)
            if made.gate is not None:
                _thin_lines(made.gate, x, share)
            _thin_lines(made.out, made.nodes(x), share)
    return made


def _thin(layer: KANLinear, h: Tensor, share: float) -> None:
    found = edge_moments(layer.basis, h, layer.numeric_coef(), layer.base_weight)
    alive = layer.numeric_mask() > 0
    gone = _least(found.variance.sqrt(), alive, share)
    means = (found.mean * gone).sum(0).to(layer.coef)
    layer.set_mask(layer.mask & ~gone)
    if layer.bias is not None:
        layer.bias.add_(means)
    else:
        staying = layer.numeric_mask()
        layer.coef.add_((means / staying.sum(0).clamp(min=1) * staying)[:, None, :])


def _thin_lines(edges: StraightEdges, h: Tensor, share: float) -> None:
    weight = edges.alive()
    gone = _least((weight.abs() * h.std(0)).T, edges.mask.T, share).T
    edges.mask.copy_(edges.mask & ~gone)
    if edges.bias is not None:
        edges.bias.add_((weight * gone) @ h.mean(0))


def _least(spread: Tensor, alive: Tensor, share: float) -> Tensor:
    """Which edges (I, O) that are alive move least; every node keeps one, for without any it would be constant."""
    count = int(share * int(alive.sum()))
    if not count:
        return torch.zeros_like(alive)
    limit = spread[alive].kthvalue(count).values
    gone = alive & (spread <= limit)
    best = torch.where(alive, spread, -1.0).argmax(0)
    gone[best, torch.arange(gone.shape[1], device=gone.device)] = False
    return gone
