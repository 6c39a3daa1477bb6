"""A weighted sum of columns and outputs is at most a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms.tree import quote
from edgewise.verifying.claims.claimed import Claimed, end_in_words, name_in_words
from edgewise.verifying.claims.property import Property
from edgewise.verifying.claims.tasks import Task, bounded, has_numbers, of_numbers, output_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import number
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import InputTerm, OutputTerm, Term


@dataclass(frozen=True)
class Linear(Property):
    """A weighted sum of columns and outputs is at most a bound; made by `linear`."""

    terms: tuple[tuple[str, float], ...]
    bound: float

    claims = ("linear",)
    maps = "none"

    def __str__(self) -> str:
        return f"{self._sum} <= {number(self.bound)}"

    @property
    def _sum(self) -> str:
        text = ""
        for name, weight in self.terms:
            sign = "-" if weight < 0 else "+"
            size = "" if abs(weight) == 1 else f"{number(abs(weight))}*"
            lead = f" {sign} " if text else ("-" if weight < 0 else "")
            text += f"{lead}{size}{quote(name)}"
        return text

    def weighed(self, columns: Columns) -> tuple[str, ...]:
        """All names of the sum."""
        del columns
        return tuple(name for name, _ in self.terms)

    def breach_in_words(self, excess: Callable[[], float]) -> str:
        """What the sum is there."""
        return f"At this row {self._sum} is {self.bound + excess():.10g}."

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """The sum in the inputs and outputs of the network."""
        view, terms, bound, domain = columns.view, list[Term](), self.bound, start.domain
        groups, written = list(domain.groups), list[dict[str, Any]]()
        for name, weight in self.terms:
            if name not in columns.names and (
                name in ("output", view.target, *view.network.output_names) or len(view.classes) > 2
            ):
                term = OutputTerm(output_of(view, None if name == "output" else name), weight)
                terms.append(term)
                written.append({"output": term.output, "weight": weight, "model": 0, "moved": None})
                continue
            g = columns.group(name)
            transform, scale = columns.scale(g)
            if columns.whole.groups[g].labels and not has_numbers(columns, g):
                raise InputError(
                    subject="The columns of a weighted sum",
                    expected="hold numbers",
                    got=f"{short(name, 40)}, which holds words",
                    advice="narrow it with where",
                )
            if transform == "asinh":
                raise InputError(
                    subject="The columns of a weighted sum",
                    expected="be read on their own scale by the model",
                    got=f"{short(name, 40)}, which it reads through asinh, since its tail is long",
                    advice="ask for ranges of output where it is narrowed",
                )
            # A missing cell has no number to be weighed.
            group = of_numbers(domain, g).groups[g]
            labels = tuple(columns.described(g, group.of([pair])) for pair in group.labelled)
            groups[g] = replace(group, labels=labels)
            terms.append(InputTerm(columns.inputs[g][0], weight * scale))
            written.append({"input": columns.inputs[g][0], "weight": weight * scale})
            bound -= weight * columns.centre(g)
        # Never the whole domain where a column itself is weighed: the encoding does not follow all of its numbers.
        whole = domain.whole and not any("input" in term for term in written)
        start = replace(start, domain=Domain(tuple(groups), whole=whole))
        claim = {"type": "linear", "terms": written, "bound": bound}
        return start.showing(claim, [bounded(tuple(terms), bound)], "level")

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """The sum in raw units."""
        columns, terms, bound = claimed.columns, list[str](), float(claimed.claim["bound"])
        for term in claimed.claim["terms"]:
            weight = float(term["weight"])
            if "input" in term:
                g = claimed.column_of(term["input"])
                # An input is (x - centre) / scale.
                weight /= columns.scale(g)[1]
                bound += weight * columns.centre(g)
                terms.append(f"{weight:.12g} * {name_in_words(columns.names[g])}")
                continue
            terms.append(f"{weight:.12g} * ({claimed.output_in_words(term['output'])})")
        # Without the last digits, which are rounding of what was asked.
        return f"{' + '.join(terms)} is at most {end_in_words(float(f'{bound:.12g}'), 1)}"
