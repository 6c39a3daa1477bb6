"""
A first fit
===========

Train a network on a table, see how it went, and ask it for predictions.

A Kolmogorov-Arnold network (KAN) has a learnable function of one variable on every edge; its nodes
only add. ``KAN([2, 5, 1])`` has two inputs, five hidden nodes and one output, so fifteen such
functions.
"""

import numpy as np

import edgewise as ew

# %%
# The table
# ---------
# A law with a little noise: what arrives at the exponential is a sum of two curves.

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (1000, 2))
y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2) + 0.05 * rng.normal(size=1000)

# %%
# Fit
# ---
# `fit` returns a new, trained network; the one you pass is not touched. A fifth of the rows is held
# out to choose the grid and to stop early, and given back in a last refit. There is nothing to
# tune: steps, grids and smoothing are found from the data.

net = ew.KAN([2, 5, 1], seed=0)
fitted = ew.fit(net, X, y, seed=0)

print(fitted.message)
print(f"{fitted.method}, {len(fitted.history)} steps in {fitted.seconds:.1f} s")
print(f"error on rows held out: {fitted.validation_error:.3f}")

# %%
# The noise has a standard deviation of 0.05, so this is about as good as any model can be. The
# history shows how it was reached: every step is a second-order one (Levenberg-Marquardt), and each
# round tries a grid twice as fine.

ew.plots.plot_training(fitted.history)

# %%
# Predict
# -------
# `KAN.predict` takes arrays, lists and data frames. On rows that no training has seen, without
# noise this time, we see how far the network is from the law itself.

X_new = rng.uniform(-1, 1, (500, 2))
law = np.exp(np.sin(np.pi * X_new[:, 0]) + X_new[:, 1] ** 2)
predicted = fitted.network.predict(X_new)[:, 0]
print(f"distance from the law: {np.sqrt(np.mean((predicted - law) ** 2)):.3f}")

ew.plots.plot_parity(law, predicted, name="y")

# %%
# Look inside
# -----------
# The trained network is drawn with the function of each edge on that edge. Fifteen curves say one
# thing in five ways: five hidden nodes were more than this law needs.

ew.plots.plot_network(fitted.network, X)

# %%
# Make it small
# -------------
# `simplify` takes away what the held-out rows do not miss. Three curves stay, and they are the law:
# a sine and a parabola, added, then the exponential.

small = ew.simplify(fitted.network, X, y, seed=0)
print(small.network.shape, f"error on rows held out: {small.validation_error:.3f}")

ew.plots.plot_network(small.network, X)

# %%
# Ask it
# ------
# Where a network stands last in a cell it shows itself, here as in a notebook. Move an input and see
# which edges push the answer; a click on an edge shows its curve large.

small.network

# %%
# From here a formula is one step away: :doc:`plot_formula`. What the pictures show, and what they
# do not, is the subject of :doc:`plot_reading`.

# sphinx_gallery_thumbnail_number = 4
