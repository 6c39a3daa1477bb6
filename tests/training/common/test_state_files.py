"""Trees of plain values and tensors come back as they were."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise import FileError, InputError
from edgewise.training.common.state_files import read_tree, write_tree

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text(), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(tree=trees)
def test_plain_trees_come_back(tree: Any) -> None:
    write_tree("tree", "test", tree)
    again = read_tree("tree", "test")
    assert again == tree
    assert repr(again) == repr(tree)


def test_tensors_come_back_to_the_bit() -> None:
    base = torch.arange(12, dtype=torch.float64).reshape(3, 4)
    tree = {
        "views": [base, base[:, 1], base.T, base],
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(math.nan, dtype=torch.float32),
        "kinds": (
            torch.tensor([True, False]),
            torch.tensor([2**62]),
            torch.ones(2).half(),
            torch.ones(2).bfloat16(),
        ),
        "nan": math.nan,
        3: {"inf": -math.inf},
    }
    write_tree("tree", "test", tree)
    again = read_tree("tree", "test")
    for first, second in zip(tree["views"], again["views"], strict=True):
        assert torch.equal(first, second)
    assert again["empty"].shape == (0, 3)
    assert again["scalar"].isnan()
    assert [t.dtype for t in again["kinds"]] == [t.dtype for t in tree["kinds"]]
    assert math.isnan(again["nan"])
    assert again[3] == {"inf": -math.inf}


def test_optimiser_states_come_back() -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    for optimizer in (torch.optim.AdamW([parameter]), torch.optim.LBFGS([parameter])):
        for _ in range(3):
            optimizer.zero_grad()
            parameter.pow(2).sum().backward()
            optimizer.step(lambda: parameter.pow(2).sum().item())
        write_tree("tree", "test", optimizer.state_dict())
        optimizer.load_state_dict(read_tree("tree", "test"))


def test_other_values_and_other_kinds_are_refused() -> None:
    with pytest.raises(InputError, match=r"plain values and tensors\. Got a set"):
        write_tree("tree", "test", {"a": {1, 2}})
    write_tree("tree", "one kind", [1])
    with pytest.raises(FileError, match="does not hold a another kind but 'one kind'"):
        read_tree("tree", "another kind")
