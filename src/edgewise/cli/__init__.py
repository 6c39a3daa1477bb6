"""The command line: `edgewise demo | fit | predict | formula`, thin commands over the rooms below."""

from __future__ import annotations

from collections.abc import Sequence


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
    from edgewise.cli.app import build

    build()(args=None if arguments is None else list(arguments), prog_name="edgewise")
