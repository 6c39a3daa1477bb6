"""Every table runs, on tiny sizes; processes that fail leave a reason behind."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from edgewise import InputError
from edgewise.bench import (
    TABLES,
    Comparison,
    Job,
    NotMeasured,
    Results,
    Settings,
    jobs,
    machine,
    peers,
    plan,
    roofline,
    run,
)
from edgewise.bench.layers import LayerCase
from edgewise.bench.plots import drawings
from edgewise.bench.tables import amount, line, notes, rows
from edgewise.kernels.native.library import load

SMOKE = Settings(smoke=True)
ALONE = [job for job in plan() if job.table not in ("peers", "images")]


# Caches of any processor: those of a large server would have gigabytes read to get past them.
CACHES = {"L1": 1 << 15, "L2": 1 << 20}


def tame(patch):
    """The allocator of the tests' own process stays as it is, and memory is looked for just behind small caches."""
    patch.setattr(machine, "keep_memory", lambda: True)
    patch.setattr(machine, "caches", lambda: dict(CACHES))


@pytest.fixture(autouse=True)
def _tame(monkeypatch):
    tame(monkeypatch)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Images of noise in which one row of pixels says the digit."""
    draw = np.random.default_rng(0)
    file = tmp_path_factory.mktemp("digits") / "digits.npz"
    arrays = {}
    for part, count in (("train", 300), ("test", 60)):
        y = draw.integers(0, 10, count)
        x = draw.integers(0, 40, (count, 28, 28)).astype(np.uint8)
        x[np.arange(count), y, :] = 255
        arrays |= {f"x_{part}": x, f"y_{part}": y.astype(np.uint8)}
    np.savez(file, **arrays)
    return file


@pytest.fixture(scope="module")
def results():
    """All tables but those of images and of other packages."""
    with pytest.MonkeyPatch.context() as patch:
        tame(patch)
        # Most memory held is measured in a process of its own: one that has lived already has memory at hand.
        found = [
            finding
            for job in ALONE
            for finding in (run if job.table == "memory" else jobs.measure)(job, SMOKE)
        ]
    comparisons = tuple(each for each in found if isinstance(each, Comparison))
    missing = tuple(each for each in found if isinstance(each, NotMeasured))
    return Results("a machine", 1, False, comparisons, missing)


@pytest.mark.slow
def test_every_table_is_measured(results):
    untold = (set() if load() else {"roofline"}) | (set() if machine.forget_peak() else {"memory"})
    expected = {job.table for job in ALONE} - untold
    assert {each.table for each in results.comparisons} == expected
    for each in results.comparisons:
        assert 0 < each.low <= each.ratio <= each.high < math.inf, each
    assert all("Error" not in each.reason for each in results.missing), results.missing


def test_findings_survive_the_way_between_processes(results):
    for finding in (*results.comparisons, NotMeasured("peers", "pykan", "not installed")):
        assert jobs.from_line(jobs.to_line(finding)) == finding


def test_tables_have_the_same_columns_in_every_row(results):
    for table in TABLES:
        made = rows(results, table)
        assert len({tuple(row) for row in made}) <= 1, table
        assert all(isinstance(cell, str) for row in made for cell in row.values())
        assert all(sentence.endswith(".") for sentence in notes(results, table))
    (first, _) = rows(results, "layers")
    assert (first["in"], first["G"]) == ("8", "5")
    assert set(first) > {"Linear + SiLU", "Linear + SiLU, with base", "dense formulation"}


def test_drawings_are_of_what_was_measured(results):
    assert set(drawings(results)) == ({"layers", "roofline"} if load() else {"layers"})
    assert drawings(replace(results, comparisons=())) == {}


@pytest.mark.slow
def test_images_are_learned(digits):
    epoch, accuracy = jobs.measure(Job("images", "MNIST"), replace(SMOKE, data=digits))
    assert epoch.ratio > 0
    assert accuracy.ours > 15  # by chance it would be 10
    (missing,) = jobs.measure(Job("images", "MNIST"), SMOKE)
    assert "--data" in missing.reason


@pytest.mark.parametrize("name", peers.PEERS)
def test_packages_that_are_not_there_are_said_to_be_missing(name, monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda _: None)
    (missing,) = jobs.measure(Job("peers", name), SMOKE)
    assert "pip install" in missing.reason


@pytest.mark.slow
def test_a_package_is_measured_on_cells_and_a_step(monkeypatch):
    class Module:
        @staticmethod
        def KANLayer(inputs, outputs, grid_size, compile_basis):
            return torch.nn.Linear(inputs, outputs)

    monkeypatch.setattr(peers, "find_spec", lambda _: True)
    monkeypatch.setattr(peers, "import_module", lambda _: Module)
    layer, step = jobs.measure(Job("peers", "inkan"), SMOKE)
    assert (layer.measure, step.measure) == ("forward + backward", peers.STEP)


@pytest.mark.slow
@pytest.mark.skipif(load() is None, reason="there is no native library here")
def test_ceilings_are_plausible():
    # The best of a few: whatever interrupts a measurement only lowers it.
    tries = [roofline.ceilings(0.02) for _ in range(3)]
    top = {name: max(each[name] for each in tries) for name in tries[0]}
    assert top["float32"] > 1.5 * top["float64"] > 1e8
    assert top["L1"] > top["DRAM"] > 1e8


def test_bytes_count_every_array_once():
    cell = LayerCase(256, 128, 1000, 5)
    coef = 256 * 8 * 128
    assert roofline._moved(cell, "forward") == 4 * (256_000 + 128_000 + coef)
    assert roofline._moved(cell, "grad_input") == 4 * (512_000 + 128_000 + coef)
    assert roofline._bytes(replace(cell, batch=1))["coef"] == 4 * 256 * 4 * 128


def test_plans():
    assert {job.table for job in plan()} == set(TABLES)
    assert plan(["memory", "layers"])[0].table == "layers"
    assert plan(["peers"], []) == ()
    assert plan(["peers"], ["pykan"]) == (Job("peers", "pykan"),)
    assert Job("peers", "inkan-compiled") not in plan(quick=True)
    with pytest.raises(InputError, match="did you mean 'layers'"):
        plan(["layer"])
    with pytest.raises(InputError, match="did you mean 'pykan'"):
        plan(None, ["pykam"])


@pytest.mark.slow
def test_a_job_runs_in_a_process_of_its_own(tmp_path):
    (missing,) = run(Job("images", "MNIST"), Settings(smoke=True, data=tmp_path / "none.npz"))
    assert "FileNotFoundError" in missing.reason


def test_a_process_that_dies_leaves_a_reason(monkeypatch, tmp_path):
    program = tmp_path / "dies"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    (missing,) = run(Job("memory", "edgewise"), SMOKE)
    assert "SIGKILL" in missing.reason


def test_figures_are_readable():
    assert [
        amount(value, unit) for value, unit in ((2.5e-4, "s"), (3e-9, "s"), (1.5, "s"), (3.2e8, "B"))
    ] == [
        "250 µs",
        "0.003 µs",
        "1.50 s",
        "320 MB",
    ]
    assert line(NotMeasured("peers", "pykan", "not installed")) == "peers: pykan: not installed"
