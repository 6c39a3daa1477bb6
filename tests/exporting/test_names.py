"""Names and words are data: whatever they hold, they never become code, and the same model gives the same bytes."""

import ast
import json
import re
import shutil
import subprocess
import unicodedata

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import edgewise as ew
from edgewise.exporting.c_source import c_string
from edgewise.exporting.latex import latex_name, latex_names, words
from edgewise.exporting.text import quoted
from edgewise.network import KAN
from edgewise.symbolic import Formula
from tests.exporting.runners import c_library, c_predict, needs_compiler, numpy_module, onnx_session
from tests.programs.estimators import MODELS
from tests.programs.zoo import ZOO

HOSTILE = (
    '"""\nimport os; os.abort()  # """',
    "'); import os; os.abort()  #",
    "*/ int evil(void) { return 1; } /*",
    "??/\nint evil;",
    "????/ /*/ int evil; /*/",
    "\\\n#error evil",
    "#include </etc/passwd>",
    "}\\end{align*}\\input{/etc/passwd}\\write18{rm}",
    "$\\immediate\\write18{evil}$ % & # _ ^ ~",
    "class",
    "lambda",
    "import",
    "None",
    "v0",
    "c1",
    "X",
    "y",
    "x[:, 0]",
    "\x00\x07\x1b[31m",
    "\u202eevil\u2066",
    "line\u2028separator\x85next\x0bvertical\x0c",
    "{0.__class__}%s%n",
    "ünïcode ☃ 數",
    "\udc80 surrogate",
)


def hostile_network() -> KAN:
    net = KAN(
        [len(HOSTILE), 2, 3], input_names=HOSTILE, seed=0, dtype=torch.float64, output_names=HOSTILE[:3]
    )
    return ew.edits.remove_inputs(net, []).network if False else net


def test_numpy_names_are_literals():
    net = hostile_network()
    module = numpy_module(net, units={HOSTILE[0]: HOSTILE[2]})
    assert module["INPUTS"] == HOSTILE
    assert module["OUTPUTS"] == HOSTILE[:3]
    X = np.random.default_rng(0).uniform(-1, 1, (4, len(HOSTILE)))
    np.testing.assert_allclose(module["predict"](X), net.predict(X), rtol=1e-12)
    tree = ast.parse(ew.exporting.to_numpy_source(net))
    assert {type(node).__name__ for node in tree.body} == {"Import", "Assign", "FunctionDef"}
    assert [node.names[0].name for node in tree.body if isinstance(node, ast.Import)] == ["numpy"]


@needs_compiler
def test_c_names_stay_in_comments():
    net = hostile_network()
    found = ew.exporting.to_c_source(net, units={HOSTILE[0]: HOSTILE[2]})
    X = np.random.default_rng(0).uniform(-1, 1, (4, len(HOSTILE)))
    np.testing.assert_allclose(c_predict(c_library(net), X, 3), net.predict(X), rtol=1e-12)
    for text in (found.source, found.header):
        assert text.isascii()
        assert text.count("/*") == text.count("*/")
        assert "evil" not in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        assert "??" not in text


def test_onnx_holds_them_as_metadata():
    session = onnx_session(hostile_network(), units={"class": "§"})
    told = json.loads(session.get_modelmeta().custom_metadata_map["edgewise"])
    assert [variable["name"] for variable in told["inputs"]] == list(HOSTILE)
    assert told["inputs"][HOSTILE.index("class")]["unit"] == "§"


def test_latex_commands_in_names_are_text():
    text = ew.exporting.to_latex(hostile_network(), document=True, digits=3)
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    for line in text.splitlines():
        assert line.isprintable() or line == ""
    # Every backslash of a name has become the sign itself.
    assert r"\input" not in body
    assert r"\write" not in body
    assert r"\immediate" not in body
    assert body.count(r"\end{align*}") == body.count(r"\begin{align*}")
    plain = re.sub(r"\\[{}]", "", body)
    assert plain.count("{") == plain.count("}")


