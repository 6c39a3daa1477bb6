"""Random models, claims and certificates, mutations of them, and an oracle that tries to catch an accepted one in a lie."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import edgewise as ew
from edgewise._core.arrays import Floats
from edgewise.verifying.domain.domain import Budget, CellCost, ChangeCost, Domain, Group
from edgewise.verifying.domain.goals import InputTerm, OutputBounds, OutputTerm, Slope
from edgewise.verifying.results.certificate import domain_document
from tests.verifying.proving import prove

Document = dict[str, Any]
CODES = 3  # cells of the group that can be moved


@dataclass(frozen=True, eq=False)
class Made:
    """A certificate as a document, with the networks it speaks of and their files."""

    document: Document
    nets: tuple[ew.KAN, ...]
    paths: tuple[Path, ...]


def seal(document: Document) -> Document:
    """The document with the digest that fits it."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "digest": hashlib.sha256(text.encode()).hexdigest()}


def write(document: Document, path: Path) -> Path:
    path.write_text(json.dumps(document))
    return path


def network(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    degree: int = 3,
    size: float = 0.6,
    base: str | None = None,
) -> ew.KAN:
    """A random network: uneven grids, some dead edges, scaled inputs and outputs, at times in float32."""
    intervals = int(rng.integers(1, 6))
    net = ew.KAN(list(shape), degree=degree, intervals=intervals, base=base, seed=0, dtype=torch.float64)
    with torch.no_grad():
        for layer in net.layers:
            if layer.base_weight is not None:
                layer.base_weight.copy_(torch.from_numpy(rng.normal(0, size, layer.base_weight.shape)))
            steps = rng.uniform(0.2, 1.0, layer.grid.shape).cumsum(1)
            layer.grid.copy_(
                torch.from_numpy(2.4 * (steps - steps[:, :1]) / (steps[:, -1:] - steps[:, :1]) - 1.2)
            )
            layer.coef.copy_(torch.from_numpy(rng.normal(0, size, layer.coef.shape)))
            layer.bias.copy_(torch.from_numpy(rng.normal(0, 0.3, layer.bias.shape)))
            layer.set_mask(torch.from_numpy(rng.random(layer.mask.shape) < 0.9))
        net.input_shift.copy_(torch.from_numpy(rng.normal(0, 0.3, shape[0])))
        net.input_scale.copy_(torch.from_numpy(rng.uniform(0.5, 2.0, shape[0])))
        net.output_shift.copy_(torch.from_numpy(rng.normal(0, 1, shape[-1])))
        net.output_scale.copy_(torch.from_numpy(rng.uniform(0.5, 2.0, shape[-1])))
    return net.float() if rng.random() < 0.2 else net


def domain(inputs: int, rng: np.random.Generator, *, budget: bool = False) -> Domain:
    """Numbers, and as the last input codes; with a budget on the way from the middle."""
    ends = np.sort(rng.uniform(-2, 2, (inputs - 1, 2)), axis=1).tolist()
    groups = [Group(f"x{i}", (i,), (((low, high),),), ("all",)) for i, (low, high) in enumerate(ends)]
    codes = tuple(((float(c), float(c)),) for c in range(CODES))
    groups.append(Group("code", (inputs - 1,), codes, tuple("abc"[:CODES])))
    costs = tuple(ChangeCost(i, 0.5 * (low + high), 1.0) for i, (low, high) in enumerate(ends))
    cells = (CellCost(inputs - 1, 1, 0.1), CellCost(inputs - 1, 2, 0.2))
    return Domain(tuple(groups), budget=Budget(0.4, costs, cells) if budget else None)


def claims(rng: np.random.Generator, inputs: int, outputs: int, *, two: bool = False) -> list[Document]:
    """One of each kind, with bounds so loose or tight that many can be proved and many cannot."""
    last, loose = inputs - 1, float(rng.uniform(0.3, 6))
    first = {"output": outputs - 1}
    y = {"output": 0, "weight": 1.0, "model": 0, "moved": None}
    terms = [y, {**y, "weight": -1.0, "moved": [last, 1]}, {"input": 0, "weight": 0.5}]
    found: list[Document] = [
        {"type": "range", **first, "low": -2 * loose, "high": 2 * loose},
        {"type": "range", **first, "low": -loose, "high": None},
        {"type": "linear", "terms": terms, "bound": loose},
        {"type": "decision", "class": int(rng.integers(max(2, outputs)))},
        {"type": "monotone", **first, "input": 0, "direction": int(rng.choice([-1, 1]))},
        {"type": "monotone", **first, "input": last, "direction": int(rng.choice([-1, 1]))},
        {"type": "lipschitz", **first, "input": 0, "bound": loose},
        {"type": "never_flips", **first, "group": last, "threshold": float(rng.normal(0, 2))},
        {"type": "changes_at_most", **first, "group": last, "tau": loose},
    ]
    found += [{"type": "same_class", "group": last}] if outputs > 1 else []
    return [*found, {"type": "equal", "epsilon": 4 * loose}] if two else found


