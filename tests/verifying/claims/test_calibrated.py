"""What is proved of a calibrated model holds for its own predict and predict_proba: random rows are asked."""

import json
import pathlib
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgewise as ew
from edgewise.network.calibration import FAR, Calibration, Logistic, RisingPolyline
from edgewise.network.fitted import fitted
from edgewise.verifying.checker import check

METHODS = ("isotonic", "sigmoid", "temperature")


def people(n, seed):
    rng = np.random.default_rng(seed)
    return {
        "age": rng.uniform(10, 90, n).round(),
        "income": rng.uniform(-10, 110, n).round(1),
        "sex": rng.choice(["m", "f"], n),
    }


def answers(table, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    z = 0.06 * (table["age"] - 45) + 0.04 * (table["income"] - 50) + 0.8 * (table["sex"] == "m") + shift
    return np.where(rng.random(len(z)) < 1 / (1 + np.exp(-z)), "yes", "no")


@cache
def plain():
    table = people(500, 0)
    return ew.KANClassifier(mode="additive", members=1, random_state=0).fit(table, answers(table, 1))


@cache
def calibrated(method):
    """For a population that says yes more rarely."""
    table = people(600, 2)
    return ew.calibrate(plain(), table, answers(table, 3, -1.5), method=method)


@cache
def many():
    return people(20_000, 4)


def inside(table, **ends):
    keep = np.all([(table[k] >= low) & (table[k] <= high) for k, (low, high) in ends.items()], axis=0)
    return {name: values[keep] for name, values in table.items()}


@pytest.mark.parametrize("method", METHODS)
def test_predictions_agree_with_each_other_and_the_file(method, tmp_path):
    model, rows = calibrated(method), many()
    p = model.predict_proba(rows)
    said = model.predict(rows)
    assert (said == np.where(p[:, 1] > 0.5, "yes", "no")).all()
    assert (said == np.where(model.decision_function(rows) > 0, "yes", "no")).all()
    assert method == "temperature" or (said != plain().predict(rows)).mean() > 0.05
    ew.save(model, tmp_path / "c.kan")
    again = ew.load(tmp_path / "c.kan")
    assert (again.predict_proba(rows) == p).all()
    assert (again.predict(rows) == said).all()
    assert again.after == model.after
    assert str(again) == str(model)
    told = ew.explain(model, rows, row=7)
    assert told.prediction == said[7]
    assert told.probability == pytest.approx(p[7, list(model.classes_).index(told.label)], abs=1e-6)
    assert "before calibration" in told.output


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("age", "income"), [((10, 30), (0, 30)), ((10, 50), (0, 60)), ((70, 90), (80, 110)), ((60, 90), (0, 110))]
)
def test_what_is_proved_of_decisions_holds(method, age, income):
    model, rows = calibrated(method), inside(many(), age=age, income=income)
    where = f"age in {list(age)}, income in {list(income)}"
    said, p = model.predict(rows), model.predict_proba(rows)[:, 1]
    odds = model.decision_function(rows)
    for label in ("yes", "no"):
        answer = ew.verify(model, f"decision = {label} where {where}")
        assert answer.status != "undecided"
        if answer.status == "proved":
            assert (said == label).all()
        else:
            (case,) = answer.cases
            assert model.predict({k: [v] for k, v in case.row.items()})[0] == case.decision != label
    for low, high in ((0.05, 0.6), (0.3, 0.95), (0.01, 0.99)):
        answer = ew.verify(model, ew.properties.output_range(low, high, probability=True), where=where)
        if answer.status == "proved":
            assert low <= p.min() <= p.max() <= high
        else:
            (told,) = model.predict_proba({k: [v] for k, v in answer.witness.items()})[:, 1]
            assert not low <= told <= high
    if ew.verify(model, f"-2 <= output <= 2 where {where}").status == "proved":
        assert np.abs(odds).max() <= 2


@pytest.mark.parametrize("method", METHODS)
def test_bounds_that_are_just_reached_are_proved_and_nothing_beyond(method):
    model, rows = calibrated(method), inside(many(), age=(30, 60), income=(20, 80))
    p = model.predict_proba(rows)[:, 1]
    high = ew.verify(model, "0.0001 <= probability <= 0.9999 where age in [30, 60], income in [20, 80]")
    assert high.status in ("proved", "refuted")
    below = ew.properties.output_range(high=float(p.max()) * 0.99, probability=True)
    assert ew.verify(model, below, where="age in [30, 60], income in [20, 80]").status == "refuted"


