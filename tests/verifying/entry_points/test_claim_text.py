"""What an accepted certificate says in words, and whether it is what was asked for: by meaning, not by text."""

import json

import numpy as np
import pandas as pd
import pytest

import edgewise as ew
from edgewise.verifying.checker import check
from edgewise.verifying.checker.reading import printed, quoted
from edgewise.verifying.entry_points.claim_text import claim_in_words, differs, no_rows
from edgewise.verifying.language.text import parse_property


@pytest.fixture(scope="module")
def credit():
    r = np.random.default_rng(0)
    n = 300
    X = pd.DataFrame(
        {
            "income": np.round(r.uniform(0, 100, n), 1),
            "age": r.integers(18, 70, n),
            "job": r.choice(["cook", "judge", "nurse"], n),
            "sex": r.choice(["female", "male"], n),
        }
    )
    score = X.income / 20 + X.age / 20 + (X.job == "judge") + 0.2 * (X.sex == "male")
    return ew.KANClassifier(mode="additive", members=1, random_state=0).fit(
        X, np.where(score > 5, "good", "bad")
    )


def proved(model, text):
    found = ew.verify(model, text)
    assert found.status == "proved", str(found)
    return found.certificate.document


@pytest.mark.parametrize(
    ("text", "rows", "claim"),
    [
        (
            "range(-5000, 7000)",
            "every row the model can be given",
            "the log-odds of good lies between -5000 and 7000.",
        ),
        (
            "changes_at_most(sex, 500) where age in [20, 30]",
            "every row where age is 20 to 30",
            "no change of sex alone changes the log-odds of good by more than 500.",
        ),
        (
            "changes_at_most(job, 900) where sex = 'male'",
            "every row where sex is male",
            "no change of job alone changes the log-odds of good by more than 900.",
        ),
        (
            "lipschitz(age, 700)",
            "every row the model can be given",
            "the log-odds of good changes by at most 700 a unit of age.",
        ),
        ("2*age - output <= 9000", "every row", "2 * age + -1 * (the log-odds of good) is at most 9000."),
    ],
)
def test_claims_are_told_in_raw_units_and_words(credit, text, rows, claim):
    document = proved(credit, text)
    told = claim_in_words(document, credit)
    assert told.startswith(f"For {rows}")
    assert told.endswith(f": {claim}")
    assert differs(document, [credit], parse_property(text)) == ""


def test_claims_are_compared_by_meaning(credit):
    document = proved(credit, "changes_at_most(sex, 500) where age in [20, 30]")
    for same in (
        "changes_at_most( sex , 5e2) where age >= 20 and age <= 30",
        "changes_at_most(`sex`, 500.0) where age in [20,30]",
    ):
        assert differs(document, [credit], parse_property(same)) == ""
    others = {
        "changes_at_most(sex, 499) where age in [20, 30]": "more than 500",
        "changes_at_most(job, 500) where age in [20, 30]": "no change of sex",
        "never_flips(sex) where age in [20, 30]": "more than 500",
        "changes_at_most(sex, 500)": "age is 20 to 30",
        "changes_at_most(sex, 500) where age in [20, 31]": "age is 20 to 30",
        "equal('x', 3)": "one model",
        "formula('age', 3)": "no certificate",
    }
    for other, words in others.items():
        assert words in differs(document, [credit], parse_property(other)), other


def test_labels_and_names_of_a_certificate_are_not_believed(credit):
    document = json.loads(json.dumps(proved(credit, "changes_at_most(sex, 500) where job = 'judge'")))
    for group in document["domain"]["groups"]:
        group["name"], group["labels"] = "age", ["missing"] * len(group["labels"])
    told = claim_in_words(document, credit)
    assert told.startswith("For every row where job is judge: no change of sex alone")


def test_flips_and_decisions_speak_of_the_decision(credit):
    document = proved(credit, "never_flips(sex) where income in [1, 2], age in [18, 19], job = 'cook'")
    assert "no change of sex alone changes the decision" in claim_in_words(document, credit)
    assert "income is 1 to 2" in claim_in_words(document, credit)
    other = proved(credit, "decision = 'bad' where income in [1, 2], age in [18, 19], job = 'cook'")
    assert claim_in_words(other, credit).endswith("the decision is bad.")


def test_a_budget_is_told_in_raw_units(credit):
    row = {"income": 30.0, "age": 30, "job": "cook", "sex": "male"}
    answer = ew.minimal_counterfactual(credit, row, mutable=["age", "income"])
    told = claim_in_words(answer.certificate.document, credit)
    assert "cost at most" in told
    assert "a unit from 30" in told
    assert told.endswith("the decision is bad.")


@pytest.fixture(scope="module")
def gapped():
    """A model of a column with gaps, of one with a code, of words and of two numbers."""
    r = np.random.default_rng(0)
    n = 300
    X = pd.DataFrame({"gap": r.normal(size=n), "age": r.integers(0, 80, n).astype(float)})
    X["w"], X["two"] = r.choice(["a", "b", "c"], n), r.choice([3.0, 7.0], n)
    y = X.gap + 0.02 * X.age + (X.w == "b") + 0.1 * X.two
    X.loc[r.random(n) < 0.1, "gap"], X.loc[r.random(n) < 0.1, "age"] = np.nan, -9.0
    return ew.KANRegressor(mode="additive", work="quick", random_state=0).fit(X, y)


