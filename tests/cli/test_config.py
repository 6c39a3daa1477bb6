"""Options from a file."""

from pathlib import Path
from typing import Any

import pytest
import typer
from tests.cli.conftest import is_one_sentence

from edgewise.cli.answer import Answer
from edgewise.cli.app import build

TABLE = "a,b,y\n" + "".join(f"{n},{n % 7},{n * 0.5}\n" for n in range(12))


@pytest.fixture
def asked(monkeypatch):
    """What `fit` was asked, in place of the work."""
    seen = {}

    def instead(task, asked):
        seen.update(task=task, out=asked.out, quiet=asked.quiet, verbose=asked.verbose, as_json=asked.json)
        return Answer()

    monkeypatch.setattr("edgewise.cli.learn.carry_out", instead)
    Path("data.csv").write_text(TABLE)
    return seen


def write(text):
    Path("run.toml").write_text(text)
    return "run.toml"


def test_values_come_from_the_file_and_the_command_line_wins(edgewise, asked):
    path = write(
        'seconds = 7\nseed = 3\n[fit]\ndata = "data.csv"\ntarget = "y"\ncolumns = ["a", "b"]\nout = "elsewhere"\n'
        'drop-missing = true\nmode = "additive"\nquiet = true\nseconds = 9.5\nwork = 2\n[predict]\nkeep = true\n'
    )
    assert edgewise("fit", "--config", path, "--seed", 5).code == 0
    task = asked["task"]
    assert (task.work, task.seconds, task.seed, task.mode) == (2.0, 9.5, 5, "additive")
    assert task.inputs.names == ("a", "b")
    assert asked["out"] == Path("elsewhere")
    assert asked["quiet"] is True


def test_a_list_may_be_written_as_one_text_and_underscores_do(edgewise, asked):
    path = write('[fit]\ntarget = "y"\ncolumns = "b,a"\ndrop_missing = false\n')
    assert edgewise("fit", "data.csv", "--config", path).code == 0
    assert asked["task"].inputs.names == ("b", "a")


def test_a_key_above_the_sections_serves_the_commands_that_know_it(edgewise, asked):
    path = write('target = "y"\nkeep = true\nwork = "quick"\n')
    assert edgewise("fit", "data.csv", "--config", path).code == 0
    assert asked["task"].work == "quick"
    assert asked["task"].seconds is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("secnds = 3\n", "did you mean 'seconds'?"),
        ("[fti]\nseed = 1\n", "did you mean 'fit'?"),
        ("[fit]\nsead = 1\n", "did you mean 'seed'?"),
        ("[fit]\nkeep = true\n", "'keep'"),
        ("[fit]\nquiet = 1\n", "true or false"),
        ("[fit]\nseed = 2020-01-01\n", "text or a number"),
        ("[fit]\nseconds = [1, 2]\n", "text or a number"),
        ("[fit]\nseconds = 0\n", "--seconds"),
        ("[fit]\nwork = 0\n", "--work"),
        ('work = "norml"\n', "did you mean 'normal'?"),
        ('[fit]\nmode = "wide"\n', "--mode"),
        ("[fit]\nseed = \n", "must be TOML"),
        ("[fit]\nconfig = 'x'\n", "'config'"),
        ("out = 1.5\n", "path in quotes"),
        ("[fit]\ndata = nan\n", "path in quotes"),
    ],
)
def test_what_does_not_fit_ends_in_one_sentence(edgewise, asked, text, word):
    done = edgewise("fit", "data.csv", "-t", "y", "--config", write(text))
    assert done.code == 2
    assert word in done.err
    assert is_one_sentence(done.err)
    assert not asked


def test_a_file_that_is_not_there(edgewise, asked):
    done = edgewise("fit", "data.csv", "-t", "y", "--config", "nowhere.toml")
    assert done.code == 2
    assert "nowhere.toml of --config does not exist" in done.err
    assert is_one_sentence(done.err)


@pytest.mark.slow
def test_no_place_of_any_command_is_a_number(edgewise):
    commands: Any = typer.main.get_command(build())
    places = [
        (name, parameter)
        for name, command in commands.commands.items()
        for parameter in command.params
        if parameter.type_descriptor.annotation in (Path, list[Path])
        if parameter.name not in ("config", "models")
    ]
    assert len(places) > 20
    for name, parameter in places:
        if any(param.name == "config" for param in commands.commands[name].params):
            key = parameter.opts[0].lstrip("-")
            done = edgewise(name, "--config", write(f"[{name}]\n{key} = 7\n"))
            assert done.code == 2
            assert f"The key '{key}' of run.toml must be a path" in done.err
            assert is_one_sentence(done.err)
    assert sorted(map(str, Path().iterdir())) == ["run.toml"]
