"""The checker: what it accepts is true, what is changed is refused, what is damaged never makes it crash."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise.verifying import checker
from edgewise.verifying.checker import check, tables
from edgewise.verifying.checker.model import model_of
from edgewise.verifying.domain.domain import Budget, CellCost, ChangeCost, Domain, Group
from tests.verifying.certificate_kit import (
    Made,
    certificate,
    claims,
    document_of,
    domain,
    excess,
    mutated,
    network,
    rows_of,
    seal,
    tightened,
    write,
)

# What float64 prediction may differ by from the exact function.
ROUNDING = 1e-9


def box(*cells: tuple[float, float]) -> Domain:
    return Domain(tuple(Group(f"x{i}", (i,), ((cell,),), ("all",)) for i, cell in enumerate(cells)))


def leaf(rows: int = 1, slopes: Any = (), mu: float = 0.0) -> dict[str, Any]:
    return {"lambda": [1.0] * rows, "slopes": list(slopes), "mu": mu}


def proof(*tree: Any, lemmas: Any = ()) -> dict[str, Any]:
    return {"lemmas": list(lemmas), "tree": list(tree) or [leaf()]}


def at_most(high: float) -> dict[str, Any]:
    return {"type": "range", "output": 0, "low": None, "high": high}


def tightest(
    folder: Path, net: ew.KAN, where: Domain, ends: tuple[float, float], steps: int, *proofs: Any
) -> float:
    """The least bound of the output, but for halving so often, that the checker accepts with this evidence."""
    ew.save(net, folder / "net.kan")
    low, high = ends
    for _ in range(steps):
        middle = 0.5 * (low + high)
        document = document_of(at_most(middle), where, proofs, [folder / "net.kan"])
        accepted = check(write(document, folder / "proof.json"), folder / "net.kan").accepted
        low, high = (low, middle) if accepted else (middle, high)
    return high


@pytest.fixture
def small(tmp_path: Path) -> Made:
    """A certificate of one leaf about y = 2 x on [-1, 3], the grid covering [-1, 1]."""
    net = ew.KAN([1, 1], degree=1, intervals=2, seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.layers[0].coef.copy_(torch.tensor([[[-2.0], [0.0], [2.0]]]))
    ew.save(net, tmp_path / "net.kan")
    where = box((-1.0, 3.0))
    return Made(
        document_of(at_most(6.0 + 1e-9), where, [proof()], [tmp_path / "net.kan"]),
        (net,),
        (tmp_path / "net.kan",),
    )


def verdict(made: Made, document: dict[str, Any], folder: Path) -> checker.CheckResult:
    return check(write(document, folder / "proof.json"), *made.paths)


def test_a_proof_by_hand(small: Made, tmp_path: Path) -> None:
    found = verdict(small, small.document, tmp_path)
    assert found.accepted, found.reason
    assert "x1 in [[-1.0, 3.0]]" in found.claim
    assert "y lies between -inf and 6.000000001" in found.claim
    false = {**small.document, "claim": at_most(6.0 - 1e-9)}
    assert "does not prove" in verdict(small, seal(false), tmp_path).reason


FOLDER = Path(checker.__file__).parent


def test_a_small_folder_that_imports_nothing_from_edgewise() -> None:
    """What it trusts besides itself is the standard library; each file can be read in one go."""
    for path in FOLDER.glob("*.py"):
        source = path.read_text()
        nodes = list(ast.walk(ast.parse(source)))
        asked = [n for n in nodes if isinstance(n, ast.ImportFrom)]
        assert all((FOLDER / f"{n.module}.py").exists() for n in asked if n.level == 1)
        modules = {n.module or "" for n in asked if n.level == 0}
        modules |= {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
        assert {name.split(".")[0] for name in modules} <= sys.stdlib_module_names
        assert all(n.level < 2 for n in asked)
        assert source.count("\n") < 250, path


def test_runs_alone(small: Made, tmp_path: Path) -> None:
    script = tmp_path / "elsewhere"
    script.mkdir()
    for source in FOLDER.glob("*.py"):
        (script / source.name).write_text(source.read_text())
    # What lies beside it is not looked at.
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    path = write(small.document, tmp_path / "proof.json")
    command = [sys.executable, "-I", str(script), str(path), *map(str, small.paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:8]) == (0, "Accepted"), done.stdout + done.stderr
    write({**small.document, "digest": "0" * 64}, path)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:19]) == (1, "Refused: its digest"), done.stdout + done.stderr


def test_what_is_remembered_changes_no_verdict(tmp_path: Path) -> None:
    """Tables serve other domains and claims about the same file: verdicts are those of a checker that knows nothing yet."""
    net = ew.KAN([2, 3, 1], degree=2, intervals=3, seed=3).double()
    path, files = tmp_path / "model.kan", list[bytes]()
    ew.save(net, path)
    rng = np.random.default_rng(0)
    for _ in range(40):
        # Within the grids, at points, and far beyond them.
        ends = np.sort(rng.uniform(-1, 1, (2, 2)) * 10.0 ** rng.integers(-3, 4, (2, 1)), axis=1)
        ends[:, 1] = np.where(rng.random(2) < 0.3, ends[:, 0], ends[:, 1])
        size = np.abs(net.predict(np.array([ends[:, 0], ends[:, 1]]))).max()
        where = box(*((low, high) for low, high in ends.tolist()))
        high = float(size * rng.uniform(0, 4))
        document = document_of(at_most(high), where, [proof(leaf(slopes=[0.0] * 3))], [path])
        files.append(json.dumps(document).encode())
    warm = [check(text, path).reason for text in files]
    fresh = list[str]()
    for text in files:
        model_of.cache_clear()
        tables._table.cache_clear()
        fresh.append(check(text, path).reason)
    assert warm == fresh
    assert {reason.split(":")[0] for reason in warm} == {"Accepted", "Refused"}


@pytest.mark.slow
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_one_edge_is_bounded_exactly(degree: int, tmp_path: Path) -> None:
    for seed in range(3):
        rng = np.random.default_rng([degree, seed])
        net = network([1, 1], rng, degree=degree).double()
        X = np.linspace(-3, 3, 200_001)[:, None]
        true = float(net.predict(X).max())
        bound = tightest(tmp_path, net, box((-3.0, 3.0)), (-50, 50), 40, proof())
        assert true - ROUNDING <= bound <= true + 1e-7


def random_tree(rng: np.random.Generator, where: Domain, net: ew.KAN, depth: int) -> list[dict[str, Any]]:
    """Splits of all kinds at random, leaves with random slopes."""
    hidden = sum(net.shape[1:-1])
    if depth == 0:
        return [leaf(1, rng.normal(0, 1, hidden).tolist())]
    kind = rng.integers(3)
    if kind == 0:
        split: dict[str, Any] = {"input": int(rng.integers(len(where.groups))), "at": float(rng.normal())}
    elif kind == 1:
        split = {"group": len(where.groups) - 1, "cells": [int(rng.integers(3))]}
    else:
        split = {"node": int(rng.integers(hidden)), "at": float(rng.normal())}
    return [split, *(node for _ in range(2) for node in random_tree(rng, where, net, depth - 1))]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3, 3, 1), (2, 3, 2, 1), (2, 2, 2, 2, 1)])
def test_bounds_are_never_exceeded_whatever_the_evidence(shape: tuple[int, ...], tmp_path: Path) -> None:
    rng = np.random.default_rng(len(shape))
    for _ in range(2):
        net, where = network(shape, rng, degree=int(rng.integers(1, 4))), domain(shape[0], rng)
        tree = random_tree(rng, where, net, 2)
        bound = tightest(tmp_path, net, where, (-50, 200), 12, proof(*tree))
        document = {"claim": at_most(bound), "domain": document_of({}, where, [], [])["domain"]}
        assert excess(document, [net], rng) <= ROUNDING


def judge(made: Made, document: dict[str, Any], folder: Path, what: str) -> bool:
    """Whether it is accepted; what is accepted must be true."""
    found = verdict(made, document, folder)
    assert found.reason.startswith("Accepted" if found.accepted else "Refused")
    if found.accepted:
        assert excess(document, made.nets, np.random.default_rng(0)) <= ROUNDING, what
    return found.accepted


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3, 1), (3, 2), (3, 3, 1), (3, 2, 2), (2, 2, 2, 1)])
def test_certificates_of_the_prover(shape: tuple[int, ...], tmp_path: Path) -> None:
    rng, proved = np.random.default_rng(sum(shape)), 0
    net, where = network(shape, rng, size=0.3), domain(shape[0], rng, budget=len(shape) == 4)
    for claim in claims(rng, shape[0], shape[-1]):
        made = certificate(claim, where, [net], tmp_path, work=0.002)
        if made is None:
            continue
        proved += 1
        assert judge(made, made.document, tmp_path, "as made"), (
            claim,
            verdict(made, made.document, tmp_path).reason,
        )
        for what, document in tightened(made, rng):
            judge(made, document, tmp_path, what)
        for _ in range(8):
            what, document = mutated(made.document, rng)
            if seal(document) == made.document:
                continue
            stale = {**document, "digest": made.document["digest"]}
            assert not verdict(made, stale, tmp_path).accepted, what
            judge(made, seal_if_possible(document), tmp_path, what)
    assert proved >= 3


@pytest.mark.slow
def test_codes_that_lower_the_output(tmp_path: Path) -> None:
    """Units of a goal are numbered as its rows name them, which two hidden layers' lemmas depend on."""
    rng = np.random.default_rng(7)
    net = ew.KAN([2, 2, 2, 1], intervals=4, seed=7, dtype=torch.float64)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(layer.coef.shape))))
    ends = ((-1.0, -1.0),), ((1.0, 1.0),)
    where = Domain((Group("x", (0,), (((-1.0, 1.0),),)), Group("code", (1,), ends)))
    made = certificate({"type": "monotone", "output": 0, "input": 1, "direction": -1}, where, [net], tmp_path)
    assert made is not None
    assert made.document["proofs"][0]["lemmas"]
    assert judge(made, made.document, tmp_path, "falling")
    assert not judge(made, tightened(made, rng)[0][1], tmp_path, "rising")


