"""What a certificate claims, in the model's own words and units, and whether that is what was asked for.

The checker is about inputs and codes of the network, for it trusts nothing else. Here the model's encoding turns them back
into columns, words and raw numbers; names and labels that stand in the certificate are not relied on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from edgewise.network.fitted import fitted
from edgewise.verifying.claims.claimed import Claimed, name_in_words
from edgewise.verifying.claims.equal import read_alike
from edgewise.verifying.claims.property import Property, task_of
from edgewise.verifying.claims.tasks import has_numbers, is_number
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import number
from edgewise.verifying.domain.raw_values import rounded, shown
from edgewise.verifying.entry_points.statement import ranged, two_valued
from edgewise.verifying.language.text import Statement
from edgewise.verifying.results.certificate import domain_document


def claim_in_words(document: Mapping[str, Any], model: Any) -> str:
    """The claim of a certificate that the checker has accepted, in raw units and words; empty where it is not about columns.

    Parameters
    ----------
    document : mapping
        The certificate, which `no_rows` finds to be about raw rows.
    model : KAN, KANRegressor or KANClassifier
        The (first) model that it is about.
    """
    claimed = Claimed(document, Columns(fitted(model)))
    if not _of_columns(claimed) or not _of_numbers(document):
        return ""
    words = f"For {_rows(claimed)}: {_claim(claimed)}."
    return " ".join(filter(None, [words, two_valued(claimed.columns)]))


def _claim(claimed: Claimed) -> str:
    kinds = {claim: kind for kind in Property.__subclasses__() for claim in kind.claims}
    return kinds[claimed.claim["type"]].claim_in_words(claimed)


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
    claimed = Claimed(document, columns)
    if not _of_columns(claimed) or views[0].encoding is None:
        return ""
    claim, first = claimed.claim, [inputs[0] for inputs in columns.inputs]
    for g, group in claimed.groups:
        # A cell of a column is one of all its cells, or a range within one.
        for cell in group.cells:
            if not any(_within(cell, whole) for whole in columns.whole.groups[g].cells):
                return f"no row can have the inputs {_spans(cell)} of column {name_in_words(group.name)}"
    budget, moves = document["domain"]["budget"], claim.get("moves", ())
    numbers = [*_weighed(claim), *(cost["input"] for cost in (budget or {"costs": ()})["costs"])]
    for move in moves:
        pairs = claimed.pairs(move)
        numbers += [move["input"]] if pairs else []
        if any(_hull(ours) != _hull(others) for ours, others in pairs.values()):
            return "the other row has other numbers than the first"
    for i in numbers:
        if i not in first or not has_numbers(columns, first.index(i)):
            return f"input number {i} holds no numbers of a column"
        if "terms" in claim and columns.scale(first.index(i))[0] == "asinh":
            return f"input number {i} is no multiple of a column"
    return ""


def _within(cell: Any, whole: Any) -> bool:
    return all(a <= low and high <= b for (low, high), (a, b) in zip(cell, whole, strict=True))


def _weighed(claim: Mapping[str, Any]) -> list[int]:
    """The inputs whose own numbers a claim weighs or follows."""
    terms = claim.get("terms", ())
    return [claim["input"]] if "input" in claim else [term["input"] for term in terms if "input" in term]


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
    claimed = Claimed(document, columns)
    if not _of_columns(claimed):
        return "it is about inputs that are no columns of the model"
    if prop.models > len(models):
        return "it is about one model"
    if not prop.certified:
        return "no certificate is about a formula"
    prop = prop.with_models(lambda _: models[-1])
    statement = ranged(Statement(prop, statement.conditions), columns)
    task = task_of(statement.property, columns, statement.conditions, rows)
    if _plain(task.claim) != _plain(document["claim"]):
        return f"it is that {_claim(claimed)}"
    if _set_of_rows(domain_document(task.domain)) != _set_of_rows(document["domain"]):
        return f"it is about {_rows(claimed)}"
    return ""


def _of_columns(claimed: Claimed) -> bool:
    groups = claimed.first_row["groups"]
    return sorted(tuple(group["inputs"]) for group in groups) == sorted(claimed.columns.inputs)


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


def _rows(claimed: Claimed) -> str:
    domain, numbers, columns = claimed.first_row, _weighed(claimed.claim), claimed.columns
    groups, parts, whole = list(claimed.groups), list[str](), domain["whole"]
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
        parts.append(f"{name_in_words(columns.names[g])} is {columns.described(g, group)}")
    words, budget = f"every row where {'; '.join(parts)}", domain["budget"]
    if budget is None:
        return words
    limit = number(rounded(budget["limit"], -1))
    return f"{words}, if its changes cost at most {limit} in all ({_costs(budget, claimed)})"


def _costs(budget: Mapping[str, Any], claimed: Claimed) -> str:
    columns, groups, words = claimed.columns, claimed.groups, list[str]()
    for cost in budget["costs"]:
        g = claimed.column_of(cost["input"])
        at = shown(columns.raw(g, [float(cost["at"]), 0.0]))
        transform, scale = columns.scale(g)
        where = " near the centre" if transform == "asinh" else ""
        rate = number(rounded(cost["rate"] / abs(scale), 1))
        words.append(f"{name_in_words(columns.names[g])} {rate} a unit from {at}{where}")
    for fee in budget["cells"]:
        g, group = groups[fee["group"]]
        one = group.of([group.labelled[fee["cell"]]])
        words.append(
            f"{name_in_words(group.name)} {columns.described(g, one)} {number(rounded(fee['cost'], 1))}"
        )
    return ", ".join(words)
