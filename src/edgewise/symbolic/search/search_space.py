"""What a formula may be made of: columns, functions, units."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from edgewise._core.checks import among, as_tuple, check_choice, check_int, check_names, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms import FORMS, Form
from edgewise.forms.functions import FUNCTIONS, SPELLINGS
from edgewise.forms.tree import Node, Number, Variable, multiplied, names_in
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.search.constraint_text import Constraint, columns_of, read_constraints
from edgewise.symbolic.search.constraints import structural
from edgewise.symbolic.units.constraints import Dimensions
from edgewise.symbolic.univariate.closed_forms import check_forms

_DEAREST = 1000
# What is made of a function by sums and products: max(a, b) = (a + b + |a - b|)/2, mod(a, b) = a - b*floor(a/b).
_MADE_OF = {"abs": ("max", "min"), "step": ("abs", "max", "min"), "floor": ("mod",)}


@dataclass(frozen=True)
class Limits:
    """What the user asked for, checked.

    Parameters
    ----------
    forms
        The closed forms an edge may become; None for all.
    functions
        The functions that may be called; None for all. Broken powers count as roots.
    require_columns
        Columns that a formula must contain.
    columns
        Columns that are searched.
    units
        What the columns and the target are measured in, if given.
    constraints
        What a formula must satisfy; those that its tree decides are a matter of `allow`.
    costs
        Functions that count as another number of nodes than one.
    """

    forms: tuple[Form, ...] | None
    functions: frozenset[str] | None
    require_columns: frozenset[str]
    columns: tuple[str, ...]
    units: Dimensions | None
    constraints: tuple[Constraint, ...] = ()
    costs: tuple[tuple[str, int], ...] = ()

    @classmethod
    def read(
        cls,
        names: tuple[str, ...],
        *,
        target: str = "y",
        forms: Iterable[Form | str] | None = None,
        exclude_functions: Iterable[str] = (),
        require_columns: Iterable[str] = (),
        ignore_columns: Iterable[str] = (),
        units: Mapping[str, Any] | None = None,
        constraints: Iterable[str] = (),
        costs: Mapping[str, int] | None = None,
        called: str = "y",
    ) -> Limits:
        """The limits of a search by the arguments of `find_formula`; `target` is y's name in `units`, `called` its own."""
        library, functions = allowed_functions(forms, exclude_functions)
        needed, idle = (
            _columns(require_columns, "require_columns", names),
            _columns(ignore_columns, "ignore_columns", names),
        )
        if both := sorted(needed & idle):
            raise InputError(
                subject="The 'require_columns' and 'ignore_columns' argument",
                expected="not name the same column",
                got=f"{short(both[0], 40)} in both",
            )
        columns = tuple(name for name in names if name not in idle)
        if not columns:
            raise InputError(
                argument="ignore_columns", expected="leave at least one column", got=f"all {len(names)}"
            )
        asked = read_constraints(constraints, names, called)
        if left_out := sorted(columns_of(asked) & idle):
            raise InputError(
                argument="constraints",
                expected="not name columns that are ignored",
                got=f"{short(left_out[0], 40)} in both",
            )
        measured = _units(units, columns, idle, target)
        return cls(library, functions, needed, columns, measured, asked, _costs(costs))

    @property
    def needed(self) -> frozenset[str]:
        """Columns that are searched whether y follows them or not."""
        return self.require_columns | columns_of(self.constraints)

    def narrowed(self, columns: tuple[str, ...]) -> Limits:
        """The same for fewer columns."""
        if self.units is None or columns == self.columns:
            return replace(self, columns=columns)
        known = dict(zip(self.units.names, self.units.columns, strict=True))
        units = replace(self.units, names=columns, columns=tuple(known[name] for name in columns))
        return replace(self, columns=columns, units=units)

    def allow(self, tree: Node) -> bool:
        """May this formula be offered?"""
        if self.functions is not None and not functions_in(tree) <= self.functions:
            return False
        if not self.require_columns <= frozenset(names_in(tree)) or not structural(tree, self.constraints):
            return False
        return self.units is None or self.units.consistent(tree, free_constants=True)

    def strict(self, formula: Formula) -> bool:
        """Do its units fit without constants that carry any?"""
        return self.units is None or self.units.consistent(formula.tree)

    def simplest(self, mean: float) -> Node:
        """A formula that is always allowed: a measured constant, times the columns that are required."""
        needed = [Variable(name) for name in self.columns if name in self.require_columns]
        return multiplied([Number(float(mean)), *needed])


