"""A graph of ONNX operators under construction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edgewise._core.extras import need


class Graph:
    """Nodes and constants; every value is known by the name that `op` and `constant` give back.

    Parameters
    ----------
    taken : iterable of str
        Names of inputs and outputs, which no value inside may bear.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        known = tuple(taken)
        self.prefix = ""
        while any(re.fullmatch(rf"{self.prefix}[vc]\d+", name) for name in known):
            self.prefix += "_"
        self.onnx = need("onnx", "onnx", "ONNX files")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def op(self, kind: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        """Append a node; the name of its output (`output`, or a new one)."""
        name = output or f"{self.prefix}v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def constant(self, value: ArrayLike, dtype: Any = np.float64) -> str:
        """A constant, kept once however often it is used."""
        array = np.ascontiguousarray(value, dtype=dtype)
        content = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
        key = (array.dtype.str, np.shape(value), content)
        if key not in self._known:
            name = f"{self.prefix}c{len(self.constants)}"
            self.constants.append(self.onnx.numpy_helper.from_array(array.reshape(np.shape(value)), name))
            self._known[key] = name
        return self._known[key]

    def indices(self, value: Sequence[int] | ArrayLike) -> str:
        """A constant of integers."""
        return self.constant(value, np.int64)

    def columns(self, x: str, which: Sequence[int], width: int) -> str:
        """Some of the `width` columns of a matrix."""
        return x if tuple(which) == tuple(range(width)) else self.op("Gather", x, self.indices(which), axis=1)

    def zeros(self, like: str, columns: int) -> str:
        """Zeros with as many rows as `like`."""
        rows = self.op("Slice", self.op("Shape", like), self.indices([0]), self.indices([1]))
        shape = self.op("Concat", rows, self.indices([columns]), axis=0)
        zero = self.onnx.numpy_helper.from_array(np.zeros(1))
        return self.op("ConstantOfShape", shape, value=zero)

    def gathered(self, parts: Sequence[tuple[str, Sequence[int]]], width: int, like: str) -> str:
        """Columns of all parts added up at their targets: (n, width).

        Columns are picked and added, never multiplied by zero, so that one that is not finite stays where it belongs.
        """
        places: list[list[int]] = [[] for _ in range(width)]
        order = [target for _, targets in parts for target in targets]
        for place, target in enumerate(order):
            places[target].append(place)
        names = [name for name, _ in parts]
        if len(parts) == 1 and order == list(range(width)):
            return names[0]
        most = max(1, *map(len, places)) if places else 1
        if any(len(found) < most for found in places):
            names.append(self.zeros(like, 1))
        whole = self.op("Concat", *names, axis=1) if len(names) > 1 else names[0]
        table = [found + [len(order)] * (most - len(found)) for found in places]
        if most == 1:
            return self.op("Gather", whole, self.indices([row[0] for row in table]), axis=1)
        picked = self.op("Gather", whole, self.indices(table), axis=1)
        return self.op("ReduceSum", picked, self.indices([2]), keepdims=0)
