"""Randomness that never touches the global generators of torch, numpy or Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgewise._core.checks import check_int

if TYPE_CHECKING:
    import torch

_LARGEST_SEED = 2**63 - 1


def generator(seed: int | None = None) -> torch.Generator:
    """A fresh torch generator; `None` takes entropy from the operating system."""
    import torch  # here, so that reading and splitting tables does not wait for it

    own = torch.Generator()
    if seed is None:
        own.seed()
    else:
        own.manual_seed(check_int(seed, "seed", low=0, high=_LARGEST_SEED))
    return own


def numpy_generator(seed: int | None = None) -> np.random.Generator:
    """A fresh numpy generator; `None` takes entropy from the operating system."""
    if seed is not None:
        seed = check_int(seed, "seed", low=0, high=_LARGEST_SEED)
    return np.random.default_rng(seed)


def derive(seed: int | None, *stream: int) -> int | None:
    """A seed for one numbered sub-stream, independent of its siblings; `None` stays `None`."""
    if seed is None:
        return None
    root = check_int(seed, "seed", low=0, high=_LARGEST_SEED)
    # Hashing keeps neighbouring seeds and neighbouring streams unrelated, which seed + i does not.
    state = np.random.SeedSequence([root, *stream]).generate_state(1, np.uint64)[0]
    return int(state) & _LARGEST_SEED
