"""find_formula, from a table to the law."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sympy
import torch

from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.forms import FORMS, form_from_text, parse
from edgewise.symbolic import Formula, FormulaResult, find_formula
from edgewise.symbolic.units.constraints import Dimensions

HELLO = np.random.default_rng(5).uniform(-1, 1, (1000, 2))
LAW = np.exp(np.sin(np.pi * HELLO[:, 0]) + HELLO[:, 1] ** 2)


def table(seed: int, low: float, high: float, columns: int, rows: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (rows, columns))


@pytest.fixture(scope="module")
def hello() -> FormulaResult:
    return find_formula(HELLO, LAW, seed=5)


@pytest.mark.slow
def test_the_composition_is_found_exactly(hello: FormulaResult) -> None:
    x1, x2 = sympy.symbols("x1 x2")
    assert hello.best.sympy == sympy.exp(x2**2 + sympy.sin(sympy.pi * x1))
    assert hello.exact
    assert hello.stop_reason is StopReason.EXACT


@pytest.mark.slow
def test_longer_formulas_of_the_front_are_more_accurate(hello: FormulaResult) -> None:
    sizes = [formula.complexity for formula in hello.front]
    assert sizes == sorted(sizes)
    errors = [formula.error for formula in hello.front]
    assert errors == sorted(errors, reverse=True)


def test_a_result_says_in_json_why_it_ended(hello: FormulaResult) -> None:
    told = json.loads(json.dumps(hello.to_dict()))
    assert told["stop_reason"] == "exact"
    assert StopReason(told["stop_reason"]).repeatable


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "text"),
    [
        (lambda m, d, r: 6.674 * m * d / r**2, "6.674*a*b/c^2"),
        (lambda a, b, c: a * b + 2 * c**2, "a*b + 2*c^2"),
        (lambda a, b, c: np.sqrt(a**2 + b**2 + c**2), "sqrt(a^2 + b^2 + c^2)"),
        (lambda a, b, c: np.exp(-((a / b) ** 2)) * c, "c*exp(-a^2/b^2)"),
        (lambda a, b, c: 1 / (1 / a + 1 / b), "a*b/(a + b)"),
    ],
)
def test_laws_that_need_no_network(law: object, text: str) -> None:
    X = table(1, 1, 3, 3)
    assert callable(law)
    found = find_formula(X, law(*X.T), names=["a", "b", "c"])
    expected = sympy.sympify(text.replace("^", "**"))
    assert sympy.simplify(found.best.sympy - expected) == 0, found.best.text
    assert found.network is None


def test_one_column_laws() -> None:
    x = np.linspace(0.3, 10, 80)[:, None]
    assert find_formula(x, x[:, 0] ** 1.5, names=["a"]).best.text == "a^(3/2)"
    charge = np.arange(10.0, 60)[:, None]
    moseley = find_formula(charge, 10.2 * (charge[:, 0] - 1.13) ** 2, names=["Z"]).best
    Z = sympy.Symbol("Z")
    found, law = (sympy.Poly(item, Z).all_coeffs() for item in (moseley.sympy, 10.2 * (Z - 1.13) ** 2))
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(law, dtype=float), rtol=1e-9)


@pytest.mark.slow
def test_noise_is_not_fitted() -> None:
    """What is found is the law itself, without a constant that follows the noise, and the noise is told."""
    found = find_formula(
        HELLO[:300], LAW[:300] + 0.1 * np.random.default_rng(0).standard_normal(300), work=0.05
    )
    x1, x2 = sympy.symbols("x1 x2")
    assert found.best.sympy == sympy.exp(x2**2 + sympy.sin(sympy.pi * x1))
    assert found.best.error == pytest.approx(0.1, rel=0.25)
    assert found.noise == pytest.approx(0.1, rel=0.25)
    assert not found.exact
    # It was not read from a network, and so has no distance from one.
    assert found.best.network_deviation is None
    assert all(formula.trust is not None for formula in (found.best, *found.front))


def test_nothing_outside_is_touched() -> None:
    X, y = HELLO[:150].copy(), LAW[:150].copy()
    state, other = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    find_formula(X, y, work=0.005)
    assert (HELLO[:150] == X).all()
    assert (y == LAW[:150]).all()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (np.random.get_state()[1] == other).all()  # noqa: NPY002


@pytest.mark.slow
def test_noise_alone_is_given_a_short_formula() -> None:
    y = np.random.default_rng(0).standard_normal(400)
    assert find_formula(table(3, -1, 1, 4, 400), y, work=0.02).best.complexity <= 5


def test_user_forms() -> None:
    x = table(4, -2, 2, 1, 200)
    z = 1.5 * x[:, 0] + 0.2
    y = 2 * z / (1 + z**4) + 1
    form = form_from_text("x/(1 + x^4)")
    found = find_formula(x, y, forms=[*FORMS.values(), form])
    assert found.best.error < 1e-9


def test_constant_target_and_short_tables() -> None:
    X = table(0, 0, 1, 2, 30)
    assert find_formula(X, np.full(30, 2.0)).best.text == "2"
    kepler = np.array(
        [[0.389, 87.77], [0.724, 224.7], [1.0, 365.25], [1.524, 686.95], [5.2, 4332.62], [9.51, 10759.2]]
    )
    found = find_formula(kepler[:, :1], kepler[:, 1], names=["a"], work=0.005)
    assert "a^(3/2)" in found.best.text
    assert "leaving out one row" in found.message


def calls(formula: Formula) -> set[str]:
    """The functions of a formula, by their names in sympy, with broken powers as roots."""
    powers = formula.sympy.atoms(sympy.Pow)
    roots = {
        "sqrt" for power in powers if power.exp.is_number and float(power.exp) != round(float(power.exp))
    }
    return {type(atom).__name__ for atom in formula.sympy.atoms(sympy.Function)} | roots


@pytest.mark.slow
def test_functions_that_are_not_wanted_are_in_no_formula() -> None:
    X = table(5, 1, 3, 2)
    y = np.sqrt(X[:, 0]) * np.exp(-X[:, 1])
    free = find_formula(X, y)
    assert calls(free.best) == {"exp", "sqrt"}
    found = find_formula(X, y, exclude_functions=["exp", "sqrt"], work=0.002)
    assert not any({"exp", "sqrt"} & calls(formula) for formula in found.front)
    assert not found.exact
    assert found.best.r2 > 0.99
    few = find_formula(X, y, forms=["exp", "square"], work=0.01)
    assert all(calls(formula) <= {"exp"} for formula in few.front)
    assert any(calls(formula) == {"exp"} for formula in few.front)


@pytest.mark.slow
def test_columns_that_are_required_or_ignored() -> None:
    X = table(6, 1, 3, 3)
    y = X[:, 0] * X[:, 1]
    names = ["a", "b", "c"]
    found = find_formula(X, y, names=names, ignore_columns=["b"], require_columns=["c"], work=0.005)
    others = [alternative.formula for alternative in found.alternatives()]
    for formula in (found.best, *found.front, *others):
        columns = {symbol.name for symbol in formula.sympy.free_symbols}
        assert "c" in columns
        assert "b" not in columns
        assert formula.names == ("a", "b", "c")
        assert formula.predict(X).shape == y.shape


@pytest.mark.slow
def test_units_are_kept() -> None:
    X = table(7, 1, 3, 3)
    names = ["m", "v", "d"]
    units = {"m": "kg", "v": "m/s", "d": "m", "y": "N"}
    y = 1.7 * X[:, 0] * X[:, 1] ** 2 / X[:, 2] + 0.05 * np.random.default_rng(0).standard_normal(300)
    found = find_formula(X, y, names=names, units=units, work=0.02)
    assert found.best.text.endswith("*m*v^2/d")
    known = Dimensions.read(units, names)
    for formula in found.front:
        assert known.consistent(parse(formula.exact_text, names).tree, free_constants=True), formula.text


@pytest.mark.slow
def test_units_narrow_the_search_to_the_law() -> None:
    """Exponents will do for units; where the columns have no product without one, only a factor is left to find."""
    X = table(8, 1, 3, 3)
    vectors = {"l": [1, 0], "g": [1, -2], "a": [0, 0], "y": [0, 1]}
    length, g, a = X.T
    y = 2 * np.pi * np.sqrt(length / g) * (1 + np.sin(a / 2) ** 2 / 4)
    found = find_formula(X, y, names=["l", "g", "a"], units=vectors)
    assert found.exact
    length, g, a = (X + 2).T
    swing = 2 * np.pi * np.sqrt(length / g) * (1 + np.sin(a / 2) ** 2 / 4)
    assert np.allclose(found.best.predict(X + 2), swing)
    plain = find_formula(X, X[:, 0] * 3, names=["l", "g", "a"], units={**vectors, "y": [1, 0]})
    assert plain.best.text == "3*l"


def test_the_unit_of_a_series_goes_by_its_name() -> None:
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(table(9, 1, 3, 2), columns=["m", "v"])
    energy = (X["m"] * X["v"] ** 2 / 2).rename("E")
    assert find_formula(X, energy, units={"m": "kg", "v": "m/s", "E": "J"}).best.text == "m*v^2/2"
    assert find_formula(X, energy, units={"m": "kg", "v": "m/s", "y": "J"}).best.text == "m*v^2/2"


@pytest.mark.slow
def test_a_squared_law_keeps_its_sign() -> None:
    """y^2 is what the search finds; beyond the rows, y changes its sign."""
    rng = np.random.default_rng(0)
    X = rng.uniform([5, 1, 3, 1], [10, 2, 20, 2], (500, 4))

    def law(x: np.ndarray, u: np.ndarray, c: np.ndarray, t: np.ndarray) -> np.ndarray:
        return (x - u * t) / np.sqrt(1 - u**2 / c**2)

    found = find_formula(X, law(*X.T), names=["x", "u", "c", "t"])
    assert found.exact
    beyond = X - [4.5, 0, 0, 0]
    assert (law(*beyond.T) < 0).any()
    assert np.allclose(found.best.predict(beyond), law(*beyond.T))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"X": HELLO, "y": LAW[:-1]}, "'y'"),
        ({"X": HELLO[:3], "y": LAW[:3]}, "at least 5 rows"),
        ({"X": HELLO, "y": LAW, "names": ["a"]}, "'names'"),
        ({"X": HELLO, "y": LAW, "names": ["a", "a"]}, "distinct"),
        ({"X": HELLO, "y": LAW, "seconds": -1}, "'seconds'"),
        ({"X": HELLO, "y": LAW, "validation": 2}, "'validation'"),
        ({"X": HELLO, "y": LAW, "forms": ["sine"]}, "'forms'"),
        ({"X": HELLO, "y": LAW, "exclude_functions": ["sine"]}, "'exclude_functions'"),
        ({"X": HELLO, "y": LAW, "require_columns": ["x9"]}, "'require_columns'"),
        ({"X": HELLO, "y": LAW, "ignore_columns": ["x1", "x2"]}, "'ignore_columns'"),
        ({"X": HELLO, "y": LAW, "require_columns": ["x1"], "ignore_columns": ["x1"]}, "'ignore_columns'"),
        ({"X": HELLO, "y": LAW, "work": "much"}, "'work'"),
        ({"X": HELLO, "y": LAW, "work": 0}, "'work'"),
        ({"X": HELLO * np.nan, "y": LAW}, "finite"),
        ({"X": HELLO, "y": LAW, "loss": "robbust"}, "'loss' .*did you mean 'robust'"),
    ],
)
def test_bad_arguments_end_in_one_sentence(arguments: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        find_formula(**arguments)  # type: ignore[arg-type]


def test_units_lead_to_the_law() -> None:
    X = table(8, 1, 3, 3)
    y = X[:, 0] * X[:, 1] ** 2 * (1 + np.sin(X[:, 1] / X[:, 2])) / 2
    units = {"m": "kg", "v": "m/s", "c": "m/s", "y": "J"}
    found = find_formula(X, y, names=["m", "v", "c"], units=units)
    m, v, c = sympy.symbols("m v c")
    assert found.exact
    assert sympy.simplify(found.best.sympy - m * v**2 * (1 + sympy.sin(v / c)) / 2) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "law",
    [
        lambda a, b, c: a * b**3 / (np.exp(b / c) - 1),
        lambda a, b, c: a * np.sin(b * c) ** 2,
        lambda a, b, c: (a + b) / (1 + a * b / c**2),
        lambda a, b, c: np.sqrt((a - b) ** 2 + c**2),
        lambda a, b, c: a * (1 + b * np.cos(c)),
    ],
)
def test_laws_with_structure_are_found_to_every_digit(law: object) -> None:
    assert callable(law)
    X = table(11, 1, 3, 3, 1000)
    found = find_formula(X, law(*X.T), names=["a", "b", "c"])
    assert found.exact
    beyond = table(12, 0.8, 3.8, 3, 50)
    np.testing.assert_allclose(found.best.predict(beyond), law(*beyond.T), rtol=1e-8, atol=1e-10)
