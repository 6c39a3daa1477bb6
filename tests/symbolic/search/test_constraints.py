"""What a formula must satisfy: read from text, judged at points, kept to by the search."""

from __future__ import annotations

import pathlib
import warnings
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import FormulaRegressor, InputError, find_formula, load, save
from edgewise.forms import parse
from edgewise.symbolic import Constant, ConstraintWarning, Formula, FormulaResult
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.search.constraint_text import read_constraints
from edgewise.symbolic.search.constraints import Checker, contradicted_by, refused_of, structural

NAMES = ("x", "z")
RNG = np.random.default_rng(0)
X = RNG.uniform([0.5, -2], [3, 2], (200, 2))


def values(text: str) -> Callable[[np.ndarray], np.ndarray]:
    tape = Tape(parse(text, NAMES).tree, NAMES)
    return lambda rows: np.broadcast_to(tape.value(tape.start, rows), (len(rows),)).copy()


def broken(text: str, *constraints: str, error: float = 0.0) -> list[str]:
    f = values(text)
    checker = Checker.of(read_constraints(constraints, NAMES, "y"), NAMES, X, f(X))
    return [name.kind for name in checker.broken(f, error)]


@pytest.mark.parametrize(
    ("law", "kept", "lost"),
    [
        ("x^2 + z", ["increasing(x)", "convex(x)", "y -> inf as x -> inf"], ["decreasing(x)", "concave(x)"]),
        ("exp(-x)*z^2", ["decreasing(x)", "even(z)", "y -> 0 as x -> inf", "y >= 0"], ["odd(z)", "y <= 1"]),
        ("z/x", ["odd(z)", "y -> 0 as x -> inf", "y = 0 at z = 0"], ["even(z)", "y = 1 at z = 0"]),
        ("x*z", ["symmetric(x, z)", "-6 <= y <= 6", "y -> z as x -> 1"], ["0 <= y", "y -> 0 as x -> inf"]),
        ("x - z", ["increasing(x)", "decreasing(z)", "y <= x + 2", "y = x at z = 0"], ["symmetric(x, z)"]),
        ("log(x)", ["y -> -inf as x -> 0", "concave(x)", "y -> inf as x -> inf"], ["y -> inf as x -> 0"]),
        (
            "exp(x)/x",
            ["y -> inf as x -> inf", "y -> inf as x -> 0"],
            ["y -> 0 as x -> inf", "y -> 5 as x -> inf"],
        ),
        ("1 + 2/x^3", ["y -> 1 as x -> inf", "y -> inf as x -> 0"], ["y -> 0 as x -> inf"]),
    ],
)
def test_what_holds_and_what_does_not(law: str, kept: list[str], lost: list[str]) -> None:
    assert broken(law, *kept) == []
    for name in lost:
        assert broken(law, name), name


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=4))
def test_directions_agree_with_the_derivative(coefficients: list[float]) -> None:
    """Against sympy: a polynomial that is called increasing has no clearly falling place, and the other way round."""
    x = sympy.Symbol("x")
    polynomial = sum(c * x ** (k + 1) for k, c in enumerate(coefficients))
    slopes = np.array([float(sympy.diff(polynomial, x).subs(x, v)) for v in np.linspace(0.5, 3, 60)])
    text = " + ".join(f"({c!r})*x^{k + 1}" for k, c in enumerate(coefficients))
    said_broken = bool(broken(text, "increasing(x)"))
    spread = float(np.std(values(text)(X))) or 1.0
    if slopes.min() > 1e-6 * spread:
        assert not said_broken
    if slopes.min() < -0.2 * max(spread, np.abs(slopes).max()):
        assert said_broken


def test_nestings_and_exponents_are_read_off_the_tree() -> None:
    def allowed(text: str, *constraints: str) -> bool:
        return structural(parse(text, NAMES).tree, read_constraints(constraints, NAMES, "y"))

    assert not allowed("sin(1 + 2*cos(x))", "never sin(cos)")
    assert allowed("cos(1 + 2*sin(x)) + sin(x)", "never sin(cos)")
    assert allowed("x^2/z + sqrt(x)", "exponents 1, 2, 1/2")
    assert not allowed("x^3", "exponents 1, 2, 1/2")
    assert not allowed("2^x", "exponents 1, 2")
    assert read_constraints(["exponents 3/2"], NAMES, "y")[0].exponents == {Fraction(1), Fraction(3, 2)}


