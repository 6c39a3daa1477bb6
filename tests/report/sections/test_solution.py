"""The page of a solution: what it says, and that it is complete and safe."""

import re

import pytest

from edgewise import InputError, pde
from edgewise._core.errors import FileError
from edgewise.report import render_solution, write_solution_page

EVIL = "<script>alert(1)</script> & co"


def rod(seconds=None):
    (x,), t = pde.coordinates("x"), pde.time()
    u, v = pde.unknown("u", x, t), pde.unknown("v", x, t)
    domain = pde.box({x: (0, 1), t: (0, 0.1)})
    parts = domain.boundary
    start = pde.sin(pde.pi * x)
    problem = pde.Problem(
        domain,
        [pde.dx(u, t) == pde.dx(u, x, 2), pde.dx(v, t) == pde.dx(v, x, 2) / 2],
        [pde.on(parts["walls"], u == 0, v == 0), pde.on(parts["start"], u == start, v == 2 * start)],
    )
    return pde.solve(problem, 1e-5, seconds=seconds)


@pytest.fixture(scope="module")
def solution():
    return rod()


@pytest.mark.slow
def test_a_page_says_what_is_known(solution):
    page = render_solution(solution, title=EVIL)
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "u(x, t), v(x, t), solved" in page
    assert f"{solution.error:.1e}" in page
    assert "dx(u, t) = dx(u, x, 2)" in page
    assert "marched through time" in page
    assert page.count("<svg") == 2
    assert render_solution(solution, title=EVIL) == page


def test_it_loads_and_runs_nothing(solution):
    page = render_solution(solution)
    assert "default-src 'none'" in page
    assert "script-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r'<[^>]* style="', page)
    # Maps are pictures within the file.
    assert "img-src data:;" in page
    assert not re.search(r'(?:src|href)="(?!#|data:image/png)', page)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_what_speaks_against_it_stands_first():
    held = rod(seconds=1e-9)
    page = render_solution(held)
    assert "not a solution to rely on" in page
    assert page.index("before the first slab") < page.index("estimated relative L2 error")
    assert "unknown" in page


def test_its_formula_is_drawn(solution):
    found = solution.formula()
    page = render_solution(solution, formula=found)
    assert 'role="math"' in page
    assert "exp(-" in page


@pytest.mark.slow
def test_files_are_kept_and_other_things_refused(solution, tmp_path):
    path = solution.report(tmp_path / "rod.html", title="A rod")
    assert path.read_text(encoding="utf-8") == render_solution(solution, title="A rod")
    with pytest.raises(FileError, match="overwrite"):
        write_solution_page(solution, path)
    with pytest.raises(InputError, match="must be a Solution"):
        render_solution("rod")
