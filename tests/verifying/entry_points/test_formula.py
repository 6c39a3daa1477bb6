"""Formulas against networks; enclosures against mpmath's interval arithmetic and against drawn points."""

import mpmath
import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

import edgewise as ew
from edgewise import InputError, properties
from edgewise.forms import parse
from edgewise.verifying.bounds.enclosure import enclose
from edgewise.verifying.bounds.exact import exact_model, silu_ranges
from edgewise.verifying.bounds.intervals import Intervals
from edgewise.verifying.bounds.network_ranges import CurveDerivatives, enclose_network

FORMULAS = [
    "x^2 - 3*x*y + y^3",
    "exp(sin(x) + y^2)",
    "log(x^2 + 1.5)/(y^2 + 1)",
    "cos(5*x)*tanh(y)",
    "sqrt(x + 3)*abs(y)",
    "atan(x*y) + sinh(x) - cosh(y)",
    "gaussian(x) + sigmoid(3*y)",
    "(x + 4)^1.7 - (y + 5)^(-2)",
    "asin(x/4) + acos(y/4)",
    "tan(x/4)*asinh(y)",
    "x^4*y^-2",
    "step(x - y)*x + floor(3*y)",
    "max(x, y^2) - min(x*y, 0.5)",
    "mod(x, 0.75) + mod(y, x - 3)*2",
    "mod(3*x*y, -0.5) + sign(floor(x))",
]
SPAN = st.tuples(st.floats(-2, 2), st.floats(0, 3), st.integers(0, 1000))


@pytest.mark.parametrize("text", FORMULAS)
@given(SPAN, SPAN)
def test_enclosures_hold_every_value(text, first, second):
    node = parse(text, ["x", "y"]).tree
    lows = [min(a, 2.0) for a, _, _ in (first, second)]
    highs = [min(a + w, 2.0) for a, w, _ in (first, second)]
    box = {
        name: Intervals(np.array([lo]), np.array([hi]))
        for name, lo, hi in zip("xy", lows, highs, strict=True)
    }
    found = enclose(node, box)
    rng = np.random.default_rng(first[2])
    points = torch.from_numpy(rng.uniform(lows, highs, (200, 2)))
    points[:2] = torch.tensor([lows, highs], dtype=torch.float64)
    values = parse(text, ["x", "y"]).evaluate({"x": points[:, 0], "y": points[:, 1]})
    values = values[torch.isfinite(values)].numpy()
    slack = 1e-12 * (1 + np.abs(values))
    assert (values >= found.low[0] - slack).all()
    assert (values <= found.high[0] + slack).all()