def test_an_equality_holds_to_within_the_error() -> None:
    assert broken("1.01 + x", "y = 1 at x = 0") == ["value"]
    assert broken("1.01 + x", "y = 1 at x = 0", error=0.02) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rising(x)", "no property 'rising' .*write it as in increasing"),
        ("increasng(x)", "did you mean 'increasing'"),
        ("cosine(x) <= y", "no property 'cosine'"),
        ("increasing(w)", "no column 'w'"),
        ("increasing(x, z)", "one column"),
        ("symmetric(x)", "two columns"),
        ("y = 2", "as in y = 2 at x = 0"),
        ("y -> 0", "as in y -> 0 as x -> inf"),
        ("never sine(cos)", "did you mean 'sin'"),
        ("0 <= y >= 1", "same side"),
        ("0 <= y <= -1", "lower bound is above"),
        ("1 >= y >= 3/2", "lower bound is above"),
        ("x <= 3", "what the formula gives"),
        ("exponents 1/0", "divides by zero"),
        ("y >= 0 now", "the end"),
        (3, "must be a text"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_constraints([text], NAMES, "y")


def test_names_that_need_backticks_are_told() -> None:
    with pytest.raises(
        InputError, match=r"no column 'm'; the columns are 'm \[kg\]'; `m \[kg\]` is written in backticks"
    ):
        read_constraints(["increasing(m)"], ["m [kg]"], "y")
    with pytest.raises(InputError, match="`m \\[kg\\]` is written in backticks"):
        read_constraints(["y >= m"], ["m [kg]"], "y")


def test_one_text_is_no_list_of_texts() -> None:
    with pytest.raises(InputError, match="constraints"):
        find_formula(X, X[:, 0], constraints="increasing(x1)")


def test_the_search_keeps_to_them() -> None:
    """Ten rows of a line with noise: what rises and vanishes at the origin is no line with a constant."""
    x = np.linspace(0.5, 3, 12)
    y = 2 * x + 0.05 * np.random.default_rng(1).standard_normal(12) + 0.02
    free = find_formula(x[:, None], y, names=["x"], work="quick")
    held = find_formula(
        x[:, None], y, names=["x"], work="quick", constraints=["y = 0 at x = 0", "increasing(x)"]
    )
    for formula in held.front:
        assert abs(formula.predict([[0.0]])[0]) <= formula.error
    assert held.best.error < 0.2
    assert "no proof" in held.remarks[0]
    assert free.remarks == ()


@pytest.mark.slow
def test_a_law_that_breaks_them_is_not_offered() -> None:
    model = FormulaRegressor("quick", constraints=["never exp(x)"])
    with pytest.raises(InputError, match="no function 'x'"):
        model.fit(X, X[:, 0])
    y = np.exp(-X[:, 0])
    with pytest.warns(ConstraintWarning, match=r"The rows speak against y >= 0\.2"):
        found = find_formula(X[:, :1], y, names=["x"], work=0.02, constraints=["y >= 0.2"])
    assert found.best.predict(X[:, :1]).min() >= 0.2 - 1e-6
    assert not found.exact
    assert found.contradicted == ("y >= 0.2",)


@pytest.mark.slow
def test_rows_that_speak_against_a_constraint_are_told(tmp_path: pathlib.Path) -> None:
    """A constant is the best that falls along what rises: right as it is, and seldom what is wanted."""
    x = np.linspace(0, 5, 25)
    y = -60 * np.exp(-x) + 0.1 * np.random.default_rng(0).standard_normal(25)
    with pytest.warns(ConstraintWarning, match=r"speak against decreasing\(x\)"):
        found = find_formula(x[:, None], y, names=["x"], work=0.01, constraints=["decreasing(x)", "y <= 99"])
    assert found.contradicted == ("decreasing(x)",)
    assert found.broken == ()
    assert "which breaks it, leaves an RMSE of" in found.message
    assert found.to_dict()["contradicted"] == ["decreasing(x)"]
    save(FormulaRegressor.from_result(found, x[:, None], target="y"), tmp_path / "law.kan")
    assert load(tmp_path / "law.kan").result_.contradicted == found.contradicted
    with pytest.warns(ConstraintWarning, match=r"speak against decreasing\(x\)"):
        many = find_formula(
            np.tile(x, 2)[:, None], np.r_[y, 2 * y], names=["x"], work=0.01,
            groups=np.repeat(["a", "b"], 25), constraints=["decreasing(x)"],
        )  # fmt: skip
    assert many.contradicted == ("decreasing(x)",)
    assert "The rows speak against decreasing(x): formulas that break it leave an RMSE of" in many.message


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_noise_speaks_against_no_constraint(seed: int) -> None:
    """A formula that breaks one and follows the noise of the rows it was fitted to is no evidence."""
    x = np.linspace(0, 1, 40)
    y = 1 - x + 0.3 * np.random.default_rng(seed).standard_normal(40)
    Z = x[:, None]
    line, wave = (
        found_formula(text, np.linalg.lstsq(columns, y, rcond=None)[0])
        for text, columns in (
            ("{0!r}*x + {1!r}", np.column_stack([x, np.ones(40)])),
            (
                "{0!r}*x + {1!r} + {2!r}*x^2 + {3!r}*x^3",
                np.column_stack([x, np.ones(40), x**2, x**3]),
            ),
        )
    )
    checker = Checker.of(read_constraints(["decreasing(x)", "concave(x)"], ["x"], "y"), ["x"], Z, y)
    for refused in (refused_of(wave, ("x",), checker), None):
        found = FormulaResult(line, (line,), None, "", 0.0, refused=refused)
        assert contradicted_by([(found, Z, y)]) == ((), ())


def test_the_evidence_of_groups_adds_up() -> None:
    """What few noisy rows of one group leave open, those of all groups together may show."""
    x, noise = np.linspace(0, 1, 8), 0.3 * np.tile([1.0, -1.0], 4)
    searches: list[tuple[FormulaResult, np.ndarray, np.ndarray]] = []
    for group in range(6):
        y = x + noise * (-1) ** group
        best = found_formula("{0!r}", np.array([y.mean()]))
        rising = found_formula("{0!r}*x + {1!r}", np.polyfit(x, y, 1))
        checker = Checker.of(read_constraints(["decreasing(x)"], ["x"], "y"), ["x"], x[:, None], y)
        refused = refused_of(rising, ("x",), checker)
        searches.append((FormulaResult(best, (best,), None, "", 0.0, refused=refused), x[:, None], y))
    assert all(contradicted_by([search]) == ((), ()) for search in searches)
    against, (note,) = contradicted_by(searches)
    assert against == ("decreasing(x)",)
    assert "formulas that break it leave an RMSE of" in note


def found_formula(text: str, constants: np.ndarray) -> Formula:
    whole = parse(text.format(*map(float, constants)), ["x"])
    errors = tuple(Constant(float(constant), 0.1) for constant in constants)
    return Formula(from_tree(whole.tree, ["x"]), ("x",), 0.3, 0.5, errors)


@pytest.mark.slow
def test_a_result_that_breaks_them_says_so_wherever_it_is_looked_at(tmp_path: pathlib.Path) -> None:
    """Flag, warning, table, plain data and file; and neither exactness nor a probability is claimed of it."""
    y = np.exp(-X[:, 0])
    asked = ["y >= 9", "y <= 8", "decreasing(x)"]
    with pytest.warns(
        ConstraintWarning, match=r"No formula was found that satisfies y >= 9: the best one breaks it"
    ):
        none = find_formula(X[:, :1], y, names=["x"], work=0.01, constraints=asked)
    assert none.broken == ("y >= 9",)
    assert not none.exact
    assert none.probability is None
    assert "No formula was found that satisfies" in none.message
    assert "No column predicts" not in none.message
    assert "The best formula (*) breaks y >= 9." in str(none)
    assert none.to_dict()["broken"] == ["y >= 9"]
    model = FormulaRegressor.from_result(none, X[:, :1], target="y")
    save(model, tmp_path / "law.kan")
    assert load(tmp_path / "law.kan").result_.broken == none.broken
    with pytest.warns(ConstraintWarning):
        assert FormulaRegressor(0.01, constraints=asked[:2]).fit(X[:, :1], y).result_.broken
    kept = find_formula(X[:, :1], y, names=["x"], work=0.01, constraints=asked[1:])
    assert kept.broken == ()


@pytest.mark.slow
def test_every_group_is_held_to_them() -> None:
    """A law that falls in one group and rises in another is not offered as one that falls."""
    t = np.tile(np.linspace(0, 4, 30), 2)
    group = np.repeat(["a", "b"], 30)
    y = 3 + np.where(group == "a", -1.0, 0.7) * t
    free = find_formula(t[:, None], y, groups=group, names=["t"], work=0.05)
    assert free.best.rmse < 1e-9
    with pytest.warns(ConstraintWarning, match=r"satisfies y >= 20"):
        none = find_formula(t[:, None], y, groups=group, names=["t"], work=0.01, constraints=["y >= 20"])
    assert none.broken == ("y >= 20",)
    assert none.to_dict()["broken"] == ["y >= 20"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstraintWarning)
        held = find_formula(
            t[:, None], y, groups=group, names=["t"], work=0.05, constraints=["decreasing(t)"]
        )
    rising = any((np.diff(held.best.values(item, t[:30, None])) > 1e-6).any() for item in "ab")
    assert rising == bool(held.broken)
    falling = 3 - np.where(group == "a", 1.0, 0.7) * t
    fine = find_formula(
        t[:, None], falling, groups=group, names=["t"], work=0.05, constraints=["decreasing(t)"]
    )
    assert not fine.broken
    assert "no proof" in fine.message


def test_ignored_columns_cannot_be_constrained() -> None:
    with pytest.raises(InputError, match="ignored"):
        find_formula(X, X[:, 0], ignore_columns=["x2"], constraints=["increasing(x2)"])
