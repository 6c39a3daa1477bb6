"""Programs of others and a perceptron for the problems of `equation_terms.py`.

Functions take a problem and CPU seconds, and return what evaluates the answer on a grid, and how many coefficients it has.
"""

from __future__ import annotations

import os
from itertools import pairwise, product
from typing import Any

import numpy as np
import torch
from _common import Clock
from equation_spectral import Answer, block, on_grid, segment
from equation_terms import Residuals, Terms
from matplotlib.tri import Triangulation
from scipy.stats import qmc
from torch import Tensor

from edgewise.training.second_order import lm

SEED = 0
# Of a condition beside an equation, as a factor of its rows: the square root of a weight.
CONDITIONS = 10.0


def scattered(terms: Terms, count: int) -> np.ndarray:
    """About so many quasi-random places in the domain."""
    (x0, x1), (y0, y1) = terms.bounds
    unit = qmc.Sobol(2, seed=SEED).random_base2(int(np.ceil(np.log2(count))))[:count]
    at = np.array([x0, y0]) + unit * np.array([x1 - x0, y1 - y0])
    return at[terms.inside(at)]


# --- finite elements ------------------------------------------------------------


def scikit_fem(terms: Terms, seconds: float) -> Answer:
    """Quadratic triangles for -lap u = 1, meshes refined where the flux jumps (its example 22, half of the largest) until
    the seconds are spent."""
    import skfem
    from skfem.helpers import dot, grad

    clock = Clock()
    mesh = skfem.MeshTri.init_lshaped().refined(2)
    laplace = skfem.BilinearForm(lambda u, v, w: dot(grad(u), grad(v)))
    one = skfem.LinearForm(lambda v, w: 1.0 * v)
    while True:
        began = clock.seconds
        basis = skfem.Basis(mesh, skfem.ElementTriP2())
        u = skfem.solve(*skfem.condense(laplace.assemble(basis), one.assemble(basis), D=basis.get_dofs()))
        if clock.seconds + 2.2 * (clock.seconds - began) > seconds:
            break
        faces = [skfem.InteriorFacetBasis(mesh, skfem.ElementTriP2(), side=side) for side in (0, 1)]
        slopes = {f"u{side}": face.interpolate(u) for side, face in enumerate(faces)}
        jump = skfem.Functional(lambda w: w.h * dot(grad(w["u0"]) - grad(w["u1"]), w.n) ** 2)
        over = np.zeros(mesh.facets.shape[1])
        np.add.at(over, faces[0].find, jump.elemental(faces[0], **slopes))
        errors = over[mesh.t2f].sum(0)
        mesh = mesh.refined(skfem.adaptive_theta(errors, theta=0.5))

    def at_points(at: np.ndarray) -> np.ndarray:
        # Its own search for triangles compares all with all where one place is not found.
        cells = Triangulation(*mesh.p, mesh.t.T).get_trifinder()(*at.T)
        found, values = cells >= 0, np.zeros(len(at))
        local = basis.mapping.invF(at[found].T[:, :, None], tind=cells[found])
        for k in range(basis.Nbfun):
            shape = basis.elem.gbasis(basis.mapping, local, k, tind=cells[found])[0]
            values[found] += u[basis.element_dofs[k, cells[found]]] * np.asarray(shape.value)[:, 0]
        return values[:, None]

    return on_grid(at_points), len(u)


# --- random features ------------------------------------------------------------


class SpentError(Exception):
    """The seconds are over."""


class Featured:
    """A problem as FastLSQ takes it."""

    name = "terms"
    dim = 2

    def __init__(self, terms: Terms, clock: Clock, seconds: float) -> None:
        self.terms, self.clock, self.seconds = terms, clock, seconds
        self.n_outputs, self.solver = len(terms.unknowns), None

    def get_train_data(self, n_pde: int, n_bc: int) -> tuple[Tensor, list[Any], Tensor]:
        at, s = scattered(self.terms, n_pde), np.random.default_rng(SEED)
        each = n_bc // len(self.terms.conditions)
        sides = [(segment(a, b, s.random(each)), rows) for a, b, rows in self.terms.conditions]
        return torch.as_tensor(at), sides, torch.zeros(len(at), 1)

    def build_newton_step(
        self, solver: Any, x: Tensor, sides: list[Any], force: Tensor
    ) -> tuple[Tensor, Tensor]:
        if self.clock.seconds > self.seconds:
            raise SpentError
        self.solver, beta = solver, solver.beta
        found = [self._rows(self.terms.equations, x.numpy(), 1.0, solver, beta)]
        # Its own problems weigh conditions a hundredfold.
        found += [self._rows(rows, at, 100.0, solver, beta) for at, rows in sides]
        return torch.cat([jacobian for jacobian, _ in found]), torch.cat([right for _, right in found])

    def build(self, solver: Any, x: Tensor, sides: list[Any], force: Tensor) -> tuple[Tensor, Tensor]:
        solver.beta = torch.zeros(solver.n_features, self.n_outputs)
        self.left, self.right = self.build_newton_step(solver, x, sides, force)
        return self.left, self.right

    def _rows(
        self, rows: Residuals, at: np.ndarray, weight: float, solver: Any, beta: Tensor
    ) -> tuple[Tensor, Tensor]:
        places = torch.as_tensor(at)
        basis = {o: solver.basis.derivative(places, (o.count("x"), o.count("y"))) for o in self.terms.orders}
        residual, jacobian = block(rows, self.terms, at, basis, beta.T)
        return weight * jacobian, -weight * residual[:, None]


