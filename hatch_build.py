"""Compiles the native kernels into one shared library, for hatchling and by hand (`python hatch_build.py`).

The library has a plain C interface, so one wheel a platform serves every Python and torch. Where no compiler is at hand
the build asks for one as a package (ziglang); where nothing helps, the wheel comes without the library and edgewise
computes with torch. EDGEWISE_NO_NATIVE=1 leaves the library out, EDGEWISE_REQUIRE_NATIVE=1 makes its absence an error,
CXX names the compiler.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path("src", "edgewise", "kernels", "native")
PACKAGE_WITH_COMPILER = "ziglang>=0.13"

# isa*.cpp are compiled once for each of these; the library chooses when it runs. Never -march=native: what is built here may
# run elsewhere.
INSTRUCTION_SETS: dict[str, dict[str, tuple[str, ...]]] = {
    "x86_64": {
        "portable": (),
        "avx2": ("-mavx2", "-mfma"),
        "avx512": (
            "-mavx512f",
            "-mavx512vl",
            "-mavx512dq",
            "-mavx512bw",
            "-mfma",
            "-mprefer-vector-width=512",
        ),
    },
    "aarch64": {"portable": (), "neon": ()},
}
_SAME_MACHINE = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
_FLAGS = ("-std=c++17", "-O3", "-g0", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math")
# The oldest macOS for which torch has wheels.
_MACOS = "11.0"


class BuildError(Exception):
    """Why there is no library, in one line."""


class Target(NamedTuple):
    """The machine that the library is for.

    Attributes
    ----------
    system : "linux", "darwin" or "windows"
    machine : "x86_64", "aarch64" or another, which gets portable code
    tag : what a wheel for it is called
    """

    system: str
    machine: str
    tag: str

    @property
    def library(self) -> str:
        """The file name of the library."""
        return {"windows": "edgewise.dll", "darwin": "libedgewise.dylib"}.get(self.system, "libedgewise.so")

    @property
    def instruction_sets(self) -> dict[str, tuple[str, ...]]:
        """Names and compiler flags."""
        return INSTRUCTION_SETS.get(self.machine, {"portable": ()})

    def flags(self, *, zig: bool = False) -> tuple[str, ...]:
        """Flags of every compilation and of the link; zig would otherwise compile for the processor it runs on."""
        flags: tuple[str, ...] = ("-mcpu=baseline",) if zig else ()
        if self.system == "darwin":
            arch = "arm64" if self.machine == "aarch64" else self.machine
            flags += ("-arch", arch, f"-mmacosx-version-min={_MACOS}")
        return flags if self.system == "windows" else (*flags, "-fPIC")


def target(environ: Mapping[str, str], plat: str = "") -> Target:
    """The machine that is built for: this one, or the one of ARCHFLAGS on macOS."""
    plat = plat or sysconfig.get_platform()
    system = {"win": "windows", "mac": "darwin"}.get(plat[:3], plat.partition("-")[0])
    machine = plat.rpartition("-")[2]
    if system == "darwin":
        asked = re.findall(r"-arch\s+(\w+)", environ.get("ARCHFLAGS", ""))
        machine = asked[0] if len(asked) == 1 else platform.machine() if "universal" in machine else machine
        plat = f"macosx-{_MACOS}-{machine}"
    elif plat == "win32":
        machine = "x86"
    tag = f"py3-none-{re.sub('[-.]', '_', plat)}"
    return Target(system, _SAME_MACHINE.get(machine, machine), tag)


def compiler(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The command that compiles C++: $CXX, one on the path, or the one of the package ziglang; empty where there is none."""
    if chosen := shlex.split(environ.get("CXX", ""), posix=os.name != "nt"):
        return tuple(chosen)
    for name in ("c++", "g++", "clang++"):
        if path := shutil.which(name, path=environ.get("PATH")):
            return (path,)
    return (sys.executable, "-m", "ziglang", "c++") if find_spec("ziglang") else ()


