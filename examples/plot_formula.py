"""
Finding a formula
=================

From a table to a formula, its rivals, its constants with their errors, and code that uses it.

`find_formula` works on the table and on networks trained on it: it looks for the simplest formula
that no other beats by more than chance, and judges all of them on rows they were not fitted to.
"""

import numpy as np
import pandas as pd
import sympy

import edgewise as ew

# %%
# A table
# -------
# Three hundred timed pendulums of different length and mass, some on earth and some on smaller
# worlds, with an error of half a percent.

rng = np.random.default_rng(0)
length = rng.uniform(0.2, 2.0, 300)
gravity = rng.uniform(1.6, 9.8, 300)
mass = rng.uniform(0.1, 1.0, 300)
error = 1 + 0.005 * rng.normal(size=300)

pendulums = pd.DataFrame({"length": length, "gravity": gravity, "mass": mass})
period = 2 * np.pi * np.sqrt(length / gravity) * error

# %%
# The search
# ----------
# The names of the columns become the names in the formula. Nobody stated that the mass does not
# matter.

found = ew.find_formula(pendulums, period, seed=0)
print("period =", found.best.text)
print(found.message)

# %%
# The rows know the constant so well that :math:`2\pi` is a better account of it than a number: no
# other small multiple of :math:`\pi` is near. The same law with the number as it was measured, and
# its error, stands among the formulas that the data cannot distinguish from the best.

for alternative in found.alternatives():
    print(alternative)

constant = found.alternatives()[0].formula.constants[0]
print(
    f"{constant.value:.4f} ± {constant.standard_error:.4f}, and 2 pi is {2 * np.pi:.4f}"
)

# %%
# The rivals
# ----------
# ``found.front`` holds the formulas that no simpler one equals. From one to the next it shows what
# complexity buys: the last steep fall is the law, and anything longer would chase the noise.

for candidate in found.front:
    print(f"{candidate.complexity:3}  {candidate.error:.4f}  {candidate.text[:70]}")

ew.plots.plot_front(found.front)

# %%
# Use it
# ------
# A `Formula` predicts, and is written in the languages around it: sympy, LaTeX, Python source and JSON.

best = found.best
print(best.predict(pendulums[:3]).round(3))
print(best.latex)
print(best.python("period"))

# %%
# As an expression of sympy it can be asked. What does a pendulum of a quarter of the length do?

quarter = best.sympy.subs("length", sympy.Symbol("length") / 4)
print(sympy.simplify(quarter / best.sympy))

# %%
# By hand, through a network
# --------------------------
# `find_formula` is made of parts that you can use one by one. On the law of :doc:`plot_first_fit`:
# train, simplify, let `suggest` propose what an edge could be, `snap` every edge to its best closed
# form, and read the `formula`.

X = rng.uniform(-1, 1, (1000, 2))
y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
small = ew.simplify(ew.fit(ew.KAN([2, 5, 1], seed=0), X, y).network, X, y).network

# The edge from x1, in the network's own units.
print(ew.symbolic.suggest(small, 0, 0, 0, X)[0].text)

closed = ew.snap(small, X).network
print(ew.formula(closed)[0].text)

# %%
# Closed forms stand out in the drawing, with their names.

ew.plots.plot_network(closed, X)

# %%
# The same network answers when its inputs are moved.

closed

# sphinx_gallery_thumbnail_number = 2
