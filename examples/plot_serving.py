"""
Saving and serving
==================

Keep a model in a file that is safe to open, and take it to places where Python, or edgewise, is
not.
"""

import runpy
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import edgewise as ew

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (1000, 2))
y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
net = ew.KAN(
    [2, 1, 1], input_names=["phase", "offset"], output_names=["gain"], seed=0
)
net = ew.fit(net, X, y, starts=6, intervals=[5, 10, 20], seed=0).network

folder = Path(tempfile.mkdtemp())

# %%
# A file
# ------
# `save` writes networks and fitted estimators to one ``.kan`` file: tensors in safetensors format
# and a description in JSON. Nothing in it is executed on reading, and what comes back gives the
# same predictions to the last bit.

ew.save(net, folder / "model.kan")
again = ew.load(folder / "model.kan")

print(again.input_names, "->", again.output_names)
print((folder / "model.kan").stat().st_size, "bytes")
print("same bits:", np.array_equal(net.predict(X), again.predict(X)))

# %%
# Python without edgewise
# -----------------------
# A trained network is a few tables of polynomials. `to_numpy_source` writes them out as a module
# that needs NumPy and nothing else; `export` puts it into a file.

ew.export(net, folder / "gain.py")
source = (folder / "gain.py").read_text()

print(source[: source.index("import")])

# %%
# It is an ordinary module with a ``predict``.

module = runpy.run_path(folder / "gain.py")
difference = np.abs(module["predict"](X) - net.predict(X)).max()
print(f"largest difference: {difference:.1e}")

# %%
# C source
# --------
# For a controller or another language: C99, constant tables, no allocation. The header, without its
# opening comment:

ew.export(net, folder / "gain.c")
print((folder / "gain.h").read_text().split("*/")[1])

# %%
# Compiled and called, row by row, from a program of a few lines.

(folder / "main.c").write_text(
    """
    #include <stdio.h>
    #include "gain.h"
    int main(void) {
        double x[2], y[1];
        while (scanf("%lf %lf", &x[0], &x[1]) == 2) {
            predict(x, y);
            printf("%.17g\\n", y[0]);
        }
        return 0;
    }
    """
)
if compiler := shutil.which("cc"):
    command = [compiler, "-std=c99", "-O2", "gain.c", "main.c", "-lm", "-o", "gain"]
    subprocess.run(command, cwd=folder, check=True)
    rows = "\n".join(f"{a!r} {b!r}" for a, b in X.tolist())
    answers = subprocess.run(
        [folder / "gain"], input=rows, capture_output=True, text=True, check=True
    )
    answered = np.array(answers.stdout.split(), dtype=float)
    difference = np.abs(answered - net.predict(X)[:, 0]).max()
    print(f"largest difference: {difference:.1e}")

# %%
# ONNX
# ----
# For runtimes of every kind: the same piecewise polynomials as a graph of standard operators. This
# needs the extra ``edgewise[onnx]``.

ew.export(net, folder / "gain.onnx")
print((folder / "gain.onnx").stat().st_size, "bytes")

# %%
# Mathematics
# -----------
# `to_latex` writes the polynomials for a paper. A network of closed forms, or a formula, becomes
# one line.

closed = ew.snap(net, X).network
print(ew.formula(closed)[0].latex)

ew.plots.plot_network(closed, X)

# %%
# How fast?
# ---------
# A million rows in plain NumPy, on one core.

many = rng.uniform(-1, 1, (1_000_000, 2))
began = time.perf_counter()
module["predict"](many)
print(f"{time.perf_counter() - began:.1f} s")

# %%
# In a page
# ---------
# The page of a report evaluates the same plain program. Here it is, answering without any server:

closed
