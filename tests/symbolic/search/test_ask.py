"""Laws found by measuring where it tells most."""

import itertools
import math

import numpy as np
import pytest

from edgewise import InputError, StopReason
from edgewise.symbolic import ask
from edgewise.symbolic.results.pure_error import PureError, pure_error


def test_a_law_with_an_odd_power_is_found_and_confirmed():
    seen = []

    def measure(at):
        seen.append(at)
        return 2.5 * at["m"] ** 1.5 / at["r"] ** 3

    found = ask(measure, {"m": (1, 5), "r": (1, 3)})
    assert found.confirmed
    assert found.stop_reason is StopReason.CONVERGED
    assert found.result.exact
    assert len(seen) == len(found.y) <= 30
    at = {"m": np.array([2.0]), "r": np.array([1.5])}
    wanted = 2.5 * at["m"] ** 1.5 / at["r"] ** 3
    assert np.allclose(found.result.best.predict(np.column_stack([at["m"], at["r"]])), wanted, rtol=1e-6)
    assert all(1 <= place["m"] <= 5 and 1 <= place["r"] <= 3 for place in seen)


def test_the_same_seed_asks_the_same():
    def law(at):
        return 3 * at["x"] + at["z"] ** 2

    one, two = (ask(law, {"x": (0, 1), "z": (-2, 2)}, seed=3) for _ in range(2))
    assert np.array_equal(one.X, two.X)
    assert one.result.best.text == two.result.best.text


@pytest.mark.slow
def test_noise_takes_more_measurements_and_is_told():
    random = np.random.default_rng(0)

    def law(at):
        return 2 * at["x"] + 1 + 0.1 * random.standard_normal()

    found = ask(law, {"x": (0, 5)}, sigma=0.1, work=0.02)
    slope = found.result.best.predict([[1.0], [2.0]])
    assert slope[1] - slope[0] == pytest.approx(2, abs=0.1)
    assert len(found.y) > 12


def test_slips_are_set_aside_where_that_is_asked():
    """Two readings have lost their decimal point."""
    random, count = np.random.default_rng(1), itertools.count(1)

    def law(at):
        value = 2 * at["x"] + 1 + 0.02 * random.standard_normal()
        return value * (10 if next(count) in (5, 9) else 1)

    found = ask(law, {"x": (1, 5)}, sigma=0.02, work=0.05, loss="robust")
    assert {4, 8} <= set(found.result.gross_errors)
    assert found.confirmed
    assert found.result.best.predict([[3.0]])[0] == pytest.approx(7, abs=0.05)
    with pytest.raises(InputError, match="'loss'"):
        ask(law, {"x": (1, 5)}, loss="robus")


@pytest.mark.slow
def test_noise_is_known_from_places_measured_twice_and_never_taken_from_a_formula_that_does_not_fit():
    """What a wrong formula leaves of a law without noise is no noise: it is not confirmed, however little it foretells."""
    found = ask(
        lambda at: math.exp(math.sin(7 * at["x"]) * at["z"]), {"x": (0, 3), "z": (0, 3)}, work=0.02, most=20
    )
    X, y = found.X, found.y
    same = np.flatnonzero((X[1:] == X[0]).all(1)) + 1
    assert len(same) == 1
    assert y[same[0]] == y[0]
    off = np.abs(found.result.best.predict(X) - y).max()
    assert found.confirmed == (off <= 1e-6 * np.abs(y).max())


def test_pure_error_has_room_for_being_an_estimate_and_finds_lack_of_fit():
    random = np.random.default_rng(0)
    few = pure_error(*random.normal(0, 2, (2, 5)))
    many = pure_error(*random.normal(0, 2, (2, 4000)))
    assert many.sigma == pytest.approx(2, rel=0.05)
    assert few.room(4) / few.sigma > many.room(4) / many.sigma > 3.99
    chance = [many.lacks_fit(random.normal(0, 2, 40), 3, 0.05) for _ in range(400)]
    assert 0.02 < np.mean(chance) < 0.15  # fewer degrees of freedom than residuals, since nothing was fitted
    assert many.lacks_fit(random.normal(0, 4, 40), 3, 0.01)


def test_a_slip_is_no_noise_and_coarse_readings_are_not_exact():
    first, again = np.random.default_rng(0).normal(0, 2, (2, 5))
    without = pure_error(np.delete(first, 1), np.delete(again, 1))
    slipped = first.copy()
    slipped[1] = 1e6
    assert pure_error(slipped, again) == without
    assert pure_error(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.1])).sigma > 0
    assert pure_error(np.array([1.5, 2.0, 3.0]), np.array([1.5, 2.0, 300.0])) == PureError(0.0, 2)


def test_measurements_that_fail_are_left_out():
    def law(at):
        return math.nan if at["x"] < 0.5 else 4 * at["x"]

    found = ask(law, {"x": (0, 2)})
    assert np.isfinite(found.y).all()
    assert found.X.min() >= 0.5
    assert found.confirmed


def test_an_interrupt_while_measuring_leaves_what_was_found():
    count = 0

    def law(at):
        nonlocal count
        count += 1
        if count == 16:
            raise KeyboardInterrupt
        return math.sin(3 * at["x"]) * at["z"] + at["x"] ** at["z"]

    found = ask(law, {"x": (1, 3), "z": (1, 2)}, work=0.05)
    assert found.stop_reason is StopReason.INTERRUPTED
    assert not found.confirmed
    assert len(found.y) >= 13
    assert np.isfinite(found.result.best.predict(found.X)).all()
    count = 15
    with pytest.raises(KeyboardInterrupt):
        ask(law, {"x": (1, 3), "z": (1, 2)}, work=0.05)


