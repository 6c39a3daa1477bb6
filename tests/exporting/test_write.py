"""export: files by suffix, whole or not at all; and one sentence for everything that cannot be exported."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch

import edgewise as ew
from edgewise.network import KAN
from edgewise.symbolic import Formula
from tests.exporting.runners import FLAGS, needs_compiler
from tests.programs.zoo import ZOO, everywhere


def test_the_suffix_tells_the_language(tmp_path):
    net = ZOO["bspline 3"]()
    for suffix, written in ((".py", 1), (".c", 2), (".onnx", 1), (".tex", 1)):
        paths = ew.export(net, tmp_path / f"model{suffix}")
        assert len(paths) == written
        assert all(path.stat().st_size > 500 for path in paths)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model.c", "model.h", "model.onnx", "model.py", "model.tex",
    ]  # fmt: skip
    assert (tmp_path / "model.py").read_text() == ew.exporting.to_numpy_source(net)
    assert (tmp_path / "model.tex").read_text() == ew.exporting.to_latex(net, document=True)


@pytest.mark.slow
def test_the_numpy_file_runs_where_edgewise_is_not(tmp_path):
    net = ZOO["bspline 3"]()
    X = everywhere(net, rows=5)
    ew.export(net, tmp_path / "model.py")
    np.save(tmp_path / "X.npy", X)
    script = (
        "import sys, numpy as np; sys.modules['edgewise'] = sys.modules['torch'] = None; import model; "
        "np.save('y.npy', model.predict(np.load('X.npy')))"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), net.predict(X), rtol=1e-12, atol=1e-9)


@needs_compiler
def test_the_c_files_compile_by_themselves_and_in_a_program(tmp_path):
    net = ZOO["bspline 3"]()
    ew.export(net, tmp_path / "model.c")
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "model.h"\nint main(void)\n{\n'
        "    double x[PREDICT_INPUTS] = {0.1, -0.2, 0.3}, y[PREDICT_OUTPUTS];\n"
        '    predict(x, y);\n    printf("%.17g %.17g", y[0], y[1]);\n    return 0;\n}\n'
    )
    compiler = shutil.which("cc") or "gcc"
    subprocess.run([compiler, *FLAGS, "main.c", "model.c", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    out = subprocess.run(["./main"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    want = net.predict([[0.1, -0.2, 0.3]])[0]
    np.testing.assert_allclose([float(number) for number in out.split()], want, rtol=1e-12)


@needs_compiler
@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler on this machine")
def test_the_header_serves_c_plus_plus(tmp_path):
    ew.export(ZOO["bspline 3"](), tmp_path / "model.c")
    (tmp_path / "main.cpp").write_text(
        '#include "model.h"\nint main() { double x[3] = {0, 0, 0}, y[2]; predict(x, y); return y[0] != y[0]; }\n'
    )
    subprocess.run([shutil.which("cc") or "gcc", *FLAGS, "-c", "model.c"], cwd=tmp_path, check=True)
    subprocess.run(["c++", "-Wall", "-Werror", "main.cpp", "model.o", "-o", "main"], cwd=tmp_path, check=True)
    subprocess.run(["./main"], cwd=tmp_path, check=True)


def test_files_that_exist_stay(tmp_path):
    net, target = ZOO["bspline 3"](), tmp_path / "model.c"
    (tmp_path / "model.h").write_text("mine")
    with pytest.raises(ew.FileError, match="exists already"):
        ew.export(net, target)
    assert not target.exists()
    assert (tmp_path / "model.h").read_text() == "mine"
    ew.export(net, target, overwrite=True)
    assert "PREDICT_INPUTS" in (tmp_path / "model.h").read_text()


def test_to_overrides_the_suffix(tmp_path):
    (path,) = ew.export(ZOO["bspline 3"](), tmp_path / "model.txt", to="latex")
    assert path.read_text().rstrip().endswith(r"\end{document}")


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("model.txt", {}, "must end in"),
        ("model", {}, "must end in"),
        ("model.py", {"to": "nump"}, "did you mean 'numpy'"),
        ("model.h", {"to": "c"}, "header"),
        ("", {}, "path"),
        (7, {}, "path"),
        ("model.py", {"overwrite": 1}, "overwrite"),
        ("model.py", {"units": ["kg"]}, "units"),
        ("model.py", {"units": {"x1": 7}}, "units"),
    ],
)
def test_bad_arguments_end_in_one_sentence(path, options, message):
    with pytest.raises(ew.InputError, match=message) as caught:
        ew.export(ZOO["bspline 3"](), path, **options)
    assert "\n" not in str(caught.value)
    assert list(Path.cwd().iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ew.FileError, match="folder"):
        ew.export(ZOO["bspline 3"](), tmp_path / "nowhere" / "model.py")
    (tmp_path / "taken.py").mkdir()
    with pytest.raises(ew.FileError, match="folder"):
        ew.export(ZOO["bspline 3"](), tmp_path / "taken.py", overwrite=True)


@pytest.mark.parametrize("name", ["a\0b.py", "n" * 300 + ".py"])
def test_names_no_file_can_bear(name, tmp_path):
    with pytest.raises(ew.FileError, match="cannot be written") as caught:
        ew.export(ZOO["bspline 3"](), tmp_path / name)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.py").write_text("old")
    (tmp_path / "link.py").symlink_to(tmp_path / "real.py")
    ew.export(ZOO["bspline 3"](), tmp_path / "link.py", overwrite=True)
    assert (tmp_path / "link.py").is_symlink()
    assert "predict" in (tmp_path / "real.py").read_text()


@pytest.mark.parametrize("model", [None, "net.kan", np.zeros(3), torch.nn.Linear(2, 1), KAN])
def test_what_cannot_be_exported(model):
    for write in (
        ew.exporting.to_numpy_source,
        ew.exporting.to_c_source,
        ew.exporting.to_onnx,
        ew.exporting.to_latex,
    ):
        with pytest.raises(ew.InputError, match="must be a KAN, a Formula or a fitted"):
            write(model)


def test_numbers_that_are_not_finite_are_refused():
    net = KAN([2, 2, 1], seed=0)
    with torch.no_grad():
        net.layers[1].coef[0, 0, 0] = torch.nan
    huge = Formula(sympy.Integer(10) ** 400 * sympy.Symbol("x"), ("x",))
    for model in (net, huge):
        for write in (ew.exporting.to_numpy_source, ew.exporting.to_c_source, ew.exporting.to_onnx):
            with pytest.raises(ew.InputError, match="finite"):
                write(model)


@pytest.mark.parametrize(
    "name", ["", "1st", "double", "my function", "a-b", "x\n", "exp", "add_edges", "values", None]
)
def test_names_of_c_functions(name):
    with pytest.raises(ew.InputError, match="name"):
        ew.exporting.to_c_source(ZOO["bspline 3"](), name=name)


def test_without_onnx_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ew.InputError, match=r"pip install 'edgewise\[onnx\]'"):
        ew.exporting.to_onnx(ZOO["bspline 3"]())


def test_the_head_tells_names_units_and_ranges():
    net = KAN([2, 1], input_names=["mass", "length"], output_names=["force"], seed=0)
    units = {"mass": "kg", "force": "N"}
    sources = [ew.exporting.to_numpy_source(net, units=units), ew.exporting.to_latex(net, units=units)]
    found = ew.exporting.to_c_source(net, units=units)
    for text in (*sources, found.source, found.header):
        head = text[: text.index("'force'") + 40]
        assert f"edgewise {ew.__version__}" in head
        assert "'mass' in 'kg', -1 to 1" in head
        assert "'length', -1 to 1" in head
        assert "'force' in 'N'" in head


def test_the_network_is_left_as_it_was():
    net = ZOO["symbolic"]()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    for write in (
        ew.exporting.to_numpy_source,
        ew.exporting.to_c_source,
        ew.exporting.to_onnx,
        ew.exporting.to_latex,
    ):
        write(net)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_a_dead_edge_costs_nothing():
    """The size of the source grows with the living edges, not with the layer."""
    full = KAN([10, 10, 1], seed=0, dtype=torch.float64)
    dead = [(0, i, o) for i in range(10) for o in range(10) if i != o]
    sparse = ew.edits.mask_edges(full, dead).network
    for write in (ew.exporting.to_numpy_source, lambda net: ew.exporting.to_c_source(net).source):
        numbers = [len(write(net)) for net in (full, sparse)]
        assert numbers[1] < 0.5 * numbers[0]
