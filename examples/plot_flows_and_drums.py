"""
Flows, drums, surfaces and families
===================================

Six problems of every kind: a flow in a box, one around a cylinder with its drag, the tones of a
drum, an equation on a sphere, a plate that warms up, and one solve for all values of a parameter.

`edgewise pde cavity`, `edgewise pde cylinder`, `edgewise pde eigen` and `edgewise pde family` solve
the first ones on the command line.
"""

import trimesh

from edgewise import pde

# %%
# A lid that slides
# -----------------
# A stream function makes a flow without divergence. ``jumps=True`` says that the lid and the walls
# contradict each other at the corners on purpose.

x, y = pde.coordinates("x", "y")
psi = pde.unknown("psi", x, y)
cavity = pde.box({x: (0, 1), y: (0, 1)})
flow, sides = pde.curl(psi), cavity.boundary
lid = pde.Problem(
    cavity,
    [pde.curl(pde.advect(flow, flow)) == pde.curl(pde.lap(flow)) / 100],
    [
        pde.on(sides["walls"], psi == 0),
        pde.on(sides["top"], pde.dn(psi) == 1),
        pde.on(sides["left"] | sides["right"] | sides["bottom"], pde.dn(psi) == 0),
    ],
    jumps=True,
)
stirred = pde.solve(lid, tolerance=1e-4)
print(stirred.message)


def slowest(solution):
    """The velocity along the lid at a place of the middle line, where it is least."""
    return solution.evaluate(flow[0], 0.5, 0.4581)


print(
    "u there:", round(slowest(stirred), 5), "+-", f"{stirred.error_of(slowest):.0e}"
)
stirred.plot()

# %%
# Around a cylinder
# -----------------
# The benchmark DFG 2D-1 from the gallery: velocities and a pressure in a channel, Reynolds number 20.
# Forces are integrals over a part of the boundary by its name. The drag is known to be 5.57953523384.

around = pde.solve(pde.gallery("cylinder").problem, tolerance=1e-3)
u, v, p = (pde.unknown(name, x, y) for name in "uvp")
drag = 500 * around.integral(
    p * pde.normal(x, y)[0] - 0.001 * pde.dn(u), "cylinder"
)
print(f"drag {drag:.6f}")
around.plot()

# %%
# The tones of a drum
# -------------------
# Eigenvalues of the Laplacian over an L, each with its error and its function.

w, lam = pde.unknown("w", x, y), pde.eigenvalue()
ell = pde.box({x: (-1, 1), y: (-1, 1)}) - pde.box({x: (0, 1), y: (0, 1)})
drum = pde.eigen(
    pde.Problem(
        ell, [-pde.lap(w) == lam * w], pde.on(ell.boundary["walls"], w == 0)
    ),
    count=3,
)
print(drum)
drum.functions[0].plot()

# %%
# On a sphere
# -----------
# A surface of triangles, bent to the sphere by its equation: ``lap`` is the operator of Laplace and
# Beltrami. Without ``smooth`` the answer would be that on the flat facets.

x, y, z = pde.coordinates("x", "y", "z")
s = pde.unknown("s", x, y, z)
ball = pde.surface(
    trimesh.creation.icosphere(subdivisions=1),
    (x, y, z),
    smooth=x**2 + y**2 + z**2 == 1,
)
spread = pde.solve(
    pde.Problem(ball, [s - pde.lap(s) / 20 == pde.exp(3 * x) * pde.sin(5 * y)]),
    tolerance=1e-5,
)
print(spread.message)
spread.plot()

# %%
# A plate that warms up
# ---------------------
# ``during`` takes a shape through time. Two pipes become hot, and the edges lose heat to the air.

t = pde.time()
h = pde.unknown("h", x, y, t)
plate = pde.box({x: (0, 3), y: (0, 2)})
plate = plate - pde.disk((x, y), (0.8, 1.3), 0.3, name="pipe 1")
plate = plate - pde.disk((x, y), (2.1, 0.6), 0.25, name="pipe 2")
heated = plate.during({t: (0, 1.5)})
parts = heated.boundary
warming = pde.Problem(
    heated,
    [pde.dt(h) == pde.lap(h)],
    [
        pde.on(parts["pipe 1"] | parts["pipe 2"], h == 1 - pde.exp(-5 * t)),
        pde.on(parts["outer"], pde.dn(h) + h == 0),
        pde.on(parts["start"], h == 0),
    ],
)
warm = pde.solve(warming, tolerance=1e-3)
print(warm.message)
print("heat at the end:", round(warm.integral(h, at={t: 1.5}), 2))
warm.plot()

# %%
# One solve for a family
# ----------------------
# A parameter is a further input of the unknown. The answer holds for every number of Peclet from 1
# to 10, and says how far.

family = pde.solve(pde.gallery("family").problem, tolerance=1e-5)
print(family.message)
print("u(0.5) for Pe = 2, 5 and 9:", family(0.5, [2.0, 5.0, 9.0]).round(5))
family.plot()
