"""Equations on surfaces: spherical harmonics, a torus by its angles, prisms that unroll to rectangles, files."""

import numpy as np
import pytest
import sympy as sp
import trimesh

from edgewise import FileError, InputError, pde
from tests.pde.domains.test_surface import BALL, MAKE, XYZ, X, Y, Z, tube

U = pde.unknown("u", *XYZ)


def ball(**options):
    return pde.surface(MAKE.icosphere(subdivisions=0), XYZ, smooth=BALL, **options)


def on_ball(count=500):
    at = np.random.default_rng(0).standard_normal((3, count))
    return at / np.linalg.norm(at, axis=0)


def apart(solution, exact, at):
    return np.sqrt(((solution(*at) - exact) ** 2).sum() / (exact**2).sum())


def told(solution, exact, at):
    true = apart(solution, exact, at)
    assert solution.solved, solution.message
    assert solution.error / 5 < true < 3 * solution.error
    return true


@pytest.mark.slow
def test_spherical_harmonics():
    # l = 2 and l = 3 together.
    source = 6 * X * Y + 12 * X * Y * Z
    solution = pde.solve(pde.Problem(ball(), [-pde.lap(U) == source]), 1e-5)
    x, y, z = at = on_ball()
    assert told(solution, x * y + x * y * z, at) < 1e-5
    assert "a constant of 'u' open" in solution.message
    assert solution.integral(U) == pytest.approx(0, abs=1e-12)
    assert solution.integral(U * U) == pytest.approx(4 * np.pi * (1 / 15 + 1 / 105), rel=1e-5)
    # Derivatives are those along the surface: of x y, y less what points outward.
    slope = y - 2 * x * y * x + y * z - 3 * x * y * z * x
    np.testing.assert_allclose(solution(*at, derivative={X: 1}), slope, atol=1e-3)
    assert max(solution.residual().values()) < 1e-2


@pytest.mark.slow
def test_helmholtz_between_two_eigenvalues():
    # 20 lies between 12 and 20 + ...: of l = 2 the factor is 16 - 6.
    solution = pde.solve(pde.Problem(ball(), [pde.lap(U) + 16 * U == 10 * X * Z]), 1e-6)
    x, _, z = at = on_ball()
    assert told(solution, x * z, at) < 1e-6


@pytest.mark.slow
def test_a_nonlinear_equation_and_weights_that_vary():
    k = 2 + X
    # div(k grad z) on the sphere is grad k . grad z + k lap z = - x z - 2 k z.
    source = -X * Z - 2 * k * Z - Z**3
    solution = pde.solve(pde.Problem(ball(), [pde.div(k * pde.grad(U)) - U**3 == source]), 1e-6)
    at = on_ball()
    assert told(solution, at[2], at) < 1e-6


@pytest.mark.slow
def test_a_torus_by_its_angles():
    phi, theta = sp.symbols("phi theta")
    thin = sp.Rational(1, 2)
    exact, width = sp.sin(2 * phi) * sp.cos(theta), 1 + thin * sp.cos(theta)
    lap = (
        sp.diff(width * sp.diff(exact, theta), theta) / (width * thin**2) + sp.diff(exact, phi, 2) / width**2
    )
    rho = pde.sqrt(X**2 + Y**2)
    source = sp.lambdify((phi, theta), exact - lap, modules=[{"sin": pde.sin, "cos": pde.cos}, "math"])
    ring = pde.surface(MAKE.torus(1.0, 0.5, 8, 8), XYZ, smooth=(rho - 1) ** 2 + Z**2 == 0.25)
    problem = pde.Problem(ring, [U - pde.lap(U) == source(pde.atan2(Y, X), pde.atan2(Z, rho - 1))])
    solution = pde.solve(problem, 1e-4)
    a, b = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, 800))
    at = (1 + np.cos(b) / 2) * np.cos(a), (1 + np.cos(b) / 2) * np.sin(a), np.sin(b) / 2
    assert told(solution, np.sin(2 * a) * np.cos(b), at) < 1e-4


