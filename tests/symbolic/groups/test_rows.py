"""Rows of groups: each group's rows, and fewer of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgewise.symbolic.groups.rows import GroupedRows


def rows_of(sizes: list[int]) -> GroupedRows:
    group = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    number = np.arange(len(group), dtype=np.float64)
    return GroupedRows(("x",), number[:, None], number, group, len(sizes))


SIZES = st.lists(st.integers(0, 90), min_size=1, max_size=8).filter(any)


@given(SIZES)
def test_every_row_stands_in_its_group_once(sizes: list[int]) -> None:
    rows = rows_of(sizes)
    assert sorted(np.concatenate(rows.places).tolist()) == list(range(sum(sizes)))
    assert all((rows.group[there] == at).all() for at, there in enumerate(rows.places))
    found = [row for _, places, there in rows.batches for row in places[there]]
    assert sorted(found) == list(range(sum(sizes)))
    assert sorted(at for groups, *_ in rows.batches for at in groups) == list(range(len(sizes)))
    assert all(2 * there.sum(axis=1).min() >= there.shape[1] for _, _, there in rows.batches)
    assert all(np.array_equal(rows.of(at)[1], rows.y[rows.group == at]) for at in range(len(sizes)))


@given(SIZES, st.integers(1, 400))
def test_fewer_rows_are_of_every_group(sizes: list[int], most: int) -> None:
    rows = rows_of(sizes)
    fewer = rows.thinned(most)
    assert len(fewer.y) <= max(most, 20 * len(sizes), 1) + most
    assert len(set(fewer.y)) == len(fewer.y)
    assert all(item >= min(20, size) for item, size in zip(fewer.sizes, sizes, strict=True))
    assert all(rows.group[int(value)] == at for value, at in zip(fewer.y, fewer.group, strict=True))
    if len(rows.y) <= most:
        assert fewer is rows
