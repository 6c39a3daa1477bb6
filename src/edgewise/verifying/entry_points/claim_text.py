"""What a certificate claims, in the model's own words and units, and whether that is what was asked for.

The checker is about inputs and codes of the network, for it trusts nothing else. Here the model's encoding turns them back
into columns, words and raw numbers; names and labels that stand in the certificate are not relied on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from edgewise.network.fitted import fitted
from edgewise.verifying.claims.claims import read_alike, task_of
from edgewise.verifying.claims.tasks import has_numbers, is_number
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Group
from edgewise.verifying.domain.raw_values import rounded, shown
from edgewise.verifying.entry_points.statement import ranged, two_valued
from edgewise.verifying.language import properties as asked
from edgewise.verifying.language.properties import number
from edgewise.verifying.language.text import Statement
from edgewise.verifying.results.certificate import domain_document
from edgewise.verifying.results.witness import names_of_outputs

_FALLS = {1: "falls", -1: "rises"}


def claim_in_words(document: Mapping[str, Any], model: Any) -> str:
    """The claim of a certificate that the checker has accepted, in raw units and words; empty where it is not about columns.

    Parameters
    ----------
    document : mapping
        The certificate, which `no_rows` finds to be about raw rows.
    model : KAN, KANRegressor or KANClassifier
        The (first) model that it is about.
    """
    columns = Columns(fitted(model))
    if not _of_columns(document, columns) or not _of_numbers(document):
        return ""
    words = f"For {_rows(document, columns)}: {_claim(document, columns)}."
    return " ".join(filter(None, [words, two_valued(columns)]))


def no_rows(document: Mapping[str, Any], models: Sequence[Any]) -> str:
    """Why a certificate that the checker has accepted states nothing about raw rows; empty where it does.

    The checker knows inputs of networks: it accepts claims about inputs that no row becomes, and about inputs that two
    models make of a row in different ways.

    Parameters
    ----------
    document : mapping
    models : sequence of KAN, KANRegressor or KANClassifier
        Those that it is about.
    """
    views = [fitted(model) for model in models]
    columns = Columns(views[0])
    if not all(read_alike(views[0], view) for view in views[1:]):
        return "the two models read columns in different ways"
    if len(views) > 1 and any(view.calibration is not None for view in views):
        return "maps stand behind the outputs of a model"
    if not _of_columns(document, columns) or views[0].encoding is None:
        return ""
    claim, first = document["claim"], [inputs[0] for inputs in columns.inputs]
    for g, group in _groups(_first_row(document, columns), columns):
        # A cell of a column is one of all its cells, or a range within one.
        for cell in group.cells:
            if not any(_within(cell, whole) for whole in columns.whole.groups[g].cells):
                return f"no row can have the inputs {_spans(cell)} of column {_name(group.name)}"
    budget, moves = document["domain"]["budget"], claim.get("moves", ())
    numbers = [*_weighed(claim), *(cost["input"] for cost in (budget or {"costs": ()})["costs"])]
    for move in moves:
        pairs = _pairs(document, move)
        numbers += [move["input"]] if pairs else []
        if any(_hull(ours) != _hull(others) for ours, others in pairs.values()):
            return "the other row has other numbers than the first"
    for i in numbers:
        if i not in first or not has_numbers(columns, first.index(i)):
            return f"input number {i} holds no numbers of a column"
        if claim["type"] == "linear" and columns.scale(first.index(i))[0] == "asinh":
            return f"input number {i} is no multiple of a column"
    return ""


def _within(cell: Any, whole: Any) -> bool:
    return all(a <= low and high <= b for (low, high), (a, b) in zip(cell, whole, strict=True))


def _weighed(claim: Mapping[str, Any]) -> list[int]:
    """The inputs whose own numbers a claim weighs or follows."""
    terms = claim.get("terms", ())
    return [claim["input"]] if "input" in claim else [term["input"] for term in terms if "input" in term]


def _pairs(document: Mapping[str, Any], move: Mapping[str, Any]) -> dict[Any, tuple[list[Any], list[Any]]]:
    """What a number that moves is beside what it is in the other row, for each of the values that go with it."""
    group = next(group for group in document["domain"]["groups"] if move["input"] in group["inputs"])
    found = dict[Any, tuple[list[Any], list[Any]]]()
    if move["copy"] in group["inputs"]:
        places = [group["inputs"].index(move[key]) for key in ("input", "copy")]
        for cell in group["cells"]:
            key = tuple(tuple(ends) for k, ends in enumerate(cell) if k not in places)
            ours, others = found.setdefault(key, ([], []))
            ours.append(cell[places[0]])
            others.append(cell[places[1]])
    return found


def _hull(spans: Any) -> tuple[float, float]:
    return min(low for low, _ in spans), max(high for _, high in spans)


def _spans(cell: Any) -> str:
    return ", ".join(f"{low!r} to {high!r}" if low < high else repr(low) for low, high in cell)


def _of_numbers(document: Mapping[str, Any]) -> bool:
    """Whether the terms of a weighted sum are columns and outputs of the one model, as properties write them."""
    terms = document["claim"].get("terms", ())
    return all("input" in term or (term["model"] == 0 and term["moved"] is None) for term in terms)


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
        return f"it is about {_rows(document, columns)}"
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
        if not kept:
            continue
        cells = list[Any]()
        for (low, high), *rest in sorted([cell[k] for k in kept] for cell in group["cells"]):
            # Boxes along a diagonal are stretches of one range, side by side.
            last = next((cell for cell in cells if cell[1:] == rest and cell[0][0] < low <= cell[0][1]), None)
            if last is None or low == high:
                cells.append([[low, high], *rest])
            else:
                last[0][1] = max(high, last[0][1])
        groups.append({**group, "inputs": [group["inputs"][k] for k in kept], "cells": cells})
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


def _rows(document: Mapping[str, Any], columns: Columns) -> str:
    domain, numbers = _first_row(document, columns), _weighed(document["claim"])
    groups, parts, whole = _groups(domain, columns), list[str](), domain["whole"]
    for k, (g, group) in enumerate(groups):
        if group.inputs[0] in numbers:
            # What stands for no number does not enter a claim about numbers.
            groups[k] = g, group.of(pair for pair in group.labelled if is_number(*pair))
            whole = whole and groups[k][1] == group
    if whole:
        return "every row the model can be given"
    narrowed = [(g, group) for g, group in groups if set(group.cells) != set(columns.whole.groups[g].cells)]
    # Of a plain network, and where no column is narrowed, nothing else says which rows these are.
    for g, group in narrowed if narrowed and columns.view.encoding is not None else groups:
        parts.append(f"{_name(columns.names[g])} is {columns.described(g, group)}")
    words, budget = f"every row where {'; '.join(parts)}", domain["budget"]
    if budget is None:
        return words
    limit = number(rounded(budget["limit"], -1))
    return f"{words}, if its changes cost at most {limit} in all ({_costs(budget, domain, columns)})"


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
        rate = number(rounded(cost["rate"] / abs(scale), 1))
        words.append(f"{_name(columns.names[g])} {rate} a unit from {at}{where}")
    for fee in budget["cells"]:
        g, group = groups[fee["group"]]
        one = group.of([group.labelled[fee["cell"]]])
        words.append(f"{_name(group.name)} {columns.described(g, one)} {number(rounded(fee['cost'], 1))}")
    return ", ".join(words)


# ---- claims


def _claim(document: Mapping[str, Any], columns: Columns) -> str:
    claim, domain = document["claim"], document["domain"]
    kind, view = claim["type"], columns.view
    output = _output(claim["output"], columns) if "output" in claim else ""
    group = _name(columns.names[_groups(domain, columns)[claim["group"]][0]]) if "group" in claim else ""
    g = next((k for k, inputs in enumerate(columns.inputs) if claim.get("input") in inputs), 0)
    if kind == "range":
        return f"{output} lies between {_end(claim['low'], -1)} and {_end(claim['high'], 1)}"
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
        return f"{output} changes by at most {_end(bound, 1)} {what} of {_name(columns.names[g])}"
    if kind == "never_flips" and view.binary and claim["threshold"] == view.threshold:
        return f"no change of {group} alone changes the decision"
    if kind == "never_flips":
        return f"no change of {group} alone takes {output} across {number(claim['threshold'])}"
    if "moves" in claim:
        own = kind == "same_class_within" or (view.binary and claim["threshold"] == view.threshold)
        what = (
            "the decision is the same"
            if own
            else f"{output} is on the same side of {number(claim['threshold'])}"
        )
        return f"{what} in two rows that differ in {_moves(document, columns)}"
    if kind == "same_class":
        return f"no change of {group} alone changes the decision"
    if kind == "changes_at_most":
        return f"no change of {group} alone changes {output} by more than {_end(claim['tau'], 1)}"
    return f"the outputs of the two models differ by at most {_end(claim['epsilon'], 1)}"


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
            most = float(f"{move['within'] * abs(columns.scale(g)[1]):.12g}")
            parts[f"{name} by at most {_end(most, -1)}"] = None
        if any(any(high for _, high in key) for key in _pairs(document, move)):
            parts[f"cells of {name} that hold no number not at all"] = None
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
            terms.append(f"{weight:.12g} * {_name(columns.names[g])}")
            continue
        terms.append(f"{weight:.12g} * ({_output(term['output'], columns)})")
    # Without the last digits, which are rounding of what was asked.
    return f"{' + '.join(terms)} is at most {_end(float(f'{bound:.12g}'), 1)}"


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


def _end(value: float | None, up: int) -> str:
    return ("infinity" if up > 0 else "-infinity") if value is None else number(rounded(value, up))


def _name(name: str) -> str:
    """A name as it is where it is a plain word, else in quotes, so that none reads as more of the sentence."""
    return name if name.replace(".", "_").isidentifier() else json.dumps(name, ensure_ascii=False)
