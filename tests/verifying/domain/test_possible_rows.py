"""Rows that refute are rows that can be: in the training range, whole where columns are, and the model itself agrees."""

import itertools

import numpy as np
import pandas as pd
import pytest

import edgewise as ew
from edgewise.network.fitted import fitted
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import Between
from edgewise.verifying.domain.domain import drawn, place
from edgewise.verifying.domain.goals import OutputBounds, OutputTerm
from edgewise.verifying.domain.possible_rows import Possible
from edgewise.verifying.domain.raw_values import exact
from edgewise.verifying.results.witness import Breach, GoalEvaluator


@pytest.fixture(scope="module")
def hill():
    """A parabola over 0 to 9 whose top, 0, lies at 4.6: -0.16 is the most at whole numbers."""
    x = np.repeat(np.arange(10), 30)
    return ew.KANRegressor(mode="additive", members=1, random_state=0).fit(
        pd.DataFrame({"years": x}), -((x - 4.6) ** 2)
    )


@pytest.fixture(scope="module")
def mixed():
    r = np.random.default_rng(0)
    n = 500
    X = pd.DataFrame(
        {
            "age": r.integers(18, 76, n),
            "income": np.round(np.exp(r.normal(10, 1, n))),
            "rate": r.uniform(0, 1, n),
            "job": r.choice(["cook", "judge", "nurse"], n),
            "town": np.where(r.random(n) < 0.2, None, r.choice(["a", "b"], n)),
            "visits": np.where(r.random(n) < 0.2, np.nan, r.integers(0, 9, n)),
        }
    )
    chance = X.age / 40 + (X.job == "judge") + np.log(X.income) / 5 + X.rate - 4 + X.visits.fillna(0) / 5
    return X, ew.KANClassifier(members=1, random_state=0).fit(
        X, np.where(chance + r.normal(size=n) > 0, "yes", "no")
    )


def can_be(X, row):
    return (
        18 <= row["age"] <= 75
        and float(row["age"]).is_integer()
        and X.income.min() <= row["income"] <= X.income.max()
        and float(row["income"]).is_integer()
        and X.rate.min() <= row["rate"] <= X.rate.max()
        and row["job"] in {"cook", "judge", "nurse"}
        and (row["visits"] is None or (0 <= row["visits"] <= 8 and float(row["visits"]).is_integer()))
    )


@pytest.mark.slow
def test_whole_columns_are_known_and_kept(mixed, tmp_path):
    X, model = mixed
    columns = {column.name: column for column in model.encoding_.columns}
    assert [name for name in X if getattr(columns[name], "whole", False)] == ["age", "income", "visits"]
    ew.save(model, tmp_path / "m.kan")
    again = ew.load(tmp_path / "m.kan")
    assert again.encoding_ == model.encoding_
    old = model.encoding_.to_json()
    for column in old["columns"]:
        column.pop("whole", None)
    assert not any(getattr(column, "whole", False) for column in type(model.encoding_).from_json(old).columns)


def test_the_nearest_possible_row_is_one_and_stays_as_it_is(mixed):
    X, model = mixed
    columns = Columns(fitted(model))
    possible = Possible(columns, columns.whole)
    rows = possible.nearest(drawn(columns.whole, 300, np.random.default_rng(1)))
    assert place(columns.whole, rows).all()
    np.testing.assert_array_equal(possible.nearest(rows), rows)
    for x in rows[:60]:
        raw = columns.raw_row(x)
        assert can_be(X, raw)
        np.testing.assert_allclose(columns.encode(raw), x, rtol=1e-12, atol=1e-12)
        assert not possible.unlike([x])
        tries = possible.neighbours(x, None)
        assert ((tries != x).any(1)).all()
        assert all(can_be(X, columns.raw_row(one)) for one in tries[::40])