def fastlsq(terms: Terms, seconds: float) -> Answer:
    """FastLSQ with its 1,500 features, over all unknowns. Linear: of the scales 2, 5, 10, 15 that whose 300 features leave
    the least residual (its own choice looks at the exact solution). Not linear: Newton at 5 until it stops or time is up."""
    from fastlsq import solve_linear, solve_nonlinear

    problem = Featured(terms, Clock(), float("inf") if terms.linear else seconds)
    options: dict[str, Any] = {"return_metrics": False, "return_solver": True, "verbose": False}
    size = 500 // len(terms.unknowns)
    if terms.linear:
        left: dict[float, float] = {}
        for scale in (2.0, 5.0, 10.0, 15.0):
            torch.manual_seed(SEED)
            tried = solve_linear(problem, scale=scale, hidden_size=100, **options)["solver"]
            left[scale] = float((problem.left @ tried.beta - problem.right).norm())
        torch.manual_seed(SEED)
        best = min(left, key=lambda scale: left[scale])
        solver = solve_linear(problem, scale=best, hidden_size=size, **options)["solver"]
    else:
        torch.manual_seed(SEED)
        try:
            solver = solve_nonlinear(problem, scale=5.0, hidden_size=size, **options)["solver"]
        except SpentError:
            solver = problem.solver
    return on_grid(lambda at: solver.predict(torch.as_tensor(at)).numpy()), solver.beta.numel()


# --- perceptrons ------------------------------------------------------------


class Residual:
    """Half the squared residuals of a perceptron, as edgewise's Levenberg-Marquardt takes it."""

    def __init__(self, terms: Terms, shape: tuple[int, ...], inside: int = 1500, along: int = 60) -> None:
        self.terms, self.shape = terms, shape
        (x0, x1), (y0, y1) = terms.bounds
        self.scale = torch.tensor([2 / (x1 - x0), 2 / (y1 - y0)], dtype=torch.float64)
        self.middle = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2], dtype=torch.float64)
        s = (np.arange(along) + 0.5) / along
        sides = [(rows, segment(a, b, s), CONDITIONS) for a, b, rows in terms.conditions]
        self.parts = [
            (rows, torch.as_tensor(at), weight / len(at) ** 0.5)
            for rows, at, weight in [(terms.equations, scattered(terms, inside), 1.0), *sides]
        ]

    def start(self) -> Tensor:
        """As torch's layers start."""
        torch.manual_seed(SEED)
        layers = [torch.nn.Linear(i, o, dtype=torch.float64) for i, o in pairwise(self.shape)]
        return torch.cat([torch.cat([layer.weight.T.reshape(-1), layer.bias]) for layer in layers]).detach()

    def jets(self, theta: Tensor, at: Tensor) -> dict[tuple[str, str], Tensor]:
        """Values and derivatives at places (..., 2), carried forward through the layers."""
        v, zero = (at - self.middle) * self.scale, torch.zeros_like(at)
        d = [zero + self.scale * axis for axis in torch.eye(2, dtype=torch.float64)]
        dd, place = [zero, zero], 0
        for n, (i, o) in enumerate(pairwise(self.shape)):
            w, b = theta[place : place + i * o].reshape(i, o), theta[place + i * o : place + i * o + o]
            place += i * o + o
            v, d, dd = v @ w + b, [item @ w for item in d], [item @ w for item in dd]
            if n < len(self.shape) - 2:
                v = torch.tanh(v)
                slope = 1 - v**2
                dd = [slope * (second - 2 * v * first**2) for first, second in zip(d, dd, strict=True)]
                d = [slope * first for first in d]
        table = {"": v, "x": d[0], "y": d[1], "xx": dd[0], "yy": dd[1]}
        return {
            (name, o): column[..., k]
            for o, column in table.items()
            for k, name in enumerate(self.terms.unknowns)
        }

    def residuals(self, theta: Tensor, rows: Residuals, at: Tensor) -> Tensor:
        return torch.stack(rows(self.jets(theta, at), at[..., 0], at[..., 1]), -1)

    def value(self, theta: Tensor) -> float:
        parts = (weight * self.residuals(theta, rows, at) for rows, at, weight in self.parts)
        return 0.5 * sum(float(part.square().sum()) for part in parts)

    def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
        lefts: list[Tensor] = []
        rights: list[Tensor] = []
        for rows, at, weight in self.parts:

            def one(theta: Tensor, place: Tensor, rows: Residuals = rows) -> tuple[Tensor, Tensor]:
                found = self.residuals(theta, rows, place)
                return found, found

            jacobian, found = torch.vmap(torch.func.jacrev(one, has_aux=True), (None, 0))(theta, at)
            lefts.append(weight * jacobian.reshape(-1, len(theta)))
            rights.append(weight * found.reshape(-1))
        left, right = torch.cat(lefts), torch.cat(rights)
        return 0.5 * float(right.square().sum()), left.T @ right, left.T @ left


