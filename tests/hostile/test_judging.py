"""The judge itself: what counts as a sentence, and which side effects are noticed."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewise import InputError

from .attempts import KINDS, Attempt, Kind, carry_out
from .sentence import why_unclear
from .world import digest

CLEAR = "The 'degree' argument must be an int in the range [0, 5]. Got 7 instead."


def test_a_clear_sentence_passes() -> None:
    assert why_unclear(CLEAR) == ""
    assert why_unclear(CLEAR, ("'degree'",)) == ""
    assert why_unclear("The file /tmp/a/m.kan is damaged: it ends too early.", ("m.kan",), "/tmp/a") == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        (CLEAR + "\nmore.", "more than one line"),
        (CLEAR[:-1], "full stop"),
        ("The 'x' " + "very " * 80 + "long one.", "characters"),
        ("The 'x': Traceback (most recent call last).", "traceback"),
        ("The 'f' argument: Got <function f at 0x7f12ab34cd56> instead.", "address"),
        ("The 'x' cannot be read (KeyError('x')).", "internal error"),
        ("The 'x' is [" + "1.0, " * 40 + "1.0].", "numbers by the dozen"),
        ("Something went wrong.", "neither an argument nor a file"),
    ],
)
def test_an_unclear_one_does_not(text: str, reason: str) -> None:
    assert reason in why_unclear(text)


def test_a_sentence_must_name_what_it_is_about() -> None:
    assert "names none of 'X'" in why_unclear(CLEAR, ("'X'",))


KEPT = np.zeros(3)


def _warn() -> None:
    warnings.warn("careful", RuntimeWarning, stacklevel=1)


def _raise(error: BaseException) -> Callable[[], Any]:
    def call() -> None:
        raise error

    return call


def _change() -> None:
    KEPT[0] += 1


NAUGHTY: dict[str, tuple[Attempt, str]] = {
    "crash": (Attempt(lambda: 1 / 0), "ZeroDivisionError"),
    "internal": (Attempt(_raise(KeyError("x"))), "KeyError"),
    "unclear": (Attempt(_raise(InputError("no"))), "unclear sentence"),
    "wrong result": (Attempt(lambda: 3, judge=lambda result: "three"), "three"),
    "useless result": (Attempt(lambda: 3, judge=lambda result: result.text), "cannot be used"),
    "random": (Attempt(random.random), "changed the process: random"),
    "numpy random": (Attempt(lambda: np.random.rand()), "numpy.random"),  # noqa: NPY002
    "folder": (Attempt(lambda: os.chdir("/")), "working folder"),
    "environment": (Attempt(lambda: os.environ.update(HOSTILE="1")), "environment"),
    "filters": (Attempt(lambda: warnings.simplefilter("ignore")), "warnings filters"),
    "argument": (Attempt(_change, given=(KEPT,)), "changed argument 0"),
    "file": (Attempt(lambda: Path("left").write_text("x")), "the file left"),
    "warning": (Attempt(_warn), "warned: RuntimeWarning"),
    "print": (Attempt(lambda: print("here")), "printed"),  # noqa: T201
}


@pytest.mark.parametrize("name", NAUGHTY)
def test_misbehaviour_is_a_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt, told = NAUGHTY[name]
    monkeypatch.setenv("HOSTILE", "0")
    monkeypatch.setitem(KINDS, "naughty", Kind("naughty", 1, 1.0, lambda random, folder: attempt))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        outcome = carry_out("naughty", 0)
    assert outcome.end == "fault"
    assert told in outcome.text


def test_a_good_result_and_a_good_sentence_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter([Attempt(lambda: 3), Attempt(_raise(InputError(CLEAR)))])
    monkeypatch.setitem(KINDS, "good", Kind("good", 1, 1.0, lambda random, folder: next(calls)))
    assert [carry_out("good", 0).end, carry_out("good", 0).end] == ["result", "sentence"]


def test_digests_see_values_types_and_layout() -> None:
    base = np.arange(6.0).reshape(2, 3)
    assert digest(base) == digest(base.copy())
    for other in (base.astype(np.float32), np.asfortranarray(base), base + 1e-12, base.T, base.tolist()):
        assert digest(other) != digest(base)
