"""The names of `edgewise` show what they do, in examples that `make test-all` runs with those of all modules."""

from __future__ import annotations

import doctest
import inspect
import sys

import edgewise

MADE_HERE = [
    item
    for item in (getattr(edgewise, name) for name in edgewise.__all__)
    if callable(item) and not inspect.ismodule(item)
]


def test_most_names_have_examples_that_run() -> None:
    """A decorator without `functools.wraps` would hide one from doctest."""
    finder, once = doctest.DocTestFinder(), doctest.DocTestFinder(recurse=False)
    shown = {f"{item.__module__}.{item.__name__}" for item in MADE_HERE if _examples(once, item)}
    found = {
        test.name
        for module in {item.__module__ for item in MADE_HERE}
        for test in finder.find(sys.modules[module], module)
        if test.examples
    }
    assert len(shown) > 30
    assert shown <= found


def _examples(finder: doctest.DocTestFinder, made: object) -> bool:
    return any(test.examples for test in finder.find(made, "made", globs={}))
