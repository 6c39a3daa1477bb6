"""The parts of the command line that need no subprocess."""

import inspect
import io
import json
import math
import os
import re
import signal
import warnings
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pyarrow as pa
import pytest
import torch
import typer
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rich.console import Console
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, roc_auc_score, root_mean_squared_error
from tests.cli.conftest import is_one_sentence
from typer.testing import CliRunner

import edgewise as ew
from edgewise import KAN, FileError, InputError
from edgewise._core.work import StopError
from edgewise.cli.accuracy import measure, measures, rivals
from edgewise.cli.answer import to_json
from edgewise.cli.models import LoadedModel
from edgewise.cli.options import Request, command, option
from edgewise.cli.outcome import DEFECT, Interrupts, guarded, make_folder, refuse_to_overwrite
from edgewise.cli.predictions import with_predictions
from edgewise.cli.progress import ShownProgress
from edgewise.cli.summary import accuracy_table
from edgewise.report.evaluation.measures import yardsticks


@dataclass(frozen=True)
class Step:
    phase: str = "lm"
    step: int = 3
    loss: float = 0.25
    validation: float | None = 0.125
    note: str = "refined to 10 [intervals]"
    share: float | None = None


def recorded(terminal, quiet=False):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120, highlight=False)
    with ShownProgress(quiet, console) as progress:
        progress.begin("fit a network")
        progress._last_line = -math.inf  # as if the last line were long ago
        assert progress(Step()) is False
        progress.begin("simplify it")
        progress(Step(loss=math.nan, validation=None, note=""))
    return stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_stage_loss_error_time_and_note(terminal):
    text = recorded(terminal)
    for word in (
        "fit a network",
        "simplify it",
        "lm 3",
        "loss 0.25",
        "held-out 0.125",
        " s",
        "refined to 10 [intervals]",
    ):
        assert word in text
    assert "nan" not in text
    assert ("\x1b" in text) is terminal


def test_quiet_means_silent():
    assert recorded(False, quiet=True) == recorded(True, quiet=True) == ""


def test_log_lines_come_seconds_apart():
    stream = io.StringIO()
    with ShownProgress(console=Console(file=stream, force_terminal=False)) as progress:
        progress.begin("fit a network")
        for step in range(500):
            progress(Step(step=step))
    assert len(stream.getvalue().splitlines()) == 1


class Clock:
    """Time that passes when told to."""

    def __init__(self):
        self.now = 1e5

    def __call__(self):
        return self.now


@pytest.mark.parametrize("terminal", [True, False])
@given(share=st.floats(0.01, 0.99), took=st.floats(0.1, 1e4), since=st.floats(0.0, 10.0))
def test_progress_tells_the_share_of_the_work_and_the_time_that_the_rest_may_take(
    terminal, share, took, since
):
    clock, stream = Clock(), io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120, highlight=False)
    progress = ShownProgress(console=console, clock=clock)
    progress.begin("fit a network")
    clock.now += took
    progress._last_line = -math.inf  # as if the last line were long ago
    progress(Step(share=share))
    if terminal:
        clock.now += since
        console.print(progress._grid())
    else:
        since = 0.0
    told = re.search(r"(\d+) %, (\d+) (s|min) left at most", stream.getvalue())
    # At the same pace all of it takes took / share.
    left = max(took / share - took - since, 0.0)
    seconds = 1 if told[3] == "s" else 60
    assert int(told[1]) == math.floor(100 * share)
    assert int(told[2]) * seconds == pytest.approx(left, abs=0.51 * seconds)


@pytest.mark.parametrize("share", [None, 0.0, 0.004, 1.0])
def test_progress_promises_nothing_without_a_pace(share):
    stream, clock = io.StringIO(), Clock()
    with ShownProgress(
        console=Console(file=stream, force_terminal=False, width=120), clock=clock
    ) as progress:
        progress.begin("fit a network")
        clock.now += 10
        progress(Step(share=share, note=""))
    told = stream.getvalue()
    assert ("%" in told) is (share is not None)
    assert ("0 s left at most" in told) is (share == 1.0)
    assert ("left" in told) is (share == 1.0)