def allowed_functions(
    forms: Iterable[Form | str] | None, exclude_functions: Iterable[str]
) -> tuple[tuple[Form, ...] | None, frozenset[str] | None]:
    """The forms of edges and the functions of formulas; None where all are allowed."""
    banned = frozenset(
        _function(function)
        for function in as_tuple(exclude_functions, "exclude_functions", "names of functions")
    )
    library = None if forms is None else _library(forms)
    allowed: frozenset[str] | None = None
    if library is not None:
        called = {name for form in library for name in functions_in(form.tree())}
        allowed = frozenset(called.union(*(_MADE_OF.get(name, ()) for name in called)))
    if banned:
        allowed = (frozenset(FUNCTIONS) if allowed is None else allowed) - banned
        kept = tuple(FORMS.values()) if library is None else library
        library = tuple(form for form in kept if functions_in(form.tree()) <= allowed)
    return library, allowed


def _function(name: object, argument: str = "exclude_functions") -> str:
    known = SPELLINGS.get(name, name) if isinstance(name, str) else name
    return check_choice(known, argument, FUNCTIONS)


def _costs(costs: Any) -> tuple[tuple[str, int], ...]:
    """What functions cost, in nodes."""
    if costs is None:
        return ()
    if not isinstance(costs, Mapping):
        raise InputError(
            argument="costs",
            expected='map names of functions to the nodes that each counts as, such as {"sin": 3}',
            got=short(costs),
        )
    given = cast("Mapping[object, object]", costs)
    return tuple(
        (_function(name, "costs"), check_int(cost, f"costs[{name!r}]", low=0, high=_DEAREST))
        for name, cost in given.items()
    )


def _columns(value: Iterable[str], name: str, names: Collection[str]) -> frozenset[str]:
    given = as_tuple(value, name, "columns")
    if given:
        check_names(given, name)
    for entry in given:
        check_choice(entry, name, names)
    return frozenset(str(entry) for entry in given)


def _library(forms: Iterable[Form | str]) -> tuple[Form, ...]:
    given = as_tuple(forms, "forms", "Form objects or their names")
    library = check_forms([_form(entry) if isinstance(entry, str) else entry for entry in given])
    if not any(form.family == "linear" for form in library):
        # A search without straight lines could not even express that an edge is one.
        library = (FORMS["identity"], *library)
    return library


def _form(name: str) -> Form:
    """A form by its own name or by that of the function it is."""
    if name in FORMS:
        return FORMS[name]
    spelling = SPELLINGS.get(name, name)
    alike = [form for form in FORMS.values() if form.text == f"{spelling}(x)"]
    if alike:
        return alike[0]
    raise InputError(
        argument="forms",
        expected=f"hold forms among {among(FORMS, 12)}",
        got=f"{short(name)}{did_you_mean(name, FORMS)}",
    )


def _units(
    units: Mapping[str, Any] | None, columns: Sequence[str], idle: Collection[str], target: str
) -> Dimensions | None:
    """The dimensions of the columns that are searched; those left out may have a unit but need none."""
    if units is None:
        return None
    given: Any = units
    if isinstance(given, Mapping):
        known = cast("Mapping[str, Any]", given)
        given = {key: unit for key, unit in known.items() if key not in idle}
    return Dimensions.read(given, columns, target)
