"""Files are written whole or not at all; what cannot be replaced without harm is written through."""

import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgewise import FileError, InputError
from edgewise._core.files import hands_on, write_file

CONTENT = bytes(range(256)) * 300


def run(code, **options):
    """A fresh Python with its own standard streams."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output="stdout" not in options,
        check=True,
        timeout=60,
        **options,
    )


def test_a_file_is_replaced_whole_with_its_permissions(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"old")
    file.chmod(0o640)
    assert write_file(file, CONTENT, overwrite=True) == file
    assert file.read_bytes() == CONTENT
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_that_exists_is_refused(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"old")
    with pytest.raises(FileError, match="exists already; pass overwrite=True"):
        write_file(file, CONTENT, overwrite=False)
    assert file.read_bytes() == b"old"


def test_a_link_stays_and_the_file_it_names_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "a").symlink_to(tmp_path / "far" / "b")
    write_file(tmp_path / "a", CONTENT, overwrite=False)
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "far" / "b").read_bytes() == CONTENT


def test_a_device_stays_a_device(tmp_path):
    before = os.stat("/dev/null")
    write_file("/dev/null", CONTENT, overwrite=True)
    (tmp_path / "nothing").symlink_to("/dev/null")
    write_file(tmp_path / "nothing", CONTENT, overwrite=False)
    after = os.stat("/dev/null")
    assert stat.S_ISCHR(after.st_mode)
    assert (before.st_ino, before.st_rdev) == (after.st_ino, after.st_rdev)


def test_a_named_pipe_hands_everything_to_its_reader(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=write_file, args=(pipe, CONTENT), kwargs={"overwrite": False})
    writer.start()
    with pipe.open("rb") as reader:
        assert reader.read() == CONTENT
    writer.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_disk_is_not_written_to_unless_it_may_be(tmp_path, monkeypatch):
    assert hands_on(Path("/dev/null"))
    monkeypatch.setattr(Path, "is_block_device", lambda path: path.name == "null")
    assert not hands_on(Path("/dev/null"))
    with pytest.raises(FileError, match="exists already"):
        write_file("/dev/null", CONTENT, overwrite=False)
    write_file("/dev/null", CONTENT, overwrite=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_its_name_comes_in_order(name, tmp_path):
    code = f"""print("before"); from edgewise._core.files import hands_on, write_file
write_file({name!r}, b"content\\n", overwrite=True); print("after")"""
    assert run(code).stdout == b"before\ncontent\nafter\n"
    # A shell's `>> file` is a file by that name, which replacing would tear from the shell's hands.
    target = tmp_path / "out"
    target.write_bytes(b"first\n")
    with target.open("ab") as file:
        run(code, stdout=file)
    assert target.read_bytes() == b"first\nbefore\ncontent\nafter\n"


@pytest.mark.parametrize("full", ["device", "limit"])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, full):
    file = tmp_path / "a"
    file.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if full == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(FileError, match=r"cannot be written: .*\.$"):
            write_file("/dev/full" if full == "device" else file, CONTENT, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", InputError),
        (None, InputError),
        (3, InputError),
        ("\0", FileError),
        (".", FileError),
        ("no/a", FileError),
    ],
)
def test_places_that_are_none_are_one_sentence(path, error):
    with pytest.raises(error, match=r"[^\n]+\.$") as caught:
        write_file(path, b"", overwrite=True)
    assert "\n" not in str(caught.value)
