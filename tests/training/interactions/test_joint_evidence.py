"""The joint evidence of all functions: that of the Gaussian process it speaks of, its slope, and what follows from it."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal

from edgewise.training import TableConfig, fit_table
from edgewise.training.interactions.joint_evidence import LEVEL, Process, supported

INPUTS, DIRECTIONS = 3, 4
PAIRS = list(combinations(range(INPUTS), 2))


def drawn(seed: int, rows: int = 25) -> tuple[list[torch.Tensor], torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    parts = [torch.randn(rows, DIRECTIONS, generator=random, dtype=torch.float64) for _ in range(INPUTS)]
    return parts, torch.randn(rows, generator=random, dtype=torch.float64)


def logs_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 1, 2 * INPUTS + len(PAIRS) + 1)


def columns(parts: list[torch.Tensor], logs: np.ndarray) -> np.ndarray:
    """Every line, bend and product as a column of its own, times the deviation of its number."""
    size = np.exp(logs / 2)
    found = [np.full((len(parts[0]), 1), np.sqrt(LEVEL))]
    for i, part in enumerate(parts):
        found += [size[i] * part[:, :1].numpy(), size[INPUTS + i] * part[:, 1:].numpy()]
    for k, (i, j) in enumerate(PAIRS):
        product = parts[i][:, :, None] * parts[j][:, None]
        found.append(size[2 * INPUTS + k] * product.flatten(1).numpy())
    return np.hstack(found)


def surprise(process: Process, logs: np.ndarray) -> float:
    return process.surprise(process.root(process.variances(logs)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_the_evidence_is_the_density_of_the_rows(seed: int):
    parts, y = drawn(seed)
    logs = logs_of(seed)
    own = columns(parts, logs)
    want = multivariate_normal(cov=own @ own.T + np.exp(logs[-1]) * np.eye(len(y))).logpdf(y.numpy())
    found = surprise(Process(parts, y, torch.ones_like(y), PAIRS), logs)
    assert found == pytest.approx(-want - len(y) / 2 * np.log(2 * np.pi), rel=1e-8, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_its_slope_is_that_of_finite_differences(seed: int):
    parts, y = drawn(seed)
    weight = torch.rand(len(y), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.5
    process = Process(parts, y, weight, PAIRS)

    def slope(logs: np.ndarray) -> np.ndarray:
        variances = process.variances(logs)
        return process.slope(variances, process.root(variances))

    logs = logs_of(seed)
    error = check_grad(lambda at: surprise(process, at), slope, logs)
    assert error < 1e-4 * (1 + np.linalg.norm(slope(logs)))


def test_rows_given_twice_are_rows_of_weight_two_and_no_certainty():
    random = np.random.default_rng(2)
    X = random.uniform(-1, 1, (240, 2))
    y = X[:, 0] * X[:, 1] + 0.2 * random.normal(size=240)
    weight = np.where(np.arange(240) % 3 == 0, 2.0, 1.0)
    again = np.repeat(np.arange(240), weight.astype(int))
    one = fit_table(X, y, interactions=1, sample_weight=weight)
    other = fit_table(X[again], y[again], interactions=1)
    said = [fit.network.predict(X)[:, 0] for fit in (one, other)]
    assert np.std(said[0] - said[1]) < 0.03
    assert np.std(said[1] - X[:, 0] * X[:, 1]) < 0.1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_the_numbers_are_those_of_ridge_regression(seed: int):
    parts, y = drawn(seed)
    logs = logs_of(seed)
    process = Process(parts, y, torch.ones_like(y), PAIRS)
    single, products, level = process.coefficients(process.variances(logs))
    said = level + sum(part @ own for part, own in zip(parts, single, strict=True))
    for (i, j), own in zip(PAIRS, products, strict=True):
        said = said + ((parts[i] @ own) * parts[j]).sum(1)
    own = columns(parts, logs)
    ridge = np.linalg.solve(own.T @ own + np.exp(logs[-1]) * np.eye(own.shape[1]), own.T @ y.numpy())
    assert torch.as_tensor(said).numpy() == pytest.approx(own @ ridge, rel=1e-6, abs=1e-6)


def test_a_pair_that_the_rows_follow_is_told_from_those_that_they_do_not():
    parts, noise = drawn(3, rows=200)
    y = parts[0][:, 0] * parts[2][:, 0] + 0.5 * noise
    process = Process(parts, y, torch.ones_like(y), PAIRS)
    logs = process.learned(process.start, 20, 1e-5)
    assert supported(process, logs, 9.0, 9.0, 0.0) == [PAIRS.index((0, 2))]
    assert supported(process, logs, 9.0, 1e6, 0.0) == []
    assert process.strongest(logs)[0] == PAIRS.index((0, 2))


def test_inputs_that_follow_each_other_are_no_harm():
    """One part solved after the other is slow to share out what several could say."""
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (900, 3))
    X[:, 2] = X[:, 0] + X[:, 1] ** 2 + 0.2 * random.normal(size=len(X))
    law = np.sin(4 * X[:, 0]) * X[:, 1] + np.cos(3 * X[:, 2]) * X[:, 0]
    y = law + 0.1 * random.normal(size=len(X))

    def error(joint_rows: int) -> float:
        fit = fit_table(X[:400], y[:400], interactions="auto", config=TableConfig(joint_rows=joint_rows))
        return float(np.sqrt(np.mean((fit.network.predict(X[400:])[:, 0] - law[400:]) ** 2)))

    assert error(1500) < 0.9 * error(1)


def test_two_outputs_a_constant_column_and_rows_without_weight():
    random = np.random.default_rng(1)
    X = np.column_stack([random.uniform(-1, 1, (300, 3)), np.ones(300)])
    y = np.column_stack([X[:, 0] * X[:, 1], X[:, 1] * X[:, 2]]) + 0.05 * random.normal(size=(300, 2))
    weight = np.where(np.arange(300) < 250, 1.0, 0.0)
    y[250:] = 100.0
    fit = fit_table(X, y, interactions="auto", sample_weight=weight)
    assert {(0, 1), (1, 2)} <= set(fit.pairs)
    want = np.column_stack([X[:, 0] * X[:, 1], X[:, 1] * X[:, 2]])
    assert float(np.abs(fit.network.predict(X) - want)[:250].mean()) < 0.05
