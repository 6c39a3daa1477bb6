"""
Equations behind a swing
========================

A pendulum is filmed for eight seconds: its angle and its speed, twenty times a second, with two per
cent of noise. Which differential equations does it follow, and what does friction cost?
"""

import numpy as np
from scipy.integrate import solve_ivp

from edgewise.dynamics import find_dynamics
from edgewise.plots import plot_dynamics
from edgewise.symbolic import compile_formula


def swing(t, state):
    angle, speed = state
    return [speed, -9.81 * np.sin(angle) - 0.25 * speed]


t = np.linspace(0, 8, 161)
true = solve_ivp(swing, (0, 8), [2.5, 0.0], t_eval=t, rtol=1e-9, atol=1e-9).y.T
filmed = true + 0.02 * true.std(axis=0) * np.random.default_rng(0).normal(
    size=true.shape
)

# %%
# Terms and constants
# -------------------
# Terms are chosen by what solutions of the equations miss along the whole course, so that no
# derivative of the noisy values is ever taken.

found = find_dynamics(t, filmed, names=["angle", "speed"])
print(found)
for constant in found.equations[1].constants:
    print(f"{constant.value:.3f} ± {constant.standard_error:.3f}")

# %%
# Points and solution
# -------------------

plot_dynamics(found)

# %%
# Another start
# -------------
# The equations hold where nothing was filmed: a swing over the top.

over = found.simulate(np.linspace(0, 3, 61), [0.0, 7.5])
print(f"highest angle: {over[:, 0].max():.2f} rad")

# %%
# The law as a network
# --------------------
# What changes the speed, as a network of closed forms: move angle and speed, and see which pulls.

compile_formula(found.equations[1].sympy, ["angle", "speed"], filmed)
