"""`edgewise ask`: places go out, values come in, and what was measured stays in a file whatever happens."""

import io
import json
import math
import sys
from types import SimpleNamespace

import pytest
from tests.cli.conftest import is_one_sentence

from edgewise.cli.commands.ask.measure import Recorder
from edgewise.cli.commands.ask.run import _so_far

BOUNDS = ("--bounds", "m=1:5,r=1:3", "--target", "F", "--out", "measured.csv", "--work", "quick")
LAW = "import sys; m, r = map(float, sys.argv[1:]); print('ready'); print(3*m/r**2)"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(path):
    head, *lines = path.read_text().splitlines()
    assert head == "m,r,F"
    return [[float(cell or "nan") for cell in line.split(",")] for line in lines]


class Laboratory(io.StringIO):
    """Somebody who reads where to measure, and types; after `most` answers the input ends."""

    def __init__(self, printed, most=99, first=()):
        super().__init__()
        self.printed, self.most, self.answers = printed, most, list(first)

    def readline(self, *_):
        place = self.printed.getvalue().rpartition(", at ")[2].partition("\n")[0]
        at = {name: float(value) for name, value in (part.split(" = ") for part in place.split(", "))}
        if self.answers:
            return self.answers.pop(0) + "\n"
        self.most -= 1
        return f"{3 * at['m'] / at['r'] ** 2!r}\n" if self.most >= 0 else ""


@pytest.fixture
def typed(monkeypatch, edgewise):
    def run(*words, **options):
        printed = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", printed)
            patch.setattr(sys, "stdin", Laboratory(printed, **options))
            done = edgewise("ask", *BOUNDS, *words)
        return done, printed.getvalue()

    return run


def test_a_program_measures(edgewise, folder):
    command = f'{sys.executable} -c "{LAW}" {{m}} {{r}}'
    done = edgewise("ask", *BOUNDS, "--command", command)
    assert done.code == 0
    assert "F = 3*m/r^2" in done.out
    assert "It predicted the last of" in done.out
    measured = rows(folder / "measured.csv")
    assert all(y == pytest.approx(3 * m / r**2) and 1 <= m <= 5 and 1 <= r <= 3 for m, r, y in measured)
    again = edgewise("ask", *BOUNDS, "--command", command)
    assert again.code == 2
    assert is_one_sentence(again.err)
    assert "--force" in again.err


def test_values_are_typed_at_places_that_can_be_set_and_kept_when_the_input_ends(typed, folder):
    ended, said = typed(most=5, first=["what", "2,5", "3 m", "", "nan"])
    assert ended.code == 130
    assert said.count("A number such as 2.5, please; nan where it could not be measured, q to end.") == 4
    # What is piped in is shown, each on its line.
    assert "  F = what\n" in said
    assert "6 measurements in measured.csv; --resume goes on" in said
    before = rows(folder / "measured.csv")
    assert len(before) == 6
    assert math.isnan(before[0][2])
    assert all(round(100 * cell) / 100 == cell for row in before for cell in row[:2])
    # The same places are not measured again.
    done, said = typed("--resume", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert found["result"]["best"]["text"] == "3*m/r^2"
    assert found["confirmed"]
    after = rows(folder / "measured.csv")
    assert str(after[:6]) == str(before)
    assert "Measurement 6 " not in said
    assert "Measurement 7 of at most 60, at m = " in said
    assert len(after) == len(found["y"]) + 1


def test_a_program_that_fails_at_places_is_gone_round(edgewise):
    broken = LAW.replace("print('ready')", "m > 4 and sys.exit(3)")
    done = edgewise("ask", *BOUNDS, "--command", f'{sys.executable} -c "{broken}" {{m}} {{r}}')
    assert "F = 3*m/r^2" in done.out
    assert "failed: exit code 3" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bounds", "m=5:1"], "column=low:high"),
        (["--bounds", "m=1:5:9"], "column=low:high"),
        (["--bounds", "m"], "column=low:high"),
        (["--bounds", "m=1:2,m=1:3"], "more than once"),
        (["--bounds", "F=1:2"], "must not be a column"),
        (["--bounds", "m=1:2", "--command", "measure"], "{m}"),
        (["--bounds", "m=1:2", "--command", "no-such-program {m}"], "cannot be run"),
        (["--bounds", "m=1:2", "--command", "echo high {m}x"], "must print a number"),
        (["--bounds", "m=1:2", "--command", "'{m}"], "cannot be read"),
        (["--bounds", "m=1:2", "--resume", "--force"], "cannot be combined"),
        (["--bounds", "m=1:2", "--most", "3"], "The option --most must be"),
        (["--bounds", "m=1:1"], "leave out a column that is held fixed"),
        (["--bounds", "m=1:2", "--sigma", "-1"], "The option --sigma must be"),
    ],
)
def test_bad_words_end_in_one_sentence_and_code_2(edgewise, words, said):
    done = edgewise("ask", "--target", "F", "--out", "measured.csv", *words)
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert said in done.err


