"""The command line, run as a user runs it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgewise import load
from edgewise.data import read_frame

pytestmark = pytest.mark.slow

# Seconds after which a command hangs, however busy the machine.
HANGS = 600


def edgewise(*words, text=""):
    command = [sys.executable, "-W", "error", "-m", "edgewise.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANGS, input=text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("journey")


@pytest.fixture(scope="module")
def data(folder):
    """A law anyone can check: y = a^2 + 3 b, a little noise, one column that has no say, one that names the rows."""
    rng = np.random.default_rng(0)
    a, b, idle = rng.uniform(-1, 1, (3, 150))
    y = a**2 + 3 * b + rng.normal(0, 1e-3, 150)
    path = folder / "data.csv"
    rows = [
        f"{i:.6f},{j:.6f},{k:.6f},{v:.6f},row{n}"
        for n, (i, j, k, v) in enumerate(zip(a, b, idle, y, strict=True))
    ]
    path.write_text("a,b,idle,y,label\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def fitted(folder, data):
    """One run of `edgewise fit` that several tests look at."""
    out = folder / "out"
    done = edgewise("fit", data, "--target", "y", "--columns", "a,b", "--work", 0.02, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    return out, done


@pytest.mark.parametrize("words", [[], ["fit"]])
def test_help_imports_nothing_heavy(words):
    code = (
        f"import sys\nfrom edgewise.cli import main\n"
        f"try: main({[*words, '--help']})\nexcept SystemExit as leave: assert not leave.code\n"
        "heavy = {'torch', 'scipy', 'sympy', 'sklearn', 'matplotlib', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    commands = ("demo", "fit", "predict", "formula", "report", "export", "doctor")
    assert words or all(f" {name} " in done.stdout for name in commands)


def test_fit_writes_its_files_and_says_how_good_it_is(fitted):
    out, done = fitted
    result = json.loads(done.stdout)
    assert result["rows"] == {"fitted": 120, "held_out": 30}
    assert result["columns"] == ["a", "b"]
    rmse = {entry["model"]: entry["rmse"] for entry in result["accuracy"]}
    assert {
        "linear model",
        "gradient boosting",
        "network",
        "small network",
        "formula",
    } <= set(rmse)
    assert rmse["formula"] < 3e-3 < rmse["linear model"]
    assert rmse["small network"] < rmse["gradient boosting"]
    assert "<html" in (out / "report.html").read_text()
    assert list(load(out / "model.kan").feature_names_in_) == ["a", "b"]
    assert load(out / "network.kan").input_names == ("a", "b")
    assert "learn" in done.stderr
    assert done.stderr.isprintable() or "\x1b" not in done.stderr


def test_the_formula_is_the_law(fitted):
    best = json.loads(fitted[1].stdout)["formula"]
    import sympy

    found = sympy.sympify(best["text"], locals={name: sympy.Symbol(name) for name in ("a", "b")})
    a, b = np.random.default_rng(1).uniform(-1, 1, (2, 50))
    values = sympy.lambdify(sympy.symbols("a b"), found, "numpy")(a, b)
    np.testing.assert_allclose(values, a**2 + 3 * b, atol=5e-3)


def test_existing_results_are_not_overwritten(fitted, data):
    out, _ = fitted
    before = (out / "model.kan").read_bytes()
    done = edgewise("fit", data, "--target", "y", "--out", out)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (out / "model.kan").read_bytes() == before


def test_predict_flags_what_lies_outside_the_training_range(fitted, folder):
    model = fitted[0] / "model.kan"
    rows = "b;a;name\n0,5;0,25;inside\n0,5;40;outside\n"
    (folder / "new.csv").write_text(rows)
    out = folder / "predicted.csv"
    done = edgewise("predict", model, folder / "new.csv", "-o", out, "--keep")
    assert done.returncode == 0, done.stderr
    assert "1 outside" in done.stderr
    table = read_frame(out)
    assert table.column_names == ["b", "a", "name", "y_predicted", "outside_training_range"]
    assert table.column("outside_training_range").to_pylist() == [False, True]
    predicted = table.column("y_predicted").to_numpy()
    assert predicted[0] == pytest.approx(0.25**2 + 1.5, abs=0.05)
    np.testing.assert_allclose(
        predicted, load(model).predict({"a": [0.25, 40.0], "b": [0.5, 0.5]}), rtol=1e-12
    )
    piped = edgewise("predict", model, "-", "--keep", "-q", text=rows)
    assert piped.returncode == 0, piped.stderr
    assert (piped.stdout, piped.stderr) == (out.read_text(), "")


def test_formula_prints_a_front(data):
    done = edgewise("formula", data, "-t", "y", "-c", "a", "-c", "b", "--work", 0.02, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    front = json.loads(done.stdout)["front"]
    assert front
    complexity = [entry["complexity"] for entry in front]
    error = [entry["error"] for entry in front]
    assert complexity == sorted(complexity)
    assert error == sorted(error, reverse=True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fit", "nowhere.csv", "-t", "y"], "The file nowhere.csv does not exist"),
        (["predict", "DATA", "DATA"], "data.csv"),
    ],
)
def test_bad_input_ends_in_one_sentence_and_exit_code_2(words, sentence, data):
    done = edgewise(*(data if word == "DATA" else word for word in words))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert not list(Path().glob("**/*.kan"))


def test_unknown_options_end_with_exit_code_2():
    done = edgewise("fit", "--tarket", "y")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def completion(**environment):
    command = [str(Path(sys.executable).with_name("edgewise"))]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=HANGS, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell):
    assert "_EDGEWISE_COMPLETE" in completion(_EDGEWISE_COMPLETE=f"source_{shell}")


def test_completion_knows_commands_and_choices():
    def completed(words):
        asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        return completion(_EDGEWISE_COMPLETE="complete_bash", **asked).split()

    assert completed(["edgewise", "pr"]) == ["predict"]
    assert completed(["edgewise", "export", "m.kan", "--to", ""]) == ["numpy", "c", "onnx", "latex", "torch"]


def test_a_reader_that_leaves_early_is_no_error(fitted, folder):
    long = folder / "long.csv"
    long.write_text("a,b\n" + "0.5,0.5\n" * 50_000)
    command = [sys.executable, "-m", "edgewise.cli", "predict", str(fitted[0] / "model.kan"), str(long), "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 141
    assert errors == b""


def test_an_interruption_leaves_the_best_so_far_and_exit_code_130(data, folder):
    out = folder / "interrupted"
    words = ["fit", str(data), "-t", "y", "-c", "a,b,idle", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgewise.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.strip() == "learn":  # training begins; small tables are done with a second later
            break
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=HANGS)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "It was interrupted" in printed
    assert list(load(out / "model.kan").feature_names_in_) == ["a", "b", "idle"]
    assert (out / "report.html").exists()
