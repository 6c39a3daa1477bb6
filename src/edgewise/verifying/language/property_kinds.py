"""The kinds of properties, as plain data; `str` of one is its short text form."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from edgewise._core.checks import text_of
from edgewise.forms.tree import quote

INCREASING, DECREASING = "increasing", "decreasing"


@dataclass(frozen=True)
class OutputRange:
    """The output stays between two numbers; made by `output_range`."""

    low: float | None
    high: float | None
    output: Any = None
    probability: bool = False

    def __str__(self) -> str:
        what = "probability" if self.probability else _target(self.output)
        parts = [f"{number(self.low)} <= "] if self.low is not None else []
        parts += [what]
        parts += [f" <= {number(self.high)}"] if self.high is not None else []
        return "".join(parts)


@dataclass(frozen=True)
class Linear:
    """A weighted sum of columns and outputs is at most a bound; made by `linear`."""

    terms: tuple[tuple[str, float], ...]
    bound: float

    def __str__(self) -> str:
        return f"{self._sum} <= {number(self.bound)}"

    def sum_at(self, excess: float) -> str:
        """What the sum is where it is beyond its bound by so much, in words."""
        return f"{self._sum} is {self.bound + excess:.10g}"

    @property
    def _sum(self) -> str:
        text = ""
        for name, weight in self.terms:
            sign = "-" if weight < 0 else "+"
            size = "" if abs(weight) == 1 else f"{number(abs(weight))}*"
            lead = f" {sign} " if text else ("-" if weight < 0 else "")
            text += f"{lead}{size}{quote(name)}"
        return text


@dataclass(frozen=True)
class Decides:
    """The decision is always this class; made by `decides`."""

    label: Any

    def __str__(self) -> str:
        return f"decision = {word(self.label)}"


@dataclass(frozen=True)
class Monotone:
    """The output never falls (or never rises) as a column grows; made by `monotone`."""

    feature: str
    direction: str
    output: Any = None

    def __str__(self) -> str:
        return f"monotone({quote(self.feature)}, {self.direction}{_also(self.output)})"


@dataclass(frozen=True)
class Lipschitz:
    """The output changes by at most `bound` for each unit of a column; made by `lipschitz`."""

    feature: str
    bound: float
    output: Any = None

    def __str__(self) -> str:
        return f"lipschitz({quote(self.feature)}, {number(self.bound)}{_also(self.output)})"


@dataclass(frozen=True)
class Robust:
    """Near a row the decision is the row's, or the output stays near the row's; made by `robust`."""

    row: Any = field(repr=False)
    radius: float | tuple[tuple[str, float], ...]
    change: float | None = None
    output: Any = None

    def __str__(self) -> str:
        row = f"row {self.row}" if isinstance(self.row, int) else "a row"
        radius = (
            "{" + ", ".join(f"{quote(name)}: {number(size)}" for name, size in self.radius) + "}"
            if isinstance(self.radius, tuple)
            else number(self.radius)
        )
        change = "" if self.change is None else f", {number(self.change)}"
        return f"robust({row}, {radius}{change}{_also(self.output)})"


@dataclass(frozen=True)
class NeverFlips:
    """Changing these columns alone never changes the decision; made by `never_flips`."""

    features: tuple[str, ...]
    threshold: float | None = None
    output: Any = None
    others: tuple[tuple[str, float], ...] = ()

    @property
    def feature(self) -> str:
        """The first of the columns."""
        return self.features[0]

    def __str__(self) -> str:
        names = ", ".join(map(quote, self.features))
        threshold = "" if self.threshold is None else f", {number(self.threshold)}"
        near = ", ".join(f"{quote(name)} within {number(size)}" for name, size in self.others)
        return f"never_flips({names}{threshold}{_also(self.output)}){' with ' + near if near else ''}"


@dataclass(frozen=True)
class ChangesAtMost:
    """Changing this column alone never changes the output by more than `max_change`; made by `changes_at_most`."""

    feature: str
    max_change: float
    output: Any = None

    def __str__(self) -> str:
        return f"changes_at_most({quote(self.feature)}, {number(self.max_change)}{_also(self.output)})"


@dataclass(frozen=True, eq=False)
class Equal:
    """Two models of the same columns differ by at most `epsilon`; made by `equal`."""

    other: Any = field(repr=False)
    epsilon: float

    def __str__(self) -> str:
        other = word(self.other) if isinstance(self.other, str) else "the other model"
        return f"equal({other}, {number(self.epsilon)})"


@dataclass(frozen=True, eq=False)
class FormulaWithin:
    """A formula differs from the output by at most `epsilon`; made by `formula_within`."""

    formula: Any
    epsilon: float
    output: Any = None

    def __str__(self) -> str:
        text = getattr(self.formula, "text", self.formula)
        return f"formula({word(str(text))}, {number(self.epsilon)}{_also(self.output)})"


Property = (
    OutputRange
    | Linear
    | Decides
    | Monotone
    | Lipschitz
    | Robust
    | NeverFlips
    | ChangesAtMost
    | Equal
    | FormulaWithin
)


def number(value: float) -> str:
    """A number as people write it; reading it gives the same float."""
    if math.isfinite(value) and float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def word(value: Any) -> str:
    """A value as the text form writes it: words in quotes."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return (
        number(float(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool)
        else text_of(value)
    )


def _target(output: Any) -> str:
    return "output" if output is None else quote(text_of(output))


def _also(output: Any) -> str:
    return "" if output is None else f", output={word(output)}"
