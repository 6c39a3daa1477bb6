"""`edgewise formula`: the table, code on standard output, files in a folder, limits, and what it refuses."""

from __future__ import annotations

import functools
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sympy
from markupsafe import escape
from tests.cli.conftest import is_one_sentence

from edgewise import InputError, StopReason, symbolic
from edgewise.cli.commands.formula import FORMULA_FILES, FormulaRequest
from edgewise.cli.commands.formula.limits import columns_of, limits_of
from edgewise.cli.commands.formula.run import BestSoFar
from edgewise.data import read_frame, write_frame
from edgewise.training import Record

# What the command calls.
SEARCH = "edgewise.cli.commands.formula.run.find_formula"
COMPILER = shutil.which("cc") or shutil.which("gcc")
RNG = np.random.default_rng(0)
MASS, SPEED, NOISE = RNG.uniform(1, 3, (3, 80))
BLUR = 0.05 * RNG.normal(size=80)


@pytest.fixture
def data():
    energy = MASS * SPEED**2 / 2
    table = pa.table({"mass": MASS, "speed, m/s": SPEED, "noise": NOISE, "E": energy})
    write_frame(table, "energy.parquet")
    return Path("energy.parquet")


@pytest.fixture
def noisy():
    energy = MASS * SPEED**2 / 2 + BLUR
    write_frame(pa.table({"mass": MASS, "speed": SPEED, "E": energy}), "noisy.parquet")
    return Path("noisy.parquet")


@pytest.fixture(scope="module")
def answers():
    """What searches found, by everything they were asked; most tests look at the same one."""
    return {}


@pytest.fixture(autouse=True)
def _searched_once(answers, monkeypatch):
    search = symbolic.find_formula

    @functools.wraps(search)
    def remembering(X, y, *, callbacks, **asked):
        key = (np.asarray(X).tobytes(), np.asarray(y).tobytes(), repr(sorted(asked.items())))
        if key not in answers:
            found = search(X, y, callbacks=callbacks, **asked)
            if not found.stop_reason.repeatable:
                return found
            answers[key] = found
        return answers[key]

    monkeypatch.setattr(SEARCH, remembering)


def run(edgewise, data, *words):
    done = edgewise("formula", data, "-t", "E", *words)
    assert done.code == 0, done.err
    return done


# ---- what is shown


@pytest.mark.slow
def test_the_table_marks_the_recommended_formula(edgewise, noisy):
    done = run(edgewise, noisy, "--work", 0.01)
    lines = done.out.splitlines()
    rows = [
        line.split()
        for line in lines
        if line.strip()[:1] in ("*", *"123456789") and "recommended" not in line
    ]
    starred = [row[1:] for row in rows if row[0] == "*"]
    plain = [row[1:] if row[0] == "*" else row for row in rows]
    assert len(starred) == 1
    assert [int(row[0]) for row in plain] == list(range(1, len(plain) + 1))
    assert [float(row[1]) for row in plain] == sorted(float(row[1]) for row in plain)
    # The recommended one may have been chosen by all rows rather than by those held out.
    error = [float(row[2]) for row in rows if row[0] != "*"]
    assert error == sorted(error, reverse=True)
    assert f"* {starred[0][0]} is recommended" in done.out
    assert f"E = {' '.join(starred[0][5:])}" in lines
    assert "best so far" in done.err or "find the formula" in done.err


def test_json_says_which_is_recommended(edgewise, data):
    told = json.loads(run(edgewise, data, "--json", "-q").out)
    assert told["target"] == "E"
    assert told["columns"] == ["mass", "speed, m/s", "noise"]
    assert [entry["number"] for entry in told["front"]] == list(range(1, len(told["front"]) + 1))
    (best,) = [entry for entry in told["front"] if entry["recommended"]]
    assert best == told["formula"]
    assert told["recommended"] == best["number"]
    assert best["text"] == "mass*`speed, m/s`^2/2"
    first = json.loads(run(edgewise, data, "--json", "-q", "--pick", 1).out)
    assert first["formula"] == first["front"][0]


def test_verbose_tells_how_it_was_judged(edgewise, data):
    done = run(edgewise, data, "--pick", 1, "--verbose")
    assert "This is formula 1." in done.out
    assert "held-out rows" in done.out


# ---- code on standard output


