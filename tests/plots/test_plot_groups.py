"""Panels of groups under the law that they share."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from edgewise import InputError
from edgewise.plots import plot_groups
from edgewise.symbolic import BranchedFormula, GroupedFormula, find_formula


@pytest.mark.parametrize(("name", "heading"), [("heat", "heat = a*x"), (None, "a*x")])
def test_the_law_stands_above_the_panels(name, heading):
    x, group = np.tile(np.linspace(1, 3, 12), 2), np.repeat(["one", "two"], 12)
    y = pd.Series(np.repeat([2.0, 3.0], 12) * x, name=name)
    found = find_formula(x[:, None], y, groups=group, names=["x"], work="quick")
    figure = plot_groups(found.best, x[:, None], y, group)
    assert [text.get_text() for text in figure.texts] == [heading]
    # In inches: none of the panels reaches up to it.
    height = figure.get_size_inches()[1]
    assert all(
        axes.get_position().y1 < figure.texts[0].get_position()[1] - 0.3 / height for axes in figure.axes
    )


def test_a_law_of_one_column_among_others_is_a_curve_along_it():
    x, group = np.tile(np.linspace(1, 3, 12), 2), np.repeat(["one", "two"], 12)
    table = pd.DataFrame({"idle": 7.0, "x": x})
    found = find_formula(table, np.repeat([2.0, 3.0], 12) * x, groups=group, work="quick")
    figure = plot_groups(found.best, table, np.repeat([2.0, 3.0], 12) * x, group)
    for axes, slope in zip(figure.axes, (2, 3), strict=True):
        law = next(line for line in axes.lines if line.get_gid() == "law")
        assert axes.get_xlabel() == "x"
        assert len(law.get_xdata()) > 100
        np.testing.assert_allclose(law.get_ydata(), slope * law.get_xdata())


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_groups_may_be_a_column_of_the_table(kind):
    x, group = np.tile(np.linspace(1, 3, 12), 2), np.repeat(["one", "two"], 12)
    table, y = kind({"x": x, "vessel": group}), np.repeat([2.0, 3.0], 12) * x
    law = find_formula(table, y, groups="vessel", work="quick").best
    assert isinstance(law, GroupedFormula)
    np.testing.assert_allclose(law.predict(table, "vessel"), y)
    np.testing.assert_allclose(law.predict(table, "one"), 2 * x)
    assert [axes.get_title(loc="left") for axes in plot_groups(law, table, y, "vessel").axes] == [
        "one",
        "two",
    ]
    with pytest.raises(InputError, match=r"must name a group for each of 24 rows\. Got none"):
        law.predict(table)


@pytest.mark.slow
def test_each_panel_of_a_branched_law_says_its_own():
    x = np.tile(np.linspace(1, 3, 12), 2)
    table = pd.DataFrame({"kind": np.repeat(["straight", "bent"], 12), "x": x})
    y = np.where(table["kind"] == "bent", 3 * x**2 + 1, 20 * np.exp(-0.5 * x))
    found = find_formula(table, y, work=0.1)
    figure = plot_groups(found.best, table, y)
    assert isinstance(found.best, BranchedFormula)
    for axes in figure.axes:
        level = axes.get_title(loc="left")
        assert [text.get_text() for text in axes.texts] == [found.best.of(level)]


def test_names_that_begin_alike_are_told_apart_and_groups_left_out_counted():
    names = [f"a rather long name of the vessel number {at}" for at in range(26)]
    x, group = np.tile(np.linspace(1, 3, 8), 26), np.repeat(names, 8)
    y = np.repeat(np.arange(26.0) + 1, 8) * x
    found = find_formula(x[:, None], y, groups=group, names=["x"], work=0.01)
    figure = plot_groups(found.best, x[:, None], y, group)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(set(titles)) == len(titles) == 24
    assert all(len(title) <= 24 for title in titles)
    assert figure.texts[-1].get_text() == "24 of 26 groups"
