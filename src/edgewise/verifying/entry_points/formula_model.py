"""Proofs about a fitted formula: its direction and its range, over the numbers that it was fitted to or those asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgewise._core.checks import among, check_float, short
from edgewise._core.errors import InputError
from edgewise.forms.tree import quote
from edgewise.symbolic.results.formula import Formula
from edgewise.verifying.domain.conditions import Missing, ends_of
from edgewise.verifying.entry_points.formula_constraints import prove_constraints
from edgewise.verifying.language.text import Statement
from edgewise.verifying.results.verdicts import ProofResult

_TARGET = "output"


def formula_model_outcome(
    model: Any, statement: Statement, work: str | float, seconds: float | None
) -> ProofResult:
    """Whether a `FormulaRegressor` keeps a property where its columns lie in the ranges of the fit, or those of conditions.

    Raises
    ------
    InputError
        If constraints of formulas cannot state the property, or its formula has groups.
    """
    formula, prop = model.formula_, statement.property
    texts = prop.constraints(_TARGET)
    if not texts or not isinstance(formula, Formula) or _TARGET in formula.names:
        raise InputError(
            argument="property",
            expected="be a range or a direction of one formula, for the model holds no network",
            got=short(str(prop)),
            advice="prove_constraints of edgewise.verifying takes formulas themselves",
        )
    box = dict(zip(formula.names, model.range_.T.tolist(), strict=True))
    for condition in statement.conditions:
        name = condition.column
        if name not in box or isinstance(condition, Missing):
            what = f"be about numbers of {among(formula.names)}"
            raise InputError(subject="A condition on a formula", expected=what, got=str(condition))
        ends = [
            box[name][k] if end is None else check_float(end, name)
            for k, end in enumerate(ends_of(condition))
        ]
        box[name] = ends
    bounds = {name: (low, high) for name, (low, high) in box.items()}
    found = prove_constraints(formula, texts, bounds, target=_TARGET, work=work, seconds=seconds)
    # The first that is no proof is the answer; of two proofs the one with less room.
    worst = min(found, key=lambda one: (one.proved, one.status != "refuted", getattr(one, "margin", 0.0)))
    where = ", ".join(f"{quote(name)} in [{low!r}, {high!r}]" for name, (low, high) in bounds.items())
    return replace(worst, property=str(prop), domain=f"every row where {where}")
