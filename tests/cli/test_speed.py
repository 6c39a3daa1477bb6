"""`edgewise bench speed`: tables, files, and what an interruption leaves."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import is_one_sentence

from edgewise import bench
from edgewise.bench import Job, NotMeasured
from edgewise.bench.results import compare

PASS = compare(
    "layers", {"in": 8, "out": 8, "batch": 16, "G": 5, "base": "none"}, "pass", "Linear + SiLU", [3.0], [2.0]
)


@pytest.fixture
def measured(monkeypatch):
    """What was asked for, in place of measuring."""
    asked = []

    def run(job, settings):
        asked.append((job, settings))
        yield PASS if job.table == "layers" else NotMeasured(job.table, job.name, "not here")

    monkeypatch.setattr(bench, "run", run)
    return asked


def test_tables_are_shown(edgewise, measured):
    done = edgewise("bench", "speed", "--only", "layers,memory", "--quick", "--threads", 1)
    assert done.code == 0, done.err
    assert "1.50" in done.out
    assert "not here" in done.out
    assert {job.table for job, _ in measured} == {"layers", "memory"}
    assert all(settings.quick and settings.threads == 1 for _, settings in measured)


def test_json_and_files(edgewise, measured):
    done = edgewise("bench", "speed", "--only", "layers", "--json", "--out", "found", "-q")
    assert done.code == 0, done.err
    assert done.err == ""
    told = json.loads(done.out)
    assert told["comparisons"][0]["ratio"] == 1.5
    assert json.loads(Path("found/speed.json").read_text()) == told
    assert {path.name for path in Path("found").iterdir()} == {"speed.json", "layers.svg", "layers.png"}


def test_an_interruption_leaves_what_was_measured(edgewise, monkeypatch):
    def run(job, settings):
        yield PASS
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "run", run)
    done = edgewise("bench", "speed", "--out", "found")
    assert done.code == 130
    assert "1.50" in done.out
    assert len(json.loads(Path("found/speed.json").read_text())["comparisons"]) == 1


@pytest.mark.parametrize(
    "words", [("--only", "layer"), ("--peers", "pykam"), ("--data", "none.npz"), ("--threads", 0)]
)
def test_bad_words_end_in_a_sentence(edgewise, measured, words):
    done = edgewise("bench", "speed", *words)
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert measured == []


def test_other_packages_can_be_left_out(edgewise, measured):
    assert edgewise("bench", "speed", "--peers", "none").code == 0
    assert Job("peers", "pykan") not in [job for job, _ in measured]
