"""`edgewise demo`: the main job on measured data that ships with the package."""

from __future__ import annotations

from pathlib import Path

from edgewise.cli.answer import Answer
from edgewise.cli.options import JOB_FILES, Force, Out, Request, Seconds, Seed, Work, argument
from edgewise.cli.outcome import refuse_to_overwrite
from edgewise.cli.terminal import say

_FOLDER = Path("edgewise-demo")


class DemoRequest(Request, group="Learn and predict", place=13):
    """See what edgewise does: from real measurements to a formula a physicist recognises.

    nuclear_binding and moseley_ka1 hold laws of physics; german_credit is a
    table of words and numbers whose rows fall into two classes.

    Examples:

    - `edgewise demo`

    - `edgewise demo moseley_ka1 --work quick`
    """

    results = JOB_FILES

    name: str = argument(
        "The data: nuclear_binding, moseley_ka1 or german_credit.", default="nuclear_binding"
    )
    work: Work = 0.75
    seconds: Seconds = None
    out: Out = _FOLDER
    seed: Seed = 0
    force: Force = False

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        # The folder is the demo's own, so running it again replaces what an earlier run left there.
        refuse_to_overwrite(self.places, self.force or self.out == _FOLDER, folder=self.out)

    def run(self) -> Answer:
        """Learn from an example and name the law behind it, where one is known."""
        from edgewise.cli.inputs import ColumnRoles, prepare
        from edgewise.cli.job import TableTask
        from edgewise.cli.learn import carry_out
        from edgewise.data import EXAMPLES, load_example, to_frame

        table = load_example(self.name)
        example = EXAMPLES[self.name]
        if not self.json:
            say(f"{example.title}: {example.target} from {', '.join(example.columns)}\n{example.citation}\n")
        task = self.call(
            TableTask,
            prepare(to_frame(table), ColumnRoles(example.target, example.columns)),
            title=example.title,
            known=example.law,
            units=tuple(example.units.items()),
        )
        return carry_out(task, self, f"\nknown law: {example.law}" if example.law else "")