@pytest.mark.slow
def test_eigenvalues_of_a_sphere():
    lam = pde.eigenvalue()
    found = pde.eigen(pde.Problem(ball(), [-pde.lap(U) == lam * U]), 9, 1e-6)
    assert found.solved
    wanted = np.repeat([0, 2, 6], [1, 3, 5])
    true = np.abs(found.values - wanted)
    assert (true[1:] <= 3 * found.errors[1:] * wanted[1:]).all()
    assert (true[1:] >= found.errors[1:] * wanted[1:] / 5).all()
    assert true[0] < 1e-9
    first = found.functions[1]
    x, y, z = at = on_ball()
    # It is a sum of x, y and z.
    parts = np.linalg.lstsq(np.stack([x, y, z], axis=1), first(*at), rcond=None)
    assert np.sqrt(parts[1] / (first(*at) ** 2).sum()) < 10 * first.error


@pytest.mark.slow
def test_a_prism_unrolls_to_a_rectangle():
    # Facets that do not bend are exact: along the rim the answer repeats after the length of the polygon.
    prism = pde.surface(tube(6), XYZ, names={"top": "+z", "foot": (1, 0, 0)}, angle=70)
    sides = prism.boundary
    conditions = [pde.on(sides["top"], U == 3), pde.on(sides["foot"], pde.dn(U) + 2 * U == 1)]
    solution = pde.solve(pde.Problem(prism, [pde.lap(U) == 2], conditions), 1e-9)
    # u = z^2 + b z + c with -b + 2 c = 1 and 4 + 2 b + c = 3.
    b, c = np.linalg.solve([[-1, 2], [2, 1]], [1, -1])
    at = prism.somewhere(400, np.random.default_rng(0)).T
    assert apart(solution, at[2] ** 2 + b * at[2] + c, at) < 1e-10
    assert solution.integral(pde.dn(U), "rim") == pytest.approx(2 * prism.area, rel=1e-9)
    assert solution.integral(U, "top") == pytest.approx(3 * 6, rel=1e-9)
    lam = pde.eigenvalue()
    drum = pde.Problem(prism, [-pde.lap(U) == lam * U], pde.on(sides["rim"], U == 0))
    rows = [(n * np.pi / 2) ** 2 + (2 * np.pi * m / 6) ** 2 for n in (1, 2) for m in (0, 1, 1, 2, 2)]
    found = pde.eigen(drum, 4, 1e-5)
    np.testing.assert_allclose(found.values, np.sort(rows)[:4], rtol=1e-5)


def test_half_a_sphere_with_a_rim():
    turn, low = np.arange(6) * np.pi / 3, np.sqrt(0.5)
    rim = [(np.cos(a), np.sin(a), 0) for a in turn]
    ring = [(low * np.cos(a), low * np.sin(a), low) for a in turn]
    facets = [
        item
        for n in range(6)
        for m in [(n + 1) % 6]
        for item in ((n, m, m + 6), (n, m + 6, n + 6), (n + 6, m + 6, 12))
    ]
    half = pde.surface(trimesh.Trimesh([*rim, *ring, (0, 0, 1)], facets), XYZ, smooth=BALL, angle=61)
    assert set(half.boundary) == {"rim", "rim 1", "rest"}
    # z vanishes on the rim.
    solution = pde.solve(
        pde.Problem(half, [-pde.lap(U) == 2 * Z], pde.on(half.boundary["rim"], U == 0)), 1e-5
    )
    x, y, z = on_ball()
    at = x, y, np.abs(z)
    assert apart(solution, at[2], at) < 2e-5
    assert solution.integral(-pde.dn(U), "rim") == pytest.approx(2 * np.pi, rel=1e-5)


def test_facets_of_a_sphere_and_what_they_leave():
    rough = pde.surface(MAKE.icosphere(subdivisions=2), XYZ)
    solution = pde.solve(pde.Problem(rough, [-pde.lap(U) == 6 * X * Y]), 1e-3)
    assert solution.solved
    assert "flat facets, which lie up to about 1.9e-02 off" in solution.message
    x, y, _ = at = on_ball()
    # Of second order in the size of the facets: some times their distance.
    assert rough.sagitta < apart(solution, x * y, at) < 4 * rough.sagitta


