"""Every closed form, and formulas of users, in every language."""

import mpmath
import numpy as np
import pytest
import sympy
import torch

from edgewise.exporting import onnx_operators
from edgewise.forms import FORMS, Expression
from edgewise.forms.functions import FUNCTIONS
from edgewise.network import KAN, set_symbolic
from edgewise.symbolic import Formula, parse_formula
from tests.exporting.runners import c_library, c_predict, needs_compiler, numpy_module, onnx_predict

TEXTS = [
    *FORMS,
    *(
        f"{name}(x)" if function.arity == 1 else f"{name}(x, 0.75 - x^2)"
        for name, function in FUNCTIONS.items()
    ),
    "x^2*exp(-x) - 3/(1 + x^2)",
    "pi*x - e",
    "2^x",
    "-x^-2",
]
X = np.concatenate([np.linspace(-3, 3, 61), [1e-9, -1e-9, 1e-3, 0.5, 1.0, -1.0, 20.0, -20.0]])[:, None]


def test_onnx_has_every_function() -> None:
    assert set(FUNCTIONS) == set(onnx_operators._FUNCTIONS) - {"neg", "expm1"}


def network(form: str) -> KAN:
    net = KAN([1, 1], seed=0, dtype=torch.float64, grid=(-30.0, 30.0))
    return set_symbolic(net, (0, 0, 0), form, (1.5, 1.0, 0.0, 0.25)).network


def compare(got, want, tolerance):
    """Equal where the form has a value; where it has none, nothing else may stand."""
    known = np.isfinite(want)
    assert known.sum() > 5
    np.testing.assert_allclose(got[known], want[known], rtol=tolerance, atol=tolerance)
    assert not np.isfinite(got[np.isnan(want)]).any()


@pytest.fixture(scope="module")
def wanted():
    with torch.no_grad():
        return {form: network(form)(torch.from_numpy(X)).numpy() for form in TEXTS}


@pytest.mark.parametrize("form", TEXTS)
def test_numpy_and_onnx(form, wanted):
    net = network(form)
    compare(numpy_module(net)["predict"](X), wanted[form], 1e-12)
    compare(onnx_predict(net, X), wanted[form], 1e-9)


@needs_compiler
def test_all_forms_in_one_c_source(wanted):
    net = KAN([1, len(TEXTS)], seed=0, dtype=torch.float64, grid=(-30.0, 30.0))
    for target, form in enumerate(TEXTS):
        net = set_symbolic(net, (0, 0, target), form, (1.5, 1.0, 0.0, 0.25)).network
    got = c_predict(c_library(net), X, len(TEXTS))
    for target, form in enumerate(TEXTS):
        compare(got[:, target : target + 1], wanted[form], 1e-12)


def test_digits_near_zero_are_kept():
    """planck is 1 - x/2 + ... there, though exp(x) - 1 loses every digit."""
    net = network("planck")
    at = np.array([[1e-13], [1e-9], [1e-5]])
    with mpmath.workdps(50):
        exact = [float(1.5 * mpmath.mpf(x) / mpmath.expm1(mpmath.mpf(x)) + 0.25) for x in at[:, 0].tolist()]
    for got in (numpy_module(net)["predict"](at), onnx_predict(net, at)):
        np.testing.assert_allclose(got[:, 0], exact, rtol=1e-14)


FORMULAS = {
    "0.25": ("x",),
    "x": ("x",),
    "2.5*x^2*exp(-y) + sin(pi*x)/3": ("x", "y"),
    "sqrt(`a b`)/`c'\"`": ("a b", "c'\""),
    "abs(e) + e*pi": ("e",),
    "atan(x) - asin(x/4)*acos(x/4) + asinh(x) + acosh(4 + x) - atanh(x/4) + tan(x/3)": ("x",),
    "lambda + 1/(1 + class^3)": ("lambda", "class"),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas(text):
    names = FORMULAS[text]
    law = Formula(parse_formula(text, names), names)
    rows = np.random.default_rng(0).uniform(0.2, 2.0, (50, len(names)))
    want = law.predict(rows)[:, None]
    np.testing.assert_allclose(numpy_module(law)["predict"](rows), want, rtol=1e-13)
    np.testing.assert_allclose(onnx_predict(law, rows), want, rtol=1e-10)


STEPS = (
    "step(x - y)",
    "floor(x/y)",
    "max(x, y)",
    "min(x - 1, y)",
    "mod(x, y)",
    "step(x)*floor(y) - mod(y, -0.5)",
)


@pytest.mark.parametrize("text", STEPS)
def test_jumps_are_at_the_same_numbers_everywhere(text):
    """On ties, multiples and halves, bit for bit."""
    law = Formula(parse_formula(text, ("x", "y")), ("x", "y"))
    ends = np.r_[np.arange(-4, 5) / 2, 0.1, 0.3, 0.6, np.nextafter(1, 0), np.nextafter(1, 2), -0.0]
    rows = np.array([(x, y) for x in ends for y in ends if y])
    want = law.predict(rows)
    np.testing.assert_array_equal(numpy_module(law)["predict"](rows)[:, 0], want)
    np.testing.assert_array_equal(onnx_predict(law, rows)[:, 0], want)
    tensors = {name: torch.from_numpy(rows[:, k]) for k, name in enumerate("xy")}
    np.testing.assert_array_equal(Expression(law.tree, law.names).evaluate(tensors).numpy(), want)


@needs_compiler
def test_jumps_in_c():
    rows = np.array(
        [(x / 2, y / 2) for x in range(-4, 5) for y in range(-4, 5) if y] + [(0.3, 0.1), (0.6, 0.2)]
    )
    for text in STEPS:
        law = Formula(parse_formula(text, ("x", "y")), ("x", "y"))
        np.testing.assert_array_equal(
            c_predict(c_library(law), rows, 1)[:, 0], law.predict(rows), err_msg=text
        )


@needs_compiler
def test_a_formula_in_c():
    text = "2.5*x^2*exp(-y) + sin(pi*x)/3 - sign(x)*abs(y)"
    law = Formula(parse_formula(text, ("x", "y")), ("x", "y"))
    rows = np.random.default_rng(0).uniform(-2.0, 2.0, (50, 2))
    np.testing.assert_allclose(c_predict(c_library(law), rows, 1)[:, 0], law.predict(rows), rtol=1e-12)
    constant = Formula(sympy.Float(0.25), ("x",))
    np.testing.assert_array_equal(c_predict(c_library(constant), np.zeros((3, 1)), 1), 0.25)