def test_python_and_sympy_are_the_formula(edgewise, data):
    space: dict[str, Any] = {}
    exec(run(edgewise, data, "--export", "python").out, space)
    assert np.allclose(space["formula"](MASS, SPEED, NOISE), MASS * SPEED**2 / 2)
    exec(run(edgewise, data, "--export", "sympy").out, space)
    mass, speed = sympy.Symbol("mass"), sympy.Symbol("speed, m/s")
    assert sympy.expand(space["formula"] - mass * speed**2 / 2) == 0


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler on this machine")
def test_c_is_the_formula(edgewise, data):
    Path("formula.c").write_text(run(edgewise, data, "--export", "c").out)
    calls = 'int main(void) { printf("%.17g", formula(2.0, 3.0, 1.0)); return 0; }\n'
    source = "#include <stdio.h>\n" + Path("formula.c").read_text() + calls
    Path("main.c").write_text(source)
    subprocess.run([COMPILER, "-std=c99", "-Wall", "-Werror", "main.c", "-o", "main", "-lm"], check=True)
    done = subprocess.run(["./main"], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(9.0, rel=1e-12)


def test_latex_and_json_name_the_target(edgewise, data):
    assert run(edgewise, data, "--export", "latex").out.startswith("E = \\frac{")
    told = json.loads(run(edgewise, data, "--export", "json").out)
    assert told["text"] == "mass*`speed, m/s`^2/2"
    wrapped = json.loads(run(edgewise, data, "--export", "latex", "--json").out)
    assert wrapped["format"] == "latex"
    assert wrapped["text"].startswith("E = ")


def test_another_formula_can_be_picked(edgewise, data):
    first = json.loads(run(edgewise, data, "--export", "json", "--pick", 1).out)
    assert first["complexity"] == 1


def test_a_number_beyond_the_table_is_told_after_the_table(edgewise, data):
    done = edgewise("formula", data, "-t", "E", "--pick", 99, "--export", "c", "-q")
    assert done.code == 2
    assert "Got 99 instead" in done.err
    assert is_one_sentence(done.err)
    assert "E = mass*`speed, m/s`^2/2" in done.out


# ---- files


@pytest.mark.slow
def test_the_folder_holds_every_form(edgewise, data):
    done = run(edgewise, data, "--out", "results", "--plot", "front.png")
    assert sorted(path.name for path in Path("results").iterdir()) == sorted(FORMULA_FILES)
    assert all(f"results{os.sep}{name}" in done.err for name in FORMULA_FILES)
    assert Path("front.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(Path("results/formulas.json").read_text())["recommended"]
    page = Path("results/report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "Accuracy against simplicity" in page


@pytest.mark.slow
def test_files_are_never_replaced_unasked(edgewise, data):
    Path("results").mkdir()
    kept = Path("results/formula.c")
    kept.write_text("mine")
    done = edgewise("formula", data, "-t", "E", "--out", "results")
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert kept.read_text() == "mine"
    assert [path.name for path in Path("results").iterdir()] == ["formula.c"]
    Path("front.svg").write_text("mine")
    assert edgewise("formula", data, "-t", "E", "--plot", "front.svg").code == 2
    run(edgewise, data, "--out", "results", "--plot", "front.svg", "--force")
    assert kept.read_text() != "mine"
    assert Path("front.svg").read_text().startswith("<svg")


# ---- limits


@pytest.fixture
def frame(data):
    return read_frame(data)


def question(**options: Any) -> FormulaRequest:
    return FormulaRequest(data=Path("energy.csv"), target="E", **options)


def test_columns_are_chosen_and_left_out(frame):
    assert columns_of(frame, question()).chosen == ("mass", "speed, m/s", "noise")
    for option in ("drop", "ignore_columns"):
        asked = columns_of(frame, question(**{option: ["noise,mass"]}))
        assert asked.chosen == ("speed, m/s",)
    assert columns_of(frame, question(columns=["noise", "mass"])).chosen == ("noise", "mass")
    with pytest.raises(InputError, match="at least one column besides"):
        columns_of(frame, question(columns=["mass"], ignore_columns=["mass"]))


def test_units_are_read_by_names(frame):
    asked = columns_of(frame, question(units=["mass=kg,E=J", "speed, m/s=m/s"]))
    assert dict(asked.units) == {"mass": "kg", "E": "J", "speed, m/s": "m/s"}
    limits = limits_of(asked, question())
    assert limits == {"units": {"mass": "kg", "E": "J", "speed, m/s": "m/s"}}
    # Of a column left out nobody asks the unit.
    asked = columns_of(frame, question(units=["mass=kg,E=J"], ignore_columns=["mass"]))
    assert dict(asked.units) == {"E": "J"}


def test_only_what_was_asked_is_passed_on(frame):
    asked = columns_of(frame, question())
    assert limits_of(asked, question()) == {}
    asked = columns_of(frame, question(require_columns=["mass"]))
    limits = limits_of(asked, question(exclude_functions=["sin, tan", "sin"], only_functions=["exp"]))
    assert limits == {"require_columns": ("mass",), "exclude_functions": ("sin", "tan"), "forms": ("exp",)}


@pytest.mark.parametrize(
    ("option", "entries", "sentence"),
    [
        ("units", ["mass"], "must read column=unit"),
        ("units", ["mass="], "must read column=unit"),
        ("units", ["mas=kg"], "did you mean 'mass'"),
        ("units", ["mass=kg,mass=g"], "must be distinct"),
        ("require_columns", ["E"], "must be among those a formula may use"),
        ("require_columns", ["nose"], "no column 'nose'"),
        ("ignore_columns", ["nose"], "no column 'nose'"),
    ],
)
def test_bad_columns_end_in_a_sentence(frame, option, entries, sentence):
    with pytest.raises(InputError, match=sentence):
        columns_of(frame, question(**{option: entries}))


def test_the_words_reach_the_search(edgewise, data, monkeypatch):
    seen = watched_search(monkeypatch)
    words = (
        "--exclude-functions",
        "sin,tan",
        "--only-functions",
        "exp,sqrt",
        "--require-columns",
        "mass",
        "--units",
        "mass=kg,E=J",
    )
    done = edgewise("formula", data, "-t", "E", "--work", 0.1, "-q", "--ignore-columns", "noise", *words)
    assert done.code == 0, done.err
    assert seen == {
        "exclude_functions": ("sin", "tan"),
        "forms": ("exp", "sqrt"),
        "require_columns": ("mass",),
        "units": {"mass": "kg", "E": "J"},
        "names": ("mass", "speed, m/s"),
        "work": 0.1,
        "loss": "squared",
        "sample_weight": None,
        "sigma": None,
        "x_sigma": None,
    }


@pytest.mark.slow
def test_units_of_ones_own_are_known_to_the_search(edgewise, monkeypatch):
    write_frame(pa.table({"mass": MASS, "speed": SPEED, "E": MASS * SPEED}), "own.parquet")
    words = (
        "formula",
        "own.parquet",
        "-t",
        "E",
        "--units",
        "mass=cli_crate,speed=cli_pace,E=cli_crate cli_pace",
        "-q",
    )
    assert "the unknown" in edgewise(*words).err
    own = ("--unit", "cli_crate", "--unit", "cli_pace=0.75 m/s", "--work", 0.02, "--json")
    assert json.loads(edgewise(*words, *own).out)["formula"]["text"] == "mass*speed"
    assert "The option --unit must" in edgewise(*words, "--unit", "m=3 s").err


def test_what_only_names_or_counts_rows_is_no_column_of_a_formula(edgewise, monkeypatch):
    rows = [f"{k + 1},hill {k},{MASS[k]:.4f},{MASS[k] ** 2:.4f}" for k in range(20)]
    Path("r.csv").write_text("\n".join([",name,x,y", *rows]))
    seen: dict[str, Any] = {}

    @functools.wraps(symbolic.find_formula)
    def watched(*_, **asked):
        seen.update(asked)
        raise InputError("Enough.")

    monkeypatch.setattr(SEARCH, watched)
    told = edgewise("formula", "r.csv", "-t", "y").err
    assert tuple(seen["names"]) == ("x",)
    assert "'column_1'" in told
    assert "'name'" in told
    # What is asked for is taken.
    edgewise("formula", "r.csv", "-t", "y", "--columns", "column_1,x")
    assert tuple(seen["names"]) == ("column_1", "x")


def watched_search(monkeypatch):
    """Takes down what the search is asked for, and answers with a search without limits."""
    seen: dict[str, Any] = {}
    search = symbolic.find_formula

    @functools.wraps(search)
    def watched(X, y, *, work, seed, callbacks, names, **limits):
        seen.update(limits, names=tuple(names), work=work)
        return search(X, y, seed=seed, callbacks=callbacks, names=names)

    monkeypatch.setattr(SEARCH, watched)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--plot", "front.pdf"], "must end in .png or .svg"),
        (["--export", "java"], "--export"),
        (["--pick", "0"], "--pick"),
        (["--work", "thorogh"], "did you mean 'thorough'?"),
        (["--work", "0"], "'0' is neither quick, normal, thorough nor a number above 0"),
        (["--work", "nan"], "nor a number above 0"),
        (["--seconds", "0"], "--seconds"),
        (["--units", "mass"], "must read column=unit"),
        (["--ignore-columns", "mass,noise,speed"], "did you mean 'speed, m/s'"),
        (["--bounds", "mass=1:2"], "add --next"),
        (["--next", "--bounds", "mas=1:2"], "did you mean 'mass'"),
        (["--next", "--bounds", "mass=2:1"], "column=low:high"),
        (["--next", "--bounds", "mass=1,noise=1,speed, m/s=1"], "column=low:high"),
        (["--next", "--bounds", "mass=1,noise=1", "--bounds", "speed, m/s=1"], "a column that is free"),
        (["--next", "--bounds", "mass=1,mass=2"], "more than once"),
        (["--next", "--drop", "noise", "--bounds", "noise=2"], "be among those"),
        (["--next", "--export", "c"], "cannot be combined"),
        (["-q", "--cost", "sni=3"], "The option --cost must be one of"),
        (["-q", "--cost", "sin=2000"], "The option --cost of 'sin' must be"),
        (["-q", "--only-functions", "sni"], "The option --only-functions must hold"),
        (["-q", "--units", "mass=kg"], "for the target 'E'"),
        (["-q", "--x-sigma", "mass=-1"], "The option --x-sigma must be"),
    ],
)
def test_bad_words_end_in_one_sentence_and_code_2(edgewise, data, words, sentence):
    done = edgewise("formula", data, "-t", "E", *words)
    assert done.code == 2
    assert sentence in done.err
    assert is_one_sentence(done.err)
    assert done.out == ""


# ---- on the way


def test_progress_keeps_the_best_formula_in_sight():
    shown: list[str] = []
    note = BestSoFar(lambda record: shown.append(record.note) or False, "E")  # pyright: ignore[reportArgumentType]

    def tell(phase: str, error: float | None, text: str) -> None:
        assert note(Record(phase, 1, math.nan, error, 0.0, 0, text)) is False

    tell("start 1/2", 0.5, "a network")
    tell("formula", 3.0, "x")
    tell("formula", 1.0, "x^2")
    tell("formula", 1.0, "x^3")
    tell("start 2/2", 0.1, "")
    assert shown == ["a network", "best so far: E = x", *["best so far: E = x^2"] * 3]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_gives_the_best_so_far_and_130(edgewise, noisy, monkeypatch):
    def press(note: BestSoFar, record: Record) -> bool:
        if record.phase == "formula" and math.isfinite(record.loss):
            os.kill(os.getpid(), signal.SIGINT)
        return False

    monkeypatch.setattr(BestSoFar, "__call__", press)
    done = edgewise("formula", noisy, "-t", "E", "--json", "--out", "results")
    assert done.code == 130, done.err
    told = json.loads(done.out)
    assert told["stop_reason"] == "interrupted"
    assert told["front"]
    assert sorted(path.name for path in Path("results").iterdir()) == sorted(FORMULA_FILES)
    assert StopReason.INTERRUPTED.advice in Path("results/report.html").read_text()


# ---- why it ended


@pytest.mark.slow
def test_each_answer_says_why_the_search_ended(edgewise, data):
    assert json.loads(run(edgewise, data, "--json").out)["stop_reason"] == "exact"
    done = run(edgewise, data, "--out", "results")
    assert done.out.rstrip().endswith(StopReason.EXACT.advice)
    page = Path("results/report.html").read_text()
    assert not any(str(escape(reason.advice)) in page for reason in StopReason if not reason.repeatable)


def test_after_a_time_limit_every_answer_says_that_it_may_differ(edgewise, noisy, late):
    told = run(edgewise, noisy, "--seconds", 0.1, "--json", "--out", "results")
    (data, page), advice = (
        (json.loads(told.out), Path("results/report.html").read_text()),
        StopReason.TIME_LIMIT.advice,
    )
    assert "may differ from run to run" in advice
    assert data["stop_reason"] == "time_limit"
    assert advice in data["message"]
    assert f'<p class="cut-short">{escape(advice)}</p>' in page
    assert run(edgewise, noisy, "--seconds", 0.1).out.rstrip().endswith(advice)
    code = run(edgewise, noisy, "--seconds", 0.1, "--export", "c")
    assert advice in code.err
    assert advice not in code.out


def messy() -> pa.Table:
    """A law with two gross errors, noise that is known, and a missing cell."""
    energy = MASS * SPEED**2 / 2 + BLUR
    energy[[3, 40]] += [500.0, -800.0]
    cells = [None if at == 7 else value for at, value in enumerate(energy.tolist())]
    return pa.table({"mass": MASS, "speed": SPEED, "blur": np.full(80, 0.05), "E": cells})


@pytest.mark.slow
def test_messy_measurements_are_told_apart(edgewise) -> None:
    write_frame(messy(), "messy.parquet")
    done = edgewise(
        "formula", "messy.parquet", "-t", "E", "--sigma", "blur", "--loss", "robust", "--work", 0.02, "-q"
    )
    assert done.code == 0, done.err
    assert "2 rows set aside as gross errors, which no formula explains: data rows 4 and 41." in done.out
    assert "1 row of 80 left out: cells are missing in 'E' (1)." in done.out
    assert "Chi-square per degree of freedom is" in done.out
    assert "mass*speed^2/2" in done.out
    write_frame(messy(), "messy.csv")
    done = edgewise("formula", "messy.csv", "-t", "E", "--work", 0.02, "-q", "--json")
    told = json.loads(done.out)
    assert told["gross_errors"] == [4, 41]
    assert "data rows 4 and 41; a robust loss searches without such rows." in told["message"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sigma", "blur", "--weight", "blur"), "must not both be given"),
        (("--sigma", "E"), "must not be the target"),
        (("--weight", "wight"), "has no column 'wight'"),
        (("--weight", "blur", "--columns", "mass,blur"), "must not be among those a formula may use"),
        (("--loss", "absolute"), "absolute"),
    ],
)
def test_weights_that_make_no_sense_end_in_one_sentence(edgewise, options, said: str) -> None:
    write_frame(messy(), "messy.parquet")
    done = edgewise("formula", "messy.parquet", "-t", "E", *options)
    assert done.code == 2
    assert said in " ".join(done.err.replace("│", " ").split())


