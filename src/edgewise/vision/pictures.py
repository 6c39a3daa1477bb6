"""Pictures from arrays and from folders, as numbers from 0 to 1."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from edgewise._core.checks import UNREADABLE, check_int, plural, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.extras import need
from edgewise._core.files import as_path

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
# The side of pictures from a folder is their median, but no more than this.
LARGEST = 64


@dataclass(frozen=True, eq=False)
class Folder:
    """Pictures from a folder.

    Attributes
    ----------
    pictures : Tensor of uint8, shape (n, height, width, channels)
    labels : tuple of str
        The subfolder of each.
    files : tuple of Path
    damaged : tuple of str
        Files that could not be read, and why.
    """

    pictures: Tensor
    labels: tuple[str, ...]
    files: tuple[Path, ...]
    damaged: tuple[str, ...]


def as_pictures(X: Any, of: str) -> Tensor:
    """Arrays (n, h, w) or (n, h, w, c) as float32 (n, c, h, w); whole numbers up to 255 become shares of 255."""
    try:
        array = X.detach().cpu().numpy() if isinstance(X, Tensor) else np.asarray(X)
    except UNREADABLE:
        array = np.asarray(None, dtype=object)
    if array.dtype.kind not in "buif" or array.ndim not in (3, 4) or 0 in array.shape[1:]:
        raise InputError(
            f"The 'X' of {of} must be pictures: an array of numbers (n, height, width) or (n, height, width, channels). "
            f"Got {_given(X, array)} instead."
        )
    if array.ndim == 3:
        array = array[..., None]
    if array.shape[3] not in (1, 2, 3, 4):
        raise InputError(
            f"The 'X' of {of} must have 1 to 4 channels, its last dimension. Got shape {array.shape} instead; for "
            "channels first, move them with X.transpose(0, 2, 3, 1)."
        )
    whole = array.dtype.kind in "bui"
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"The 'X' of {of} must hold finite numbers only. Got NaN or infinity instead.")
    scale = 1.0 / 255 if whole and array.dtype.kind != "b" else 1.0
    found = torch.from_numpy(np.ascontiguousarray(array.astype(np.float32))) * scale
    return found.permute(0, 3, 1, 2)


def digest(x: Tensor, labels: Any) -> str:
    """A name for pictures (n, channels, height, width) and their classes, by which the same ones are known again."""
    made = hashlib.sha256(repr((tuple(x.shape), np.asarray(labels).tolist())).encode())
    made.update(x.contiguous().numpy().tobytes())
    return made.hexdigest()


def _given(X: Any, array: Any) -> str:
    return short(X) if array.dtype.kind not in "buif" else f"shape {array.shape}"


def read_folder(
    folder: str | Path,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    *,
    skip_damaged: bool = False,
) -> Folder:
    """Pictures from the subfolders of a folder, one a class.

    Parameters
    ----------
    folder : str or path
    size : int or (int, int), optional
        Height and width to bring them to, cut to that shape around the middle; by default those of the median picture, at
        most 64.
    channels : 1 or 3, optional
        Grey or coloured; by default grey where all are.
    skip_damaged : bool
        Leave files out that cannot be read; by default they are an error that names them.

    Raises
    ------
    InputError
        For a size or channels that are none.
    FileError
        If there is no such folder, no picture in it, or a file cannot be read.
    """
    place = as_path(folder, "folder")
    if place.is_file():
        raise FileError(
            f"The place {short(str(place))} of pictures must be a folder with one for each class. Got a file instead."
        )
    if not place.is_dir():
        raise FileError(f"The folder {short(str(place))} of pictures does not exist.")
    parts = sorted(each for each in place.iterdir() if each.is_dir() and not each.name.startswith("."))
    files = [(part.name, file) for part in parts for file in picture_files(part)]
    if not files:
        raise FileError(
            f"The folder {short(str(place))} must have a subfolder of pictures for each class, as in cats/1.png. Found none."
        )
    found = read_files([file for _, file in files], size, channels, skip_damaged=skip_damaged)
    kept = {file: label for label, file in files}
    return Folder(found.pictures, tuple(kept[file] for file in found.files), found.files, found.damaged)


def picture_files(place: Path) -> list[Path]:
    """A picture, or all in a folder, but for what is hidden there."""
    if place.is_file():
        return [place]
    found = (file for file in place.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    return sorted(f for f in found if not any(part.startswith(".") for part in f.relative_to(place).parts))


def read_files(
    files: Sequence[Path],
    size: int | tuple[int, int] | None,
    channels: int | None,
    *,
    skip_damaged: bool = False,
) -> Folder:
    """Pictures from files; without labels."""
    if channels not in (None, 1, 3):
        raise InputError(
            f"The 'channels' of pictures from files must be 1 (grey) or 3 (colours). Got {short(channels)} instead."
        )
    if size is not None:
        height, width = size if isinstance(size, tuple) and len(size) == 2 else cast(Any, (size, size))
        size = check_int(height, "size", low=1), check_int(width, "size", low=1)
    image = need("PIL.Image", "images", "Files of pictures")
    opened, damaged, kept = list[Any](), list[str](), list[Path]()
    for file in files:
        try:
            opened.append(_upright(file))
            kept.append(file)
        except (OSError, ValueError, SyntaxError, EOFError, image.DecompressionBombError) as error:
            damaged.append(f"{file} ({str(error) or type(error).__name__})")
    if damaged and not skip_damaged:
        raise FileError(
            f"{plural(len(damaged), 'file')} cannot be read as pictures: {'; '.join(damaged[:3])}; mend or remove them, or "
            "leave them out with skip_damaged."
        )
    if not opened:
        raise FileError("No file of a picture could be read.")
    if channels is None:
        channels = 1 if all(each.mode == "L" for each in opened) else 3
    if size is None:
        sides = np.median([(each.height, each.width) for each in opened], axis=0)
        size = cast("tuple[int, int]", tuple(int(min(LARGEST, side)) for side in sides))
    ops = need("PIL.ImageOps", "images", "Files of pictures")
    arrays = [
        np.asarray(ops.fit(each.convert("L" if channels == 1 else "RGB"), (size[1], size[0])), dtype=np.uint8)
        for each in opened
    ]
    pictures = torch.from_numpy(np.stack(arrays).reshape(len(arrays), *size, channels))
    return Folder(pictures, (), tuple(kept), tuple(damaged))


def _upright(file: Path) -> Any:
    """A picture as it is to be looked at, in grey ("L") or in colours ("RGB"); what is transparent is white."""
    image, ops = (
        need("PIL.Image", "images", "Files of pictures"),
        need("PIL.ImageOps", "images", "Files of pictures"),
    )
    with image.open(file) as raw:
        raw.load()
        turned = ops.exif_transpose(raw)
    if turned.mode.startswith("I") or turned.mode == "F":
        values = np.asarray(turned, dtype=np.float64)
        top = 65535.0 if turned.mode.startswith("I") else max(float(values.max(initial=1.0)), 1e-12)
        return image.fromarray((255 * values / top).clip(0, 255).astype(np.uint8))
    if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        over = turned.convert("RGBA")
        turned_to = image.new("RGBA", over.size, (255, 255, 255, 255))
        grey = turned.mode == "LA"
        return image.alpha_composite(turned_to, over).convert("L" if grey else "RGB")
    return turned.convert("L" if turned.mode in ("1", "L") else "RGB")
