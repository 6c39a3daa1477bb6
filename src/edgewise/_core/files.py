"""Files out: whole or not at all, through links to what they name; devices, pipes and open streams are written through."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Generator
from pathlib import Path

from edgewise._core.checks import check_bool, short
from edgewise._core.errors import FileError, InputError

PathLike = str | os.PathLike[str]


_LONGEST_PATH = 160


def as_path(path: object, name: str = "path") -> Path:
    """A path that is not empty."""
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        raise InputError(argument=name, expected="be the path of a file", got=short(path))
    return Path(path)


def shown(path: Path) -> str:
    """A path as a sentence can bear it."""
    text = str(path)
    if len(text) > _LONGEST_PATH:  # both ends show where it is and what it is called
        text = f"{text[: _LONGEST_PATH // 2 - 3]}...{text[-_LONGEST_PATH // 2 :]}"
    return text if text.isprintable() else short(text)


@contextlib.contextmanager
def said_clearly(path: Path, what: str) -> Generator[None]:
    """Errors of the operating system as one sentence; `what` could not be done: "read" or "written"."""
    try:
        yield
    except FileError:
        raise
    except FileNotFoundError as error:
        reason = "there is no such file" if what == "read" else "its folder does not exist; make it first"
        raise FileError(f"The file {shown(path)} cannot be {what}: {reason}.") from error
    except OSError as error:
        raise FileError(f"The file {shown(path)} cannot be {what}: {error.strerror or error}.") from error
    except ValueError as error:  # a path with a null byte, or with half a surrogate pair
        raise FileError(f"The file {shown(path)} cannot be {what}: {error}.") from error


def check_place(path: Path, *, overwrite: bool) -> None:
    """Refuse a folder, and what may not be lost: a file, a disk. What hands on what it is given has nothing to lose."""
    check_bool(overwrite, "overwrite")
    with said_clearly(path, "written"):
        if path.is_dir():
            raise FileError(
                f"The file {shown(path)} cannot be written: it is a folder; add the name of a file."
            )
        if not overwrite and path.exists() and not hands_on(path):
            raise FileError(
                f"The file {shown(path)} exists already; pass overwrite=True or choose another name."
            )


def write_file(path: PathLike, content: bytes, *, overwrite: bool) -> Path:
    """Put content in a file's place in one step, or leave everything as it was.

    Readers see the old file or the new one, never a part: it is written beside its place and moved there once it is on
    disk. A link stays, and the file that it names is replaced. What cannot be replaced without harm, a device, a pipe
    or the file that this process's output goes to, is written through.

    Parameters
    ----------
    path : str or path
    content : bytes
    overwrite : bool
        Whether a file that exists may be replaced.

    Returns
    -------
    Path
        The path as given.

    Raises
    ------
    InputError
        If the path is none.
    FileError
        If the file exists and may not be replaced, or cannot be written.
    """
    target = as_path(path)
    check_place(target, overwrite=overwrite)
    with said_clearly(target, "written"):
        if is_stream(target):
            _write_through(target, content)
        else:
            _replace(Path(os.path.realpath(target)), content)
    return target


def is_stream(path: Path) -> bool:
    """Whether a path names what is written through: a device, a pipe, or what standard output or error goes to."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return False
    if stat.S_ISDIR(found.st_mode):
        return False
    return not stat.S_ISREG(found.st_mode) or _standard(found) is not None


def hands_on(path: Path) -> bool:
    """Whether a path names what keeps nothing that writing would cost: a stream, but no disk."""
    return is_stream(path) and not path.is_block_device()


def _standard(found: os.stat_result) -> int | None:
    """The descriptor of the standard stream that goes to a file; None for other files."""
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(found, os.fstat(descriptor)):
                return descriptor
    return None


def _write_through(target: Path, content: bytes) -> None:
    descriptor = _standard(target.stat())
    for stream in filter(None, (sys.stdout, sys.stderr)):  # what was printed before comes before
        stream.flush()
    # Opened anew, a standard stream that goes to a file would be written from its beginning.
    opened = os.open(target, os.O_WRONLY) if descriptor is None else os.dup(descriptor)
    with os.fdopen(opened, "wb") as file:
        file.write(content)


def _replace(target: Path, content: bytes) -> None:
    draft = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.tmp")
    # The usual permissions of a new file (the process's umask), or those of the file that is replaced.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if target.exists():
                os.chmod(draft, stat.S_IMODE(target.stat().st_mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:  # Ctrl-C too must leave nothing behind
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
    # The new name is safe from a power cut only when the folder is on disk too; some systems cannot do that.
    with contextlib.suppress(OSError, AttributeError):
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