@pytest.mark.parametrize("method", METHODS)
def test_flips_and_certificates(method, tmp_path):
    model = calibrated(method)
    ew.save(model, tmp_path / "c.kan")
    ew.save(plain(), tmp_path / "m.kan")
    proved = 0
    for age in ((10, 20), (40, 50), (85, 90)):
        answer = ew.verify(model, "never_flips(sex)", where={"age": age, "income": (0, 20)})
        rows = inside(many(), age=age, income=(0, 20))
        both = [model.predict({**rows, "sex": np.full(len(rows["sex"]), sex)}) for sex in "mf"]
        if answer.status == "proved":
            proved += 1
            assert (both[0] == both[1]).all()
            answer.certificate.save(tmp_path / "p.json", overwrite=True)
            assert check(tmp_path / "p.json", tmp_path / "c.kan").accepted
            assert not check(tmp_path / "p.json", tmp_path / "m.kan").accepted
        else:
            assert answer.cases[0].decision != answer.cases[1].decision
    assert proved
    bound = ew.auditing.certified_flip(fitted(model), "sex")
    p = [model.predict_proba({**many(), "sex": np.full(20_000, sex)})[:, 1] for sex in "mf"]
    odds = [model.decision_function({**many(), "sex": np.full(20_000, sex)}) for sex in "mf"]
    assert np.abs(odds[0] - odds[1]).max() <= bound.bound
    assert np.abs(p[0] - p[1]).max() <= bound.probability


def test_a_decision_of_the_model_behind_is_no_decision_of_the_calibrated_one(tmp_path):
    """The certificate of a claim about the plain model, bound to the calibrated file, is refused."""
    model, where = calibrated("sigmoid"), "age in [60, 90], income in [35, 110]"
    behind = ew.verify(plain(), f"decision = yes where {where}")
    assert behind.status == "proved"
    assert ew.verify(model, f"decision = yes where {where}").status == "refuted"
    ew.save(model, tmp_path / "c.kan")
    from edgewise.verifying.results.certificate import digest_of, file_of, hash_of

    forged = {**behind.certificate.document, "models": [hash_of(file_of(None, tmp_path / "c.kan"))]}
    forged["digest"] = digest_of(forged)
    (tmp_path / "p.json").write_text(json.dumps(forged))
    found = check(tmp_path / "p.json", tmp_path / "c.kan")
    assert not found.accepted
    assert "does not prove" in found.reason


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_counterfactuals_flip_the_calibrated_decision(method):
    model, rows = calibrated(method), people(300, 5)
    for k in (1, 2):
        row = {name: values[k].item() for name, values in rows.items()}
        now = model.predict({name: [value] for name, value in row.items()})[0]
        least = ew.minimal_counterfactual(model, row, work="quick")
        assert least.row.decision == now
        assert least.found is None or model.predict({n: [v] for n, v in least.found.row.items()})[0] != now
        for item in ew.counterfactuals(model, rows, row, k=2).items:
            assert model.predict({n: [v] for n, v in {**row, **item.row()}.items()})[0] != now


def test_what_the_maps_do_not_carry_is_refused_in_a_sentence():
    bent, straight = calibrated("isotonic"), calibrated("sigmoid")
    for text in ("changes_at_most(sex, 1)", "lipschitz(age, 1)", "age - output <= 3", 'formula("age", 1)'):
        with pytest.raises(ew.InputError, match=r"its \.model"):
            ew.verify(bent, text)
    for model in (bent, straight):
        with pytest.raises(ew.InputError, match=r"its \.model"):
            ew.verify(plain(), ew.properties.equal(model, 1.0))
        with pytest.raises(ew.InputError, match=r"its \.model"):
            ew.calibrate(model, people(50, 0), answers(people(50, 0), 0))
        with pytest.raises(ew.InputError, match=r"its \.model"):
            ew.exporting.to_numpy_source(model)
        with pytest.raises(ew.InputError, match=r"its \.model"):
            ew.edit_shape(model, "age", "flat", people(50, 0))
        with pytest.raises(ew.InputError, match=r"its \.model"):
            ew.auditing.bound_flip(model, "sex", 0.001, people(50, 0))
    rows = many()
    odds = [straight.decision_function({**rows, "sex": np.full(20_000, sex)}) for sex in "mf"]
    moved = float(np.abs(odds[0] - odds[1]).max())
    assert ew.verify(straight, ew.properties.changes_at_most("sex", moved * 1.001)).status == "proved"
    assert ew.verify(straight, ew.properties.changes_at_most("sex", moved * 0.999)).status == "refuted"