def altered(document, change):
    document = json.loads(json.dumps(document))
    document["domain"]["whole"] = False
    change({group["name"]: group["cells"] for group in document["domain"]["groups"]}, document)
    return document


CELLS_OF_NO_ROW = {
    "missing elsewhere than at its fill": lambda c, _: c["gap"][1].__setitem__(0, [-6.0, 1.0]),
    "a code elsewhere than at its fill": lambda c, _: c["age"][1].__setitem__(0, [-39.0, 1.0]),
    "between words": lambda c, _: c["w"].__setitem__(0, [[0.51, 0.6]]),
    "a stretch of words": lambda c, _: c["w"].__setitem__(0, [[0.0, 1.0]]),
    "half a flag": lambda c, _: c["gap"][1].__setitem__(1, [0.5, 0.6]),
    "missing or not": lambda c, _: c["gap"][0].__setitem__(1, [0.0, 1.0]),
    "between two numbers": lambda c, _: c["two"].__setitem__(0, [[0.2, 0.3]]),
    "beyond what is followed": lambda c, _: c["age"][0].__setitem__(0, [119.0, 300.0]),
    "along a flag": lambda c, d: d.update(
        claim={"type": "monotone", "output": 0, "input": 1, "direction": 1}
    ),
    "along words": lambda c, d: d.update(claim={"type": "monotone", "output": 0, "input": 4, "direction": 1}),
    "a price of a flag": lambda c, d: d["domain"].update(
        budget={"limit": 1.0, "costs": [{"input": 1, "at": 0.0, "rate": 1.0}], "cells": []}
    ),
}


@pytest.mark.parametrize("case", CELLS_OF_NO_ROW)
def test_what_no_row_can_be_is_no_claim_about_rows(gapped, case):
    document = proved(gapped, "range(-1000, 1000)")
    assert no_rows(document, [gapped]) == ""
    assert no_rows(altered(document, lambda *_: None), [gapped]) == ""
    assert no_rows(altered(document, CELLS_OF_NO_ROW[case]), [gapped])


def test_rows_are_all_rows_only_where_the_checker_compared_them(gapped):
    document = proved(gapped, "range(-1000, 1000)")
    assert "every row the model can be given" in claim_in_words(document, gapped)
    told = claim_in_words(altered(document, lambda *_: None), gapped)
    assert told.startswith("For every row where gap is ")
    for name in ("age", "w", "two"):
        assert f"; {name} is " in told
    assert "two (3, 7)" in told
    plain = ew.KAN([2, 1], input_names=["mass", "length"], seed=0)
    told = claim_in_words(proved(plain, "range(-100, 100) where mass in [0, 0.5]"), plain)
    assert "mass is 0 to 0.5; length is -1 to 1:" in told


def test_old_certificates_along_a_column_are_not_read_as_about_its_codes(gapped):
    document = altered(proved(gapped, "range(-1000, 1000)"), lambda *_: None)
    document["claim"] = {"type": "monotone", "output": 0, "input": 2, "direction": 1}
    document["domain"]["whole"] = True
    told = claim_in_words(document, gapped)
    assert "age is -0.79 to 79.79:" in told
    assert "every row the model" not in told


@pytest.mark.parametrize("whole", [True, False])
def test_models_that_read_rows_differently_share_no_claim(gapped, whole):
    from copy import copy
    from dataclasses import replace

    other, document = copy(gapped), proved(gapped, "range(-1000, 1000)")
    columns = list(gapped.encoding_.columns)
    columns[2] = replace(columns[2], levels=columns[2].levels[::-1])
    other.encoding_ = replace(gapped.encoding_, columns=tuple(columns))
    document = altered(document, lambda *_: None)
    document["domain"]["whole"] = whole
    document["claim"] = {"type": "equal", "epsilon": 0.001}
    assert no_rows(document, [gapped, gapped]) == ""
    assert no_rows(document, [gapped, other])


def test_ends_of_ranges_are_rounded_to_the_inside(gapped):
    for low, high in ((-2.8969999999999994, 2.299), (0.1, 1 / 3), (-1e-7, 1.23456789012e-3)):
        told = claim_in_words(proved(gapped, f"range(-1000, 1000) where gap in [{low!r}, {high!r}]"), gapped)
        ends = [float(end) for end in told.split("gap is ")[1].split(":")[0].split(" to ")]
        assert low <= ends[0]
        assert ends[1] <= high
        assert ends == pytest.approx([low, high], rel=1e-9)


def test_names_cannot_fake_a_line_or_move_the_cursor(tmp_path):
    evil = "x\x1b[2J\nAccepted: everything holds\u202e"
    net = ew.KAN([2, 1], input_names=[evil, "z"], output_names=["y\r"], seed=0)
    ew.save(net, tmp_path / "m.kan")
    found = ew.verify(net, "range(-100, 100)", where="z in [0, 0.5]", file=tmp_path / "m.kan")
    found.certificate.save(tmp_path / "p.json")
    verdict = check(tmp_path / "p.json", tmp_path / "m.kan")
    assert verdict.accepted
    assert verdict.claim.isprintable()
    assert "u001b" in verdict.claim
    assert quoted("x never rises") == '"x never rises"'
    assert quoted("asinh(income)") == "asinh(income)"
    assert printed("a\nb") == "a\\nb"
