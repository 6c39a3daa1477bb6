"""verify: answers agree with dense grids and with the model itself; certificates pass the independent checker."""

import importlib
import itertools
import json
import math

import numpy as np
import pyarrow as pa
import pytest
import torch

import edgewise as ew
from edgewise import InputError, Proved, Refuted, Undecided, properties
from edgewise._core.work import Meter, running
from edgewise.verifying.checker import check
from edgewise.verifying.language.text import parse_conditions
from edgewise.verifying.search.prove import WORK_UNITS

N = 400
API = importlib.import_module("edgewise.verifying.entry_points.verify")  # verify is a function by name


@pytest.fixture(scope="module")
def small():
    """A network of two inputs and its values on a fine grid."""
    net = ew.KAN([2, 4, 1], seed=3, input_names=["a", "b"]).double()
    side = np.linspace(-1, 1, 201)
    grid = np.array(list(itertools.product(side, side)))
    return net, grid, net.predict(grid)[:, 0]


@pytest.fixture(scope="module")
def credit():
    """A classifier of numbers with gaps, words and truths; `member` adds to the chances, so that it flips decisions."""
    rng = np.random.default_rng(0)
    income = rng.uniform(0, 100, N)
    debt = rng.uniform(0, 10, N)
    debt[rng.uniform(size=N) < 0.1] = np.nan
    member = rng.uniform(size=N) < 0.5
    job = rng.choice(["clerk", "nurse", "smith"], N)
    score = 0.08 * (income - 50) - 0.3 * np.nan_to_num(debt - 5) + 1.5 * member + (job == "nurse") * 1.0
    good = np.where(rng.uniform(size=N) < 1 / (1 + np.exp(-score)), "good", "bad")
    table = pa.table(
        {"income": income, "debt": pa.array(debt, from_pandas=True), "member": member, "job": job}
    )
    model = ew.KANClassifier(mode="additive", members=1).fit(table, good)
    return model, table


def log_odds(model, row):
    frame = pa.table({name: [value] for name, value in row.items()})
    p = model.predict_proba(frame)[0, 1]
    return math.log(p / (1 - p))


def accepted(answer, model, *, folder="."):
    ew.save(model, f"{folder}/m.kan")
    answer.certificate.save("proof.json", overwrite=True)
    return check("proof.json", f"{folder}/m.kan")


@pytest.mark.parametrize("side", [1, -1])
def test_ranges_are_those_of_a_dense_grid(small, side):
    net, _, y = small
    where = "a in [-1, 1], b in [-1, 1]"
    top, spread = (side * y).max(), np.ptp(y)

    def at_most(bound):
        return properties.output_range(high=bound) if side > 0 else properties.output_range(low=-bound)

    proved = ew.verify(net, at_most(top + 0.02 * spread), where=where)
    assert isinstance(proved, Proved), proved
    assert accepted(proved, net).accepted
    assert 0 <= proved.margin <= 0.02 * spread
    refuted = ew.verify(net, at_most(top - 0.01 * spread), where=where)
    assert isinstance(refuted, Refuted), refuted
    x = [refuted.witness["a"], refuted.witness["b"]]
    assert side * net.predict([x])[0, 0] > top - 0.01 * spread
    assert max(map(abs, x)) <= 1
    assert bool(proved) is True
    assert bool(refuted) is False


def test_slopes_are_those_of_a_dense_grid(small):
    net, grid, _ = small
    x = torch.from_numpy(grid).requires_grad_()
    (slope,) = torch.autograd.grad(net(x).sum(), x)
    steepest = slope[:, 0].abs().max().item()
    where = "a in [-1, 1], b in [-1, 1]"
    proved = ew.verify(net, properties.lipschitz("a", 1.05 * steepest), where=where)
    assert proved.status == "proved", proved
    assert accepted(proved, net).accepted
    refuted = ew.verify(net, properties.lipschitz("a", 0.9 * steepest), where=where)
    assert refuted.status == "refuted"
    first, second = refuted.cases
    assert first.row["b"] == second.row["b"]
    rise = (second.outputs["y"] - first.outputs["y"]) / (second.row["a"] - first.row["a"])
    assert abs(rise) > 0.9 * steepest


def test_monotone_shows_a_row_where_it_is_not(small):
    net, grid, _ = small
    x = torch.from_numpy(grid).requires_grad_()
    (slope,) = torch.autograd.grad(net(x).sum(), x)
    assert slope[:, 1].min() < 0 < slope[:, 1].max()
    for direction, sign in (("increasing", 1), ("decreasing", -1)):
        answer = ew.verify(net, f"monotone(b, {direction})")
        first, second = answer.cases
        assert first.row["b"] < second.row["b"]
        assert sign * (second.outputs["y"] - first.outputs["y"]) < 0
        assert first.row["a"] == second.row["a"]


