"""Near copies of a network are proved near: bounds of differences hold at every row and are of the differences' own size."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise.verifying.checker import check
from edgewise.verifying.domain.goals import OutputTerm
from tests.verifying.certificate_kit import certificate, domain, network, rows_of, write
from tests.verifying.checker.test_checker import box
from tests.verifying.proving import maximise

SHAPES = [[10, 1], [10, 8, 1], [10, 8, 8, 1]]


def one_coefficient(net: ew.KAN) -> ew.KAN:
    other = copy.deepcopy(net)
    with torch.no_grad():
        other.layers[0].coef[0, 2, 0] += 1e-5
    return other


def pruned(net: ew.KAN) -> ew.KAN:
    """Without the third node of the last layer, which hardly matters, its neighbours the other way round."""
    last = len(net.layers) - 1
    return ew.edits.swap_nodes(ew.edits.remove_nodes(net, last, [2]).network, last, 0, 1).network


def faint(net: ew.KAN) -> ew.KAN:
    other = copy.deepcopy(net)
    with torch.no_grad():
        other.layers[-1].coef[2] *= 1e-4
    return other


COPIES: dict[
    str, tuple[Callable[[ew.KAN], ew.KAN], float, float]
] = {  # the copy, epsilon by sampled differences, at least
    "float32": (lambda net: copy.deepcopy(net).float(), 40.0, 0.0),
    "one coefficient": (one_coefficient, 4.0, 0.0),
    "refined": (lambda net: ew.edits.refine(net, 2).network, 1.0, 1e-8),
    "pruned": (pruned, 8.0, 0.0),
}


PAIRS = [(shape, name) for shape in SHAPES for name in COPIES if name != "pruned" or len(shape) > 2]


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "name"), PAIRS, ids=str)
def test_near_copies_are_equal_within_a_little(shape: list[int], name: str, tmp_path: Path) -> None:
    copied, share, least = COPIES[name]
    net = ew.KAN(shape, seed=1, dtype=torch.float64)
    net = faint(net) if name == "pruned" else net
    other, names = copied(net), net.input_names
    X = np.random.default_rng(0).uniform(-1, 1, (5000, shape[0]))
    seen = float(np.abs(copy.deepcopy(other).double().predict(X) - net.predict(X)).max())
    answer = ew.verify(
        net, ew.properties.equal(other, max(least, share * seen)), where=dict.fromkeys(names, (-1, 1))
    )
    assert answer.status == "proved", answer
    for model, path in ((net, "a.kan"), (other, "b.kan")):
        ew.save(model, tmp_path / path)
    answer.certificate.save(tmp_path / "proof.json")
    found = check(tmp_path / "proof.json", tmp_path / "a.kan", tmp_path / "b.kan")
    assert found.accepted, found.reason


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dead", [False, True], ids=["the same", "dead edges told apart"])
def test_the_same_function_is_equal_within_nothing(shape: list[int], dead: bool, tmp_path: Path) -> None:
    """Edges without effect: masked in one, with coefficients of zero, or before a node that nothing leaves, in the other."""
    net = ew.KAN(shape, seed=1, dtype=torch.float64)
    other = copy.deepcopy(net)
    if dead:
        with torch.no_grad():
            for layer in (net, other):
                layer.layers[0].coef[1] = 0.0
                if len(shape) > 2:
                    layer.layers[1].coef[3] = 0.0
            other.layers[0].coef[:, :, 3 % shape[1]] += 0.5 if len(shape) > 2 else 0.0
        mask = other.layers[0].mask.clone()
        mask[1] = False
        other.layers[0].set_mask(mask)
    where = dict.fromkeys(net.input_names, (-1, 1))
    answer = ew.verify(net, ew.properties.equal(other, 0.0), where=where)
    assert answer.status == "proved", answer
    for model, path in ((net, "a.kan"), (other, "b.kan")):
        ew.save(model, tmp_path / path)
    answer.certificate.save(tmp_path / "proof.json")
    assert check(tmp_path / "proof.json", tmp_path / "a.kan", tmp_path / "b.kan").accepted


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3, 1), (3, 4, 1), (3, 3, 3, 1)])
def test_bounds_hold_and_certificates_are_accepted(shape: tuple[int, ...], tmp_path: Path) -> None:
    """Changes of every size, with codes and grids of their own: no row differs by more, and the checker agrees."""
    for seed in range(3):
        rng = np.random.default_rng([*shape, seed])
        net, where = (
            network(shape, rng, degree=int(rng.integers(1, 4)), size=0.4).double(),
            domain(shape[0], rng),
        )
        other = copy.deepcopy(net)
        with torch.no_grad():
            for layer in other.layers:
                layer.coef.add_(10.0 ** -(1 + 2 * seed) * torch.from_numpy(rng.normal(size=layer.coef.shape)))
                layer.bias.add_(10.0 ** -(1 + 2 * seed) * torch.from_numpy(rng.normal(size=layer.bias.shape)))
        terms = (OutputTerm(0, 1.0, 0), OutputTerm(0, -1.0, 1))
        found = maximise([net, other], where, terms, work=0.001)
        X, _ = rows_of(
            {"groups": [{"inputs": g.inputs, "cells": g.cells} for g in where.groups], "budget": None},
            rng,
            4000,
        )
        assert (net.predict(X) - other.predict(X)).max() <= found.upper
        epsilon = 1.5 * max(found.upper, maximise([other, net], where, terms, work=0.001).upper)
        made = certificate({"type": "equal", "epsilon": epsilon}, where, [net, other], tmp_path)
        assert made is not None
        assert check(write(made.document, tmp_path / "proof.json"), *made.paths).accepted


def test_moves_through_two_hidden_layers_are_compared(tmp_path: Path) -> None:
    """A column that hardly matters: how much it changes is of its own size, not that of the output."""
    rng = np.random.default_rng(0)
    net, where = network((3, 4, 4, 1), rng).double(), domain(3, rng)
    with torch.no_grad():
        net.layers[0].coef[2] *= 1e-5
    X, _ = rows_of(
        {"groups": [{"inputs": g.inputs, "cells": g.cells} for g in where.groups], "budget": None}, rng, 4000
    )
    y = [net.predict(np.column_stack([X[:, :2], np.full(len(X), float(c))])) for c in range(3)]
    seen = float(np.ptp(y, axis=0).max())
    made = certificate(
        {"type": "changes_at_most", "output": 0, "group": 2, "tau": 20 * seen}, where, [net], tmp_path
    )
    assert made is not None
    assert all(set(p["tree"][0]) == {"paired"} for p in made.document["proofs"])
    assert check(write(made.document, tmp_path / "proof.json"), *made.paths).accepted


def test_far_apart_networks_are_bounded_on_their_own() -> None:
    """Where differences are as large as the functions, the better of both ways is taken."""
    rng = np.random.default_rng(4)
    nets, where = [network((2, 3, 1), rng).double() for _ in range(2)], box((-1.0, 1.0), (-1.0, 1.0))
    side = np.linspace(-1, 1, 101)
    X = np.array(np.meshgrid(side, side)).reshape(2, -1).T
    seen = float((nets[0].predict(X) - nets[1].predict(X)).max())
    found = maximise(nets, where, (OutputTerm(0, 1.0, 0), OutputTerm(0, -1.0, 1)), gap=0.05)
    assert seen <= found.upper <= seen + 0.2 * abs(seen)
