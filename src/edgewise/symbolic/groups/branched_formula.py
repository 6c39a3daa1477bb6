"""Formulas of their own for the levels of a category: a branch for those that follow one structure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, lines_of
from edgewise.symbolic.fitting.word_columns import WordColumns
from edgewise.symbolic.groups.grouped_formula import ByGroups, GroupedFormula, check_known
from edgewise.symbolic.results.formula import Constant

# Levels that are named in a text.
_NAMED = 4


@dataclass(frozen=True, eq=False)
class BranchedFormula(ByGroups):
    """Different formulas for different levels of a category.

    Attributes
    ----------
    branches : tuple of GroupedFormula
        Each for some of the levels, that of most levels first.
    words : WordColumns
        The columns whose words name the level.
    rmse : float
        Root mean squared error over all rows, in the units of y.
    r2 : float
        Share of the variance of y within the levels that is explained.
    criterion : float
        Of Schwarz; lower is better.
    """

    branches: tuple[GroupedFormula, ...]
    words: WordColumns
    rmse: float
    r2: float
    criterion: float

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of numbers."""
        return self.branches[0].columns

    @property
    def own(self) -> Mapping[Hashable, Mapping[str, Constant]]:
        """The constants of each level's own, by their names in the formula of its branch."""
        return MappingProxyType(
            {level: item for branch in self.branches for level, item in branch.own.items()}
        )

    @property
    def text(self) -> str:
        """All branches in one line."""
        return "; ".join(f"{branch.text} where {self._where(branch)}" for branch in self.branches)

    def __str__(self) -> str:
        return "\n".join(
            f"{lines_of([f'where {self._where(branch)}:'])}\n{branch}" for branch in self.branches
        )

    def of(self, group: Hashable) -> str:
        """The formula of one level, with its numbers."""
        return self._branch(group).of(group)

    def values(self, group: Hashable, X: Floats) -> Floats:
        """Values in one level, for rows that are checked."""
        return self._branch(group).values(group, X)

    def with_rows(self, group: Hashable, X: Floats, y: Floats, seed: int) -> BranchedFormula:
        """As `with_group`, for rows that are checked and may be none."""
        tried: list[tuple[float, int, GroupedFormula]] = []
        for at, branch in enumerate(self.branches):
            try:
                wider = branch.with_rows(group, X, y, seed)
            except InputError:
                continue
            tried.append((_described(wider, group, X, y, self.rmse), at, wider))
        if not tried:
            raise InputError(
                argument="X",
                expected="have rows on which a formula has values",
                got=f"{len(y)} rows on which none has",
            )
        _, best, wider = min(tried, key=lambda item: item[:2])
        branches = tuple(
            wider if at == best else replace(branch, own={k: v for k, v in branch.own.items() if k != group})
            for at, branch in enumerate(self.branches)
        )
        return replace(self, branches=tuple(branch for branch in branches if branch.own))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **fields(self, "text", "columns", "rmse", "r2", "criterion"),
            "words": list(self.words.words),
            "branches": [branch.to_dict() for branch in self.branches],
        }

    def _branch(self, group: Hashable) -> GroupedFormula:
        check_known(group, self.own, self.words)
        return next(branch for branch in self.branches if group in branch.own)

    def _where(self, branch: GroupedFormula) -> str:
        levels = [repr(level) for level in branch.own]
        listed = levels[:_NAMED] if len(levels) > _NAMED + 1 else levels
        rest = f" and {len(levels) - len(listed)} more" if len(listed) < len(levels) else ""
        return f"{', '.join(self.words.words)} is {' or '.join(listed)}{rest}"


def _described(formula: GroupedFormula, group: Hashable, X: Floats, y: Floats, noise: float) -> float:
    """Schwarz's criterion of one level's rows, the noise being that of the others."""
    left = float(np.square(formula.values(group, X) - y).sum()) if len(y) else 0.0
    sigma = max(noise, 1e-9 * float(np.abs(y).max(initial=0.0)), 1e-300)
    if not math.isfinite(left):
        return math.inf
    return left / sigma**2 + math.log(max(len(y), 1)) * len(formula.own[group])
