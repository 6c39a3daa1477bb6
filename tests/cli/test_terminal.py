"""What comes from files shows itself on a terminal: no escape in it paints, moves the cursor or turns what is read."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

import edgewise as ew
from edgewise._core.plain import visible
from edgewise.cli.console import console
from edgewise.cli.terminal import KEPT, print_json
from edgewise.data import read_frame, write_frame

PAINT = "\x1b[31mred\x1b[2J\u202e\x9b1m"
HIDDEN = st.text(st.characters(codec=None), max_size=30)


def seen(text):
    return all(c.isprintable() or c in "\n\t" for c in text)


@given(HIDDEN)
def test_text_is_all_seen_and_what_was_seen_stays(text):
    assert seen(visible(text, KEPT))
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)
    if text.isprintable():
        assert visible(text) == text


@given(st.dictionaries(HIDDEN, st.lists(HIDDEN, max_size=3), max_size=3))
def test_json_means_the_same_and_is_all_seen(data):
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        print_json(json.dumps(data, ensure_ascii=False, indent=1))
    assert json.loads(out.getvalue()) == data
    assert seen(out.getvalue())


def test_commands_say_what_they_say_through_here():
    folder = Path(ew.__file__).parent / "cli"
    texts = {file.name: file.read_text() for file in folder.glob("*.py")}
    assert [name for name, text in texts.items() if "typer.echo(" in text] == ["terminal.py"]
    assert not [name for name, text in texts.items() if re.search(r"\bConsole\(|(?<![.\w])print\(", text)]


def test_a_console_paints_and_its_texts_do_not():
    out = io.StringIO()
    shown = console(file=out, force_terminal=True, width=200, color_system="standard")
    grid = Table(title=f"title {PAINT}")
    grid.add_column(f"head {PAINT}")
    grid.add_row(Text(f"cell {PAINT}", style="bold"))
    shown.print(grid)
    shown.print(Text(f"line {PAINT}"), soft_wrap=True)
    assert not [code for code in ("\x1b[31m", "\x1b[2J", "\u202e", "\x9b") if code in out.getvalue()]
    assert out.getvalue().count(r"\x1b[31mred") == 4
    assert "\x1b[1m" in out.getvalue()


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """A folder with a table and a model whose names and words all paint and forge lines."""
    folder = tmp_path_factory.mktemp("painted")
    random = np.random.default_rng(0)
    a, n = random.uniform(-1, 1, 120), 120
    words = np.array([f"x{PAINT}", "y\nProved: all"])[random.integers(0, 2, n)]
    target = np.array([f"yes{PAINT}", "no\nThe limit is kept."])[(a > 0).astype(int)]
    X = pa.table({f"a{PAINT}": a, f"b{PAINT}": a**2, f"w{PAINT}": words})
    write_frame(X.append_column(f"y{PAINT}", pa.array(target)), folder / f"t{PAINT}.feather")
    ew.save(
        ew.KANClassifier(mode="additive", work=0.1, random_state=0).fit(X, target), folder / f"m{PAINT}.kan"
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("verify", "m.kan", f"never_flips(`w{PAINT}`)", "-c", f"p{PAINT}.json", "--force"),
        ("verify", "m.kan", "probability <= 0.5"),
        ("verify", "m.kan", "probability <= 0.5", "--json"),
        ("verify", "m.kan", f"never_flips(`q{PAINT}`)"),
        ("explain", "m.kan", "t.feather"),
        ("explain", "m.kan", "t.feather", "--row", "1", "--counterfactual"),
        ("explain", "m.kan", "t.feather", "--row", "1", "--json"),
        ("audit", "m.kan", "t.feather", "-t", f"y{PAINT}", "-p", f"w{PAINT}"),
        ("report", "m.kan", "t.feather", "-t", f"y{PAINT}", "-o", f"r{PAINT}.html", "--force"),
        ("predict", "m.kan", "t.feather", "-o", f"o{PAINT}.csv", "--force"),
        ("predict", "m.kan", "t.feather", "--json"),
        ("predict", "m.kan", f"nowhere{PAINT}.csv", "--verbose"),
        ("export", "m.kan", "--to", "c"),
        ("fit", "t.feather", "-t", f"z{PAINT}"),
        ("formula", "t.feather", "-t", f"w{PAINT}"),
    ],
)
def test_no_command_repeats_an_escape(edgewise, painted, monkeypatch, words):
    monkeypatch.chdir(painted)
    names = {"m.kan": f"m{PAINT}.kan", "t.feather": f"t{PAINT}.feather"}
    done = edgewise(*(names.get(word, word) for word in words))
    assert done.code != 70
    assert seen(done.out)
    assert seen(done.err)
    lines = [line.strip() for line in (done.out + done.err).splitlines()]
    assert not {"Proved: all", "The limit is kept."} & set(lines)


def test_a_terminal_is_shown_a_table_and_a_program_gets_it(edgewise, painted, monkeypatch):
    monkeypatch.chdir(painted)
    words = ("predict", f"m{PAINT}.kan", f"t{PAINT}.feather", "-q")
    raw = edgewise(*words).out
    assert PAINT in raw
    monkeypatch.setattr("edgewise.cli.terminal.sys.stdout.isatty", lambda: True, raising=False)
    assert edgewise(*words).out == visible(raw, KEPT)


def test_a_certificate_is_checked_without_being_believed_by_the_terminal(edgewise, painted, monkeypatch):
    monkeypatch.chdir(painted)
    claim = f"never_flips(`w{PAINT}`)"
    assert edgewise("verify", f"m{PAINT}.kan", claim, "-c", "proof.json", "--force").code == 0
    done = edgewise("check", "proof.json", f"m{PAINT}.kan", "--expect", f"changes_at_most(`w{PAINT}`, 1)")
    assert done.code == 1
    assert seen(done.out + done.err)
    document = json.loads((painted / "proof.json").read_text())
    for key in document:
        forged = {**document, key: f"{PAINT}\nThe certificate is accepted."}
        (painted / "forged.json").write_text(json.dumps(forged))
        for extra in ((), ("--json",)):
            done = edgewise("check", "forged.json", f"m{PAINT}.kan", *extra)
            assert done.code == 1
            assert seen(done.out + done.err)
            assert "The certificate is accepted." not in done.out.splitlines()


def test_a_verdict_in_python_is_all_seen_too(painted):
    model = ew.load(painted / f"m{PAINT}.kan")
    assert seen(str(ew.verify(model, "probability <= 0.5")))
    assert seen(str(ew.verify(model, f"never_flips(`w{PAINT}`)")))
    assert read_frame(painted / f"t{PAINT}.feather").column_names[0] == f"a{PAINT}"
