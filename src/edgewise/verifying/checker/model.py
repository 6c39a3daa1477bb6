"""A .kan file as exact piecewise polynomials; the scales of inputs and outputs are put into the first and last layers."""

from fractions import Fraction as Q
from functools import lru_cache
from math import isfinite, prod
from struct import unpack
from typing import Any

from .edges import Edges, common
from .reading import need, parse, read

# Models that are remembered.
_MODELS = 8
_DAMAGED = "the model is no .kan file, or a damaged one"


@lru_cache(_MODELS)
def model_of(data: bytes) -> "CheckedModel":
    """The network of a .kan file; files that were just read are remembered, for many claims are about one of them."""
    return CheckedModel(data)


class CheckedModel:
    """The network of a .kan file: for each layer the edges that leave each node below, and the biases above."""

    def __init__(self, data: bytes) -> None:
        start = 8 + int.from_bytes(data[:8], "little")
        self.header, self.body = parse(data[8:start], _DAMAGED), data[start:]
        need(type(self.header) is dict and "__metadata__" in self.header, _DAMAGED)
        self.layers, self.biases = list[list[Edges]](), list[list[Q]]()
        document = parse(self.header["__metadata__"]["edgewise"], _DAMAGED)
        network = document["network"]
        self.inputs, self.outputs = network["input_names"], network["output_names"]
        self.columns = document["model"]["encoding"]["columns"] if "model" in document else None
        n, last = len(self.inputs), len(network["layers"]) - 1
        shift, scale = self.tensor("input_shift", n), self.tensor("input_scale", n)
        # What rounding depends on besides: shifts, sizes of constants by layer; and what the functions do not hold.
        self.shift, self.constants, self.plain = shift, list[list[Q]](), [shift, scale]
        maps = document.get("calibration")
        fits = document["format"] == 1 + (maps is not None) and min(scale) > 0
        need(fits, "a model's format or scales are not as they may be")
        # Rising maps leave the largest output the largest if all outputs have one; a single one decides by a threshold.
        self.threshold = Q(0)
        if maps is not None:
            one = len(self.outputs) == 1
            need(one or maps["method"] == "temperature", "a model's maps mix its outputs")
            self.threshold = read(maps["threshold"], Q) if one else Q(0)
            self.outputs = [name + " before calibration" for name in self.outputs]
        self.arities = list[list[int]]()  # of the multiplication nodes of each layer, the last of its sums
        for number, spec in enumerate(network["layers"]):
            arities, k, size = spec["nodes"]["products"], spec["degree"], spec["intervals"] + 1
            m = spec["nodes"]["sums"] + sum(read(arities, [int]))
            self.arities.append(arities)
            plain = not spec["symbolic"] and min(arities, default=2) > 1 and spec["base"] in (None, "silu")
            plain = plain and spec["basis"] == "bspline" and k in (1, 2, 3) and n == spec["in_features"]
            need(
                plain, "a model has parts other than sums and products of B-splines of degree 1 to 3 and silu"
            )
            name, edges, rows = f"layers.{number}.", list[Edges](), size + k - 1
            grid, (coef, bits) = self.tensor(name + "grid", n, size), self.whole(name + "coef", n, rows, m)
            mask, _ = self.whole(name + "mask", n, m)
            base = self.tensor(name + "base_weight", n, m) if spec["base"] else [Q(0)] * (n * m)
            bias = self.tensor(name + "bias", m) if spec["bias"] else [Q(0)] * m
            above, factor = [Q(0)] * m, [Q(1)] * m
            if number == last:
                ends = len(self.outputs)
                above, factor = self.tensor("output_shift", ends), self.tensor("output_scale", ends)
                self.output_shift, self.output_scale = above, factor
                self.plain += [above, factor]
                if arities:  # what is scaled are the products
                    above, factor = [Q(0)] * m, [Q(1)] * m
            wide, more = common(factor)
            for i in range(n):
                breaks, own = grid[i * size : (i + 1) * size], coef[i * rows * m : (i + 1) * rows * m]
                place = (Q(0), Q(1)) if number else (shift[i], scale[i])
                breaks = [place[0] + place[1] * b for b in breaks]
                weights = [base[i * m + j] * mask[i * m + j] * factor[j] for j in range(m)]
                alive = [mask[i * m + j] * wide[j] for j in range(m)]
                coefs = [[c * alive[j] for c in own[j::m]] for j in range(m)]
                edges.append(Edges(breaks, k, coefs, bits + more, weights, place))
            self.layers.append(edges)
            self.biases.append([s + f * b for s, f, b in zip(above, factor, bias, strict=True)])
            self.constants.append([abs(f * b) for f, b in zip(factor, bias, strict=True)])
            n = spec["nodes"]["sums"] + len(arities)
        need(self.layers and n == len(self.outputs), "the layers of a model do not fit")

    def alike(self, other: "CheckedModel") -> bool:
        """Whether another model makes the same of every row, also in floating point: all that has an effect is the same."""
        return self.plain == other.plain and self.effects() == other.effects()

    def effects(self) -> list[Any]:
        """Grids, coefficients and biases, but for what leads to nodes that nothing leaves."""
        found, below = list[Any](), [True] * len(self.layers[0])
        for number, (edges, bias) in enumerate(zip(self.layers, self.biases, strict=True)):
            after = self.layers[number + 1 :][:1]
            live = [not e.idle() for e in after[0]] if after else [True] * len(bias)
            for e in (e for e, used in zip(edges, below, strict=True) if used):
                own = [
                    [w, *(Q(c, 1 << e.bits) for c in row)]
                    for row, w, used in zip(e.coefs, e.base, live, strict=True)
                    if used
                ]
                found.append((e.degree, e.breaks, own))
            found.append([b for b, used in zip(bias, live, strict=True) if used])
            below = live
        return found

    def tensor(self, name: str, *shape: int) -> list[Q]:
        """The numbers of a tensor."""
        numbers, bits = self.whole(name, *shape)
        return [Q(x, 1 << bits) for x in numbers]

    def whole(self, name: str, *shape: int) -> tuple[list[int], int]:
        """The numbers of a tensor as whole multiples of one power of two, 2^-bits, and the bits."""
        code, (begin, end) = self.header[name]["dtype"], self.header[name]["data_offsets"]
        need(self.header[name]["shape"] == list(shape), f"the tensor {name} of a model does not fit")
        form = f"<{prod(shape)}{'?' if name.endswith('mask') else {'F64': 'd', 'F32': 'f'}[code]}"
        numbers = unpack(form, self.body[begin:end])
        need(all(map(isfinite, numbers)), f"the tensor {name} of a model is not finite")
        ratios = [x.as_integer_ratio() for x in numbers]
        one = max((d for _, d in ratios), default=1)
        return [x * (one // d) for x, d in ratios], one.bit_length() - 1