def test_weighted_sums_of_columns_and_output(small):
    net, grid, y = small
    top = (3 * grid[:, 0] + 2 * y).max()
    where = "a in [-1, 1], b in [-1, 1]"
    assert ew.verify(net, f"3*a + 2*output <= {top + 0.1}", where=where).status == "proved"
    answer = ew.verify(net, f"3*a + 2*output <= {top - 0.1}", where=where)
    assert answer.status == "refuted"
    row = answer.cases[0]
    assert 3 * row.row["a"] + 2 * row.outputs["y"] > top - 0.1


def test_a_column_of_two_values(credit):
    model, _ = credit
    answer = ew.verify(model, "never_flips(member)")
    assert answer.status == "refuted"
    first, second = answer.cases
    assert {name for name in first.row if first.row[name] != second.row[name]} == {"member"}
    # By the model itself, from raw columns.
    assert {model.predict(pa.table({k: [v] for k, v in case.row.items()}))[0] for case in answer.cases} == {
        "good",
        "bad",
    }
    for case in answer.cases:
        assert case.decision == model.predict(pa.table({k: [v] for k, v in case.row.items()}))[0]
        assert math.isclose(case.outputs["log-odds of good"], log_odds(model, case.row), abs_tol=1e-6)
    # An additive model: the flip is the same everywhere, so one row tells it.
    row = {"income": 50.0, "debt": 3.0, "member": True, "job": "clerk"}
    flip = log_odds(model, row) - log_odds(model, {**row, "member": False})
    assert ew.verify(model, f"changes_at_most(member, {abs(flip) * 1.001})").status == "proved"
    assert ew.verify(model, f"changes_at_most(member, {abs(flip) * 0.999})").status == "refuted"


def test_words_missing_cells_and_conditions(credit):
    model, table = credit
    rows = model.encoding_.apply(table)
    assert model.network_.predict(rows).max() > 0
    proved = ew.verify(
        model, "decision = bad", where={"income": (0, 1), "member": False, "job": "clerk", "debt": (8, 10)}
    )
    assert proved.status == "proved", proved
    assert accepted(proved, model).accepted
    assert "income in [0, 1]" in proved.domain
    answer = ew.verify(model, "decision = bad where debt is missing")
    assert answer.status == "refuted"
    assert answer.witness["debt"] is None
    bounds = ew.verify(model, "range(-30, 30)")
    assert bounds.status == "proved"
    assert json.loads(bounds.certificate.text)["domain"]["whole"] is True
    assert accepted(bounds, model).accepted
    assert ew.verify(model, "probability <= 0.5").status == "refuted"


def test_a_dead_column_never_flips(credit):
    model, _ = credit
    import copy

    repaired = copy.deepcopy(model)
    i = model.encoding_.names.index("member")
    edges = [(0, i, k) for k in range(model.network_.layers[0].out_features)]
    repaired.network_ = ew.edits.mask_edges(model.network_, edges).network
    for text in ("never_flips(member)", "changes_at_most(member, 0)", "monotone(member, increasing)"):
        answer = ew.verify(repaired, text)
        assert answer.status == "proved", answer
        assert accepted(answer, repaired).accepted


def test_robustness_of_rows(credit):
    model, table = credit
    decided = model.predict(table)
    odds = np.abs(model.network_.predict(model.encoding_.apply(table))[:, 0])
    sure, unsure = int(np.argmax(odds)), int(np.argmin(odds))
    answer = ew.verify(model, f"robust(row {sure}, 0.02)", rows=table)
    assert answer.status == "proved"
    assert accepted(answer, model).accepted
    answer = ew.verify(model, f"robust(row {unsure}, 0.1)", rows=table)
    assert answer.status == "refuted"
    assert answer.cases[0].decision != decided[unsure]
    was = table.slice(unsure, 1).to_pylist()[0]
    for name, value in answer.witness.items():
        assert (
            value == was[name]
            if isinstance(value, (str, bool)) or value is None
            else abs(value - was[name]) <= 10.01
        )
    # In a column's own units, and nothing else.
    by_name = ew.verify(model, properties.robust(was, {"income": 60.0}))
    if by_name.status == "refuted":
        assert all(
            by_name.witness[name] == was[name] or name == "income" for name in was if was[name] is not None
        )


