"""
Refining
========

A finer grid, the same function: how a network grows in place, and how the error falls when it does.

The functions of a KAN are splines on a *grid*. With more *intervals* they can follow finer detail.
A spline on a coarse grid is also a spline on any finer one, so a network need not start anew:
`refine` inserts knots and changes no output.
"""

import numpy as np
import torch
from matplotlib.figure import Figure

import edgewise as ew

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (2000, 2))
y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)

# %%
# The same function
# -----------------
# A network is fitted on five intervals, the best of six starts; then every grid becomes four times
# as fine. The record of an edit states what it did and what it changed.

start = ew.KAN([2, 1, 1], dtype=torch.float64, seed=0)
coarse = ew.fit(start, X, y, intervals=[5], starts=6, seed=0).network
refined = ew.edits.refine(coarse, 4, X=X)

before, after = coarse.layers[0].intervals, refined.network.layers[0].intervals
print(f"{before} -> {after} intervals")
print(f"largest change of any output: {refined.record.max_change:.1e}")

# %%
# Room to improve
# ---------------
# The finer network starts where the coarse one ended, with room to improve.


def test_error(net):
    """Root mean square error on fresh points of the law."""
    points = np.random.default_rng(1).uniform(-1, 1, (4000, 2))
    law = np.exp(np.sin(np.pi * points[:, 0]) + points[:, 1] ** 2)
    return np.sqrt(np.mean((net.predict(points)[:, 0] - law) ** 2))


finer = ew.fit(refined.network, X, y, intervals=[20]).network
print(f"error: {test_error(coarse):.1e} -> {test_error(finer):.1e}")

# %%
# The law of refinement
# ---------------------
# A cubic spline that follows a smooth function on intervals of width h errs by about h\ :sup:`4`:
# half the width, a sixteenth of the error. `fit` goes through these grids by itself as long as held-out
# rows show that it pays; here every grid is kept.

grids = [5, 10, 20, 40, 80]
errors = []
for k, intervals in enumerate(grids):
    fitted = ew.fit(coarse, X, y, intervals=grids[: k + 1], seed=0)
    errors.append(test_error(fitted.network))
    size = fitted.network.n_parameters
    print(f"{intervals:3} intervals  {size:4} parameters  error {errors[-1]:.1e}")

# %%
figure = Figure(figsize=(5.6, 3.4), layout="constrained", facecolor="none")
axes = figure.subplots()
axes.loglog(grids, errors, "o-", color="#0b6bb3", label="network")
rule = [errors[1] * (grids[1] / g) ** 4 for g in grids]
axes.loglog(grids, rule, "--", color="#a5adba", label="fourth power")
axes.set(xlabel="intervals", ylabel="error", facecolor="none")
axes.set_xticks(grids, [str(g) for g in grids], minor=False)
axes.set_xticks([], minor=True)
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
figure

# %%
# Noise sets the floor
# --------------------
# On noisy data a finer grid would soon follow the noise. `fit` refines while the held-out error
# falls, stops where it no longer does, and returns the best network.

noisy = y + 0.1 * rng.normal(size=len(y))
fitted = ew.fit(coarse, X, noisy, seed=0)
print(fitted.message)
print(f"kept: {fitted.network.layers[0].intervals} intervals")
ew.plots.plot_training(fitted.history)

# %%
# Moving knots
# ------------
# `regrid` lays the knots anew, between equally spaced and at the quantiles of the data; that cannot
# be exact, and its record states how much it cost. Refine for accuracy; regrid when the data live
# somewhere else than the grid.

moved = ew.edits.regrid(finer, X, intervals=12)
print(moved.record.detail, f"- largest change {moved.record.max_change:.1e}")

# %%
# The network on its own grid, to be asked:

finer
