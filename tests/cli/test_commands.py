"""Whole commands on tables with words, gaps and classes, inside this process."""

import json
from pathlib import Path

import narwhals as nw
import numpy as np
import pyarrow as pa
import pytest
from tests.cli.conftest import is_one_sentence

import edgewise as ew
from edgewise.data import read_frame, write_frame

N = 120


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, N)
    kind = rng.choice(["oak", "elm"], N)
    gap = pa.array(np.where(rng.uniform(size=N) < 0.1, np.nan, rng.uniform(size=N)), from_pandas=True)
    height = 2 * x + np.where(kind == "oak", 1.0, 0.0)
    return pa.table(
        {"x": x, "kind": kind, "gap": gap, "height": height, "tall": np.where(height > 0.5, "yes", "no")}
    )


@pytest.fixture(scope="module")
def models(frame, tmp_path_factory):
    """A regression and a classification, learned once for all tests."""
    folder = tmp_path_factory.mktemp("models")
    columns = frame.select(["x", "kind", "gap"])
    for make, target in ((ew.KANRegressor, "height"), (ew.KANClassifier, "tall")):
        model = make(work="quick", mode="additive", members=1, random_state=0)
        y = np.array(frame.column(target).to_pylist())
        ew.save(model.fit(columns, nw.new_series(target, y, backend="pyarrow")), folder / f"{target}.kan")
    return folder


@pytest.fixture
def data(frame):
    write_frame(frame, "trees.parquet")
    return Path("trees.parquet")


@pytest.mark.slow
def test_fit_on_words_and_gaps(edgewise, data):
    done = edgewise("fit", data, "-t", "tall", "--drop", "height", "--work", "quick", "--json", "-o", "out")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["task"], told["classes"], told["columns"]) == (
        "classification",
        ["no", "yes"],
        ["x", "kind", "gap"],
    )
    assert {row["model"] for row in told["accuracy"]} == {"linear model", "gradient boosting", "network"}
    assert set(told["accuracy"][0]) >= {"auc", "log_loss", "brier", "accuracy"}
    assert told["formula"] is None
    assert sorted(path.name for path in Path("out").iterdir()) == ["model.kan", "report.html"]
    assert list(ew.load("out/model.kan").classes_) == ["no", "yes"]
    assert "classification" in done.err


def test_fit_on_all_rows_measures_nothing(edgewise, data):
    Path("out").mkdir()
    Path("out/network.kan").touch()
    words = ["--drop", "tall", "--work", "quick", "--test", 0, "-q", "-o", "out", "--mode", "additive"]
    refused = edgewise("fit", data, "-t", "height", *words)
    assert refused.code == 2
    assert "network.kan must not exist yet" in refused.err
    words.append("--force")
    done = edgewise("fit", data, "-t", "height", *words)
    assert done.code == 0, done.err
    assert done.err == ""
    assert "held-out" not in done.out
    assert sorted(path.name for path in Path("out").iterdir()) == ["model.kan", "report.html"]


def test_a_rival_that_fails_costs_a_note_and_not_the_network(edgewise, data, monkeypatch):
    from sklearn.ensemble import HistGradientBoostingRegressor

    def broken(*_, **__):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(HistGradientBoostingRegressor, "fit", broken)
    words = ["--drop", "tall", "--work", "quick", "-o", "out", "--mode", "additive"]
    done = edgewise("fit", data, "-t", "height", *words)
    assert done.code == 0, done.err
    assert "Note: The gradient boosting could not be fitted: by zero." in done.err
    assert Path("out/model.kan").exists()


def test_fit_with_weights_heeds_them(edgewise, frame):
    wrong = frame.column("height").to_numpy().copy()
    wrong[::2] += 10.0
    weight = np.ones(N)
    weight[::2] = 0.0
    table = pa.table({"x": frame.column("x"), "kind": frame.column("kind"), "y": wrong, "w": weight})
    write_frame(table, "w.csv")
    done = edgewise("fit", "w.csv", "-t", "y", "--weight", "w", "--work", "quick", "-q", "-o", "out")
    assert done.code == 0, done.err
    predicted = ew.load("out/model.kan").predict(table.select(["x", "kind"]))
    assert np.abs(predicted - frame.column("height").to_numpy()).max() < 1.0


def test_predict_a_regression(edgewise, data, models, frame):
    done = edgewise("predict", models / "height.kan", data, "-o", "p.feather")
    assert done.code == 0, done.err
    table = read_frame("p.feather")
    assert table.column_names == ["x", "kind", "gap", "height_predicted", "outside_training_range"]
    expected = ew.load(models / "height.kan").predict(frame.select(["x", "kind", "gap"]))
    np.testing.assert_array_equal(table.column("height_predicted").to_numpy(), expected)


