"""From courses to equations, whole; solutions by scipy are what found systems are held to."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import sympy
from scipy.integrate import solve_ivp

from edgewise import InputError, StopReason
from edgewise._core.work import Meter
from edgewise.dynamics import Dynamics, find_dynamics
from edgewise.dynamics.conserved import conserved
from edgewise.dynamics.courses import read_courses
from edgewise.dynamics.model import free
from edgewise.dynamics.outcome import outcome
from edgewise.dynamics.probability import probability
from edgewise.dynamics.search import DynamicsSearch
from edgewise.plots import plot_dynamics
from edgewise.symbolic import Constant, Formula
from edgewise.symbolic.expressions.tape import Tape
from tests.dynamics.made import term, terms
from tests.tiers import slow


def course(right, start, until, points=80):
    t = np.linspace(0, until, points)
    found = solve_ivp(lambda _, x: right(x), (0, until), start, "DOP853", t, rtol=1e-11, atol=1e-12)
    return t, found.y.T


def hunters(x):
    return [1.1 * x[0] - 0.4 * x[0] * x[1], 0.1 * x[0] * x[1] - 0.4 * x[1]]


@pytest.fixture(scope="module")
def found() -> Dynamics:
    t, states = course(hunters, [4.0, 3.0], 12, 60)
    return find_dynamics(t, states, names=["prey", "hunter"], exclude_functions=["saturation"])


@pytest.mark.slow
def test_the_equations_are_found(found):
    prey, hunter = sympy.symbols("prey hunter")
    truth = [1.1 * prey - 0.4 * prey * hunter, 0.1 * prey * hunter - 0.4 * hunter]
    for mine, true in zip(found.equations, truth, strict=True):
        off = sympy.expand(mine.sympy - true)
        assert all(abs(c) < 1e-6 for c in sympy.Poly(off, prey, hunter).coeffs())
    assert found.stop_reason is StopReason.EXACT


def test_the_solution_goes_on_as_that_of_scipy(found):
    t, states = course(hunters, [2.0, 1.0], 10, 30)
    assert np.allclose(found.simulate(t, [2.0, 1.0]), states, rtol=1e-5)
    assert np.allclose(found.rates(states), np.array(hunters(states.T)).T, rtol=1e-5)


def test_a_start_may_name_its_states(found):
    t = np.linspace(0, 5, 9)
    assert np.array_equal(found.simulate(t, {"hunter": 1.0, "prey": 2.0}), found.simulate(t, [2.0, 1.0]))
    with pytest.raises(InputError, match=r"'hunter' is not in it"):
        found.simulate(t, {"prey": 2.0})
    with pytest.raises(InputError, match=r"Got 'hunters' \(did you mean 'hunter'"):
        found.simulate(t, {"prey": 2.0, "hunters": 1.0})
    with pytest.raises(InputError, match=r"start\['prey'\].* finite"):
        found.simulate(t, {"prey": np.nan, "hunter": 1.0})


def test_a_solution_that_leaves_every_bound_ends_in_a_sentence() -> None:
    """x' = x^2 from 1 has no value from t = 1 on: 1/(1 - t)."""
    growth = Formula(sympy.Symbol("x") ** 2, ("x",))
    law = Dynamics((growth,), ("x",), (), (), {}, {}, (), "", StopReason.EXACT, 0.0, 0.0)
    assert law.simulate([0, 0.5], {"x": 1.0})[-1] == pytest.approx(2)
    with pytest.raises(InputError, match="to t = 1 only"):
        law.simulate([0, 2], {"x": 1.0})


def test_what_is_kept_is_kept_along_other_courses(found):
    (kept,) = found.conserved
    t, _ = course(hunters, [2.0, 1.0], 10, 30)
    values = kept.formula.predict(found.simulate(t, [2.0, 1.0]))
    assert np.ptp(values) < 1e-6 * np.abs(values).max()
    assert kept.drift < 1e-6


