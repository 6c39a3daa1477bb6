"""`edgewise pde`: a differential equation in; its solution with its estimated error out."""

from __future__ import annotations

from pathlib import Path

from edgewise.cli.options import Force, Request, Seconds, Work, argument, option


class PdeRequest(Request, group="Solve equations", place=70):
    """Solve a differential equation to a tolerance, and state how far the answer is to be relied on.

    Exit code 0: the estimated error is within the tolerance. 3: it is not, or
    something counts against the answer, which is printed. Ctrl-C ends early with
    the solution so far and exit code 130.

    A problem of one's own is a TOML file (`--show` prints those of the
    gallery), with equations as text: `dx(u, t) + u*dx(u, x) = nu*dx(u, x, 2)`.
    A Python file may build the problem as `edgewise.pde` does.

    Examples:

    - `edgewise pde`

    - `edgewise pde burgers --tolerance 1e-8 --plot burgers.png`

    - `edgewise pde burgers --show > mine.toml`

    - `edgewise pde mine.toml -o mine.kan --json`

    - `edgewise pde kovasznay --report flow.html`

    - `edgewise pde kdv --checkpoint kdv.part -o kdv.kan`
    """

    problem: str | None = argument(
        "A problem of the gallery, a TOML file, or a Python file that defines `problem`; "
        "without it the gallery is listed."
    )
    tolerance: float | None = option(
        "Relative L2 error to ask for.",
        "-t",
        min=1e-13,
        max=0.1,
        show_default="that of the problem, else 1e-6",
    )
    road: str = option(
        "auto: what suits the problem. products: one network of products, trained in all of a box at once.",
        default="auto",
    )
    work: Work = "normal"
    seconds: Seconds = None
    seed: int = option(
        "Of the places at which residuals are measured; solving is not random.", default=0, min=0
    )
    out: Path | None = option("Write the solution here, to be read by edgewise.load.", "-o")
    plot: Path | None = option(
        "Draw the solution into this .png or .svg file; in motion into a .gif or .mp4."
    )
    report: Path | None = option("Write a page about the solution here, one .html file.")
    checkpoint: Path | None = option(
        "Keep a march through time here while it goes on; where the file is there, go on from it."
    )
    show: bool = option("Print the problem's TOML file, to be copied, and leave.", default=False)
    force: Force = False
