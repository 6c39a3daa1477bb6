"""`python -m edgewise.bench.worker JSON`: one job in this process, its findings as lines of JSON on standard output."""

from __future__ import annotations

import json
import os
import sys
import warnings

import torch

from edgewise.bench.jobs import Job, measure, settings_from, to_line


def main(words: str) -> None:
    """Measure what the words ask for."""
    asked = json.loads(words)
    settings = settings_from(asked["settings"])
    # Packages that print would spoil the lines: whatever they write goes to standard error.
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    torch.set_num_threads(settings.threads)
    with lines:
        for finding in measure(Job(asked["table"], asked["name"]), settings):
            lines.write(to_line(finding) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
