"""`edgewise explain` as a user would call it."""

import importlib
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from tests.cli.conftest import is_one_sentence

import edgewise as ew
from edgewise import StopReason


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("explain")
    random = np.random.default_rng(0)
    n = 200
    age, income = random.integers(18, 70, n), random.lognormal(7, 0.4, n).round(2)
    sex = random.choice(["f", "m"], n)
    good = np.where(0.05 * age + income / 700 + random.logistic(0, 0.3, n) > 4, "yes", "no")
    table = pa.table({"age": age, "income": income, "sex": sex, "loan": good})
    pa.csv.write_csv(table, place / "data.csv")
    model = ew.KANClassifier(mode="additive").fit(table.drop_columns("loan"), pd.Series(good, name="loan"))
    ew.save(model, place / "model.kan")
    X = random.uniform(-1, 1, (60, 2))
    pa.csv.write_csv(pa.table({"x1": X[:, 0], "x2": X[:, 1]}), place / "numbers.csv")
    ew.save(ew.KAN([2, 3, 1], seed=0), place / "net.kan")
    return place


def test_a_model_is_explained(edgewise, folder):
    done = edgewise("explain", folder / "model.kan", folder / "data.csv")
    assert done.code == 0
    assert "What moves log-odds of yes" in done.out
    assert "income" in done.out


def test_reasons_with_codes(edgewise, folder):
    model, data = folder / "model.kan", folder / "data.csv"
    pd.DataFrame({"column": ["age", "income"], "code": ["01", "02"], "statement": ["", "Income"]}).to_csv(
        "codes.csv", index=False
    )
    row = pd.read_csv(data).query("loan == 'no'").index[0]
    words = ("explain", model, data, "--row", row, "--reasons", "approved", "--protected", "sex")
    done = edgewise(*words, "--codes", "codes.csv")
    assert done.code == 0, done.err
    assert "decided yes" in done.out
    told = json.loads(edgewise(*words, "--codes", "codes.csv", "--json").out)
    assert {one["code"] for one in told["reasons"]} <= {"01", "02"}
    assert len(told["reasons"]) >= 1
    with open("codes.csv", "a") as file:
        file.write("age,03,\n")
    for bad in (
        (*words, "--codes", "codes.csv"),
        (*words, "--codes", "none.csv"),
        (*words[:4], "2", "--protected", "sex"),
    ):
        done = edgewise(*bad)
        assert done.code == 2
        assert is_one_sentence(done.err)


def test_as_data(edgewise, folder):
    done = edgewise("explain", folder / "model.kan", folder / "data.csv", "--row", 3, "--json")
    data = json.loads(done.out)
    assert data["kind"] == "local"
    gap = sum(one["effect"] for one in data["contributions"]) - (data["value"] - data["base"])
    assert abs(gap) < 1e-9
    assert {one["actual"] for one in data["neighbours"]} <= {"yes", "no"}


def test_what_would_have_to_change(edgewise, folder):
    words = ("--row", 0, "--counterfactual", "--fixed", "sex,age", "--plot", "changes.svg")
    done = edgewise("explain", folder / "model.kan", folder / "data.csv", *words)
    assert done.code == 0
    assert "Left as they are: age, sex" in done.out
    assert "changes.svg  (" in done.err
    again = edgewise("explain", folder / "model.kan", folder / "data.csv", *words)
    assert again.code == 2
    assert is_one_sentence(again.err)


def test_pictures_of_a_network(edgewise, folder):
    for k, words in enumerate(((), ("--pairs",), ("--row", 2))):
        done = edgewise(
            "explain", folder / "net.kan", folder / "numbers.csv", "--plot", f"{k}.png", *words, "--quiet"
        )
        assert (done.code, done.err) == (0, "")
    from pathlib import Path

    assert all(Path(f"{k}.png").read_bytes()[:4] == b"\x89PNG" for k in range(3))
    bound = edgewise(
        "explain", folder / "net.kan", folder / "numbers.csv", "--row", 0, "--counterfactual", "--above", 99
    )
    assert "No change" in bound.out


def test_why_the_search_for_another_answer_ended(edgewise, folder, late):
    words = (
        "explain",
        folder / "net.kan",
        folder / "numbers.csv",
        "--row",
        0,
        "--counterfactual",
        "--above",
        99,
    )
    whole = json.loads(edgewise(*words, "--json").out)
    assert whole["stop_reason"] in ("exhausted", "work_spent")
    cut = edgewise(*words, "--seconds", 0.1)
    assert StopReason.TIME_LIMIT.advice in cut.out
    assert json.loads(edgewise(*words, "--seconds", 0.1, "--json").out)["stop_reason"] == "time_limit"


def test_ctrl_c_leaves_what_was_found(edgewise, folder, monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    search = importlib.import_module("edgewise.explaining.counterfactuals")
    monkeypatch.setattr(search, "_search", press)
    words = ("explain", folder / "model.kan", folder / "data.csv", "--row", 3, "--counterfactual", "--json")
    done = edgewise(*words)
    assert done.code == 130
    assert json.loads(done.out)["stop_reason"] == "interrupted"


def test_without_a_table(edgewise, folder):
    done = edgewise("explain", folder / "model.kan")
    assert done.code == 0
    assert "drawn" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ("--row", 999),
        ("--counterfactual",),
        ("--row", 0, "--counterfactual", "--fixed", "sexx"),
        ("--row", 0, "--reasons", "maybe"),
        ("--row", 0, "--reasons", "mean", "--protected", "sexx"),
        ("--row", 0, "--counterfactual", "--target", "maybe"),
        ("--row", 0, "--output", "maybe"),
        ("--plot", "picture.pdf"),
        ("--pairs",),
    ],
)
def test_mistakes_are_told_in_one_sentence(edgewise, folder, words):
    done = edgewise("explain", folder / "model.kan", folder / "data.csv", *words)
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert done.out == ""
    # Options are named, not the arguments of functions.
    assert " parameter" not in done.err
    assert " argument" not in done.err


def test_a_row_needs_a_table(edgewise, folder):
    done = edgewise("explain", folder / "model.kan", "--row", 3)
    assert done.code == 2
    assert is_one_sentence(done.err)