def test_predict_classes_and_their_probabilities(edgewise, data, models, frame):
    done = edgewise("predict", models / "tall.kan", data, "--json", "-q")
    assert done.code == 0, done.err
    rows = json.loads(done.out)["predictions"]
    shares = np.array([[row["tall_probability_no"], row["tall_probability_yes"]] for row in rows])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    labels = [row["tall_predicted"] for row in rows]
    assert labels == np.array(["no", "yes"])[shares.argmax(axis=1)].tolist()
    assert np.mean(np.array(labels) == np.array(frame.column("tall").to_pylist())) > 0.8


def test_columns_that_are_missing_are_named(edgewise, models):
    write_frame(pa.table({"X": [1.0], "gap": [0.5]}), "short.csv")
    done = edgewise("predict", models / "height.kan", "short.csv")
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert "'x', 'kind'" in done.err


def test_words_where_the_model_wants_numbers(edgewise, models):
    write_frame(pa.table({"x": ["tall"], "kind": ["oak"], "gap": [0.5]}), "words.csv")
    done = edgewise("predict", models / "height.kan", "words.csv")
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert "'x'" in done.err


@pytest.mark.slow
def test_report_of_a_saved_model(edgewise, data, models):
    done = edgewise("report", models / "tall.kan", data, "-o", "page.html", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["rows"] == N // 5
    assert [row["model"] for row in told["accuracy"]] == ["linear model", "gradient boosting", "network"]
    assert "<html" in Path("page.html").read_text()
    whole = edgewise("report", models / "height.kan", data, "--test", 1, "-o", "new.html")
    assert whole.code == 0, whole.err
    assert f"on {N} held-out rows" in whole.out


@pytest.mark.slow
def test_report_holds_out_what_fit_held_out(edgewise, frame):
    kinds = frame.append_column("plot", pa.array([f"p{k % 7}" for k in range(N)])).append_column(
        "day", pa.array(range(N))
    )
    write_frame(kinds, "plots.parquet")
    for option in (("--groups", "plot"), ("--time", "day")):
        words = ("plots.parquet", "-t", "height", *option, "--json", "-q", "--force")
        fitted = json.loads(
            edgewise("fit", *words, "-c", "x", "--mode", "additive", "--work", 0.01, "-o", "m").out
        )
        told = json.loads(edgewise("report", "m/model.kan", *words).out)
        assert told["rows"] == fitted["rows"]["held_out"]
        ours = [[row["rmse"] for row in item["accuracy"] if row["ours"]] for item in (fitted, told)]
        assert ours[0] == pytest.approx(ours[1])


def test_report_of_a_class_the_model_never_saw(edgewise, models, frame):
    table = frame.set_column(4, "tall", pa.array(["maybe", *frame.column("tall").to_pylist()[1:]]))
    write_frame(table, "odd.parquet")
    done = edgewise("report", models / "tall.kan", "odd.parquet", "-t", "tall")
    assert done.code == 2
    assert "'maybe'" in done.err
    assert is_one_sentence(done.err)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "suffix"), [("numpy", ".py"), ("c", ".c"), ("onnx", ".onnx"), ("latex", ".tex")]
)
def test_export_of_an_estimator(edgewise, models, form, suffix):
    done = edgewise("export", models / "height.kan", "-o", f"model{suffix}", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["format"] == form
    assert all(Path(entry["file"]).stat().st_size == entry["bytes"] > 0 for entry in told["files"])
    again = edgewise("export", models / "height.kan", "--to", form, "-o", f"model{suffix}")
    assert again.code == 2
    assert "--force" in again.err
    if form != "onnx":
        assert edgewise("export", models / "height.kan", "--to", form).out


def test_exported_source_predicts_the_same(edgewise, models, frame):
    assert edgewise("export", models / "height.kan", "-o", "standalone.py").code == 0
    space = {}
    exec(compile(Path("standalone.py").read_text(), "standalone.py", "exec"), space)
    rows = frame.select(["x", "kind", "gap"])
    columns = {name: np.array(rows.column(name).to_pylist(), dtype=object) for name in rows.column_names}
    expected = ew.load(models / "height.kan").predict(rows)
    np.testing.assert_allclose(np.ravel(space["predict"](columns)), expected, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["export", "MODEL"], "name it with --to"),
        (["export", "MODEL", "--to", "onnx"], "must go to a file"),
        (["export", "MODEL", "--to", "java"], "--to"),
        (["export", "nowhere.kan", "--to", "c"], "nowhere.kan"),
        (["report", "MODEL", "DATA", "-t", "hight"], "did you mean 'height'?"),
        (["predict", "MODEL", "DATA", "-o", "."], "Got a folder"),
        (["predict", "DATA", "DATA"], "trees.parquet"),
        (["fit", "DATA", "-t", "height", "--formula"], "A formula cannot be found"),
        (["fit", "DATA", "-t", "height", "--task", "classification"], "classes that several rows share"),
        (["fit", "DATA", "-t", "height", "--test", "1"], "--test"),
        (["fit", "DATA", "-t", "height", "-o", "DATA"], "trees.parquet"),
        (["fit", "DATA", "-t", "height", "-c", "x,z"], "no column 'z'"),
        (["formula", "DATA", "-t", "height", "-c", "height"], "must not be among"),
        (["formula", "SHORT", "-t", "y"], "at least 5 rows. Got 3 instead"),
        (["fit", "-", "-t", "height"], "Standard input must hold a table"),
        (["demo", "german_credits"], "did you mean 'german_credit'?"),
        (["ftt"], "Did you mean 'fit'?"),
        (["fit", "DATA"], "add -t COLUMN"),
        (["predict"], "Missing argument"),
    ],
)
def test_bad_words_end_in_one_sentence_and_code_2(edgewise, data, models, monkeypatch, words, sentence):
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    Path("short.csv").write_text("x,y\n1,2\n2,3\n3,5\n")
    places = {"MODEL": models / "height.kan", "DATA": data, "SHORT": "short.csv"}
    done = edgewise(*(places.get(word, word) for word in words))
    assert done.code == 2
    assert sentence in done.err
    assert is_one_sentence(done.err)
    assert done.out == ""


