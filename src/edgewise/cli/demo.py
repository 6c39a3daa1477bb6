"""`edgewise demo`: the main job on measured data that ships with the package."""

from __future__ import annotations

from edgewise.cli.answer import Answer
from edgewise.cli.fit import carry_out
from edgewise.cli.inputs import ColumnRoles, prepare
from edgewise.cli.job import TableTask
from edgewise.cli.requests import DemoRequest
from edgewise.cli.terminal import say
from edgewise.data import EXAMPLES, load_example, to_frame


def run(asked: DemoRequest) -> Answer:
    """Learn from an example and name the law behind it, where one is known."""
    table = load_example(asked.name)
    example = EXAMPLES[asked.name]
    if not asked.json:
        say(f"{example.title}: {example.target} from {', '.join(example.columns)}\n{example.citation}\n")
    task = TableTask(
        prepare(to_frame(table), ColumnRoles(example.target, example.columns)),
        asked.work,
        asked.seconds,
        asked.seed,
        title=example.title,
        known=example.law,
        units=tuple(example.units.items()),
    )
    return carry_out(task, asked, f"\nknown law: {example.law}" if example.law else "")
