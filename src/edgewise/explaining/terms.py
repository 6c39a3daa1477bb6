"""Terms: a network as a constant plus functions of sets of columns, exactly.

A node of the last hidden layer sees only the columns that paths of alive edges lead to it, so the network is

    f(x) = constant + sum_S f_S(x_S)

with one function for each set S of columns that some node sees. Before, nodes whose outgoing edges are all straight lines
are split: such a node only adds, so each of its edges is a node of its own. What stays joined is what may interact; sets
that no S holds together cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise.network import KAN, Nodes
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.splines import BSpline

# Coefficients this near to a straight line, as a share of their size, are one.
STRAIGHT = 1e-12


@dataclass(frozen=True, eq=False)
class Term:
    """A function of some columns.

    Attributes
    ----------
    columns : tuple of int
        Places among the columns of the explanation, ascending.
    inputs : tuple of int
        The inputs of the whole network that it reads.
    network : KAN
        Reads these inputs; its outputs are in the units of the whole network's.
    """

    columns: tuple[int, ...]
    inputs: tuple[int, ...]
    network: KAN

    def values(self, X: Floats) -> Floats:
        """Its values for rows of inputs of the whole network: (n, inputs) -> (n, outputs)."""
        return self.own_values(X[:, list(self.inputs)])

    def own_values(self, own: Floats) -> Floats:
        """Its values for rows of its own inputs."""
        return values_of(self.network, own)


@dataclass(frozen=True, eq=False)
class NetworkTerms:
    """A network in terms.

    Attributes
    ----------
    constant : array of shape (outputs,)
    terms : tuple of Term
        One for each set of columns; those of single columns first, in order.
    columns : int
        Number of columns.
    """

    constant: Floats
    terms: tuple[Term, ...]
    columns: int

    @property
    def additive(self) -> bool:
        """Whether every term reads a single column."""
        return all(len(term.columns) == 1 for term in self.terms)

    @property
    def single(self) -> dict[int, Term]:
        """The term of each column that has one to itself."""
        return {term.columns[0]: term for term in self.terms if len(term.columns) == 1}

    @property
    def joint(self) -> tuple[Term, ...]:
        """The terms of several columns."""
        return tuple(term for term in self.terms if len(term.columns) > 1)

    def values(self, X: Floats) -> Floats:
        """Outputs of the network as the sum of its terms: (n, inputs) -> (n, outputs)."""
        total = np.repeat(self.constant[None], len(X), axis=0)
        for term in self.terms:
            total += term.values(X)
        return total


def values_of(net: KAN, X: Floats) -> Floats:
    """Outputs for finite rows that are known to fit, without the checks of `predict`."""
    x = torch.from_numpy(np.ascontiguousarray(X)).to(net.output_shift)
    with torch.no_grad():
        out = torch.cat([net(part) for part in x.split(2048)]) if len(x) else net(x)
    return out.to(torch.float64).cpu().numpy()


def double(net: KAN) -> KAN:
    """The network in float64 on the CPU: itself, or a copy whose numbers are the same."""
    if net.dtype == torch.float64 and net.output_shift.is_cpu:
        return net
    exact = list[LayerState]()
    for state in take_apart(net):
        known = {name: getattr(state, name) for name in ("grid", "coef", "bias", "base_weight", "affine")}
        moved = {name: None if t is None else t.to("cpu", torch.float64) for name, t in known.items()}
        exact.append(replace(state, **moved, mask=state.mask.cpu()))
    made = put_together(net, exact)
    return made.to(torch.float64) if made.dtype != torch.float64 else made


def terms_of(net: KAN, owner: Sequence[int]) -> NetworkTerms:
    """Write a float64 network in terms.

    Parameters
    ----------
    net : KAN
    owner : sequence of int
        For each input the column it belongs to.

    Returns
    -------
    NetworkTerms

    Examples
    --------
    >>> net = KAN([2, 1], seed=0, dtype=torch.float64)
    >>> [term.columns for term in terms_of(net, [0, 1]).terms]
    [(0,), (1,)]
    """
    states = take_apart(net)
    for at in range(len(states) - 1):
        states[at], states[at + 1] = _split_straight(states[at], states[at + 1])
    columns = max(owner) + 1
    sets = _sets(states, owner)
    found = [
        _term(net, states, columns_of_set, nodes, owner) for columns_of_set, nodes in sets.items() if nodes
    ]
    found.sort(key=lambda term: (len(term.columns), term.columns))
    # What nodes without inputs and the last biases add is what the terms leave over, at any one place.
    anywhere = net.input_shift.to(torch.float64).cpu().numpy()[None]
    constant = values_of(net, anywhere)[0] - sum((term.values(anywhere)[0] for term in found), np.zeros(()))
    return NetworkTerms(np.asarray(constant, dtype=np.float64), tuple(found), columns)


def _sets(states: Sequence[LayerState], owner: Sequence[int]) -> dict[tuple[int, ...], list[int]]:
    """For each set of columns the nodes of the last hidden layer (or the inputs) that see just these."""
    seen = np.eye(max(owner) + 1, dtype=bool)[:, list(owner)]  # (columns, nodes)
    for state in states[:-1]:
        sums = seen.astype(np.int64) @ state.mask.numpy().astype(np.int64) > 0
        seen = np.stack([sums[:, list(group)].any(1) for group in state.spec.nodes.groups()], axis=1)
    used = states[-1].mask.numpy().any(1)
    sets: dict[tuple[int, ...], list[int]] = {}
    for node in np.flatnonzero(used & seen.any(0)).tolist():
        sets.setdefault(tuple(np.flatnonzero(seen[:, node]).tolist()), []).append(node)
    return sets


def _term(
    net: KAN, states: Sequence[LayerState], columns: tuple[int, ...], nodes: list[int], owner: Sequence[int]
) -> Term:
    """The part of the network that leads through these nodes."""
    last = states[-1].take_inputs(nodes)
    kept = [replace(last, bias=None if last.bias is None else torch.zeros_like(last.bias))]
    for state in reversed(states[:-1]):
        own = state.take_nodes(nodes)
        nodes = torch.nonzero(own.mask.any(1)).flatten().tolist()
        # A layer needs a node; one that nothing reads does no harm.
        nodes = nodes or [0]
        kept.insert(0, own.take_inputs(nodes))
    inputs = nodes
    assert {owner[k] for k in inputs} <= set(columns)
    made = put_together(net, kept, inputs=inputs)
    with torch.no_grad():
        made.output_shift.zero_()
    return Term(columns, tuple(inputs), made)


def _split_straight(before: LayerState, after: LayerState) -> tuple[LayerState, LayerState]:
    """Nodes that only add, each made into one node an incoming edge."""
    spec = after.spec
    if before.spec.nodes.products or spec.basis != "bspline" or spec.base is not None or spec.degree < 1:
        return before, after
    level, straight = _straight(after)
    named_in = {edge.target for edge in before.spec.symbolic}
    named_out = {edge.source for edge in after.spec.symbolic}
    order, sources = list[int](), list[int]()  # the node behind each new one, and its one source (-1: all)
    for k in range(before.spec.nodes.sums):
        alive = torch.nonzero(before.mask[:, k]).flatten().tolist()
        splits = len(alive) > 1 and bool(straight[k]) and k not in named_in and k not in named_out
        order += [k] * (len(alive) if splits else 1)
        sources += alive if splits else [-1]
    if len(order) == before.spec.nodes.sums:
        return before, after
    first = [at == 0 or order[at] != order[at - 1] for at in range(len(order))]
    made = before.take_sums(order, Nodes(sums=len(order)))
    mask = made.mask.clone()
    for at, source in enumerate(sources):
        if source >= 0:
            mask[:, at] = False
            mask[source, at] = True
    # The first of the new nodes keeps the bias and the constant of the line; sum_j (a z_j) + b has only one of each.
    repeated = torch.tensor([not one for one in first])
    bias = None if made.bias is None else torch.where(repeated, 0.0, made.bias)
    following = after.take_inputs(order)
    coef = following.coef - torch.where(repeated[:, None, None], level[order][:, None, :], 0.0)
    return replace(made, mask=mask, bias=bias), replace(following, coef=coef)


def _straight(state: LayerState) -> tuple[Tensor, Tensor]:
    """Value at zero of each edge's straight line (I, O), and for each input whether its alive edges are all lines (I,)."""
    nodes = BSpline(state.grid, state.spec.degree).greville()  # where coefficients of a line lie on it
    centre = nodes.mean(1, keepdim=True)
    away = nodes - centre
    mean = state.coef.mean(1)
    slope = (away[:, :, None] * state.coef).sum(1) / (away**2).sum(1)[:, None]
    off = (state.coef - mean[:, None] - slope[:, None] * away[:, :, None]).abs().amax(1)
    size = state.coef.abs().amax(1)
    lines = (off <= STRAIGHT * size) | ~state.mask
    return mean - slope * centre, lines.all(1)
