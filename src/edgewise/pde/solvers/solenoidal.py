"""Flows in time without their pressure: velocities that have no divergence, by construction.

    moving(u) + c grad p = 0,   sum of d_a dx(u_a, x_a) = 0

A pressure has no time derivative: it is what keeps the flow free of divergence. With splines of degree k along its own
coordinate and k - 1 along the others for every velocity, divergences are splines of degree k - 1 throughout (A. Buffa,
J. Rivas, G. Sangalli and R. Vazquez 2011, doi:10.1137/100786708). A basis of those velocities whose divergence is zero is
found once a grid; equations tested against it hold no pressure, which is read off them afterwards, by least squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy as sp
from scipy.linalg import eigh, qr, solve_triangular

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.fields.field import Field, contract, widest
from edgewise.fields.quadrature import gauss
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import RATE, Patch
from edgewise.pde.discretisation.faces import FaceConditions
from edgewise.pde.discretisation.lagrange import inverses
from edgewise.pde.discretisation.operators import Operators, values_matrix
from edgewise.pde.problem.jets import Compiled, compile_equations
from edgewise.pde.problem.problem import Problem
from edgewise.pde.solvers.frozen import DenseFactor, TimeModes, by_time, from_time, space_bands

# Directions in which the divergence is smaller than this share of the largest are free of it.
_ZERO = 1e-10
# Places along each coordinate at which velocities on the boundary are summed.
_NODES = 20


class NullSpace:
    """An orthogonal basis of what a matrix takes to zero, and shortest vectors that it takes elsewhere."""

    def __init__(self, matrix: Floats) -> None:
        charge(4 * matrix.size * max(matrix.shape) / RATE)
        found: Any = qr(matrix.T, pivoting=True)
        turned, upper, pivots = found
        sizes = np.abs(np.diag(upper))
        rank = int((sizes > _ZERO * sizes.max(initial=0.0)).sum())
        self.basis: Floats = turned[:, rank:]
        self._range, self._triangle, self._pivots = turned[:, :rank], upper[:rank, :rank], pivots[:rank]

    def particular(self, right: Floats) -> Floats:
        """A vector for each column of the right side, as far as there is one."""
        return self._range @ solve_triangular(self._triangle, right[self._pivots], trans=1)


def triangle(space: Space, free: Any = None) -> Floats:
    """Takes coefficients of the (free) splines of a space to those of as many orthonormal ones."""
    rule = gauss(space, space.degree + 1)
    table = values_matrix(space, rule, 0) if free is None else values_matrix(space, rule, 0) @ free
    return np.asarray(np.linalg.qr(np.sqrt(rule.weights.ravel())[:, None] * table.toarray(), mode="r"))


class Kernel(Operators):
    """The equations of a slab as `Operators` has them, its coefficients those of velocities without divergence.

    Splines of high degrees are far from orthogonal, in three coordinates by the third power: everything is written in
    orthonormal ones.
    """

    def __init__(
        self,
        operators: Operators,
        lifts: Sequence[Floats],
        axis: int,
        turns: Sequence[dict[int, Floats]],
        basis: Floats,
        base: Floats,
    ) -> None:
        self.axis, self.turns, self.basis, self.base = axis, turns, basis, base
        self.back: list[dict[int, Floats]] = [{a: inverses(item) for a, item in own.items()} for own in turns]
        super().__init__(operators.layout, operators.patch, operators.tests, lifts)

    def matrix(self, field: int, axis: int, order: int) -> Any:
        key = (field, axis, order)
        if axis != self.axis and key not in self._matrices:
            self._matrices[key] = np.asarray(super().matrix(*key) @ self.back[field][axis])
        return super().matrix(*key)

    def _turned(self, full: Floats, by: Sequence[dict[int, Floats]]) -> Floats:
        parts: list[Floats] = []
        for own, table in zip(by, self.layout.split(full), strict=True):
            moves = [own.get(a, np.eye(n)) for a, n in enumerate(table.shape)]
            parts.append(contract(table, moves).ravel())
        return np.concatenate(parts)

    def _spread(self, free: Floats, lifted: bool = True) -> Floats:
        table = self.basis @ free.reshape(self.basis.shape[1], -1)
        return from_time(self.layout, self.axis, table + self.base if lifted else table)

    def reduced(self, full: Floats) -> Floats:
        """The coefficients nearest to those of velocities with divergence."""
        table = by_time(self.layout, self.axis, self._turned(full, self.turns))
        return (self.basis.T @ (table - self.base)).ravel()

    def fields(self, free: Floats, lifts: Sequence[Floats]) -> tuple[Field, ...]:
        return self.layout.fields(self._turned(self._spread(free), self.back), lifts)

    def jets(self, free: Floats, lifted: bool = True) -> list[Floats]:
        return super().jets(self._spread(free, lifted), lifted)

    def against(self, equations: Sequence[Floats]) -> Floats:
        return (self.basis.T @ by_time(self.layout, self.axis, super().against(equations))).ravel()

    def inverse(self, slopes: Sequence[Floats]) -> Callable[[Floats], Floats]:
        """The inverse of the linearised equations, their coefficients averaged over the slab."""
        here, there = self._averaged(slopes) if len(self.places) > 3 else self._frozen(slopes)
        time = TimeModes(self, self.axis)
        factors = time.factors(lambda value: DenseFactor(there + value * here))
        return lambda right: time.solve(right.reshape(self.basis.shape[1], -1), factors).ravel()

    def _frozen(self, slopes: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Matrices without and with a derivative in time, coefficients averaged over time."""
        space, still, moving = space_bands(self, self.axis, slopes)
        back: list[Floats] = []
        for own in self.back:
            block: Floats = np.ones((1, 1))
            for item in own.values():
                block = np.asarray(np.kron(block, item), dtype=float)
            back.append(block)
        sizes = np.cumsum([0, *(len(array) for array in back)])
        basis = np.concatenate(
            [m @ self.basis[a:b] for m, a, b in zip(back, sizes[:-1], sizes[1:], strict=True)]
        )
        basis = basis[np.argsort(space.rank)]
        charge(4 * basis.shape[0] * basis.shape[1] ** 2 / RATE)
        return basis.T @ (still.matrix @ basis), basis.T @ (moving.matrix @ basis)

    def _averaged(self, slopes: Sequence[Floats]) -> tuple[Floats, Floats]:
        """The same with coefficients averaged over space too: sums of products of matrices of one coordinate."""
        along = [a for a in range(len(self.places)) if a != self.axis]
        shapes = [[own[a].size for a in along] for own in self.layout.axes]
        starts = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
        found = np.zeros((2, *self.basis.shape))
        mass = self.patch.mass
        for (e, j), slope in zip(self.patch.compiled.entries, slopes, strict=True):
            f, orders = self.patch.compiled.jets[j]
            test = self.tests[e].field
            table = self.basis[starts[f] : starts[f + 1]].reshape(*shapes[f], -1)
            for n, a in enumerate(along):
                weights = self.patch.rules[a].weights.ravel()[:, None]
                pair = self.matrix(test, a, 0).T @ (weights * self.matrix(f, a, orders[a]))
                table = np.moveaxis(np.tensordot(pair, table, axes=(1, n)), 0, n)
            mean = float((mass * slope).sum() / mass.sum())
            found[orders[self.axis], starts[test] : starts[test + 1]] += mean * table.reshape(
                -1, self.basis.shape[1]
            )
        charge(4 * self.basis.shape[0] * self.basis.shape[1] ** 2 / RATE)
        return self.basis.T @ found[0], self.basis.T @ found[1]


