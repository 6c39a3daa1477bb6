"""The build hook: which machine, which compiler, which flags; one real build."""

import ctypes
import importlib.util
import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("hatchling")
ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
hook = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hook)


def executable(path, text="#!/bin/sh\nexit 0\n"):
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("plat", "tag", "library", "names"),
    [
        ("linux-x86_64", "linux_x86_64", "libedgewise.so", {"portable", "avx2", "avx512"}),
        ("linux-aarch64", "linux_aarch64", "libedgewise.so", {"portable", "neon"}),
        ("linux-ppc64le", "linux_ppc64le", "libedgewise.so", {"portable"}),
        ("macosx-14.0-arm64", "macosx_11_0_arm64", "libedgewise.dylib", {"portable", "neon"}),
        ("win-amd64", "win_amd64", "edgewise.dll", {"portable", "avx2", "avx512"}),
        ("win32", "win32", "edgewise.dll", {"portable"}),
    ],
)
def test_targets(plat, tag, library, names):
    aim = hook.target({}, plat)
    assert aim.tag == f"py3-none-{tag}"
    assert aim.library == library
    assert set(aim.instruction_sets) == names


def test_archflags_name_the_machine_on_macos():
    aim = hook.target({"ARCHFLAGS": "-arch x86_64"}, "macosx-11.0-universal2")
    assert (aim.machine, aim.tag) == ("x86_64", "py3-none-macosx_11_0_x86_64")
    assert aim.flags()[:2] == ("-arch", "x86_64")


def test_zig_compiles_for_the_baseline_and_nothing_for_this_processor():
    aim = hook.target({}, "linux-x86_64")
    assert "-mcpu=baseline" in aim.flags(zig=True)
    every = [*aim.flags(), *(flag for flags in aim.instruction_sets.values() for flag in flags)]
    assert not [flag for flag in every if "native" in flag]
    assert aim.instruction_sets["portable"] == ()


def test_the_compiler_is_the_one_asked_for_or_on_the_path_or_a_package(tmp_path, monkeypatch):
    assert hook.compiler({"CXX": "ccache g++-13"}) == ("ccache", "g++-13")
    clang = executable(tmp_path / "clang++")
    assert hook.compiler({"PATH": str(tmp_path)}) == (str(clang),)
    gcc = executable(tmp_path / "g++")
    assert hook.compiler({"PATH": str(tmp_path)}) == (str(gcc),)
    nowhere = {"PATH": str(tmp_path / "nowhere")}
    monkeypatch.setattr(hook, "find_spec", lambda name: name)
    assert hook.compiler(nowhere)[1:] == ("-m", "ziglang", "c++")
    monkeypatch.setattr(hook, "find_spec", lambda name: None)
    assert hook.compiler(nowhere) == ()


@pytest.fixture
def small(tmp_path):
    """A tree with two lines in place of the kernels."""
    folder = tmp_path / hook.NATIVE / "src"
    folder.mkdir(parents=True)
    (folder / "isa.cpp").write_text(
        "#define J_(a, b) a##b\n#define J(a, b) J_(a, b)\n"
        'extern "C" __attribute__((visibility("default"))) int J(run_, EW_ISA)(void) { return 7; }\n'
    )
    return tmp_path


def aged(path, seconds):
    stamp = path.stat().st_mtime + seconds
    os.utime(path, (stamp, stamp))


@pytest.mark.skipif(not hook.compiler(os.environ), reason="needs a C++ compiler")
def test_a_build_holds_every_instruction_set_and_is_made_again_for_newer_sources(small):
    hook.build_in_tree(small, os.environ)
    aim = hook.target(os.environ)
    library = small / hook.NATIVE / aim.library
    assert sorted(path.name for path in library.parent.iterdir()) == sorted([library.name, "src"])
    shutil.copy(library, small / "copy")
    loaded = ctypes.CDLL(str(small / "copy"))
    assert {getattr(loaded, f"run_{name}")() for name in aim.instruction_sets} == {7}

    aged(library, 100)
    before = library.stat().st_mtime_ns
    hook.build_in_tree(small, os.environ)
    assert library.stat().st_mtime_ns == before
    aged(small / hook.NATIVE / "src" / "isa.cpp", 1000)
    hook.build_in_tree(small, os.environ)
    assert library.stat().st_mtime_ns != before


@pytest.mark.skipif(not hook.compiler(os.environ), reason="needs a C++ compiler")
def test_a_wheel_s_library_is_built_once_for_the_same_sources(small):
    library = hook.build_once(small, os.environ)
    assert library.is_relative_to(small / "build")
    before = library.stat().st_mtime_ns
    assert hook.build_once(small, os.environ) == library
    assert library.stat().st_mtime_ns == before
    with (small / hook.NATIVE / "src" / "isa.cpp").open("a") as source:
        source.write("// changed\n")
    assert hook.build_once(small, os.environ) != library


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_a_failing_compiler_says_why_and_leaves_nothing(small):
    fails = executable(small / "fails", "#!/bin/sh\necho 'isa.cpp:1: error: too hard' >&2\nexit 1\n")
    with pytest.raises(hook.BuildError, match=r"fails failed: isa\.cpp:1: error: too hard"):
        hook.build_in_tree(small, {"CXX": str(fails)})
    with pytest.raises(hook.BuildError, match="nowhere cannot be run"):
        hook.build_in_tree(small, {"CXX": "/nowhere"})
    assert [path.name for path in (small / hook.NATIVE).iterdir()] == ["src"]


class App:
    def __init__(self):
        self.warnings = []

    def display_warning(self, text):
        self.warnings.append(text)


def run_hook(root, monkeypatch, target="wheel", **environ):
    for name in ("CXX", "EDGEWISE_NO_NATIVE", "EDGEWISE_REQUIRE_NATIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    app, data = App(), {"force_include": {}, "pure_python": True}
    made = hook.NativeBuildHook(str(root), {}, None, None, str(root), target, app)
    made.initialize("standard", data)
    return made, app.warnings, data


def test_without_the_library_the_wheel_is_plain_and_says_so_unless_it_is_required(small, monkeypatch):
    plain = {"force_include": {}, "pure_python": True}
    _, warnings, data = run_hook(small, monkeypatch, CXX="/nowhere")
    assert data == plain
    (text,) = warnings
    assert text.startswith("edgewise is built without its native kernels: ")
    with pytest.raises(hook.BuildError):
        run_hook(small, monkeypatch, CXX="/nowhere", EDGEWISE_REQUIRE_NATIVE="1")
    assert run_hook(small, monkeypatch, CXX="/nowhere", EDGEWISE_NO_NATIVE="1")[1:] == ([], plain)
    assert run_hook(small, monkeypatch, CXX="/nowhere", target="sdist")[1:] == ([], plain)


def test_a_compiler_is_asked_for_where_there_is_none(small, monkeypatch):
    made, *_ = run_hook(small, monkeypatch, EDGEWISE_NO_NATIVE="1")
    assert made.dependencies() == []
    monkeypatch.delenv("EDGEWISE_NO_NATIVE")
    monkeypatch.setattr(hook, "compiler", lambda environ: ())
    for plat, wanted in (("linux-x86_64", [hook.PACKAGE_WITH_COMPILER]), ("linux-s390x", [])):
        monkeypatch.setattr(hook, "target", lambda environ, plat=plat: hook.Target("linux", plat[6:], ""))
        assert made.dependencies() == wanted
    monkeypatch.setattr(hook, "compiler", lambda environ: ("c++",))
    assert made.dependencies() == []