def test_an_error_while_measuring_keeps_what_was_measured_and_ask_goes_on_from_there():
    def law(at):
        return 3 * at["m"] / at["r"] ** 2 if at["m"] > 1.2 else math.nan

    bounds, count, asked = {"m": (1, 5), "r": (1, 3)}, itertools.count(1), []
    whole = ask(lambda at: asked.append(at) or law(at), bounds, work="quick")

    def breaks(at):
        if next(count) == 15:
            raise ConnectionError("no answer")
        return law(at)

    with pytest.raises(ConnectionError, match="no answer") as caught:
        ask(breaks, bounds, work="quick")
    X, y = caught.value.X, caught.value.y
    assert X.shape == (14, 2)
    assert np.isnan(y).any()
    assert "14 rows" in caught.value.__notes__[0]
    measured = []
    rest = ask(lambda at: measured.append(at) or law(at), bounds, work="quick", X=X, y=y)
    assert np.array_equal(rest.X, whole.X)
    assert np.array_equal(rest.y, whole.y)
    assert rest.result.best.text == whole.result.best.text
    assert measured == asked[14:]

    with pytest.raises(InputError, match="must return a number") as caught:
        ask(lambda at: law(at) if at["r"] < 2.5 else "high", bounds)
    assert len(caught.value.y) > 0


def test_measurements_made_elsewhere_are_rows_too():
    random = np.random.default_rng(0)
    X = random.uniform(0, 4, (20, 2))
    seen = []

    def law(at):
        seen.append(at)
        return 2 * at["a"] / at["b"]

    found = ask(law, {"a": (1, 3), "b": (1, 3)}, X=X, y=2 * X[:, 0] / X[:, 1], work="quick")
    assert found.confirmed
    assert np.array_equal(found.X[:20], X)
    assert len(found.y) == 20 + len(seen) < 30
    assert all(1 <= at["a"] <= 3 for at in seen)
    with pytest.raises(ZeroDivisionError) as caught:
        ask(lambda at: 1 / 0, {"a": (1, 3)}, X=np.empty((0, 1)), y=[])
    assert caught.value.X.shape == (0, 1)
    with pytest.raises(InputError, match="given together"):
        ask(law, {"a": (1, 3), "b": (1, 3)}, X=X)
    with pytest.raises(InputError, match="'X' argument must have 2 columns"):
        ask(law, {"a": (1, 3), "b": (1, 3)}, X=X[:, :1], y=X[:, 0])
    with pytest.raises(InputError, match="'most' argument must be"):
        ask(law, {"a": (1, 3), "b": (1, 3)}, X=X, y=X[:, 0], most=19)


@pytest.mark.parametrize("slips", [(14,), (17,)])
def test_a_slip_among_measurements_that_were_foreseen_is_set_aside_too(slips):
    """It is measured once more: what the formula does not explain would come twice."""
    count = itertools.count(1)

    def law(at):
        return 3 * at["m"] / at["r"] ** 2 * (100 if next(count) in slips else 1)

    found = ask(law, {"m": (1, 5), "r": (1, 3)}, loss="robust", work="quick")
    assert found.confirmed
    assert found.result.best.text == "3*m/r^2"
    assert set(found.result.gross_errors) == {at - 1 for at in slips}
    assert len(found.y) <= 30


@pytest.mark.slow
def test_it_ends_by_the_callback_and_by_the_number_of_measurements():
    def law(at):
        return math.sin(40 * at["x"]) * math.exp(at["x"])

    calls = []
    stopped = ask(law, {"x": (0, 3)}, work=0.02, callbacks=lambda result, n: calls.append(n) or True)
    assert stopped.stop_reason is StopReason.CALLBACK
    assert calls == [13]  # twelve places, one of them measured twice
    short = ask(law, {"x": (0, 3)}, work=0.02, most=16)
    assert len(short.y) <= 16
    assert short.stop_reason in (StopReason.EXHAUSTED, StopReason.CONVERGED)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bounds": {"x": (1, 0)}}, "two finite numbers in order for 'x'"),
        ({"bounds": {}}, "mapping of columns"),
        ({"bounds": [0, 1]}, "mapping of columns"),
        ({"bounds": {"x": "ab"}}, "two finite numbers"),
        ({"measure": 3}, "measure"),
        ({"measure": lambda at: "high"}, "must return a number"),
        ({"measure": lambda at: math.nan}, "Got 0 of 12"),
        ({"most": 3}, "most"),
        ({"sigma": -1}, "sigma"),
    ],
)
def test_wrong_arguments_get_a_sentence(change, words):
    arguments = {"measure": lambda at: at["x"], "bounds": {"x": (0, 1)}, **change}
    with pytest.raises(InputError, match=words):
        ask(**arguments)


def test_places_are_multiples_of_steps():
    found = ask(
        lambda at: 3 * at["m"] * at["n"], {"m": (0.1, 1.05), "n": (1, 6)}, steps={"m": 0.1, "n": 1}, seed=1
    )
    assert found.result.best.text == "3*m*n"
    assert set(found.X[:, 1]) <= set(range(1, 7))
    assert set(found.X[:, 0]) <= {number / 10 for number in range(1, 11)}
    for steps in ({"k": 1}, {"m": 0}, {"m": "wide"}):
        with pytest.raises(InputError, match="steps"):
            ask(lambda at: at["m"], {"m": (0, 1)}, steps=steps)
