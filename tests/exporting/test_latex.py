"""The mathematics as text: read back it gives the network's own numbers."""

import re
import shutil
import subprocess

import numpy as np
import pytest
import sympy
import torch
from matplotlib.mathtext import MathTextParser

import edgewise as ew
from edgewise.network import KAN, set_symbolic
from edgewise.symbolic import Formula
from tests.programs.zoo import ZOO, scaled, uneven

NUMBER = r"-?[\d.]+(?: \\cdot 10\^\{-?\d+\})?"


def as_float(text):
    return float(re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", text))


def edges_of(text):
    """Every edge function in cases, by its numbers: [(condition, polynomial)]."""
    found = re.findall(
        r"\\phi_\{(\d+),(\d+),(\d+)\}\(x\) &= \\begin\{cases\}\n(.*?)\n\\end\{cases\}", text, flags=re.S
    )
    return {
        tuple(map(int, where)): [line.split(" & ") for line in body.split(" \\\\\n")]
        for *where, body in found
    }


def polynomial(text, x):
    """The value of a sum of powers, read by a small parser of this test's own."""
    total = 0.0
    for sign, term in re.findall(r"(?:^|( [+-] ))(.+?)(?= [+-] (?![^(]*\))|$)", text):
        value = -1.0 if "-" in sign else 1.0
        if match := re.search(rf"(\(x ([+-]) ({NUMBER})\)|x)(?:\^\{{(\d+)\}})?$", term):
            base = x if match[1] == "x" else x - as_float(match[3]) * (1 if match[2] == "-" else -1)
            value *= base ** int(match[4] or 1)
            term = term[: match.start()].strip()
            term = {"": "1", "-": "-1"}.get(term, term)
        total += value * as_float(term)
    return total


def holds(condition, x):
    if match := re.fullmatch(rf"x < ({NUMBER})", condition):
        return x < as_float(match[1])
    if match := re.fullmatch(rf"x \\ge ({NUMBER})", condition):
        return x >= as_float(match[1])
    low, high = re.fullmatch(rf"({NUMBER}) \\le x < ({NUMBER})", condition).groups()
    return as_float(low) <= x < as_float(high)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize(("digits", "tolerance"), [(None, 1e-12), (9, 1e-6)])
def test_the_pieces_read_back_are_the_edges(degree, digits, tolerance):
    net = uneven(KAN([2, 2], degree=degree, seed=degree, dtype=torch.float64))
    edges = edges_of(ew.exporting.to_latex(net, digits=digits))
    assert set(edges) == {(1, i, o) for i in (1, 2) for o in (1, 2)}
    layer = net.layers[0]
    for (_, i, o), cases in edges.items():
        low, high = layer.domain[i - 1].tolist()
        # Away from the breaks: rounded ones lie elsewhere, and steps jump there.
        points = np.random.default_rng(0).uniform(low - 1, high + 1, 40)
        gaps = np.abs(points[:, None] - layer.grid[i - 1].numpy()).min(axis=1)
        for x in points[gaps > 1e-6]:
            (body,) = [body for body, condition in cases if holds(condition, x)]
            want = layer.edge(i - 1, o - 1, torch.tensor([x], dtype=torch.float64)).item()
            assert polynomial(body, x) == pytest.approx(want, abs=tolerance * 10, rel=tolerance)


def test_a_straight_edge_looks_straight_when_rounded():
    net = KAN([1, 1], seed=0, dtype=torch.float64)
    line = net.layers[0].basis.greville()[0]
    net = ew.edits.set_edge(net, (0, 0, 0), 2.5 * line + 0.5).network
    assert "^{2}" not in ew.exporting.to_latex(net, digits=4)
    assert "2.5 (x + 1)" in ew.exporting.to_latex(net, digits=4)


@pytest.mark.parametrize("name", ZOO)
def test_every_network_has_its_equations(name):
    net = ZOO[name]()
    text = ew.exporting.to_latex(net)
    alive = sum(int(layer.mask.sum()) for layer in net.layers)
    assert len(re.findall(r"\\phi_\{\d+,\d+,\d+\}\(x\) &=", text)) == alive
    assert len(re.findall(r"\\phi_\{\d+,\d+,\d+\}\(h_", text)) == alive
    assert len(re.findall(r"^h_\{\d+,\d+\} &=", text, flags=re.M)) == sum(net.shape)
    for environment in ("align*", "cases"):
        assert text.count(rf"\begin{{{environment}}}") == text.count(rf"\end{{{environment}}}")


def test_node_sums_are_drawn_by_matplotlib():
    net = scaled(set_symbolic(KAN([2, 1], seed=0, dtype=torch.float64), (0, 0, 0), "sin").network)
    equations = re.findall(r"^(h_.+? &= .+?)(?: \\\\)?$", ew.exporting.to_latex(net), flags=re.M)
    assert len(equations) == 3
    for equation in equations:
        MathTextParser("path").parse(f"${equation.replace('&', '')}$")


def test_formulas():
    law = Formula(2.123456789 * sympy.Symbol("x1") ** 2 / sympy.Symbol("flow rate"), ("x1", "flow rate"))
    assert r"y &= \frac{2.12 x_{1}^{2}}{\mathrm{flow\ rate}}" in ew.exporting.to_latex(law, digits=3)
    assert "2.123456789" in ew.exporting.to_latex(law, digits=None)
    steps = Formula(ew.symbolic.parse_formula("step(x)*mod(x, 2)", ("x",)), ("x",))
    for text in (ew.exporting.to_latex(steps), steps.latex):
        assert r"\operatorname{mod}{\left(x,2 \right)} \operatorname{step}{\left(x \right)}" in text


def test_numbers_of_every_size():
    net = KAN([1, 1], seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.output_scale.fill_(3e-20)
        net.output_shift.fill_(-1e300)
    text = ew.exporting.to_latex(net)
    assert r"y &= 3 \cdot 10^{-20} h_{1,1} - 1 \cdot 10^{300}" in text


@pytest.mark.parametrize("digits", [0, 18, 2.5, "many"])
def test_digits_out_of_range_are_refused(digits):
    with pytest.raises(ew.InputError, match="digits"):
        ew.exporting.to_latex(ZOO["bspline 3"](), digits=digits)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex on this machine")
@pytest.mark.parametrize("name", ["symbolic", "bspline 3", "rbf silu"])
def test_the_document_compiles(name, tmp_path):
    ew.export(ZOO[name](), tmp_path / "model.tex")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "model.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-1000:]
