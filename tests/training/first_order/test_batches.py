"""Minibatches: every row once an epoch, in an order of its own, whatever the block."""

from __future__ import annotations

import pytest
import torch

from edgewise.training.common.rows import TrainingRows
from edgewise.training.first_order import epoch_optimizers as batches
from edgewise.training.first_order.epoch_optimizers import Batches


def table(count: int, width: int = 3) -> TrainingRows:
    """Rows that tell their number in every column."""
    number = torch.arange(count, dtype=torch.float64)
    weight = (number + 1) / (number + 1).sum()
    return TrainingRows(number[:, None].repeat(1, width).float(), -number[:, None].float(), weight)


@pytest.mark.parametrize(("count", "size"), [(1, 4), (7, 4), (64, 16), (100, 7), (50, 1000)])
@pytest.mark.parametrize("block", [1, 60, 1 << 18])
def test_every_row_comes_once(count: int, size: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BLOCK", block)
    rows = table(count)
    made = Batches(rows, size, seed=3)
    seen: list[float] = []
    lengths: list[int] = []
    for x, y, weight in made.epoch(0):
        assert bool((x == x[:, :1]).all())
        assert torch.equal(y[:, 0], -x[:, 0])
        assert weight.dtype == torch.float64
        assert torch.allclose(weight, rows.weight[x[:, 0].long()] * count)
        seen += x[:, 0].tolist()
        lengths.append(len(x))
    assert sorted(seen) == list(range(count))
    assert len(lengths) == made.count
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1


def test_the_order_depends_on_seed_and_epoch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def order(seed: int, number: int, block: int = 1 << 18) -> list[float]:
        monkeypatch.setattr(batches, "BLOCK", block)
        return [float(v) for x, _, _ in Batches(table(40), 8, seed).epoch(number) for v in x[:, 0]]

    assert order(1, 5) == order(1, 5) == order(1, 5, block=1)
    assert order(1, 5) != order(1, 6)
    assert order(1, 5) != order(2, 5)


def test_memory_is_used_again() -> None:
    made = Batches(table(40), 8, seed=0)
    places = {x.untyped_storage().data_ptr() for number in range(3) for x, _, _ in made.epoch(number)}
    assert len(places) == 1
