"""The README's Python runs as printed, and the files it points to exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_snippets_run_as_printed():
    snippets = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(snippets) >= 2
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(snippets)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    # What the comments beside print(...) promise.
    promised = re.findall(r"^print\(.*\)  # (.*)$", "".join(snippets), flags=re.MULTILINE)
    assert len(promised) == 7
    assert printed[:2] == promised[:2]
    assert printed[3:] == promised[2:]
    assert re.fullmatch(r"exp\(x2\^2 \+ sin\(3\.14159\*x1\)\)( [+-] \S+)?", printed[2]), printed[2]
    assert Path("model.kan").exists()
    assert Path("network.svg").exists()
    assert Path("proof.json").exists()


def test_what_it_points_to_exists():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    missing = [target for target in targets if not (ROOT / target).exists()]
    assert not missing


@pytest.mark.slow
def test_its_commands_are_the_commands_there_are():
    shown = set(re.findall(r"^edgewise (\w+)", README, flags=re.MULTILINE))
    listed = subprocess.run(
        [sys.executable, "-m", "edgewise.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert shown
    assert all(re.search(rf"\b{name}\b", listed) for name in shown)
    targets = set(re.findall(r"^make (\w+)", README, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{name}:", makefile, flags=re.MULTILINE) for name in targets)
