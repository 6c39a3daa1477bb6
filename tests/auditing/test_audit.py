"""audit: a bias that was put in is found; what was not is not; black boxes and networks answer alike."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.linear_model import LinearRegression, LogisticRegression

import edgewise as ew
from edgewise._core.errors import InputError
from edgewise.auditing.result import read_limit


class Rule:
    """A black box that gives men a bonus of probability."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        p = np.clip(0.5 + 0.2 * X["skill"] + 0.15 * (X["sex"] == "m"), 0.01, 0.99).to_numpy()
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


@pytest.fixture(scope="module")
def result(biased):
    return ew.audit(biased.model, biased.X, biased.y, ["sex", "age"], bootstrap=100, bins={"age": [30, 60]})


@pytest.mark.slow
def test_the_bias_is_found_and_its_direction(result):
    gap = result.of("sex").demographic_parity
    assert (gap.lowest, gap.highest) == ("f", "m")
    assert gap.interval[0] > 0.1
    assert result.of("sex").four_fifths is False
    assert result.value("eo", "sex") > result.value("eo", "age")


@pytest.mark.slow
def test_flips_are_those_of_predicting_again(biased, result):
    other = biased.X.assign(sex=np.where(biased.X["sex"] == "m", "f", "m"))
    flipped = biased.model.predict(other) != biased.model.predict(biased.X)
    found = next(flip for flip in result.flips if flip.attribute == "sex")
    assert found.share == pytest.approx(flipped.mean(), abs=1e-12)
    change = np.abs(biased.model.predict_proba(other)[:, 1] - biased.model.predict_proba(biased.X)[:, 1])
    assert found.largest == pytest.approx(change.max(), abs=1e-9)
    assert change[found.row] == pytest.approx(found.largest, abs=1e-9)


def test_the_bound_of_an_additive_model_is_reached_and_never_passed(biased, result):
    bound = next(flip for flip in result.flips if flip.attribute == "sex").certified
    out = [biased.model.decision_function(biased.X.assign(sex=sex)) for sex in ("f", "m")]
    assert bound.method == "exact"
    assert np.abs(out[1] - out[0]).max() == pytest.approx(bound.bound, rel=1e-6)
    assert result.flips[0].largest <= bound.probability + 1e-12


def test_planted_proxies_are_found_and_noise_is_not(result):
    sex = next(proxy for proxy in result.proxies if proxy.attribute == "sex")
    assert [proxy.column for proxy in sex.found] == ["height"]
    shape = sex.found[0].shape
    assert shape.y[-1] > 1 > -1 > shape.y[0]  # the tall are men
    age = next(proxy for proxy in result.proxies if proxy.attribute == "age")
    assert not age.found
    assert not age.pairs


def test_limits(result):
    assert [breach.attribute for breach in result.breaches("dp > 0.15")] == ["sex"]
    assert not result.breaches("dp > 0.9", "dp_ratio < 0.01")
    assert result.breaches("certified@sex > 0")
    assert result.breaches("dp@intersection > 0.1")[0].attribute == "sex & age"
    assert read_limit("eo@some thing>=.5") == ("eo", "some thing", ">=", 0.5)
    for bad in ("dp", "dq > 1", "dp > x", "dp ! 1"):
        with pytest.raises(InputError):
            result.breaches(bad)


def test_data_and_text(result):
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert data["tables"][0]["demographic_parity"]["highest"] == "m"
    text = str(result)
    for words in ("Demographic parity", "Equalised odds", "80 % rule", "height", "sex & age"):
        assert words in text


def test_a_black_box_is_audited(biased):
    found = ew.audit(Rule(), biased.X, biased.y, "sex", bootstrap=0, proxies=False)
    flips = found.flips[0]
    assert flips.certified is None
    assert flips.largest == pytest.approx(0.15, abs=1e-9)
    two = [Rule().predict(biased.X.assign(sex=sex)) for sex in ("f", "m")]
    assert flips.share == pytest.approx((two[0] != two[1]).mean())


def test_attributes_need_not_be_inputs(biased):
    X = biased.X[["skill", "height"]]
    model = LogisticRegression().fit(X, biased.y)
    found = ew.audit(model, X, biased.y, {"sex": biased.X["sex"]}, bootstrap=0)
    assert not found.flips
    assert [proxy.column for proxy in found.proxies[0].found] == ["height"]
    beside = ew.audit(model, biased.X, biased.y, "sex", bootstrap=0, proxies=False)
    assert beside.value("dp", "sex") == pytest.approx(found.value("dp", "sex"), abs=1e-12)
    assert any("does not read sex" in note for note in found.notes)


