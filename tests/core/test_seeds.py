"""Generators are reproducible, apart from each other, and leave the global ones alone."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator, numpy_generator

SEEDS = st.integers(0, 2**63 - 1)


@given(SEEDS)
def test_same_seed_same_draws(seed):
    first, second = (torch.randn(4, generator=generator(seed)) for _ in range(2))
    assert torch.equal(first, second)
    assert np.array_equal(numpy_generator(seed).normal(size=4), numpy_generator(seed).normal(size=4))


def test_no_seed_draws_anew():
    assert not torch.equal(
        torch.randn(4, generator=generator(None)), torch.randn(4, generator=generator(None))
    )
    assert not np.array_equal(numpy_generator(None).normal(size=4), numpy_generator(None).normal(size=4))


def test_global_generators_are_untouched():
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    torch.randn(3, generator=generator(1))
    torch.randn(3, generator=generator(None))
    numpy_generator(1).normal(size=3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


@given(SEEDS, st.integers(0, 1000), st.integers(0, 1000))
def test_streams_of_one_seed_differ_and_are_seeds_themselves(seed, one, other):
    child = derive(seed, one)
    assert derive(seed, one) == child
    generator(child)
    if one != other:
        assert derive(seed, other) != child
    assert derive(None, one) is None


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "0", True])
def test_a_bad_seed_is_refused(seed):
    for make in (generator, numpy_generator, derive):
        with pytest.raises(InputError, match="'seed'"):
            make(seed)
