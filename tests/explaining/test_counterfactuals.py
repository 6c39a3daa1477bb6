"""Counterfactuals change the answer, keep to the rules, and cost least: against brute force."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError, KANClassifier, StopReason, counterfactuals
from edgewise.explaining.moves import is_unknown, moves_of
from edgewise.explaining.search import nearest_reached
from tests.explaining.models import classifier, random_net, regressor, three_classes


def changed(table, row, item):
    cells = {name: [column[row]] for name, column in table.items()}
    for name, cell in item.row().items():
        cells[name] = [bool(cell) if name == "member" else cell]
    return cells


@pytest.mark.parametrize("unknown", ["Unk", "unknown", "N/A", "-", "not stated", "None"])
def test_to_become_unknown_is_no_advice(unknown):
    random = np.random.default_rng(0)
    word = random.choice(["two", unknown], 200)
    table = {"word": word.tolist(), "x": random.uniform(0, 1, 200).round(2)}
    model = KANClassifier(mode="additive").fit(
        table, np.where((word == unknown) | (table["x"] > 0.8), "yes", "no")
    )
    row = int(np.flatnonzero(model.predict(table) == "no")[0])
    found = counterfactuals(model, table, row)
    assert {change.column for item in found.items for change in item.changes} == {"x"}
    assert not any(is_unknown(level) for level in ("nap", "two", "Nancy", "one", "no", "missing limb"))


@pytest.mark.slow
@settings(max_examples=12)
@given(mode=st.sampled_from(["additive", "deep", "pairwise"]), row=st.integers(0, 399))
def test_they_change_the_answer_and_nothing_else(mode, row):
    model, table, _ = classifier(mode)
    found = counterfactuals(model, table, row, fixed=["home"], increase=["age"])
    before = model.predict({name: [column[row]] for name, column in table.items()})[0]
    for item in found.items:
        assert "home" not in item.columns
        assert model.predict(changed(table, row, item))[0] == item.prediction != before
        for change in item.changes:
            column = np.asarray(table[change.column], dtype=float)
            assert np.nanmin(column) <= change.after <= np.nanmax(column)
            if change.column == "age":
                assert change.after > change.before
                assert change.after == round(change.after)  # written in whole years
        assert item.cost == pytest.approx(sum(change.cost + 1 for change in item.changes))
    assert [item.cost for item in found.items] == sorted(item.cost for item in found.items)
    for one, other in itertools.combinations(found.items, 2):
        assert not one.columns <= other.columns


def grid_table(seed, levels=6, columns=3):
    random = np.random.default_rng(seed)
    return random.integers(0, levels, (60, columns)).astype(float)


def cheapest(net, X, row, bound, sign, price, fixed=()):
    """By trying every row of the grid."""
    deviation = np.median(np.abs(X - np.median(X, axis=0)), axis=0)
    values = [np.unique(np.arange(X[:, k].min(), X[:, k].max() + 1)) for k in range(X.shape[1])]
    every = np.array(list(itertools.product(*values)))
    steps = np.abs(every - row)
    cost = (steps / deviation).sum(axis=1) + price * (steps > 0).sum(axis=1)
    good = sign * (net.predict(every)[:, 0] - bound) > 1e-6
    for k in fixed:
        good &= steps[:, k] == 0
    return cost[good].min() if good.any() else None


@given(seed=st.integers(0, 500), sign=st.sampled_from([1.0, -1.0]), price=st.sampled_from([0.0, 1.0]))
def test_of_an_additive_network_none_is_cheaper(seed, sign, price):
    net = random_net([3, 1], seed, grid=(0.0, 5.0))
    X = grid_table(seed)
    out = net.predict(X)[:, 0]
    row = int(np.argmin(sign * out))
    bound = float(np.quantile(sign * out, 0.7)) * sign
    way = {"above": bound} if sign > 0 else {"below": bound}
    found = counterfactuals(net, X, row, price=price, most_changes=3, k=1, **way)
    want = cheapest(net, X, X[row], bound, sign, price)
    assert found.exact
    assert found.items[0].cost == pytest.approx(want, abs=1e-9)


@given(seed=st.integers(0, 500), fixed=st.sampled_from([(), (0,), (2,)]))
def test_of_a_small_network_with_hidden_nodes_none_is_cheaper(seed, fixed):
    # Few enough moves that every combination of two is tried, and of three those that matter.
    net = random_net([3, 3, 1], seed, grid=(-3.0, 3.0))
    X = grid_table(seed, levels=5)
    out = net.predict(X)[:, 0]
    row, bound = int(np.argmin(out)), float(np.quantile(out, 0.6))
    names = [f"x{k + 1}" for k in fixed]
    found = counterfactuals(net, X, row, above=bound, most_changes=3, k=1, fixed=names)
    want = cheapest(net, X, X[row], bound, 1.0, 1.0, fixed)
    assert not found.exact
    if want is None:
        assert found.items == ()
    else:
        assert found.items[0].cost == pytest.approx(want, abs=1e-9)


def test_numbers_go_no_further_than_they_must():
    model, table, _ = regressor("additive")
    row, now = 3, model.predict({name: [cells[3]] for name, cells in table.items()})[0]
    found = counterfactuals(model, table, row, above=now + 2, fixed=["home", "member", "age"], k=1)
    (change,) = found.items[0].changes
    assert change.column == "income"
    cells = {name: [column[row]] * 2 for name, column in table.items()}
    toward = change.after - np.sign(change.after - change.before) * 0.01  # incomes are written in cents
    cells["income"] = [change.after, toward]
    reached = model.predict(cells) > now + 2
    assert reached.tolist() == [True, False]


@pytest.mark.slow
def test_of_many_classes_the_wanted_one_is_reached():
    model, X, _ = three_classes()
    for target in "abc":
        row = int(np.flatnonzero(model.predict(X) != target)[0])
        found = counterfactuals(model, X, row, target=target)
        assert found.items
        for item in found.items:
            new = X[row : row + 1].copy()
            for name, cell in item.row().items():
                new[0, int(name[1:]) - 1] = cell
            assert model.predict(new)[0] == target == item.prediction


def test_where_there_is_no_way_that_is_said():
    model, table, _ = classifier("additive")
    found = counterfactuals(model, table, 0, fixed=list(table))
    assert found.items == ()
    assert "No change" in str(found)
    net = random_net([2, 1], 0)
    X = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    assert counterfactuals(net, X, 0, above=1e6).items == ()


def test_ranges_and_directions_are_kept():
    model, table, _ = regressor("additive")
    now = model.predict({name: [cells[3]] for name, cells in table.items()})[0]
    free = ["home", "member", "income"]
    age = float(table["age"][3])
    up = counterfactuals(model, table, 3, above=now + 0.5, fixed=free, where={"age": (age, age + 40)}, k=1)
    assert all(age < change.after <= age + 40 for item in up.items for change in item.changes)
    down = counterfactuals(model, table, 3, above=now + 0.5, fixed=free, decrease=["age"], k=1)
    assert all(change.after < age for item in down.items for change in item.changes)


def test_rare_levels_are_not_proposed():
    random = np.random.default_rng(0)
    word = random.choice(["a", "b"], 600).tolist()
    x = random.uniform(0, 1, 600).round(2)
    word[5] = "unicorn"
    y = np.where((np.array(word) == "a") | (x > 0.8), "yes", "no")
    table = {"word": word, "x": x}
    model = KANClassifier(mode="additive").fit(table, y)
    row = int(np.flatnonzero(model.predict(table) == "no")[0])
    found = counterfactuals(model, table, row)
    assert {change.after for item in found.items for change in item.changes if change.column == "word"} == {
        "a"
    }


def test_results_are_data_and_text():
    model, table, _ = classifier("deep")
    found = counterfactuals(model, table, 1, units={"age": "years"})
    data = json.loads(json.dumps(found.to_dict()))
    assert len(data["items"]) == len(found.items) > 0
    text = str(found)
    assert found.wanted in text
    for change in found.items[0].changes:
        assert change.after_text in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "best"}, "output"),
        ({"above": 1.0}, "above"),
        ({"fixed": ["sexx"]}, "fixed"),
        ({"increase": ["home"]}, "increase"),
        ({"where": {"age": 3}}, "where"),
        ({"where": {"home": (0, 1)}}, "where"),
        ({"k": 0}, "k"),
    ],
)
def test_wrong_wishes_are_refused_in_a_sentence(options, words):
    model, table, _ = classifier("additive")
    with pytest.raises(InputError, match=words):
        counterfactuals(model, table, 0, **options)


def test_a_wish_that_holds_already_is_refused():
    model, table, _ = classifier("additive")
    now = model.predict({name: [cells[0]] for name, cells in table.items()})[0]
    with pytest.raises(InputError, match="already"):
        counterfactuals(model, table, 0, target=now)
    regression, numbers, _ = regressor("additive")
    with pytest.raises(InputError, match="already"):
        counterfactuals(regression, numbers, 0, above=-1e9)
    with pytest.raises(InputError, match="neither"):
        counterfactuals(regression, numbers, 0)


@given(
    before=st.floats(-100, 100).map(lambda value: round(value, 2)),
    way=st.floats(-50, 50).map(lambda value: round(value, 2)).filter(lambda value: abs(value) > 0.05),
    share=st.floats(0.01, 0.99),
)
def test_the_nearest_value_of_the_lattice_is_found(before, way, share):
    edge = before + share * way
    reached = lambda x: (x - edge) * np.sign(way) >= 0  # noqa: E731
    found = nearest_reached(before, round(before + way, 2), 2, reached)
    lattice = np.round(before + np.sign(way) * 0.01 * np.arange(round(abs(way) * 100) + 1), 2)
    assert found == lattice[reached(lattice)][0]


def test_moves_keep_the_resolution_of_the_table():
    from edgewise.explaining.moves import limits_of
    from edgewise.explaining.subject import subject_of

    X = np.column_stack([np.round(np.linspace(0, 3, 50), 1), np.arange(50.0) % 2, np.linspace(0, 1e6, 50)])
    subject = subject_of(random_net([3, 1], 0), X)
    limits = limits_of(subject.columns, (), (), (), None)
    moves = moves_of(subject.columns, subject.rows, [0.5, 0.0, 0.0], limits, {0, 1, 2})
    assert moves[0].cells == [round(k / 10, 1) for k in range(31) if k != 5]
    assert moves[0].whole
    assert moves[1].cells == [1.0]
    assert not moves[2].whole


def test_of_all_combinations_none_is_left_and_of_many_more_work_tries_more():
    net = random_net([3, 1], 1, grid=(0.0, 5.0))
    X = grid_table(1)
    out = net.predict(X)[:, 0]
    found = counterfactuals(net, X, int(np.argmin(out)), above=float(np.quantile(out, 0.7)))
    assert found.stop_reason is StopReason.EXHAUSTED
    deep = random_net([6, 4, 1], 2, grid=(0.0, 5.0))
    X = np.random.default_rng(0).uniform(0, 5, (80, 6)).round(2)
    out = deep.predict(X)[:, 0]
    row, bound = int(np.argmin(out)), float(np.quantile(out, 0.97))
    quick, normal = (counterfactuals(deep, X, row, above=bound, work=w, k=1) for w in (0.02, 1.0))
    assert quick.stop_reason is StopReason.WORK_SPENT
    assert not quick.items or quick.items[0].value > bound
    assert normal.items[0].value > bound
    assert json.loads(json.dumps(normal.to_dict()))["stop_reason"] == normal.stop_reason


def test_out_of_time_what_is_found_is_told(clock):
    net = random_net([6, 4, 1], 2, grid=(0.0, 5.0))
    X = np.random.default_rng(0).uniform(0, 5, (80, 6)).round(2)
    out = net.predict(X)[:, 0]
    row, bound = int(np.argmin(out)), float(np.quantile(out, 0.9))
    clock(0.01)
    for seconds in (0.02, 0.3):
        found = counterfactuals(net, X, row, above=bound, seconds=seconds)
        assert found.stop_reason is StopReason.TIME_LIMIT
        assert "may differ from run to run" in found.message
        assert not found.exact
        assert all(item.value > bound for item in found.items)
