"""Equations of second order in divergence form, as finite elements take them.

    residual = div(flux) + source,   integral of (-flux . grad v + source v) + boundary integral of (flux . n) v = 0

for every test function v; flux and source hold the unknowns and their first derivatives alone. On the boundary the
conditions give either the unknown itself (its test functions vanish there) or the flux.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import sympy as sp
from scipy.optimize import linear_sum_assignment

from edgewise._core.errors import InputError
from edgewise.pde.problem.jets import Compiled, Evaluate, compile_equations
from edgewise.pde.problem.problem import Condition
from edgewise.pde.terms.operators import NORMAL
from edgewise.pde.terms.symbols import Equation, NormalSymbol

# Parts of the outward normal.
NORMALS = NX, NY, NZ = sp.symbols("_nx _ny _nz", real=True)


class Posed(Protocol):
    """A problem as its divergence form is made of it; of those through time at any one time."""

    @property
    def domain(self) -> Any:
        """A plane region, a surface or a solid."""
        ...

    @property
    def equations(self) -> Sequence[Equation]:
        """What holds inside."""
        ...

    @property
    def conditions(self) -> Sequence[Condition]:
        """What holds on the boundary."""
        ...

    @property
    def fields(self) -> tuple[Any, ...]:
        """The unknowns, and behind them their derivatives in time."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        ...


@dataclass(frozen=True, eq=False)
class RimForm:
    """What holds on one curve of the boundary.

    Attributes
    ----------
    name : str
    conditions : tuple of int
        Their numbers in the problem.
    given : dict of int to callable
        The unknowns whose values are given, by the coordinates, and by time where there is one.
    flux : Compiled or None
        flux . n in the coordinates and the parts of the normal, one an entry of `tests`; None where nothing flows.
    tests : tuple of int
        The unknowns whose test functions these go with.
    speeds : dict of int to callable
        Derivatives of `given` in time, where there is one.
    """

    name: str
    conditions: tuple[int, ...]
    given: Mapping[int, Evaluate]
    flux: Compiled | None
    tests: tuple[int, ...]
    speeds: Mapping[int, Evaluate] = field(default_factory=dict)

    def at_time(self, time: float) -> RimForm:
        """What holds there at a time."""
        given = {f: lambda *at, function=function: function(*at, time) for f, function in self.given.items()}
        return replace(self, given=given, flux=None if self.flux is None else self.flux.at_time(time))


@dataclass(frozen=True, eq=False)
class WeakForm:
    """A problem in divergence form.

    Attributes
    ----------
    names : tuple of str
        The unknowns.
    inside : Compiled
        The parts of the flux and the source, equation by equation.
    tests : tuple of int
        For each equation the unknown whose test functions it goes with.
    lower : tuple of int
        How much lower the degree of each unknown is: 1 for those without second derivatives, as a pressure.
    rims : tuple of RimForm, one a curve or patch of the boundary
    """

    names: tuple[str, ...]
    inside: Compiled
    tests: tuple[int, ...]
    lower: tuple[int, ...]
    rims: tuple[RimForm, ...]

    @property
    def linear(self) -> bool:
        """Whether one linear system gives the answer."""
        return self.inside.linear and all(rim.flux is None or rim.flux.linear for rim in self.rims)

    def at_time(self, time: float) -> WeakForm:
        """The form at a time, where the problem has one."""
        rims = tuple(rim.at_time(time) for rim in self.rims)
        return replace(self, inside=self.inside.at_time(time), rims=rims)


