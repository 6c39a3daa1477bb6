"""Where results go: standard output, devices, full disks, and names of files that no table is written under."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from tests.cli.conftest import is_one_sentence

import edgewise as ew
from edgewise.cli import main
from edgewise.data import read_frame, write_frame

X = np.random.default_rng(0).uniform(-1, 1, (40, 2))


@pytest.fixture
def model():
    ew.save(ew.KAN([2, 1], input_names=["a", "b"], output_names=["y"], seed=0), "m.kan")
    write_frame(pa.table({"a": X[:, 0], "b": X[:, 1], "y": X[:, 0]}), "t.csv")
    return "m.kan"


def test_a_dash_is_standard_output(edgewise, model):
    predicted = edgewise("predict", model, "t.csv", "-q")
    assert edgewise("predict", model, "t.csv", "-q", "-o", "-").out == predicted.out != ""
    source = edgewise("export", model, "--to", "numpy")
    assert edgewise("export", model, "-o", "-", "--to", "numpy").out == source.out != ""
    assert edgewise("report", model, "t.csv", "-t", "y", "-q", "-o", "-").out.rstrip().endswith("</html>")
    proved = edgewise("verify", model, "output <= 100", "-q", "-c", "-")
    assert proved.out.startswith("{")
    assert "proved" in proved.err.lower()
    assert not os.path.exists("-")


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "m.kan", "t.csv", "-o", "-", "--json"),
        ("export", "m.kan", "--to", "c", "-o", "-", "--json"),
        ("report", "m.kan", "t.csv", "-o", "-", "--json"),
        ("verify", "m.kan", "output <= 1", "-c", "-", "--json"),
        ("fit", "t.csv", "-t", "y", "-o", "-"),
        ("formula", "t.csv", "-t", "y", "-o", "-"),
        ("formula", "t.csv", "-t", "y", "--plot", "nowhere/front.svg"),
        ("formula", "t.csv", "-t", "y", "-o", "law", "--plot", "nowhere/front.svg"),
        ("forecast", "t.csv", "-t", "y", "--time", "a", "-o", "nowhere/ahead.csv"),
        ("forecast", "t.csv", "-t", "y", "--time", "a", "-n", "200000"),
        ("predict", "m.kan", "t.csv", "-o", "nowhere/out.csv"),
        ("predict", "m.kan", "t.csv", "-o", "out.ods"),
        ("predict", "m.kan", "t.csv", "-o", "out.json"),
        ("predict", "m.kan", "t.csv", "-o", "out.xls"),
        ("predict", "m.kan", "t.csv", "-o", "/dev/full", "--force"),
        ("report", "m.kan", "t.csv", "-t", "y", "-o", "/dev/full", "--force"),
    ],
)
def test_places_that_will_not_do_are_one_sentence(edgewise, model, words):
    before = set(os.listdir())
    done = edgewise(*words)
    assert done.code == 2
    assert is_one_sentence([line for line in done.err.splitlines() if line][-1])
    assert done.out == ""
    assert set(os.listdir()) == before


def test_a_device_is_written_to_and_stays(edgewise, model):
    for words in (
        ("predict", model, "t.csv"),
        ("report", model, "t.csv", "-t", "y"),
        ("export", model, "--to", "c"),
    ):
        assert edgewise(*words, "-o", "/dev/null", "--force").code in (0, 2)  # C has a header beside it
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_disk_is_written_to_with_force_alone(edgewise, model, monkeypatch):
    monkeypatch.setattr(Path, "is_block_device", lambda path: path.name == "null")
    done = edgewise("predict", model, "t.csv", "-o", "/dev/null")
    assert (done.code, is_one_sentence(done.err)) == (2, True)
    assert edgewise("predict", model, "t.csv", "-q", "-o", "/dev/null", "--force").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("-o", ("predict", "m.kan", "t.csv")),
        ("-o", ("export", "m.kan", "--to", "numpy")),
        ("-o", ("report", "m.kan", "t.csv", "-t", "y")),
        ("-c", ("verify", "m.kan", "output <= 100")),
    ],
)
def test_a_pipe_hands_on_what_a_file_would_hold_and_stays(edgewise, model, option, words, force):
    """Nothing is replaced, so that nothing need be forced."""
    assert edgewise(*words, "-q", option, "file").code == 0
    os.mkfifo("pipe")
    told = []
    # As a daemon: it would wait for ever where nothing is written.
    reader = threading.Thread(target=lambda: told.append(Path("pipe").read_bytes()), daemon=True)
    reader.start()
    assert edgewise(*words, "-q", option, "pipe", *force).code == 0
    reader.join(60)
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    if words[0] == "report":  # drawn anew, at another moment
        assert told[0].rstrip().endswith(b"</html>")
    else:
        assert told == [Path("file").read_bytes()]
    # What is a file is replaced with --force alone.
    assert edgewise(*words, "-q", option, "file").code == 2
    assert edgewise(*words, "-q", option, "file", "--force").code == 0


@pytest.mark.parametrize(
    "words", [("predict", "m.kan", "t.csv"), ("export", "m.kan", "--to", "numpy"), ("--help",)]
)
def test_standard_output_that_is_full_is_one_sentence(model, words, monkeypatch, capsys):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as left:
            main(list(words))
    assert left.value.code == 2
    assert is_one_sentence(capsys.readouterr().err.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["out.csv", "out.tsv", "out.tsv.gz", "out.parquet", "out.feather", "out.xlsx"]
)
def test_every_kind_of_table_comes_back(edgewise, model, name):
    assert edgewise("predict", model, "t.csv", "-o", name).code == 0
    table = read_frame(name)
    assert table.column_names == ["a", "b", "y_predicted", "outside_training_range"]
    net = ew.load(model)
    np.testing.assert_allclose(table.column("y_predicted").to_numpy(), net.predict(X)[:, 0], rtol=1e-14)


def test_a_workbook_without_its_package_is_one_sentence(edgewise, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    done = edgewise("predict", model, "t.csv", "-o", "out.xlsx")
    assert done.code == 2
    assert "pip install 'edgewise[excel]'" in done.err
    assert not os.path.exists("out.xlsx")


def test_a_model_of_several_outputs_has_no_report(edgewise, model):
    ew.save(ew.KAN([2, 2], input_names=["a", "b"], seed=0), "two.kan")
    done = edgewise("report", "two.kan", "t.csv", "-t", "y", "-o", "r.html")
    assert (done.code, done.out) == (2, "")
    assert "must have one output. Got one with 2 ('y1', 'y2') instead" in done.err


@pytest.mark.parametrize(
    ("factor", "words", "sentence"),
    [
        (1e30, ("predict", "s.kan", "huge.csv"), "a finite answer for. Got none for row 1 of those asked"),
        (
            1e30,
            ("report", "s.kan", "huge.csv", "-t", "y", "-o", "r.html"),
            "a finite answer for. Got none for row 1",
        ),
        (
            1.0,
            ("report", "s.kan", "huge.csv", "-t", "y", "-o", "r.html"),
            "up to 1e+140, so that errors can be squared",
        ),
    ],
)
def test_rows_beyond_the_precision_of_a_model_are_named(edgewise, factor, words, sentence):
    net = ew.KAN([1, 1], input_names=["a"], output_names=["y"], seed=0, dtype=torch.float64)
    net.output_scale.fill_(factor)
    ew.save(net, "s.kan")
    write_frame(pa.table({"a": [1e300] * 12, "y": list(range(12))}), "huge.csv")
    done = edgewise(*words, "-q")
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err


def test_a_folder_for_several_files_is_not_named_like_one_of_them(edgewise, model):
    done = edgewise("fit", "t.csv", "-t", "y", "-q", "-o", "model.kan")
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert "--out model" in done.err
    assert not Path("model.kan").exists()


@pytest.mark.slow
def test_the_command_line_answers_where_the_command_is_not_on_the_path():
    done = subprocess.run(
        [sys.executable, "-m", "edgewise", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith(ew.__version__)
