"""One answer explained: sums, reasons that are true, rows alike, what a row may be given as."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from edgewise import InputError, KANRegressor, explain
from edgewise.explaining import Explainer, LocalExplanation
from tests.explaining.models import classifier, people, random_net, regressor, three_classes


def total(found):
    return sum(one.effect for one in found.contributions)


@settings(max_examples=15)
@given(
    mode=st.sampled_from(["additive", "deep", "pairwise"]),
    method=st.sampled_from(["auto", "path", "shapley"]),
    row=st.integers(0, 399),
)
def test_contributions_of_a_classifier_sum_to_its_log_odds(mode, method, row):
    model, table, _ = classifier(mode)
    found = explain(model, table, row=row, method=method, background=20, neighbours=0)
    one = {name: [cells[row]] for name, cells in table.items()}
    assert found.value == pytest.approx(model.decision_function(one)[0], abs=1e-9)
    assert total(found) == pytest.approx(found.value - found.base, abs=1e-9)
    assert found.probability == pytest.approx(model.predict_proba(one)[0, 1], abs=1e-9)
    assert found.prediction == model.predict(one)[0]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["additive", "deep"])
def test_the_base_of_a_regressor_is_the_mean_of_its_background(mode):
    model, table, _ = regressor(mode)
    found = explain(model, table, row=5, background=400)
    assert found.base == pytest.approx(model.predict(table).mean())
    assert total(found) == pytest.approx(found.prediction - found.base, abs=1e-9)


def test_of_many_classes_the_decided_one_is_explained():
    model, X, _ = three_classes()
    found = explain(model, X, row=11)
    assert found.label == found.prediction == model.predict(X[11:12])[0]
    assert total(found) == pytest.approx(found.value - found.base, abs=1e-9)
    logits = model.decision_function(X[11:12])[0]
    place = model.classes_.tolist().index(found.label)
    assert found.value == pytest.approx(logits[place] - logits.mean(), abs=1e-9)
    assert found.probability == pytest.approx(model.predict_proba(X[11:12])[0, place])


def test_reasons_are_true_of_the_model():
    model, table, _ = classifier("additive")
    explainer = Explainer(model, table)
    for row in range(0, 40, 4):
        found = explainer.row(row)
        assert found.reasons[0].effect == found.contributions[0].effect
        for reason in found.reasons:
            assert (
                reason.text
                == f"{reason.condition} {'raised' if reason.effect > 0 else 'lowered'} {found.output} by "
                + (reason.text.rsplit(" by ", 1)[1])
            )
            words = reason.condition.split()
            if "below" not in words:
                continue
            # At the threshold the contribution is gone: the column no longer moves the answer from the average.
            edge = float(words[words.index("below") + 1].replace(",", ""))
            own = {name: [cells[row]] for name, cells in table.items()}
            moved = {**own, reason.column: [edge]}
            left = reason.effect + (model.decision_function(moved) - model.decision_function(own))[0]
            assert abs(left) < 0.35 * abs(reason.effect)
            assert table[reason.column][row] < edge


def test_rows_alike_are_alike_in_contributions():
    model, table, y = classifier("additive")
    found = explain(model, table, row=7, y=y, neighbours=2)
    assert len(found.neighbours) == 4
    assert [one.same for one in found.neighbours] == [True, True, False, False]
    answers = model.predict(table)
    explainer = Explainer(model, table)
    own = {one.column: one.effect for one in explainer.row(7, "good").contributions}

    def distance(row):
        other = explainer.row(row, "good", neighbours=0)
        return np.sqrt(sum((own[one.column] - one.effect) ** 2 for one in other.contributions))

    for one in found.neighbours:
        assert one.actual == y[one.row]
        assert one.prediction == answers[one.row]
        assert one.row != 7
        assert one.distance == pytest.approx(distance(one.row), abs=1e-9)
    same = [row for row in range(0, 400, 7) if answers[row] == answers[7] and row != 7]
    assert min(distance(row) for row in same) >= found.neighbours[0].distance - 1e-12


def test_hidden_nodes_carry_the_whole_difference():
    net = random_net([3, 4, 1], 2)
    X = np.random.default_rng(0).normal(size=(30, 3))
    found = explain(net, X, row=3)
    assert sum(node.effect for node in found.nodes) == pytest.approx(found.value - found.base, abs=1e-9)
    # Node by node: cutting it leaves just its effect.
    for node in found.nodes:
        edge = net.layers[1].edge
        import torch

        h = torch.tensor((X - net.input_shift.numpy()) / net.input_scale.numpy())
        z = net.layers[0](h)[:, node.node - 1].detach()
        own = edge(node.node - 1, 0, z).detach().numpy() * float(net.output_scale)
        assert node.effect == pytest.approx(own[3] - own.mean(), abs=1e-9)


def test_a_row_may_come_in_many_forms():
    model, table, _ = classifier("additive")
    frame = pd.DataFrame(table)
    want = explain(model, frame, row=3)
    mapping = {name: cells[3] for name, cells in table.items()}
    for row in (frame.iloc[[3]], frame.iloc[3], mapping, {k: [v] for k, v in mapping.items()}):
        found = explain(model, frame, row=row)
        assert total(found) == pytest.approx(total(want), abs=1e-12)
        assert found.row is None
    several = explain(model, frame, row=range(3, 5))
    assert [one.row for one in several] == [3, 4]
    alone = model.explain(row=mapping)
    assert alone.value == pytest.approx(want.value)
    assert alone.neighbours == ()
    with pytest.raises(InputError, match="row"):
        explain(model, frame, row=len(frame))
    with pytest.raises(InputError, match="row"):
        explain(model, row=3)


def test_missing_cells_and_unknown_words_are_explained_too():
    model, table, _ = classifier("deep")
    found = explain(
        model,
        table,
        row={"age": 40, "income": None, "home": "castle", "member": None},
        units={"age": "years"},
    )
    assert total(found) == pytest.approx(found.value - found.base, abs=1e-9)
    told = {one.column: one.value for one in found.contributions}
    assert told["income"] == "missing"
    assert told["age"] == "40 years"
    assert told["home"] == "castle"


def test_values_beyond_the_training_range_are_told():
    model, table, _ = classifier("additive")
    row = {"age": 300, "income": 2000.0, "home": "own", "member": True}
    found = explain(model, table, row=row)
    assert found.outside == ("age",)
    assert "Beyond the training range: age" in str(found)


def test_text_and_data_tell_the_same():
    model, table, y = classifier("deep")
    found = explain(model, table, row=2, y=y)
    data = json.loads(json.dumps(found.to_dict()))
    assert data["prediction"] == found.prediction
    assert data["value"] == pytest.approx(logit(found.probability))
    text = str(found)
    assert text.startswith(f"Row 2: {found.prediction}")
    for reason in found.reasons:
        assert reason.text in text


def test_a_table_without_names_goes_by_place():
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (80, 2))
    model = KANRegressor(mode="additive").fit(X, X[:, 0] - X[:, 1])
    found = explain(model, X, row=1)
    assert total(found) == pytest.approx(model.predict(X[1:2])[0] - found.base, abs=1e-9)
    assert model.explain(row=X[1:2]).value == pytest.approx(found.value)


def test_what_cannot_be_had_is_refused_in_a_sentence():
    model, table, y = classifier("additive")
    with pytest.raises(InputError, match="method"):
        explain(model, table, method="lime")
    for rows in (
        {name: cells[0] for name, cells in table.items()},
        {k: cells[:1] for k, cells in table.items()},
    ):
        assert type(model.explain(row=rows)) is LocalExplanation
    with pytest.raises(InputError, match="pass it as row="):
        explain(model, {name: cells[0] for name, cells in table.items()})
    with pytest.raises(InputError, match="one entry"):
        explain(model, table, row=1, y=y[:5])
    wide = random_net([20, 3, 1], 0)
    with pytest.raises(InputError, match="path"):
        explain(wide, np.zeros((5, 20)), row=0, method="shapley")


def test_same_seed_same_explanation():
    model, table, _ = classifier("deep")
    first, second = explain(model, table).to_dict(), explain(model, people()[0]).to_dict()
    assert first == second
