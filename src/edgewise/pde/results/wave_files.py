"""Solutions of waves as a description and as numbers, for files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.network.container import Table
from edgewise.pde.results.waves import Waves


def written_waves(waves: Waves) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Waves as a description and as numbers, complex ones as pairs."""
    tensors = {
        "edges": torch.tensor(waves.edges),
        "rates": _pairs(waves.rates),
        "vectors": _pairs(waves.vectors),
    }
    tensors |= {f"slab.{n}": _pairs(slab) for n, slab in enumerate(waves.slabs)}
    described = {
        "axis": waves.axis,
        "low": waves.low,
        "span": waves.span,
        "waves": len(waves.rates),
        "degrees": [len(slab) - 1 for slab in waves.slabs],
    }
    return {"waves": described}, tensors


def promised_waves(document: Mapping[str, Any], unknowns: int) -> Table:
    """The tensors that waves of this description have."""
    count, degrees = document["waves"], document["degrees"]
    if not (
        type(count) is int
        and count >= 1
        and len(degrees)
        and all(type(d) is int and 0 <= d <= 100 for d in degrees)
    ):
        raise InputError("its waves are none.")
    if math.prod((count, unknowns, sum(degrees) + len(degrees))) > 1 << 40:
        raise InputError("its waves are too many.")
    table: Table = {
        "edges": ("F64", (len(degrees) + 1,)),
        "rates": ("F64", (count, unknowns, 2)),
        "vectors": ("F64", (count, unknowns, unknowns, 2)),
    }
    return table | {f"slab.{n}": ("F64", (d + 1, unknowns, count, 2)) for n, d in enumerate(degrees)}


def waves_of(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Waves:
    """The waves of a description and numbers."""
    edges = tensors["edges"].numpy()
    axis, low, span = int(document["axis"]), float(document["low"]), float(document["span"])
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise InputError("the times at which its slabs meet do not increase.")
    if axis not in (0, 1) or not (math.isfinite(low) and 0 < span < math.inf):
        raise InputError("its waves have no place.")
    slabs = tuple(_complex(tensors[f"slab.{n}"]) for n in range(len(document["degrees"])))
    return Waves(axis, low, span, edges, _complex(tensors["rates"]), _complex(tensors["vectors"]), slabs)


def _pairs(values: Any) -> Tensor:
    return torch.view_as_real(torch.tensor(np.ascontiguousarray(values, dtype=np.complex128)))


def _complex(pairs: Tensor) -> Any:
    return torch.view_as_complex(pairs.contiguous()).numpy()