def test_equal_models(small):
    net = small[0]
    finer = ew.edits.refine(net, 2).network
    where = "a in [-1, 1], b in [-1, 1]"
    assert ew.verify(net, properties.equal(finer, 0.1), where=where).status == "proved"
    additive = ew.KAN([3, 1], seed=0).double()
    same = ew.verify(additive, properties.equal(ew.edits.refine(additive, 2).network, 1e-6))
    assert same.status == "proved"
    import copy

    other = copy.deepcopy(net)
    with torch.no_grad():
        other.layers[-1].bias += 0.5
    answer = ew.verify(net, properties.equal(other, 0.4))
    assert answer.status == "refuted"
    assert "the other model gives" in answer.message


@pytest.mark.slow
def test_no_answer_is_unsound():
    rng = np.random.default_rng(5)
    answers = set()
    for seed in range(12):
        net = ew.KAN([2, 3, 1], seed=seed, degree=int(rng.integers(1, 4)), intervals=int(rng.integers(1, 5)))
        X = rng.uniform(-1, 1, (4000, 2))
        y = net.double().predict(X)[:, 0]
        high = float(np.quantile(y, 1 - 0.1 * rng.random()) + 0.3 * rng.random() * np.ptp(y))
        answer = ew.verify(
            net, properties.output_range(high=high), where={"x1": (-1, 1), "x2": (-1, 1)}, work=0.02
        )
        answers.add(answer.status)
        if answer.status == "proved":
            assert y.max() <= high
            assert accepted(answer, net).accepted
        elif answer.status == "refuted":
            assert answer.cases[0].outputs["y"] > high
            assert net.predict([list(answer.witness.values())])[0, 0] > high
    # A cut that gains nothing loses its turn: two inputs are soon divided, and all are decided.
    assert answers == {"proved", "refuted"}


@pytest.mark.slow
def test_results_are_plain_data_and_read_well(credit, small):
    model, _ = credit
    for text in ("never_flips(member)", "range(-30, 30)"):
        answer = ew.verify(model, text)
        assert json.loads(json.dumps(answer.to_dict(), allow_nan=False))["status"] == answer.status
        assert answer.property in str(answer)
    net = ew.KAN([6, 12, 12, 1], seed=1)
    X = np.random.default_rng(0).uniform(-1, 1, (5000, 6))
    high = net.double().predict(X).max() * 1.5 + 0.1
    deep = ew.verify(net, f"output <= {high}", work=0.005)
    assert isinstance(deep, (Undecided, Refuted, Proved))
    if isinstance(deep, Undecided):
        assert deep.upper >= deep.lower
        assert deep.stop_reason.advice in str(deep)
        json.dumps(deep.to_dict(), allow_nan=False)