def goals_of(claim: Document, where: Domain, outputs: int) -> list[tuple[Any, Domain]]:
    """The goals of docs/certificates.md, each with its domain; written apart from both checker and front end."""
    kind, o = claim["type"], claim.get("output", 0)

    def plain(bound: float, *terms: Any) -> tuple[Any, Domain]:
        return OutputBounds((terms,), (bound,)), where

    if kind == "range":
        high = [] if claim["high"] is None else [plain(claim["high"], OutputTerm(o))]
        return high + ([] if claim["low"] is None else [plain(-claim["low"], OutputTerm(o, -1.0))])
    if kind == "linear":
        terms = [
            InputTerm(t["input"], t["weight"])
            if "input" in t
            else OutputTerm(t["output"], t["weight"], t["model"], t["moved"] and tuple(t["moved"]))
            for t in claim["terms"]
        ]
        return [plain(claim["bound"], *terms)]
    if kind == "decision":
        c = claim["class"]
        if outputs == 1:
            return [plain(0.0, OutputTerm(0, -1.0 if c else 1.0))]
        return [plain(0.0, OutputTerm(j), OutputTerm(c, -1.0)) for j in range(outputs) if j != c]
    if kind == "equal":
        return [
            plain(claim["epsilon"], OutputTerm(j, s, 0), OutputTerm(j, -s, 1))
            for j in range(outputs)
            for s in (1.0, -1.0)
        ]
    if kind in ("monotone", "lipschitz"):
        i, last = claim["input"], len(where.groups) - 1
        if kind == "lipschitz":
            return [(Slope(o, i, s, claim["bound"]), where) for s in (1, -1)]
        if i < last:
            return [(Slope(o, i, -claim["direction"], 0.0), where)]
        pairs = [pair[:: claim["direction"]] for pair in pairwise(range(len(where.groups[last].cells)))]
        return [
            plain(0.0, OutputTerm(o, 1.0, 0, (last, a)), OutputTerm(o, -1.0, 0, (last, b))) for a, b in pairs
        ]
    g = claim["group"]
    if kind == "same_class":
        cells, goals = range(len(where.groups[g].cells)), list[tuple[Any, Domain]]()
        for a, b, j, k in product(cells, cells, range(outputs), range(outputs)):
            if a < b and j != k:
                needed = [(a, j, k), (b, k, j)]
                for i in set(range(outputs)) - {j, k}:
                    needed += [(a, j, i), (b, k, i)]
                rows = tuple(
                    (OutputTerm(p, 1.0, 0, (g, c)), OutputTerm(q, -1.0, 0, (g, c))) for c, p, q in needed
                )
                goals.append((OutputBounds(rows, (0.0,) * len(rows)), where))
        return goals
    moved = [
        (OutputTerm(o, 1.0, 0, (g, a)), OutputTerm(o, -1.0, 0, (g, b)))
        for a, b in permutations(range(len(where.groups[g].cells)), 2)
    ]
    if kind == "changes_at_most":
        return [plain(claim["tau"], a, b) for a, b in moved]
    t = claim["threshold"]
    return [(OutputBounds(((a,), (b,)), (t, -t)), where) for a, b in moved]


def document_of(
    claim: Document, where: Domain, proofs: Sequence[Document], paths: Sequence[Path]
) -> Document:
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    head = {"format": "edgewise-certificate", "version": 2, "edgewise": ew.__version__, "models": hashes}
    return seal({**head, "claim": claim, "domain": domain_document(where), "proofs": list(proofs)})


