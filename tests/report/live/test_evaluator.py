"""The evaluator of the page answers what `predict` answers, to twelve digits of the outputs' spread."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from edgewise.explaining import calibrate
from edgewise.forms.functions import FUNCTIONS
from edgewise.symbolic import Formula
from tests.programs.estimators import MODELS, classifier, table
from tests.programs.zoo import ZOO, everywhere
from tests.report.live.evaluator import answers, evaluated, needs_node

pytestmark = needs_node
ROWS = 300
EXACT = 1e-12


def close(got, want):
    size = np.maximum(np.abs(want).max(axis=0, initial=0.0), 1e-300)
    worst = (np.abs(got - want) / size).max(initial=0.0)
    assert worst <= EXACT, worst


def outputs(told):
    return np.array([[float(v) for v in row["outputs"]] for row in told])


@pytest.mark.slow
def test_networks_of_every_basis():
    """Inside the grids, at their breaks and ends, and far beyond."""
    nets = {name: make() for name, make in ZOO.items()}
    rows = {name: everywhere(net, ROWS) for name, net in nets.items()}
    told = answers([(nets[name], rows[name].tolist()) for name in nets])
    for name, entry in zip(nets, told, strict=True):
        close(outputs(entry), nets[name].predict(rows[name]))


def test_values_on_the_way_are_those_of_the_network():
    import torch

    net = ZOO["symbolic"]()
    X = everywhere(net, 20)
    (told,) = answers([(net, X.tolist())])
    nodes, sums = net.activations(torch.from_numpy(X)), net.sums(torch.from_numpy(X))
    for layer, want in enumerate(nodes):
        close(np.array([[float(v) for v in row["nodes"][layer]] for row in told]), want.detach().numpy())
    for layer, want in enumerate(sums):
        close(np.array([[float(v) for v in row["sums"][layer]] for row in told]), want.detach().numpy())


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_estimators_with_missing_cells_and_unseen_words(name):
    model = MODELS[name]()
    data = table(ROWS, 5, extra=("never seen", " "))
    cells = [
        [float(cell) if isinstance(cell, bool) else cell for cell in row]
        for row in zip(*data.values(), strict=True)
    ]
    (told,) = answers([(model, cells)])
    if not hasattr(model, "classes_"):
        want = model.predict(data).reshape(ROWS, -1)
        close(outputs(told), want)
        return
    close(np.array([[float(p) for p in row["classes"]] for row in told]), model.predict_proba(data))


@pytest.mark.parametrize("method", ["isotonic", "sigmoid", "temperature"])
@pytest.mark.parametrize("classes", [["nö", "yes"], [0, 5, 7]])
def test_calibrated_probabilities_on_both_sides_of_every_threshold(method, classes):
    model = classifier(classes)
    data = table(ROWS, 6)
    y = np.array(classes, dtype=object)[np.random.default_rng(0).integers(len(classes), size=ROWS)]
    better = calibrate(model, data, y, method=method)
    unseen = table(ROWS, 7, extra=("never seen", " "))
    cells = [
        [float(cell) if isinstance(cell, bool) else cell for cell in row]
        for row in zip(*unseen.values(), strict=True)
    ]
    (told,) = answers([(better, cells)])
    got = np.array([[float(p) for p in row["classes"]] for row in told])
    close(got, better.predict_proba(unseen))
    assert (better.classes_[got.argmax(axis=1)] == better.predict(unseen)).all()


def test_formulas_with_every_function():
    x, y = sympy.symbols("x y")
    expressions = [
        x * y / (1 + x**2) - 3 * sympy.pi,
        sympy.exp(-(x**2)) * sympy.log(1 + y**2) / sympy.sqrt(2 + x),
        sympy.Mod(x, 0.7) + sympy.floor(y) + sympy.Max(x, y) - sympy.Min(x, 2 * y),
        sympy.Heaviside(x, 1) * sympy.tanh(y) + sympy.sign(y) * abs(x) ** 1.5,
        sympy.asin(x / 2) + sympy.atan(y) + sympy.acosh(3 + x) + sympy.asinh(y) + sympy.atanh(x / 2),
        sympy.sinh(x) + sympy.cosh(y) + sympy.cos(x) * sympy.tan(y / 2) + sympy.acos(x / 2),
    ]
    formulas = [Formula(expression, ("x", "y")) for expression in expressions]
    X = np.random.default_rng(0).uniform(-1, 1, (ROWS, 2))
    told = answers([(formula, X.tolist()) for formula in formulas])
    for formula, entry in zip(formulas, told, strict=True):
        close(outputs(entry)[:, 0], formula.predict(X))


def test_the_page_knows_every_function_of_formulas():
    assert set(FUNCTIONS) <= set(evaluated("live.functions"))
