"""The examination of an installation."""

import json
import re
import tempfile
from importlib import metadata
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_limits

from edgewise.cli.commands import doctor
from edgewise.kernels.native import library


def test_a_sound_installation_passes(edgewise):
    done = edgewise("doctor")
    assert done.code == 0
    for word in ("python", "torch", "kernels", "GPU", "threads", "extra: onnx", "splines equal scipy's"):
        assert word in done.out
    checks = json.loads(edgewise("doctor", "--json").out)
    assert checks["healthy"] is True
    assert {check["state"] for check in checks["checks"]} <= {"ok", "missing", "note"}


def test_requirements_are_those_of_the_package():
    core = dict(doctor.requirements())
    assert {"torch", "numpy", "typer", "pyarrow"} <= set(core)
    assert core["torch"] == "2.6"
    assert dict(doctor.requirements("onnx")) == {"onnx": "1.16"}


def test_the_kernels_in_use_are_named(monkeypatch):
    native = library.NativeLibrary.__new__(library.NativeLibrary)
    native.shares_threads = True
    monkeypatch.setattr(library.NativeLibrary, "isa", "avx2")
    monkeypatch.setattr(library, "_outcome", (native, ""))
    assert doctor._backend() == doctor.Check(
        "kernels", "ok", "native kernels, avx2, threads shared with torch"
    )
    monkeypatch.setattr(library, "_outcome", library.find(Path("nowhere")))
    check = doctor._backend()
    assert (check.state, check.advice) == ("note", library.find(Path("nowhere"))[1].rpartition("; ")[2])
    assert "was not built" in check.found


def test_kernels_that_are_asked_for_and_not_there_are_broken(monkeypatch):
    monkeypatch.setattr(library, "_outcome", None)
    monkeypatch.setenv("EDGEWISE_BACKEND", "tensorflow")
    check = doctor._backend()
    assert check.state == "broken"
    assert "'native' or 'torch'" in check.found


def test_a_missing_extra_comes_with_the_command_that_installs_it(edgewise, monkeypatch):
    real = metadata.version

    def version(name):
        if name == "onnx":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    done = edgewise("doctor")
    assert done.code == 0
    assert "pip install 'edgewise[onnx]'" in " ".join(done.out.split())


@pytest.mark.parametrize("found", ["2.5.9", "1.26"])
def test_what_is_too_old_is_broken_and_ends_with_code_1(edgewise, monkeypatch, found):
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: found if name == "torch" else real(name))
    done = edgewise("doctor", "--json")
    assert done.code == 1
    (broken,) = [check for check in json.loads(done.out)["checks"] if check["state"] == "broken"]
    assert broken["name"] == "torch"
    assert broken["advice"] == "pip install 'torch>=2.6'"


def test_versions_compare_as_numbers():
    assert doctor._numbers("2.13.0+cpu") == (2, 13, 0)
    assert doctor._numbers("2.13.0rc1") > doctor._numbers("2.6")


@pytest.mark.parametrize("count", [1, 2])
def test_threads_of_torch_and_of_blas_come_with_what_to_set_in_a_loop_of_ones_own(count):
    before = torch.get_num_threads()
    try:
        with threadpool_limits(count):
            torch.set_num_threads(count)
            check = doctor._threads()
    finally:
        torch.set_num_threads(before)
    told = dict(re.findall(r"(\w+) (\d+)(?:,| in)", check.found))
    assert told["torch"] == str(count)
    assert len(told) > 1  # numpy brings a BLAS
    assert set(told.values()) == {str(count)}
    assert "torch.set_num_threads(1)" in check.advice


def test_a_folder_that_cannot_be_written_is_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert next(check for check in doctor.examine() if check.name == "temporary files").state == "broken"


def test_wrong_arithmetic_is_found(monkeypatch):
    import edgewise.kernels

    real = edgewise.kernels.spline_sum
    monkeypatch.setattr(edgewise.kernels, "spline_sum", lambda *words: real(*words) + 1e-9)
    assert doctor._arithmetic().state == "broken"
