"""`edgewise doctor`: what this machine has, what is missing and how to get it."""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edgewise._core.checks import plural
from edgewise._core.errors import EdgewiseError
from edgewise._core.extras import how_to_install
from edgewise.cli.answer import Answer
from edgewise.cli.options import Request
from edgewise.cli.outcome import DONE, REFUTED

# Importing what is installed under another name than it is imported by.
_MODULES = {"scikit-learn": "sklearn", "pyright[nodejs]": "pyright"}
_AGAIN = f"reinstall edgewise ({how_to_install()})"
_OLDEST_PYTHON = (3, 11)
# The accuracy that double precision gives a sum of a handful of terms.
_ROUNDING = 1e-12
_MARKS = {"ok": "green", "missing": "yellow", "broken": "bold red", "note": "cyan"}


class DoctorRequest(Request, group="This machine", place=90):
    """Check this installation: versions, processor, GPU, kernels, extras.

    Exit code 1 where something edgewise needs is broken; what is merely
    missing comes with the command that installs it.
    """

    def run(self) -> Answer:
        """Look at all that edgewise needs or may use."""
        checks = examine(thorough=self.verbose)
        broken = any(check.state == "broken" for check in checks)
        return Answer(
            {"healthy": not broken, "checks": [asdict(check) for check in checks]},
            _shown(checks) if broken or not self.quiet else "",
            code=REFUTED if broken else DONE,
        )


def _shown(checks: tuple[Check, ...]) -> tuple[RenderableType, ...]:
    grid = Table.grid(padding=(0, 2))
    for column in range(4):
        grid.add_column(no_wrap=column < 2, overflow="fold")
    for check in checks:
        grid.add_row(
            Text(check.state, style=_MARKS[check.state]), check.name, Text(check.found), Text(check.advice)
        )
    broken = sum(check.state == "broken" for check in checks)
    missing = sum(check.state == "missing" for check in checks)
    verdict = f"{broken} broken" if broken else "All that edgewise needs is here"
    return grid, f"\n{verdict}; optional parts missing: {missing}." if missing else f"\n{verdict}."


@dataclass(frozen=True)
class Check:
    """One line of the examination.

    Attributes
    ----------
    name : what was looked at
    state : "ok", "missing" (optional), "broken" (edgewise needs it) or "note"
    found : what is there
    advice : what to do; empty where nothing need be done
    """

    name: str
    state: str
    found: str
    advice: str = ""


def examine(*, thorough: bool = False) -> tuple[Check, ...]:
    """All checks, in the order a person reads them; `thorough` names the versions of optional packages too."""
    return (
        _python(),
        *_packages(),
        _arithmetic(),
        _backend(),
        _processor(),
        _threads(),
        _gpu(),
        _temporary_files(),
        *_extras(thorough),
    )


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.platform(terse=True)}"
    if sys.version_info < _OLDEST_PYTHON:
        return Check("python", "broken", found, "install Python 3.11 or newer")
    return Check("python", "ok", found)


def requirements(extra: str = "") -> Iterator[tuple[str, str]]:
    """Packages edgewise declares, and their lowest versions; those of an extra where one is named."""
    for line in metadata.requires("edgewise") or ():
        requirement, _, condition = line.partition(";")
        wanted = re.search(r"extra\s*==\s*['\"]([^'\"]+)", condition)
        if (wanted[1] if wanted else "") == extra and (
            parts := re.match(r"\s*([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?:>=\s*([0-9][0-9.]*))?", requirement)
        ):
            yield parts[1], parts[2] or "0"


def _packages() -> Iterator[Check]:
    for name, lowest in requirements():
        yield _package(name, lowest)


def _package(name: str, lowest: str) -> Check:
    cure = f"pip install '{name}>={lowest}'"
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(name, "broken", f"not installed; {lowest} or newer is needed", cure)
    if _numbers(found) < _numbers(lowest):
        return Check(name, "broken", f"{found}; {lowest} or newer is needed", cure)
    try:
        import_module(_MODULES.get(name, name))
    except Exception as error:  # a package that is there and cannot be loaded may fail in any way
        words = " ".join(str(error).split())[:120]
        return Check(
            name, "broken", f"{found}, but it cannot be imported ({words})", f"{cure} --force-reinstall"
        )
    return Check(name, "ok", found)


def _numbers(version: str) -> tuple[int, ...]:
    """The release part of a version."""
    leading = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return tuple(int(part) for part in leading[0].split(".")) if leading else ()


