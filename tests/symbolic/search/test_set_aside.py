"""Laws in spite of gross errors."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.symbolic import Formula, find_formula, parse_formula
from edgewise.symbolic.fitting.measurements import Measurements
from edgewise.symbolic.search.set_aside import departing_rows, suspicious_rows

RNG = np.random.default_rng(100)
X = RNG.uniform(1, 3, (300, 2))
LAW = 2 * X[:, 0] / X[:, 1] ** 2
NOISE = 0.01 * LAW.std() * RNG.standard_normal(300)
BAD = np.sort(RNG.choice(300, 15, replace=False))
ERRORS = 100 * LAW.std() * RNG.standard_normal(15)
NAMES = ("x1", "x2")


def spoiled(y: np.ndarray) -> np.ndarray:
    y = y.copy()
    y[BAD] += ERRORS
    return y


def rows(y: np.ndarray) -> Measurements:
    return Measurements(X, y, np.arange(len(y)))


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_law_is_found_and_the_errors_are_named(noise: float) -> None:
    found = find_formula(X, spoiled(LAW + noise * NOISE), loss="robust")
    assert found.best.text == "2*x1/x2^2"
    assert found.exact == (noise == 0)
    assert set(found.gross_errors) >= set(BAD)
    assert len(found.gross_errors) <= 17
    assert f"{len(found.gross_errors)} rows set aside as gross errors" in found.message
    assert f"rows {BAD[0]}, {BAD[1]}" in found.message
    # Judged on what is left, it does as well as it would without errors.
    assert found.best.error <= 1.3 * noise * NOISE.std() + 1e-12


@pytest.mark.slow
def test_without_being_asked_the_search_only_warns() -> None:
    found = find_formula(X, spoiled(LAW + NOISE), work=0.005)
    assert set(found.gross_errors) <= set(BAD)
    assert len(found.gross_errors) >= 12
    assert "as gross errors do: rows" in found.message
    assert "robust" in found.message


@pytest.mark.parametrize("text", ["exp(5*x1)", "1/x1", "x2/x1^2", "x2/(x1*(1 - x1))"])
def test_a_steep_law_earns_no_warning(text: str) -> None:
    Z = np.random.default_rng(2).uniform(0.01, 0.99, (200, 2))
    law = Formula(parse_formula(text, NAMES), NAMES)
    y = law.predict(Z) * (1 + 0.01 * RNG.standard_normal(200))
    assert not len(suspicious_rows(law, Measurements(Z, y, np.arange(200))))


@pytest.mark.slow
def test_a_steep_law_is_found_without_a_warning() -> None:
    Z = np.random.default_rng(2).uniform(0.01, 1, (200, 1))
    for loss in ("squared", "robust"):
        found = find_formula(Z, np.exp(5 * Z[:, 0]), loss=loss)
        assert (found.best.text, found.gross_errors) == ("exp(5*x1)", ())
        assert "gross" not in found.message


def test_a_law_without_errors_is_the_same_with_either_loss() -> None:
    plain, robust = (find_formula(X, LAW, loss=loss) for loss in ("squared", "robust"))
    assert plain.best == robust.best
    assert robust.gross_errors == ()
    assert robust.exact


def test_a_formula_tells_its_exceptions_and_fits_itself_to_the_rest() -> None:
    start = Formula(parse_formula("1.9*x1/x2^2", ["x1", "x2"]), ("x1", "x2"))
    none = np.zeros(300, dtype=bool)
    np.testing.assert_array_equal(np.flatnonzero(departing_rows(start, rows(spoiled(LAW)), none)), BAD)


def test_a_formula_that_explains_little_tells_nothing_of_rows() -> None:
    start = Formula(parse_formula("2.8*x2", ["x1", "x2"]), ("x1", "x2"))
    assert not departing_rows(start, rows(spoiled(LAW)), np.zeros(300, dtype=bool)).any()


def test_rows_that_the_formula_explains_are_not_suspicious() -> None:
    law = Formula(parse_formula("2*x1/x2^2", ["x1", "x2"]), ("x1", "x2"))
    spoiled_rows = rows(spoiled(LAW + NOISE))
    assert set(suspicious_rows(law, spoiled_rows)) <= set(BAD)
    assert len(suspicious_rows(law, spoiled_rows)) >= 8
    assert not len(suspicious_rows(law, rows(LAW + NOISE)))


@pytest.mark.slow
def test_numbers_are_those_of_the_callers_table() -> None:
    y = spoiled(LAW)
    y[0] = np.nan
    shifted = np.delete(np.arange(300), 0)
    found = find_formula(X, y, loss="robust")
    assert set(found.gross_errors) == set(BAD) & set(shifted)
    assert "1 row of 300 left out: cells are missing in 'y' (1)." in found.message


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["robust", "squared"])
def test_a_wave_of_many_turns_is_found_among_gross_errors(loss: str) -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(0, 10, (400, 1))
    y = 1.7 * np.sin(30 * X[:, 0]) + 0.01 * rng.standard_normal(400)
    wrong = np.sort(rng.choice(400, 20, replace=False))
    y[wrong] += 100 * rng.choice([-1, 1], 20)
    found = find_formula(X, y, loss=loss, work=0.07)
    assert set(wrong) <= set(found.gross_errors)
    assert len(found.gross_errors) <= 22
    assert "gross errors" in found.message
    off = found.best.predict(X) - 1.7 * np.sin(30 * X[:, 0])
    assert bool(np.abs(off).max() < 0.01) == (loss == "robust")


@pytest.mark.slow
def test_columns_that_were_not_searched_are_no_error() -> None:
    """The search comes to few of many columns by itself; its formula is judged on the whole table."""
    rng = np.random.default_rng(3)
    X = rng.uniform(1, 3, (1500, 8))
    y = 2 * X[:, 0] + 0.01 * rng.standard_normal(1500)
    y[:20] += 100
    found = find_formula(X, y, loss="robust", work=0.05)
    assert found.best.names == tuple(f"x{at}" for at in range(1, 9))
    assert set(range(20)) <= set(found.gross_errors)
