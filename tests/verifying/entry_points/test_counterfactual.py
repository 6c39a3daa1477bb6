"""Minimal counterfactuals against exhaustive search, and their certificates."""

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest

import edgewise as ew
from edgewise import InputError
from edgewise.verifying.checker import check

N = 400


@pytest.fixture(scope="module")
def credit():
    rng = np.random.default_rng(0)
    income, debt = rng.uniform(0, 100, N), rng.uniform(0, 10, N)
    job = rng.choice(["clerk", "nurse", "smith"], N)
    score = 0.1 * (income - 50) - 0.6 * (debt - 5) + (job == "nurse") * 1.5
    good = np.where(score + rng.normal(size=N) * 0.3 > 0, "good", "bad")
    table = pa.table({"income": income, "debt": debt, "job": job})
    model = ew.KANClassifier(mode="additive", members=1).fit(table, good)
    return model, table


ROW = {"income": 40.0, "debt": 6.0, "job": "clerk"}


def cheapest(model, table, row, jobs):
    """By trying everything on a fine grid: the least Gower cost of a row that is decided as good."""
    income, debt = (np.asarray(table.column(name)) for name in ("income", "debt"))
    spans = np.ptp(income), np.ptp(debt)
    x, z = np.linspace(0, 100, 401), np.linspace(0, 10, 401)
    best = np.inf
    for job in jobs:
        pairs = np.array(list(itertools.product(x, z)))
        good = (
            model.predict(pa.table({"income": pairs[:, 0], "debt": pairs[:, 1], "job": [job] * len(pairs)}))
            == "good"
        )
        cost = np.abs(pairs[:, 0] - row["income"]) / spans[0] + np.abs(pairs[:, 1] - row["debt"]) / spans[1]
        best = min(best, (cost + 0.5 * (job != row["job"]))[good].min())
    return best


def test_the_cheapest_change_is_that_of_a_full_search(credit):
    model, table = credit
    assert model.predict(pa.table({k: [v] for k, v in ROW.items()}))[0] == "bad"
    answer = ew.minimal_counterfactual(model, ROW, rows=table)
    assert answer.minimal, answer
    full = cheapest(model, table, ROW, ["clerk", "nurse", "smith"])
    assert answer.lower <= full + 1e-9
    assert full - 0.006 <= answer.cost <= full * 1.02
    found = pa.table({k: [v] for k, v in answer.found.row.items()})
    assert model.predict(found)[0] == "good"
    ew.save(model, "m.kan")
    answer.certificate.save("proof.json")
    assert check("proof.json", "m.kan").accepted
    json.dumps(answer.to_dict(), allow_nan=False)
    assert "proved: none costs less than" in str(answer)


def test_fixed_columns_weights_and_domains(credit):
    model, table = credit
    fixed = ew.minimal_counterfactual(model, ROW, fixed=["income"], rows=table)
    assert fixed.found.row["income"] == ROW["income"]
    dear = ew.minimal_counterfactual(model, ROW, weights={"debt": 100, "job": 100}, rows=table)
    assert set(dear.changes) == {"income"}
    only = ew.minimal_counterfactual(model, ROW, mutable=["job", "debt"], where={"debt": (4, 10)})
    assert only.found is None or only.found.row["debt"] >= 4
    # Nothing within reach is decided otherwise, and that is proved.
    none = ew.minimal_counterfactual(model, {**ROW, "income": 5.0, "debt": 9.5}, mutable=["job"])
    assert none.found is None
    assert none.minimal
    assert none.cost == np.inf
    assert "Proved: no row" in str(none)


def test_many_classes():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 3, N)
    model = ew.KANClassifier(mode="additive", members=1).fit({"x": x}, np.floor(x).astype(int))
    answer = ew.minimal_counterfactual(model, {"x": 0.5}, target=2)
    assert answer.found.decision == 2
    assert abs(answer.found.row["x"] - 2) < 0.2
    assert answer.minimal
    with pytest.raises(InputError, match="for there are 3"):
        ew.minimal_counterfactual(model, {"x": 0.5})
    with pytest.raises(InputError, match="must be another class"):
        ew.minimal_counterfactual(model, {"x": 0.5}, target=0)


def test_what_cannot_be_asked(credit):
    with pytest.raises(InputError, match="must be a classifier"):
        ew.minimal_counterfactual(ew.KAN([1, 1], seed=0), [0.0])
    with pytest.raises(InputError, match="did you mean 'income'"):
        ew.minimal_counterfactual(credit[0], ROW, fixed=["incme"])
