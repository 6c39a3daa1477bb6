"""Places that are hard to write to, and two processes at one file."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest

import edgewise as ew
from edgewise.cli.app import run as run_command

from . import kills, kinds
from .children import answer, begin, end
from .kinds_networks import sample
from .sentence import why_unclear

X = np.random.default_rng(0).uniform(-1, 1, (45, 2))


@pytest.fixture(autouse=True)
def _warm() -> None:
    kinds.warm_up()


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder that others may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="places-") as place:
        os.chmod(place, 0o755)
        yield Path(os.path.realpath(place))
        os.chmod(place, 0o755)


def _fit(path: Path, method: str) -> None:
    ew.fit(ew.KAN([2, 1], seed=0), X, X[:, 0] ** 2, steps=3, method=method, checkpoint=path)


def _predict(path: Path) -> None:
    home = path.parent
    code = run_command(
        ["predict", str(home / "m.kan"), str(home / "t.csv"), "--out", str(path), "--force", "--quiet"]
    )
    if code:
        raise ew.FileError("The command refused.")


NUMBERS = ew.data.to_table({"x": np.random.default_rng(0).normal(size=5000)})
WRITERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "save": (lambda path: ew.save(sample(0), path), "out.kan"),
    "write_table": (lambda path: ew.data.write_table(NUMBERS, path), "out.csv"),
    "write_table parquet": (lambda path: ew.data.write_table(NUMBERS, path), "out.parquet"),
    "export": (lambda path: ew.exporting.export(sample(0), path, overwrite=True), "out.py"),
    "checkpoint lm": (lambda path: _fit(path, "lm"), "out.checkpoint"),
    "checkpoint adam": (lambda path: _fit(path, "adam"), "out.checkpoint"),
    "command": (_predict, "out.csv"),
}


def told(work: Callable[[], object]) -> str:
    """The sentence a piece of work is refused with; other ends are said too."""
    try:
        work()
    except ew.EdgewiseError as error:
        return f"sentence {error}"
    return "done"


def _prepare(folder: Path) -> None:
    ew.save(sample(0), folder / "m.kan")
    (folder / "t.csv").write_text("x1,x2\n" + "0.25,-0.5\n" * 3000)


def _clear(text: str | None) -> str:
    assert text is not None
    assert text.startswith("sentence "), text
    return why_unclear(text.removeprefix("sentence ")) if "command refused" not in text else ""


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file(name: str, folder: Path) -> None:
    write, file = WRITERS[name]
    _prepare(folder)
    old = (folder / file).write_bytes(b"old") if not name.startswith("checkpoint") else None
    before = set(os.listdir(folder))

    def work() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))
        return told(lambda: write(folder / file))

    assert _clear(answer(work)) == ""
    assert set(os.listdir(folder)) == before
    assert old is None or (folder / file).read_bytes() == b"old"


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_that_is_read_only_is_told(name: str, folder: Path) -> None:
    write, file = WRITERS[name]
    _prepare(folder)
    before = set(os.listdir(folder))
    os.chmod(folder, 0o555)

    def work() -> str:
        _become_nobody()
        return told(lambda: write(folder / file))

    assert _clear(answer(work)) == ""
    assert set(os.listdir(folder)) == before


@pytest.mark.parametrize("name", WRITERS)
def test_a_path_that_is_a_folder_is_told(name: str, folder: Path) -> None:
    write, file = WRITERS[name]
    _prepare(folder)
    (folder / file).mkdir()
    assert _clear(answer(lambda: told(lambda: write(folder / file)))) == ""
    assert os.listdir(folder / file) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_link_is_written_through(name: str, folder: Path) -> None:
    write, file = WRITERS[name]
    _prepare(folder)
    (folder / "elsewhere").mkdir()
    (folder / file).symlink_to(Path("elsewhere") / file)
    assert answer(lambda: told(lambda: write(folder / file))) == "done"
    assert (folder / file).is_symlink()
    assert os.listdir(folder / "elsewhere") == [file]


READERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "load": (ew.load, "m.kan"),
    "read_table": (ew.read_table, "t.csv"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_may_not_be_read_is_told(name: str, folder: Path) -> None:
    read, file = READERS[name]
    _prepare(folder)
    os.chmod(folder / file, 0)

    def work() -> str:
        _become_nobody()
        return told(lambda: read(folder / file))

    assert _clear(answer(work)) == ""


@pytest.mark.slow
def test_two_processes_may_share_a_checkpoint(folder: Path) -> None:
    """Each replaces the other's whole file; both arrive where one alone does."""
    settings, path = kills.FITS["lm"], folder / "fit.checkpoint"
    expected = answer(lambda: kills.fit_to(None, settings))
    children = [begin(lambda: kills.fit_to(path, settings)) for _ in range(2)]
    assert [end(*child) for child in children] == [expected, expected]
    assert os.listdir(folder) == ["fit.checkpoint"]
    assert answer(lambda: kills.fit_to(path, settings)) == expected


def test_many_processes_may_save_to_one_file(folder: Path) -> None:
    path = folder / "m.kan"

    def work() -> str:
        for k in range(20):
            ew.save(sample(k % 3), path)
            ew.load(path)
        return "done"

    children = [begin(work) for _ in range(3)]
    assert [end(*child) for child in children] == ["done"] * 3
    assert os.listdir(folder) == ["m.kan"]


def _become_nobody() -> None:
    """Root may write anywhere; nobody may not."""
    if os.geteuid() == 0:
        os.setegid(65534)
        os.seteuid(65534)
