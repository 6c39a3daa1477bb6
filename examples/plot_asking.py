"""
A law found by asking
=====================

Somebody has a simulation of how fast a drop falls through a liquid, and no formula for it. It may be
run with any radius, densities and viscosity; each run costs an hour. How few runs determine the law?
"""

import matplotlib.pyplot as plt
import numpy as np

from edgewise.symbolic import ask

GRAVITY = 9.81


def simulated(at):
    """Speed of a drop in m/s: the law of Hadamard and Rybczynski, which `ask` does not know."""
    thick, thin = at["outside"], at["inside"]
    lighter = at["density"] - at["liquid"]
    slip = (thick + thin) / (2 * thick + 3 * thin)
    return 2 / 3 * at["radius"] ** 2 * GRAVITY * lighter / thick * slip


BOUNDS = {
    "radius": (1e-4, 1e-3),
    "density": (1200, 1400),
    "liquid": (900, 1100),
    "outside": (0.1, 1.0),
    "inside": (0.1, 1.0),
}

# %%
# Asking
# ------
# A first spread of places, one of them twice: the simulation has no noise. So slopes show what the law
# sees only together, here a difference of densities and a ratio of viscosities, and what is a factor.

found = ask(simulated, BOUNDS)
print(found.result.best.text)
print(found.message)

# %%
# Foretold
# --------
# The law at the places that were measured, and at a thousand that were not, a fifth beyond the bounds.

low, high = np.array(list(BOUNDS.values())).T
room = 0.1 * (high - low)
X = np.random.default_rng(0).uniform(low - room, high + room, (1000, 5))
truth = [simulated(dict(zip(BOUNDS, x, strict=True))) for x in X]

figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
axes.plot(
    truth,
    found.result.best.predict(X),
    ".",
    ms=3,
    color="#9aa5b1",
    label="never measured",
)
axes.plot(
    found.y,
    found.result.best.predict(found.X),
    "o",
    ms=5,
    label=f"{len(found.y)} measured",
)
axes.set(
    xlabel="speed that is simulated, m/s",
    ylabel="speed by the law, m/s",
    xscale="log",
    yscale="log",
)
axes.legend(frameon=False)