def certificate(
    claim: Document, where: Domain, nets: Sequence[ew.KAN], folder: Path, work: float = 0.03
) -> Made | None:
    """The prover's certificate; None where it does not get there."""
    proofs: list[Document] = []
    for goal, own in goals_of(claim, where, nets[0].shape[-1]):
        outcome = prove(list(nets), own, goal, work=work)
        if outcome.status != "proved" or outcome.evidence is None:
            return None
        proofs.append(outcome.evidence)
    paths = [folder / f"model{k}.kan" for k in range(len(nets))]
    for net, path in zip(nets, paths, strict=True):
        ew.save(net, path)
    return Made(document_of(claim, where, proofs, paths), tuple(nets), tuple(paths))


# ---- the oracle


def rows_of(where: Document, rng: np.random.Generator, count: int) -> tuple[Floats, NDArray[np.int64]]:
    """Rows of a domain (ends of intervals among them), and the cell of each group they are in."""
    groups = where["groups"]
    X = np.zeros((count, sum(len(g["inputs"]) for g in groups)))
    chosen = np.zeros((count, len(groups)), np.int64)
    for n, group in enumerate(groups):
        cells = np.array(group["cells"], dtype=float)
        chosen[:, n] = rng.integers(0, len(cells), count)
        low, high = cells[chosen[:, n]].transpose(2, 0, 1)
        t = np.clip(rng.uniform(-0.2, 1.2, low.shape), 0, 1)
        X[:, group["inputs"]] = np.clip(low + t * (high - low), low, high)
    budget = where["budget"]
    if budget is not None:
        for cost in budget["costs"]:  # half of the rows near where they cost nothing
            near = rng.random(count) < 0.5
            here = X[near, cost["input"]]
            X[near, cost["input"]] = cost["at"] + (here - cost["at"]) * rng.uniform(0, 0.3, len(here))
        paid = sum((c["rate"] * np.abs(X[:, c["input"]] - c["at"]) for c in budget["costs"]), np.zeros(count))
        paid += sum(
            (c["cost"] * (chosen[:, c["group"]] == c["cell"]) for c in budget["cells"]), np.zeros(count)
        )
        inside = np.ones(count, bool)
        for n, group in enumerate(groups):
            cells = np.array(group["cells"], dtype=float)[chosen[:, n]]
            x = X[:, group["inputs"]]
            inside &= ((x >= cells[..., 0]) & (x <= cells[..., 1])).all(1)
        X, chosen = X[inside & (paid <= budget["limit"])], chosen[inside & (paid <= budget["limit"])]
    return X, chosen


def excess(
    document: Document, nets: Sequence[ew.KAN], rng: np.random.Generator, count: int = 20_000
) -> float:
    """By how much sampled rows break the claim; at most 0 (but for rounding) where none does."""
    claim, where = document["claim"], document["domain"]
    X, chosen = rows_of(where, rng, count)
    if not len(X):
        return -np.inf
    nets = [copy.deepcopy(net).double() for net in nets]
    o, kind = claim.get("output", 0), claim["type"]

    def at(cell: Any, net: int = 0, output: int = o) -> Floats:
        moved = X.copy()
        if cell is not None:
            group = where["groups"][cell[0]]
            moved[:, group["inputs"]] = [low for low, _ in group["cells"][cell[1]]]
        return nets[net].predict(moved)[:, output]

    if kind == "range":
        y = at(None)
        low = -np.inf if claim["low"] is None else claim["low"]
        high = np.inf if claim["high"] is None else claim["high"]
        return float(max((y - high).max(), (low - y).max()))
    if kind == "linear":
        total = np.zeros(len(X))
        for t in claim["terms"]:
            total += t["weight"] * (
                X[:, t["input"]] if "input" in t else at(t["moved"], t["model"], t["output"])
            )
        return float((total - claim["bound"]).max())
    if kind == "decision":
        y, c = nets[0].predict(X), claim["class"]
        if y.shape[1] == 1:
            return float((y if c == 0 else -y).max())
        return float((np.delete(y, c, 1).max(1) - y[:, c]).max())
    if kind == "equal":
        return float(np.abs(nets[0].predict(X) - nets[1].predict(X)).max() - claim["epsilon"])
    if kind in ("monotone", "lipschitz"):
        i = claim["input"]
        g = next(n for n, group in enumerate(where["groups"]) if i in group["inputs"])
        # Another row that differs in this input only: of the same cell, or of one that agrees in all other inputs.
        Z, place = X.copy(), where["groups"][g]["inputs"].index(i)
        cells = where["groups"][g]["cells"]
        other = [
            [d for d, z in enumerate(cells) if z[:place] + z[place + 1 :] == c[:place] + c[place + 1 :]]
            for c in cells
        ]
        picked = np.array([rng.choice(other[c]) for c in chosen[:, g]])
        low, high = np.array(cells, dtype=float)[picked, place].T
        Z[:, i] = low + rng.random(len(Z)) * (high - low)
        if where["budget"] is not None:
            return -np.inf
        dx, dy = Z[:, i] - X[:, i], nets[0].predict(Z)[:, o] - at(None)
        if kind == "monotone":
            return float((-claim["direction"] * np.sign(dx) * dy).max())
        return float((np.abs(dy) - claim["bound"] * np.abs(dx)).max())
    cells = range(len(where["groups"][claim["group"]]["cells"]))
    if kind == "same_class":
        y = np.array([[at((claim["group"], c), 0, j) for j in range(nets[0].shape[-1])] for c in cells])
        top, best = np.sort(y, axis=1), y.argmax(1)
        lead = top[:, -1] - top[:, -2]
        return max(
            float(np.where(best[a] != best[b], np.minimum(lead[a], lead[b]), -np.inf).max())
            for a, b in combinations(cells, 2)
        )
    y = np.array([at((claim["group"], c)) for c in cells])
    if kind == "changes_at_most":
        return float((y.max(0) - y.min(0)).max() - claim["tau"])
    return float(np.minimum(y.max(0) - claim["threshold"], claim["threshold"] - y.min(0)).max())