def weak_form(
    problem: Posed,
    equations: Sequence[Any] | None = None,
    *,
    tests: tuple[int, ...] | None = None,
    natural: bool = True,
    rate_of: Sequence[int] = (),
    clock: Any = None,
) -> WeakForm:
    """The divergence form of a problem on a plane region, a surface or a solid.

    Parameters
    ----------
    problem : Problem
    equations : sequence of sympy expressions, optional
        Residuals to take instead of the problem's own.
    tests : tuple of int, optional
        The unknowns whose test functions go with the equations, where given.
    natural : bool
        Whether flux through the boundary counts.
    rate_of : sequence of int
        Of the last fields the numbers of the unknowns that they are derivatives of in time: no equations go with these.
    clock : sympy symbol, optional
        Time, where equations and conditions depend on it.

    Raises
    ------
    InputError
        Where equations are of an order above two or not linear in the second derivatives, unknowns and equations do
        not match, or conditions are missing or of a kind that cannot be met.
    """
    fields, symbols = problem.fields, [coordinate.tree for coordinate in problem.domain.coordinates]
    unknowns = len(fields) - len(rate_of)
    given = [equation.residual for equation in problem.equations] if equations is None else equations
    residuals = [sp.sympify(entry).doit() for entry in given]
    if len(residuals) != unknowns:
        raise InputError(
            subject="On shapes that are no boxes there",
            expected=f"be as many equations as unknowns, {unknowns}",
            got=len(residuals),
        )
    parts: list[tuple[Any, ...]] = []
    has = np.zeros((len(residuals), unknowns))
    moves = np.zeros(unknowns, dtype=bool)
    for e, residual in enumerate(residuals):
        parts.append(divided(residual, fields, symbols))
        for f, of in enumerate((*range(unknowns), *rate_of)):
            flux = any(sp.sympify(part).has(fields[f]) for part in parts[-1][:-1])
            there, rate = residual.has(fields[f]), f >= unknowns
            has[e, of] = max(has[e, of], 2.0 if flux else float(there) * (1.0 if rate else 0.5))
            moves[of] |= rate
    # Which test functions go with which equation: those of the unknown that it has second derivatives of.
    if tests is None:
        tests = tuple(int(f) for f in linear_sum_assignment(-has)[1])
    if problem.domain.on_surface:
        _check_along(problem, parts)
    lower = [int(natural and not moves[f] and has[:, f].max() <= 1) for f in range(unknowns)]
    lower = (*lower, *(lower[f] for f in rate_of))
    times = [] if clock is None else [clock]
    rims = _rims(problem, parts, tests, times) if natural else ()
    inside = compile_equations([item for part in parts for item in part], fields, [*symbols, *times])
    return WeakForm(problem.names, inside, tests, lower, rims)


def _check_along(problem: Posed, parts: Sequence[tuple[Any, ...]]) -> None:
    """Refuses fluxes that lead out of a surface: derivatives along it do not go together as others do."""
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    for part, equation in zip(parts, problem.equations, strict=True):
        for u in problem.fields:
            slopes = [[sp.diff(flux, sp.diff(u, s)) for s in symbols] for flux in part[:-1]]
            if any(
                sp.simplify(own - (slopes[0][0] if i == k else 0)) != 0
                for i, row in enumerate(slopes)
                for k, own in enumerate(row)
            ):
                raise InputError(
                    f"On surfaces second derivatives stand in lap(u) or div(k * grad(u)). '{equation!r}' has others."
                )


def divided(residual: Any, fields: Sequence[Any], symbols: Sequence[Any]) -> tuple[Any, ...]:
    """The parts of the flux, then the source, of an equation's residual."""
    flux: list[Any] = [sp.Integer(0) for _ in symbols]
    second = {d for d in residual.atoms(sp.Derivative) if _order(d) >= 2}
    for item in sorted(second, key=str):
        if _order(item) > 2 or item.expr not in fields:
            raise InputError(
                f"On shapes that are no boxes equations have derivatives up to the second order. Got '{item}'; write "
                "higher ones with a further unknown, as w == lap(u)."
            )
        letter = sp.Dummy()
        weight = sp.diff(residual.xreplace({item: letter}), letter)
        if weight.atoms(sp.Derivative) or weight.has(letter):
            raise InputError(
                f"On shapes that are no boxes the second derivatives of equations must have weights without derivatives. "
                f"'{item}' has '{weight}'."
            )
        one, other = (symbols.index(s) for s, count in item.variable_count for _ in range(int(count)))
        u = item.expr
        if one == other:
            flux[one] += weight * sp.diff(u, symbols[one])
        else:
            flux[one] += weight / 2 * sp.diff(u, symbols[other])
            flux[other] += weight / 2 * sp.diff(u, symbols[one])
    # Without sympy's expansion, which takes exp(1000*x - 1000) apart.
    divergence = sum((sp.diff(part, s) for part, s in zip(flux, symbols, strict=True)), sp.Integer(0))
    rest = {d: 0 for d in (residual + divergence).atoms(sp.Derivative) if _order(d) >= 2}
    return (*flux, residual.xreplace(rest) - divergence.xreplace(rest))


