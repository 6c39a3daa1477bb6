"""`edgewise audit`: exit codes, limits, JSON and pages."""

import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

import edgewise as ew
from edgewise import StopReason
from edgewise.cli.commands.audit.run import AuditProgress


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    r = np.random.default_rng(0)
    n = 500
    X = pd.DataFrame({"sex": r.choice(["f", "m"], n), "skill": r.normal(size=n), "size": r.normal(size=n)})
    y = pd.Series(X["skill"] + (X["sex"] == "m") + 0.3 * r.normal(size=n) > 0.5, name="hired")
    model = ew.KANClassifier(mode="additive").fit(X[["sex", "skill"]], y)
    ew.save(model, folder / "m.kan")
    X.assign(hired=y, creed=r.choice(["a", "b"], n)).to_csv(folder / "d.csv", index=False)
    return folder


def test_limits_set_the_exit_code(edgewise, files):
    words = ["audit", files / "m.kan", files / "d.csv", "-p", "sex", "--bootstrap", "0", "--no-proxies"]
    broken = edgewise(*words, "--fail-on", "dp>0.1", "--fail-on", "accuracy>0.99")
    assert broken.code == 1
    assert "dp of sex" in broken.err
    assert "accuracy" not in broken.err
    kept = edgewise(*words, "--fail-on", "dp>0.99")
    assert kept.code == 0
    assert "Demographic parity" in kept.out
    assert "Equalised odds" in kept.out


def test_an_audit_cut_short_is_no_proof_that_limits_are_kept(edgewise, files, late):
    words = ["audit", files / "m.kan", files / "d.csv", "-p", "sex", "--seconds", 0.1]
    done = edgewise(*words, "--fail-on", "flips>0.99", "--html", files / "cut.html")
    assert done.code == 3
    assert "cut short" in done.err
    assert StopReason.TIME_LIMIT.advice in done.out
    assert str(escape(StopReason.TIME_LIMIT.advice)) in (files / "cut.html").read_text()
    assert edgewise(*words, "--fail-on", "dp>0.1").code == 1  # measured all the same
    told = json.loads(edgewise(*words, "--json").out)
    assert (told["stop_reason"], told["message"]) == (
        "time_limit",
        StopReason.TIME_LIMIT.advice,
    )


def test_ctrl_c_leaves_what_was_measured(edgewise, files, monkeypatch):
    def press(progress, stage):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(AuditProgress, "stage", press)
    done = edgewise("audit", files / "m.kan", files / "d.csv", "-p", "sex", "--fail-on", "dp>0.99", "--json")
    assert done.code == 130
    told = json.loads(done.out)
    assert told["stop_reason"] == "interrupted"
    assert told["tables"][0]["name"] == "sex"
    assert "kept" not in done.err


def test_json_is_all_that_is_printed(edgewise, files):
    done = edgewise("audit", files / "m.kan", files / "d.csv", "-p", "creed", "--json", "--bootstrap", "20")
    told = json.loads(done.out)
    assert done.code == 0
    assert told["tables"][0]["name"] == "creed"
    assert told["breaches"] == []
    assert told["flips"] == []  # the model does not read it


@pytest.mark.slow
def test_pages_and_pictures_are_written_once(edgewise, files):
    words = ["audit", files / "m.kan", files / "d.csv", "-p", "sex", "--bootstrap", "20"]
    words += ["--html", files / "a.html", "--plot", files / "a.png"]
    assert edgewise(*words).code == 0
    assert "equalised odds" in (files / "a.html").read_text()
    assert (files / "a.png").stat().st_size > 1000
    assert edgewise(*words).code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["-p", "sexx"],
        ["-p", "sex", "--fail-on", "dp"],
        ["-p", "sex", "--target", "hirred"],
        ["-p", "sex", "--cut", "sex"],
        ["-p", "sex", "--positive", "maybe"],
        ["-p", "sex", "--fail-on", "dp@sexx>0.1"],
        ["-p", "sex", "--fail-on", "dp@intersection>0.1"],
        ["-p", "sex", "--cut", "size=0"],
        ["-p", "sex", "--plot", "groups.pdf"],
    ],
)
def test_bad_words_end_in_one_sentence(edgewise, files, words):
    done = edgewise("audit", files / "m.kan", files / "d.csv", "--no-proxies", *words)
    assert done.code == 2
    assert done.err.startswith("Error: ")
    assert len(done.err.strip().splitlines()) == 1
    assert done.out == ""  # before anything is measured
    assert "parameter" not in done.err
    assert "argument" not in done.err


def test_refusals_name_options(edgewise, files):
    words = ["audit", files / "m.kan", files / "d.csv", "-p", "sex", "--no-proxies"]
    assert "The option --cut must cut columns of numbers" in edgewise(*words, "--cut", "sex=1").err
    assert "The option --positive must be one of" in edgewise(*words, "--positive", "maybe").err
    assert "The column of --weight must be at least 0" in edgewise(*words, "--weight", "size").err
