"""Losses against autograd: gradients, roots of curvature, and the forms of targets that they take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from edgewise import InputError
from edgewise.training import CrossEntropy, Huber, LogMean, Loss, NegativeBinomial, Squared
from edgewise.training.common.losses import LOG_LOSSES, check_target, log_loss, make_loss

SMOOTH: tuple[Loss, ...] = (Squared(), CrossEntropy(), LogMean())
# Counts and amounts, with the distribution that scipy has for a mean and an outcome.
RATES: tuple[Loss, ...] = (*map(log_loss, LOG_LOSSES), LogMean(1.3, "tweedie"), NegativeBinomial(0.4))


def outputs_and_targets(loss: Loss, seed: int, columns: int, rows: int = 7) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    f = 2 * torch.randn(rows, columns, generator=random, dtype=torch.float64)
    y = torch.rand(rows, columns, generator=random, dtype=torch.float64)
    if loss.name in ("poisson", "negative_binomial"):
        return f, (10 * y).round()
    if loss.name == "cross_entropy" and columns > 1:
        return f, y / y.sum(1, keepdim=True)
    return f, y


def product(root: Tensor) -> Tensor:
    """R^T R of every row."""
    return torch.diag_embed(root**2) if root.ndim == 2 else root.mT @ root


@pytest.mark.parametrize("loss", [*SMOOTH, *RATES, Huber(), Huber(0.7)], ids=lambda loss: loss.name)
@given(seed=st.integers(0, 10**6), columns=st.integers(1, 4))
def test_the_gradient_is_that_of_autograd(loss: Loss, seed: int, columns: int) -> None:
    f, y = outputs_and_targets(loss, seed, columns)
    f.requires_grad_()
    (wanted,) = torch.autograd.grad(loss.rows(f, y).sum(), f)
    torch.testing.assert_close(loss.gradient(f.detach(), y), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("loss", SMOOTH, ids=lambda loss: loss.name)
@given(seed=st.integers(0, 10**6), columns=st.integers(1, 4))
def test_the_square_of_the_root_is_the_hessian_in_the_outputs(loss: Loss, seed: int, columns: int) -> None:
    f, y = outputs_and_targets(loss, seed, columns)
    wanted = torch.stack(
        [
            torch.autograd.functional.hessian(lambda row, k=k: loss.rows(row[None], y[k : k + 1]).sum(), f[k])
            for k in range(len(f))
        ]
    )
    torch.testing.assert_close(product(loss.root(f, y)), wanted, rtol=1e-9, atol=1e-11)


@given(seed=st.integers(0, 10**6), delta=st.floats(0.05, 3.0))
def test_the_quadratic_of_huber_lies_above_it_and_touches_it(seed: int, delta: float) -> None:
    """The weights psi(r)/r give a quadratic that bounds the loss: its step can only lower it."""
    loss = Huber(delta)
    f, y = outputs_and_targets(loss, seed, 1, rows=1)
    steps = torch.linspace(-4, 4, 81, dtype=torch.float64)[:, None]
    bound = (
        loss.rows(f, y)
        + steps[:, 0] * loss.gradient(f, y)[0, 0]
        + steps[:, 0] ** 2 * product(loss.root(f, y))[0, 0, 0] / 2
    )
    assert bool((loss.rows(f + steps, y.expand_as(steps)) <= bound + 1e-12).all())


def test_huber_is_squared_near_the_target_and_linear_far_from_it() -> None:
    loss, y = Huber(0.5), torch.zeros(1, 1, dtype=torch.float64)
    near, far = torch.full_like(y, 0.3), torch.full_like(y, 100.0)
    torch.testing.assert_close(loss.rows(near, y), Squared().rows(near, y))
    assert float(loss.gradient(far, y)) == 0.5
    assert float(loss.rows(far + 1, y) - loss.rows(far, y)) == pytest.approx(0.5)


def test_likelihoods_are_those_of_their_distributions() -> None:
    from scipy import stats

    def missing(loss: Loss, density: Any) -> None:
        """Half the deviance is what the logarithm of the likelihood lacks to that of a mean that is the outcome itself."""
        f, y = outputs_and_targets(loss, 0, 1)
        y = y.clamp(min=0.2)
        wanted = density(y[:, 0].numpy(), y[:, 0].numpy()) - density(y[:, 0].numpy(), np.exp(f[:, 0].numpy()))
        np.testing.assert_allclose(loss.rows(f, y).numpy(), wanted, rtol=1e-9, atol=1e-12)

    missing(LogMean(), lambda y, m: y * np.log(m) - m)
    whole = outputs_and_targets(LogMean(), 0, 1)[1][:, 0].numpy() + 1
    same = stats.poisson.logpmf(whole, whole) - stats.poisson.logpmf(whole, 2.5)
    at = torch.full((len(whole), 1), math.log(2.5), dtype=torch.float64)
    np.testing.assert_allclose(LogMean().rows(at, torch.from_numpy(whole)[:, None]).numpy(), same, rtol=1e-9)
    missing(log_loss("gamma"), lambda y, m: stats.gamma.logpdf(y, 1.0, scale=m))
    missing(log_loss("inverse_gaussian"), lambda y, m: stats.invgauss.logpdf(y, m))
    shape = 1 / 0.4
    negative = NegativeBinomial(0.4)
    same = stats.nbinom.logpmf(whole, shape, shape / (shape + whole))
    same = same - stats.nbinom.logpmf(whole, shape, shape / (shape + 2.5))
    np.testing.assert_allclose(negative.rows(at, torch.from_numpy(whole)[:, None]).numpy(), same, rtol=1e-9)
    one = torch.tensor([[0.3], [-2.0]], dtype=torch.float64)
    two = torch.cat([torch.zeros_like(one), one], 1)
    y = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    pair = torch.cat([1 - y, y], 1)
    torch.testing.assert_close(CrossEntropy().rows(one, y), CrossEntropy().rows(two, pair))


@pytest.mark.parametrize("loss", RATES, ids=lambda loss: f"{loss.name} {getattr(loss, 'power', '')}")
@given(seed=st.integers(0, 10**6))
def test_the_curvature_of_rates_is_the_hessian_where_outcomes_are_their_means(loss: Loss, seed: int) -> None:
    f, _ = outputs_and_targets(loss, seed, 1)
    g = f.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss.rows(g, f.exp()).sum(), g, create_graph=True)
    (wanted,) = torch.autograd.grad(slope.sum(), g)
    torch.testing.assert_close(loss.curvature(f, f.exp()), wanted, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(loss.root(f, f.exp()) ** 2, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", RATES, ids=lambda loss: loss.name)
def test_extreme_rates_stay_finite(loss: Loss) -> None:
    f = torch.tensor([[900.0], [-900.0]], dtype=torch.float64)
    for value in (loss.rows(f, torch.ones_like(f)), loss.gradient(f, torch.ones_like(f)), loss.root(f, f)):
        assert bool(value.isfinite().all())


def test_extreme_logits_stay_finite() -> None:
    for f in (torch.tensor([[900.0]]), torch.tensor([[-900.0]]), torch.tensor([[900.0, -900.0]])):
        f, y = f.double(), torch.zeros_like(f).double()
        y[:, -1] = 1
        for value in (
            CrossEntropy().rows(f, y),
            CrossEntropy().gradient(f, y),
            CrossEntropy().root(f, y),
        ):
            assert bool(value.isfinite().all())


def test_class_numbers_become_one_hot_rows() -> None:
    y = torch.tensor([[2.0], [0.0]], dtype=torch.float64)
    made = check_target(CrossEntropy(), y, 3)
    assert made.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert check_target(CrossEntropy(), made, 3) is made


@pytest.mark.parametrize(
    ("loss", "y", "outputs", "message"),
    [
        (CrossEntropy(), [[3.0]], 3, r"class numbers 0 to 2 for loss='cross_entropy'. Got 3 instead"),
        (CrossEntropy(), [[0.5]], 2, r"class numbers 0 to 1 .* Got 0.5 instead"),
        (CrossEntropy(), [[-1.0]], 1, r"lie in \[0, 1\] .* Got -1 instead"),
        (LogMean(), [[-2.0]], 1, r"counts or amounts, 0 or more, for loss='poisson'. Got -2 instead"),
        (
            log_loss("gamma"),
            [[0.0]],
            1,
            r"numbers above 0 for loss='gamma'. Got 0 instead; 'tweedie' takes zeros",
        ),
        (Squared(), [[1.0, 2.0]], 1, r"must have 1 column, one for each output .* Got 2 instead"),
        (Squared(), [[1.0]], 2, r"must have 2 columns, one for each output .* Got 1 instead"),
    ],
)
def test_targets_that_a_loss_cannot_take_are_refused(
    loss: Loss, y: list[list[float]], outputs: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_target(loss, torch.tensor(y, dtype=torch.float64), outputs)


def test_losses_by_name() -> None:
    assert make_loss("huber") == Huber()
    own = Huber(0.3)
    assert make_loss(own) is own
    for bad in ("squares", 5, None, math.sin):
        with pytest.raises(InputError, match="'loss' argument must be one of 'squared'"):
            make_loss(bad)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="did you mean 'poisson'"):
        make_loss("poison")
