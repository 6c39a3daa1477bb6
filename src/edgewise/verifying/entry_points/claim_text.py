"""What a certificate claims, in the model's own words and units, and whether that is what was asked for.

The checker is about inputs and codes of the network, for it trusts nothing else. Here the model's encoding turns them back
into columns, words and raw numbers; names and labels that stand in the certificate are not relied on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from edgewise.network.fitted import fitted
from edgewise.verifying.claims.claims import task_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Group
from edgewise.verifying.domain.raw_values import shown
from edgewise.verifying.entry_points.statement import ranged
from edgewise.verifying.language import properties as asked
from edgewise.verifying.language.text import Statement
from edgewise.verifying.results.certificate import domain_document
from edgewise.verifying.results.witness import names_of_outputs

_FALLS = {1: "falls", -1: "rises"}


def claim_in_words(document: Mapping[str, Any], model: Any) -> str:
    """The claim of a certificate that the checker has accepted, in raw units and words; empty where it is not about columns.

    Parameters
    ----------
    document : mapping
        The certificate.
    model : KAN, KANRegressor or KANClassifier
        The (first) model that it is about.
    """
    columns = Columns(fitted(model))
    if not _of_columns(document, columns):
        return ""
    return f"For {_rows(_first_row(document, columns), columns)}: {_claim(document, columns)}."


def differs(
    document: Mapping[str, Any], models: Sequence[Any], statement: Statement, rows: Any = None
) -> str:
    """How the claim of a certificate differs from a statement; empty where they mean the same.

    Parameters
    ----------
    document : mapping
    models : sequence of KAN, KANRegressor or KANClassifier
        Those that the certificate is about.
    statement : Statement
    rows : table, optional
        Whose rows `robust` may count.

    Raises
    ------
    InputError
        If the statement does not fit the model.
    """
    columns, prop = Columns(fitted(models[0])), statement.property
    if not _of_columns(document, columns):
        return "it is about inputs that are no columns of the model"
    if isinstance(prop, asked.Equal):
        if len(models) != 2:
            return "it is about one model"
        prop = asked.Equal(models[1], prop.epsilon)
    if isinstance(prop, asked.FormulaWithin):
        return "no certificate is about a formula"
    statement = ranged(Statement(prop, statement.conditions), columns)
    task = task_of(statement.property, columns, statement.conditions, rows)
    if _plain(task.claim) != _plain(document["claim"]):
        return f"it is that {_claim(document, columns)}"
    if _set_of_rows(domain_document(task.domain)) != _set_of_rows(document["domain"]):
        return f"it is about {_rows(_first_row(document, columns), columns)}"
    return ""


def _of_columns(document: Mapping[str, Any], columns: Columns) -> bool:
    groups = _first_row(document, columns)["groups"]
    return sorted(tuple(group["inputs"]) for group in groups) == sorted(columns.inputs)


def _first_row(document: Mapping[str, Any], columns: Columns) -> Mapping[str, Any]:
    """The domain of a certificate without what a second row has of its own."""
    domain, count = document["domain"], columns.view.network.shape[0]
    if "moves" not in document["claim"]:
        return domain
    groups = list[Any]()
    for group in domain["groups"]:
        kept = [k for k, i in enumerate(group["inputs"]) if i < count]
        cells = dict[Any, list[float]]()
        for cell in group["cells"]:
            # Boxes along a diagonal are stretches of one range, side by side.
            (low, high), *rest = (cell[k] for k in kept) if kept else ((0.0, 0.0),)
            key = (*map(tuple, rest), low if low == high else None)
            ends = cells.setdefault(key, [low, high])
            ends[:] = min(low, ends[0]), max(high, ends[1])
        whole = [[ends, *map(list, key[:-1])] for key, ends in cells.items()]
        if kept:
            groups.append({**group, "inputs": [group["inputs"][k] for k in kept], "cells": whole})
    return {**domain, "groups": groups}


def _plain(value: Any) -> Any:
    """Numbers as floats, lists as tuples: 1 and 1.0 mean the same."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return tuple(_plain(entry) for entry in cast("list[Any]", value))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _set_of_rows(domain: Mapping[str, Any]) -> Any:
    """What a domain holds, without names, labels and the order of cells that nothing counts."""
    groups = [(_plain(group["inputs"]), _plain(group["cells"])) for group in domain["groups"]]
    return groups, _plain(domain["budget"])


# ---- rows


def _rows(domain: Mapping[str, Any], columns: Columns) -> str:
    if domain["whole"]:
        return "every row the model can be given"
    parts = list[str]()
    for g, group in _groups(domain, columns):
        if set(group.cells) != set(columns.whole.groups[g].cells):
            parts.append(f"{_name(columns.names[g])} is {columns.described(g, group)}")
    words = f"every row where {'; '.join(parts)}" if parts else "every row"
    budget = domain["budget"]
    if budget is None:
        return words
    return f"{words}, if its changes cost at most {budget['limit']:.6g} in all ({_costs(budget, domain, columns)})"


def _groups(domain: Mapping[str, Any], columns: Columns) -> list[tuple[int, Group]]:
    """The groups of a certificate as the columns they are, in the certificate's order."""
    found = list[tuple[int, Group]]()
    for group in domain["groups"]:
        g = columns.inputs.index(tuple(group["inputs"]))
        whole = columns.whole.groups[g]
        lost = {cell for cell, label in whole.labelled if label == "missing"}
        cells = tuple(tuple((float(low), float(high)) for low, high in cell) for cell in group["cells"])
        labels = tuple("missing" if cell in lost else "" for cell in cells)
        found.append((g, Group(columns.names[g], columns.inputs[g], cells, labels)))
    return found


