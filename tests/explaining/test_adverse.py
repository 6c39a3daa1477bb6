"""Reasons for an adverse decision: brute force over rows and values is the oracle; what is protected is never named."""

import json

import numpy as np
import pytest

from edgewise import InputError, KANRegressor
from edgewise.explaining import adverse_reasons
from tests.explaining.models import classifier, three_classes


@pytest.fixture(scope="module")
def asked():
    model, table, _ = classifier("additive")
    refused = np.flatnonzero(model.predict(table) == model.classes_[0])
    return model, table, [int(row) for row in refused[:6]]


def one(table, row):
    return {name: [cells[row]] for name, cells in table.items()}


def odds(model, table):
    return model.decision_function(table)


def test_against_approved_rows_each_effect_is_a_mean_over_them(asked):
    model, table, refused = asked
    approved = np.flatnonzero(model.predict(table) == model.classes_[1])
    for reference, rows in (("approved", approved), ("mean", np.arange(len(model.predict(table))))):
        for row in refused[:3]:
            found = adverse_reasons(model, table, row, reference=reference)
            assert 1 <= len(found.reasons) <= 4
            assert f"the mean of {len(rows)} rows" in found.reference
            own = odds(model, one(table, row))[0]
            brute = {}
            for name in table:
                moved = {other: [cells[row]] * len(rows) for other, cells in table.items()}
                moved[name] = [table[name][k] for k in rows]
                brute[name] = own - odds(model, moved).mean()
            for reason in found.reasons:
                assert reason.effect == pytest.approx(brute[reason.columns[0]], abs=1e-9)
                assert reason.text.endswith(f"compared with {found.reference}")
            worst = sorted(effect for effect in brute.values() if effect < -1e-9)[:4]
            assert [reason.effect for reason in found.reasons] == pytest.approx(worst, abs=1e-9)


def test_against_the_best_value_each_effect_is_what_that_value_would_give(asked):
    model, table, refused = asked
    for row in refused[:3]:
        found = adverse_reasons(model, table, row, reference="best")
        own = odds(model, one(table, row))[0]
        for reason in found.reasons:
            name = reason.columns[0]
            values = list(dict.fromkeys(cell for cell in table[name] if cell is not None and cell == cell))
            moved = {other: [cells[row]] * len(values) for other, cells in table.items()}
            moved[name] = values
            best = odds(model, moved).max()
            # Of many numbers 65 are tried; of words and few numbers all.
            assert own - best - 1e-9 <= reason.effect < 0
            assert reason.effect == pytest.approx(own - best, rel=0.1)
            assert "compared with its best value" in reason.text


def test_protected_columns_are_never_named_and_where_they_would_have_been_is_said(asked):
    model, table, refused = asked
    row = refused[0]
    free = adverse_reasons(model, table, row)
    barred = free.reasons[0].columns[0]
    found = adverse_reasons(model, table, row, protected=barred)
    assert all(barred not in reason.columns for reason in found.reasons)
    assert [reason.effect for reason in found.reasons][: len(free.reasons) - 1] == [
        reason.effect for reason in free.reasons[1:]
    ]
    assert found.withheld == ((barred, pytest.approx(free.reasons[0].effect)),)
    assert barred in str(found).rsplit("Withheld", 1)[1]
    assert json.loads(json.dumps(found.to_dict()))["withheld"][0][0] == barred


def test_columns_of_one_code_are_one_reason(asked):
    model, table, refused = asked
    row = refused[0]
    free = adverse_reasons(model, table, row, most=2)
    first, second = (reason.columns[0] for reason in free.reasons)
    names = {name: f"R{k}" for k, name in enumerate(table)}
    found = adverse_reasons(
        model, table, row, codes={**names, first: ("A1", "Too little"), second: ("A1", "Too little")}
    )
    top = found.reasons[0]
    assert (top.code, top.statement, set(top.columns)) == ("A1", "Too little", {first, second})
    assert top.effect == pytest.approx(sum(reason.effect for reason in free.reasons))
    assert top.text.startswith("A1: Too little: ")
    assert len({reason.code for reason in found.reasons}) == len(found.reasons) <= 4


@pytest.mark.slow
def test_joint_effects_and_several_classes():
    model, table, _ = classifier("deep")
    found = adverse_reasons(model, table, 3, favourable=model.classes_[0], method="path")
    assert found.method == "path"
    assert found.favourable == model.classes_[0]
    many, X, _ = three_classes()
    answer = many.predict(X)
    row = int(np.flatnonzero(answer != answer[0])[0])
    found = adverse_reasons(many, X, row, favourable=answer[0])
    assert found.decision != found.favourable
    assert all(reason.effect < 0 for reason in found.reasons)


def test_what_does_not_fit_is_refused(asked):
    model, table, _ = asked
    name = next(iter(table))
    for given, words in (
        ({"reference": "median"}, "approved"),
        ({"most": 5}, "most"),
        ({"protected": ["agee"]}, "agee"),
        ({"codes": {name: "A"}}, "a code for each column"),
        ({"codes": {"agee": "A"}}, "agee"),
        ({"codes": {name: 3}}, "a code, or a code and a statement"),
        ({"favourable": "perhaps"}, "perhaps"),
    ):
        with pytest.raises(InputError, match=words):
            adverse_reasons(model, table, 0, **given)
    X = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.raises(InputError, match="between classes"):
        adverse_reasons(KANRegressor(mode="additive", members=1).fit(X, X[:, 0]), X, 0)
