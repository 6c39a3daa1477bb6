"""One word for one thing in the arguments of all public functions, in one order."""

import importlib
import inspect
import pkgutil

import pytest

import edgewise

ROOMS = ["edgewise", *(f"edgewise.{module.name}" for module in pkgutil.iter_modules(edgewise.__path__))]
# What a concept was called in some places, or is called elsewhere, and the word for it here.
WORDS = {
    "net": "model",
    "estimator": "model",
    "weight": "sample_weight",
    "held_out": "validation",
    "random_seed": "seed",
    "n_jobs": "threads",
    "timeout": "seconds",
    "max_time": "seconds",
    "budget": "work",
    "callback": "callbacks",
    "immutable": "fixed",
    "within": "where",
}


def functions():
    seen = set()
    for room in ROOMS:
        if room in (
            "edgewise._core",
            "edgewise.cli",
            "edgewise.kernels",
            "edgewise.splines",
        ):
            continue
        module = importlib.import_module(room)
        # Rooms without a list show all that their front names.
        for name in getattr(module, "__all__", vars(module)):
            made = getattr(module, name, None)
            own = (
                inspect.isfunction(made)
                and made.__module__.startswith("edgewise.")
                and not name.startswith("_")
            )
            if own and made not in seen:
                seen.add(made)
                yield pytest.param(made, id=f"{room}.{name}")


FUNCTIONS = list(functions())


def test_there_are_functions():
    assert len(FUNCTIONS) > 80


@pytest.mark.parametrize("function", FUNCTIONS)
def test_arguments_go_by_the_words_of_the_house(function):
    names = set(inspect.signature(function).parameters)
    if function.__name__ == "plot_parity":
        names.remove("held_out")  # which of the rows given it is, not rows of their own
    assert not {f"{name} -> {WORDS[name]}" for name in names & set(WORDS)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_model_comes_first_then_its_rows(function):
    """Of an edit what it changes comes between them: the rows only say what the change does."""
    names = list(inspect.signature(function).parameters)
    if "model" not in names:
        return
    assert names[0] == "model"
    edits = "EditResult" in str(inspect.signature(function).return_annotation) or function.__name__ in (
        "edit_feature",
        "edit_shape",
        "leave_out_region",
        "neutralize_columns",
        "bound_flip",
        "suggest",
    )
    if "X" in names and not edits:
        assert names[1] == "X"
    if {"X", "row"} <= set(names):
        assert names.index("X") < names.index("row")