def test_a_program_that_never_measures_is_told_of(edgewise):
    done = edgewise("ask", *BOUNDS, "-q", "--command", f'{sys.executable} -c "exit(1)" {{m}} {{r}}')
    assert done.code == 2
    last = done.err.splitlines()[-1]
    assert is_one_sentence(last)
    assert "The option --command must give at least 8 numbers. Got 0 of" in last
    assert "give bounds within which it can measure" in last


@pytest.mark.parametrize("name", ["measured.xlsx", "measured.parquet", "measured", "measured.csv.gz", "-"])
def test_files_that_are_not_written_are_refused_before_anything_is_measured(edgewise, folder, name):
    command = f'{sys.executable} -c "open(chr(109), chr(119)); print(1)" {{m}} {{r}}'
    done = edgewise("ask", *BOUNDS, "--out", name, "--command", command)
    assert done.code == 2
    assert is_one_sentence(done.err)
    assert "must end in .csv" in done.err
    assert not list(folder.iterdir())


def test_another_table_is_not_gone_on_with(edgewise, folder):
    (folder / "measured.csv").write_text("a,b\n1,2\n")
    done = edgewise("ask", *BOUNDS, "--resume")
    assert done.code == 2
    assert "must have the columns m, r, F" in done.err


def test_measurements_are_numbered_as_rows_of_the_file(folder):
    """Whichever of them gave no number."""
    known = ((1.0, 10.0), (2.0, math.nan), (3.0, 30.0))
    recorder = Recorder(lambda place, number: 10 * place["m"], ("m",), "F", folder / "measured.csv", known)
    recorder.measure({"m": 5.0})
    lines = (folder / "measured.csv").read_text().splitlines()
    assert [float(lines[recorder.number(at)].split(",")[1]) for at in range(3)] == [10, 30, 50]


@pytest.mark.slow
def test_rows_of_the_file_count_also_where_other_places_are_asked_for(edgewise, folder):
    """Another seed, or a larger --most, asks for others: what was measured is used all the same."""
    command = f'{sys.executable} -c "{LAW}" {{m}} {{r}}'
    edgewise("ask", *BOUNDS, "--command", command)
    before = rows(folder / "measured.csv")
    done = edgewise("ask", *BOUNDS, "--command", command, "--resume", "--seed", "5", "--json")
    found = json.loads(done.out)
    assert [[*x, y] for x, y in zip(found["X"], found["y"], strict=True)] == rows(folder / "measured.csv")
    assert rows(folder / "measured.csv")[: len(before)] == before
    assert found["confirmed"]
    few = edgewise("ask", *BOUNDS, "--command", command, "--resume", "--most", "13")
    assert few.code == 2
    assert "The option --most must be" in few.err


def test_a_slip_is_told_while_it_can_be_corrected(folder, capsys):
    recorder = Recorder(lambda place, number: 10 * place["m"], ("m",), "F", folder / "measured.csv")
    for m in (1.0, math.nan, 3.0):
        recorder.measure({"m": m})
    found = SimpleNamespace(recommended=SimpleNamespace(text="10*m"), gross_errors=(1,))
    _so_far(found, 3, target="F", recorder=recorder, loss="squared", quiet=False)
    said = capsys.readouterr().err
    assert "After 3 measurements: F = 10*m" in said
    assert f"data row 3 of {folder / 'measured.csv'} lies far from the rest" in said