@given(st.integers(2, 20).flatmap(lambda n: hnp.arrays(float, (2, n), elements=st.floats(-1e3, 1e3))))
def test_errors_equal_those_of_scikit_learn(both):
    predicted, y = both
    entry = measure("model", predicted, y, "", 0.0, True)
    assert entry.rmse == pytest.approx(root_mean_squared_error(y, predicted))
    assert entry.mae == pytest.approx(mean_absolute_error(y, predicted))
    if np.ptp(y) > 1e-6:
        assert entry.r2 == pytest.approx(r2_score(y, predicted), rel=1e-6)


def test_r2_of_a_constant_target_is_undefined():
    assert math.isnan(measure("model", np.zeros(3), np.ones(3), "", 0.0, True).r2)


def test_measures_of_classes_equal_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 50)
    share = rng.uniform(0.01, 0.99, 50)
    told = measures(np.column_stack([1 - share, share]), y, yardsticks(2))
    assert list(told) == ["auc", "log_loss", "brier", "accuracy"]
    assert told["auc"] == pytest.approx(roc_auc_score(y, share))
    assert told["log_loss"] == pytest.approx(log_loss(y, share))
    assert told["accuracy"] == pytest.approx(np.mean((share > 0.5) == y))


def mixed(n=300, seed=0):
    """A table with words, gaps and truth values, and what follows from it without noise."""
    rng = np.random.default_rng(seed)
    x, flag = rng.uniform(-1, 1, n), rng.uniform(size=n) < 0.5
    kind = rng.choice(["oak", "elm", "ash"], n)
    gap = pa.array(np.where(rng.uniform(size=n) < 0.1, np.nan, x), from_pandas=True)
    frame = pa.table({"x": x, "kind": kind, "flag": flag, "gap": gap})
    return frame, 2.0 * x + np.where(kind == "oak", 1.0, 0.0) - 0.5 * flag


def test_rivals_are_fitted_on_the_training_rows_and_judged_on_the_others():
    frame, y = mixed()
    linear, boosted = rivals(frame[:200], y[:200], frame[200:], seed=0)
    assert (linear.name, boosted.name) == ("linear model", "gradient boosting")
    assert measures(linear.predicted, y[200:], yardsticks(0))["rmse"] < 0.05
    assert measures(boosted.predicted, y[200:], yardsticks(0))["rmse"] < 0.3
    assert boosted.size == "100 trees"
    again = list(rivals(frame[:200], y[:200], frame[200:], seed=0))[1]
    np.testing.assert_array_equal(again.predicted, boosted.predicted)


def test_rivals_give_every_class_a_column_even_one_they_never_saw():
    frame, y = mixed()
    classes = (y > 0).astype(int) * 2  # class 1 of three does not occur
    for rival in rivals(frame[:200], classes[:200], frame[200:], classes=3):
        assert rival.predicted.shape == (100, 3)
        np.testing.assert_allclose(rival.predicted.sum(axis=1), 1.0)
        assert not rival.predicted[:, 1].any()
        assert measures(rival.predicted, classes[200:], yardsticks(3))["accuracy"] > 0.9


def test_a_rival_that_cannot_be_fitted_is_named_and_does_no_harm(monkeypatch):
    from sklearn.linear_model import Ridge

    def broken(*_, **__):
        raise ValueError("no such\nthing.")

    monkeypatch.setattr(Ridge, "fit", broken)
    frame, y = mixed()
    linear, boosted = rivals(frame[:200], y[:200], frame[200:])
    assert (linear.trouble, len(linear.predicted)) == ("no such", 0)
    assert not boosted.trouble


def test_rivals_bear_numbers_of_any_size():
    frame = pa.table({"x": [1e300, -1e300, 1e-320, np.inf, 3.0] * 20, "k": ["a", "b", None, "a", "b"] * 20})
    y = np.arange(100.0)
    assert not any(rival.trouble for rival in rivals(frame[:80], y[:80], frame[80:]))


