"""Large results in reused memory: the same block for the next of its size, never one that somebody still looks at."""

import gc

import pytest
import torch

from edgewise.kernels import buffers
from edgewise.kernels.buffers import PATIENCE, Pool
from edgewise.layers import KANLinear

COUNT = 1 << 16


@pytest.fixture(autouse=True)
def _large_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "LARGE", 4 * COUNT)


def test_memory_serves_again_when_nobody_holds_it() -> None:
    pool = Pool()
    first = pool.empty((COUNT,), torch.float32)
    part, address = first[3:5], first.data_ptr()
    del first
    assert pool.empty((COUNT,), torch.float32).data_ptr() != address  # the part is still there
    part.fill_(7.0)
    del part
    again = [pool.empty((2, COUNT // 2), torch.float32) for _ in range(2)]
    assert address in {tensor.data_ptr() for tensor in again}


def test_live_tensors_share_nothing() -> None:
    pool = Pool()
    tensors = [pool.empty((COUNT + 4096 * (k % 2),), torch.float32).fill_(k) for k in range(6)]
    for k, tensor in enumerate(tensors):
        assert bool((tensor == k).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_tensor_like_any_other(dtype: torch.dtype) -> None:
    made = Pool().empty((COUNT, 3), dtype)
    assert made.shape == (COUNT, 3)
    assert made.dtype == dtype
    assert made.is_contiguous()
    assert made.data_ptr() % 64 == 0
    assert made.device.type == "cpu"
    assert torch.equal(made.zero_().add_(1).clone(), torch.ones(COUNT, 3, dtype=dtype))
    assert Pool().empty((0, 3), dtype).numel() == 0


@pytest.mark.slow
def test_what_is_not_wanted_goes() -> None:
    pool = Pool()
    del_me = pool.empty((COUNT,), torch.float32)
    del del_me
    gc.collect()
    assert len(pool._free) == 1
    for _ in range(PATIENCE + 1):
        pool.empty((2 * COUNT,), torch.float32)
    assert [len(block.memory) for block in pool._free] == [8 * COUNT]


def test_gradients_of_a_large_layer_come_back_to_their_place() -> None:
    layer = KANLinear(32, 64, intervals=32, seed=0)
    x = torch.linspace(-1, 1, 8 * 32).reshape(8, 32)
    places, gradients = list[int](), list[torch.Tensor]()
    for _ in range(3):
        layer.zero_grad(set_to_none=True)
        layer(x).square().sum().backward()
        assert layer.coef.grad is not None
        places.append(layer.coef.grad.data_ptr())
        gradients.append(layer.coef.grad.sum())
    assert layer.coef.numel() >= COUNT
    assert len(set(places)) == 1
    assert torch.equal(gradients[0], gradients[2])
