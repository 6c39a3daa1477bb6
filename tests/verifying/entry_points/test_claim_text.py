"""What an accepted certificate says in words, and whether it is what was asked for: by meaning, not by text."""

import json

import numpy as np
import pandas as pd
import pytest

import edgewise as ew
from edgewise.verifying.checker import check
from edgewise.verifying.checker.reading import printed, quoted
from edgewise.verifying.entry_points.claim_text import claim_in_words, differs
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