def build(root: Path, output: Path, environ: Mapping[str, str]) -> None:
    """Compile the sources under root into the library `output`.

    Raises
    ------
    BuildError
        If there is no compiler or it fails.
    """
    command = compiler(environ)
    if not command:
        raise BuildError("no C++ compiler is installed")
    aim = target(environ)
    zig = any("zig" in Path(word).name for word in command)
    flags = aim.flags(zig=zig)
    # Beside its place and then renamed: a process that has the old one loaded keeps it, and none sees half of one.
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".build-") as folder:
        jobs: list[list[str]] = []
        for source in sorted((root / NATIVE / "src").glob("*.cpp")):
            variants = aim.instruction_sets if source.name.startswith("isa") else {"": ()}
            for name, special in variants.items():
                define = (f"-DEW_ISA={name}",) if name else ()
                made = f"{folder}/{source.stem}{name}.o"
                jobs.append([*command, *flags, *_FLAGS, *define, *special, "-c", str(source), "-o", made])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_run, jobs))
        # On Windows the library brings the compiler's own libraries; zig's are inside in any case.
        link = {"windows": ("-s",) if zig else ("-s", "-static"), "darwin": ()}.get(
            aim.system, ("-s", "-pthread")
        )
        made = f"{folder}/{aim.library}"
        _run([*command, *flags, "-shared", *(job[-1] for job in jobs), *link, "-o", made])
        os.replace(made, output)


def build_in_tree(root: Path, environ: Mapping[str, str]) -> None:
    """Build the library beside its sources, where it is not newer than all of them."""
    output = root / NATIVE / target(environ).library
    inputs = [*(root / NATIVE / "src").iterdir(), Path(__file__)]
    if not output.exists() or output.stat().st_mtime <= max(path.stat().st_mtime for path in inputs):
        build(root, output, environ)


def build_once(root: Path, environ: Mapping[str, str]) -> Path:
    """The library for a wheel, under build/ by what it is made of: pip asks for each wheel twice, first for its metadata."""
    aim = target(environ)
    made_of = sha256(repr((aim, compiler(environ))).encode())
    for path in (Path(__file__), *sorted((root / NATIVE / "src").iterdir())):
        made_of.update(path.read_bytes())
    library = root / "build" / f"native-{made_of.hexdigest()[:16]}" / aim.library
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        build(root, library, environ)
    return library


def _run(words: list[str]) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise BuildError(f"{words[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise BuildError(f"{Path(words[0]).name} failed: {told[0] if told else f'status {done.returncode}'}")


class NativeBuildHook(BuildHookInterface[Any]):
    """Puts the library into wheels and, for editable installations, into the tree."""

    def dependencies(self) -> list[str]:
        """A compiler, where the machine has none."""
        if self.target_name != "wheel" or os.environ.get("EDGEWISE_NO_NATIVE") or compiler(os.environ):
            return []
        return [PACKAGE_WITH_COMPILER] if _has_zig(target(os.environ)) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before hatchling collects the files."""
        if self.target_name != "wheel" or os.environ.get("EDGEWISE_NO_NATIVE"):
            return
        root, aim = Path(self.root), target(os.environ)
        try:
            if version == "editable":
                build_in_tree(root, os.environ)
                return
            library = build_once(root, os.environ)
        except (BuildError, OSError) as failure:
            if os.environ.get("EDGEWISE_REQUIRE_NATIVE"):
                raise
            self.app.display_warning(f"edgewise is built without its native kernels: {failure}")
            return
        build_data["force_include"][str(library)] = f"edgewise/kernels/native/{library.name}"
        build_data["pure_python"] = False
        build_data["tag"] = aim.tag


def _has_zig(aim: Target) -> bool:
    """Whether the package index holds ziglang for the machine."""
    return aim.machine in ("x86_64", "aarch64") and aim.system in ("linux", "darwin", "windows")


if __name__ == "__main__":
    try:
        build_in_tree(Path(__file__).parent, os.environ)
    except BuildError as failure:
        sys.exit(f"edgewise's native kernels were not built: {failure}")
