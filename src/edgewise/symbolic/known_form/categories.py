"""What tells the rows of a partly known formula apart: columns of words, groups, targets; and the table that they are in."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import among, short
from edgewise._core.errors import InputError
from edgewise.forms.tree import Node, Number, Variable, summed


@dataclass(frozen=True, eq=False)
class Category:
    """Levels that rows are of.

    Attributes
    ----------
    name : str
        Of the column, or what it is.
    levels : tuple
    """

    name: str
    levels: tuple[Hashable, ...]

    @property
    def indicators(self) -> tuple[str, ...]:
        """The columns that are one in the rows of a level, zero elsewhere."""
        return tuple(f"[{self.name} {at}]" for at in range(len(self.levels)))

    def sum(self, parts: Sequence[Node]) -> Node:
        """The tree that is one of these in the rows of each level."""
        pairs = zip(self.indicators, parts, strict=True)
        terms = tuple(Variable(name) * part for name, part in pairs)
        return summed(terms)

    def codes(self, cells: Sequence[Hashable]) -> Ints:
        """The place of each row's level, -1 where it is missing."""
        place: dict[Hashable, int] = {None: -1, **{level: at for at, level in enumerate(self.levels)}}
        try:
            return np.array([place[cell] for cell in cells], dtype=np.int64)
        except (KeyError, TypeError):
            strange = next(cell for cell in cells if cell not in place)
            raise InputError(
                subject=f"The {self.name}",
                expected=(
                    f"be one of the {len(self.levels)} that were learned, "
                    f"{among(list(map(str, self.levels)))}"
                ),
                got=short(strange),
                advice="fit again with rows of it",
            ) from None

    def at(self, level: int) -> dict[str, Node]:
        """The columns of the levels as the numbers that they are in the rows of one."""
        return {name: Number(int(at == level)) for at, name in enumerate(self.indicators)}

    def table(self, codes: Ints) -> Floats:
        """The columns of the levels, (n, levels)."""
        return np.asarray(codes[:, None] == np.arange(len(self.levels)), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Categories:
    """All that tells rows apart, in the order of its columns behind those of numbers."""

    words: Mapping[str, Category] = field(default_factory=dict[str, Category])
    groups: Category | None = None
    targets: Category | None = None

    @property
    def categories(self) -> tuple[Category, ...]:
        """One after the other."""
        return tuple(word for word in (*self.words.values(), self.groups, self.targets) if word is not None)

    @property
    def indicators(self) -> tuple[str, ...]:
        """The columns of all levels."""
        return tuple(name for item in self.categories for name in item.indicators)

    def table(self, numbers: Floats, codes: Ints) -> Floats:
        """Numbers (n, d), and behind them the columns of the levels of codes (n, categories)."""
        return np.hstack([numbers, *(item.table(codes[:, at]) for at, item in enumerate(self.categories))])

    def views(self, codes: Ints) -> dict[Hashable, tuple[dict[str, Node], Ints]]:
        """For each combination of levels among the rows what the columns of levels are in it, and its codes.

        It goes by its level, or the tuple of them where there are several categories.
        """
        found = dict[Hashable, tuple[dict[str, Node], Ints]]()
        for row in np.unique(codes, axis=0):
            levels = [item.levels[code] for item, code in zip(self.categories, row, strict=True)]
            values = [item.at(int(code)) for item, code in zip(self.categories, row, strict=True)]
            merged = {name: number for value in values for name, number in value.items()}
            found[levels[0] if len(levels) == 1 else tuple(levels)] = merged, row
        return found
