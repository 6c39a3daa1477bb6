"""A design kept as codes is the design: products with it are those of the plain matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.training.additive.design import design_matrix


def table(rows: int, kinds: list[int], seed: int, dtype: torch.dtype = torch.float64):
    """Columns of several inputs, each of so many values (0: all different)."""
    random = np.random.default_rng(seed)
    blocks, owner = [], []
    for i, values in enumerate(kinds):
        width = int(random.integers(1, 5))
        levels = random.normal(size=(values or rows, width))
        codes = random.integers(0, values, rows) if values else np.arange(rows)
        blocks.append(levels[codes])
        owner += [i] * width
    whole = np.column_stack(blocks) if blocks else np.zeros((rows, 0))
    return torch.from_numpy(whole).to(dtype), torch.tensor(owner, dtype=torch.long)


@settings(deadline=None, max_examples=40)
@given(
    kinds=st.lists(st.sampled_from([0, 1, 2, 7, 30]), min_size=1, max_size=5),
    rows=st.sampled_from([1, 9, 300]),
    seed=st.integers(0, 99),
)
def test_products_are_those_of_the_matrix(kinds, rows, seed):
    plain, owner = table(rows, kinds, seed)
    design, random = design_matrix(plain, owner), np.random.default_rng(seed)
    weight = torch.from_numpy(random.uniform(0, 2, rows))
    theta = torch.from_numpy(random.normal(size=(plain.shape[1], 3)))
    behind = torch.cat([plain, torch.ones(rows, 1, dtype=torch.float64)], 1)
    close = {"rtol": 1e-10, "atol": 1e-10}
    torch.testing.assert_close(design.times(theta), plain @ theta, **close)
    torch.testing.assert_close(design.pulled(weight), plain.T @ weight, **close)
    torch.testing.assert_close(design.gram(weight), behind.T @ (behind * weight[:, None]), **close)
    some = torch.from_numpy(random.random(rows) < 0.5)
    torch.testing.assert_close(design.part(some).times(theta), plain[some] @ theta, **close)


@pytest.mark.parametrize(("values", "coded"), [(5, True), (200, True), (400, False), (0, False)])
def test_inputs_of_few_values_are_coded(values, coded):
    plain, owner = table(4000, [values], 0, torch.float32)
    assert bool(design_matrix(plain, owner).coded) == coded
