"""A small network for pictures written as a plain `KAN` of its pixels, which computes the same and can be proved things of.

A convolution is a layer in which edges share functions; what is straight after it, a mean over places or a normalisation
that has settled, goes into the coefficients, for functions on one grid add up to one on that grid.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from edgewise._core.arguments import check_is
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.layers import KANConv2d, KANLinear, channel_functions
from edgewise.layers.linear import LayerNumbers
from edgewise.network import KAN
from edgewise.network.spec import KANSpec, LayerSpec, Nodes
from edgewise.vision.classifier import ImageClassifier
from edgewise.vision.networks import ConvStages, Patches

# Coefficients of a layer, at most.
MOST = 1 << 25
_Straight = Callable[[Tensor], Tensor]


def as_kan(model: ImageClassifier) -> KAN:
    """The network of a classifier as a `KAN` from pixels, row by row and channel by channel, to logits.

    It computes in float64 what the classifier's network, in float32, computes up to rounding. Pixels are named "p3_5"
    (row 3, column 5; "p3_5_0" with the channel, where there are several), outputs as the classes.
    `edgewise.verify` takes it.

    Parameters
    ----------
    model : ImageClassifier
        Fitted, of kind "kan" or "patches", for small pictures.

    Raises
    ------
    InputError
        If its layers are not of functions, or too large to write edge by edge.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.vision import ImageClassifier
    >>> X = np.random.default_rng(0).random((20, 6, 6))
    >>> model = ImageClassifier("patches", 800, epochs=1, settings={"depth": 1}).fit(X, np.arange(20) % 2)
    >>> net = as_kan(model)
    >>> bool(np.abs(net.predict(X.reshape(20, 36)) - model.logits(X)).max() < 1e-4)
    True
    """
    check_is(model, ImageClassifier, "model", "an ImageClassifier")
    network = copy.deepcopy(model.fitted_network()).double().eval()
    if not isinstance(network, (Patches, ConvStages)) or model.config_.kind == "cnn":
        raise InputError(
            argument="model", expected="be of kind 'kan' or 'patches'", got=short(model.config_.kind)
        )
    if isinstance(network, ConvStages) and network.mirrored:
        raise InputError(
            argument="model",
            expected="judge pictures alone",
            got="one that averages over mirror images",
            advice="fit it with settings={'mirrored': False}",
        )
    parts: list[nn.Module | _Straight]
    if isinstance(network, Patches):
        constant = network.constant.detach()
        parts = [*network.body, network.places, _mean, lambda x: x + constant]
    else:
        parts = [*network.body, _mean, *network.head]
    c = model.config_
    with torch.no_grad():
        layers = _layers(parts, (c.channels, c.height, c.width))
    names = [f"p{i}_{j}" for i in range(c.height) for j in range(c.width)]
    if c.channels > 1:
        names = [f"{name}_{k}" for k in range(c.channels) for name in names]
    spec = KANSpec(
        tuple(
            LayerSpec(
                layer.in_features, Nodes(layer.out_features), degree=layer.degree, intervals=layer.intervals
            )
            for layer in layers
        ),
        tuple(names),
        tuple(str(label) for label in model.classes_.tolist()),
    )
    net = KAN.from_layers(spec, layers)
    area = c.height * c.width
    with torch.no_grad():
        net.input_shift.copy_(network.standard.shift.flatten().repeat_interleave(area))
        net.input_scale.copy_(network.standard.scale.flatten().repeat_interleave(area))
    return net


def _mean(x: Tensor) -> Tensor:
    return x.mean((2, 3))


def _layers(parts: Sequence[nn.Module | _Straight], shape: tuple[int, ...]) -> list[KANLinear]:
    """One layer of edges for each layer of functions, with what is straight behind it."""
    made = list[KANLinear]()
    starts = [k for k, part in enumerate(parts) if isinstance(part, (KANConv2d, KANLinear))]
    if not starts or starts[0]:  # what is straight from the pixels on
        parts, starts = (
            [channel_functions(KANConv2d, shape[0], 1, 1, (-1.0, 1.0)).double(), *parts],
            [0, *(k + 1 for k in starts)],
        )
    for k, behind in itertools.pairwise([*starts, len(parts)]):
        own = cast("KANConv2d | KANLinear", parts[k])
        grid, coef, bias = _written(own, shape)
        for straight in parts[k + 1 : behind]:
            after = cast("_Straight", straight)
            coef, bias = after(coef) - after(torch.zeros_like(bias)), after(bias)
        shape, base = tuple(bias.shape[1:]), own_layer(own)
        whole = coef.reshape(len(grid), base.size, -1)
        mask = (whole != 0).any(1)
        made.append(KANLinear.of_parts(LayerNumbers(grid, mask, whole, bias.flatten()), base.degree))
    return made


def own_layer(part: KANConv2d | KANLinear) -> KANLinear:
    """The layer of functions itself."""
    return part.patch if isinstance(part, KANConv2d) else part


def _written(part: KANConv2d | KANLinear, shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Grids (I, K), coefficients (I * M, O, H', W') and biases (1, O, H', W') of a layer, edge by edge."""
    base = own_layer(part)
    if base.basis_name != "bspline" or base.base is not None or base.symbolic:
        raise InputError(argument="model", expected="have numeric B-spline edges only", got="others")
    coef, count = base.numeric_coef(), base.out_features
    bias = torch.zeros(count, dtype=coef.dtype) if base.bias is None else base.bias.detach()
    if isinstance(part, KANLinear):
        return base.grid, coef.reshape(-1, count), bias[None]
    channels, height, width = shape
    (top, bottom), (left, right) = part.padding
    kernel = part.kernel_size
    if part.groups == channels == count and part.places == 1:
        return _by_channel(base, bias, shape)
    if part.groups > 1 or part.padding_mode != "zeros" or {*part.stride, *part.dilation} != {1}:
        raise InputError(
            argument="model",
            expected="have plain convolutions",
            got="one with steps, groups or other borders",
        )
    down, across = height + top + bottom - kernel[0] + 1, width + left + right - kernel[1] + 1
    grids = base.grid.reshape(channels, kernel[0] * kernel[1], -1)
    if bool((grids != grids[:, :1]).any()):
        raise InputError(argument="model", expected="have one grid a channel", got="several")
    _check_size(channels * height * width * base.size, count * down * across, shape)
    own = coef.reshape(channels, *kernel, base.size, count)
    beyond = (
        base.edges(torch.zeros(1, base.in_features, dtype=coef.dtype))[0]
        .reshape(channels, *kernel, count)
        .sum(0)
    )
    whole = torch.zeros(channels, height, width, base.size, count, down, across, dtype=coef.dtype)
    lifted = bias[:, None, None].repeat(1, down, across)
    for p in range(down):
        for q in range(across):
            for i in range(kernel[0]):
                for j in range(kernel[1]):
                    y, x = p + i - top, q + j - left
                    if 0 <= y < height and 0 <= x < width:
                        whole[:, y, x, :, :, p, q] += own[:, i, j]
                    else:
                        lifted[:, p, q] += beyond[i, j]
    return grids[:, 0].repeat_interleave(height * width, 0), whole.flatten(0, 3), lifted[None]


def _by_channel(base: KANLinear, bias: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """`_written` of functions of single channels, at each place by itself."""
    channels, height, width = shape
    area = height * width
    _check_size(channels * area * base.size, channels * area, shape)
    coef = base.numeric_coef()[0].T  # (C, M)
    whole = torch.zeros(channels, area, base.size, channels, area, dtype=coef.dtype)
    for c in range(channels):
        whole[c, torch.arange(area), :, c, torch.arange(area)] = coef[c]
    lifted = bias[:, None, None].repeat(1, height, width)
    return base.grid.repeat(channels * area, 1), whole.reshape(-1, *shape), lifted[None]


def _check_size(coefficients: int, outputs: int, shape: tuple[int, ...]) -> None:
    if coefficients * outputs > MOST:
        channels, height, width = shape
        raise InputError(
            argument="model",
            expected=f"be of small pictures, with at most {MOST:,} coefficients a layer",
            got=f"pictures of {height} x {width} with {channels} channels",
        )