@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "sin", "cos", "sinh", "cosh", "tanh", "atan", "asin", "asinh"]
)
def test_elementary_functions_hold_the_exact_values(name):
    """At points, against fifty digits: the outward step covers what numpy rounds."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0.01, 0.99, 200) * (1.0 if name in ("asin",) else 30.0)
    found = enclose(parse(f"{name}(x)", ["x"]).tree, {"x": Intervals(x, x)})
    with mpmath.workdps(50):
        exact = [getattr(mpmath, name)(mpmath.mpf(float(v))) for v in x]
        for low, high, value in zip(found.low, found.high, exact, strict=True):
            assert mpmath.mpf(float(low)) <= value <= mpmath.mpf(float(high))
            assert high - low <= 1e-13 * (1 + abs(float(value)))


@pytest.mark.parametrize(
    "text", ["x^2 - 3*x + 1", "exp(-x^2)", "sin(3*x) + x", "log(x + 5)", "1/(x + 4)", "tanh(x)*x"]
)
def test_enclosures_are_as_tight_as_those_of_mpmath(text):
    node, function = (
        parse(text, ["x"]).tree,
        sympy.lambdify(sympy.Symbol("x"), sympy.sympify(text.replace("^", "**")), "mpmath"),
    )
    names = {"sin": mpmath.iv.sin, "exp": mpmath.iv.exp, "log": mpmath.iv.log}
    rng = np.random.default_rng(1)
    for _ in range(20):
        low = float(rng.uniform(-2, 1))
        high = low + float(rng.uniform(0, 1))
        found = enclose(node, {"x": Intervals(np.array([low]), np.array([high]))})
        try:
            theirs = sympy.lambdify(
                sympy.Symbol("x"), sympy.sympify(text.replace("^", "**")), [names, "mpmath"]
            )(mpmath.iv.mpf([low, high]))
        except (AttributeError, TypeError, ValueError):  # functions mpmath has no intervals for
            assert found.low[0] <= float(function(low)) <= found.high[0]
            continue
        assert found.low[0] >= float(theirs.a) - 1e-9 - 0.5 * float(theirs.delta)
        assert found.high[0] <= float(theirs.b) + 1e-9 + 0.5 * float(theirs.delta)


SHAPES = [[3, 1], [3, 4, 1], [3, 4, 3, 2], [3, ew.Nodes(2, (2, 3)), 1], [3, 2, ew.Nodes(0, (4, 2))]]


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("degree", [1, 2, 3])
@pytest.mark.parametrize("base", [None, "silu"])
def test_network_enclosures_hold_values_and_slopes(shape, degree, base):
    net = ew.KAN(shape, degree=degree, intervals=4, base=base, seed=degree).double()
    model = exact_model(net)
    derivatives = CurveDerivatives.of(model)
    rng = np.random.default_rng(0)
    for size in (1.5, 0.2, 0.001):
        low = rng.uniform(-1.3, 1, (20, 3))
        high = low + size * rng.random((20, 3))
        found = enclose_network(model, derivatives, 0, Intervals(low, high), second=degree > 1)
        for _ in range(50):
            x = torch.from_numpy(low + rng.random((20, 3)) * (high - low)).requires_grad_()
            y = net(x)[:, 0]
            (slope,) = torch.autograd.grad(y.sum(), x, create_graph=degree > 1)
            if degree > 1:
                bends = np.stack(
                    [
                        torch.autograd.grad(slope[:, i].sum(), x, retain_graph=True)[0].numpy()
                        for i in range(3)
                    ],
                    1,
                )
                assert (bends >= found.bends.low - 1e-8).all()
                assert (bends <= found.bends.high + 1e-8).all()
                slope = slope.detach()
            assert (y.detach().numpy() >= found.value.low - 1e-12).all()
            assert (y.detach().numpy() <= found.value.high + 1e-12).all()
            assert (slope.numpy() >= found.slopes.low - 1e-9).all()
            assert (slope.numpy() <= found.slopes.high + 1e-9).all()


@pytest.fixture(scope="module")
def wave():
    """A network that has learned a formula, and the largest deviation on a fine grid."""
    X = np.random.default_rng(0).uniform(-1, 1, (600, 2))
    net = ew.fit(ew.KAN([2, 3, 1], seed=0), X, np.sin(2 * X[:, 0]) + X[:, 1] ** 2, steps=60, seed=0).network
    side = np.linspace(-1, 1, 301)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    gap = np.abs(net.predict(grid)[:, 0] - np.sin(2 * grid[:, 0]) - grid[:, 1] ** 2).max()
    return net, float(gap)


@pytest.mark.slow
def test_a_formula_within_epsilon(wave):
    net, gap = wave
    box = {"x1": (-1, 1), "x2": (-1, 1)}
    epsilon = max(2 * gap, 0.02)
    proved = ew.verify(net, properties.formula_within("sin(2*x1) + x2^2", epsilon), where=box)
    assert proved.status == "proved", proved
    assert proved.certificate is None
    assert 0 <= proved.margin <= epsilon - gap * 0.99
    shifted = ew.verify(net, properties.formula_within("sin(2*x1) + x2^2 + 0.1", 0.05), where=box)
    assert shifted.status == "refuted"
    x = [shifted.witness["x1"], shifted.witness["x2"]]
    assert abs(net.predict([x])[0, 0] - np.sin(2 * x[0]) - x[1] ** 2 - 0.1) > 0.05
    symbols = sympy.symbols("x1 x2")
    by_sympy = properties.formula_within(sympy.sin(2 * symbols[0]) + symbols[1] ** 2, epsilon)
    assert ew.verify(net, by_sympy, where=box).status == "proved"


@pytest.mark.slow
def test_a_formula_that_differs_at_one_place_only(wave):
    net, gap = wave
    # A narrow bump that 4,096 drawn rows may well miss; branch and bound may not.
    text = "sin(2*x1) + x2^2 + 0.5*exp(-20000*((x1 - 0.123)^2 + (x2 + 0.456)^2))"
    answer = ew.verify(net, properties.formula_within(text, 0.2 + gap), where={"x1": (-1, 1), "x2": (-1, 1)})
    assert answer.status == "refuted"
    assert abs(answer.witness["x1"] - 0.123) < 0.01
    assert abs(answer.witness["x2"] + 0.456) < 0.01


TOPS = {
    "abs(x1 - 0.2)": 1.2,
    "sign(x1 - 0.2)": 1.0,
    "abs(sin(x1))^3": np.sin(1) ** 3,
    "max(2*x1, x1 - 0.5)": 2.0,
    "min(2*x1, 0.3)": 2.0,
    "step(x1 - 0.2)*x1": 1.0,
    "floor(1.5*x1)": 2.0,
    "mod(x1, 0.7)": 0.7,
}


@pytest.mark.parametrize("kink", TOPS)
def test_formulas_with_kinks_and_jumps(kink):
    """A network that is zero: the difference is the formula, whose largest value is known."""
    net = ew.KAN([1, 1], init="zero").double()
    top = TOPS[kink]
    for epsilon, status in ((top * 1.01, "proved"), (top * 0.98, "refuted")):
        answer = ew.verify(net, properties.formula_within(kink, epsilon), where={"x1": (-1, 1)})
        assert answer.status == status, answer


def test_a_formula_without_value_somewhere(wave):
    # A bounded function of what has no value has none either.
    for text in ("log(x1)", "tanh(log(x1))", "max(min(log(x1), 1), 0)", "step(sqrt(x1))", "sin(log(x1))*x2"):
        claim = f'formula("{text}", 100)'
        answer = ew.verify(wave[0], claim, where={"x1": (-1, 1), "x2": (0, 0)})
        assert answer.status == "refuted", text
        assert answer.message == "At this row the formula has no value."


def test_estimators_in_raw_units():
    rng = np.random.default_rng(0)
    table = {"size": rng.uniform(100, 300, 400), "kind": rng.choice(["oak", "elm"], 400)}
    y = 0.02 * table["size"] + 1.0
    model = ew.KANRegressor(mode="additive", members=1).fit(table, y)
    near = {"size": (100, 300)}
    assert ew.verify(model, 'formula("0.02*size + 1", 0.2)', where=near).status == "proved"
    assert ew.verify(model, 'formula("0.03*size + 1", 0.2)', where=near).status == "refuted"


def test_what_cannot_be_compared(wave):
    for formula, words in (
        ("x1 + x7", "x7"),
        (3, "must be a Formula"),
        (sympy.Symbol("z"), "must be in the columns"),
    ):
        with pytest.raises(InputError, match=words):
            ew.verify(wave[0], properties.formula_within(formula, 0.1))
    with pytest.raises(InputError, match="at most 8 inputs vary"):
        ew.verify(ew.KAN([9, 1], seed=0), 'formula("x1", 100)')


@given(SPAN, st.sampled_from([0, 1, 2]))
def test_ranges_of_silu_and_its_derivatives_hold_and_are_tight(span, order):
    low, high = 4 * span[0], 4 * span[0] + 4 * span[1]
    found = silu_ranges(Intervals(np.array([low]), np.array([high])), order)
    x = torch.linspace(low, high, 4001, dtype=torch.float64, requires_grad=True)
    y = torch.nn.functional.silu(x)
    for _ in range(order):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    least, most = float(y.detach().min()), float(y.detach().max())
    assert found.low[0] <= least + 1e-15
    assert found.high[0] >= most - 1e-15
    assert found.low[0] >= least - 1e-5
    assert found.high[0] <= most + 1e-5


@pytest.mark.parametrize("order", [0, 1, 2])
def test_values_of_silu_at_points_hold_those_of_fifty_digits(order):
    x = np.concatenate([np.random.default_rng(order).normal(0, 8, 200), [0.0, -710.0, 700.0, -1e-300]])
    found = silu_ranges(Intervals(x, x), order)
    with mpmath.workdps(50):
        for low, high, own in zip(found.low, found.high, x, strict=True):
            v = mpmath.mpf(float(own))
            s = 1 / (1 + mpmath.exp(-v))
            exact = (v * s, s + v * s * (1 - s), s * (1 - s) * (2 + v * (1 - 2 * s)))[order]
            assert mpmath.mpf(float(low)) <= exact <= mpmath.mpf(float(high))


@pytest.mark.parametrize("shape", [[2, ew.Nodes(0, (2,)), 1], [2, 2, 1]], ids=str)
def test_a_formula_within_epsilon_of_products_and_of_base_functions(shape):
    X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    base = None if isinstance(shape[1], ew.Nodes) else "silu"
    net = ew.fit(ew.KAN(shape, base=base, seed=0), X, X[:, 0] * X[:, 1], steps=40, seed=0).network
    side = np.linspace(-1, 1, 201)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    gap = float(np.abs(net.predict(grid)[:, 0] - grid.prod(1)).max())
    box = {"x1": (-1, 1), "x2": (-1, 1)}
    for formula, status in (("x1*x2", "proved"), ("x1*x2 + 0.1*x1", "refuted")):
        answer = ew.verify(net, properties.formula_within(formula, max(1.5 * gap, 0.02)), where=box)
        assert answer.status == status, answer
    x = np.array([[answer.witness["x1"], answer.witness["x2"]]])
    assert abs(net.predict(x)[0, 0] - x.prod() - 0.1 * x[0, 0]) > max(1.5 * gap, 0.02)
