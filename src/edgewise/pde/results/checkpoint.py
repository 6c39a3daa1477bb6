"""A march through time that is not at its end, to be gone on from: its slabs, run by run, in memory and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from edgewise._core.errors import FileError, InputError
from edgewise._core.files import PathLike
from edgewise._core.version import __version__
from edgewise.network.container import Table, read_container, write_container
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.files import damaged, problem_document, problem_of
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.table_files import pieces_of, promised, written

KIND = "Checkpoint"


@dataclass(frozen=True, eq=False)
class MarchRun:
    """Slabs of one march.

    Attributes
    ----------
    pieces : Pieces
    indicators, contradictions : tuple of float
        Of each slab.
    tolerance : float
        What each slab met.
    complete : bool
        Whether it reached the end.
    """

    pieces: Pieces
    indicators: tuple[float, ...]
    contradictions: tuple[float, ...]
    tolerance: float
    complete: bool


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a march has found so far; `solve(problem, tolerance, resume=checkpoint)` goes on from it, to the same bits.

    Attributes
    ----------
    problem : Problem
    tolerance : float
        What was asked for.
    runs : tuple of MarchRun
        One after the other; the last one may be incomplete.
    """

    problem: Problem
    tolerance: float
    runs: tuple[MarchRun, ...]

    def check(self, problem: Problem, tolerance: float) -> None:
        """Refuse another problem or tolerance than its own."""
        if problem_document(problem) != problem_document(self.problem) or tolerance != self.tolerance:
            raise InputError(
                argument="resume",
                expected="be of the same problem and tolerance",
                advice="leave it out to begin anew",
            )

    def save(self, path: PathLike) -> None:
        """Write it to one file, in place of what was there."""
        tensors: dict[str, torch.Tensor] = {}
        runs: list[dict[str, Any]] = []
        for n, run in enumerate(self.runs):
            described, numbers = written(run.pieces)
            tensors |= {f"{n}.{name}": number for name, number in numbers.items()}
            tensors[f"{n}.indicators"] = torch.tensor(run.indicators, dtype=torch.float64)
            tensors[f"{n}.contradictions"] = torch.tensor(run.contradictions, dtype=torch.float64)
            runs.append({**described, "tolerance": run.tolerance, "complete": run.complete})
        document = {
            "kind": KIND,
            "written_by": __version__,
            "problem": problem_document(self.problem),
            "tolerance": self.tolerance,
            "runs": runs,
        }
        write_container(path, document, tensors, True)

    @classmethod
    def load(cls, path: PathLike) -> Checkpoint:
        """Read one that `save` wrote. No code from the file runs.

        Raises
        ------
        FileError
            If the file is missing, holds no checkpoint, or is damaged anywhere.
        """
        document, tensors = read_container(path, KIND, _promised, finite=False)
        with damaged(path):
            problem = problem_of(document["problem"])
            runs: list[MarchRun] = []
            for n, run in enumerate(document["runs"]):
                own = {
                    name.split(".", 1)[1]: tensor
                    for name, tensor in tensors.items()
                    if name.startswith(f"{n}.")
                }
                runs.append(
                    MarchRun(
                        pieces_of(run, own, problem),
                        tuple(own["indicators"].tolist()),
                        tuple(own["contradictions"].tolist()),
                        float(run["tolerance"]),
                        bool(run["complete"]),
                    )
                )
            return cls(problem, float(document["tolerance"]), tuple(runs))
        raise FileError(f"The file {path} is damaged.")


def _promised(document: Any) -> Table:
    table: Table = {}
    for n, run in enumerate(document["runs"]):
        table |= {f"{n}.{name}": entry for name, entry in promised(run, document["problem"]).items()}
        count = len(run["degrees"])
        table |= {f"{n}.{name}": ("F64", (count,)) for name in ("indicators", "contradictions")}
    return table