def test_names_the_terminal_cannot_show_do_not_break_a_message(monkeypatch):
    import io
    import sys

    from edgewise.cli import main

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    Path("t.csv").write_text("größe,y\n1,2\n", encoding="utf-8")
    with pytest.raises(SystemExit) as left:
        main(["fit", "t.csv", "-t", "z"])
    stream.flush()
    assert left.value.code == 2
    assert b"no column 'z'" in stream.buffer.getvalue()


def test_no_words_at_all_show_the_help(edgewise):
    done = edgewise()
    assert done.code == 0
    assert "Learn and predict" in done.out


def test_threads_are_those_asked_for(edgewise, data, models):
    import torch

    before = torch.get_num_threads()
    try:
        assert edgewise("predict", models / "height.kan", data, "--threads", 2).code == 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_how_a_table_was_read_reaches_terminal_json_page_and_predictions(edgewise):
    rng = np.random.default_rng(0)
    x, price = rng.uniform(-1, 1, 40), rng.uniform(1000, 9000, 40)
    rows = [f'{a:.4f};"${b:,.2f}";7;{a + b / 1000:.4f}' for a, b in zip(x, price, strict=True)]
    Path("t.csv").write_text("\n".join(["x;price;same;y", "m;;;s", *rows]))
    done = edgewise("fit", "t.csv", "-t", "y", "--work", "0.01", "--no-formula", "--json", "-o", "out")
    assert done.code == 0, done.err
    expected = [
        "t.csv is read so: separated by semicolons, a row of units under the names.",
        "Column 'price' looks like amounts of money",
        "Column 'same' is left out: it holds 7 in every row.",
    ]
    for place in (done.err, " ".join(json.loads(done.out)["notes"]), Path("out/report.html").read_text()):
        text = place.replace("&#39;", "'").replace("&#34;", '"')
        assert all(note in text for note in expected)
    done = edgewise("predict", "out/model.kan", "t.csv", "-o", "p.csv")
    assert "Note: Column 'price' looks like amounts of money" in done.err
    done = edgewise("formula", "t.csv", "-t", "y", "--work", "0.001", "-o", "f")
    assert done.code == 0, done.err
    assert "--units x=m,y=s has formulas agree" in done.err
    assert "Column 'same' is left out: it holds 7 in every row." in done.err
    assert "amounts of money" in Path("f/report.html").read_text()


@pytest.mark.slow
def test_a_day_that_may_be_a_month_is_doubted(edgewise):
    rows = [f"{1 + n % 12}/{1 + 7 * n % 12}/2010,{n % 7},{n % 5}" for n in range(40)]
    Path("t.csv").write_text("\n".join(["day,x,y", *rows]))
    done = edgewise("fit", "t.csv", "-t", "y", "--work", "0.01", "--task", "regression", "-o", "out")
    assert "no date shows whether day or month comes first" in done.err