def by_direction(tree: Any, problem: Posed) -> Any:
    """A term with the parts of the outward normal as NORMALS."""
    names = {
        f"n_{coordinate.name}": part
        for coordinate, part in zip(problem.domain.coordinates, NORMALS, strict=False)
    }
    return tree.xreplace({atom: names.get(atom.name, atom) for atom in tree.atoms(NormalSymbol)})


def outward_derivative(tree: Any, symbols: Sequence[Any]) -> Any:
    """A term with dn(u) as the derivative along NORMALS."""
    return tree.replace(
        NORMAL,
        lambda u: sum((n * sp.diff(u, s) for n, s in zip(NORMALS, symbols, strict=False)), sp.Integer(0)),
    ).doit()


def _order(derivative: Any) -> int:
    return int(sum(count for _, count in derivative.variable_count))


def _rims(
    problem: Posed, parts: Sequence[tuple[Any, ...]], tests: tuple[int, ...], times: list[Any]
) -> tuple[RimForm, ...]:
    domain: Any = problem.domain
    made: dict[tuple[str, tuple[int, ...]], RimForm] = {}
    found: list[RimForm] = []
    on: list[list[int]] = [[] for _ in domain.rim_names]
    for n, condition in enumerate(problem.conditions):
        for rim in condition.part.faces:
            on[rim.number].append(n)
    for name, numbers in zip(domain.rim_names, on, strict=True):
        key = (name, tuple(dict.fromkeys(numbers)))
        if key not in made:
            made[key] = _rim(problem, name, key[1], parts, tests, times)
        found.append(made[key])
    return tuple(found)


def _rim(
    problem: Posed,
    name: str,
    numbers: tuple[int, ...],
    parts: Sequence[tuple[Any, ...]],
    tests: tuple[int, ...],
    times: list[Any],
) -> RimForm:
    fields = problem.fields
    equations = [problem.conditions[n].equation for n in numbers]
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    normal = NORMALS[: len(symbols)]
    outward = [sp.Dummy(f"dn_{f}") for f in range(len(fields))]
    # A gradient is what goes outward and what goes along the boundary: its derivatives along `ways`, times `tangents`.
    tangents, ways = _tangents(len(symbols))
    along = [[sp.Dummy(f"ds_{f}") for _ in ways] for f in range(len(fields))]
    split = {
        sp.diff(u, s): normal[k] * n
        + sum((way[k] * t for way, t in zip(tangents, own, strict=True)), sp.Integer(0))
        for u, n, own in zip(fields, outward, along, strict=True)
        for k, s in enumerate(symbols)
    }
    given: dict[int, Evaluate] = {}
    speeds: dict[int, Evaluate] = {}
    trees: dict[int, Any] = {}
    natural: list[Any] = []
    for equation in equations:
        tree = outward_derivative(by_direction(equation.residual, problem), symbols)
        used = [f for f, u in enumerate(fields) if tree.has(u)]
        if tree.atoms(sp.Derivative):
            natural.append((equation, tree.xreplace(split)))
            continue
        letter = sp.Dummy()
        plain = tree.xreplace({fields[used[0]]: letter})
        weight = sp.diff(plain, letter)
        if len(used) > 1 or weight.has(letter) or weight == 0:
            raise InputError(
                subject=f"The condition '{equation!r}' on '{name}'",
                expected="give the value of one unknown, or a flux",
            )
        value = sp.simplify(plain.subs(letter, 0) / (-1 * weight))
        if used[0] in given:
            if sp.simplify(value - trees[used[0]]) != 0:
                raise InputError(
                    f"Two conditions on '{name}' give '{problem.names[used[0]]}' different values; leave one of them out."
                )
            continue
        trees[used[0]] = value
        given[used[0]] = sp.lambdify([*symbols, *times], value, modules=["scipy", "numpy"])
        for time in times:
            speeds[used[0]] = sp.lambdify([*symbols, time], sp.diff(value, time), modules=["scipy", "numpy"])
    fluxes: list[Any] = []
    with_tests: list[int] = []
    spent: set[Any] = set()
    solved = _solved([tree for _, tree in natural], outward, name, len(symbols))

    def derived(u: Any, way: Sequence[Any]) -> Any:
        return sum((w * sp.diff(u, s) for w, s in zip(way, symbols, strict=True)), sp.Integer(0))

    back = {
        t: derived(u, way)
        for u, own in zip(fields, along, strict=True)
        for t, way in zip(own, ways, strict=True)
    }
    for part, f in zip(parts, tests, strict=True):
        flux = sum((n * item for n, item in zip(normal, part, strict=False)), sp.Integer(0)).xreplace(split)
        if f in given or flux == 0:
            continue
        spent |= {n for n in solved if flux.has(n)}
        flux = flux.xreplace(solved)
        for symbol in (item for own in along for item in own):
            if _weight(flux, symbol, len(symbols)) == 0:
                flux = flux.xreplace({symbol: sp.Integer(0)})
        for n, (symbol, u) in enumerate(zip(outward, fields, strict=True)):
            if _weight(flux, symbol, len(symbols)) == 0:
                flux = flux.xreplace({symbol: sp.Integer(0)})
            elif n not in given:
                raise InputError(
                    f"The part '{name}' of the boundary has no condition for '{problem.names[f]}'; give one with on(...)."
                )
            else:
                flux = flux.xreplace({symbol: derived(u, normal)})
        flux = flux.xreplace(back)
        if flux != 0:
            fluxes.append(flux)
            with_tests.append(f)
    if spent != set(solved):
        raise InputError(
            f"The part '{name}' of the boundary has too many conditions: '{natural[0][0]!r}' gives a flux where the value "
            "of the unknown is given already, or of an unknown whose equation has no flux."
        )
    compiled = compile_equations(fluxes, fields, [*symbols, *normal, *times]) if fluxes else None
    return RimForm(name, numbers, given, compiled, tuple(with_tests), speeds)


