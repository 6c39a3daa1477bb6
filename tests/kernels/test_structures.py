"""The structures that cross into the library, laid out here as the compiler lays them out there."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from edgewise.kernels import small
from edgewise.kernels.native import hidden, laplace, library, optimizer, pointwise
from edgewise.kernels.native_backend import CALL, FIELDS

pytest.importorskip("hatchling")
ROOT = Path(__file__).parents[2]


def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = hook()
pytestmark = pytest.mark.skipif(not HOOK.compiler(os.environ), reason="needs a C++ compiler")

STRUCTURES: dict[str, type[ctypes.Structure]] = {
    "ew_layer": small.LayerStruct,
    "ew_network": small.NetworkStruct,
    "ew_descent": small.DescentStruct,
    "ew_adamw_part": optimizer.AdamWPart,
    "ew_adamw_step": optimizer.StepStruct,
    "ew_hidden": hidden.Hidden,
    "ew_laplace": laplace.Laplace,
    "ew_pointwise": pointwise.Pointwise,
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that prints sizes and places of all members, and the members of a call given on its input."""
    lines = ['printf("EW_VERSION %d\\n", EW_VERSION);']
    for name, layout in STRUCTURES.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for member, *_ in layout._fields_:
            where = f"offsetof({name}, {member}), sizeof((({name} *)0)->{member})"
            lines.append(f'printf("{name}.{member} %zu %zu\\n", {where});')
    lines.append("ew_spline s;")
    lines.append("if (fread(&s, sizeof s, 1, stdin) != 1 || fgetc(stdin) != EOF) return 1;")
    lines += [f'printf("{member} %lld\\n", (long long)s.{member});' for member in FIELDS]
    folder = tmp_path_factory.mktemp("structures")
    source, program = folder / "print.cpp", folder / "print.exe"
    text = "#include <cstddef>\n#include <cstdio>\n#include <edgewise_network.h>\n"
    source.write_text(text + "int main() {\n" + "\n".join(lines) + "\nreturn 0;\n}\n")
    words = [*HOOK.compiler(os.environ), "-std=c++17", f"-I{ROOT / HOOK.NATIVE / 'src'}"]
    subprocess.run([*words, str(source), "-o", str(program)], check=True, capture_output=True, timeout=600)
    return program


def test_sizes_and_places_are_the_compiler_s(compiled: Path) -> None:
    call = CALL.pack(*range(1, len(FIELDS) + 1))
    done = subprocess.run([str(compiled)], input=call, capture_output=True, timeout=600)
    assert done.returncode == 0, "a packed call is not as long as ew_spline"
    found = dict(line.split(" ", 1) for line in done.stdout.decode().splitlines())
    expected = {"EW_VERSION": str(library._VERSION)}
    for name, layout in STRUCTURES.items():
        expected[name] = str(ctypes.sizeof(layout))
        for member, *_ in layout._fields_:
            at = getattr(layout, member)
            expected[f"{name}.{member}"] = f"{at.offset} {at.size}"
    expected |= {member: str(number) for number, member in enumerate(FIELDS, 1)}
    assert found == expected
