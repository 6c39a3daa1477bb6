"""`python -m benchmarks [--quick]` runs every script there is."""

import ast
import re
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
# They put results into pages, or print what others draw from.
NOT_MEASURING = {"page", "random_laws", "__main__"}


def scripts():
    for path in BENCHMARKS.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "__main__" in source and path.stem not in NOT_MEASURING:
            yield path.stem, source


def test_every_script_is_run():
    body = ast.parse((BENCHMARKS / "__main__.py").read_text(encoding="utf-8")).body
    (listed,) = [
        ast.literal_eval(assign.value)
        for assign in body
        if isinstance(assign, ast.Assign) and ast.unparse(assign.targets[0]) == "SCRIPTS"
    ]
    assert sorted(listed) == sorted(name for name, _ in scripts())


def test_every_script_has_a_short_run():
    common = re.compile(r'common_options\(|begin\(\s*"|"--quick"')
    assert [name for name, source in scripts() if not common.search(source)] == []