def _tangents(count: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Directions t_m and w_m with gradient = n dn + sum of t_m (w_m . gradient), for normals of length 1."""
    if count == 2:
        return [(-NY, NX)], [(-NY, NX)]
    unit = [tuple(sp.Integer(int(i == k)) for i in range(count)) for k in range(count)]
    return [
        tuple(u - n * NORMALS[k] for u, n in zip(unit[k], NORMALS, strict=True)) for k in range(count)
    ], unit


def _of_length_one(tree: Any, count: int) -> Any:
    """A term simplified, with even powers of the normal's last part written by the others."""
    last, others = NORMALS[count - 1], NORMALS[: count - 1]
    square = 1 - sum((n**2 for n in others), sp.Integer(0))

    def lowered(power: Any) -> Any:
        return square ** (power.exp // 2) * last ** (power.exp % 2)

    high = [p for p in sp.expand(tree).atoms(sp.Pow) if p.base == last and p.exp.is_Integer and p.exp >= 2]
    return sp.simplify(sp.expand(tree).xreplace({p: lowered(p) for p in high}) if high else tree)


def _weight(flux: Any, symbol: Any, count: int) -> Any:
    """What a symbol is multiplied by, with the normal of length 1."""
    return _of_length_one(sp.diff(flux, symbol), count)


def _solved(trees: Sequence[Any], outward: Sequence[Any], name: str, count: int) -> dict[Any, Any]:
    """The outward derivatives that conditions determine."""
    if not trees:
        return {}
    unknown = [n for n in outward if any(tree.has(n) for tree in trees)]
    matrix = sp.Matrix([[sp.diff(tree, n) for n in unknown] for tree in trees])
    if matrix.has(*outward) or len(unknown) != len(trees):
        raise InputError(
            subject=f"The conditions with derivatives on '{name}'",
            expected="be linear in dn(...) and determine it: one an unknown",
        )
    rest = sp.Matrix([-1 * tree.subs(dict.fromkeys(unknown, 0)) for tree in trees])
    values = matrix.LUsolve(rest)
    return {n: _of_length_one(v, count) for n, v in zip(unknown, values, strict=True)}