def test_a_callback_is_told_and_can_stop(small):
    net, _, y = small
    steps = []

    def stop(step):
        steps.append(step)
        return True

    answer = ew.verify(
        net,
        properties.output_range(high=float(y.max()) + 1e-7),
        where="a in [-1, 1], b in [-1, 1]",
        callbacks=stop,
    )
    if steps:
        assert steps[0].goals == 1
        assert answer.status != "proved" or len(steps) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("monotone(job, increasing)", "which holds words"),
        ("never_flips(income)", "which holds numbers"),
        ("changes_at_most(debt, 1)", "which holds numbers"),
        ("lipschitz(member, 1)", "which holds two values"),
        ("monotone(incom, increasing)", "did you mean 'income'"),
        ("decision = goood", "did you mean 'good'"),
        ("2*job + output <= 1", "which holds words"),
        ("robust(row 3, 0.1)", "must hold the table"),
        ('equal("other.kan", 0.1)', "load it"),
        ("monotone(income, increasing, output=7)", "must be one of"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_ask(credit, text, words):
    with pytest.raises(InputError, match=words):
        ew.verify(credit[0], text)


def test_models_of_numbers(small):
    net = small[0]
    for text, words in (
        ("decision = 1", "must be a classifier"),
        ("probability <= 0.5", "must be a classifier"),
        ("robust(row 0, 0.1)", "must be how far the output may move"),
        ("never_flips(a)", "column of never_flips must .* which holds numbers"),
    ):
        with pytest.raises(InputError, match=words):
            ew.verify(net, text, rows=[[0.0, 0.0]])
    near = ew.verify(net, properties.robust([0.1, 0.2], 0.001, change=0.5))
    assert near.status == "proved"


def test_networks_that_cannot_be_proved_are_named():
    with pytest.raises(InputError, match="the basis 'rbf'"):
        ew.verify(ew.KAN([1, 1], basis="rbf", seed=0), "range(-100, 100)")
    with pytest.raises(InputError, match="degree 1 to 3"):
        ew.verify(ew.KAN([1, 1], degree=4, seed=0), "range(-100, 100)")


def test_certificates_are_not_overwritten(small):
    answer = ew.verify(small[0], "range(-100, 100)")
    answer.certificate.save("p.json")
    with pytest.raises(ew.FileError, match="exists already"):
        answer.certificate.save("p.json")
    answer.certificate.save("p.json", overwrite=True)
    with pytest.raises(ew.FileError, match="cannot be written"):
        answer.certificate.save("no/such/folder/p.json")


def test_the_same_seed_gives_the_same_answer(credit):
    first, second = (ew.verify(credit[0], "never_flips(member)", seed=4).to_dict() for _ in range(2))
    first.pop("seconds"), second.pop("seconds")
    assert first == second


@pytest.fixture(scope="module")
def trees():
    """A classifier of three classes from columns of words, one of them without an edge, and all rows it can be given."""
    rng = np.random.default_rng(1)
    levels = {
        "soil": ["clay", "sand", "silt"],
        "site": ["dry", "wet"],
        "slope": ["flat", "steep"],
        "year": ["one", "two"],
    }
    table = {name: rng.choice(words, N) for name, words in levels.items()}
    wet, clay, steep = table["site"] == "wet", table["soil"] == "clay", table["slope"] == "steep"
    kind = np.select([wet & clay, steep | (table["soil"] == "sand")], ["alder", "birch"], "oak")
    model = ew.KANClassifier(mode="additive", members=1, random_state=0).fit(table, kind)
    net = model.network_
    mask = net.layers[0].mask.clone()
    mask[-1] = False
    net.layers[0].set_mask(mask)
    rows = list(itertools.product(*levels.values()))
    return (
        model,
        levels,
        rows,
        model.predict(pa.table(dict(zip(levels, zip(*rows, strict=True), strict=True)))),
    )


WHERES = [
    "",
    "site = wet",
    "soil in {clay, silt}",
    "soil = clay, site = wet",
    "soil = sand",
    "slope = steep",
    "site = dry, slope = flat",
]


@pytest.mark.slow
@pytest.mark.parametrize("where", WHERES)
def test_never_flips_among_three_classes_is_what_all_rows_say(trees, where, tmp_path, monkeypatch):
    model, levels, rows, decided = trees
    monkeypatch.chdir(tmp_path)
    names = list(levels)
    fixed = {part.split(" ")[0]: part for part in where.split(", ") if part}
    inside = [
        k
        for k, row in enumerate(rows)
        if all(word in fixed[name] for name, word in zip(names, row, strict=True) if name in fixed)
    ]
    for at, name in enumerate(names):
        groups = {}
        for k in inside:
            groups.setdefault(rows[k][:at] + rows[k][at + 1 :], set()).add(str(decided[k]))
        if len({rows[k][at] for k in inside}) < 2:
            continue
        flips = any(len(found) > 1 for found in groups.values())
        answer = ew.verify(model, f"never_flips({name})" + (f" where {where}" if where else ""))
        assert answer.status == ("refuted" if flips else "proved"), (name, answer)
        if flips:
            first, second = answer.cases
            assert {key for key in names if first.row[key] != second.row[key]} == {name}
            assert first.decision != second.decision
            for case in answer.cases:
                assert str(case.decision) == str(decided[rows.index(tuple(case.row[key] for key in names))])
            assert "the decision is" in answer.message
        else:
            assert answer.certificate.to_dict()["claim"]["type"] == "same_class"
            assert accepted(answer, model).accepted


def test_never_flips_of_one_of_many_outputs_needs_a_threshold(trees):
    model, *_ = trees
    with pytest.raises(InputError, match="among all 3 classes"):
        ew.verify(model, properties.never_flips("soil", output="oak"))
    assert ew.verify(model, properties.never_flips("soil", output="oak", threshold=1e3)).status == "proved"


def test_what_the_checker_refuses_is_not_proved(small, monkeypatch):
    """The prover computes in floating point; where the checker does not bear it out, its word is not enough."""
    net, _, y = small
    claim = f"range({float(y.min()) - 10}, {float(y.max()) + 10})"
    assert ew.verify(net, claim).status == "proved"
    hidden = sum(net.shape[1:-1])
    poor = {"lemmas": [], "tree": [{"lambda": [1.0], "slopes": [1e3] * hidden, "mu": 0.0}]}
    made = API.certificate
    monkeypatch.setattr(API, "certificate", lambda *told: made(*told[:3], [poor] * len(told[3])))
    answer = ew.verify(net, claim)
    assert answer.status == "undecided"
    assert "the checker does not bear it out" in answer.message
    assert "leaf 0 of goal 0" in answer.message
    assert math.isinf(answer.upper)


def test_the_check_is_work(small, monkeypatch):
    net, _, y = small
    claim = f"range({float(y.min()) - 10}, {float(y.max()) + 10})"
    with running(Meter()) as whole:
        assert ew.verify(net, claim).status == "proved"
    monkeypatch.setattr(API, "rechecked", lambda *_: None)
    with running(Meter()) as without:
        assert ew.verify(net, claim).status == "proved"
    assert 0 < without.spent < whole.spent
    # What is left in between is enough for a part of the check.
    monkeypatch.undo()
    answer = ew.verify(net, claim, work=(without.spent + whole.spent) / 2 / WORK_UNITS)
    assert answer.status == "undecided"
    assert "a proof was found, but the work that was allowed was done before it was checked" in answer.message
    assert answer.stop_reason == ew.StopReason.WORK_SPENT


def test_limits_mean_the_same_as_text_as_a_mapping_and_as_conditions():
    net, claim = ew.KAN([1, 1], input_names=["a"], seed=0), "range(-9, 9)"
    conditions = parse_conditions("a in [0, 0.5]")
    answers = [ew.verify(net, claim, where=one) for one in ("a in [0, 0.5]", {"a": (0, 0.5)}, conditions)]
    assert len({answer.domain for answer in answers}) == 1
    assert len({str(answer.certificate.document["domain"]) for answer in answers}) == 1
    with pytest.raises(ew.EdgewiseError, match="'where'"):
        ew.verify(net, claim, where=[3])


@pytest.mark.parametrize("method", ["isotonic", "sigmoid"])
def test_a_claim_of_rising_is_refuted_by_two_rows_of_the_calibrated_model(method):
    """What refutes a curve read through asinh and a calibration are rows whose calibrated answers fall."""
    rng = np.random.default_rng(1)
    table = {"amount": np.round(np.exp(rng.normal(6, 1.5, N)), 2), "rate": rng.uniform(0, 1, N)}
    score = 2.0 - 0.8 * (np.log(table["amount"]) - 6) ** 2 + table["rate"]
    good = np.where(rng.uniform(size=N) < 1 / (1 + np.exp(-score)), "yes", "no")
    plain = ew.KANClassifier(mode="additive", members=1).fit(table, good)
    model = ew.calibrate(plain, table, good, method=method)
    answer = ew.verify(model, "monotone(amount, increasing)")
    assert isinstance(answer, Refuted)
    first, second = (dict(case.row) for case in answer.cases)
    assert first["amount"] < second["amount"]
    assert first["rate"] == second["rate"]
    chances = [
        float(model.predict_proba({name: [value] for name, value in row.items()})[0, 1])
        for row in (first, second)
    ]
    assert chances[0] > chances[1]


@pytest.mark.slow
def test_a_probability_that_is_the_bound_itself_refutes_nothing(credit):
    """Near 1 many log-odds have one probability: a row is shown where `predict_proba` is beyond the bound, or none is."""
    model, _ = credit
    rng = np.random.default_rng(4)
    said = list[str]()
    for _ in range(25):
        row = {"income": float(rng.uniform(60, 145)), "debt": float(rng.uniform(-4, 4)), "member": True}
        domain = {
            "income": (row["income"],) * 2,
            "debt": (row["debt"],) * 2,
            "member": [True],
            "job": ["nurse"],
        }
        frame = pa.table({name: [value] for name, value in (row | {"job": "nurse"}).items()})
        p = float(model.predict_proba(frame)[0, 1])
        answer = ew.verify(model, properties.output_range(high=p, probability=True), where=domain)
        said.append(answer.status)
        assert answer.status != "refuted"
        less = properties.output_range(high=float(np.nextafter(p, 0) - 1e-9), probability=True)
        assert ew.verify(model, less, where=domain).status == "refuted"
    assert "undecided" in said or "proved" in said


def test_a_sum_that_is_refuted_is_told():
    """`age - output <= 80`: the output of the row alone says nothing."""
    rng = np.random.default_rng(0)
    age = rng.uniform(18, 75, 300)
    model = ew.KANRegressor(mode="additive", members=1, work="quick").fit({"age": age}, 0.1 * age)
    answer = ew.verify(model, "age - output <= 60", where={"age": (18, 75)})
    value = answer.witness["age"] - float(model.predict({"age": [answer.witness["age"]]})[0])
    assert value > 60
    told = answer.message.split("age - output is ")[1].rstrip(".")
    assert float(told) == pytest.approx(value, rel=1e-6)
