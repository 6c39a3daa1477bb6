"""The parts of the command line that need no subprocess."""

import io
import json
import math
import os
import signal
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import typer
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rich.console import Console
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from edgewise import KAN, FileError, InputError
from edgewise.cli.accuracy import baselines, measure
from edgewise.cli.options import as_names
from edgewise.cli.outcome import Interrupts, guarded, make_folder, refuse_to_overwrite
from edgewise.cli.predictions import with_predictions
from edgewise.cli.progress import Progress
from edgewise.cli.summary import show_accuracy, to_json
from edgewise.data import to_table


@dataclass(frozen=True)
class Step:
    phase: str = "lm"
    step: int = 3
    loss: float = 0.25
    validation: float | None = 0.125
    note: str = "refined to 10 [intervals]"


def recorded(terminal, quiet=False):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120, highlight=False)
    with Progress(quiet, console) as progress:
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
    with Progress(console=Console(file=stream, force_terminal=False)) as progress:
        progress.begin("fit a network")
        for step in range(500):
            progress(Step(step=step))
    assert len(stream.getvalue().splitlines()) == 1


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


def test_baselines_are_fitted_on_the_training_rows_and_judged_on_the_others():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (200, 2))
    y = X @ [2.0, -1.0] + 0.5
    linear, boosted = baselines(X[:150], y[:150], X[150:], y[150:], seed=0)
    assert linear.rmse < 1e-12
    assert 1e-3 < boosted.rmse < 0.5
    again = baselines(X[:150], y[:150], X[150:], y[150:], seed=0)[1]
    assert again.rmse == boosted.rmse


def test_the_table_marks_the_best_and_keeps_what_cannot_be_computed_readable():
    console = Console(file=io.StringIO(), width=100, record=True)
    show_accuracy(console, (measure("[a]", np.zeros(3), np.ones(3), "2 constants", 0.0, True),), 3)
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


def test_columns_may_be_listed_or_repeated():
    assert as_names(["a, b", "c"]) == ("a", "b", "c")
    assert as_names(None) is None
    assert as_names([]) is None


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


def test_a_defect_of_ours_is_not_dressed_up_as_bad_input():
    def command():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded(command)()


def test_an_interruption_is_remembered_even_when_a_stage_answers_it():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.happened
    assert signal.getsignal(signal.SIGINT) is before


def test_predictions_stand_beside_the_columns_whatever_their_order():
    network = KAN([2, 2, 1], input_names=["a", "b"], output_names=["y"], seed=0, dtype=torch.float64)
    table = to_table({"b": [0.1, 5.0], "note": ["u", "v"], "a": [0.2, 0.3]})
    filled, outside = with_predictions(network, table)
    assert filled.names == ("b", "note", "a", "y_predicted", "outside_training_range")
    np.testing.assert_array_equal(
        filled.columns["y_predicted"], network.predict([[0.2, 0.1], [0.3, 5.0]])[:, 0]
    )
    assert filled.columns["outside_training_range"].tolist() == ["false", "true"]
    assert outside == 1
    with pytest.raises(InputError, match="y_predicted"):
        with_predictions(network, filled)
    with pytest.raises(InputError, match="no column 'a'"):
        with_predictions(network, to_table({"b": [1.0]}))
