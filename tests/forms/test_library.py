"""Every form: value against mpmath, derivative against autograd and differences, domain against finiteness."""

from __future__ import annotations

import copy
import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.forms import FORMS, Form, FormDomain, form_from_text, parse

NAMES = sorted(FORMS)
ORACLE = {
    "sqrt": mpmath.sqrt, "exp": mpmath.exp, "log": mpmath.log, "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan,
    "asin": mpmath.asin, "atan": mpmath.atan, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh,
    "abs": abs,
}  # fmt: skip


def inside(form: Form) -> torch.Tensor:
    z = torch.linspace(-1.7, 1.9, 41, dtype=torch.float64)
    z = z[form.domain.contains(z)]
    return z[(z.abs() > 0.02) & (z.abs() - 1).abs().gt(0.02)]


@pytest.mark.parametrize("name", NAMES)
def test_value_equals_mpmath_on_the_text(name: str) -> None:
    form = FORMS[name]
    z = inside(form)
    expected = [float(eval(form.text.replace("^", "**"), {**ORACLE, "x": mpmath.mpf(float(x))})) for x in z]
    np.testing.assert_allclose(form.value(z).numpy(), expected, rtol=3e-14)


@pytest.mark.parametrize("name", NAMES)
def test_derivative_equals_autograd_and_differences(name: str) -> None:
    form = FORMS[name]
    z = inside(form).requires_grad_()
    (slope,) = torch.autograd.grad(form.value(z).sum(), z)
    torch.testing.assert_close(form.derivative(z), slope, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        step = 1e-6
        difference = (form.value(z + step) - form.value(z - step)) / (2 * step)
        torch.testing.assert_close(form.derivative(z), difference, rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "abs"])
def test_higher_derivatives_by_autograd(name: str) -> None:
    form = FORMS[name]
    z = inside(form)[::4].requires_grad_()
    assert torch.autograd.gradcheck(form.value, (z,))
    assert torch.autograd.gradgradcheck(form.value, (z,), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_domain_is_where_value_and_slope_are_finite(name: str) -> None:
    form = FORMS[name]
    z = torch.tensor([-3.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 3.0], dtype=torch.float64)
    allowed = form.domain.contains(z)
    assert torch.isfinite(form.value(z[allowed])).all()
    assert not torch.isfinite(form.value(z[~allowed])).any()


@given(low=st.floats(-5, 5), width=st.floats(0, 5))
@settings(max_examples=100, deadline=None)
def test_an_admitted_interval_lies_in_the_domain(low: float, width: float) -> None:
    z = torch.linspace(low, low + width, 50, dtype=torch.float64)
    for form in FORMS.values():
        if bool(form.domain.admits(low, low + width)):
            assert bool(form.domain.contains(z).all())


def test_a_repeating_pole_is_found_between_the_points() -> None:
    tan = FORMS["tan"].domain
    assert bool(tan.admits(-1.5, 1.5))
    assert not bool(tan.admits(1.5, 1.6))
    assert bool(tan.admits(1.6, 4.6))
    assert tan.admits([0.0, 1.0], [1.0, 2.0]).tolist() == [True, False]
    assert not bool(FormDomain(pole=0.0).admits(-1, 1))


@pytest.mark.parametrize("name", [name for name in NAMES if FORMS[name].shift_of])
def test_shifted_forms_are_affine_images(name: str) -> None:
    form = FORMS[name]
    assert form.shift_of is not None
    other, scale, b, c, offset = form.shift_of
    z = torch.linspace(-4, 4, 33, dtype=torch.float64)
    torch.testing.assert_close(
        form.value(z), scale * FORMS[other].value(b * z + c) + offset, rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("name", [name for name in NAMES if FORMS[name].family != "general"])
def test_families_say_which_constants_are_redundant(name: str) -> None:
    form = FORMS[name]
    z = torch.linspace(0.5, 2.0, 20, dtype=torch.float64)
    moved = form.value(z + 0.7) if form.family == "exponential" else form.value(1.7 * z)
    design = torch.stack([form.value(z), torch.ones_like(z)], dim=1)
    fitted = design @ torch.linalg.lstsq(design, moved[:, None]).solution
    torch.testing.assert_close(fitted[:, 0], moved, rtol=1e-9, atol=1e-9)


def test_user_forms() -> None:
    form = form_from_text("x*exp(-x)")
    z = torch.linspace(-1, 3, 9, dtype=torch.float64)
    torch.testing.assert_close(form.value(z), z * torch.exp(-z))
    torch.testing.assert_close(form.derivative(z), (1 - z) * torch.exp(-z))
    assert form_from_text("sin") is FORMS["sin"]
    assert form_from_text("x^2") is FORMS["square"]
    assert form_from_text("3*x").derivative(z).shape == z.shape
    for bad in ("2", "y", "import os", "tanhh"):
        with pytest.raises(InputError):
            form_from_text(bad)


def test_forms_are_distinct_and_can_be_copied() -> None:
    assert len({form.text for form in FORMS.values()}) == len(FORMS)
    assert copy.deepcopy(FORMS["sin"]) == FORMS["sin"]
    for form in FORMS.values():
        z = torch.tensor([0.4, 0.6], dtype=torch.float64)
        torch.testing.assert_close(parse(form.text, ["x"]).evaluate({"x": z}), form.value(z))
        assert form.value(z.float()).dtype == torch.float32
        assert form.derivative(z.float()).dtype == torch.float32
    assert math.isinf(FORMS["exp"].domain.low)