@pytest.mark.parametrize(
    "claim",
    [
        "never_flips(job)",
        "monotone(age, decreasing)",
        "monotone(income, decreasing)",
        "range(-1, 1)",
        "never_flips(town)",
    ],
)
def test_a_row_that_refutes_can_be_and_the_model_agrees(mixed, claim):
    X, model = mixed
    found = ew.verify(model, claim, work="quick")
    if found.status != "refuted":
        assert claim == "never_flips(town)"
        return
    assert all(can_be(X, case.row) for case in found.cases)
    rows = pd.DataFrame([case.row for case in found.cases])
    odds = np.log(model.predict_proba(rows)[:, 1] / model.predict_proba(rows)[:, 0])
    if claim.startswith("never"):
        assert len(set(model.predict(rows))) == 2
    elif claim.startswith("monotone"):
        name = claim[9:].split(",")[0]
        assert rows[name].is_monotonic_increasing
        assert (odds[1] < odds[0]) == ("increasing" in claim)
    else:
        assert abs(odds[0]) > 1
    for name in rows.columns.drop("visits"):
        assert len(set(rows[name])) == 1 or name in claim


def test_whole_numbers_refute_where_they_can(hill):
    found = ew.verify(hill, "range(-100, -0.3)")
    assert found.witness["years"] in (4.0, 5.0)
    first, second = ew.verify(hill, "monotone(years, increasing)").cases
    assert first.row["years"] < second.row["years"] <= 9
    assert first.row["years"].is_integer()
    assert second.row["years"].is_integer()
    assert next(iter(first.outputs.values())) > next(iter(second.outputs.values()))


def test_where_no_whole_number_refutes_the_answer_says_so(hill):
    best = float(hill.predict(pd.DataFrame({"years": [5]}))[0])
    found = ew.verify(hill, f"range(-100, {best / 2})")
    assert found.status == "refuted"
    assert "is not whole" in found.message
    # Between 4 and 5 it falls from 4.6 on, but 5 lies above 4.
    found = ew.verify(hill, "monotone(years, increasing) where years in [4, 5]")
    assert found.status == "refuted"
    assert "is not whole" in found.message
    first, second = (next(iter(case.outputs.values())) for case in found.cases)
    assert first > second


def test_where_only_rows_beyond_the_training_range_refute_the_answer_says_so(hill):
    least = float(hill.predict(pd.DataFrame({"years": [0]}))[0])
    low = min(least, float(hill.predict(pd.DataFrame({"years": [9]}))[0])) - 1e-4
    found = ew.verify(hill, f"range({low}, 100)")
    assert found.status == "refuted"
    assert "beyond 0 to 9" in found.message
    asked = ew.verify(hill, f"range({low}, 100) where years in [-3, -1]")
    assert asked.status == "refuted"
    assert -3 <= asked.witness["years"] <= -1


def test_a_lipschitz_bound_is_refuted_by_two_rows_that_break_it(mixed, hill):
    _, model = mixed
    for claim, one in (
        ("lipschitz(years, 3)", hill),
        ("lipschitz(rate, 0.5)", model),
        ("lipschitz(income, 1e-6)", model),
    ):
        found = ew.verify(one, claim, work="quick")
        if found.status != "refuted":
            continue
        first, second = found.cases
        name, bound = claim[10:-1].split(", ")
        run = abs(first.row[name] - second.row[name])
        a, b = (next(iter(case.outputs.values())) for case in found.cases)
        assert abs(a - b) > float(bound) * run > 0
    assert ew.verify(hill, "lipschitz(years, 3)").status == "refuted"


def test_the_cheapest_change_is_a_row_that_can_be_and_the_least_of_all_of_these(tmp_path):
    r = np.random.default_rng(2)
    X = pd.DataFrame(
        {"age": r.integers(18, 60, 300), "debts": r.integers(0, 7, 300), "salary": r.integers(500, 5000, 300)}
    )
    score = X.age / 20 - X.debts / 2 + X.salary / 900
    model = ew.KANClassifier(mode="additive", members=1, random_state=0).fit(
        X, np.where(score > 3.3, "yes", "no")
    )
    row = {"age": 25, "debts": 4, "salary": 1500}
    found = ew.minimal_counterfactual(model, row, mutable=["age", "debts"], rows=X)
    ages, debts = np.meshgrid(np.arange(18, 60), np.arange(7))
    every = pd.DataFrame({"age": ages.ravel(), "debts": debts.ravel(), "salary": 1500})
    cost = np.abs(every.age - 25) / np.ptp(X.age) + np.abs(every.debts - 4) / np.ptp(X.debts)
    assert found.cost == pytest.approx(cost[model.predict(every) == "yes"].min(), abs=1e-9)
    assert found.minimal
    assert all(float(value).is_integer() for value in found.found.row.values())
    # Of a column of many whole numbers what is found is rounded to one that will do.
    more = ew.minimal_counterfactual(model, row, mutable=["salary"], rows=X)
    assert more.found.row["salary"].is_integer()
    assert more.found.row["salary"] <= X.salary.max()
    rich = model.predict(pd.DataFrame({"age": 25, "debts": 4, "salary": np.arange(1500, 5001)}))
    assert more.found.row["salary"] == pytest.approx(1500 + np.argmax(rich == "yes"), rel=1e-3)