def test_weights_count():
    frame, y = mixed()
    weight = np.ones(200)
    weight[:100] = 0.0
    wrong = np.concatenate([y[:100] + 5.0, y[100:200]])
    linear = next(iter(rivals(frame[:200], wrong, frame[200:], weight=weight)))
    assert measures(linear.predicted, y[200:], yardsticks(0))["rmse"] < 0.1


def test_the_table_marks_the_best_and_keeps_what_cannot_be_computed_readable():
    console = Console(file=io.StringIO(), width=100, record=True)
    row = measure("[a]", np.zeros(3), np.ones(3), "2 constants", 0.0, True)
    for part in accuracy_table((row,), (measures(np.zeros(3), np.ones(3), yardsticks(0)),), 3):
        console.print(part)
    text = console.export_text()
    assert "[a]" in text
    assert "nan" not in text


@given(
    st.recursive(
        st.none() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_is_strict(data):
    json.loads(to_json(data), parse_constant=lambda word: pytest.fail(word))


def test_existing_files_stop_the_work_unless_forced(tmp_path):
    there, free = tmp_path / "there", tmp_path / "free"
    there.touch()
    refuse_to_overwrite([free], force=False)
    refuse_to_overwrite([there, free], force=True)
    with pytest.raises(InputError, match="--force"):
        refuse_to_overwrite([free, there], force=False)


def test_a_folder_that_cannot_be_made_is_answered(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot be created"):
        make_folder(tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("One sentence."), 2), (FileError("Full."), 2), (KeyboardInterrupt(), 130)]
)
def test_errors_become_exit_codes(error, code, capsys):
    def command():
        raise error

    with pytest.raises(typer.Exit) as caught:
        guarded(command)()
    assert caught.value.exit_code == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def broken():
    raise ZeroDivisionError("by zero\nand more")


def test_a_defect_of_ours_is_named_as_such_and_not_as_bad_input(capsys, monkeypatch):
    monkeypatch.delenv("EDGEWISE_TRACEBACK", raising=False)
    with pytest.raises(typer.Exit) as caught:
        guarded(broken)()
    assert caught.value.exit_code == DEFECT
    text = capsys.readouterr().err
    assert is_one_sentence(text)
    assert "ZeroDivisionError: by zero and more" in text
    assert "--verbose" in text
    monkeypatch.setenv("EDGEWISE_TRACEBACK", "1")
    with pytest.raises(typer.Exit):
        guarded(broken)()
    assert "Traceback" in capsys.readouterr().err


def test_a_warning_is_said_in_its_own_words(capsys):
    def command():
        warnings.simplefilter("default")
        warnings.warn("The columns\nare dark.", stacklevel=1)

    before = warnings.showwarning
    guarded(command)()
    assert capsys.readouterr().err == "Warning: The columns are dark.\n"
    assert warnings.showwarning is before


def test_a_reader_that_left_is_no_error(capsys, monkeypatch):
    import sys

    def command():
        raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", sys.stdout)
    with pytest.raises(typer.Exit) as caught:
        guarded(command)()
    sys.stdout.close()
    assert caught.value.exit_code == 141
    assert capsys.readouterr().err == ""


def test_an_interruption_before_there_is_anything_is_no_fault_of_the_input(capsys):
    def end(interrupted):
        with Interrupts() as interrupts:
            interrupts.happened = interrupted
            raise InputError("Nothing was found.")

    with pytest.raises(typer.Exit) as left:
        end(True)
    assert left.value.exit_code == 130
    assert capsys.readouterr().err == "Error: Nothing was found.\n"
    with pytest.raises(InputError):
        end(False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interruption_asks_training_to_stop_and_the_second_ends_at_once(number, capfd):
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        assert interrupts(Step()) is None
        os.kill(os.getpid(), number)
        assert interrupts.happened
        with pytest.raises(StopError) as stop:
            interrupts(Step())
        assert stop.value.reason == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
    assert "best so far" in capfd.readouterr().err


def plain(network):
    return LoadedModel(network, network.input_names, network.output_names)


def test_predictions_stand_beside_the_columns_whatever_their_order():
    network = KAN([2, 2, 1], input_names=["a", "b"], output_names=["y"], seed=0, dtype=torch.float64)
    table = pa.table({"b": [0.1, 5.0], "note": ["u", "v"], "a": [0.2, 0.3]})
    made = with_predictions(plain(network), table)
    assert made.frame.column_names == ["a", "b", "y_predicted", "outside_training_range"]
    np.testing.assert_array_equal(
        made.frame.column("y_predicted"), network.predict([[0.2, 0.1], [0.3, 5.0]])[:, 0]
    )
    assert made.frame.column("outside_training_range").to_pylist() == [False, True]
    assert made.outside == 1
    kept = with_predictions(plain(network), table, keep=True)
    assert kept.frame.column_names == ["b", "note", "a", "y_predicted", "outside_training_range"]
    with pytest.raises(InputError, match="y_predicted"):
        with_predictions(plain(network), kept.frame, keep=True)


def test_rows_with_gaps_can_be_left_out():
    network = KAN([2, 1], input_names=["a", "b"], output_names=["y"], seed=0, dtype=torch.float64)
    table = pa.table({"a": [0.1, None, 0.3], "b": [0.1, 0.2, np.nan], "id": [1, 2, 3]})
    with pytest.raises(InputError, match="'a' of the table must have no missing cells"):
        with_predictions(plain(network), table)
    kept = with_predictions(plain(network), table, keep=True, drop_missing=True).frame
    assert kept.column("id").to_pylist() == [1]
    with pytest.raises(InputError, match="at least one row without missing"):
        with_predictions(plain(network), table[1:], drop_missing=True)


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"b": [1.0], "aa": [1.0]}, "did you mean 'aa'"),
        ({"c": [1.0]}, "no column 'a', 'b'; the model needs 2 columns"),
        ({"a": ["u"], "b": [1.0]}, "must hold numbers"),
    ],
)
def test_columns_a_model_needs_are_named(columns, word):
    network = KAN([2, 1], input_names=["a", "b"], seed=0, dtype=torch.float64)
    with pytest.raises(InputError, match=word):
        with_predictions(plain(network), pa.table(columns))


