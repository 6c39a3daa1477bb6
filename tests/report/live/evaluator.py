"""The page's evaluator, run by node on models and rows."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from edgewise.programs.as_data import program_data
from edgewise.programs.program import program_of

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no node on this machine")
BUNDLE = Path(str(files("edgewise.report.live"))) / "live.js"

_HEAD = """
const fs = require("fs");
const vm = require("vm");
vm.runInThisContext(fs.readFileSync(process.argv[1], "utf8") + ";globalThis.live = edgewiseLive");
"""
_ANSWERS = """
JSON.parse(fs.readFileSync(0, "utf8")).map(({ program, rows }) => {
  const model = new live.Evaluator(program);
  return rows.map((row) => {
    const { outputs, nodes, sums } = model.run(row);
    const told = (list) => Array.from(list, String);
    const classes = told(model.probabilities(outputs));
    return { outputs: told(outputs), classes, sums: sums.map(told), nodes: nodes.map(told) };
  });
})
"""


def evaluated(expression: str, given: Any = None) -> Any:
    """A JavaScript expression in which `live` is the bundle; it may read JSON from its standard input."""
    done = subprocess.run(
        [str(NODE), "-e", f"{_HEAD}console.log(JSON.stringify({expression.strip()}))", str(BUNDLE)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answers(jobs: Sequence[tuple[Any, Sequence[Sequence[Any]]]]) -> list[list[Mapping[str, Any]]]:
    """For every model and every one of its rows: outputs, probabilities, sums and nodes."""
    told = [
        {"program": program_data(program_of(model, None, maps=True)), "rows": [list(row) for row in rows]}
        for model, rows in jobs
    ]
    return evaluated(_ANSWERS, told)