def test_a_change_stays_within_the_training_range_unless_asked_otherwise(hill):
    x = np.repeat(np.arange(10), 30)
    model = ew.KANClassifier(mode="additive", members=1, random_state=0).fit(pd.DataFrame({"x": x}), x > 7)
    no = ew.KANClassifier(mode="additive", members=1, random_state=0).fit(
        pd.DataFrame({"x": x, "z": np.tile(np.arange(300) % 2, 1)}), (x > 7) & (np.arange(300) % 2 == 1)
    )
    found = ew.minimal_counterfactual(model, {"x": 2})
    assert found.found.row["x"] == 8
    none = ew.minimal_counterfactual(no, {"x": 2, "z": 0}, mutable=["x"])
    assert none.found is None or none.found.row["x"] <= 9
    wide = ew.minimal_counterfactual(model, {"x": 2}, where={"x": (9, 12)})
    assert wide.found.row["x"] == 9
    with pytest.raises(ew.InputError, match=r"meet what the model tells apart, -0\.09 to 9\.09"):
        ew.minimal_counterfactual(model, {"x": 2}, where={"x": (11, 12)})


@pytest.fixture(scope="module")
def bent():
    """A curve steepest at one place of a column, beside a column of whole numbers that bends it further."""
    r = np.random.default_rng(3)
    X = pd.DataFrame({"level": -1e6 + r.normal(size=400), "count": r.integers(0, 9, 400).astype(float)})
    y = np.tanh(3 * (X.level + 1e6)) * (1 + 0.1 * X["count"])
    return X, ew.KANRegressor(hidden=2, members=1, random_state=0).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.995, 0.9999])
def test_a_slope_just_above_its_bound_is_shown_by_rows_that_can_be(bent, share):
    X, model = bent
    x = np.linspace(X.level.min(), X.level.max(), 4001)
    steepest = 0.0
    for count in range(9):
        y = model.predict(pd.DataFrame({"level": x, "count": float(count)}))
        steepest = max(steepest, float(np.abs(np.diff(y) / np.diff(x)).max()))
    verdict = ew.verify(model, ew.properties.lipschitz("level", share * steepest), work=0.05)
    assert isinstance(verdict, ew.Refuted)
    rows = pd.DataFrame([case.row for case in verdict.cases])
    assert rows["level"].between(X.level.min(), X.level.max()).all()
    assert (rows["count"] % 1 == 0).all()
    assert rows["count"].between(0, 8).all()
    rise, run = np.abs(np.diff(model.predict(rows[["level", "count"]]))), np.abs(np.diff(rows["level"]))
    # Written numbers are rounded: what is shown stands clear of it.
    assert rise > share * steepest * (run + 4 * np.spacing(1e6))


@pytest.mark.parametrize("share", [1e-10, 5e-12])
def test_a_bound_broken_by_hardly_anything_is_broken_by_a_row_that_can_be(mixed, share):
    _, model = mixed
    columns = Columns(fitted(model))
    possible = Possible(columns, columns.whole)
    rows = possible.nearest(drawn(possible.near, 40, np.random.default_rng(5)))
    evaluator = GoalEvaluator((fitted(model).network,))
    tops = [possible.climbed(x, lambda at: evaluator.outputs(0, at)[:, 0], enough=np.inf) for x in rows[:8]]
    top, most = max(tops, key=lambda found: found[1])
    goal = OutputBounds(((OutputTerm(0),),), (most - share * abs(most),))
    beside = Breach(evaluator, columns, goal, columns.whole, None)
    row = beside.searched(top, np.zeros((0, len(top))))
    assert row is not None
    assert not possible.unlike([row])


