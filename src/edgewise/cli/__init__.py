"""The command line: `edgewise demo | fit | predict | formula`, thin commands over the rooms below."""

from __future__ import annotations

import os
from collections.abc import Sequence

# The networks of the command line are small: one thread is as quick, and where other work shares the processors, threads
# that wait for each other in a loop make it ten times slower. Whoever sets these variables is obeyed.
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after `edgewise`; by default those of the process.

    Raises
    ------
    SystemExit
        Always: 0 done, 2 bad input (one sentence on standard error), 130 interrupted with the work so far saved.

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
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")  # read when torch and numpy are loaded, so before they are
    from edgewise.cli.app import build

    build()(args=None if arguments is None else list(arguments), prog_name="edgewise")
