"""The frozen description of a network: everything but its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgewise._core.checks import as_tuple, check_bool, check_int, check_names, short
from edgewise._core.errors import InputError
from edgewise.layers import SymbolicEdge
from edgewise.layers.arguments import check_functions
from edgewise.layers.symbolic_edges import check_symbolic
from edgewise.network.container import cause

# Of one layer; their names alone would fill the memory beyond.
MOST_NODES = 1_000_000


@dataclass(frozen=True)
class Nodes:
    """The nodes of one layer.

    Parameters
    ----------
    sums : int
        Nodes that add what arrives.
    products : tuple of int
        One multiplication node an entry: how many sums it multiplies (at least 2).

    Examples
    --------
    >>> Nodes(sums=3, products=(2, 3)).total, Nodes(sums=3, products=(2, 3)).incoming
    (5, 8)
    """

    sums: int = 0
    products: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "sums", check_int(self.sums, "sums", low=0, high=MOST_NODES))
        object.__setattr__(self, "products", _check_arities(self.products))
        if self.total < 1:
            raise InputError(
                subject="A layer of nodes", expected="have at least one node", got="sums=0 and no products"
            )

    @property
    def total(self) -> int:
        """Number of nodes, products included."""
        return self.sums + len(self.products)

    @property
    def incoming(self) -> int:
        """Number of sums that feed the nodes."""
        return self.sums + sum(self.products)

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The sums behind each node."""
        groups: list[tuple[int, ...]] = [(k,) for k in range(self.sums)]
        start = self.sums
        for arity in self.products:
            groups.append(tuple(range(start, start + arity)))
            start += arity
        return tuple(groups)

    def keep(self, nodes: Sequence[int]) -> Nodes:
        """The layer with only these nodes, in this order (sum nodes first)."""
        return Nodes(
            sums=sum(1 for k in nodes if k < self.sums),
            products=tuple(self.products[k - self.sums] for k in nodes if k >= self.sums),
        )


def _check_arities(products: object) -> tuple[int, ...]:
    if isinstance(products, str) or not isinstance(products, Iterable):
        raise InputError(
            argument="products",
            expected="list how many sums each multiplication node multiplies, as in (2, 3)",
            got=short(products),
        )
    arities = as_tuple(products, "products", "ints")
    return tuple(check_int(arity, "products", low=2, high=MOST_NODES) for arity in arities)


NodesLike = Nodes | int | Sequence[Any]


def as_nodes(value: NodesLike) -> Nodes:
    """Nodes from 5, [3, 2] (three sums, two products of two) or [3, (2, 3)] (products of two and of three)."""
    if isinstance(value, Nodes):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        sums, products = value
        arities = (
            products
            if isinstance(products, Sequence)
            else (2,) * check_int(products, "shape", low=0, high=MOST_NODES)
        )
        return Nodes(check_int(sums, "shape", low=0, high=MOST_NODES), tuple(arities))
    return Nodes(check_int(value, "shape", low=1, high=MOST_NODES))


@dataclass(frozen=True)
class LayerSpec:
    """One layer of edges and the nodes they feed."""

    in_features: int
    nodes: Nodes
    basis: str = "bspline"
    degree: int = 3
    intervals: int = 5
    base: str | None = None
    bias: bool = True
    symbolic: tuple[SymbolicEdge, ...] = ()

    def __post_init__(self) -> None:
        check_int(self.in_features, "in_features", low=1, high=MOST_NODES)
        check_functions(self.basis, self.degree, self.intervals, self.base)
        check_bool(self.bias, "bias")


@dataclass(frozen=True)
class KANSpec:
    """A whole network but for its numbers; two networks with equal specs have tensors of equal shapes.

    Attributes
    ----------
    layers : tuple of LayerSpec
    input_names, output_names : tuple of str
    """

    layers: tuple[LayerSpec, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise InputError(argument="shape", expected="list at least inputs and outputs, as in [2, 5, 1]")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.nodes.total != after.in_features:
                raise InputError(
                    subject="Consecutive layers",
                    expected=f"fit: {before.nodes.total} nodes feed a layer of {after.in_features} inputs",
                )
        check_names(self.input_names, "input_names", self.layers[0].in_features)
        check_names(self.output_names, "output_names", self.layers[-1].nodes.total)

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of nodes [n0, n1, ..., nL]."""
        return (self.layers[0].in_features, *(layer.nodes.total for layer in self.layers))

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> KANSpec:
        """The inverse of `to_json`.

        Raises
        ------
        InputError
            If the dictionary does not describe a network.
        """
        try:
            layers = tuple(_layer_from_json(entry) for entry in data["layers"])
            names = [check_names(data[key], key) for key in ("input_names", "output_names")]
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                subject="The description of a network",
                expected="be what KANSpec.to_json gives",
                got=f"a damaged one ({cause(error)})",
            ) from error
        return cls(layers, *names)


def _layer_from_json(entry: Mapping[str, Any]) -> LayerSpec:
    nodes = Nodes(entry["nodes"]["sums"], tuple(entry["nodes"]["products"]))
    symbolic = tuple(SymbolicEdge(edge["source"], edge["target"], edge["form"]) for edge in entry["symbolic"])
    rest = {key: entry[key] for key in ("in_features", "basis", "degree", "intervals", "base", "bias")}
    return LayerSpec(
        nodes=nodes,
        symbolic=check_symbolic(symbolic, rest["in_features"], nodes.incoming),
        **rest,
    )


_ARGUMENT = {"x": "input_names", "y": "output_names"}


def default_names(count: int, prefix: str) -> tuple[str, ...]:
    """x1, x2, ...; a single output is just y."""
    return (prefix,) if count == 1 and prefix == "y" else tuple(f"{prefix}{k + 1}" for k in range(count))


def as_names(names: Iterable[str] | None, count: int, prefix: str) -> tuple[str, ...]:
    """Given names checked, or default ones."""
    return default_names(count, prefix) if names is None else check_names(names, _ARGUMENT[prefix], count)