def _costs(budget: Mapping[str, Any], domain: Mapping[str, Any], columns: Columns) -> str:
    groups, words = _groups(domain, columns), list[str]()
    for cost in budget["costs"]:
        g = next(k for k, inputs in enumerate(columns.inputs) if cost["input"] in inputs)
        at = shown(columns.raw(g, [float(cost["at"]), 0.0]))
        transform, scale = columns.scale(g)
        where = " near the centre" if transform == "asinh" else ""
        words.append(f"{_name(columns.names[g])} {cost['rate'] / abs(scale):.4g} a unit from {at}{where}")
    for fee in budget["cells"]:
        g, group = groups[fee["group"]]
        one = group.of([group.labelled[fee["cell"]]])
        words.append(f"{_name(group.name)} {columns.described(g, one)} {fee['cost']:.4g}")
    return ", ".join(words)


# ---- claims


def _claim(document: Mapping[str, Any], columns: Columns) -> str:
    claim, domain = document["claim"], document["domain"]
    kind, view = claim["type"], columns.view
    output = _output(claim["output"], columns) if "output" in claim else ""
    group = _name(columns.names[_groups(domain, columns)[claim["group"]][0]]) if "group" in claim else ""
    g = next((k for k, inputs in enumerate(columns.inputs) if claim.get("input") in inputs), 0)
    if kind == "range":
        return (
            f"{output} lies between {_end(claim['low'], '-infinity')} and {_end(claim['high'], 'infinity')}"
        )
    if kind == "linear":
        return _sum(claim, columns)
    if kind == "decision":
        return f"the decision is {_name(str(view.classes[claim['class']]))}"
    if kind == "monotone":
        return f"{output} never {_FALLS[claim['direction']]} as {_name(columns.names[g])} rises"
    if kind == "lipschitz":
        transform, scale = columns.scale(g)
        what = "on the scale on which the model reads it" if transform == "asinh" else "a unit"
        bound = claim["bound"] / (1.0 if transform == "asinh" else abs(scale))
        return f"{output} changes by at most {bound:.6g} {what} of {_name(columns.names[g])}"
    if kind == "never_flips" and view.binary and claim["threshold"] == view.threshold:
        return f"no change of {group} alone changes the decision"
    if kind == "never_flips":
        return f"no change of {group} alone takes {output} across {claim['threshold']:.6g}"
    if "moves" in claim:
        own = kind == "same_class_within" or (view.binary and claim["threshold"] == view.threshold)
        what = (
            "the decision is the same" if own else f"{output} is on the same side of {claim['threshold']:.6g}"
        )
        return f"{what} in two rows that differ in {_moves(document, columns)}"
    if kind == "same_class":
        return f"no change of {group} alone changes the decision"
    if kind == "changes_at_most":
        return f"no change of {group} alone changes {output} by more than {claim['tau']:.6g}"
    return f"the outputs of the two models differ by at most {claim['epsilon']:.6g}"


def _moves(document: Mapping[str, Any], columns: Columns) -> str:
    """What may be otherwise in the second row."""
    place = {i: k for k, group in enumerate(document["domain"]["groups"]) for i in group["inputs"]}
    parts = dict[str, None]()
    for move in document["claim"]["moves"]:
        g = next(k for k, inputs in enumerate(columns.inputs) if move["input"] in inputs)
        name = _name(columns.names[g])
        if place[move["input"]] != place[move["copy"]]:
            parts[name] = None
        elif move["within"] is None:
            parts[f"{name} as far as the certificate pairs its numbers"] = None
        else:
            parts[f"{name} by at most {move['within'] * abs(columns.scale(g)[1]):.6g}"] = None
    return ", ".join(parts)


def _sum(claim: Mapping[str, Any], columns: Columns) -> str:
    terms, bound = list[str](), float(claim["bound"])
    for term in claim["terms"]:
        weight = float(term["weight"])
        if "input" in term:
            g = next(k for k, inputs in enumerate(columns.inputs) if term["input"] in inputs)
            # An input is (x - centre) / scale.
            weight /= columns.scale(g)[1]
            bound += weight * columns.centre(g)
            terms.append(f"{weight:.6g} * {_name(columns.names[g])}")
            continue
        moved = "" if term["moved"] is None else f" with column {term['moved'][0] + 1} moved"
        terms.append(f"{weight:.6g} * ({_output(term['output'], columns)}{moved})")
    return f"{' + '.join(terms)} is at most {bound:.6g}"


def _output(place: int, columns: Columns) -> str:
    view = columns.view
    name = names_of_outputs(view)[place]
    if view.classes and not view.binary:
        name = f"logit of {name}"
    words = name if view.classes else _name(name)
    return (
        f"the {words}{' before calibration' if view.calibration is not None else ''}"
        if view.classes
        else words
    )


def _end(value: float | None, default: str) -> str:
    return default if value is None else f"{value:.6g}"


def _name(name: str) -> str:
    """A name as it is where it is a plain word, else in quotes, so that none reads as more of the sentence."""
    return name if name.replace(".", "_").isidentifier() else json.dumps(name, ensure_ascii=False)
