"""Wings come off: nothing outside imports them, and without one all else imports, runs and finds its tests."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.wings import ROOT, SOURCE, TESTS, Wing, imported, wings

WINGS = wings()
every_wing = pytest.mark.parametrize("wing", WINGS, ids=lambda wing: wing.name)

# Run once for all wings: what others wrote is loaded before, and each wing is a child that begins from there.
WITHOUT = """
import importlib, json, os, pkgutil, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import hypothesis, matplotlib.figure, numpy as np, pandas, pint, pyarrow.parquet, pytest, rich.markdown, scipy.optimize
import scipy.signal, scipy.stats, sklearn.ensemble, sklearn.isotonic, sklearn.linear_model, sympy, torch, typer.rich_utils


def works(module, tests):
    import edgewise as ew
    from edgewise._core.rooms import room
    from edgewise.cli import main

    assert Path(ew.__file__).is_relative_to(Path.cwd()), ew.__file__
    for found in pkgutil.walk_packages(ew.__path__, "edgewise."):
        # Compiled kernels are no modules of Python, and triton is not everywhere.
        if not any(word in found.name for word in ("__main__", "libedgewise", "triton")):
            importlib.import_module(found.name)
    for package in (ew, ew.plots, ew.report, ew.estimators):
        for name in dir(package):
            getattr(package, name)

    x = np.linspace(1, 3, 40)[:, None]
    y = 2 * x[:, 0] ** 2
    model = ew.KANRegressor(mode="additive", work="quick").fit(x, y)
    law = ew.find_formula(x, y, work=0.01).best
    for number, made in enumerate((model, law)):
        ew.save(made, f"{number}.kan")
        assert np.array_equal(ew.load(f"{number}.kan").predict(x), made.predict(x))
    rows = x[:30], y[:30], x[30:], y[30:]
    content = ew.report.content_from_estimator(model, *rows, source="rows", target="y")
    assert ew.report.write_report("page.html", content).exists()
    assert ew.verify(model, "monotone(x1, increasing)").status == "proved"

    with pytest.raises(ImportError, match="This installation has no room"):
        room(module)
    if module.count(".") == 1:
        with pytest.raises(ew.EdgewiseError, match="This installation has no room"):
            getattr(ew, module.partition(".")[2])
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    if tests:
        late = "ignore::pytest.PytestAssertRewriteWarning"
        assert pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", "-W", late, "-n0", *tests]) == 0


for folder, module, tests in json.load(sys.stdin):
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        continue
    code = 1
    os.chdir(folder)
    sys.path.insert(0, str(Path("src").resolve()))
    try:
        with open("told", "w") as told, redirect_stdout(told), redirect_stderr(told):
            try:
                works(module, tests)
                code = 0
            except BaseException:
                traceback.print_exc()
    finally:
        os._exit(code)
"""


@every_wing
def test_its_places_are_there(wing: Wing) -> None:
    places = [*(SOURCE / place for place in wing.source), *(TESTS / place for place in wing.tests)]
    assert [place for place in places if not place.exists()] == []


@every_wing
def test_nothing_outside_imports_it(wing: Wing) -> None:
    own = tuple("tests." + place.removesuffix(".py").replace("/", ".") for place in wing.tests)
    wrong = [
        (path.relative_to(ROOT).as_posix(), name)
        for root in (SOURCE, TESTS)
        for path in root.rglob("*.py")
        if not wing.has(path)
        for name in imported(path, inside=root == SOURCE)
        if wing.covers(name) or any(f"{name}.".startswith(f"{home}.") for home in own)
    ]
    assert wrong == []


@pytest.mark.slow
def test_importing_the_package_loads_no_wing() -> None:
    code = "import sys, edgewise; print(*(name for name in sys.modules if name.startswith('edgewise.')))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "edgewise._core" in loaded
    assert [name for wing in WINGS for name in loaded if wing.covers(name)] == []


def _without(wing: Wing, folder: Path) -> tuple[str, str, list[str]]:
    """A copy without a wing, by links: its place, a module that it lacks, and the test files that speak of the wing."""
    for place, root in (("src/edgewise", SOURCE), ("tests", TESTS)):
        # With what was compiled before: compiling anew takes longer than all the rest.
        shutil.copytree(root, folder / place, copy_function=os.symlink)
    for path in ROOT.iterdir():
        if path.name not in ("src", "tests"):
            (folder / path.name).symlink_to(path)
    off = [folder / "src" / "edgewise" / place for place in wing.source]
    for path in [*off, *(folder / "tests" / place for place in wing.tests)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    module = "edgewise." + wing.source[0].removesuffix(".py").replace("/", ".")
    # Those that do not speak of it are loaded as they are with it.
    about = re.compile(rf"\b(edgewise|ew)(\.\w+)*\.{module.rpartition('.')[2]}\b")
    files = sorted((folder / "tests").rglob("test_*.py"))
    return str(folder), module, [str(path) for path in files if about.search(path.read_text())]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_without_a_wing_all_else_works(tmp_path: Path) -> None:
    given = list[tuple[str, str, list[str]]]()
    for wing in WINGS:
        (tmp_path / wing.name).mkdir()
        given.append(_without(wing, tmp_path / wing.name))
    # As it is installed, the library lies elsewhere; a child finds its copy first.
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        input=json.dumps(given),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(done.stdout.split()) == len(WINGS), done.stderr[-4000:]
    told = {
        wing.name: (tmp_path / wing.name / "told").read_text()[-4000:]
        for wing, code in zip(WINGS, done.stdout.split(), strict=True)
        if code != "0"
    }
    assert told == {}, "\n\n".join(told.values())
