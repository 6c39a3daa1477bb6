"""Problems in solids: closed forms, orders of convergence, fluxes that balance, conditions of every kind, files."""

import numpy as np
import pytest
import trimesh

from edgewise import FileError, InputError, pde
from edgewise.pde.discretisation.galerkin import Galerkin
from edgewise.pde.discretisation.simplices import simplex_mesh
from edgewise.pde.domains.tetrahedra import fill
from edgewise.pde.problem.weak import weak_form
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.solvers.mesh_levels import solve_mesh

X, Y, Z = XYZ = pde.coordinates("x", "y", "z")
U = pde.unknown("u", *XYZ)
MAKE = trimesh.creation


def cube(**options):
    mesh = MAKE.box()
    mesh.apply_translation([0.5, 0.5, 0.5])
    return pde.solid(mesh, XYZ, **options)


def sines():
    return pde.sin(pde.pi * X) * pde.sin(pde.pi * Y) * pde.sin(pde.pi * Z)


def relative(solution, exact, count=4000):
    """Relative L2 distance from a closed form at random places inside."""
    r = np.random.default_rng(0)
    at = np.stack([r.uniform(low, high, count) for low, high in solution.problem.domain.bounds], axis=1)
    at = at[solution.problem.domain.contains(at)]
    wanted = exact(*at.T)
    return np.sqrt(((solution(*at.T) - wanted) ** 2).sum() / (wanted**2).sum())


def told(solution, exact):
    true = relative(solution, exact)
    assert solution.solved, solution.message
    assert solution.error / 5 < true < 3 * solution.error
    return true