def test_models_of_numbers(biased):
    X = pd.DataFrame({"male": (biased.X["sex"] == "m").astype(float), "skill": biased.X["skill"]})
    y = X["skill"] + 2 * X["male"]
    found = ew.audit(LinearRegression().fit(X, y), X, y, "male", bootstrap=50, proxies=False)
    assert found.kind == "numbers"
    assert found.flips[0].largest == pytest.approx(2.0)
    assert found.flips[0].share is None
    assert found.value("expected", "male") == pytest.approx(found.of("male").gaps["expected"].difference)
    assert "Mean prediction" in str(found)


def test_a_plain_network(biased):
    net = ew.KAN([2, 1], seed=0, input_names=["male", "skill"])
    X = {"male": (biased.X["sex"] == "m").astype(float), "skill": np.clip(biased.X["skill"], -1, 1)}
    y = net.predict(np.column_stack(list(X.values())))[:, 0]
    found = ew.audit(net, X, y, "male", bootstrap=0, proxies=False)
    two = net.predict([[0.0, 0.0], [1.0, 0.0]])[:, 0]
    assert found.flips[0].certified.bound == pytest.approx(abs(two[1] - two[0]), rel=1e-5)


def test_threshold_and_positive(biased):
    high = ew.audit(biased.model, biased.X, biased.y, "sex", threshold=0.8, bootstrap=0, proxies=False)
    chosen = biased.model.decision_function(biased.X) > logit(0.8)
    assert high.overall.values["selection_rate"][0] == pytest.approx(chosen.mean())
    no = ew.audit(biased.model, biased.X, biased.y, "sex", positive="no", bootstrap=0, proxies=False)
    yes = ew.audit(biased.model, biased.X, biased.y, "sex", bootstrap=0, proxies=False)
    assert no.overall.values["tpr"][0] == pytest.approx(1 - yes.overall.values["fpr"][0])
    assert no.flips[0].share == pytest.approx(yes.flips[0].share)


def test_weights_count_rows(biased):
    weight = np.where(np.arange(len(biased.y)) % 3 == 0, 2.0, 1.0)
    rows = np.repeat(np.arange(len(biased.y)), weight.astype(int))
    a = ew.audit(biased.model, biased.X, biased.y, "sex", sample_weight=weight, bootstrap=0, proxies=False)
    b = ew.audit(biased.model, biased.X.iloc[rows], biased.y[rows], "sex", bootstrap=0, proxies=False)
    for name, values in a.of("sex").values.items():
        np.testing.assert_allclose(values, b.of("sex").values[name], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protected": "sexx"}, "sex"),
        ({"protected": []}, "protected"),
        ({"positive": "maybe"}, "positive"),
        ({"y": ["yes"]}, "y"),
        ({"y": ["what"] * 1500}, "what"),
        ({"model": 3}, "model"),
        ({"bins": {"height": [1]}}, "bins"),
        ({"protected": {"sex": ["f"]}}, "1,500"),
        ({"protected": {"sex": ["f"] * 1500}}, "two groups"),
        ({"threshold": 2.0}, "threshold"),
        ({"sample_weight": -np.ones(1500)}, "sample_weight"),
    ],
)
def test_bad_input_is_told_in_a_sentence(biased, change, words):
    given = {
        "model": biased.model,
        "X": biased.X,
        "y": biased.y,
        "protected": "sex",
        "bootstrap": 0,
        **change,
    }
    with pytest.raises(InputError, match=words):
        ew.audit(**given)


def test_pictures(result):
    assert len(ew.plots.plot_audit(result, "sex").axes) == 6
    assert len(ew.plots.plot_audit(result, "intersection", theme="dark").axes) == 6
    sex = next(proxy for proxy in result.proxies if proxy.attribute == "sex")
    assert ew.plots.plot_proxies(sex).axes[0].get_title(loc="left").startswith("height")


def test_the_page_holds_all_attributes(result):
    from edgewise.report.sections.audit import render_audit

    page = render_audit(result)
    for words in ("demographic parity", "equalised odds", "sex &amp; age", "height", "<svg"):
        assert words in page
    assert "<script" not in page
