"""What units allow: which formulas are possible at all, and how few numbers a law can depend on.

References
----------
Buckingham (1914), On physically similar systems; illustrations of the use of dimensional equations.
doi:10.1103/PhysRev.4.345
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from edgewise._core.checks import among, as_tuple, check_names, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Node, names_in
from edgewise.symbolic.units.buckingham import Groups, find_groups
from edgewise.symbolic.units.rules import (
    Exponents,
    MismatchError,
    Rules,
    as_fraction,
    unit_text,
)
from edgewise.symbolic.units.text import unit_powers

# How formulas name the base units; a dimension of a user's own keeps its name.
_BASE_UNITS = {
    "mass": "kg",
    "length": "m",
    "time": "s",
    "current": "A",
    "temperature": "K",
    "substance": "mol",
    "luminosity": "cd",
}
_LARGEST_POWER = 1000


@dataclass(frozen=True)
class Dimensions:
    """The dimensions of the columns of a table and of what is to be explained.

    Parameters
    ----------
    names
        The columns.
    columns
        For each a vector of exponents of the base units.
    target
        The vector of what is to be explained.
    bases
        Symbols of the base units.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> from edgewise.symbolic.units.constraints import Dimensions
    >>> known = Dimensions.read({"m": "kg", "v": "m/s", "E": "J"}, ["m", "v"], "E")
    >>> known.consistent(parse("m*v^2/2", ["m", "v"]).tree), known.consistent(parse("m*v", ["m", "v"]).tree)
    (True, False)
    >>> known.fault(parse("m + v", ["m", "v"]).tree)
    'm in kg and v in m/s cannot be added'
    >>> known.groups().text
    'm*v^2'
    """

    names: tuple[str, ...]
    columns: tuple[Exponents, ...]
    target: Exponents
    bases: tuple[str, ...]

    @classmethod
    def read(cls, units: Mapping[str, Any], names: Iterable[str], target: str = "y") -> Dimensions:
        """The dimensions of units given by name.

        Parameters
        ----------
        units
            For every column and the target a unit as text ("kg*m^2/s^2", "J"; "1" or "" where there is none), or a
            list of exponents, the same base units in the same order for all.
        names
            The columns.
        target
            The key of `units` for what is to be explained.

        Returns
        -------
        Dimensions

        Raises
        ------
        InputError
            Where a unit is missing, unknown, or of nothing in the table.
        """
        columns = check_names(names, "names")
        given = _complete(units, columns, target)
        keys = (*columns, target)
        vectors = {key: _vector(given[key], key) for key in keys if _is_vector(given[key])}
        if vectors:
            return _from_vectors(given, vectors, columns, target)
        powers = {key: unit_powers(given[key], short(key, 40)) for key in keys}
        found = {base for power in powers.values() for base in power}
        bases = [*(base for base in _BASE_UNITS if base in found), *sorted(found - _BASE_UNITS.keys())]
        rows = {key: tuple(powers[key].get(base, Fraction(0)) for base in bases) for key in keys}
        symbols = tuple(_BASE_UNITS.get(base, base) for base in bases)
        return cls(columns, tuple(rows[name] for name in columns), rows[target], symbols)

    def consistent(self, tree: Node, *, free_constants: bool = False) -> bool:
        """Can the formula hold whatever the units are?

        Sums need equal units, functions numbers without; powers multiply. A difference of logarithms counts as the
        logarithm of a ratio.

        Parameters
        ----------
        tree
            A formula in the columns.
        free_constants
            Let every float carry the unit that its place asks for, as the constants of nature do. Integers, ratios of
            them and multiples of pi never have one.

        Returns
        -------
        bool

        Raises
        ------
        InputError
            Where the formula has columns without a unit.
        """
        return self.fault(tree, free_constants=free_constants) is None

    def fault(self, tree: Node, *, free_constants: bool = False) -> str | None:
        """What is wrong with the units of a formula, in words; None where nothing is. Parameters as of `consistent`."""
        try:
            quantity = self._checked(tree).rules(free_constants=free_constants).quantity(tree)
        except MismatchError as mismatch:
            return str(mismatch)
        if quantity.factor is not None and quantity.factor != self.target:
            return f"the formula is in {self.unit(quantity.factor)}, not in {self.unit(self.target)}"
        if quantity.shifts:
            return "the formula depends on the units in which its logarithms are taken"
        return None

    def unit(self, exponents: Sequence[Fraction]) -> str:
        """A vector of exponents as text, such as kg*m^2/s^2."""
        return unit_text(exponents, self.bases)

    def groups(self) -> Groups:
        """The simplest product of powers of columns in the target's unit, and the simplest products without unit.

        A law that holds in all units is the one times a function of the others (Buckingham's theorem).

        Returns
        -------
        Groups
            Its `prefactor` is None where no product of columns has the target's unit.
        """
        return find_groups(self.names, self.columns, self.target)

    def rules(self, *, free_constants: bool = False) -> Rules:
        """How dimensions pass through formulas in the columns."""
        return Rules(dict(zip(self.names, self.columns, strict=True)), self.bases, free_constants)

    def _checked(self, tree: Node) -> Dimensions:
        unknown = [
            name for name in dict.fromkeys(names_in(tree)) if name not in self.names and name not in CONSTANTS
        ]
        if unknown:
            raise InputError(
                argument="tree",
                expected=f"be a formula in the columns {among(self.names)}",
                got=among(unknown),
            )
        return self


def _complete(units: object, columns: tuple[str, ...], target: str) -> Mapping[str, Any]:
    """The units as a dictionary that holds every column and the target, and nothing else."""
    if not isinstance(units, Mapping):
        raise InputError(
            argument="units", expected="be a dictionary such as {'m': 'kg', 'y': 'J'}", got=short(units)
        )
    if target in columns:
        raise InputError(
            argument="target",
            expected="differ from every column",
            got=short(target),
            advice="name the target otherwise",
        )
    given = cast("Mapping[str, Any]", units)
    known = (*columns, target)
    strange = [key for key in given if key not in known]
    if strange:
        raise InputError(
            argument="units",
            expected=f"name columns of the table ({among(columns)}) or the target {short(target, 40)}",
            got=f"{short(strange[0], 40)}{did_you_mean(strange[0], known)}",
        )
    missing = [key for key in known if key not in given]
    if missing:
        raise InputError(
            argument="units",
            expected=f"give a unit for every column and for the target {short(target, 40)}",
            got=f"none for {among(missing, 20)}",
            advice="give '1' to what has no unit",
        )
    return given


def _is_vector(unit: object) -> bool:
    return not isinstance(unit, str) and not hasattr(unit, "dimensionality")


def _vector(unit: object, key: str) -> Exponents:
    entries = as_tuple(unit, "units", "exponents, or hold units as text")
    try:
        values = [
            Fraction(entry) if isinstance(entry, (int, Fraction)) else as_fraction(float(entry))
            for entry in entries
        ]
    except (TypeError, ValueError, OverflowError):
        values = []
    if len(values) != len(entries) or any(abs(value) > _LARGEST_POWER for value in values):
        raise InputError(
            argument="units",
            expected=f"give {short(key, 40)} exponents that are numbers up to {_LARGEST_POWER}",
            got=short(unit),
        )
    return tuple(values)


def _from_vectors(
    given: Mapping[str, Any], vectors: Mapping[str, Exponents], columns: tuple[str, ...], target: str
) -> Dimensions:
    size = max(len(vector) for vector in vectors.values())
    for key in (*columns, target):
        if key not in vectors and unit_powers(given[key], short(key, 40)):
            raise InputError(
                argument="units",
                expected="give all units as text or all as lists of exponents",
                got=f"{short(given[key])} for {short(key, 40)} beside lists",
            )
        if len(vectors.get(key, (0,) * size)) != size:
            raise InputError(
                argument="units",
                expected="give lists of exponents of equal length",
                got=f"{len(vectors[key])} for {short(key, 40)} and {size} elsewhere",
            )
    rows = {key: vectors.get(key, (Fraction(0),) * size) for key in (*columns, target)}
    bases = tuple(f"u{at + 1}" for at in range(size))
    return Dimensions(columns, tuple(rows[name] for name in columns), rows[target], bases)