def test_sources_that_do_not_balance():
    assert (
        "do not balance" in pde.solve(pde.Problem(ball(), [-pde.lap(U) == 1 + X]), 1e-3, work="quick").message
    )
    # On facets that are not alike it is the facets that do not let a source balance.
    uneven = MAKE.icosphere(subdivisions=1)
    uneven.vertices[uneven.vertices[:, 0] > 0.5] *= [1, 1.05, 1.05]
    uneven.vertices /= np.linalg.norm(uneven.vertices, axis=1)[:, None]
    solution = pde.solve(pde.Problem(pde.surface(uneven, XYZ), [-pde.lap(U) == 2 * X]), 1e-2)
    assert solution.solved
    assert "balanced by an even one" in solution.message
    at = on_ball()
    # The facets lie .073 off the sphere.
    assert apart(solution, at[0], at) < 0.15


def test_problems_that_are_none_are_told():
    with pytest.raises(InputError, match=r"lap\(u\) or div"):
        pde.solve(pde.Problem(ball(), [pde.dx(U, X, 2) + U == 1]))
    with pytest.raises(InputError, match="has no condition for 'u'"):
        pde.solve(pde.Problem(pde.surface(tube(), XYZ), [pde.lap(U) == 1]))
    solution = pde.solve(pde.Problem(ball(), [U - pde.lap(U) == 1]), 1e-3)
    with pytest.raises(InputError, match="outside the domain"):
        solution(0, 0, 0)
    for ask in (solution.formula, solution.network):
        with pytest.raises(InputError, match="boxes"):
            ask()


def test_a_solution_comes_back_from_its_file_to_the_bit(tmp_path):
    half = pde.surface(tube(6), XYZ, names={"top": "+z"}, angle=70)
    for domain in (ball(), half):
        conditions = pde.on(domain.boundary["rim"], U == X) if domain is half else ()
        solution = pde.solve(pde.Problem(domain, [U - pde.lap(U) == Z], conditions), 1e-2)
        solution.save(tmp_path / "s.kan")
        again = pde.Solution.load(tmp_path / "s.kan")
        assert again.to_dict() == solution.to_dict()
        at = solution.problem.domain.somewhere(50, np.random.default_rng(0)).T
        np.testing.assert_array_equal(again(*at), solution(*at))
        np.testing.assert_array_equal(again(*at, derivative={Z: 1}), solution(*at, derivative={Z: 1}))
        again.save(tmp_path / "t.kan")
        assert (tmp_path / "s.kan").read_bytes() == (tmp_path / "t.kan").read_bytes()
    assert again.integral(pde.dn(U), "top") == solution.integral(pde.dn(U), "top")
    content = (tmp_path / "s.kan").read_bytes()
    (tmp_path / "s.kan").write_bytes(content[:-9] + b"\x01" + content[-8:])
    with pytest.raises(FileError, match="damaged"):
        pde.Solution.load(tmp_path / "s.kan")


TOML = """
unknowns = ["u"]
equations = ["-lap(u) = 2*z"]
tolerance = 1e-3
[domain]
surface = "ball.stl"
smooth = "x^2 + y^2 + z^2 = 1"
"""


def test_a_file_names_the_file_of_its_surface(tmp_path):
    MAKE.icosphere(subdivisions=0).export(tmp_path / "ball.stl")
    (tmp_path / "ball.toml").write_text(TOML)
    found = pde.load_problem(tmp_path / "ball.toml")
    solution = pde.solve(found.problem, found.tolerance)
    assert solution(0.0, 0.6, 0.8) == pytest.approx(0.8, abs=2e-3)
    for show, reference in (("values", None), ("residual", None), ("error", lambda x, y, z: z)):
        figure = solution.plot(show=show, reference=reference)
        assert len(figure.axes) == 3
    with pytest.raises(InputError, match="left out for surfaces"):
        solution.plot(at={"x": 0})
    vtk = pytest.importorskip("pyvista")
    (path,) = solution.to_vtk(tmp_path / "ball.vtp")
    mesh = vtk.read(path)
    np.testing.assert_allclose(mesh.point_data["u"], mesh.points[:, 2], atol=5e-3)
    for old, new, said in (
        ('"x^2', '"q^2', "q"),
        ("smooth =", "rough =", "means nothing there"),
        ('"ball.stl"', "3", "must name a file"),
        ('"x^2 + y^2 + z^2 = 1"', "1", "must be an equation"),
    ):
        with pytest.raises(InputError, match=said):
            pde.problem_from_toml(TOML.replace(old, new), folder=tmp_path)
