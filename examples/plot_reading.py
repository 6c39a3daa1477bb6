"""
Reading a network
=================

What does a formula leave out? A network of two curves shows the shells of the atomic nucleus.

The liquid-drop formula of Bethe and Weizsäcker gives the binding energy of a nucleus with Z protons
and N neutrons to a few MeV. What it leaves over looks like noise, and is not. The table of 2,375
measured nuclides ships with edgewise.
"""

import numpy as np

import edgewise as ew

table = ew.load_example("nuclear_binding")
X, energy, names = table.features("B", columns=["Z", "N"])
Z, N = X.T
A = Z + N
drop = (
    15.6 * A - 17.8 * A ** (2 / 3) - 0.533 * Z ** (5 / 3) - 19.0 * (Z - N) ** 2 / A
)
left_over = energy - drop

heavy = (Z >= 8) & (N >= 8)  # a drop of a few nucleons is no drop
X, left_over = X[heavy], left_over[heavy]
print(f"{len(X):,} nuclides; the formula leaves {left_over.std():.2f} MeV")

# %%
# One curve for each number
# -------------------------
# ``KAN([2, 1])`` has no hidden layer: it is one function of Z plus one function of N, and nothing
# else. Such an *additive* network is the easiest to read, for each curve shows all effects of
# its input.

net = ew.KAN(
    [2, 1], intervals=8, input_names=names, output_names=["left over, MeV"], seed=0
)
fitted = ew.fit(net, X, left_over, seed=0)
print(f"error on rows held out: {fitted.validation_error:.2f} MeV")

# %%
# `plot_edges` draws them over the data that they were learned from, the strongest first. A curve is
# dashed where no data are: there the network extrapolates with the slope at the end.

ew.plots.plot_edges(fitted.network, X)

# %%
# The peaks stand at N = 28, 50, 82 and 126 and at Z = 28 and 50: nuclei in which a shell of
# neutrons or of protons is full are bound more tightly than a drop. These are the *magic numbers*,
# for which Goeppert Mayer and Jensen received the Nobel prize in 1963. Nothing in the network knows
# of shells.
#
# The curve itself is at hand as a function, so the peaks need no ruler; they are found to within
# one neutron.

neutrons = np.arange(10, 150, dtype=float)
table_of_n = np.column_stack([np.full_like(neutrons, X[:, 0].mean()), neutrons])
curve = fitted.network.predict(table_of_n)[:, 0]
peaks = neutrons[1:-1][(curve[1:-1] > curve[:-2]) & (curve[1:-1] > curve[2:])]
print("peaks at N =", ", ".join(f"{n:.0f}" for n in peaks))

# %%
# How much each input matters
# ---------------------------
# `edge_scores` gives each edge the spread of what it adds to the output on the data, in the units
# of the output.

scores = ew.edits.edge_scores(fitted.network, X)
for name, score in zip(names, scores.inputs.tolist(), strict=True):
    print(f"{name}: {score:.2f} MeV")

# %%
# Curves that are free to trade
# -----------------------------
# Curves can only be read as far as the data pin them down. Z and N rise together from nuclide to
# nuclide, so a straight line added to one curve can be taken from the other nearly without loss;
# the tilt of these curves means little, their peaks mean much. The correlation of the inputs is the
# warning sign:

print(f"correlation of Z and N: {np.corrcoef(X.T)[0, 1]:.3f}")

# %%
# Deeper networks
# ---------------
# A hidden layer lets inputs interact. It reads from left to right: each node adds what arrives, and
# the next curve is a function of that sum. `canonical` removes what is arbitrary: curves are
# centred, hidden nodes scaled to [-1, 1], and everything stands in order of its score, so that two
# networks that compute the same also look the same.

deep = ew.fit(
    ew.KAN([2, 2, 1], intervals=8, input_names=names, output_names=["MeV"], seed=0),
    X,
    left_over,
)
print(f"error on rows held out: {deep.validation_error:.2f} MeV")
ew.plots.plot_network(ew.edits.canonical(deep.network, X).network, X)

# %%
# It is closer to the data and harder to read: the usual bargain, and yours to make. :doc:`/choose`
# shows when it is worth it. The network itself, to be asked:

deep.network
