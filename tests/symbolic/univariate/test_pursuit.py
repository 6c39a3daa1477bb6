"""Sums, products and chains of functions with constants inside, beside least squares on the very columns."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.univariate.atoms import Atom, atoms
from edgewise.symbolic.univariate.compositions import AtomProducts, Chains
from edgewise.symbolic.univariate.library import ALL, LibraryColumn
from edgewise.symbolic.univariate.pursuit import SLOTS, AtomSum, Pursuit
from edgewise.symbolic.univariate.trees import X

Floats = np.ndarray
PLACES = np.sort(np.random.default_rng(0).uniform(0.2, 3.0, 80))
WEIGHT = np.random.default_rng(1).uniform(0.2, 2.0, 80)
U = LibraryColumn(X, PLACES)
LINE = LibraryColumn(X, PLACES)
NOISE = np.random.default_rng(2).standard_normal(80)


def named(*names: str) -> list[Atom]:
    known = {atom.name: atom for atom in atoms(U, ALL)}
    return [known[name] for name in names]


def left_over(columns: list[Floats], y: Floats) -> float:
    """The share of y's weighted variance that the columns and a constant leave, by numpy."""
    root = np.sqrt(WEIGHT)
    design = np.column_stack([*columns, np.ones(len(y))])
    design = design / np.linalg.norm(design, axis=0) * root[:, None]
    rest = y * root - design @ np.linalg.lstsq(design, y * root, rcond=None)[0]
    return float(rest @ rest / np.sum(WEIGHT * np.square(y - np.average(y, weights=WEIGHT))))


def values(pursuit: Pursuit, fit: AtomSum) -> list[Floats]:
    tapes = [Tape(tree, ["x"]) for tree in pursuit.formulas(fit)]
    return [tape.value(tape.start, PLACES[:, None]) for tape in tapes]


def test_what_a_fit_leaves_is_what_least_squares_on_its_columns_leave() -> None:
    pursuit = Pursuit(named("exp", "sin", "1/x"), NOISE, WEIGHT, [LINE])
    singles = pursuit.singles(4, 8, 30)
    fits = [*singles, *pursuit.pairs(), *pursuit.grown(singles)]
    assert {len(fit.atoms) for fit in fits} == {1, 2}
    for fit in fits:
        truth = left_over([PLACES, *values(pursuit, fit)], NOISE)
        assert fit.unexplained == pytest.approx(truth, rel=1e-6)


def test_constants_are_at_an_optimum() -> None:
    pursuit = Pursuit(named("exp"), PLACES**1.5 + 0.1 * NOISE, WEIGHT)
    best = pursuit.singles(4, 8, 100)[0]
    for factor in (0.999, 1.001):
        moved = AtomSum(best.atoms, (factor * best.constants[0],), 0.0)
        assert left_over(values(pursuit, moved), pursuit.y) >= best.unexplained


def test_one_function_more_never_explains_less() -> None:
    pursuit = Pursuit(named("exp", "sin"), NOISE, WEIGHT)
    singles = pursuit.singles(2, 2, 30)
    for fit in singles:
        assert pursuit.grown([fit])[0].unexplained <= fit.unexplained


@pytest.mark.parametrize(
    ("names", "law", "constants"),
    [
        (("exp", "sin"), lambda x: 3 * np.exp(-1.3 * x) + 1, [[-1.3]]),
        (("exp",), lambda x: np.exp(-0.8 * x) - 0.5 * np.exp(-3.1 * x), [[-3.1], [-0.8]]),
    ],
)
def test_planted_constants_come_back(names, law, constants) -> None:
    pursuit = Pursuit(named(*names), law(PLACES), WEIGHT)
    best = (pursuit.singles(4, 8, 30) if len(constants) == 1 else pursuit.pairs())[0]
    assert best.unexplained < 1e-20
    np.testing.assert_allclose(sorted(constant.tolist() for constant in best.constants), constants, rtol=1e-6)


def test_without_a_constant_none_is_fitted() -> None:
    pursuit = Pursuit(named("exp"), 2 * np.exp(-PLACES), np.ones(80), constant=False)
    assert pursuit.singles(4, 8, 30)[0].unexplained < 1e-20
    shifted = Pursuit(named("exp"), 2 * np.exp(-PLACES) + 5, np.ones(80), constant=False)
    assert shifted.singles(4, 8, 30)[0].unexplained > 1e-6


def check_slopes(pursuit: Pursuit, owners: Floats, theta: Floats) -> None:
    _, slopes = pursuit.columns(owners, theta)
    slopes = slopes.reshape(len(owners), 2, SLOTS, -1)
    step = 1e-6
    for slot in range(2):
        for at in range(SLOTS):
            move = np.zeros((2, SLOTS))
            move[slot, at] = step
            high, low = (pursuit.columns(owners, theta + sign * move)[0][:, 0] for sign in (1, -1))
            np.testing.assert_allclose(slopes[:, slot, at], (high - low) / (2 * step), rtol=1e-4, atol=1e-6)


def test_slopes_of_products_and_chains_are_those_of_their_values() -> None:
    chosen = named("exp", "sin", "tanh")
    owners = np.array([(0, 1), (1, 2), (2, 0), (1, 1)])
    theta = np.random.default_rng(3).uniform(0.3, 0.9, (4, 2, SLOTS))
    # Constants that an atom has not.
    counts = np.array([1, 2, 2])
    theta[np.arange(SLOTS) >= counts[owners][:, :, None]] = 0.0
    check_slopes(AtomProducts(chosen, NOISE, WEIGHT), owners, theta)
    check_slopes(Chains(chosen, NOISE, WEIGHT), owners, theta)


def test_a_product_of_two_functions_is_found() -> None:
    y = np.exp(-0.7 * PLACES) * np.tanh(2 * PLACES - 1.5)
    pursuit = AtomProducts(named("exp", "tanh"), y, WEIGHT)
    best = pursuit.best()[0]
    assert best.unexplained < 1e-20
    assert left_over(values(pursuit, best), y) < 1e-20


@pytest.mark.parametrize(
    ("names", "law"),
    [
        (("exp", "sin"), lambda x: np.exp(0.8 * np.sin(1.7 * x))),
        (("sin", "exp"), lambda x: np.sin(3 * np.exp(-0.6 * x))),
    ],
)
def test_a_function_of_a_function_is_found(names, law) -> None:
    pursuit = Chains(named(*names), law(PLACES), WEIGHT)
    best = pursuit.best([0], [1])[0]
    assert best.atoms == (0, 1)
    assert best.unexplained < 1e-20
    assert left_over(values(pursuit, best), pursuit.y) < 1e-20
