"""What a job puts on the report page."""

from __future__ import annotations

import datetime as dt
import platform
import shlex
import sys
from importlib.metadata import version

from edgewise import __version__
from edgewise.cli.job import Job
from edgewise.report import Origin, ReportContent

_VERSIONS_SHOWN = ("torch", "numpy", "sympy", "scikit-learn")


def content(job: Job) -> ReportContent:
    """Everything a job found, as the report takes it."""
    simplified, found = job.simplified, job.found
    stages = (("Fitting", job.fitted), ("Simplifying", simplified), ("Formula search", found))
    notes = [f"{name}: {result.message}" for name, result in stages if result is not None and result.message]
    if job.interrupted:
        notes.append("The job was interrupted; this is the best so far.")
    source, target = job.task.table.source, job.task.target
    return ReportContent(
        title=job.task.title or f"{target} from {source}",
        source=source,
        names=job.names,
        target=target,
        X=job.X,
        y=job.y,
        X_test=job.X_test,
        y_test=job.y_test,
        network=job.network,
        formula=None if found is None else found.best,
        front=() if found is None else tuple(found.front),
        accuracy=job.accuracy,
        history=(*job.fitted.history, *(() if simplified is None else simplified.history)),
        edits=() if simplified is None else tuple(simplified.steps),
        notes=tuple(notes),
        known=job.task.known,
        origin=_origin(job),
    )


def _origin(job: Job) -> Origin:
    versions = [("edgewise", __version__), ("python", platform.python_version())]
    return Origin(
        command=shlex.join(["edgewise", *sys.argv[1:]]),
        seed=job.task.seed,
        versions=(*versions, *((name, version(name)) for name in _VERSIONS_SHOWN)),
        data_hash=job.task.table.fingerprint,
        date=dt.date.today().isoformat(),
    )