@pytest.mark.slow
def test_noise_widens_the_errors_and_leaves_the_terms():
    t, states = course(hunters, [4.0, 3.0], 18, 100)
    rng = np.random.default_rng(1)
    noise = 0.02 * states.std(0)
    found = find_dynamics(
        t,
        states + noise * rng.normal(size=states.shape),
        names=["x", "y"],
        exclude_functions=["saturation", "sin", "cos", "tanh", "abs"],
    )
    x, y = sympy.symbols("x y")
    assert [sympy.Poly(e.sympy, x, y).monoms() for e in found.equations] == [
        [(1, 1), (1, 0)],
        [(1, 1), (0, 1)],
    ]
    for equation in found.equations:
        for constant in equation.constants:
            true = min([1.1, 0.4, 0.1], key=lambda v: abs(v - abs(constant.value)))
            assert abs(abs(constant.value) - true) < 5 * constant.standard_error < 0.1 * true
    left = np.array(list(found.noise.values()))
    assert (abs(left / noise - 1) < 0.2).all()
    assert found.stop_reason is StopReason.EXPLAINED


def test_many_courses_of_one_law_at_uneven_times():
    rng = np.random.default_rng(0)
    times, rows, labels = [], [], []
    for label, start in {"a": 1.0, "b": 4.0, "c": 9.0}.items():
        t = np.sort(rng.uniform(0, 4, 30))
        times.append(t)
        rows.append(3 + (start - 3) * np.exp(-0.7 * t))
        labels += [label] * 30
    found = find_dynamics(np.concatenate(times), np.concatenate(rows), names=["x"], groups=labels)
    assert str(found) == "x' = 2.1 - 0.7*x"
    assert [item.label for item in found.courses] == ["a", "b", "c"]


@pytest.mark.slow
def test_what_acts_from_outside_is_an_input():
    t = np.linspace(0, 12, 120)
    force = np.sin(1.3 * t)
    solved = solve_ivp(
        lambda s, x: [2 * np.sin(1.3 * s) - 0.5 * x[0]], (0, 12), [0.0], "DOP853", t, rtol=1e-10, atol=1e-12
    )
    found = find_dynamics(t, solved.y.T, names=["x"], inputs=force, input_names=["f"])
    assert str(found) == "x' = 2*f - 0.5*x"
    assert "taken as exact" not in found.message
    assert np.allclose(found.simulate(t, [0.0], force), solved.y.T, atol=1e-4)
    with pytest.raises(InputError, match="'inputs'"):
        found.simulate(t, [0.0])


@pytest.mark.parametrize("kind", [list, tuple, pd.Series, np.array, lambda x: np.array(x)[:, None]])
def test_one_state_may_be_a_column_of_any_kind(kind) -> None:
    t = np.linspace(0, 6, 30)
    read = read_courses(kind(t.tolist()), kind((t**2).tolist()), None, kind(t.tolist()), None, None)
    assert np.array_equal(read.values, np.column_stack([t**2, t]))


@pytest.mark.slow
def test_the_same_call_gives_the_same():
    t = np.linspace(0, 6, 30)
    x = 4 * np.exp(-0.4 * t) + 0.01 * np.random.default_rng(0).normal(size=30)
    left, right = (find_dynamics(t, x, names=["x"], work=0.02).to_dict() for _ in range(2))
    del left["seconds"], right["seconds"]
    assert left == right


def test_rows_with_missing_cells_are_left_out():
    t = np.linspace(0, 6, 40)
    x = 4 * np.exp(-0.5 * t)
    holes = x.copy()
    holes[[3, 20]] = np.nan
    found, whole = find_dynamics(t, holes, names=["x"]), ~np.isnan(holes)
    assert str(found) == str(find_dynamics(t[whole], x[whole], names=["x"])) == "x' = -0.5*x"
    assert "2 rows with missing cells are left out." in found.message
    assert len(found.courses[0].t) == 38


def test_bad_courses_are_refused_in_a_sentence():
    t = np.linspace(0, 1, 20)
    x = np.exp(t)
    with pytest.raises(InputError, match=r"must rise.*sort the rows"):
        find_dynamics(t[::-1], x)
    doubled = t.copy()
    doubled[5] = doubled[4]
    with pytest.raises(InputError, match="rows 4 and 5"):
        find_dynamics(doubled, x)
    with pytest.raises(InputError, match="must change"):
        find_dynamics(t, np.column_stack([x, np.ones(20)]))
    with pytest.raises(InputError, match=r"at least 12 rows.*'b'"):
        find_dynamics(t, x, groups=["a"] * 15 + ["b"] * 5)
    with pytest.raises(InputError, match="saturation"):
        find_dynamics(t, x, exclude_functions=["sine"])


