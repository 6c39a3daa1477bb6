"""Estimators in files: the same to the bit, and nothing in a file can run or slip through."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import edgewise as ew
from edgewise import FileError, InputError
from edgewise.network.container import read_container, write_container
from edgewise.network.files import promised_tensors
from edgewise.training import TableConfig
from edgewise.verifying.checker import check
from edgewise.verifying.results.certificate import file_of, hash_of

from .tables import classifier, income, people, regressor

TABLE = pd.DataFrame(people())
Y = income(people())


@pytest.fixture(scope="module")
def fitted() -> Any:
    return classifier(class_weight={"poor": 2.0}).fit(TABLE, np.where(Y > 2, "rich", "poor"))


@pytest.mark.parametrize(
    "labels",
    [
        np.where(Y > 2, "rich", "poor"),
        np.where(Y > 2, "rich", "poor").astype(object),
        np.digitize(Y, [1.5, 2.5]),
        np.digitize(Y, [1.5, 2.5]).astype(np.uint8),
        Y > 2,
        np.digitize(Y, [1.5, 2.5]) * 1.0,
        np.full(len(Y), "only"),
    ],
)
def test_classifiers_come_back_to_the_bit(labels: np.ndarray, tmp_path: pathlib.Path) -> None:
    model = classifier(random_state=4).fit(TABLE, labels)
    ew.save(model, tmp_path / "m.kan")
    again = ew.load(tmp_path / "m.kan")
    assert type(again) is type(model)
    assert again.get_params() == model.get_params()
    assert again.classes_.dtype == model.classes_.dtype
    assert np.array_equal(again.classes_, model.classes_)
    assert np.array_equal(again.predict_proba(TABLE), model.predict_proba(TABLE))
    assert np.array_equal(again.predict(TABLE), model.predict(TABLE))
    assert np.array_equal(again.feature_importances_, model.feature_importances_)
    assert again.encoding_ == model.encoding_
    assert again.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    assert "svg" in again._repr_html_() or len(model.classes_) == 1


def test_regressors_come_back_to_the_bit(tmp_path: pathlib.Path) -> None:
    for X, y in ((TABLE, Y), (np.c_[Y, Y**2], np.c_[Y, -Y]), (np.c_[Y, Y**2], Y[:, None])):
        model = regressor(callbacks=print if X is None else None).fit(X, y)
        ew.save(model, tmp_path / "m.kan")
        again = ew.load(tmp_path / "m.kan")
        assert np.array_equal(again.predict(X), model.predict(X))
        assert again.predict(X).shape == y.shape
        assert again.score(X, y) == model.score(X, y)
        assert hasattr(again, "feature_names_in_") == hasattr(model, "feature_names_in_")
        assert again.partial_fit(X, y).score(X, y) > 0.9


def test_equal_models_give_equal_files(tmp_path: pathlib.Path, fitted: Any) -> None:
    ew.save(fitted, tmp_path / "a.kan")
    ew.save(ew.load(tmp_path / "a.kan"), tmp_path / "b.kan")
    assert (tmp_path / "a.kan").read_bytes() == (tmp_path / "b.kan").read_bytes()


def test_the_same_fit_is_the_same_model_however_long_it_took(tmp_path: pathlib.Path) -> None:
    digests, times = set[str](), set[float]()
    for name in ("a.kan", "b.kan"):
        model = regressor(random_state=0).fit(TABLE, Y)
        ew.save(model, tmp_path / name)
        times.add(model.fit_.seconds)
        digests |= {
            hash_of(file_of(None, tmp_path / name)),
            hash_of(file_of(model)),
            hash_of(file_of(ew.load(tmp_path / name))),
        }
    assert len(times) == 2
    assert len(digests) == 1
    assert ew.load(tmp_path / "a.kan").fit_.seconds is None


def test_files_that_hold_a_time_are_read_and_their_certificates_hold(
    tmp_path: pathlib.Path, fitted: Any
) -> None:
    """As those of earlier versions do."""
    ew.save(fitted, tmp_path / "m.kan")
    older = _rewritten(tmp_path / "m.kan", lambda d: d["model"]["fit"].update(seconds=1.5))
    model = ew.load(older)
    assert model.fit_.seconds == 1.5
    found = ew.verify(model, ew.properties.output_range(-100.0, 100.0), file=older)
    found.certificate.save(tmp_path / "proof.json")
    assert check(tmp_path / "proof.json", older).accepted
    assert not check(tmp_path / "proof.json", tmp_path / "m.kan").accepted


def test_a_numpy_scalar_as_parameter_is_kept(tmp_path: pathlib.Path) -> None:
    model = regressor(seconds=np.float64(9.0), random_state=np.random.RandomState(0)).fit(TABLE, Y)
    ew.save(model, tmp_path / "m.kan")
    assert ew.load(tmp_path / "m.kan").seconds == 9.0


def test_networks_are_saved_and_loaded_as_ever(tmp_path: pathlib.Path) -> None:
    net = ew.KAN([2, 3, 1], seed=0)
    ew.save(net, tmp_path / "n.kan")
    assert isinstance(ew.load(tmp_path / "n.kan"), ew.KAN)
    with pytest.raises(FileError, match="exists already"):
        ew.save(net, tmp_path / "n.kan", overwrite=False)


def test_what_cannot_be_saved_is_said(tmp_path: pathlib.Path, fitted: Any) -> None:
    path = tmp_path / "m.kan"
    with pytest.raises(InputError, match="must be fitted"):
        ew.save(regressor(), path)
    with pytest.raises(
        InputError, match=r"must be a KAN, a KANRegressor, .* a formula or what find_dynamics found"
    ):
        ew.save({"a": 1}, path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'overwrite' argument"):
        ew.save(fitted, path, overwrite="no")  # type: ignore[arg-type]
    dates = classifier().fit(TABLE, np.where(Y > 2, np.datetime64("2020-01-01"), np.datetime64("2021-01-01")))
    with pytest.raises(InputError, match="Classes must be strings, numbers or truth values"):
        ew.save(dates, path)
    ew.save(fitted, path)
    with pytest.raises(
        FileError, match=r"does not hold a KAN but 'KANClassifier'; open it with edgewise\.load"
    ):
        ew.network.load(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.kan"]


def _rewritten(path: pathlib.Path, change: Any) -> pathlib.Path:
    """A file with a changed document and a checksum that fits."""
    document, tensors = read_container(path, "KANClassifier", promised_tensors)
    changed = json.loads(json.dumps(document))
    change(changed)
    changed.pop("format")
    target = path.with_name("changed.kan")
    write_container(target, changed, tensors, overwrite=True)
    return target


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("model"),
        lambda d: d.update(model=None),
        lambda d: d.update(kind="KANRegressor"),
        lambda d: d["model"].pop("classes"),
        lambda d: d["model"]["classes"].update(values=["a"] * 5),
        lambda d: d["model"]["classes"].update(values=[["a"], ["b"]]),
        lambda d: d["model"]["classes"].update(dtype="|V8"),
        lambda d: d["model"]["classes"].update(dtype="<i8"),
        lambda d: d["model"]["parameters"].update(strange=1),
        lambda d: d["model"]["parameters"].update(class_weight=[1]),
        lambda d: d["model"]["encoding"].update(columns=[]),
        lambda d: d["model"]["encoding"]["columns"].pop(),
        lambda d: d["model"]["encoding"]["columns"][0].update(scale="x"),
        lambda d: d["model"].update(feature_names=["a"]),
        lambda d: d["model"].update(importances=[1.0]),
        lambda d: d["model"].update(importances=["a", "b", "c"]),
        lambda d: d["model"]["fit"].pop("mode"),
        lambda d: d["model"].update(n_features=2),
    ],
)
def test_documents_that_do_not_fit_are_refused(change: Any, tmp_path: pathlib.Path, fitted: Any) -> None:
    ew.save(fitted, tmp_path / "m.kan")
    with pytest.raises(FileError, match="is damaged"):
        ew.load(_rewritten(tmp_path / "m.kan", change))


def test_every_cut_and_flip_is_noticed(tmp_path: pathlib.Path, fitted: Any) -> None:
    path = tmp_path / "m.kan"
    ew.save(fitted, path)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(data), 60).tolist():
        damaged = bytearray(data)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(FileError):
            ew.load(path)
        path.write_bytes(data[:at])
        with pytest.raises(FileError):
            ew.load(path)


def test_thresholds_come_through_a_file(tmp_path: pathlib.Path) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(120, 2))
    config = TableConfig(finer_rows=(50, 100), importance_rows=60)
    model = ew.KANRegressor(mode="additive", config=config).fit(X, X[:, 0] ** 2)
    assert clone(model).config == config
    ew.save(model, tmp_path / "model.kan")
    again = ew.load(tmp_path / "model.kan")
    assert again.config == config
    assert np.array_equal(again.predict(X), model.predict(X))
    with pytest.raises(InputError, match="'config' argument"):
        ew.KANRegressor(config={"epochs": 3}).fit(X, X[:, 0])
