"""The command line: thin commands over the rooms below."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from edgewise.cli.threads import THREADS


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after `edgewise`; by default those of the process.

    Raises
    ------
    SystemExit
        Always: 0 done; 1 the check failed; 2 bad input (one sentence on standard error); 70 a defect of edgewise; 130
        interrupted with the work so far saved; 141 whoever read the output left early.

    Examples
    --------
    >>> from edgewise.cli import main
    >>> try:
    ...     main(["--version"])
    ... except SystemExit as leave:
    ...     leave.code
    edgewise ...
    0
    """
    for name in THREADS:
        os.environ.setdefault(name, "1")  # read when torch and numpy are loaded, so before they are
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="backslashreplace")  # a name must not break a message about it
    from edgewise.cli.app import run

    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))