@dataclass(frozen=True, eq=False)
class Solenoidal:
    """What has to be free of divergence, and what the pressure does in the equations.

    Attributes
    ----------
    axis : int
        Number of the coordinate of time.
    pressure : int
        Number of the pressure among the problem's unknowns.
    weights : dict of int to (int, float)
        For every velocity (numbered without the pressure) its coordinate a and weight d_a.
    equations : dict of int to int
        Its equation of motion.
    share : float
        c d_a is what the pressure's derivative along a is multiplied by there.
    inside : Compiled
        The equations of motion without the pressure.
    """

    axis: int
    pressure: int
    weights: dict[int, tuple[int, float]]
    equations: dict[int, int]
    share: float
    inside: Compiled
    _held: dict[str, Any] = field(default_factory=dict, repr=False)

    def whole(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """All unknowns of the problem, the pressure among them."""
        n = self.pressure
        return (*fields[:n], self._pressure_of(fields), *fields[n:])

    def without(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """The unknowns but the pressure."""
        return tuple(fields[: self.pressure]) + tuple(fields[self.pressure + 1 :])

    def leak(self, whole: Sequence[Field]) -> float:
        """The divergence that velocities have at the end of a slab, relative to its terms."""
        fields = self.without(whole)
        spaces = widest(fields)
        at = [s.breaks[-1:] if a == self.axis else gauss(s, s.degree).at(s) for a, s in enumerate(spaces)]
        terms = [
            w * fields[f].grid(at, [int(b == a) for b in range(len(at))])
            for f, (a, w) in self.weights.items()
        ]
        return float(
            np.linalg.norm(sum(terms)) / max(np.sqrt(sum(float((t**2).sum()) for t in terms)), 1e-300)
        )

    def inflow(self, faces: FaceConditions, bounds: Sequence[tuple[float, float]]) -> float:
        """How much more velocities given on the boundary let in than out, as a share of both; the largest of all times."""
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        net: Any = np.zeros(_NODES)
        gross: Any = np.zeros(_NODES)
        for face in faces.built_in:
            a, weight = self.weights.get(face.field, (-1, 0.0))
            if face.face.axis != a:
                continue
            at: list[Any] = [low + (high - low) * (nodes + 1) / 2 for low, high in bounds]
            at[a] = np.array([bounds[a][face.face.high]])
            shape = [len(places) for places in at]
            places = np.meshgrid(*at, indexing="ij")
            found = np.broadcast_to(np.asarray(face.data(*places), dtype=float), shape)
            for b in range(len(bounds)):
                if b not in (a, self.axis):
                    along = weights.reshape([-1 if b == n else 1 for n in range(len(bounds))])
                    found = (found * along).sum(b, keepdims=True) * (bounds[b][1] - bounds[b][0]) / 2
            out = weight * found.ravel() * (1 if face.face.high else -1)
            net, gross = net + out, gross + np.abs(out)
        return float(np.abs(net).max() / max(gross.max(), 1e-300))

    def kernel(self, operators: Operators, spaces: Sequence[Space], lifts: Sequence[Floats]) -> Kernel:
        """The equations of a slab on velocities without divergence."""
        layout = operators.layout
        along = [a for a in range(len(spaces)) if a != self.axis]
        reductions = [own[a].reduction for own in layout.axes for a in along]
        held = self._held.get("basis")
        if held is None or any(a is not b for a, b in zip(held[0], reductions, strict=True)):
            turns = [{a: triangle(own[a].space, own[a].reduction.free) for a in along} for own in layout.axes]
            outer = {a: triangle(spaces[a].lowered(1)) for a in along}
            rows = int(np.prod([len(item) for item in outer.values()]))
            blocks = [np.zeros((rows, int(np.prod([own[a].size for a in along])))) for own in layout.axes]
            for f, (_, weight) in self.weights.items():
                block = np.full((1, 1), weight)
                for a in along:
                    free = self._slope(f, a, spaces) @ layout.axes[f][a].reduction.free
                    block = np.kron(block, outer[a] @ free @ np.linalg.inv(turns[f][a]))
                blocks[f] = block
            held = (reductions, turns, outer, NullSpace(np.concatenate(blocks, axis=1)))
            self._held["basis"] = held
        _, turns, outer, null = held
        asked: Any = 0.0
        for f, (_, weight) in self.weights.items():
            own = layout.axes[f]
            moves = [
                np.eye(own[a].space.size)[own[a].reduction.own]
                if a == self.axis
                else outer[a] @ self._slope(f, a, spaces)
                for a in range(len(spaces))
            ]
            asked = asked + weight * contract(lifts[f], moves)
        wanted = np.moveaxis(asked, self.axis, -1).reshape(-1, asked.shape[self.axis])
        return Kernel(operators, lifts, self.axis, turns, null.basis, null.particular(-wanted))

    def _slope(self, f: int, axis: int, spaces: Sequence[Space]) -> Floats:
        """Along a coordinate, from the coefficients of a velocity to those of its divergence."""
        low = spaces[axis].lowered(1)
        across = axis != self.weights[f][0]
        return np.eye(low.size) if across else low.interpolation @ spaces[axis].design(low.greville, 1)

    def _pressure_of(self, fields: Sequence[Field]) -> Field:
        """The pressure whose gradient leaves least of the equations of motion, with mean zero."""
        first = next(iter(self.weights))
        time = fields[0].spaces[self.axis]
        own = {a: fields[f].spaces[a] for f, (a, _) in self.weights.items()}
        other = fields[first].spaces
        spaces = [
            time if a == self.axis else (own[a].lowered(1) if a in own else other[a])
            for a in range(len(other))
        ]
        rules = tuple(gauss(s, s.degree + (1 if a == self.axis else 3)) for a, s in enumerate(spaces))
        patch = Patch(self.inside, rules)
        places = [rule.at(s) for rule, s in zip(rules, spaces, strict=True)]
        shaped = patch.places(spaces)
        jets = [fields[f].grid(places, orders) for f, orders in self.inside.jets]
        found = self.inside.residuals(shaped, jets)
        charge(20 * found[0].size * spaces[0].live / RATE)
        right: Any = 0.0
        matrices = {
            (a, order): np.asarray(values_matrix(s, rules[a], order).toarray())
            for a, s in enumerate(spaces)
            if a != self.axis
            for order in (0, 1)
        }
        masses = {a: rules[a].weights.ravel()[:, None] for a in range(len(spaces)) if a != self.axis}
        for f, (along, weight) in self.weights.items():
            tests = [
                np.eye(time.size) if a == self.axis else (matrices[a, int(a == along)] * masses[a]).T
                for a in range(len(spaces))
            ]
            right = right - weight * self.share * contract(np.array(found[self.equations[f]]), tests)
        coefficients, values = right, np.zeros([1] * len(spaces))
        back: list[Floats] = []
        scale = {a: (w * self.share) ** 2 for a, w in self.weights.values()}
        for a in range(len(spaces)):
            if a == self.axis:
                back.append(inverses(time.design(places[a])))
                continue
            mass = matrices[a, 0].T @ (masses[a] * matrices[a, 0])
            stiff = matrices[a, 1].T @ (masses[a] * matrices[a, 1])
            own_values, vectors = eigh(stiff, mass)
            own_values[0] = 0.0
            values = values + scale.get(a, 0.0) * own_values.reshape(
                [-1 if a == b else 1 for b in range(len(spaces))]
            )
            back.append(np.asarray(vectors))
        forward = [np.eye(time.size) if a == self.axis else array.T for a, array in enumerate(back)]
        modes = contract(coefficients, forward)
        # What is constant in space is free: with none of it the mean is zero.
        modes = np.where(values > 0, modes / np.where(values > 0, values, 1.0), 0.0)
        return Field(tuple(spaces), contract(modes, back))


def solenoidal(
    problem: Problem, faces: FaceConditions, axis: int
) -> tuple[Solenoidal, FaceConditions] | None:
    """The flow in a problem that marches along a coordinate of time; None where it has no such part.

    One equation states that the divergence of velocities is zero, and one unknown, without conditions, is in the equations
    of their motion by its gradient alone.
    """
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    residuals = [sp.expand(equation.residual.doit()) for equation in problem.equations]
    clock = symbols[axis]
    found = [(e, _divergence(r, problem.fields, symbols, axis)) for e, r in enumerate(residuals)]
    at = [(e, weights) for e, weights in found if weights]
    still = [
        f for f, u in enumerate(problem.fields) if not any(r.has(sp.Derivative(u, clock)) for r in residuals)
    ]
    if len(at) != 1 or len(still) != 1 or len(residuals) != len(problem.fields) or faces.weak:
        return None
    (own, weights), p = at[0], still[0]
    if (
        p in weights
        or any(face.field == p for face in faces.built_in)
        or len({a for a, _ in weights.values()}) != len(weights)
    ):
        return None
    motion: dict[int, int] = {}
    shares: list[Any] = []
    left: list[Any] = []
    for residual in (r for e, r in enumerate(residuals) if e != own):
        gradient = {
            d: residual.coeff(d) for d in residual.atoms(sp.Derivative) if d.expr == problem.fields[p]
        }
        rest = residual - sum(c * d for d, c in gradient.items())
        if sp.expand(rest).has(problem.fields[p]) or len(gradient) > 1:
            return None
        for d, c in gradient.items():
            mover = [f for f, (a, _) in weights.items() if d.variables == (symbols[a],)]
            if not mover or not c.is_number or not rest.has(sp.Derivative(problem.fields[mover[0]], clock)):
                return None
            motion[mover[0]] = len(left)
            shares.append(c / weights[mover[0]][1])
        left.append(sp.expand(rest))
    ends = {(face.field, face.face.axis): [] for face in faces.built_in}
    for face in faces.built_in:
        ends[face.field, face.face.axis].append(len(face.end.weights))
    held = all(problem.domain.periodic[a] or ends.get((f, a)) == [1, 1] for f, (a, _) in weights.items())
    if (
        set(motion) != set(weights)
        or not held
        or any(abs(c - shares[0]) > 1e-12 * abs(shares[0]) for c in shares)
    ):
        return None
    moved = lambda f: f - (f > p)  # noqa: E731
    fields = [u for f, u in enumerate(problem.fields) if f != p]
    made = Solenoidal(
        axis,
        p,
        {moved(f): (a, float(w)) for f, (a, w) in weights.items()},
        {moved(f): e for f, e in motion.items()},
        float(shares[0]),
        compile_equations(left, fields, symbols),
    )
    return made, FaceConditions(tuple(replace(face, field=moved(face.field)) for face in faces.built_in), ())


def _divergence(
    residual: Any, fields: Sequence[Any], symbols: Sequence[Any], axis: int
) -> dict[int, tuple[int, Any]]:
    """Which unknowns, along which coordinates and with which weights an equation states to have no divergence."""
    weights: dict[int, tuple[int, Any]] = {}
    for term in sp.Add.make_args(residual):
        weight, rest = term.as_independent(sp.Derivative)
        if not isinstance(rest, sp.Derivative) or not weight.is_number or len(rest.variables) != 1:
            return {}
        a = list(symbols).index(rest.variables[0])
        f = list(fields).index(rest.expr) if rest.expr in fields else -1
        if f < 0 or f in weights or a == axis:
            return {}
        weights[f] = (a, weight)
    return weights if len(weights) > 1 else {}


def degrees_of(flow: Solenoidal, count: int, coordinates: int) -> tuple[tuple[int, ...], ...]:
    """How much lower the degrees of each unknown are along each coordinate."""
    return tuple(
        tuple(
            int(f in flow.weights and a != flow.axis and a != flow.weights[f][0]) for a in range(coordinates)
        )
        for f in range(count)
    )
