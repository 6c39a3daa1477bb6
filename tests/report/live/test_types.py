"""The types that the page's source is checked against are those of the dataclasses it reads."""

import runpy
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "web"


@pytest.mark.skipif(not WEB.is_dir(), reason="the source of the page is not here")
def test_types_are_made_from_the_dataclasses(capsys):
    runpy.run_path(str(WEB / "write_types.py"), run_name="__main__")
    assert capsys.readouterr().out == (WEB / "src" / "program.ts").read_text(encoding="utf-8")
