"""The command line inside this process: quick, and with the same exit codes as outside."""

import itertools
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from edgewise.cli import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def edgewise(capsys, monkeypatch):
    """Run `edgewise WORDS`; what it printed and its exit code."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.delenv("EDGEWISE_TRACEBACK", raising=False)

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return Done(left.value.code, printed.out, printed.err)

    return run


@pytest.fixture
def late(monkeypatch):
    """A clock on which every look takes a tenth of a second: limits pass after so much work, not after so much time."""
    looks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(looks) / 10)
    monkeypatch.setattr("edgewise._core.work.time", clock)


def is_one_sentence(text):
    """Whether a message is what the house promises: one line, begins with Error, ends as a sentence, no traceback."""
    return (
        len(text.strip().splitlines()) == 1
        and text.startswith("Error: ")
        and text.rstrip().endswith((".", "?"))
        and "Traceback" not in text
        and len(text) < 500
    )