def test_columns_that_bear_the_names_of_values_inside():
    """Columns called as the graph's own values, and as its outputs."""
    names = ["v0", "c0", "_v1", "label", "probabilities", "y"]
    data = {name: np.random.default_rng(k).normal(size=40) for k, name in enumerate(names)}
    model = ew.KANRegressor(mode="additive", work="quick").fit(data, data["v0"] + data["y"] ** 2)
    session = onnx_session(model)
    feeds = {
        name: column[:, None]
        for name, column in data.items()
        if name in {i.name for i in session.get_inputs()}
    }
    np.testing.assert_allclose(session.run(None, feeds)[0][:, 0], model.predict(data), atol=1e-9)


@given(st.text())
def test_any_text_quoted_is_one_line_that_reads_back(text):
    line = quoted(text)
    assert line.isprintable()
    assert ast.literal_eval(line) == text


@settings(max_examples=15)
@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=12), min_size=6, max_size=6))
@needs_compiler
def test_any_text_as_a_c_string_reads_back(texts):
    program = "#include <stdio.h>\nint main(void)\n{\n" + "".join(
        f'    puts({c_string(text)});\n    puts("--");\n' for text in texts
    )
    done = subprocess.run(
        [
            shutil.which("cc") or "gcc",
            "-std=c99",
            "-trigraphs",
            "-Wall",
            "-Werror",
            "-pedantic",
            "-x",
            "c",
            "-",
            "-o",
            "a",
        ],
        input=program + "    return 0;\n}\n",
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out = subprocess.run(["./a"], capture_output=True, check=True).stdout
    assert out == b"".join(text.encode("utf-8", "surrogatepass") + b"\n--\n" for text in texts)


@given(st.text())
def test_any_name_in_latex_is_balanced_and_holds_no_command_of_its_own(name):
    for text in (latex_name(name), words(name)):
        assert text.isprintable()
        allowed = {
            "mathrm",
            "text",
            "backslash",
            "textbackslash",
            "wedge",
            "sim",
            "textasciicircum",
            "textasciitilde",
        }
        assert set(re.findall(r"\\([A-Za-z]+)", text)) <= allowed
        bare = re.sub(r"\\[\\{}%#&$_ ]", "", text)
        assert bare.count("{") == bare.count("}")
        assert not set("%#&$~") & set(bare)


@given(st.lists(st.text(st.characters(max_codepoint=127), min_size=1, max_size=3), unique=True, max_size=8))
def test_distinct_names_stay_distinct_in_latex(names):
    assert len(set(latex_names(names))) == len(names)


@pytest.mark.parametrize(
    "model", [*(ZOO[name] for name in ("bspline 3", "symbolic", "bag")), *MODELS.values()]
)
def test_equal_models_give_equal_bytes(model):
    for write in (
        ew.exporting.to_numpy_source,
        ew.exporting.to_c_source,
        ew.exporting.to_onnx,
        ew.exporting.to_latex,
    ):
        assert write(model()) == write(model())


def test_a_formula_over_hostile_columns():
    names = HOSTILE[:8]
    law = Formula(sum(sympy.Symbol(name) ** 2 for name in names), names)
    X = np.random.default_rng(0).uniform(-1, 1, (5, len(names)))
    np.testing.assert_allclose(numpy_module(law)["predict"](X)[:, 0], law.predict(X), rtol=1e-12)
    assert r"\input" not in re.sub("^%.*$", "", ew.exporting.to_latex(law), flags=re.MULTILINE)


def test_no_character_that_turns_the_direction_of_reading_reaches_a_source():
    net = hostile_network()
    for text in (ew.exporting.to_numpy_source(net), ew.exporting.to_latex(net)):
        assert not [c for c in text if unicodedata.category(c) in ("Cf", "Cc") and c != "\n"]
