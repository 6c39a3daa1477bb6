"""Patterns and folders: learned from and predicted batch by batch, with the answers of tables in memory."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from tests.cli.conftest import is_one_sentence

import edgewise as ew
from edgewise.data.streaming import draw

pytest.importorskip("datasketches")


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("rows")
    for k in range(2):
        rng = np.random.default_rng(k)
        x, sort = rng.normal(size=600), rng.choice(["oak", "elm"], 600)
        y = np.sin(x) + (sort == "oak") + 0.1 * rng.normal(size=600)
        kind = np.where(y > 0.5, "big", "small")
        table = pa.table({"id": np.arange(600.0), "x": x, "sort": sort, "y": y, "kind": kind})
        pa.parquet.write_table(table, f"rows/{k}.parquet")
    return "rows/*.parquet"


def test_a_pattern_is_fitted_and_predicted(edgewise, rows):
    told = json.loads(edgewise("fit", rows, "-t", "y", "-o", "m", "--drop", "id,kind", "--json", "-q").out)
    assert told["rows"] == 1_200
    assert told["held_out_error"] < 0.15
    assert os.listdir("m") == ["model.kan"]
    edgewise("predict", "m/model.kan", rows, "-o", "out.parquet", "-q", "--keep")
    made, whole = pa.parquet.read_table("out.parquet"), pa.parquet.read_table("rows")
    np.testing.assert_array_equal(made["y"], whole["y"])
    model = ew.load("m/model.kan")
    expected = model.predict(whole.select(["x", "sort"]))
    np.testing.assert_allclose(made["y_predicted"], expected, rtol=1e-12)
    edgewise("predict", "m/model.kan", "rows", "-o", "out.csv", "-q")
    np.testing.assert_allclose(pa.csv.read_csv("out.csv")["y_predicted"], expected, rtol=1e-9)
    assert sorted(os.listdir()) == ["m", "out.csv", "out.parquet", "rows"]


def test_words_are_classes(edgewise, rows):
    edgewise("fit", "rows", "-t", "kind", "-o", "m", "--columns", "x,sort", "--mode", "additive", "-q")
    edgewise("predict", "m/model.kan", "rows", "-o", "out.parquet", "-q")
    made, whole = pa.parquet.read_table("out.parquet"), pa.parquet.read_table("rows")
    assert np.mean(np.array(made["kind_predicted"]) == np.array(whole["kind"])) > 0.9


@pytest.mark.slow
def test_a_pattern_is_explained_and_audited(edgewise, rows, monkeypatch):
    edgewise("fit", rows, "-t", "kind", "-o", "m", "--columns", "x,sort", "--mode", "additive", "-q")
    pa.parquet.write_table(pa.parquet.read_table("rows"), "all.parquet")
    for words in (("explain", "--row", "700"), ("audit", "-p", "sort", "--bootstrap", "10")):
        own, other = (
            json.loads(edgewise(words[0], "m/model.kan", data, *words[1:], "--json", "-q").out)
            for data in (rows, "all.parquet")
        )
        assert own.keys() == other.keys()
        assert own.get("value") == pytest.approx(other.get("value"))
        assert own.get("rows") == other.get("rows")
    monkeypatch.setattr(draw.drawn, "__kwdefaults__", {**draw.drawn.__kwdefaults__, "most": 100})
    assert "100 of the 1,200 rows" in edgewise("audit", "m/model.kan", rows, "-p", "sort").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fit", "rows/*.parquet", "-t", "z"), "The option --target must name a column"),
        (("fit", "none/*.parquet", "-t", "y"), "There is no file"),
        (("fit", "rows", "-t", "y", "--seconds", "5"), "must be left out for a dataset"),
    ],
)
def test_mistakes_are_said(edgewise, rows, words, said):
    done = edgewise(*words, "-q")
    assert said in done.err
    assert done.code != 0
    assert is_one_sentence(done.err)
