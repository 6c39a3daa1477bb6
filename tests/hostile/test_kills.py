"""A few of the kills that `benchmarks/hostile.py --kills 100` makes."""

from __future__ import annotations

import numpy as np
import pytest

from . import kills, kinds


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lm", "lm, sparse", "adam"])
def test_a_killed_fit_goes_on_to_the_same_bits(name: str) -> None:
    kinds.warm_up()
    killed = kills.kill_fit(name, np.random.default_rng(len(name)))
    assert not killed.wrong, killed


@pytest.mark.slow
def test_a_killed_command_leaves_whole_files_or_none() -> None:
    killed = kills.kill_command("predict to CSV", np.random.default_rng(0))
    assert not killed.wrong, killed


def test_half_a_file_would_be_noticed(tmp_path: kills.Path) -> None:
    assert kills.partial(tmp_path) == ""
    (tmp_path / "out.csv").write_text("x\n1\n")
    assert "out.csv is not whole" in kills.partial(tmp_path)
    (tmp_path / "out.csv").unlink()
    (tmp_path / "report.html").write_text("<html>")
    assert "report.html is not whole" in kills.partial(tmp_path)