def test_more_classes_are_carried_by_one_temperature_only(tmp_path: pathlib.Path):
    rows = people(900, 6)
    y = np.digitize(0.05 * rows["age"] + np.random.default_rng(7).normal(size=900), [1.5, 3.0])
    model = ew.KANClassifier(mode="additive", members=1, random_state=0).fit(rows, y)
    warm = ew.calibrate(model, rows, y, method="temperature")
    assert (warm.predict(many()) == model.predict(many())).all()
    answer = ew.verify(warm, "never_flips(sex) where age >= 85")
    assert answer.status == ew.verify(model, "never_flips(sex) where age >= 85").status
    for method in ("isotonic", "sigmoid"):
        mixed = ew.calibrate(model, rows, y, method=method)
        ew.save(mixed, tmp_path / "x.kan")
        assert (ew.load(tmp_path / "x.kan").predict(many()) == mixed.predict(many())).all()
        with pytest.raises(ew.InputError, match="more than two classes"):
            ew.verify(mixed, "decision = 1")
        row = {"age": 30.0, "income": 40.0, "sex": "m"}
        now = mixed.predict({k: [v] for k, v in row.items()})[0]
        with pytest.raises(ew.InputError, match="temperature"):
            ew.minimal_counterfactual(mixed, row, target=(now + 1) % 3)
        for item in ew.counterfactuals(mixed, rows, row, k=1).items:
            assert mixed.predict({n: [v] for n, v in {**row, **item.row()}.items()})[0] != now


def test_damaged_maps_are_refused(tmp_path: pathlib.Path):
    from edgewise.network.container import read_any_of, write_container
    from edgewise.network.files import promised_tensors

    ew.save(calibrated("isotonic"), tmp_path / "c.kan")
    document, tensors = read_any_of(tmp_path / "c.kan", {"CalibratedKAN": promised_tensors})
    assert document["format"] == 2
    for change in (
        {"threshold": None},
        {"threshold": "1"},
        {"curves": []},
        {"method": "sigmoid"},
        {"curves": [{"scores": [0, 1], "probabilities": [0.5, 0.4]}]},
        {"curves": [{"scores": [1, 1], "probabilities": [0.5, 0.6]}]},
        {"curves": [{"scores": [0], "probabilities": [0.0]}]},
        {"before": {}},
    ):
        told = {**document, "calibration": {**document["calibration"], **change}}
        write_container(tmp_path / "d.kan", told, tensors, overwrite=True)
        with pytest.raises(ew.FileError, match="damaged"):
            ew.load(tmp_path / "d.kan")


# ---- the maps themselves


@st.composite
def points(draw):
    x = sorted(draw(st.sets(st.floats(-50, 50), min_size=1, max_size=8)))
    p = sorted(draw(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=len(x), max_size=len(x))))
    kept = [draw(st.booleans()) for _ in p]
    # Flat stretches, and the very middle.
    p = [p[k - 1] if k and kept[k] else p[k] for k in range(len(p))]
    p = [0.5 if abs(item - 0.5) < 0.1 else item for item in p]
    return RisingPolyline(tuple(x), tuple(np.maximum.accumulate(p).tolist()))


curves = st.one_of(points(), st.builds(Logistic, st.floats(0, 20), st.floats(-5, 5)))


@pytest.mark.slow
@given(curves, st.floats(1e-5, 1 - 1e-5), st.lists(st.floats(-60, 60), min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_thresholds_are_exact(curve, level, scores):
    maps = Calibration.of("isotonic", (curve,), 2)
    high, low = maps.highest(level), maps.lowest(level)
    # Rows at the thresholds themselves, and the nearest beside them.
    ends = [
        e for t in (high, low, maps.threshold) for e in (t, np.nextafter(t, np.inf), np.nextafter(t, -np.inf))
    ]
    s = np.array(sorted([*scores, *(e for e in ends if abs(e) < FAR)]))[:, None]
    p, odds = maps.probabilities(s), maps.log_odds(s)
    assert (np.diff(p[:, 1]) >= 0).all() or isinstance(curve, Logistic)
    assert ((p[:, 1] > 0.5) == (maps.decided(s) == 1)).all()
    assert (p.argmax(1) == maps.decided(s)).all()
    assert ((odds > 0) == (maps.decided(s) == 1)).all()
    assert p.sum(1) == pytest.approx(1)
    if isinstance(curve, RisingPolyline):
        assert ((p[:, 1] <= level) == (s[:, 0] <= high)).all()
        assert ((p[:, 1] >= level) == (s[:, 0] >= low)).all()
    again = Calibration.from_json(json.loads(json.dumps(maps.to_json() | {"method": _method(curve)})), 2)
    assert (again.probabilities(s) == p).all()


def _method(curve):
    return "isotonic" if isinstance(curve, RisingPolyline) else "sigmoid"


@given(curves, st.floats(0, 30), st.lists(st.floats(-80, 80), min_size=1, max_size=50))
@settings(max_examples=100, deadline=None)
def test_no_change_goes_further_than_the_furthest(curve, change, scores):
    maps, s = Calibration.of("isotonic", (curve,), 2), np.array(scores)[:, None]
    moved = maps.log_odds(s + change) - maps.log_odds(s)
    assert moved.max() <= maps.furthest(change) * (1 + 1e-9) + 1e-9
