"""`edgewise verify` and `edgewise check` as a user runs them."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.cli.conftest import is_one_sentence

import edgewise as ew
from edgewise import StopReason
from edgewise.cli.proofs import ProofProgress
from edgewise.data import write_frame
from edgewise.verifying.checker import check

N = 200


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    rng = np.random.default_rng(0)
    income, sex = rng.uniform(0, 100, N), rng.choice(["female", "male"], N)
    good = np.where(income + 20 * (sex == "male") + rng.normal(size=N) * 15 > 60, "good", "bad")
    table = pa.table({"income": income, "sex": sex})
    path = tmp_path_factory.mktemp("models") / "model.kan"
    ew.save(ew.KANClassifier(mode="additive", members=1).fit(table, good), path)
    write_frame(table, path.with_name("rows.csv"))
    return path


def test_proved_saved_and_checked(edgewise, model):
    done = edgewise("verify", model, "changes_at_most(sex, 20)", "-c", "proof.json")
    assert done.code == 0, done.err
    assert done.out.startswith("Proved: changes_at_most(sex, 20)")
    assert "prove changes_at_most" in done.err
    assert "proof.json" in done.err
    checked = edgewise("check", "proof.json", model)
    assert checked.code == 0
    assert checked.out.startswith("Accepted")
    told = json.loads(edgewise("check", "proof.json", model, "--json").out)
    assert told["accepted"] is True
    # The same file again is refused before any work, unless it is asked for.
    again = edgewise("verify", model, "changes_at_most(sex, 20)", "-c", "proof.json")
    assert again.code == 2
    assert is_one_sentence(again.err)
    assert (
        edgewise("verify", model, "changes_at_most(sex, 20)", "-c", "proof.json", "--force", "-q").code == 0
    )


def test_a_claim_about_no_rows_is_refused_whatever_the_checker_says(edgewise, model):
    from tests.verifying.certificate_kit import seal

    assert edgewise("verify", model, "range(-500, 500)", "-c", "proof.json", "-q").code == 0
    document = json.loads(Path("proof.json").read_text())
    document["domain"]["whole"] = False
    document["domain"]["groups"][1]["cells"][1] = [[0.51, 0.6]]
    Path("between.json").write_text(json.dumps(seal(document)))
    assert check("between.json", str(model)).accepted
    done = edgewise("check", "between.json", model)
    assert done.code == 1
    assert done.out.startswith("Refused: ")
    assert json.loads(edgewise("check", "between.json", model, "--json").out)["accepted"] is False


def test_a_certificate_is_checked_against_what_was_asked(edgewise, model):
    assert edgewise("verify", model, "changes_at_most(sex, 20)", "-c", "proof.json", "-q").code == 0
    done = edgewise("check", "proof.json", model, "--expect", "changes_at_most(`sex`, 2e1)")
    assert done.code == 0
    assert "no change of sex alone changes the log-odds of good by more than 20" in done.out
    done = edgewise("check", "proof.json", model, "--expect", "never_flips(sex)")
    assert done.code == 1
    assert "does not prove never_flips(sex): it is that no change of sex alone" in done.out
    told = json.loads(
        edgewise("check", "proof.json", model, "--json", "--expect", "changes_at_most(sex, 21)").out
    )
    assert (told["accepted"], told["expected"]) == (True, False)
    done = edgewise("check", "proof.json", model, "--expect", "changes_at_most(sexx, 20)")
    assert done.code == 2
    assert is_one_sentence(done.err)


def test_a_changed_certificate_or_another_model_is_refused(edgewise, model):
    assert edgewise("verify", model, "range(-1000, 1000)", "-c", "proof.json", "-q").code == 0
    Path("changed.json").write_text(Path("proof.json").read_text().replace("1000.0", "100.0"))
    done = edgewise("check", "changed.json", model)
    assert done.code == 1
    assert done.out.startswith("Refused")
    other = ew.load(model)
    other.network_ = ew.edits.refine(other.network_, 2).network
    ew.save(other, "other.kan")
    assert edgewise("check", "proof.json", "other.kan").code == 1
    for words in (("check", "no.json", model), ("check", "proof.json", "no.kan")):
        done = edgewise(*words)
        assert done.code == 2
        assert is_one_sentence(done.err)


def test_refuted_with_the_row(edgewise, model):
    done = edgewise("verify", model, "never_flips(sex)", "-q", "-c", "proof.json")
    assert done.code == 1
    assert "Refuted: never_flips(sex)" in done.out
    assert "female" in done.out
    assert "male" in done.out
    assert done.err == ""
    assert not Path("proof.json").exists()
    told = json.loads(edgewise("verify", model, "never_flips(sex)", "--json", "-q").out)
    assert told["status"] == "refuted"
    assert {case["row"]["sex"] for case in told["cases"]} == {"female", "male"}
    assert {case["decision"] for case in told["cases"]} == {"good", "bad"}


def test_where_and_data(edgewise, model):
    high = edgewise("verify", model, "decision = good", "--where", "income >= 95, sex = male", "-q")
    assert high.code == 0, high.out
    assert "income >= 95" in high.out
    same = edgewise("verify", model, 'decision = "good" where income >= 95, sex = male', "--json", "-q")
    assert json.loads(same.out)["status"] == "proved"
    rows = model.with_name("rows.csv")
    near = edgewise("verify", model, "robust(row 5, {income: 200})", "--data", rows, "-q")
    assert near.code == 1
    far = edgewise("verify", model, "robust(row 500, 0.1)", "--data", rows, "-q")
    assert far.code == 2
    assert is_one_sentence(far.err)


@pytest.fixture
def hard():
    """Something that takes long to tell: two deep networks with a bound a little above what rows show."""
    for name, seed in (("one.kan", 1), ("two.kan", 2)):
        ew.save(ew.KAN([6, 6, 6, 1], seed=seed), name)
    return ("verify", "one.kan", 'equal("two.kan", 2.1)', "-q")


@pytest.mark.slow
def test_undecided_is_three(edgewise, hard):
    done = edgewise(*hard, "--work", "0.01")
    assert done.code == 3, done.out
    assert done.out.startswith("Undecided")
    assert StopReason.WORK_SPENT.advice in done.out
    told = json.loads(edgewise(*hard, "--work", "0.01", "--json").out)
    assert told["upper"] >= 0
    assert told["stop_reason"] == "work_spent"


def test_after_a_time_limit_the_answer_may_differ(edgewise, hard, late):
    done = edgewise(*hard, "--seconds", "0.5")
    assert done.code == 3, done.out
    assert StopReason.TIME_LIMIT.advice in done.out
    assert json.loads(edgewise(*hard, "--seconds", "0.5", "--json").out)["stop_reason"] == "time_limit"


def test_ctrl_c_gives_the_bounds_so_far(edgewise, hard, monkeypatch):
    def press(progress, step):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(ProofProgress, "step", press)
    done = edgewise(*hard)
    assert done.code == 130, done.out
    assert StopReason.INTERRUPTED.advice in done.out


def test_two_models_and_formulas(edgewise):
    net = ew.KAN([1, 1], seed=0)
    ew.save(net, "a.kan")
    ew.save(ew.edits.refine(net, 2).network, "b.kan")
    done = edgewise("verify", "a.kan", 'equal("b.kan", 0.01)', "-c", "proof.json", "-q")
    assert done.code == 0, done.out + done.err
    assert edgewise("check", "proof.json", "a.kan", "b.kan").code == 0
    assert edgewise("check", "proof.json", "b.kan", "a.kan").code == 1
    assert edgewise("verify", "a.kan", 'equal("c.kan", 0.01)', "-q").code == 2
    assert edgewise("verify", "a.kan", 'formula("100*x1 + 1000", 0.1)', "-q").code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["monotne(income, increasing)"],
        ["monotone(incom, increasing)"],
        ["monotone(sex, increasing)"],
        ["never_flips(income)"],
        ["range(0, 1)", "--where", "sex = mal"],
        ["range(0, 1)", "--seconds", "0"],
        ["robust(row 5, 0.1)"],
        [""],
    ],
)
def test_bad_input_is_one_sentence(edgewise, model, words):
    done = edgewise("verify", model, *words, "-q")
    assert done.code == 2
    assert is_one_sentence(done.err), done.err
    assert done.out == ""


def test_a_row_of_no_table_asks_for_the_option(edgewise, model):
    assert (
        "The option --data must hold the table" in edgewise("verify", model, "robust(row 5, 0.1)", "-q").err
    )


def test_help_says_the_exit_codes(edgewise):
    told = " ".join(edgewise("verify", "--help").out.split())
    assert "3: undecided" in told
    assert "monotone(income, increasing)" in told