def perceptron(terms: Terms, seconds: float) -> Answer:
    """tanh, [2, 20, 20, unknowns], derivatives carried forward, edgewise's Levenberg-Marquardt, 1,500 places and 60 a side
    until the seconds are spent or no step is better."""
    clock = Clock()
    objective = Residual(terms, (2, 20, 20, len(terms.unknowns)))
    state = lm.start(objective, objective.start())
    while clock.seconds < seconds and not state.stuck:
        state = lm.step(objective, state)
    theta = state.theta

    def at_points(at: np.ndarray) -> np.ndarray:
        jets = objective.jets(theta, torch.as_tensor(at))
        return np.stack([jets[name, ""].numpy() for name in terms.unknowns], -1)

    return on_grid(at_points), len(theta)


def deepxde(terms: Terms, seconds: float) -> Answer:
    """DeepXDE in float64: tanh, three layers of 20, 2,540 places and 80 on a side (its Burgers example), L-BFGS with its own
    settings until the seconds are spent."""
    os.environ["DDE_BACKEND"] = "pytorch"
    import deepxde as dde

    clock = Clock()
    dde.config.set_default_float("float64")
    dde.config.set_random_seed(SEED)
    # Calls of 20 steps, between which the clock is looked at, instead of 1,000.
    dde.optimizers.config.LBFGS_options.update(iter_per_step=20, fun_per_step=25)

    def jets(x: Tensor, y: Tensor) -> dict[tuple[str, str], Tensor]:
        found: dict[tuple[str, str], Tensor] = {}
        for (k, name), order in product(enumerate(terms.unknowns), terms.orders):
            axes = ["xy".index(letter) for letter in order]
            if not axes:
                found[name, order] = y[:, k : k + 1]
            elif len(axes) == 1:
                found[name, order] = dde.grad.jacobian(y, x, i=k, j=axes[0])
            else:
                found[name, order] = dde.grad.hessian(y, x, component=k, i=axes[0], j=axes[1])
        return found

    def equation(x: Tensor, y: Tensor) -> list[Tensor]:
        return terms.equations(jets(x, y), x[:, :1], x[:, 1:])

    (x0, x1), (y0, y1) = terms.bounds
    shape = dde.geometry.Rectangle([x0, y0], [x1, y1]) if terms.box else dde.geometry.Polygon(terms.corners)
    s, conditions = (np.arange(80) + 0.5) / 80, []
    for a, b, rows in terms.conditions:
        # One condition for each residual of a segment.
        probe = {(name, order): torch.zeros(1) for name, order in product(terms.unknowns, terms.orders)}
        for n in range(len(rows(probe, torch.zeros(1), torch.zeros(1)))):

            def one(x: Tensor, y: Tensor, _: Any, rows: Residuals = rows, n: int = n) -> Tensor:
                return rows(jets(x, y), x[:, :1], x[:, 1:])[n]

            conditions.append(dde.icbc.PointSetOperatorBC(segment(a, b, s), 0.0, one))
    data = dde.data.PDE(shape, equation, conditions, num_domain=2540, num_boundary=0)
    net = dde.nn.FNN([2, 20, 20, 20, len(terms.unknowns)], "tanh", "Glorot normal")
    model = dde.Model(data, net)

    class Spent(dde.callbacks.Callback):
        def on_epoch_end(self) -> None:
            if clock.seconds > seconds:
                self.model.stop_training = True

    model.compile("L-BFGS", verbose=0)
    model.train(callbacks=[Spent()], verbose=0)
    return on_grid(model.predict), sum(p.numel() for p in net.parameters())