@pytest.mark.slow
def test_a_callback_ends_the_search_with_the_best_so_far():
    t, states = course(hunters, [4.0, 3.0], 12, 60)
    heard: list[str] = []

    def enough(text: str) -> bool:
        heard.append(text)
        return bool(text)

    ended = find_dynamics(t, states, callbacks=[enough])
    assert ended.stop_reason in (StopReason.CALLBACK, StopReason.EXACT)


@pytest.mark.slow
def test_a_key_ends_the_search_with_the_best_so_far():
    t, states = course(hunters, [4.0, 3.0], 12, 60)

    def pressed(text: str) -> None:
        if text:
            raise KeyboardInterrupt

    ended = find_dynamics(t, states, callbacks=pressed)
    assert ended.stop_reason in (StopReason.INTERRUPTED, StopReason.EXACT)


def test_names_are_those_of_data_frames_and_results_can_be_sent():
    t = np.linspace(0, 10, 80)
    fallen = np.exp(-t)
    states, inputs = pd.DataFrame({"heat": fallen}), pd.DataFrame({"sun": np.sin(t)})
    found = find_dynamics(t, states, inputs=inputs)
    assert (found.states, found.inputs) == (("heat",), ("sun",))
    again = pickle.loads(pickle.dumps(copy.deepcopy(found)))
    assert (str(again), again.noise) == (str(found), found.noise)


@pytest.mark.slow
def test_few_points_a_swing_take_more_steps_than_points():
    """A step of one interval would miss by more than rounding, and other constants make up for it."""
    t = np.linspace(0, 12, 40)
    states = np.column_stack([np.cos(4 * t), -4 * np.sin(4 * t)])
    found = find_dynamics(
        t, states, names=["x", "v"], exclude_functions=["saturation", "sin", "cos", "exp", "tanh", "abs"]
    )
    assert str(found) == "x' = v\nv' = -16*x"


def test_a_model_without_terms_is_the_model_with_their_factors_nothing():
    """Whatever stands beside: shared constants, and an inner one that only the term needed."""
    own = terms("xy", "x", "y", "x/(0.7 + y)")
    model = free(2, own, [0, 1, 1], [2.0, 3.0, 0.5])
    Z = np.random.default_rng(0).uniform(0.5, 2, (7, 2))
    for constant in (0, 2):
        fewer = model.without(constant, model.start)
        nothing = model.start.copy()
        nothing[constant] = 0.0
        np.testing.assert_allclose(fewer.rates(fewer.start)(Z.T), model.rates(nothing)(Z.T), rtol=1e-14)
        assert len(fewer.terms) == 2
    assert len(model.without(2, model.start).start) == 2
    tied = model.tied(1, 0, 1.0, model.start)
    assert tied.without(0, tied.start).terms == (own[2],)


def test_a_term_that_shared_constants_leave_nothing_of_goes():
    """Of an epidemic, whose parts flow from one state into the next: without it no term of its own is left."""
    t, states = course(lambda x: [-1.4 * x[0] * x[1], 1.4 * x[0] * x[1] - 0.4 * x[1]], [0.99, 0.01], 25, 80)
    rng = np.random.default_rng(0)
    noisy = states + 0.01 * states.std(0) * rng.normal(size=states.shape)
    courses = read_courses(t, noisy, ["S", "I"], None, None, None)
    search = DynamicsSearch(courses, 2, ("saturation",), Meter(60.0))
    product, one, spare = terms("SI", "S*I", "I", "1")
    chosen = ((0, product), (1, product), (1, one), (1, spare))
    judged = search.selection.judged(chosen, [-1.4, 1.4, -0.4, 0.0])
    assert judged is not None
    assert search.selection.near(1) == [judged]
    found = outcome(search, None, 0)
    symbols = sympy.symbols("S I")
    assert [set(sympy.Poly(e.sympy, *symbols).monoms()) for e in found.equations] == [
        {(1, 1)},
        {(1, 1), (0, 1)},
    ]
    assert found.probability is not None
    assert found.probability > 0.5
    assert "probability" in found.message