# ---- mutations


def _numbers(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything in a document."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _numbers(inner, (*path, key))
    return found


def _holder(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        document = document[key]
    return document


def mutated(document: Document, rng: np.random.Generator) -> tuple[str, Document]:
    """A copy with one change at random, and what was done."""
    changed = copy.deepcopy(document)
    changed.pop("digest")
    # Claims, domains and splits are short beside slopes: choose the part first.
    part = str(rng.choice(["claim", "domain", "proofs", "proofs", "proofs", "models", "format", "version"]))
    inner = [(), *_numbers(changed[part])]
    path = (part, *inner[int(rng.integers(len(inner)))])
    holder, key = _holder(changed, path), path[-1]
    value = holder[key]
    how = str(rng.choice(["number", "number", "number", "delete", "type", "swap", "list"]))
    if how == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        ways = [
            -value,
            value * 1.01,
            value * 0.9,
            value + rng.normal(),
            value - rng.normal(),
            0,
            1,
            1e300,
            value + 1,
            value - 1,
        ]
        new = ways[int(rng.integers(len(ways)))]
        holder[key] = int(new) if isinstance(value, int) and rng.random() < 0.7 else float(new)
    elif how == "delete":
        del holder[key]
    elif how == "swap" and isinstance(holder, dict) and {"low", "high"} <= set(holder):
        holder["low"], holder["high"] = holder["high"], holder["low"]
    elif how == "list" and isinstance(value, list) and value:
        n = int(rng.integers(len(value)))
        holder[key] = [*value, value[n]] if rng.random() < 0.5 else value[:n] + value[n + 1 :]
    else:
        others: list[Any] = [None, True, False, "x", [], {}, -1, 0, 1, 0.5, [[0.0, 1.0]], 10**400]
        holder[key] = others[int(rng.integers(len(others)))]
        how = "type"
    return f"{how} at {'/'.join(map(str, path))}", changed


def tightened(made: Made, rng: np.random.Generator) -> list[tuple[str, Document]]:
    """Stronger statements with the old evidence, all of them false or not shown by it."""
    changes: list[tuple[str, Document]] = []

    def change(what: str, **claim: Any) -> None:
        document = copy.deepcopy(made.document)
        document["claim"].update(claim)
        changes.append((what, seal(document)))

    claim = made.document["claim"]
    over = excess(made.document, made.nets, rng)
    step = abs(over) + 1e-3
    if claim["type"] == "range":
        if claim["high"] is not None:
            change("high below what rows reach", high=claim["high"] - step - 0.1)
        if claim["low"] is not None:
            change("low above what rows reach", low=claim["low"] + step + 0.1)
    for key in {"bound", "tau", "epsilon"} & set(claim):
        change(
            f"{key} below what rows reach",
            **{key: claim[key] - (claim[key] + 1 if claim["type"] == "lipschitz" else step)},
        )
    if claim["type"] == "monotone":
        change("the other direction", direction=-claim["direction"])
    if claim["type"] == "decision":
        change("another class", **{"class": 1 - claim["class"] if claim["class"] < 2 else 0})
    return changes