@pytest.mark.slow
def test_commands_on_a_plain_network(edgewise, tmp_path):
    network = KAN([2, 2, 1], input_names=["a", "b"], output_names=["y"], seed=0, dtype=torch.float64)
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (60, 2))
    network = ew.edits.scale_to_data(network, X, network.predict(X)).network
    ew.save(network, "model.kan")
    ew.data.write_table(
        ew.data.to_table({"a": X[:, 0], "b": X[:, 1], "y": network.predict(X)[:, 0]}), "data.csv"
    )
    done = edgewise("predict", "model.kan", "data.csv", "-o", "out.parquet", "--json")
    assert (done.code, json.loads(done.out)) == (0, {"rows": 60, "outside": 0, "file": "out.parquet"})
    told = json.loads(edgewise("predict", "model.kan", "data.csv", "--json", "-q").out)["predictions"]
    np.testing.assert_allclose([row["y_predicted"] for row in told], network.predict(X)[:, 0], rtol=1e-12)
    done = edgewise("report", "model.kan", "data.csv", "-o", "page.html", "--json", "-q")
    assert done.code == 0, done.err
    rmse = {row["model"]: row["rmse"] for row in json.loads(done.out)["accuracy"]}
    assert rmse["network"] < 1e-9 < rmse["linear model"]
    assert "<html" in (tmp_path / "page.html").read_text()
    again = edgewise("report", "model.kan", "data.csv", "-o", "page.html")
    assert again.code == 2
    assert "--force" in again.err


class NumberRequest(Request):
    """A request of a number."""

    number: Annotated[int, option("How many.", "-n")] = 3


def test_every_command_has_the_general_options_and_is_told_those_it_names():
    heard = []

    def run(asked):
        heard.append((asked.number, asked.quiet))

    app = typer.Typer()
    app.command()(command(NumberRequest, run))
    result = CliRunner().invoke(app, ["--quiet", "--verbose", "--number", "4"])
    assert result.exit_code == 0
    assert heard == [(4, True)]
    names = list(inspect.signature(command(NumberRequest, run)).parameters)
    assert names == ["number", "threads", "quiet", "verbose", "json", "config"]