@pytest.mark.slow
def test_one_law_for_groups(edgewise, tmp_path):
    t = np.linspace(0, 5, 30)
    rates = {"cup": 0.9, "pot": 0.5, "bath": 0.2}
    lines = [f"{time},{name},{20 + 50 * np.exp(-rate * time)}" for name, rate in rates.items() for time in t]
    table = tmp_path / "cool.csv"
    table.write_text("\n".join(["minute,vessel,temperature", *lines]))
    words = ["formula", table, "-t", "temperature", "--groups", "vessel", "--work", "0.02", "--quiet"]
    done = edgewise(*words, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["best"]
    assert found["text"] == "50*exp(-a*minute) + 20"
    assert {item["group"]: round(item["a"]["value"], 6) for item in found["own"]} == rates
    assert edgewise(*words, "--exclude-functions", "sin,cos,tanh").code == 0
    refused = edgewise(*words, "--pick", "2")
    assert refused.code == 2
    assert "--groups cannot be combined with --pick" in refused.err
    assert "must not be the target" in edgewise(*words, "--groups", "temperature").err
    assert "must not be among --columns" in edgewise(*words, "--columns", "minute,vessel").err


@pytest.mark.slow
@pytest.mark.parametrize(
    "labels", [("2020-01-01", "2020-02-01", "2020-03-01"), ("1", "2", "3")], ids=["days", "numbers"]
)
def test_groups_of_days_and_numbers_predict_from_the_folder(edgewise, tmp_path, labels):
    """Named as they stand in the table, in the answer and in what predicts."""
    t = np.linspace(0, 5, 20)
    rates = dict(zip(labels, (0.9, 0.5, 0.2), strict=True))
    rows = [(time, name, 20 + 60 * np.exp(-rate * time)) for name, rate in rates.items() for time in t]
    table, out = tmp_path / "cool.csv", tmp_path / "law"
    table.write_text("\n".join(["minute,run,y", *(f"{a},{b},{c}" for a, b, c in rows)]))
    done = edgewise("formula", table, "-t", "y", "--groups", "run", "--work", "0.02", "--out", out, "--json")
    assert done.code == 0, done.err
    assert [str(item["group"]) for item in json.loads(done.out)["best"]["own"]] == list(labels)
    predicted = edgewise("predict", out / "formula.kan", table)
    assert predicted.code == 0, predicted.err
    values = [float(line.split(",")[2]) for line in predicted.out.splitlines()[1:]]
    np.testing.assert_allclose(values, [y for *_, y in rows], rtol=1e-9)
    table.write_text("minute,run\n1,9999-01-01\n" if "-" in labels[0] else "minute,run\n1,9\n")
    new = edgewise("predict", out / "formula.kan", table)
    assert new.code == 2
    assert is_one_sentence(new.err)
    assert "--learn FILE learns its constants from its rows" in new.err


@pytest.mark.slow
def test_words_in_the_table_are_groups_unasked(edgewise):
    t = np.linspace(0, 5, 60)
    lines = [f"{time},{'cup' if at % 2 else 'pot'},{(2 + at % 2) * time + 7}" for at, time in enumerate(t)]
    Path("heat.csv").write_text("\n".join(["minute,vessel,heat", *lines]))
    words = ["formula", "heat.csv", "-t", "heat", "--work", "0.02", "--quiet"]
    done = edgewise(*words, "--out", "law", "--plot", "law.png")
    assert done.code == 0, done.err
    assert "a*minute + 7" in done.out
    assert "cup" in done.out
    assert Path("law.png").stat().st_size > 1000
    told = json.loads(edgewise("predict", "law/formula.kan", "heat.csv", "--json").out)["predictions"]
    assert [entry["heat_predicted"] for entry in told] == pytest.approx(
        [float(line.split(",")[2]) for line in lines]
    )
    Path("new.csv").write_text("minute,vessel\n1,jug")
    new = edgewise("predict", "law/formula.kan", "new.csv")
    assert new.code == 2
    assert is_one_sentence(new.err)
    assert "jug" in new.err
    refused = edgewise(*words, "--pick", "2")
    assert refused.code == 2
    assert "cannot be combined with --pick" in refused.err
    assert edgewise(*words, "--drop", "vessel", "--work", "0.001", "--json").code == 0


@pytest.mark.slow
def test_a_law_of_groups_is_written_drawn_and_predicts(edgewise):
    t = np.linspace(0, 5, 30)
    lines = [f"{time},{vessel},{20 + 50 * np.exp(-0.3 * vessel * time)}" for vessel in (1, 2) for time in t]
    missing = [",1,40", "2,2,"]  # rows that are left out
    Path("cool.csv").write_text("\n".join(["minute,vessel,temperature", *lines, *missing]))
    words = ["formula", "cool.csv", "-t", "temperature", "--groups", "vessel", "--work", "0.02", "--quiet"]
    done = edgewise(*words, "--out", "law", "--plot", "law.png")
    assert done.code == 0, done.err
    assert Path("law.png").stat().st_size > 1000
    Path("whole.csv").write_text("\n".join(["minute,vessel,temperature", *lines]))
    done = edgewise("predict", "law/formula.kan", "whole.csv", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)["predictions"]
    truth = [float(line.split(",")[2]) for line in lines]
    assert [entry["temperature_predicted"] for entry in told] == pytest.approx(truth)
    Path("new.csv").write_text("minute,vessel\n1,3")
    new = edgewise("predict", "law/formula.kan", "new.csv")
    assert new.code == 2
    assert is_one_sentence(new.err)
    assert edgewise(*words, "--out", "law").code == 2
    # A vessel that was not there, and one of which nothing new is known.
    measured = {value: 20 + 50 * np.exp(-0.9 * value) for value in (0.5, 1.5, 3.0)}
    rows = [*(f"{name},3,{value}" for name, value in measured.items()), "4,3,", "2,1,"]
    Path("new.csv").write_text("\n".join(["minute,vessel,temperature", *rows]))
    words = ["predict", "law/formula.kan", "new.csv", "--learn", "new.csv", "--save", "wider.kan", "--json"]
    done = edgewise(*words)
    assert done.code == 0, done.err
    assert "Note: 3: " in done.err
    assert "from 3 rows." in done.err
    assert "Note: 1: " not in done.err
    told = [prediction["temperature_predicted"] for prediction in json.loads(done.out)["predictions"]]
    assert told == pytest.approx([*measured.values(), 20 + 50 * np.exp(-3.6), 20 + 50 * np.exp(-0.6)])
    assert edgewise("predict", "wider.kan", "new.csv", "--json").out == done.out
    assert edgewise(*words).code == 2  # wider.kan is there


@pytest.mark.slow
def test_learning_is_refused_where_there_is_nothing_to_learn(edgewise, data):
    run(edgewise, data, "--out", "results")
    for words, said in (
        (["--learn", data], "constants of each group's own"),
        (["--save", "new.kan"], "must come with --learn"),
    ):
        refused = edgewise("predict", "results/formula.kan", data, *words)
        assert refused.code == 2
        assert is_one_sentence(refused.err)
        assert said in refused.err


@pytest.mark.slow
def test_the_formula_in_the_folder_predicts(edgewise, data):
    run(edgewise, data, "--out", "results")
    Path("new.csv").write_text('mass,"speed, m/s",noise\n2,2,2\n2,9,2\n,2,2\n')
    done = edgewise("predict", "results/formula.kan", "new.csv", "-o", "told.csv")
    assert done.code == 0, done.err
    assert "1 outside the training range" in done.err
    told = read_frame(Path("told.csv"))
    assert told.column("E_predicted").to_pylist() == [pytest.approx(4), pytest.approx(81), None]
    for words in (["explain"], ["verify", "-p", "monotone(mass, increasing)"], ["export", "-o", "law.c"]):
        refused = edgewise(words[0], "results/formula.kan", *words[1:])
        assert refused.code == 2
        assert is_one_sentence(refused.err)


@pytest.mark.slow
def test_constraints_are_kept_and_proved(edgewise, data):
    words = ["formula", data, "-t", "E", "--work", "0.02", "--quiet"]
    kept = [
        "--constraint",
        "increasing(mass)",
        "--constraint",
        "E = 0 at mass = 0",
        "--constraint",
        "never sin(cos)",
    ]
    done = edgewise(*words, *kept)
    assert done.code == 0, done.err
    assert "Proved: increasing(mass)" in " ".join(done.out.split())
    told = json.loads(edgewise(*words, *kept, "--json").out)
    assert [constraint["status"] for constraint in told["constraints"]] == ["proved"] * 3
    assert told["formula"]["text"] == "mass*speed__m_s^2/2" or "mass" in told["formula"]["text"]
    refused = edgewise(*words, "--constraint", "rising(mass)")
    assert refused.code == 2
    assert is_one_sentence(refused.err)


@pytest.mark.slow
def test_constraints_that_no_formula_satisfies_end_in_exit_code_1(edgewise, data):
    words = ["formula", data, "-t", "E", "--work", "0.002", "--quiet", "--constraint", "E >= 1e6"]
    done = edgewise(*words, "--out", "law")
    assert done.code == 1
    shown = " ".join(done.out.split())
    assert "No formula was found that satisfies E >= 1e6" in shown
    assert "Refuted: E >= 1e6" in shown
    assert "Warning" not in done.err
    told = json.loads(Path("law/formulas.json").read_text())
    assert told["broken"] == ["E >= 1e6"]
    assert [constraint["status"] for constraint in told["constraints"]] == ["refuted"]
    assert "No formula was found that satisfies E &gt;= 1e6" in Path("law/report.html").read_text()
    assert "1 property: 1 refuted" in Path("law/report.html").read_text()


@pytest.mark.slow
def test_functions_have_costs(edgewise, data):
    words = ["formula", data, "-t", "E", "--work", "0.02", "--quiet", "--json"]
    done = edgewise(*words, "--cost", "sqrt=9,sin=3")
    assert done.code == 0, done.err
    assert "sqrt" not in json.loads(done.out)["formula"]["text"]
    for cost in ("sin", "sin=3.5", "sine=3"):
        refused = edgewise(*words, "--cost", cost)
        assert refused.code == 2
        assert is_one_sentence(refused.err)


@pytest.mark.slow
def test_errors_of_columns_are_a_number_or_a_column(edgewise, noisy):
    words = ["formula", noisy, "-t", "E", "--work", "0.005", "--quiet", "--json"]
    done = edgewise(*words, "--x-sigma", "mass=0.01,speed=0.02")
    assert done.code == 0, done.err
    assert "Errors in mass, speed" in json.loads(done.out)["message"]
    for wrong in ("mass", "mas=0.1", "mass=heavy", "E=0.1"):
        refused = edgewise(*words, "--x-sigma", wrong)
        assert refused.code == 2, wrong
        assert is_one_sentence(refused.err)


@pytest.mark.slow
def test_errors_stated_in_the_file_judge_the_rows_missed_most(edgewise, monkeypatch):
    x = np.round(np.linspace(0.5, 3.0, 24), 3)
    y = np.round(2.5 * x + 0.05 * RNG.normal(size=24), 4)
    spread = np.where(np.arange(24) < 12, 0.3, 0.02)
    lines = [
        f"{a:.3f}±0.04,{b:.4f}±{c},{'pq'[k % 2]}"
        for k, (a, b, c) in enumerate(zip(x, y, spread, strict=True))
    ]
    Path("stated.csv").write_text("x,y,run\n" + "\n".join(lines) + "\n")
    words = ("formula", "stated.csv", "-t", "y", "--work", 0.02, "-c", "x")
    told = json.loads(edgewise(*words, "-q", "--json").out)
    law = sympy.sympify(told["formula"]["exact_text"].replace("^", "**"))
    (symbol,) = law.free_symbols
    predicted = np.array([float(law.subs(symbol, value)) for value in x])
    slope = np.array([float(law.diff(symbol).subs(symbol, value)) for value in x])
    sigmas = (predicted - y) / np.sqrt(spread**2 + (slope * 0.04) ** 2)
    worst = np.argsort(-np.abs(sigmas))[:3]
    assert [load["row"] for load in told["missed"]] == (worst + 1).tolist()
    np.testing.assert_allclose([load["sigmas"] for load in told["missed"]], sigmas[worst], rtol=1e-3)
    shown = edgewise(*words, "-q", "--out", "law").out
    assert f"{told['missed'][0]['row']} (by {told['missed'][0]['sigmas']:+.1f} sigma)" in shown
    assert "leave-one-out RMSE" in shown
    assert "in \u03c3" in Path("law/report.html").read_text()


def test_errors_stated_in_the_file_are_never_unused_in_silence(edgewise, monkeypatch):
    Path("stated.csv").write_text(
        "x,y,run,n\n" + "".join(f"{k}±0.1,{k * k}±1,{'pq'[k % 2]},3\n" for k in range(12))
    )
    seen: dict[str, Any] = {}

    @functools.wraps(symbolic.find_formula)
    def watched(*_, **asked):
        seen.update(asked)
        raise InputError("Enough.")

    monkeypatch.setattr(SEARCH, watched)
    words = ("formula", "stated.csv", "-t", "y", "--columns", "x")
    assert "not use" not in edgewise(*words).err
    assert seen["sigma"].tolist() == [1.0] * 12
    assert seen["x_sigma"]["x"].tolist() == [0.1] * 12
    for option in (("--weight", "n"), ("--groups", "run")):
        told = edgewise(*words, *option).err
        assert [line for line in told.splitlines() if "not use" in line and ("'x'" in line or "'y'" in line)]
        assert told.count("not use") == 2


@pytest.mark.slow
def test_it_says_where_to_measure_next(edgewise, noisy):
    words = ("--work", 0.01, "--next")
    shown = run(edgewise, noisy, *words, "--bounds", "mass=1:30,speed=2").out
    first = shown.partition("the most informative place first:\n")[2].splitlines()[0]
    assert re.match(r" +1\. mass = \S+, speed = 2: \S+ is expected, give or take", first)
    told = json.loads(run(edgewise, noisy, *words, "--json").out)["next"]
    assert len(told) == 3
    for place in (entry["place"] for entry in told):
        assert MASS.min() <= place["mass"] <= MASS.max()
        assert SPEED.min() <= place["speed"] <= SPEED.max()
    assert edgewise("formula", noisy, "-t", "E", "--next", "--groups", "mass").code == 2


@pytest.mark.slow
def test_the_units_of_constants_are_told(edgewise, noisy):
    """A target in seconds is no product of mass and speed: the factor carries what is missing."""
    words = ("--work", 0.01, "--units", "mass=kg,speed=m/s,E=s")
    told = json.loads(run(edgewise, noisy, *words, "--json").out)
    units = {constant["unit"] for constant in told["formula"]["constants"]}
    assert "s^3/kg/m^2" in units
    assert " in s^3/kg/m^2." in told["message"]
    assert " in s^3/kg/m^2." in run(edgewise, noisy, *words).out