def seal_if_possible(document: dict[str, Any]) -> dict[str, Any]:
    try:
        return seal(document)
    except (TypeError, ValueError):
        return {**document, "digest": "0" * 64}


def test_two_models(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    net, where = network((2, 2, 1), rng).double(), domain(2, rng)
    other = copy.deepcopy(net)
    with torch.no_grad():
        other.layers[0].coef.add_(
            1e-3 * torch.randn(other.layers[0].coef.shape, generator=torch.Generator().manual_seed(0))
        )
    made = certificate({"type": "equal", "epsilon": 0.05}, where, [net, other], tmp_path)
    assert made is not None
    assert judge(made, made.document, tmp_path, "two models")
    assert not check(tmp_path / "proof.json", made.paths[1], made.paths[0]).accepted
    assert not check(tmp_path / "proof.json", made.paths[0]).accepted
    for what, document in tightened(made, rng):
        assert not judge(made, document, tmp_path, what)
    assert all("paired" in part["tree"][-1] for part in made.document["proofs"])
    for _ in range(40):
        what, document = mutated(made.document, rng)
        judge(made, seal_if_possible(document), tmp_path, what)


@pytest.mark.slow
def test_slopes_in_an_input_with_a_scale_of_its_own(tmp_path: Path) -> None:
    """Bounds little above the steepest slope: what is proved through hidden nodes is accepted, whatever the scales."""
    trees = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        net, where = network((2, 4, 1), rng, size=0.3).double(), domain(2, rng)
        X, _ = rows_of(document_of({}, where, [], [])["domain"], rng, 4000)
        x = torch.from_numpy(X).requires_grad_()
        (slope,) = torch.autograd.grad(net(x).sum(), x)
        claim = {
            "type": "lipschitz",
            "output": 0,
            "input": 0,
            "bound": 1.1 * float(slope[:, 0].abs().max()) + 0.01,
        }
        made = certificate(claim, where, [net], tmp_path, work=0.02)
        if made is not None:
            trees += sum(len(item["tree"]) > 1 for item in made.document["proofs"])
            found = verdict(made, made.document, tmp_path)
            assert found.accepted, (seed, found.reason)
    assert trees > 0


@pytest.mark.parametrize("shape", [(3, 2), (3, 3, 2), (3, 3, 2, 2)])
def test_a_dead_input_never_matters(shape: tuple[int, ...], tmp_path: Path) -> None:
    """Differences that are exactly zero need no margin, however deep the network."""
    rng = np.random.default_rng(0)
    net, where = network(shape, rng), domain(3, rng)
    mask = net.layers[0].mask.clone()
    mask[[0, 2]] = False
    net.layers[0].set_mask(mask)
    ew.save(net, tmp_path / "net.kan")
    flips = {"type": "never_flips", "output": 0, "group": 2, "threshold": 0.1}
    changes = {"type": "changes_at_most", "output": 0, "group": 2, "tau": 0.0}
    level = {"type": "monotone", "output": 0, "input": 0, "direction": 1}
    same = {"type": "same_class", "group": 2}
    for claim, goals, rows in ((flips, 6, 2), (changes, 6, 1), (level, 1, 1), (same, 6, 2)):
        proofs = [proof(leaf(rows))] * goals
        document = document_of(claim, where, proofs, [tmp_path / "net.kan"])
        found = check(write(document, tmp_path / "proof.json"), tmp_path / "net.kan")
        assert found.accepted, found.reason


def refused(folder: Path, net: ew.KAN, claim: dict[str, Any], where: Domain, *proofs: Any) -> str:
    """Why a certificate is refused; it must be."""
    ew.save(net, folder / "net.kan")
    document = document_of(claim, where, proofs, [folder / "net.kan"])
    found = check(write(document, folder / "proof.json"), folder / "net.kan")
    assert not found.accepted
    return found.reason


def test_attacks_on_the_evidence(tmp_path: Path) -> None:
    """A false statement with evidence that would prove it if a sign or a lemma were not looked at."""
    net = network((2, 2, 1), np.random.default_rng(1)).double()
    false, where = at_most(-100.0), domain(2, np.random.default_rng(1))
    negative = leaf()
    negative["lambda"] = [-1.0]
    assert "lambda" in refused(tmp_path, net, false, where, proof(negative))
    generous = Domain(where.groups, budget=Budget(1000.0))
    assert "mu" in refused(tmp_path, net, false, generous, proof(leaf(mu=-1.0)))
    node = {"node": 0, "slopes": [], "mu": 0.0}
    for side, bound in (("upper", -1000.0), ("lower", 1000.0)):
        lemma = {**node, "side": side, "bound": bound}
        assert "lemma" in refused(tmp_path, net, false, where, proof(leaf(), lemmas=[lemma]))
    # A leaf is proved for the part where an input is at most -10, which is empty; the other part must be asked for too.
    cut = {"input": 0, "at": -10.0}
    assert "leaf 2" in refused(tmp_path, net, false, where, proof(cut, leaf(), leaf()))
    cut = {"group": 1, "cells": []}
    assert "leaf 2" in refused(tmp_path, net, false, where, proof(cut, leaf(), leaf()))
    cut = {"node": 1, "at": 1000.0}
    assert "leaf 1" in refused(tmp_path, net, false, where, proof(cut, leaf(), leaf()))


def test_a_decision_on_the_edge(tmp_path: Path) -> None:
    """An output that is always exactly 0 decides for class 0, and not for class 1."""
    net = ew.KAN([1, 1], init="zero", seed=0, dtype=torch.float64)
    assert "leaf 0" in refused(tmp_path, net, {"type": "decision", "class": 1}, box((0.0, 1.0)), proof())
    ew.save(net, tmp_path / "net.kan")
    document = document_of(
        {"type": "decision", "class": 0}, box((0.0, 1.0)), [proof()], [tmp_path / "net.kan"]
    )
    assert check(write(document, tmp_path / "proof.json"), tmp_path / "net.kan").accepted
    two = ew.KAN([1, 2], init="zero", seed=0, dtype=torch.float64)
    assert "leaf 0" in refused(tmp_path, two, {"type": "decision", "class": 1}, box((0.0, 1.0)), proof())


def test_a_budget_is_paid_at_its_rate(tmp_path: Path) -> None:
    """y = 2 x where |x| + (1 in the second cell) costs at most 1.5: at most 3 in the first cell, 1 in the second."""
    net = ew.KAN([2, 1], degree=1, intervals=2, seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.layers[0].coef.copy_(torch.tensor([[[-2.0], [0.0], [2.0]], [[0.0], [0.0], [0.0]]]))
    cells = tuple(((float(c), float(c)),) for c in (0, 1))
    groups = (Group("x", (0,), (((-9.0, 9.0),),), ()), Group("c", (1,), cells, ()))
    paid = Budget(1.5, (ChangeCost(0, 0.0, 1.0),), (CellCost(1, 1, 1.0),))
    where, second = (
        Domain(groups, budget=paid),
        Domain((groups[0], replace(groups[1], cells=cells[1:])), budget=paid),
    )
    second = replace(second, budget=replace(paid, cells=(CellCost(1, 0, 1.0),)))
    for own, true in ((where, 3.0), (second, 1.0)):
        bound = tightest(tmp_path, net, own, (-5, 30), 40, proof(leaf(mu=2.0)))
        assert true <= bound <= true + 1e-9


def test_gaps_are_not_jumped(tmp_path: Path) -> None:
    """Rising on [-1, 0] and on [2, 3] says nothing of rows on either side of the gap."""
    net = ew.KAN([1, 1], degree=1, intervals=4, grid=(-1.0, 3.0), seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.layers[0].coef.copy_(torch.tensor([[[0.0], [1.0], [0.0], [-5.0], [-4.0]]]))
    ew.save(net, tmp_path / "net.kan")
    claim = {"type": "monotone", "output": 0, "input": 0, "direction": 1}
    apart = Domain((Group("x", (0,), (((-1.0, 0.0),), ((2.0, 3.0),))),))
    for where, accepted in ((apart, False), (box((-1.0, 0.0)), True), (box((-1.0, 3.0)), False)):
        document = document_of(claim, where, [proof()], [tmp_path / "net.kan"])
        assert check(write(document, tmp_path / "proof.json"), tmp_path / "net.kan").accepted == accepted


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another model": lambda d: d.update(models=["0" * 64]),
    "no models": lambda d: d.update(models=[]),
    "another version": lambda d: d.update(version=3),
    "a version that is true": lambda d: d.update(version=True),
    "another format": lambda d: d.update(format="certificate"),
    "one more key": lambda d: d.update(note="trust me"),
    "no domain": lambda d: d.pop("domain"),
    "whole without encoding": lambda d: d["domain"].update(whole=True),
    "whole as a number": lambda d: d["domain"].update(whole=0),
    "an input that is not there": lambda d: d["domain"]["groups"][0].update(inputs=[1]),
    "an input twice": lambda d: d["domain"]["groups"].append(d["domain"]["groups"][0]),
    "no group": lambda d: d["domain"].update(groups=[]),
    "no cell": lambda d: d["domain"]["groups"][0].update(cells=[]),
    "an empty cell": lambda d: d["domain"]["groups"][0].update(cells=[[[3.0, -1.0]]]),
    "a larger domain": lambda d: d["domain"]["groups"][0].update(cells=[[[-1.0, 3.1]]]),
    "one more cell": lambda d: d["domain"]["groups"][0]["cells"].append([[5.0, 5.0]]),
    "a negative cost": lambda d: d["domain"].update(
        budget={"limit": 1.0, "costs": [{"input": 0, "at": 0.0, "rate": -1.0}], "cells": []}
    ),
    "a cost of no cell": lambda d: d["domain"].update(
        budget={"limit": 1.0, "costs": [], "cells": [{"group": 0, "cell": 1, "cost": 1.0}]}
    ),
    "an unknown claim": lambda d: d["claim"].update(type="true"),
    "a claim about no output": lambda d: d["claim"].update(output=1),
    "a claim about output -1": lambda d: d["claim"].update(output=-1),
    "a tighter claim": lambda d: d["claim"].update(high=5.9),
    "one more side": lambda d: d["claim"].update(low=-2.1),
    "nothing claimed": lambda d: d["claim"].update(high=None),
    "no proofs": lambda d: d.update(proofs=[]),
    "one more proof": lambda d: d["proofs"].append(proof()),
    "no leaf": lambda d: d["proofs"][0].update(tree=[]),
    "a negative lambda": lambda d: d["proofs"][0]["tree"][0].update({"lambda": [-1.0]}),
    "no lambda": lambda d: d["proofs"][0]["tree"][0].update({"lambda": []}),
    "all lambda zero": lambda d: d["proofs"][0]["tree"][0].update({"lambda": [0.0]}),
    "a lambda that is true": lambda d: d["proofs"][0]["tree"][0].update({"lambda": [True]}),
    "mu without a budget": lambda d: d["proofs"][0]["tree"][0].update(mu=-100.0),
    "slopes of no node": lambda d: d["proofs"][0]["tree"][0].update(slopes=[1.0]),
    "a lemma out of nothing": lambda d: d["proofs"][0].update(
        lemmas=[{"node": 0, "side": "upper", "bound": -9.0, "slopes": [], "mu": 0.0}]
    ),
    "a leaf nobody asks for": lambda d: d["proofs"][0]["tree"].append(leaf()),
    "half of a split": lambda d: d["proofs"][0].update(tree=[{"input": 0, "at": 0.0}, leaf()]),
    "a split without a child": lambda d: d["proofs"][0].update(tree=[{"input": 0, "at": 0.0}]),
    "a split and a leaf in one": lambda d: d["proofs"][0]["tree"][0].update(input=0, at=0.0),
    "nothing in place of a leaf": lambda d: d["proofs"][0].update(tree=[{}]),
    "a row of one model as a pair": lambda d: d["proofs"][0].update(tree=[{"paired": []}]),
    "a split on a hidden node that is not there": lambda d: d["proofs"][0].update(
        tree=[{"node": 0, "at": 0.0}, leaf(), leaf()]
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changes_are_refused(what: str, small: Made, tmp_path: Path) -> None:
    document = copy.deepcopy(small.document)
    CHANGES[what](document)
    assert not verdict(small, {**document, "digest": small.document["digest"]}, tmp_path).accepted
    found = verdict(small, seal(document), tmp_path)
    assert (found.accepted, found.reason[:9], found.reason[-1]) == (False, "Refused: ", "."), found


def raw(small: Made) -> str:
    return json.dumps(small.document)


TEXTS: dict[str, Callable[[str], str]] = {
    "nothing": lambda text: "",
    "no JSON": lambda text: text[:-1],
    "a list": lambda text: "[]",
    "a number": lambda text: "1",
    "deep lists": lambda text: "[" * 200_000,
    "deep lists inside": lambda text: text.replace(
        '"labels": ["all"]', '"labels": ' + "[" * 5000 + "]" * 5000
    ),
    "NaN": lambda text: text.replace("6.000000001", "NaN"),
    "Infinity": lambda text: text.replace("6.000000001", "Infinity"),
    "1e999": lambda text: text.replace("6.000000001", "1e999"),
    "a huge whole number": lambda text: text.replace("6.000000001", "1" + "0" * 400),
    "more digits than are read": lambda text: text.replace("6.000000001", "1" + "0" * 5000),
    "a key twice": lambda text: text.replace('"version": 2', '"version": 2, "version": 2'),
    "half a character": lambda text: text.replace("all", "\\ud800"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_damaged_text_is_refused(what: str, small: Made, tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text(TEXTS[what](raw(small)))
    found = check(tmp_path / "proof.json", *small.paths)
    assert (found.accepted, found.reason[:9]) == (False, "Refused: "), found


def test_damaged_models_are_refused(small: Made, tmp_path: Path) -> None:
    """The hash is that of the damaged file: what is wrong must be seen in the file itself, or change nothing."""
    data, rng = small.paths[0].read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), 3):
            damaged[at] = rng.integers(256)
        cut = bytes(damaged[: len(data) - int(rng.integers(0, 2)) * 8])
        (tmp_path / "bad.kan").write_bytes(cut)
        document = document_of(small.document["claim"], box((-1.0, 3.0)), [proof()], [tmp_path / "bad.kan"])
        found = check(write(document, tmp_path / "proof.json"), tmp_path / "bad.kan")
        if found.accepted:
            try:
                net = ew.load(tmp_path / "bad.kan")
            except ew.FileError:  # its own checksum, which the checker does not need
                continue
            assert net.predict([[3.0]])[0, 0] <= 6.0 + 1e-8
        else:
            assert found.reason.startswith("Refused: ")


@pytest.mark.parametrize(
    "net",
    [
        ew.KAN([1, 1], basis="chebyshev", seed=0),
        ew.KAN([1, 1], degree=4, seed=0),
        ew.KAN([1, 1], degree=0, seed=0),
    ],
    ids=["basis", "degree 4", "degree 0"],
)
def test_networks_beyond_it_are_refused(net: ew.KAN, tmp_path: Path) -> None:
    ew.save(net, tmp_path / "net.kan")
    document = document_of(at_most(1e6), box((0.0, 0.1)), [proof()], [tmp_path / "net.kan"])
    assert (
        "B-splines of degree 1 to 3"
        in check(write(document, tmp_path / "proof.json"), tmp_path / "net.kan").reason
    )


@pytest.fixture(scope="module")
def fitted() -> Any:
    rng = np.random.default_rng(0)
    n = 80
    holes = np.where(rng.random(n) < 0.2, np.nan, rng.normal(0, 1, n))
    table = {
        "size": rng.normal(0, 1, n),
        "kind": rng.choice(["oak", "elm", "ash"], n),
        "old": rng.random(n) < 0.5,
        "holes": holes,
    }
    y = table["size"] + np.nan_to_num(holes) + table["old"] * 0.3
    return ew.KANRegressor(mode="additive", random_state=0).fit(table, y)


def whole_of(model: Any) -> list[Group]:
    """Cells of the whole domain, from what the encoding says of itself."""
    groups, at = list[Group](), 0
    for column in model.encoding_.columns:
        width = len(column.input_names)
        if not width:
            continue
        ranges: list[tuple[float, float]]
        if width == 1 and column.input_levels[0]:
            ranges = [(float(c), float(c)) for c in range(column.input_levels[0])]
        else:
            reach = 0.01 * (column.high - column.low)
            ranges = [(column.low - reach, column.high + reach)]
        cells = tuple((r,) if width == 1 else (r, (0.0, 0.0)) for r in ranges)
        if width == 2:
            cells = (*cells, ((column.fill, column.fill), (1.0, 1.0)))
        groups.append(Group(column.name, tuple(range(at, at + width)), cells, ()))
        at += width
    return groups


def test_whole_domain_is_that_of_the_encoding(fitted: Any, tmp_path: Path) -> None:
    ew.save(fitted, tmp_path / "net.kan")
    groups, net = whole_of(fitted), fitted.network_
    assert {len(g.inputs) for g in groups} == {1, 2}
    assert net.shape[0] == 5
    claim = at_most(1e5)

    def accepted(own: list[Group], whole: bool = True) -> bool:
        document = document_of(claim, Domain(tuple(own), whole=whole), [proof()], [tmp_path / "net.kan"])
        return check(write(document, tmp_path / "proof.json"), tmp_path / "net.kan").accepted

    assert accepted(groups)
    for n, group in enumerate(groups):
        low, high = group.cells[0][0]
        narrow = ((low, float(np.nextafter(high, -9.0))), *group.cells[0][1:])
        fewer = [group.cells[1:], (narrow, *group.cells[1:])] if low < high else [group.cells[1:]]
        for cells in fewer:
            changed = [*groups[:n], replace(group, cells=cells), *groups[n + 1 :]]
            assert not accepted(changed), group.name
            assert not cells or accepted(changed, whole=False)


def test_rows_of_the_oracle_stay_in_the_domain() -> None:
    """The oracle itself: a budget is kept, codes are codes."""
    rng = np.random.default_rng(0)
    where = document_of({}, domain(3, rng, budget=True), [], [])["domain"]
    X, chosen = rows_of(where, rng, 4000)
    assert len(X) > 100
    assert set(X[:, 2]) <= {0.0, 1.0, 2.0}
    assert (X[:, 2] == chosen[:, 2]).all()
    paid = sum(np.abs(X[:, c["input"]] - c["at"]) for c in where["budget"]["costs"]) + 0.1 * X[:, 2]
    assert (paid <= 0.4 + 1e-12).all()


def test_a_certificate_of_another_version_says_so(small: Made, tmp_path: Path) -> None:
    """What an earlier edgewise wrote, slots and all, is refused with what to do."""
    old = {"goal": 0, "lemmas": [], "tree": [{"leaf": {"lambda": [1.0], "slopes": [], "mu": 0.0}}]}
    found = verdict(small, seal({**small.document, "version": 1, "proofs": [old]}), tmp_path)
    assert found.reason == "Refused: it is of version 1 of the format, not 2: prove it anew."
    (tmp_path / "list.json").write_text("[]")
    assert check(tmp_path / "list.json", *small.paths).reason == "Refused: it is no certificate."


def test_files_of_another_kind_are_named(small: Made, tmp_path: Path) -> None:
    other = tmp_path / "table.csv"
    other.write_bytes(b"\xff\xfea,b\n1,2\n")
    assert check(other, *small.paths).reason == "Refused: it is no certificate, or cut off."
    document = document_of(small.document["claim"], box((-1.0, 3.0)), [proof()], [other])
    found = check(write(document, tmp_path / "proof.json"), other)
    assert found.reason == "Refused: the model is no .kan file, or a damaged one."


def codes(values: Any) -> ew.KAN:
    """A network of one input, 0 or 1, whose outputs are the rows of `values`."""
    net = ew.KAN([1, len(values[0])], degree=1, intervals=1, grid=(0.0, 1.0), seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.layers[0].coef.copy_(torch.tensor([values], dtype=torch.float64))
    return net


@pytest.mark.slow
def test_same_class_is_the_first_of_the_largest(tmp_path: Path) -> None:
    """All outputs of -1, 0 and 1 at two codes: evidence for each goal that holds is accepted just where argmax stays.

    But for ties, which predictions may break by rounding.
    """
    where = Domain((Group("code", (0,), (((0.0, 0.0),), ((1.0, 1.0),)), ("a", "b")),))
    rng, told = np.random.default_rng(0), set[bool]()
    for _ in range(120):
        values = rng.integers(-1, 2, (2, 3))
        net, proofs = codes(values.tolist()), list[dict[str, Any]]()
        for j, k in permutations(range(3), 2):
            (i,) = {0, 1, 2} - {j, k}
            # Row r is kept where the first named output does not win against the second at the code.
            rows = [(0, j, k), (1, k, j), (0, j, i), (1, k, i)]
            kept = [int(max((p, q), key=lambda o, y=values[c]: (y[o], -o)) == q) for c, p, q in rows]
            share = [float(n == kept.index(1)) for n in range(4)] if any(kept) else [1.0] * 4
            proofs.append(proof({"lambda": share, "slopes": [], "mu": 0.0}))
        ew.save(net, tmp_path / "net.kan", overwrite=True)
        document = document_of({"type": "same_class", "group": 0}, where, proofs, [tmp_path / "net.kan"])
        found = check(write(document, tmp_path / "proof.json"), tmp_path / "net.kan")
        stays = bool(values[0].argmax() == values[1].argmax())
        ties = min(len(set(row)) for row in values.tolist()) < 3
        assert found.accepted == stays or (ties and stays), (values, found.reason)
        told.add(found.accepted)
    assert told == {True, False}


def random_match(rng: np.random.Generator, one: ew.KAN, two: ew.KAN) -> list[list[int | None]]:
    """Nodes of one network for some of another's."""
    found = list[list[int | None]]()
    for n, m in zip(one.shape[1:-1], two.shape[1:-1], strict=True):
        free: list[int | None] = [*rng.permutation(m).tolist(), *[None] * n]
        found.append([free.pop(int(rng.integers(min(2, len(free))))) for _ in range(n)])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("shapes", [((2, 1), (2, 1)), ((2, 3, 1), (2, 2, 1)), ((2, 2, 3, 1), (2, 3, 2, 1))])
def test_paired_bounds_are_never_exceeded_whatever_is_compared(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], tmp_path: Path
) -> None:
    """Two networks that have nothing to do with each other, nodes paired at random, cut at random."""
    rng = np.random.default_rng(len(shapes[0]))
    for _ in range(2):
        nets = [network(shape, rng, degree=int(rng.integers(1, 4)), size=0.4) for shape in shapes]
        where, paths = domain(2, rng), [tmp_path / f"{k}.kan" for k in range(2)]
        for net, path in zip(nets, paths, strict=True):
            ew.save(net, path, overwrite=True)
        tree = [
            {"input": 0, "at": 0.1},
            {"group": 1, "cells": [1]},
            *({"paired": random_match(rng, *nets)} for _ in "abc"),
        ]
        if len(shapes[0]) > 2:
            tree[0] = {"node": int(rng.integers(5)), "at": 0.1}
        low, high = 0.0, 200.0
        for _ in range(8):
            middle = 0.5 * (low + high)
            document = document_of({"type": "equal", "epsilon": middle}, where, [proof(*tree)] * 2, paths)
            accepted = check(write(document, tmp_path / "proof.json"), *paths).accepted
            low, high = (low, middle) if accepted else (middle, high)
        assert high < 200
        document = document_of({"type": "equal", "epsilon": high}, where, [proof(*tree)] * 2, paths)
        assert excess(document, nets, rng) <= ROUNDING


def test_paired_evidence_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    net = network((2, 2, 1), np.random.default_rng(3)).double()
    paths = [tmp_path / "0.kan", tmp_path / "1.kan"]
    for path in paths:
        ew.save(net, path)
    where = domain(2, np.random.default_rng(3))

    def reason(*match: Any) -> str:
        document = document_of(
            {"type": "equal", "epsilon": 0.0}, where, [proof({"paired": list(match)})] * 2, paths
        )
        return check(write(document, tmp_path / "proof.json"), *paths).reason

    assert reason([0, 1]).startswith("Accepted")  # a network is itself, to the last bit
    assert "leaf 0" in reason([1, 0])
    assert "leaf 0" in reason([None, None])
    assert "twice" in reason([0, 0])
    for bad in ([], [[0]], [[0, 2]], [[0, 1], [0]], [[0, -1]], [[0, 0.5]]):
        assert reason(*bad).startswith("Refused")