def test_the_probability_falls_with_what_is_not_known():
    def told(error, stability, lead=20.0):
        equation = Formula(2 * sympy.Symbol("x"), names=["x"], constants=(Constant(2.0, error),))
        return probability([equation], {"x": stability}, lead)

    assert told(0.001, 1.0) > told(0.1, 1.0) > told(0.1, 0.2) > told(2.0, 0.2)
    assert told(0.1, 1.0) > told(0.1, 1.0, 3.0) > told(0.1, 1.0, -1.0) == told(0.1, 1.0, 0.0)
    assert told(np.inf, 1.0) == told(3.0, 1.0)


@pytest.mark.slow
def test_what_does_not_move_is_not_called_a_law() -> None:
    """Noise about a level: no probability and nothing conserved, for there are no terms to be sure of."""
    t = np.linspace(0, 5, 40)
    found = find_dynamics(t, 3 + np.random.default_rng(0).standard_normal(40), names=["x"], work="quick")
    assert str(found) == "x' = 0"
    assert found.probability is None
    assert found.conserved == ()
    assert "No state changes by more than that." in found.message


def test_courses_are_named_where_they_are_few() -> None:
    t = np.linspace(0, 3, 20)
    found = find_dynamics(
        np.r_[t, t],
        np.r_[np.exp(-t), 2 * np.exp(-t)],
        names=["x"],
        groups=["low"] * 20 + ["high"] * 20,
        work="quick",
    )
    words = [text.get_text() for text in plot_dynamics(found).axes[0].texts]
    assert words == ["low", "high"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "start", "text"),
    [
        (lambda x: [2 - 0.3 * np.exp(1.7 * x[0])], [-1.0], "2 - 0.3*exp(1.7*x)"),
        (lambda x: [0.4 - 0.4 * x[0] ** 4], [2.0], "0.4 - 0.4*x^4"),
        *slow(
            (lambda x: [-0.5 * x[0] ** -1.5], [3.0], "-0.5/x^(3/2)"),
            (lambda x: [0.3 / (2 - x[0]) ** 2 - x[0]], [1.2], "0.3/(2 - x)^2 - x"),
        ),
    ],
)
def test_functions_with_constants_inside_and_high_powers_are_found(right, start, text):
    t, states = course(right, start, 3, 60)
    found = find_dynamics(t, states, names=["x"], exclude_functions=["sin", "cos", "log"])
    assert found.equations[0].text == text


@pytest.mark.slow
def test_many_constants_that_follow_one_curve_are_no_sure_law() -> None:
    t, states = course(lambda x: [-2 * x[0] / (0.5 + x[0] + 0.2 * x[0] ** 2)], [6.0], 3, 60)
    found = find_dynamics(t, states, names=["x"], exclude_functions=["sin", "cos", "log", "saturation"])
    assert len(found.equations[0].constants) > 3
    assert found.probability is None


@pytest.mark.slow
def test_what_goes_on_from_row_to_row_is_not_called_noise():
    t, states = course(lambda x: [np.exp(np.sin(3 * x[0])) - 1.2], [-2.0], 25, 150)
    found = find_dynamics(
        t, states, names=["x"], exclude_functions=["saturation", "tanh", "sin", "cos"], work="quick"
    )
    assert "what the solution leaves of 'x' is no noise" in found.message
    assert found.probability is None
    assert found.stop_reason not in (StopReason.EXACT, StopReason.EXPLAINED)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-9, 1e7])
def test_units_do_not_change_the_terms(unit):
    t = np.linspace(0, 8, 40)
    found = find_dynamics(t, unit * 5 / (1 + 9 * np.exp(-1.2 * t)), names=["x"])
    x = sympy.Symbol("x")
    assert sympy.Poly(found.equations[0].sympy, x).monoms() == [(2,), (1,)]


@pytest.mark.slow
def test_what_is_shared_out_among_two_is_found():
    t, states = course(
        lambda x: [x[0] - x[0] ** 2 / 3 - x[0] * x[1] / sum(x), 0.9 * x[0] * x[1] / sum(x) - 0.5 * x[1]],
        [0.6, 0.3],
        20,
    )
    found = find_dynamics(t, states, names=["x", "y"], exclude_functions=["sin", "cos", "exp", "tanh", "abs"])
    x, y = sympy.symbols("x y")
    off = found.equations[1].sympy - (0.9 * x * y / (x + y) - 0.5 * y)
    assert abs(off.subs({x: 0.7, y: 0.4})) < 1e-9
    assert len(sympy.Add.make_args(found.equations[1].sympy)) == 2