def _arithmetic() -> Check:
    """The splines of this installation against scipy's, in double precision."""
    name = "arithmetic"
    try:
        import numpy as np
        import torch
        from scipy.interpolate import BSpline as Oracle

        from edgewise.kernels import spline_sum
        from edgewise.splines import make_basis

        breaks = torch.linspace(-1, 1, 6, dtype=torch.float64)[None]
        basis = make_basis("bspline", breaks, degree=3)
        coef = torch.sin(torch.arange(8, dtype=torch.float64))
        x = torch.linspace(-1, 1, 41, dtype=torch.float64)
        ours = spline_sum(basis, x[:, None], coef[None, :, None])[:, 0].numpy()
        knots = -1 + 0.4 * np.arange(-3, 9)
        error = float(np.abs(ours - Oracle(knots, coef.numpy(), 3)(x.numpy())).max())
    except Exception as failure:  # whatever goes wrong here is the finding
        words = f"{type(failure).__name__}: {' '.join(str(failure).split())[:120]}"
        return Check(name, "broken", words, f"{_AGAIN} and torch")
    if not error < _ROUNDING:
        return Check(
            name, "broken", f"splines are off by {error:.1e}", "reinstall torch; the processor may be faulty"
        )
    return Check(name, "ok", f"splines equal scipy's to {error:.0e}")


def _backend() -> Check:
    try:
        from edgewise.kernels.native import library

        native, why = library.load(), library.reason()
    except EdgewiseError as refused:
        return Check("kernels", "broken", str(refused), "unset EDGEWISE_BACKEND and EDGEWISE_ISA")
    except Exception as failure:
        return Check("kernels", "broken", f"{type(failure).__name__}: {failure}", _AGAIN)
    if native is None:
        why, _, remedy = why.rpartition("; ")
        return Check("kernels", "note", f"plain torch: {why}", remedy)
    threads = "threads shared with torch" if native.shares_threads else "threads of their own"
    return Check("kernels", "ok", f"native kernels, {native.isa}, {threads}")


def _processor() -> Check:
    try:
        import torch

        features = torch.backends.cpu.get_cpu_capability()
    except Exception:  # an old torch
        features = "unknown"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("processor", "ok", f"{platform.machine()}, {features}, {usable} usable cores")


def _threads() -> Check:
    """What this process takes; the command line starts with one thread, a Python of the user's with one for each core."""
    try:
        import torch
        from threadpoolctl import threadpool_info

        pools = {
            (item["internal_api"], item["num_threads"])
            for item in threadpool_info()
            if item["user_api"] == "blas"
        }
    except Exception:
        return Check("threads", "note", "unknown without torch and threadpoolctl")
    found = [f"torch {torch.get_num_threads()}", *(f"{name} {count}" for name, count in sorted(pools))]
    return Check(
        "threads",
        "ok",
        f"{', '.join(found)} in this command",
        "small networks gain nothing from more (--threads N); in a training loop of your own over small layers, start "
        "with torch.set_num_threads(1)",
    )


def _gpu() -> Check:
    try:
        import torch

        if torch.cuda.is_available():
            return Check("GPU", "ok", torch.cuda.get_device_name(0))
        built = bool(torch.version.cuda or getattr(torch.version, "hip", None))
    except Exception:
        return Check("GPU", "note", "unknown without torch")
    if built:
        return Check(
            "GPU", "note", "none seen, though torch could use one", "check the driver with nvidia-smi"
        )
    return Check("GPU", "note", "none; this torch is the build for processors")


def _temporary_files() -> Check:
    name, place = "temporary files", tempfile.gettempdir()
    try:
        with tempfile.NamedTemporaryFile(dir=place) as file:
            file.write(b"edgewise")
    except OSError as error:
        cure = "set TMPDIR to a folder that can be written to"
        return Check(name, "broken", f"{place}: {error.strerror or error}", cure)
    return Check(name, "ok", place)


def _extras(thorough: bool) -> Iterator[Check]:
    known: Any = metadata.metadata("edgewise").get_all("Provides-Extra") or []
    for extra in known:
        there: list[str] = []
        lacking: list[str] = []
        for name, lowest in requirements(extra):
            try:
                found = metadata.version(name)
            except metadata.PackageNotFoundError:
                lacking.append(name)
                continue
            (there if _numbers(found) >= _numbers(lowest) else lacking).append(f"{name} {found}")
        cure = how_to_install(extra)
        if lacking:
            yield Check(f"extra: {extra}", "missing", f"without {', '.join(lacking)}", cure)
        else:
            yield Check(
                f"extra: {extra}", "ok", ", ".join(there) if thorough else plural(len(there), "package")
            )
