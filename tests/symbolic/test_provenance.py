"""Provenance: what an answer came through is known, is kept on its way, and can be left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgewise as ew
from edgewise._core.stopping import StopReason
from edgewise._core.work import StopError
from edgewise.estimators.formula_files import formula_document, read_formula
from edgewise.forms import parse
from edgewise.forms.tree import Variable, substitute
from edgewise.symbolic.provenance import (
    excluding,
    in_words,
    like,
    marked,
    origin_of,
    parts,
    proposes,
    recording,
)
from edgewise.symbolic.search import recipe
from edgewise.symbolic.structure import chebyshev_surrogate

X = np.random.default_rng(0).uniform(1, 3, (120, 2))
NAMES = ["a", "b"]


def found(y, **options):
    return ew.find_formula(X, y, names=NAMES, seed=0, work="quick", **options).best


def test_marks_are_no_part_of_a_tree():
    tree = parse("a*sin(b)", NAMES).tree
    assert marked(tree, "walk") == tree
    assert hash(marked(tree, "walk")) == hash(tree)
    assert origin_of(tree) == ()


@given(st.lists(st.sampled_from(["walk", "scalings", "curves"]), max_size=4))
def test_marks_are_read_from_the_root_down_each_once(names):
    inner = marked(parse("a*b", NAMES).tree, *names)
    outer = marked(substitute(parse("sin(u)", ["u"]).tree, "u", inner), "outer")
    assert origin_of(outer) == tuple(dict.fromkeys(["outer", *names]))
    assert origin_of(like(Variable("a"), outer)) == ()
    assert origin_of(like(parse("a + b", NAMES).tree, outer)) == origin_of(outer)


def test_a_part_marks_what_it_yields_and_may_be_left_out():
    @proposes("trial part")
    def trees():
        yield parse("a*b", NAMES).tree

    @proposes("trial list")
    def pairs():
        return [(1.0, tree) for tree in trees()]

    assert {"trial part", "trial list"} <= parts()
    assert origin_of(pairs()[0][1]) == ("trial list", "trial part")
    with excluding("trial part"):
        assert pairs() == []
        with excluding("trial list"):
            assert list(trees()) == []
    assert len(pairs()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("y", "part"),
    [
        (2 * X[:, 0] / X[:, 1] ** 2, "direct candidates"),
        (X[:, 0] / (np.exp(X[:, 0] / X[:, 1]) - 1), "scalings"),
    ],
)
def test_a_formula_names_the_parts_it_came_through_and_comes_another_way_without_them(y, part):
    best = found(y)
    assert part in best.origin
    assert set(best.to_dict()["origin"]) == set(best.origin)
    assert read_formula(formula_document(best)).origin == best.origin
    assert part in in_words(best.origin)
    with excluding(part):
        assert part not in found(y).origin


def test_a_law_over_groups_and_a_system_have_an_origin():
    t = np.tile(np.linspace(0, 5, 20), 3)
    rate = np.repeat([0.9, 0.5, 0.2], 20)
    law = ew.find_formula(
        t[:, None], 20 + 60 * np.exp(-rate * t), groups=rate, names=["t"], work="quick"
    ).best
    assert law.origin
    assert law.to_dict()["origin"] == list(law.origin)
    course = np.linspace(0, 8, 50)
    system = ew.dynamics.find_dynamics(course, 5 / (1 + 9 * np.exp(-1.2 * course)), names=["x"])
    assert system.equations[0].origin == ("weak form",)


@pytest.mark.parametrize(
    "error", [np.linalg.LinAlgError, ZeroDivisionError, OverflowError, ValueError, ew.InputError]
)
def test_a_part_whose_numbers_fail_proposes_what_it_had_and_is_named(error):
    @proposes("trial part")
    def trees():
        yield Variable("a")
        raise error("no number")

    @proposes("trial list")
    def several():
        raise error("no number")

    with pytest.raises(error):
        list(trees())
    with recording() as failures, recording() as inner:
        assert list(trees()) == [Variable("a")]
        assert several() == []
    assert [str(failure) for failure in failures] == ["trial part: no number", "trial list: no number"]
    assert failures == inner


@pytest.mark.parametrize(
    "error", [TypeError, AttributeError, KeyError, AssertionError, KeyboardInterrupt, StopError]
)
def test_errors_of_the_program_and_what_ends_a_search_go_through_every_part(error):
    @proposes("trial part")
    def trees():
        yield Variable("a")
        raise error(StopReason.CALLBACK)

    with recording() as failures, pytest.raises(error):
        list(trees())
    assert failures == []


def test_an_error_of_a_callback_is_the_callers():
    def refuses(record):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        ew.find_formula(X, X[:, 0] ** 2 / X[:, 1], seed=0, work="quick", callbacks=[refuses])


def test_a_search_goes_on_without_a_part_that_fails(monkeypatch):
    def fails(*arguments, **options):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(recipe, "direct_candidates", proposes("direct candidates")(fails))
    monkeypatch.setattr(chebyshev_surrogate, "_fitted", fails)
    result = ew.find_formula(X, X[:, 0] ** 2 / X[:, 1], names=NAMES, seed=0, work="quick")
    assert {failure.part for failure in result.failures} >= {"direct candidates", "smooth model"}
    assert result.to_dict()["failures"] == list(map(str, result.failures))
    assert result.best.error < 0.1 * result.front[0].error or len(result.front) == 1
