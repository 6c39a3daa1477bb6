"""Which parts of a network are drawn first: the strongest, so that the widest network still fits an eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.network import KAN

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Choice:
    """The edges (source, sum) to draw, layer by layer, and how many there are in all."""

    edges: tuple[Pairs, ...]
    alive: int

    @property
    def shown(self) -> int:
        """How many are drawn."""
        return sum(len(pairs) for pairs in self.edges)

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.shown == self.alive


def choose(
    net: KAN, scores: Sequence[Floats], nodes: int, edges: int, node_scores: Sequence[Floats] | None = None
) -> Choice:
    """At most so many hidden nodes and edges of every layer, the strongest of each.

    Parameters
    ----------
    net : KAN
    scores : sequence of arrays (I, O)
        Of the edges, one array a layer.
    nodes, edges : int
    node_scores : sequence of arrays (n,), optional
        Of the hidden nodes; by default from the edges that leave them.

    Examples
    --------
    >>> net = KAN([3, 4, 1], seed=0)
    >>> choose(net, [np.ones((3, 4)), np.arange(4.0)[:, None]], nodes=2, edges=4).edges
    (((0, 2), (0, 3), (1, 2), (1, 3)), ((2, 0), (3, 0)))
    """
    alive = [layer.mask.cpu().numpy() for layer in net.layers]
    if node_scores is None:
        node_scores = [np.sqrt(((s * a) ** 2).sum(1)) for s, a in zip(scores[1:], alive[1:], strict=True)]
    kept = [np.ones(net.shape[0], dtype=np.bool_)]
    for one in node_scores:
        keep = np.zeros(len(one), dtype=np.bool_)
        keep[np.argsort(-one, kind="stable")[:nodes]] = True
        # Where some must go, those that contribute nothing go first.
        kept.append(keep & (one > 0) if len(one) > nodes and one.any() else keep)
    kept.append(np.ones(net.shape[-1], dtype=np.bool_))
    pairs: list[Pairs] = []
    for at, spec in enumerate(net.spec.layers):
        wanted = np.zeros(spec.nodes.incoming, dtype=np.bool_)
        for node, group in enumerate(spec.nodes.groups()):
            wanted[list(group)] = kept[at + 1][node]
        pairs.append(_strongest(scores[at], alive[at] & kept[at][:, None] & wanted, edges))
    return Choice(tuple(pairs), sum(int(mask.sum()) for mask in alive))


def input_order(pairs: Pairs, scores: Floats, *, single: bool) -> list[int]:
    """The inputs that are drawn, from top to bottom: by what they feed, lest wires cross; the strongest first.

    `single` states that these edges are the network's only layer: then strength alone decides.
    """
    fed: dict[int, list[tuple[int, float]]] = {}
    for source, target in pairs:
        fed.setdefault(source, []).append((target, float(scores[source, target])))

    def place(source: int) -> tuple[float, float, int]:
        total = sum(score for _, score in fed[source])
        middle = sum(t * s for t, s in fed[source]) / total if total > 0 else float(fed[source][0][0])
        return (0.0 if single else middle, -total, source)

    return sorted(fed, key=place)


def relative(score: Floats) -> Floats:
    """Scores as shares of the layer's largest, 1 where all are zero."""
    size = np.abs(score)
    top = float(size.max(initial=0.0))
    return size / top if top > 0 else np.ones_like(size)


def _strongest(score: Floats, allowed: NDArray[np.bool_], most: int) -> Pairs:
    """The strongest allowed edges; the strongest into each sum comes first, lest a node stand without cause."""
    sources, targets = np.nonzero(allowed)
    pairs: list[tuple[int, int]] = list(zip(sources.tolist(), targets.tolist(), strict=True))
    order = sorted(pairs, key=lambda edge: (-float(score[edge]), edge))
    seen: set[int] = set()
    first: list[tuple[int, int]] = []
    rest: list[tuple[int, int]] = []
    for edge in order:
        (rest if edge[1] in seen else first).append(edge)
        seen.add(edge[1])
    return tuple(sorted((first + rest)[:most]))
