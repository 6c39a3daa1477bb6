"""
A differential equation, its error and its formula
==================================================

From an equation as it stands on paper to a function that states how far it can be relied on, its
pictures, and its closed form where it has one.

`edgewise.pde` solves equations on boxes and plane shapes to a tolerance. What it returns is a
function with its derivatives; `edgewise pde` does the same on the command line.
"""

import numpy as np

from edgewise import pde

# %%
# A wave that steepens
# --------------------
# Burgers' equation, written with coordinates, an unknown and its derivatives. The faces of the box
# have names: ``walls`` are those of space, ``start`` is where time begins.

(x,), t = pde.coordinates("x"), pde.time()
u = pde.unknown("u", x, t)
strip = pde.box({x: (-1, 1), t: (0, 1)})

wave = pde.solve(
    pde.Problem(
        strip,
        [pde.dx(u, t) + u * pde.dx(u, x) == 0.02 * pde.dx(u, x, 2)],
        [
            *pde.on(strip.boundary["walls"], u == 0),
            *pde.on(strip.boundary["start"], u == -pde.sin(pde.pi * x)),
        ],
    ),
    tolerance=1e-6,
)
print(wave.message)
print("slope of the front at t = 0.5:", round(wave(0.0, 0.5, derivative={x: 1}), 4))

# %%
# Time runs to the right. ``wave.animate("wave.gif")`` would show it in motion.

wave.plot()

# %%
# What the equation misses at places of its own, as powers of ten: where the front is steep, slabs of
# time are short.

wave.plot(show="residual")

# %%
# The answer is a network: a sum of products of one curve over x and one over t.

network = wave.network(tolerance=1e-4)
print(network.spec.layers[0].nodes)

# %%
# Three products are close already, and can be asked. Move time, and the front steepens.

wave.network(tolerance=5e-2)

# %%
# The same as text
# ----------------
# Files state it in the same words; they are read, never run. ``edgewise pde mine.toml`` solves one.

oscillation = pde.problem_from_toml(
    """
title = "A damped oscillation with a drift"
unknowns = ["u"]
equations = ["dx(u, x, 2) + 2*dx(u, x) + 5*u = 5*x + 2"]
[domain]
x = [0, 3]
[conditions]
left = "u = 1"
right = "u = exp(-3)*cos(6) + 3"
"""
)
damped = pde.solve(oscillation.problem, tolerance=1e-9)

# %%
# Its formula
# -----------
# The closed form is read off the values and inserted into the equation and the conditions.

found = damped.formula()
print(found)
places = np.linspace(0, 3, 7)
print(np.abs(damped(places) - places - np.exp(-places) * np.cos(2 * places)).max())

# %%
# A flow
# ------
# Three unknowns, the Navier-Stokes equations behind a grid at Reynolds number 40, from the gallery of
# the package. Its streamlines are drawn over the speed.

flow = pde.solve(pde.gallery("kovasznay").problem, tolerance=1e-8)
print(flow.formula())
flow.plot()