@pytest.mark.slow
def test_what_hangs_on_a_difference_is_found():
    t, states = course(
        lambda x: [1 + 0.3 * np.sin(x[1] - x[0]), 2.2 + 0.2 * np.sin(x[0] - x[1])], [0.0, 2.0], 15
    )
    found = find_dynamics(t, states, names=["p", "q"], exclude_functions=["saturation"])
    p, q = sympy.symbols("p q")
    truth = [1 - 0.3 * sympy.sin(p - q), 2.2 + 0.2 * sympy.sin(p - q)]
    for mine, true in zip(found.equations, truth, strict=True):
        assert abs((mine.sympy - true).subs({p: 0.3, q: 1.1})) < 1e-6
        assert len(sympy.Add.make_args(mine.sympy)) == 2


def test_roots_do_not_hide_what_is_kept() -> None:
    """The Kepler problem, its model given: energy and angular momentum."""
    places = np.array([[1.0, 0.2, 0.1, 0.9], [0.4, -0.8, 0.7, 0.3], [-0.9, 0.5, -0.2, -0.8]])
    own = terms("xyuv", "u", "v", "x/(x^2 + y^2)^(3/2)", "y/(x^2 + y^2)^(3/2)")
    model = free(4, own, [0, 1, 2, 3], [1.0, 1.0, -1.0, -1.0])
    kept = conserved(model, model.start, ("x", "y", "u", "v"), places, 0)
    x, y, u, v = sympy.symbols("x y u v")
    energy, momentum = u**2 + v**2 - 2 / sympy.sqrt(x**2 + y**2), x * v - y * u
    here, there = {x: 0.3, y: 0.8, u: 0.5, v: -0.2}, {x: 1.1, y: 0.3, u: 0.4, v: 0.7}
    for true in (energy, momentum):
        ratios = [[float((item / true).subs(place)) for place in (here, there)] for item in kept]
        assert sum(np.isclose(*ratio) for ratio in ratios) == 1


@pytest.mark.slow
def test_terms_do_not_make_up_for_inputs_between_their_times():
    """The push is known at 80 times, and a spline through them is not the push: that is no reason for more terms."""
    t = np.linspace(0, 12, 80)
    x = (np.cos(1.5 * t) + 1.5 * np.sin(1.5 * t)) / 3.25 + 2 * np.exp(-t)
    found = find_dynamics(t, x, names=["x"], inputs=np.cos(1.5 * t), input_names=["push"], work="quick")
    assert found.equations[0].text == "push - x"


@pytest.mark.slow
def test_inputs_with_noise_are_told_of():
    t = np.linspace(0, 12, 80)
    x = (np.cos(1.5 * t) + 1.5 * np.sin(1.5 * t)) / 3.25 + 2 * np.exp(-t)
    push = np.cos(1.5 * t) + 0.05 * np.random.default_rng(0).normal(size=80)
    found = find_dynamics(t, x, names=["x"], inputs=push, input_names=["push"], work=0.02)
    assert "The input 'push' is taken as exact, though it lies about 0.0" in found.message


def test_terms_have_values_between_the_times_too():
    """The states come so near each other between two times that the second is the larger one there."""
    t = np.linspace(0, 6, 60)
    gap = 6 / 59
    states = np.column_stack([np.sin(t) + (t - t[30] - gap / 2) ** 2 - 0.1 * gap**2, np.sin(t)])
    assert (states[:, 0] > states[:, 1]).all()
    search = DynamicsSearch(read_courses(t, states, ["a", "b"], None, None, None), 3, (), Meter(60.0))
    places = np.vstack([item.places for item in search.smoothed])
    assert (places[:, 0] < places[:, 1]).any()
    root = term("sqrt(a - b)", "ab")
    assert not np.isfinite(root.tape.value(root.tape.start, places)).all()
    assert root.key not in {Tape(tree, "ab").tree for tree in search._library.trees}
    assert np.isfinite(search._library.values).all()
