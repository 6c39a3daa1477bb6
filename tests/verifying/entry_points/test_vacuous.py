"""Claims that could not fail are proved, and called so; conditions mean cells, ranges and values as they are written."""

from functools import cache

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise._core.stopping import StopReason
from edgewise.network import mask_edges


@cache
def model():
    rng = np.random.default_rng(0)
    n = 400
    table = {
        "age": rng.uniform(18, 80, n).round(),
        "sex": rng.choice(["m", "f"], n),
        "job": rng.choice(["a", "b"], n),
    }
    z = 0.08 * (table["age"] - 50) + 1.2 * (table["sex"] == "m") + 0.9 * (table["job"] == "b")
    y = np.where(z + rng.normal(size=n) > 0, "yes", "no")
    return ew.KANClassifier(mode="additive", members=1, random_state=0).fit(table, y)


def test_a_column_without_effect_is_called_so():
    net = ew.KAN([3, 1], seed=0, input_names=["a", "b", "c"])
    blind = mask_edges(net, [(0, 1, 0)], np.zeros((5, 3))).network
    with torch.no_grad():
        blind.layers[0].coef[2] = 0.25  # an edge that is alive, and constant
    for name in ("b", "c"):
        for text in (f"monotone({name}, increasing)", f"lipschitz({name}, 0.1)"):
            answer = ew.verify(blind, text)
            if name == "c" and not answer.proved:
                assert text.startswith("monotone")  # a tie that rounding leaves open
                continue
            assert answer.proved
            assert answer.vacuous.startswith(f"the model does not use {name}")
            assert "Vacuous: the model does not use" in str(answer)
            assert answer.to_dict()["vacuous"]
    assert ew.verify(blind, "lipschitz(a, 100)").vacuous == ""


def test_a_decision_that_never_changes_is_called_so():
    for where, label in (("age in [0, 10]", "no"), ("age >= 100", "yes")):
        answer = ew.verify(model(), f"never_flips(sex) where {where}")
        assert answer.proved
        assert answer.vacuous.startswith(f"the decision is {label} at every row")
    wide = ew.verify(model(), "never_flips(sex, job) with age within 1 where age in [0, 10]")
    assert wide.proved
    assert "the decision is no at every row" in wide.vacuous


def test_a_single_row_is_called_so():
    row = {"age": 30.0, "sex": "m", "job": "a"}
    answer = ew.verify(model(), ew.properties.robust(row, {"age": 0.0}))
    assert answer.proved
    assert answer.vacuous == "only one row lies in the domain."
    assert ew.verify(model(), ew.properties.robust(row, {"age": 1.0})).vacuous == ""
    fixed = ew.minimal_counterfactual(model(), row, mutable=[])
    assert fixed.found is None
    assert "no column may change" in fixed.message


def test_maps_that_cannot_give_more_are_called_so():
    rng = np.random.default_rng(1)
    table = {
        "age": rng.uniform(18, 80, 300),
        "sex": rng.choice(["m", "f"], 300),
        "job": rng.choice(["a", "b"], 300),
    }
    y = np.where(rng.random(300) < 0.3, "yes", "no")
    flat = ew.calibrate(model(), table, y)
    top = max(flat.calibration_.curves[0].probabilities)
    answer = ew.verify(flat, ew.properties.output_range(high=min(top + 1e-9, 1 - 1e-9), probability=True))
    assert answer.proved
    assert "calibration never gives more" in answer.vacuous


def test_undecided_has_no_truth_value():
    answer = ew.Undecided("monotone(x, increasing)", "every row", 0.0, 1e-12, 0.1, "a tie", StopReason.TIED)
    assert answer.proved is False
    with pytest.raises(ew.InputError, match=r"answer\.proved"):
        bool(answer)
    with pytest.raises(ew.InputError, match="isinstance"):
        assert answer


def test_ranges_of_a_plain_network_are_kept_or_refused():
    net = ew.KAN([2, 3, 1], seed=0, input_names=["x", "z"])
    x = np.linspace(-50, 70, 4001)
    y = net.predict(np.column_stack([x, np.full_like(x, 0.5)]))[:, 0]
    where = "x in [-50, 70], z = 0.5"
    spread = np.ptp(y)
    assert ew.verify(net, ew.properties.output_range(high=float(y.max() + 0.01 * spread)), where=where).proved
    refuted = ew.verify(net, ew.properties.output_range(high=float(y.max() - 0.01 * spread)), where=where)
    assert refuted.status == "refuted"
    assert abs(refuted.witness["x"]) > 1
    assert ew.verify(net, "range(-100, 100) where x >= 0.5").domain.startswith(
        "every row where x >= 0.5, x <= 1,"
    )
    for where in ("x >= 5", "z <= -4", "x >= 2, x <= 1"):
        with pytest.raises(ew.InputError, match="must leave some rows"):
            ew.verify(net, "range(-100, 100)", where=where)


def test_missing_is_a_cell_and_no_word():
    rng = np.random.default_rng(2)
    word = rng.choice(["missing", "never missing", "a"], 300)
    v = rng.normal(size=300)
    for gaps in (False, True):
        told = np.array([None if gaps and item == "a" else item for item in word], dtype=object)
        net = ew.KANRegressor(mode="additive", members=1, random_state=0).fit(
            {"k": told, "v": v}, v + (word == "a")
        )
        (levels, *_) = net.encoding_.columns
        answer = ew.verify(net, "output <= 100 where k is not missing")
        (k, *_) = answer.certificate.document["domain"]["groups"]
        kept = {levels.levels[int(cell[0][0])] for cell in k["cells"]}
        assert kept == ({"missing", "never missing"} if gaps else {"missing", "never missing", "a"})


@pytest.mark.parametrize("text", ["0*log(x - 0.3217)", "0/(x - 0.3217)", "0*sqrt(x)", "log(x)^0"])
def test_a_formula_without_value_is_not_folded_away(text):
    net = ew.KAN([1, 1], seed=0, input_names=["x"])
    answer = ew.verify(net, ew.properties.formula_within(text, 1000))
    assert not answer.proved
    assert ew.verify(net, ew.properties.formula_within(text, 1000), where="x in [0.5, 1]").proved
