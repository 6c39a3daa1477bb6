"""Sums of terms under noise: the pool of terms, what it promises, and what is found."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from edgewise.forms import parse
from edgewise.forms.tree import render
from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.criterion import NODE_NATS
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.nonlinear_fit import NonlinearSum
from edgewise.symbolic.structure.nonlinear_terms import MOST_COLUMNS, NonlinearTerm
from edgewise.symbolic.structure.sums_in_noise import _Search, sums_in_noise
from edgewise.symbolic.structure.term_pool import TermPool

NAMES = ("x", "t")
X = np.random.default_rng(0).uniform(0.2, 4.0, (1000, 2))


def values(text: str) -> np.ndarray:
    tape = Tape(parse(text, list(NAMES)).tree, NAMES)
    return tape.value(tape.start, X)


def table(y: np.ndarray, noise: float) -> SplitRows:
    rng = np.random.default_rng(1)
    return SplitRows.split(NAMES, X, y + noise * float(y.std()) * rng.standard_normal(len(y)), 0.2, 0)


ROWS = table(values("1.6*exp(-0.9*t) + 0.7*x^2 - 1.3*sin(1.8*t)"), 0.01)
POOL = TermPool.of(ROWS)


def test_few_directions_hold_all_terms() -> None:
    for at in range(0, len(POOL.places), 61):
        term, own = POOL.places[at]
        column = term.value(ROWS.X, own)
        np.testing.assert_allclose(
            POOL.frame @ POOL.values[:, at], column / np.linalg.norm(column), atol=1e-4
        )


def test_the_term_that_is_missing_promises_the_most() -> None:
    wave = NonlinearTerm((0, 0), ((1, 2),))
    rest = NonlinearSum(((2, 0),)).with_term(NonlinearTerm((0, 0), ((1, 0),)), (0.9,))
    first = POOL.singles(rest, 3)[0]
    assert first.terms[-1] == wave
    assert first.constants[-1][0] == pytest.approx(1.8, abs=0.2)


def test_pairs_describe_the_rows_in_as_little_as_the_true_terms() -> None:
    rest, count = NonlinearSum(((2, 0),)), len(ROWS.y)

    def nats(found: NonlinearSum) -> float:
        columns = np.column_stack(found.columns(ROWS.X))
        left = ROWS.y - columns @ np.linalg.lstsq(columns, ROWS.y, rcond=None)[0]
        return 0.5 * count * np.log(float(left @ left) / count) + POOL.price_of(found)

    pairs = POOL.pairs(rest, 40)
    wave, decay = NonlinearTerm((0, 0), ((1, 2),)), NonlinearTerm((0, 0), ((1, 0),))
    waves, decays = ([own for term, own in POOL.places if term == each] for each in (wave, decay))
    grid = itertools.product(waves, decays)
    true = min(nats(rest.with_term(wave, one).with_term(decay, other)) for one, other in grid)
    assert nats(pairs[0]) <= true + 1e-6
    assert any({wave, decay} == set(each.terms) for each in pairs)


def test_longer_terms_cost_more() -> None:
    plain, wave = NonlinearSum(((1, 0),)), NonlinearSum(())
    wave = wave.with_term(NonlinearTerm((1, 0), ((1, 2),)), (1.8,))
    assert 0 < POOL.price_of(plain) < POOL.price_of(wave)
    both = NonlinearSum(plain.powers, wave.terms, wave.constants)
    assert POOL.price_of(both) == pytest.approx(POOL.price_of(plain) + POOL.price_of(wave))


def test_terms_cost_what_their_functions_cost_the_caller() -> None:
    rows = replace(ROWS, costs=(("sin", 5),))
    pool = replace(POOL, rows=rows)
    wave = NonlinearSum(()).with_term(NonlinearTerm((0, 0), ((1, 2),)), (1.8,))
    decay = NonlinearSum(()).with_term(NonlinearTerm((0, 0), ((1, 0),)), (0.9,))
    assert pool.price_of(wave) == pytest.approx(POOL.price_of(wave) + 4 * NODE_NATS)
    assert pool.price_of(decay) == POOL.price_of(decay)


@pytest.mark.slow
def test_the_law_describes_the_rows_in_the_least() -> None:
    law = "2.35*log(1 + 1.1*x) - 0.854*sin(1.77*t) + 4.04*exp(-2.14*x)"
    rows = table(values(law), 0.003)
    best = next(sums_in_noise(rows, np.inf))
    tape, truth = Tape(best, NAMES), values(law)
    assert np.sqrt(np.mean(np.square(tape.value(tape.start, X) - truth))) < 1e-3 * truth.std()
    assert len(tape.start) <= len(Tape(parse(law, list(NAMES)).tree, NAMES).start)


@pytest.mark.slow
def test_a_whole_search_finds_the_law() -> None:
    y = values("1.93*x*t - 3.03*x - 1.3*x*exp(-2.73*t) - 0.39*sin(2.16*t)")
    rng = np.random.default_rng(2)
    found = find_formula(X, y + 0.002 * y.std() * rng.standard_normal(len(y)), names=NAMES)
    assert len(found.best.constants) == 6
    assert np.sqrt(np.mean(np.square(found.best.predict(X) - y))) < 5e-4 * y.std()


@pytest.mark.slow
def test_the_same_sums_come_again_and_noise_alone_gives_short_ones() -> None:
    y = np.random.default_rng(3).normal(size=len(X))
    rows = SplitRows.split(NAMES, X, y, 0.2, 0)
    sums = list(sums_in_noise(rows, np.inf))
    assert sums == list(sums_in_noise(rows, np.inf))
    assert render(sums[0]).count("*") <= 2


def test_wide_and_short_tables_are_left_alone() -> None:
    wide = np.random.default_rng(0).uniform(1, 2, (200, MOST_COLUMNS + 1))
    rows = SplitRows.split(tuple("abcdefgh"[: wide.shape[1]]), wide, wide.sum(1), 0.2, 0)
    assert not list(sums_in_noise(rows, np.inf))
    few = replace(rows, X=X[:50], y=X[:50, 0], names=NAMES)
    assert not list(sums_in_noise(few, np.inf))


def test_where_no_fit_has_a_value_nothing_is_grown() -> None:
    search = _Search.of(ROWS, float("inf"))
    without_values = replace(search, y=np.full(len(ROWS.y), np.nan))
    with np.errstate(all="ignore"):
        assert without_values.grown(NonlinearSum(((0, 0),))) == []
