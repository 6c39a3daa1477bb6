"""The examples of what `edgewise` itself names do what they show; those of all modules run in `make test-all`."""

from __future__ import annotations

import doctest
import inspect
import sys
from typing import Any

import pytest

import edgewise
from tests.tiers import slow

FINDER = doctest.DocTestFinder(recurse=False)
NAMES = [name for name in sorted(edgewise.__all__) if not inspect.ismodule(getattr(edgewise, name))]
LONG = ("find_formula", "fit_partial")


def examples(name: str) -> list[doctest.DocTest]:
    """What the docstring of a public name shows, with the names that its module has."""
    made: Any = getattr(edgewise, name)
    space = vars(sys.modules[made.__module__]) if hasattr(made, "__module__") else {}
    return [test for test in FINDER.find(made, name, globs=dict(space)) if test.examples]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*(name for name in NAMES if name not in LONG), *slow(*LONG)])
def test_examples_show_what_comes(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False)
    said: list[str] = []
    for test in examples(name):
        assert runner.run(test, out=said.append).failed == 0, "".join(said)


def test_most_names_have_examples() -> None:
    assert sum(bool(examples(name)) for name in NAMES) > 30
