"""Partly known formulas: the unknown functions come back, whatever the formula around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgewise import InputError, StopReason
from edgewise.symbolic.known_form.fit import FitTask, find_freedoms, minimise
from edgewise.symbolic.known_form.model import PartialModel, Spline
from edgewise.symbolic.known_form.partial import fit_partial
from edgewise.symbolic.known_form.partial_result import PartialResult
from edgewise.symbolic.known_form.text import read_partial


def rows(width: int, count: int = 500, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 2.5, (count, width))


def random_splines(model: PartialModel, X: np.ndarray, seed: int) -> dict[str, Spline]:
    import torch

    from edgewise.splines import BSpline

    rng = np.random.default_rng(seed)
    basis = BSpline(torch.linspace(0.0, 4.0, 5, dtype=torch.float64)[None], 5)
    return {name: Spline(basis, 1.5 + 0.3 * rng.normal(size=basis.size)) for name in model.partial.functions}


@pytest.mark.parametrize(
    "text",
    ["f(x1/x2)*g(x2) + x1", "f(g(x1) + h(x2)*x1)", "sqrt(f(x1) + f(x2)^2)/g(f(x1))", "exp(-f(x1))*x2^g(x2)"],
)
def test_the_jacobian_equals_differences(text: str) -> None:
    model = PartialModel(read_partial(text, ["x1", "x2"]))
    X = rows(2, 20)
    splines = random_splines(model, X, 1)
    _, jacobian = model.jacobian(splines, X)
    step = 1e-6
    for name, spline in splines.items():
        for at in range(spline.basis.size):
            moved = []
            for sign in (1.0, -1.0):
                coef = spline.coef.copy()
                coef[at] += sign * step
                moved.append(model.run({**splines, name: Spline(spline.basis, coef)}, X).value)
            slope = (moved[0] - moved[1]) / (2 * step)
            np.testing.assert_allclose(jacobian[name][:, at], slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(x1)*g(x2)", {("f", "scale")}),
        ("f(x1) + g(x2)", {("f", "shift")}),
        ("f(x1) + x2", set()),
        ("exp(f(x1))*g(x2)", {("f", "shift")}),
    ],
)
def test_freedoms_are_found_and_fixed(text: str, expected: set[tuple[str, str]]) -> None:
    model = PartialModel(read_partial(text, ["x1", "x2"]))
    X = rows(2, 300)
    truth = random_splines(model, X, 2)
    y = model.run(truth, X).value
    task = FitTask(model, X, y, float(y.std()))
    fixed, freedoms = find_freedoms(task, truth)
    assert set(freedoms) == expected
    assert task.error(fixed) < 1e-2
    for name, kind in freedoms:
        values = fixed[name](X[:, 0])
        assert abs(values.mean() if kind == "shift" else np.mean(values**2) - 1) < 1e-3


def test_minimise_never_makes_it_worse() -> None:
    model = PartialModel(read_partial("f(x1)*x2", ["x1", "x2"]))
    X = rows(2, 200)
    y = np.sin(3 * X[:, 0]) * X[:, 1]
    task = FitTask(model, X, y, float(y.std()))
    start = random_splines(model, X, 4)
    assert task.error(minimise(task, start, (), 0.0, steps=60)) < 0.2 * task.error(start)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_product_of_unknowns_with_a_known_term(noise: float) -> None:
    X = rows(4)
    f, g = (lambda u: 1 / (1 + u**2)), (lambda u: np.sin(2 * u) + 2)
    clean = f(X[:, 0] / X[:, 1]) * g(X[:, 2]) + X[:, 3]
    y = clean + noise * clean.std() * np.random.default_rng(0).normal(size=len(X))
    found = fit_partial(X, y, "f(x1/x2)*g(x3) + x4", work=0.25)
    assert [function.name for function in found.functions] == ["f", "g"]
    assert found.error < (1e-4 if noise == 0 else 1.3 * noise) * clean.std()
    # Only their product is determined: f comes back with mean square one, up to the sign of both.
    learned = found["f"](X[:, 0] / X[:, 1])
    assert np.mean(learned**2) == pytest.approx(1.0, abs=0.05)
    assert found["f"].normalised == "its mean square is 1"
    assert found["g"].normalised == ""
    u = np.quantile(X[:, 0] / X[:, 1], np.linspace(0.05, 0.95, 30))
    scaled = found["f"](u) / np.sqrt(np.mean(found["f"](u) ** 2)) * np.sign(learned.mean())
    np.testing.assert_allclose(scaled, f(u) / np.sqrt(np.mean(f(u) ** 2)), atol=1e-3 if noise == 0 else 0.05)
    fresh = rows(4, 200, seed=8)
    truth = f(fresh[:, 0] / fresh[:, 1]) * g(fresh[:, 2]) + fresh[:, 3]
    assert (
        np.sqrt(np.mean((found.predict(fresh) - truth) ** 2)) < (1e-3 if noise == 0 else noise) * truth.std()
    )


def test_one_function_called_twice_is_one_function() -> None:
    X = rows(3)
    y = np.tanh(X[:, 0]) + np.tanh(X[:, 1]) * X[:, 2]
    found = fit_partial(X, y, "f(x1) + f(x2)*x3", work=0.25)
    assert len(found.functions) == 1
    u = np.linspace(0.6, 2.4, 20)
    np.testing.assert_allclose(found["f"](u), np.tanh(u), atol=1e-4)
    assert found.formula is not None
    np.testing.assert_allclose(found.formula.predict(X), y, atol=1e-8)


@pytest.mark.slow
def test_nested_unknowns() -> None:
    X = rows(3)
    y = X[:, 0] * np.log(X[:, 1] * X[:, 2] ** 2 + 1)
    found = fit_partial(X, y, "x1*f(x2*g(x3))", work=0.25)
    assert found.error < 1e-3 * y.std()
    # Both grow or both fall; which, nobody can tell.
    assert abs(np.corrcoef(found["g"](X[:, 2]), X[:, 2] ** 2)[0, 1]) > 0.999


def test_the_curve_is_the_function_and_carries_suggestions() -> None:
    X = rows(2)
    found = fit_partial(X, np.sqrt(X[:, 0] ** 3 + X[:, 1] ** 2), "sqrt(f(x1) + x2^2)", work=0.25)
    f = found["f"]
    np.testing.assert_allclose(f(f.x), f.y)
    assert f.suggestions[0].form.name == "cube"
    assert found.formula is not None
    assert found.formula.text == "sqrt(x1^3 + x2^2)"
    assert found.r2 > 0.999999


def test_what_has_no_closed_form_stays_a_curve() -> None:
    X = rows(2, 600)
    wild = np.sin(7 * X[:, 0]) * np.cos(X[:, 0] ** 2) + np.tanh(20 * (X[:, 0] - 1.5)) / 3
    found = fit_partial(X, wild + X[:, 1], "f(x1) + x2", work=0.25)
    assert found.formula is None
    assert "no closed form" in found.message
    assert found.error < 0.02 * wild.std()


@pytest.mark.slow
def test_functions_that_data_cannot_tell_apart_are_said_to_be_one_choice_of_many() -> None:
    X = rows(3)
    y = np.hypot(np.exp(X[:, 0]), X[:, 1] + 1) * X[:, 2]
    assert "one choice of many" in fit_partial(X, y, "sqrt(f(x1)^2 + g(x2)^2)*x3", work=0.25).message
    assert "one choice of many" not in fit_partial(X, y, "sqrt(f(x1)^2 + (x2 + 1)^2)*x3", work=0.25).message


@pytest.mark.slow
def test_a_wrong_formula_shows_in_its_error() -> None:
    X = rows(2)
    y = np.sin(3 * X[:, 0] * X[:, 1])
    assert fit_partial(X, y, "f(x1) + g(x2)", work=0.25).error > 0.3 * y.std()


def test_names_of_columns_may_need_backticks() -> None:
    X = rows(2)
    found = fit_partial(
        X, np.exp(X[:, 0]) + X[:, 1], "f(`flow rate`) + p", names=["flow rate", "p"], work=0.25
    )
    assert found.error < 1e-4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sin(x1) + x2", "every function in it is known"),
        ("f(2) + x1", "not called with a column"),
        ("f(x1, x2)", "the function 'f' takes one argument"),
        ("f(x1", r"'\)' was expected at its end"),
        ("f(x9)", "x9"),
        ("", "must be a text"),
        (3, "must be a text"),
    ],
)
def test_texts_that_cannot_be_read(text: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_partial(text, ["x1", "x2"])


def test_a_left_side_is_allowed_and_means_nothing() -> None:
    partial = read_partial("y = f(x1)*g(x2)", ["x1", "x2"])
    assert partial.root == read_partial("f(x1)*g(x2)", ["x1", "x2"]).root
    assert partial.reading_order == ("f", "g")
    assert read_partial("f(g(x1) + h(x2))", ["x1", "x2"]).reading_order == ("f", "g", "h")


def test_a_formula_without_a_value_is_refused() -> None:
    X = rows(2, 80)
    with pytest.raises(InputError, match="value on every row"):
        fit_partial(X, X[:, 0], "f(x1) + log(-x2)", work=0.25)
    with pytest.raises(InputError, match="must be one of 'f'"):
        fit_partial(X, X[:, 0], "f(x1) + x2", work=0.25)["g"]


def interrupted(looks: int, ticking: Callable[[float], None]) -> PartialResult:
    """A fit that a clock ends after so many looks."""
    X = rows(4, 200)
    y = X[:, 0] * np.sin(X[:, 2]) + np.abs(np.sin(4 * X[:, 1]))
    y += 0.1 * np.random.default_rng(0).standard_normal(200)
    ticking(1 / looks)
    return fit_partial(X, y, "f(x1)*g(x3) + h(x2)", seconds=1)


@pytest.mark.slow
@pytest.mark.parametrize("looks", [4000, 6000])
def test_a_time_limit_leaves_functions_and_says_so(looks: int, ticking: Callable[[float], None]) -> None:
    found = interrupted(looks, ticking)
    assert found.stop_reason is StopReason.TIME_LIMIT
    assert np.isfinite(found.predict(rows(4, 200))).all()


def test_a_time_limit_before_the_first_fit_is_not_blamed_on_the_formula(
    ticking: Callable[[float], None],
) -> None:
    with pytest.raises(InputError, match="'seconds'"):
        interrupted(10, ticking)


@pytest.mark.slow
def test_the_same_rows_give_the_same_functions() -> None:
    X = rows(2, 150)
    first, second = (fit_partial(X, np.exp(X[:, 0]) * X[:, 1], "f(x1)*g(x2)", work=0.05) for _ in range(2))
    assert first.stop_reason.repeatable
    assert first.predict(X).tobytes() == second.predict(X).tobytes()


@pytest.mark.slow
def test_rows_count_by_their_weights() -> None:
    X = rows(2, 300)
    y = np.exp(-X[:, 0]) * X[:, 1]
    broken = np.arange(300) % 5 == 0
    wrong = np.where(broken, y + 3.0, y)
    X[7, 1] = np.nan
    found = fit_partial(X, wrong, "f(x1)*x2", work=0.25, sample_weight=np.where(broken, 0.0, 1.0))
    assert found.error < 1e-6
    assert "1 row" in found.message
    known = fit_partial(X, wrong, "f(x1)*x2", work=0.25, sigma=np.where(broken, 1e3, 1e-3))
    assert found.formula is not None
    assert known.formula is not None
    assert known.formula.text == found.formula.text == "x2*exp(-x1)"


def test_errors_of_a_task_are_weighted() -> None:
    model = PartialModel(read_partial("f(x1)*x2", ["x1", "x2"]))
    X, rng = rows(2, 50), np.random.default_rng(3)
    truth, count = random_splines(model, X, 1), rng.integers(1, 4, 50)
    y = rng.standard_normal(50)
    weighted = FitTask(model, X, y, 2.0, count.astype(np.float64)).error(truth)
    repeated = FitTask(model, np.repeat(X, count, axis=0), np.repeat(y, count), 2.0).error(truth)
    assert weighted == pytest.approx(repeated, rel=1e-12)
