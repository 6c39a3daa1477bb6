"""Estimators leave with their tables: words, missing cells, transforms, probabilities and labels."""

import ctypes
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import edgewise as ew
from edgewise.data.encoding_columns import DroppedColumn, LevelColumn
from tests.exporting.runners import c_library, c_predict, needs_compiler, numpy_module, onnx_session
from tests.programs.estimators import MODELS, regressor, table

NEW = table(90, 5, extra=("never seen", " oak ", ""))
NEW["size"][3], NEW["heavy 'tail'"][4], NEW["gone"][5] = 1e12, -1e300, -55.0


def test_the_table_has_columns_of_every_kind():
    columns = {column.name: column for column in regressor().encoding_.columns}
    assert columns["heavy 'tail'"].transform == "asinh"
    assert columns["gone"].flagged
    assert columns["two"].two_valued
    assert columns["flag"].kind == "bool"
    assert isinstance(columns["kind"], LevelColumn)
    assert isinstance(columns["constant"], DroppedColumn)


def expected(model, data=NEW):
    return model.predict_proba(data) if hasattr(model, "classes_") else model.predict(data)


@pytest.mark.parametrize("name", MODELS)
def test_numpy(name):
    model = MODELS[name]()
    module = numpy_module(model)
    function = "predict_proba" if hasattr(model, "classes_") else "predict"
    want = expected(model)
    frames = {
        "mapping": NEW,
        "pandas": pd.DataFrame(NEW),
        "polars": pl.DataFrame(NEW),
        "arrow": pl.DataFrame(NEW).to_arrow(),
        "matrix": pd.DataFrame(NEW).to_numpy(),
        "rows": [list(row) for row in zip(*NEW.values(), strict=True)],
    }
    for kind, frame in frames.items():
        got = module[function](frame)
        assert got.shape == want.shape, kind
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12, err_msg=kind)
    if hasattr(model, "classes_"):
        np.testing.assert_array_equal(module["predict"](NEW), model.predict(NEW))
        np.testing.assert_allclose(module["decision_function"](NEW), model.decision_function(NEW), rtol=1e-12)
        assert module["CLASSES"].dtype.kind == model.classes_.dtype.kind


def numbers(library: ctypes.CDLL, model, data=NEW):
    """A table as the C source takes it."""
    library.predict_level.restype = ctypes.c_double
    columns = []
    for place, column in enumerate(model.encoding_.columns):
        cells = data[column.name]
        if isinstance(column, LevelColumn):
            words = [f" \t{'' if cell is None else cell}\n".encode() for cell in cells]
            cells = [library.predict_level(place, word) for word in words]
        columns.append([np.nan if cell is None else float(cell) for cell in cells])
    return np.array(columns).T


@needs_compiler
@pytest.mark.parametrize("name", MODELS)
def test_c(name):
    model = MODELS[name]()
    library = c_library(model)
    want = expected(model).reshape(len(NEW["size"]), -1)
    rows = numbers(library, model)
    got = c_predict(library, rows, want.shape[1])
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    counted = next(
        k for k, column in enumerate(model.encoding_.columns) if not isinstance(column, LevelColumn)
    )
    rows[:, counted] = -np.inf
    assert np.isnan(c_predict(library, rows, want.shape[1])).all()  # `predict` refuses them


@needs_compiler
def test_c_takes_any_number_for_a_word():
    """Numbers that stand for no word count as a word not seen."""
    model = regressor()
    library = c_library(model)
    X = numbers(library, model)
    place = model.encoding_.column_names.index("kind")
    unseen = {key: list(cells) for key, cells in NEW.items()}
    unseen["kind"] = ["never seen"] * len(X)
    for strange in (-1.0, 1e9, 0.5, np.inf):
        X[:, place] = strange
        np.testing.assert_allclose(c_predict(library, X, 1)[:, 0], model.predict(unseen), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MODELS)
