"""Figures as text and as files."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from edgewise import FileError, InputError
from edgewise.network import KAN
from edgewise.plots import figure_svg, plot_network, save_figure
from edgewise.plots.style import DARK, LIGHT


@pytest.fixture
def figure():
    return plot_network(KAN([2, 2, 1], seed=0, input_names=["<b>--$&", "x2"]))


def test_svg_is_one_well_formed_element_without_dates(figure):
    svg = figure_svg(figure)
    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert "<!" not in svg
    assert "<metadata" not in svg
    assert "<b>" not in svg


def test_svg_needs_nothing_from_outside(figure):
    svg = figure_svg(figure)
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', svg))
    assert not re.search(r"<(image|script|style[^>]*>[^<]*@import|text)\b", svg)


def test_prefix_makes_ids_its_own_and_keeps_references(figure):
    svg = figure_svg(figure, prefix="one")
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert ids
    assert all(name.startswith("one-") for name in ids)
    assert len(set(ids)) == len(ids)
    targets = re.findall(r'href="#([^"]+)"', svg) + re.findall(r"url\(#([^)]+)\)", svg)
    assert set(targets) <= set(ids)


def test_every_colour_of_the_theme_becomes_a_variable(figure):
    svg = figure_svg(figure, variables=LIGHT)
    assert "var(--ew-numeric, " in svg
    assert re.findall(r": (#[0-9a-f]{6})", svg) == []


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_of_a_theme_are_distinct(theme):
    values = list(vars(theme).values())
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("ending", ["svg", "png", "PNG"])
def test_files(figure, tmp_path, ending):
    first = save_figure(figure, tmp_path / f"a.{ending}").read_bytes()
    assert save_figure(figure, tmp_path / f"b.{ending}").read_bytes() == first
    assert first.startswith(b"<svg" if ending == "svg" else b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 2


def test_refusals(figure, tmp_path):
    with pytest.raises(InputError, match=r"'\.svg', '\.png'"):
        save_figure(figure, tmp_path / "a.jpg")
    with pytest.raises(FileError, match="does not exist"):
        save_figure(figure, tmp_path / "no" / "a.svg")
    (tmp_path / "a.svg").write_text("mine")
    with pytest.raises(FileError, match="exists already"):
        save_figure(figure, tmp_path / "a.svg", overwrite=False)
    assert (tmp_path / "a.svg").read_text() == "mine"
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(FileError, match="it is a folder"):
        save_figure(figure, tmp_path / "folder.svg")


def test_a_notebook_shows_a_figure_though_pyplot_has_drawn_nothing(figure):
    assert figure._repr_png_().startswith(b"\x89PNG")