@pytest.mark.slow
def test_sines_in_a_cube():
    solid = cube()
    problem = pde.Problem(
        solid, [-pde.lap(U) == 3 * pde.pi**2 * sines()], pde.on(solid.boundary["walls"], U == 0)
    )
    solution = pde.solve(problem, 1e-6)
    true = told(solution, lambda x, y, z: np.sin(np.pi * x) * np.sin(np.pi * y) * np.sin(np.pi * z))
    assert true < 1e-6
    assert solution.road == "mesh"
    at = 0.3, 0.4, 0.6
    slope = np.pi * np.cos(np.pi * 0.3) * np.sin(np.pi * 0.4) * np.sin(np.pi * 0.6)
    assert solution(*at, derivative={X: 1}) == pytest.approx(slope, rel=1e-4)
    assert solution.evaluate(pde.lap(U), *at) == pytest.approx(-3 * np.pi**2 * solution(*at), rel=1e-2)
    assert solution.integral(U) == pytest.approx((2 / np.pi) ** 3, rel=1e-6)
    # What flows out is what springs inside.
    assert solution.integral(-pde.dn(U), "walls") == pytest.approx(3 * np.pi**2 * (2 / np.pi) ** 3, rel=1e-7)
    assert solution.integral(-pde.dn(U), "patch 1") == pytest.approx(4 / np.pi, rel=1e-3)
    assert np.isnan(solution.grid([-0.1, 0.5], [0.5], [0.5])).ravel().tolist() == [True, False]
    with pytest.raises(InputError, match="from 0 to 1 only"):
        solution(2.0, 0.5, 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_halved_tetrahedra_lower_the_error_by_two_to_the_degree_plus_one(degree):
    solid = cube()
    smooth = pde.exp(X + Y / 2) * pde.cos(Z)
    problem = pde.Problem(
        solid, [-pde.lap(U) == -0.25 * smooth], pde.on(solid.boundary["walls"], U - smooth == 0)
    )
    errors = []
    for width in (0.5, 0.25) if degree > 1 else (0.25, 0.125):
        mesh = simplex_mesh(fill(solid, width, np.zeros((0, 3)), np.zeros(0)))
        level = solve_mesh(Galerkin(mesh, weak_form(problem), degree), None)
        s = level.pieces._sampling(0)
        x, y, z = np.moveaxis(s.places, 2, 0)
        apart = level.pieces.fields[0].jets(s)[0] - np.exp(x + y / 2) * np.cos(z)
        errors.append((np.sqrt((s.mass * apart**2).sum()), mesh.count))
    (coarse, few), (fine, many) = errors
    order = 3 * np.log(coarse / fine) / np.log(many / few)
    assert order == pytest.approx(degree + 1, abs=0.6)


@pytest.mark.slow
def test_fluxes_and_exchange_through_named_parts():
    # A bar: given at one end, exchange at the other, nothing through the sides: linear along it.
    bar = pde.solid(MAKE.box(extents=(4, 1, 1)), XYZ, names={"cold": "-x", "hot": (2, 0, 0)})
    parts = bar.boundary
    problem = pde.Problem(
        bar,
        [pde.lap(U) == 0],
        [
            pde.on(parts["cold"], U == 1),
            pde.on(parts["hot"], pde.dn(U) + 2 * U == 5),
            pde.on(parts["rest"], pde.dn(U) == 0),
        ],
    )
    solution = pde.solve(problem, 1e-9)
    slope = 3 / 9
    assert relative(solution, lambda x, y, z: 1 + slope * (x + 2)) < 1e-10
    assert solution.integral(pde.dn(U), "hot") == pytest.approx(slope, rel=1e-9)
    assert solution.integral(pde.normal(X, Y, Z)[0] * U, "hot") == pytest.approx(1 + 4 * slope, rel=1e-9)


@pytest.mark.slow
def test_a_tensor_of_conductivities_and_fluxes_along_the_normal():
    solid = cube()
    exact = pde.sin(X + 2 * Y) * pde.exp(Z)
    own = (
        pde.dx(U, X, 2)
        + 3 * pde.dx(U, Y, 2)
        + 2 * pde.dx(U, Z, 2)
        + pde.dx(pde.dx(U, X), Y)
        + X * pde.dx(U, Z)
    )
    wanted = (-1 - 12 + 2 - 2 + X) * exact
    n = pde.normal(X, Y, Z)
    s, c = pde.sin(X + 2 * Y) * pde.exp(Z), pde.cos(X + 2 * Y) * pde.exp(Z)
    flux = n[0] * (c + c) + n[1] * (6 * c + c / 2) + n[2] * 2 * s
    given = (
        n[0] * (pde.dx(U, X) + pde.dx(U, Y) / 2)
        + n[1] * (3 * pde.dx(U, Y) + pde.dx(U, X) / 2)
        + n[2] * (2 * pde.dx(U, Z))
    )
    sides = solid.boundary
    problem = pde.Problem(
        solid,
        [own == wanted],
        [
            pde.on(sides["patch 1"] | sides["patch 2"] | sides["patch 3"], U - exact == 0),
            pde.on(sides["patch 4"] | sides["patch 5"] | sides["patch 6"], given == flux),
        ],
    )
    solution = pde.solve(problem, 1e-4)
    assert told(solution, lambda x, y, z: np.sin(x + 2 * y) * np.exp(z)) < 1e-4


@pytest.mark.slow
def test_a_nonlinear_source():
    solid = cube()
    exact = X * Y + Z**2
    problem = pde.Problem(
        solid, [pde.lap(U) - U**3 == 2 - exact**3], pde.on(solid.boundary["walls"], U - exact == 0)
    )
    solution = pde.solve(problem, 1e-8)
    assert relative(solution, lambda x, y, z: x * y + z**2) < 1e-8


@pytest.mark.slow
def test_two_unknowns():
    solid = cube()
    v = pde.unknown("v", *XYZ)
    problem = pde.Problem(
        solid,
        [pde.lap(U) == v, pde.lap(v) == 0],
        pde.on(solid.boundary["walls"], U == X**3 + Y * Z, v == 6 * X),
    )
    solution = pde.solve(problem, 1e-8)
    at = np.random.default_rng(0).random((3, 200))
    np.testing.assert_allclose(solution(*at, unknown="u"), at[0] ** 3 + at[1] * at[2], atol=1e-9)
    np.testing.assert_allclose(solution(*at, unknown="v"), 6 * at[0], atol=1e-9)


@pytest.mark.slow
def test_a_ball_of_facets_is_as_near_to_the_round_one_as_its_sagitta():
    ball = pde.solid(MAKE.icosphere(subdivisions=2), XYZ)
    problem = pde.Problem(ball, [-pde.lap(U) == 6], pde.on(ball.boundary["walls"], U == 0))
    solution = pde.solve(problem, 5e-3)
    assert solution.solved
    assert "flat facets, which lie up to about 1.9e-02 off" in solution.message
    # On the round ball the answer is 1 - r^2, whose slope at the rim is -2.
    assert solution(0, 0, 0) == pytest.approx(1, abs=2 * ball.sagitta)
    assert solution.integral(-pde.dn(U), "walls") == pytest.approx(6 * ball.volume, rel=1e-9)


@pytest.mark.slow
def test_only_fluxes_leave_a_constant_that_is_made_zero_in_the_mean():
    solid = cube()
    wave = pde.cos(pde.pi * X)
    problem = pde.Problem(
        solid, [-pde.lap(U) == pde.pi**2 * wave], pde.on(solid.boundary["walls"], pde.dn(U) == 0)
    )
    solution = pde.solve(problem, 1e-4)
    assert relative(solution, lambda x, y, z: np.cos(np.pi * x)) < 1e-4
    assert solution.integral(U) == pytest.approx(0, abs=1e-9)
    unbalanced = pde.Problem(solid, [-pde.lap(U) == 1], pde.on(solid.boundary["walls"], pde.dn(U) == 0))
    assert "do not balance" in pde.solve(unbalanced, 1e-3).message


def ell():
    """A prism over an L, whose edge at x = y = 0 the solid goes around by three quarters of a turn."""
    rim = [(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)]
    places = [(x, y, z) for z in (0, 1) for x, y in rim]
    ends = [(0, n, n + 1) for n in range(1, 5)]
    sides = [(n, (n + 1) % 6) for n in range(6)]
    facets = [(a, c, b) for a, b, c in ends] + [(a + 6, b + 6, c + 6) for a, b, c in ends]
    facets += [facet for a, b in sides for facet in ((a, b, b + 6), (a, b + 6, a + 6))]
    return pde.solid(trimesh.Trimesh(places, facets, process=False), XYZ)


@pytest.mark.slow
def test_an_edge_where_slopes_grow_without_bound():
    solid = ell()
    exact = (X**2 + Y**2) ** (1 / 3) * pde.sin(2 * (pde.atan2(-Y, -X) + pde.pi) / 3)
    problem = pde.Problem(solid, [pde.lap(U) == 0], pde.on(solid.boundary["walls"], U - exact == 0))
    solution = pde.solve(problem, 4e-3)
    told(
        solution,
        lambda x, y, z: np.hypot(x, y) ** (2 / 3) * np.sin(2 * (np.arctan2(-y, -x) + np.pi) / 3),
    )


@pytest.mark.slow
def test_tetrahedra_that_cannot_be_made_smaller_leave_the_answer_of_the_others(monkeypatch):
    calls = []

    def once(*arguments):
        if calls:
            raise InputError("The solid could not be filled.")
        calls.append(arguments)
        return fill(*arguments)

    monkeypatch.setattr("edgewise.pde.solvers.refinement.fill", once)
    solid = ell()
    problem = pde.Problem(solid, [pde.lap(U) == -1], pde.on(solid.boundary["walls"], U == 0))
    solution = pde.solve(problem, 1e-9)
    assert not solution.solved
    assert 1e-9 < solution.error < 0.1


@pytest.mark.slow
def test_problems_that_are_none_are_told():
    solid = cube()
    with pytest.raises(InputError, match="has no condition for 'u'"):
        pde.solve(pde.Problem(solid, [pde.lap(U) == 1], pde.on(solid.boundary["patch 1"], U == 0)))
    named = cube(names={"lid": "+z"}).boundary
    jump = pde.Problem(
        cube(names={"lid": "+z"}),
        [pde.lap(U) == 0],
        [pde.on(named["lid"], U == 1), pde.on(named["rest"], U == 0)],
    )
    assert "contradict each other" in pde.solve(jump, 1e-2, work="quick").message
    with pytest.raises(InputError, match="derivatives up to the second order"):
        pde.solve(pde.Problem(solid, [pde.lap(pde.lap(U)) == 1], pde.on(solid.boundary["walls"], U == 0)))


@pytest.mark.slow
def test_large_systems_solved_step_by_step_are_those_factorised(monkeypatch):
    solid = cube()
    exact = pde.exp(X - Y) * Z
    problem = pde.Problem(
        solid,
        [pde.lap(U) + pde.dx(U, X) - U == 2 * exact],
        pde.on(solid.boundary["walls"], U - exact == 0),
    )
    mesh = simplex_mesh(fill(solid, 0.25, np.zeros((0, 3)), np.zeros(0)))
    galerkin = Galerkin(mesh, weak_form(problem), 3)
    direct = solve_mesh(galerkin, None)
    monkeypatch.setattr("edgewise.pde.discretisation.condensed.MOST_DIRECT", 10)
    steps = solve_mesh(galerkin, None)
    assert steps.converged
    np.testing.assert_allclose(steps.values, direct.values, atol=1e-8)


@pytest.mark.slow
def test_values_at_places_are_those_of_the_element_that_holds_them():
    solid = pde.solid(MAKE.annulus(0.5, 1, 1, sections=12), XYZ)
    mesh = simplex_mesh(fill(solid, 1.0, np.zeros((0, 3)), np.zeros(0)))
    problem = pde.Problem(solid, [pde.lap(U) == 0], pde.on(solid.boundary["walls"], U == X * Y - Z**2 + X**2))
    galerkin = Galerkin(mesh, weak_form(problem), 2)
    values = np.zeros(galerkin.count)
    numbers, places = galerkin.nodes(0)
    values[numbers] = places[:, 0] * places[:, 1] - places[:, 2] ** 2
    pieces = MeshPieces(galerkin.fields(values))
    at = np.random.default_rng(1).uniform(-1.1, 1.1, (3000, 3))
    found = pieces.points(0, at, (0, 0, 0))
    np.testing.assert_array_equal(np.isnan(found), ~solid.contains(at))
    inside = ~np.isnan(found)
    np.testing.assert_allclose(found[inside], (at[:, 0] * at[:, 1] - at[:, 2] ** 2)[inside], atol=1e-12)
    mixed = pieces.points(0, at[inside], (1, 1, 0))
    np.testing.assert_allclose(mixed, 1.0, atol=1e-9)
    assert galerkin.mean(values, 0) == pytest.approx(galerkin.moments(values).sum() / solid.volume)


@pytest.mark.slow
def test_a_solution_comes_back_from_its_file_to_the_bit(tmp_path):
    solid = cube(names={"floor": "-z"})
    sides = solid.boundary
    problem = pde.Problem(
        solid,
        [-pde.lap(U) == 1],
        [pde.on(sides["floor"], U == X), pde.on(sides["rest"], pde.dn(U) == Y)],
    )
    solution = pde.solve(problem, 1e-2)
    solution.save(tmp_path / "s.kan")
    again = pde.Solution.load(tmp_path / "s.kan")
    assert again.to_dict() == solution.to_dict()
    at = np.random.default_rng(0).random((3, 50))
    np.testing.assert_array_equal(again(*at), solution(*at))
    assert again.integral(pde.dn(U), "floor") == solution.integral(pde.dn(U), "floor")
    again.save(tmp_path / "t.kan")
    assert (tmp_path / "s.kan").read_bytes() == (tmp_path / "t.kan").read_bytes()
    content = (tmp_path / "s.kan").read_bytes()
    (tmp_path / "s.kan").write_bytes(content[:-9] + b"\x01" + content[-8:])
    with pytest.raises(FileError, match="damaged"):
        pde.Solution.load(tmp_path / "s.kan")


TOML = """
unknowns = ["u"]
equations = ["lap(u) = 0"]
tolerance = 1e-4
[domain]
solid = "bar.stl"
scale = 0.5
[domain.names]
ends = ["-x", [1, 0, 0]]
[conditions]
ends = "u = x"
rest = "dn(u) = 0"
"""


@pytest.mark.slow
def test_a_file_names_the_file_of_its_solid(tmp_path):
    MAKE.box(extents=(4, 1, 1)).export(tmp_path / "bar.stl")
    (tmp_path / "bar.toml").write_text(TOML)
    found = pde.load_problem(tmp_path / "bar.toml")
    solution = pde.solve(found.problem, found.tolerance)
    assert solution(0.7, 0.1, 0.2) == pytest.approx(0.7)
    assert len(solution.plot().axes) >= 3
    for ask in (solution.formula, solution.network):
        with pytest.raises(InputError, match="boxes"):
            ask()
    assert len(solution.plot(show="surface").axes) == 3


@pytest.mark.slow
def test_eigenvalues_of_a_cube_are_sums_of_squares():
    solid, lam = cube(), pde.eigenvalue()
    drum = pde.Problem(solid, [-pde.lap(U) == lam * U], pde.on(solid.boundary["walls"], U == 0))
    found = pde.eigen(drum, 4, 1e-3)
    wanted = np.pi**2 * np.array([3, 6, 6, 6])
    true = np.abs(found.values / wanted - 1)
    assert found.solved
    assert (true < 3 * found.errors).all()
    assert (true > found.errors / 5).all()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("scale = 0.5", "scales = 0.5", "did you mean 'scale'"),
        ('"bar.stl"', "3", "must name a file"),
        ('"bar.stl"', '"bar.step"', "end in"),
        ("scale = 0.5", 'space = "x"', "'space' of"),
        ("scale = 0.5", "scale = -1", "scale"),
        ("[1, 0, 0]", '"up"', "must be one of"),
    ],
)
def test_a_file_that_means_no_solid_is_told(old, new, said, tmp_path):
    MAKE.box(extents=(4, 1, 1)).export(tmp_path / "bar.stl")
    with pytest.raises(InputError, match=said):
        pde.problem_from_toml(TOML.replace(old, new), folder=tmp_path)