def test_onnx(name, dtype):
    model = MODELS[name]()
    session = onnx_session(model, dtype=dtype)
    feeds = {}
    for variable in session.get_inputs():
        cells = NEW[variable.name]
        if variable.type == "tensor(string)":
            feeds[variable.name] = np.array(
                [["" if c is None else str(c).strip()] for c in cells], dtype=object
            )
        else:
            plain = np.array([np.nan if c is None else float(c) for c in cells])
            with np.errstate(over="ignore"):
                feeds[variable.name] = plain.astype(dtype)[:, None]
    left_out = {c.name for c in model.encoding_.columns if isinstance(c, DroppedColumn)}
    assert set(feeds) == set(NEW) - left_out
    got = dict(zip([output.name for output in session.get_outputs()], session.run(None, feeds), strict=True))
    tolerance = 1e-10 if dtype == "float64" else 1e-6
    want = expected(model)
    # `predict` refuses infinite numbers, which floats of 32 bits make of large ones.
    infinite = np.any([np.isinf(feed[:, 0]) for feed in feeds.values() if feed.dtype != object], axis=0)
    want[infinite] = np.nan
    if hasattr(model, "classes_"):
        np.testing.assert_allclose(got["probabilities"], want, atol=tolerance)
        assert got["label"][~infinite].tolist() == model.predict(NEW)[~infinite].tolist()
    else:
        np.testing.assert_allclose(
            got["y"].reshape(want.shape), want, rtol=tolerance, atol=tolerance * np.nanmax(np.abs(want))
        )
    numeric = next(name for name, cells in feeds.items() if cells.dtype != object)
    answers = session.run(None, {**feeds, numeric: np.full_like(feeds[numeric], -np.inf)})
    assert np.isnan(answers[-1]).all()


def test_latex_tells_the_columns():
    text = ew.exporting.to_latex(MODELS["two classes"](), digits=4)
    assert r"\mathrm{size}" in text
    assert r"\text{müller}" in text
    assert r"\operatorname{arsinh}" in text
    assert r"\frac{1}{1 + e^{-z}}" in text
    assert text.count(r"\begin{cases}") == text.count(r"\end{cases}")


def test_numpy_refuses_what_the_estimator_refuses():
    predict = numpy_module(regressor())["predict"]
    missing = {key: cells for key, cells in NEW.items() if key != "two"}
    infinite = {**NEW, "two": [np.inf] * len(NEW["two"])}
    wordy = {**NEW, "two": ["many"] * len(NEW["two"])}
    for bad in (missing, pd.DataFrame(missing), pl.DataFrame(missing), infinite, wordy, np.zeros((3, 2))):
        with pytest.raises(ValueError, match=r"two|9 columns"):
            predict(bad)


def test_dates_are_days():
    days = np.datetime64("2020-02-28") + np.arange(60)
    model = ew.KANRegressor(mode="additive", work="quick").fit({"day": days}, np.arange(60.0))
    predict = numpy_module(model)["predict"]
    want = model.predict({"day": days})
    for cells in (days, days.astype("datetime64[ns]"), days.tolist(), [str(day) for day in days]):
        np.testing.assert_allclose(predict({"day": cells}), want, atol=1e-12)
    gap = predict({"day": [None, "", np.datetime64("NaT")]})
    np.testing.assert_allclose(
        gap, model.predict({"day": np.array([None] * 3, dtype="datetime64[D]")}), atol=1e-12
    )


def test_arrays_have_no_names():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    with warnings.catch_warnings():
        model = ew.KANClassifier(mode="additive", work="quick").fit(X, X[:, 0] > 0)
    np.testing.assert_allclose(numpy_module(model)["predict_proba"](X), model.predict_proba(X), rtol=1e-12)


def test_an_estimator_that_is_not_fitted_is_refused():
    with pytest.raises(ew.InputError, match="call fit first"):
        ew.exporting.to_numpy_source(ew.KANRegressor())
