"""A process that carries out attempts: one line in (kind and seed), one line out (how it ended).

Whatever the attempts print goes to a file of its own, so that the lines stay clean and what C code prints is seen too.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import json
import os
import resource
import sys
import tempfile

MEMORY = 8 << 30


def main() -> None:
    """Answer line by line until the input ends."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    said = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process lives
    os.dup2(said.fileno(), 1)
    faulthandler.enable(file=sys.stderr)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from . import kinds
    from .attempts import carry_out

    kinds.warm_up()
    lines.write("ready\n")
    lines.flush()
    seen = 0
    for line in sys.stdin:
        name, seed = json.loads(line)
        outcome = carry_out(name, seed)
        sys.stdout.flush()
        size = os.fstat(said.fileno()).st_size
        if size > seen and outcome.end != "fault":
            outcome = dataclasses.replace(
                outcome, end="fault", text=f"printed {size - seen} bytes below Python"
            )
        seen = size
        lines.write(json.dumps(dataclasses.asdict(outcome)) + "\n")
        lines.flush()


if __name__ == "__main__":
    main()
