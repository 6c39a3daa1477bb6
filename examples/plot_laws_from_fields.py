"""
Laws and constants from measured fields
=======================================

Two ways back from data: from a field to the equation that it obeys, and from scattered velocities to
the constants of a known one, each with its uncertainty.
"""

import numpy as np

from edgewise import pde

# %%
# From a field to its law
# -----------------------
# A wave that steepens, solved and then measured on a grid with 1 % noise. Nothing is told but that
# it varies in space and time.

(x,), t = pde.coordinates("x"), pde.time()
u = pde.unknown("u", x, t)
ring = pde.box({x: (0, 2 * np.pi), t: (0, 2)}, periodic=x)
wave = pde.solve(
    pde.Problem(
        ring,
        [pde.dx(u, t) + u * pde.dx(u, x) == 0.1 * pde.dx(u, x, 2)],
        pde.on(ring.boundary["start"], u == pde.sin(x) + 0.5 * pde.cos(2 * x)),
    ),
    tolerance=1e-5,
)
places, times = 2 * np.pi * np.arange(160) / 160, np.linspace(0, 2, 80)
field = wave.grid(places, times)
r = np.random.default_rng(0)
measured = field + 0.01 * field.std() * r.standard_normal(field.shape)

found = pde.discover({"u": measured}, {"x": places, "t": times}, periodic="x")
print(found.laws[0])
for term in found.laws[0].terms:
    print(f"{term.text:8} {term.coefficient:8.4f} +- {term.error:.4f}")

# %%
# Constants of a flow
# -------------------
# Whirls on a torus, seen by 200 probes at random places and times, with 1 % noise. The equation is
# known but for the factor of convection, 1, and the viscosity, 0.1; nothing is told of the start and
# of the pressure.

x, y = pde.coordinates("x", "y")
psi, vx, vy, p = (pde.unknown(name, x, y, t) for name in ("psi", "u", "v", "p"))
torus = pde.box(
    {x: (0, 2 * np.pi), y: (0, 2 * np.pi), t: (0, 0.6)}, periodic=(x, y)
)
flow = pde.Vector(vx, vy)
whirls = pde.solve(
    pde.Problem(
        torus,
        [
            *(
                pde.Vector(pde.dx(vx, t), pde.dx(vy, t))
                + pde.advect(flow, flow)
                + pde.grad(p)
                == 0.1 * pde.lap(flow)
            ),
            pde.div(flow) == 0,
        ],
        pde.on(
            torus.boundary["start"],
            vx == -pde.sin(2 * y) + pde.cos(x + y) / 2,
            vy == pde.sin(x) - pde.cos(x + y) / 2,
        ),
    ),
    tolerance=1e-3,
)
at = r.random((3, 200)) * np.array([[2 * np.pi], [2 * np.pi], [0.6]])
where = dict(zip((x, y, t), at, strict=True))
seen = {name: whirls(*at, unknown=name) for name in "uv"}

a, nu = (
    pde.constant("a", guess=0.5),
    pde.constant("nu", guess=0.02, bounds=(1e-4, 1)),
)
stream, spin = pde.curl(psi), -pde.lap(psi)
carried = stream[0] * pde.dx(spin, x) + stream[1] * pde.dx(spin, y)
answer = pde.identify(
    pde.Problem(torus, [pde.dx(spin, t) + a * carried == nu * pde.lap(spin)]),
    [
        pde.data(
            part,
            where,
            values + 0.01 * values.std() * r.standard_normal(200),
            sigma=0.01 * values.std(),
        )
        for part, values in zip(stream, seen.values(), strict=True)
    ],
)
print(answer)
for name, true in (("a", 1.0), ("nu", 0.1)):
    print(
        f"{name}: from {answer[name].low:.4f} to {answer[name].high:.4f}, put in as {true}"
    )
