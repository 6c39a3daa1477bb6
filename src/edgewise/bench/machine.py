"""What is known of this machine and this process: processor, caches, memory, the allocator."""

from __future__ import annotations

import ctypes
import datetime as dt
import platform
import re
import sys
from pathlib import Path

import torch

from edgewise._core.version import __version__

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
# Where the system does not say: what processors of recent years have at least.
_USUAL_CACHES = {"L1": 32 << 10, "L2": 512 << 10, "L3": 8 << 20}
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def describe(threads: int) -> str:
    """Processor, threads, versions and day in one line."""
    day = dt.date.today().isoformat()
    return (
        f"{_processor()}, {threads} thread{'s' if threads > 1 else ''}; edgewise {__version__}, "
        f"torch {torch.__version__}, Python {platform.python_version()}; {day}"
    )


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.+)", file.read_text()) if file.is_file() else []
    return f"{names[0]} ({len(names)} cores)" if names else platform.processor() or platform.machine()


def caches() -> dict[str, int]:
    """Bytes of each level of data cache of one core, smallest first: {"L1": ..., "L2": ..., "L3": ...}."""
    found: dict[str, int] = {}
    for index in sorted(_CACHES.glob("index*")):
        kind, level, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction" and (amount := re.fullmatch(r"(\d+)([KMG])", size)):
            found[f"L{level}"] = int(amount[1]) * _UNITS[amount[2]]
    return found or dict(_USUAL_CACHES)


def keep_memory() -> bool:
    """Let the C library keep freed memory instead of giving it back, which spares large temporaries their page faults.

    Programs that make such temporaries over and over gain up to fourfold; True where this C library can do so.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # The largest values that the C library's 32-bit parameters take.
    return mallopt is not None and all(
        mallopt(kind, (1 << 31) - 1) == 1 for kind in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD)
    )


def resident_bytes() -> int | None:
    """Memory this process holds now; None where the system does not report it."""
    return _status("VmRSS")


def peak_bytes() -> int | None:
    """Most memory this process held since it began or since `forget_peak`; None where the system does not report it."""
    return _status("VmHWM")


def forget_peak() -> bool:
    """Begin to look for the peak anew; False where the system does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _status(name: str) -> int | None:
    file = Path("/proc/self/status")
    found = re.search(rf"{name}:\s*(\d+) kB", file.read_text()) if file.is_file() else None
    return int(found[1]) * 1024 if found else None