def test_a_row_at_the_end_of_a_range_asked_for_lies_in_it_to_the_last_digit():
    r = np.random.default_rng(4)
    amount = np.exp(r.normal(8, 2, 400)).round(2)
    X = pd.DataFrame({"amount": amount})
    model = ew.KANRegressor(mode="additive", members=1, random_state=0).fit(X, np.log(amount))
    assert model.encoding_.columns[0].transform == "asinh"
    columns = Columns(fitted(model))
    for low, high in r.uniform(100, 50_000, (40, 2)):
        asked = (min(low, high), max(low, high))
        near = Possible(columns, columns.domain([Between("amount", *asked)])).near
        ends = [columns.raw_number(0, end) for end in near.groups[0].cells[0][0]]
        assert asked[0] <= ends[0] < ends[1] <= asked[1]
        # The curve rises, so that its bound is broken at the upper end first.
        rows = pd.DataFrame({"amount": [*asked]})
        answers = model.predict(rows)
        bound = float(answers.max() - 1e-3 * np.ptp(answers))
        found = ew.verify(model, ew.properties.output_range(high=bound), where={"amount": asked}, work=0.05)
        assert found.status == "refuted"
        assert asked[0] <= found.witness["amount"] <= asked[1]


def test_numbers_far_from_zero_are_shown_with_the_digits_that_tell_them_apart():
    assert exact(-1380408773457.5261) != exact(-1380408773457.5264)
    assert float(exact(-1380408773457.5261)) == pytest.approx(-1380408773457.5261, abs=3e-4)
    assert exact(21000.000000000004) == "21000.000000000004"
    assert exact(0.1 + 0.2) == "0.30000000000000004"
    assert (exact(None), exact("a"), exact(True), exact(2.0)) == ("missing", "a", "yes", "2")


@pytest.mark.parametrize("unit", [1e-13, 1e-60, 1e60])
def test_the_climb_is_the_same_in_any_unit(mixed, unit):
    columns = Columns(fitted(mixed[1]))
    possible = Possible(columns, columns.whole)
    evaluator = GoalEvaluator((columns.view.network,))
    for x in possible.nearest(drawn(possible.near, 3, np.random.default_rng(1))):
        (one, best), (other, same) = (
            possible.climbed(x, lambda at, by=by: by * evaluator.outputs(0, at)[:, 0], enough=np.inf)
            for by in (1.0, unit)
        )
        assert best > evaluator.outputs(0, x[None])[0, 0]
        assert np.array_equal(one, other)
        assert same == pytest.approx(unit * best)


def rugged(seed):
    """Four columns of whole numbers and one of words, a model of them, and its answers at all whole rows by word."""
    r = np.random.default_rng(seed)
    X = pd.DataFrame({name: r.integers(0, 13, 600) for name in "abcd"} | {"group": r.choice(["x", "y"], 600)})
    y = (np.sin(X.a - X.b / 2) + np.cos(1.1 * X.c + X.d / 2)) * (1 + 2 * (X.group == "x"))
    y += r.normal(0, 0.05, 600)
    model = ew.KANRegressor(mode="deep", hidden=8, members=1, random_state=seed).fit(X, y)
    every = pd.DataFrame(list(itertools.product(range(13), repeat=4)), columns=list("abcd"))
    return model, np.stack([model.predict(every.assign(group=g)).reshape(13, 13, 13, 13) for g in "xy"])


# One row, or pair of rows, in tens of thousands shows it; rows that cannot be break the claim far more.
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize("kind", ["changes_at_most", "lipschitz"])
def test_the_only_possible_rows_that_break_a_claim_are_found(seed, kind):
    model, answers = rugged(seed)
    column, changes = (
        ("group", np.diff(answers, axis=0)) if kind == "changes_at_most" else ("a", np.diff(answers, axis=1))
    )
    most = float(np.abs(changes).max()) * (1 - 1e-6)
    verdict = ew.verify(model, getattr(ew.properties, kind)(column, most), work=0.3)
    assert isinstance(verdict, ew.Refuted)
    rows = pd.DataFrame([case.row for case in verdict.cases])
    run = 1 if kind == "changes_at_most" else abs(np.diff(rows["a"].to_numpy(dtype=float))[0])
    assert abs(np.diff(model.predict(rows[[*"abcd", "group"]]))[0]) > most * run
    numbers = rows[[*"abcd"]].to_numpy(dtype=float)
    assert (numbers % 1 == 0).all()
    assert ((numbers >= 0) & (numbers <= 12)).all()
