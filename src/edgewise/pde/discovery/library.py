"""The library of terms that a law may be a sum of: products of unknowns, and of unknowns and one derivative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product

from edgewise._core.checks import among, check_names, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.fields.jet_polynomials import ONE, Jet, Monomial, monomial


@dataclass(frozen=True)
class Names:
    """How fields and coordinates are called.

    Attributes
    ----------
    fields : tuple of str
    coordinates : tuple of str
    """

    fields: tuple[str, ...]
    coordinates: tuple[str, ...]

    def jet(self, jet: Jet) -> str:
        """As `u_xx`."""
        field, orders = jet
        tail = "".join(name * order for name, order in zip(self.coordinates, orders, strict=True))
        return self.fields[field] + (f"_{tail}" if tail else "")

    def text(self, of: Monomial) -> str:
        """As `u^2*u_x`: factors without derivatives first."""
        if not of:
            return "1"
        ordered = sorted(of, key=lambda item: (sum(item[0][1]), item[0]))
        return "*".join(self.jet(jet) + (f"^{power}" if power > 1 else "") for jet, power in ordered)

    def read(self, text: str) -> Monomial:
        """The monomial that a text such as `u*u_x` or `u^2` names.

        Raises
        ------
        InputError
            Where a name is not known.
        """
        jets: dict[Jet, int] = {}
        plain = text.replace("**", "^").replace(" ", "")
        if plain == "1":
            return ONE
        for factor in plain.split("*"):
            word, _, power = factor.partition("^")
            if power and not power.isdigit():
                raise InputError(
                    subject="Powers of terms",
                    expected="be whole numbers",
                    got=f"{short(factor)} in {short(text)}",
                )
            jet = self._jet(word, text)
            jets[jet] = jets.get(jet, 0) + int(power or 1)
        return monomial(jets)

    def _jet(self, word: str, text: str) -> Jet:
        name, _, tail = word.partition("_")
        if name not in self.fields:
            raise InputError(
                f"{short(text)} has the name {short(name)}, which is no field. The fields are {among(self.fields)}"
                f"{did_you_mean(name, self.fields)}."
            )
        orders = [0] * len(self.coordinates)
        while tail:
            fitting = [c for c in self.coordinates if tail.startswith(c)]
            if not fitting:
                raise InputError(
                    f"{short(text)} has a derivative by {short(tail)}. "
                    f"The coordinates are {among(self.coordinates)}."
                )
            longest = max(fitting, key=len)
            orders[self.coordinates.index(longest)] += 1
            tail = tail[len(longest) :]
        return self.fields.index(name), tuple(orders)


@dataclass(frozen=True)
class MonomialTerm:
    """A term of a law: a sum of monomials with one coefficient in front.

    Attributes
    ----------
    text : str
    parts : tuple of (float, Monomial)
    """

    text: str
    parts: tuple[tuple[float, Monomial], ...]


def library(names: Names, space: Sequence[int], order: int, degree: int) -> tuple[MonomialTerm, ...]:
    """Products of at most `degree` unknowns, at most one of them differentiated, at most `order` times in space.

    Where there are several coordinates of space, Laplacians stand beside single derivatives: laws that do not know a
    direction are shorter with them.

    Parameters
    ----------
    names : Names
    space : sequence of int
        Numbers of the coordinates that derivatives are taken in.
    order, degree : int
    """
    d, fields = len(names.coordinates), range(len(names.fields))
    still = (0,) * d
    plain = [
        monomial({(f, still): combination.count(f) for f in combination})
        for size in range(degree + 1)
        for combination in combinations_with_replacement(fields, size)
    ]
    every: list[tuple[int, ...]] = [
        orders
        for orders in product(*(range(order + 1) if a in space else (0,) for a in range(d)))
        if 0 < sum(orders) <= order
    ]
    groups: list[tuple[str, list[tuple[int, ...]]]] = [("", [orders]) for orders in every]
    if len(space) > 1 and order > 1:
        groups.append(("lap", [tuple(2 * (a == axis) for a in range(d)) for axis in space]))
    groups.sort(key=lambda group: (sum(group[1][0]), tuple(-o for o in group[1][0])))
    found = [MonomialTerm(names.text(item), ((1.0, item),)) for item in plain]
    for name, group in groups:
        for f in fields:
            for item in plain:
                if sum(power for _, power in item) >= degree:
                    continue
                parts = tuple((1.0, monomial({**dict(item), (f, orders): 1})) for orders in group)
                front = f"{names.text(item)}*" if item else ""
                text = f"{front}{name}({names.fields[f]})" if name else names.text(parts[0][1])
                found.append(MonomialTerm(text, parts))
    return tuple(found)


def given_terms(texts: Sequence[str], names: Names) -> tuple[MonomialTerm, ...]:
    """Terms that the caller names."""
    return tuple(MonomialTerm(text, ((1.0, names.read(text)),)) for text in check_names(texts, "terms"))
