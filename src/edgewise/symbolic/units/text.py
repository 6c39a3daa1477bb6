"""Units as people write them, read as exponents of base dimensions.

Names of units, prefixes included, are looked up in pint. The arithmetic between them is read by the same parser as
formulas, so that a hostile text can at worst be refused: pint's own reader would work out 9**9**9**9.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data.dialect import unit_registry
from edgewise.forms.parser import read
from edgewise.forms.tree import names_in
from edgewise.symbolic.units.rules import MismatchError, Rules, as_fraction

Powers = Mapping[str, Fraction]

_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
# Spellings that the parser of formulas does not know.
_SPELLINGS = (
    (re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+"), lambda found: "^" + found.group().translate(_RAISED)),
    (re.compile(r"°\s*C"), lambda found: "degC"),
    (re.compile(r"°\s*F"), lambda found: "degF"),
    (re.compile("°"), lambda found: "degree"),
    (re.compile("%"), lambda found: "percent"),
    (re.compile(r"[·⋅×]"), lambda found: "*"),
    (re.compile(r"\s+per\s+"), lambda found: "/"),
    (re.compile(r"(?<=[\w)])\s+(?=[^\W\d]|\()"), lambda found: "*"),
)


def unit_powers(unit: object, of_what: str) -> Powers:
    """The exponents of the base dimensions of a unit.

    Parameters
    ----------
    unit
        A text such as "kg*m^2/s^2", "J/(mol K)" or "1", or a unit of pint.
    of_what
        Whose unit it is, for messages.

    Returns
    -------
    mapping of str to Fraction
        By pint's name of the dimension, without brackets; no zeros.

    Raises
    ------
    InputError
        Where the unit is unknown, does not measure from zero, or is none.

    Examples
    --------
    >>> {name: str(power) for name, power in unit_powers("J", "m").items()}
    {'length': '2', 'mass': '1', 'time': '-2'}
    """
    if hasattr(unit, "dimensionality"):
        return _of_pint(unit, of_what)
    if not isinstance(unit, str):
        raise InputError(
            argument="units",
            expected=f"give {of_what} a unit such as 'm/s' or a list of exponents",
            got=short(unit),
        )
    text = unit.strip()
    for pattern, new in _SPELLINGS:
        text = pattern.sub(new, text)
    if not text:
        return {}
    try:
        tree = read(text, None)
    except InputError:
        raise _unreadable(unit, of_what) from None
    found = {name: _atom(name, of_what) for name in dict.fromkeys(names_in(tree))}
    bases = tuple(sorted({base for powers in found.values() for base in powers}))
    vectors = {name: tuple(powers.get(base, Fraction(0)) for base in bases) for name, powers in found.items()}
    try:
        quantity = Rules(vectors, bases).quantity(tree)
    except MismatchError:
        raise _unreadable(unit, of_what) from None
    if quantity.factor is None or quantity.shifts:
        raise _unreadable(unit, of_what)
    return {base: power for base, power in zip(bases, quantity.factor, strict=True) if power}


def _unreadable(unit: str, of_what: str) -> InputError:
    return InputError(
        argument="units", expected=f"give {of_what} a unit such as 'm/s', 'kg*m^2' or '1'", got=short(unit)
    )


def _atom(name: str, of_what: str) -> Powers:
    """The dimension of a single unit."""
    import pint

    registry = _registry()
    try:
        known = registry.parse_unit_name(name) or not unit_registry().parse_unit_name(name)
        return _of_pint((registry if known else unit_registry()).Unit(name), of_what)
    except pint.UndefinedUnitError:
        hint = did_you_mean(name, [item for item in registry if len(item) > 2]) if len(name) > 2 else ""
        raise InputError(
            argument="units",
            expected=f"give {of_what} a unit that pint knows, such as 'm/s'",
            got=f"the unknown {short(name, 40)}{hint}",
            advice="leave it dimensionless with '1' if it has none",
        ) from None


def _of_pint(unit: Any, of_what: str) -> Powers:
    if not _from_zero(unit):
        raise InputError(
            argument="units",
            expected=f"give {of_what} a unit that measures from zero, as K does",
            got=short(str(unit), 40),
            advice="convert the column, or give it the unit '1' to leave it unchecked",
        )
    dimensions: Mapping[str, Any] = unit.dimensionality
    return {
        name.strip("[]"): as_fraction(float(power)) for name, power in sorted(dimensions.items()) if power
    }


def _from_zero(unit: Any) -> bool:
    """Is zero of the unit zero of the base units? Not so for degrees Celsius and decibels."""
    import pint

    try:
        return float(unit._REGISTRY.Quantity(0.0, unit).to_base_units().magnitude) == 0.0
    except (pint.OffsetUnitCalculusError, ValueError):
        return False


# A power of a power, or one of several digits, which pint would work out.
_HUGE = re.compile(r"(\^|\*\*)(?!\s*-?\d(?!\d)(?!\s*(\^|\*\*)))")


def define_unit(name: str, definition: str) -> None:
    """Make a unit known to this process: by others, or without a definition as a dimension that has no other unit.

    Raises
    ------
    InputError
        Where the name is none or taken, or the definition no unit.

    Examples
    --------
    >>> define_unit("barleycorn", "8.47 mm")
    >>> {name: str(power) for name, power in unit_powers("kbarleycorn/s", "v").items()}
    {'length': '1', 'time': '-1'}
    """
    import pint

    if definition:
        unit_powers(definition, f"the unit {short(name, 40)}")
    try:
        if not name.isidentifier() or _HUGE.search(definition):
            raise ValueError
        with warnings.catch_warnings(action="error"):
            _registry().define(f"{name} = {definition or f'[{name}]'}")
    except (ValueError, pint.PintError, Warning):
        raise InputError(
            argument="unit",
            expected="name a new unit, and define it by known ones, as in furlong=220*yd, or not at all",
            got=short(f"{name}={definition}"),
        ) from None


@cache
def _registry() -> Any:
    """The application's own registry, so that units a user has defined there are known."""
    import pint

    return pint.get_application_registry()
