"""Pictures from arrays and from folders, as numbers from 0 to 1."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.checks import UNREADABLE, among, check_int, plural, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.extras import need
from edgewise._core.files import as_path
from edgewise.data.encoding_raw import is_missing

T = TypeVar("T")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
# The side of pictures from a folder is their median, but no more than this.
LARGEST = 64
# What 1 is worth in pictures of whole numbers.
WHOLE = 1.0 / 255
# Squares of larger numbers, added up, leave float32.
MOST = 1e15
# The orientation of a picture as EXIF has it, and where height and width change places.
ORIENTATION, LYING = 0x0112, (5, 6, 7, 8)


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


def as_pictures(X: Any, unit: float = WHOLE) -> Tensor:
    """Arrays (n, h, w) or (n, h, w, c) as float32 (n, c, h, w); whole numbers are multiplied by a unit."""
    array = _array(X)
    if array.dtype.kind not in "buif" or array.ndim not in (3, 4) or 0 in array.shape[1:]:
        raise InputError(
            argument="X",
            expected="be pictures: an array of numbers (n, height, width) or (n, height, width, channels)",
            got=_given(X, array),
            advice="one picture is X[None], series are X[:, None]" if array.ndim == 2 else "",
        )
    if array.ndim == 3:
        array = array[..., None]
    if array.shape[3] not in (1, 2, 3, 4):
        raise InputError(
            argument="X",
            expected="have 1 to 4 channels, its last dimension",
            got=f"shape {array.shape}",
            advice="for channels first, move them with X.transpose(0, 2, 3, 1)",
        )
    with np.errstate(over="ignore"):
        found = torch.from_numpy(np.ascontiguousarray(array.astype(np.float32)))
    if len(found) and not -MOST <= float(found.min()) <= float(found.max()) <= MOST:
        raise InputError(
            argument="X", expected=f"hold finite numbers up to {MOST:g}", got="NaN, infinity or a larger one"
        )
    found = found * (unit if array.dtype.kind in "ui" else 1.0)
    return found.permute(0, 3, 1, 2)


def as_one(picture: Any) -> Any:
    """What `as_pictures` takes, of one picture (height, width[, channels]) or of its file."""
    if isinstance(picture, (str, Path)):
        if not Path(picture).is_dir():
            return picture
        given = f"the folder {short(str(picture))}"
    else:
        array = _array(picture)
        if array.ndim in (2, 3):
            return array[None]
        given = _given(picture, array)
    raise InputError(
        argument="picture",
        expected="be one picture, (height, width) or (height, width, channels), or its file",
        got=given,
    )


def at_least_one(X: T) -> T:
    """Pictures, or what was found for each, unless there are none."""
    if not len(cast(Any, X)):
        raise InputError(argument="X", expected="hold a picture", got="none")
    return X


def is_whole(X: Any) -> bool:
    """Whether pictures are whole numbers; those in files are."""
    if isinstance(X, (str, Path)):
        return True
    return not X.is_floating_point() if isinstance(X, Tensor) else np.asarray(X).dtype.kind != "f"


def digest(x: Tensor, labels: Any) -> str:
    """A name for pictures (n, channels, height, width) and their classes, by which the same ones are known again."""
    made = hashlib.sha256(repr((tuple(x.shape), np.asarray(labels).tolist())).encode())
    made.update(x.contiguous().numpy().tobytes())
    return made.hexdigest()


def _array(X: Any) -> Any:
    """What numpy makes of it; of what is no array one without dimensions."""
    try:
        if not isinstance(X, Tensor):
            return np.asarray(X)
        return (X.float() if X.is_floating_point() else X).detach().cpu().numpy()
    except UNREADABLE:
        return np.asarray(None, dtype=object)


def _given(X: Any, array: Any) -> str:
    if array.dtype.kind in "buif":
        return f"shape {array.shape}"
    return f"numbers of type {array.dtype}" if array.ndim in (3, 4) else short(X)


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
    parts = sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
    files = [(part.name, file) for part in parts for file in picture_files(part)]
    if not files:
        raise FileError(
            f"The folder {short(str(place))} must have a subfolder of pictures for each class, as in cats/1.png. Found none."
        )
    empty = [part.name for part in parts if part.name not in dict(files)]
    if empty:
        warnings.warn(
            f"{plural(len(empty), 'subfolder')} of {short(str(place))}, {among(empty)}, without pictures "
            f"({', '.join(SUFFIXES)}): no class is made of {'it' if len(empty) == 1 else 'them'}.",
            UserWarning,
            stacklevel=2,
        )
    found = read_files([file for _, file in files], size, channels, skip_damaged=skip_damaged)
    kept = {file: label for label, file in files}
    return Folder(found.pictures, tuple(kept[file] for file in found.files), found.files, found.damaged)


def check_classes(folder: str | Path, found: Folder) -> None:
    """Refuse a folder whose pictures are all of one class, between which and nothing else there is nothing to learn."""
    names = sorted({*found.labels})
    if len(names) < 2:
        raise InputError(
            subject=f"The folder {short(str(folder))}",
            expected="have pictures in subfolders of at least two classes",
            got=f"one, {short(names[0])}",
        )


def some_files(place: Path) -> list[Path]:
    """As `picture_files`, at least one; else a `FileError`."""
    if not place.exists():
        raise FileError(f"The picture or folder {short(str(place))} does not exist.")
    files = picture_files(place)
    if not files:
        raise FileError(f"The folder {short(str(place))} must have pictures in it. Found none.")
    return files


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
        raise InputError(argument="channels", expected="be 1 (grey) or 3 (colours)", got=short(channels))
    asked_size = size
    if size is not None:
        height, width = size if isinstance(size, tuple) and len(size) == 2 else cast(Any, (size, size))
        size = check_int(height, "size", low=1), check_int(width, "size", low=1)
    # Headers first: only pictures that have been made small are kept in memory.
    read, damaged = _tried(files, _header)
    if size is None and read:
        sides = np.median([(height, width) for height, width, _ in read.values()], axis=0)
        size = cast("tuple[int, int]", tuple(int(min(LARGEST, side)) for side in sides))
    grey = all(item for _, _, item in read.values()) if channels is None else channels == 1
    small, broken = _tried(list(read), lambda file: _reduced(file, cast("tuple[int, int]", size), grey))
    wrong = {**damaged, **broken}
    left_out = tuple(f"{file} ({wrong[file]})" for file in files if file in wrong)
    if left_out and not skip_damaged:
        raise FileError(
            f"{plural(len(left_out), 'file')} cannot be read as pictures: {'; '.join(left_out[:3])}; mend or remove them, "
            "or leave them out with read_folder(..., skip_damaged=True), on the command line --skip-damaged."
        )
    if not small:
        raise FileError(f"No file could be read as a picture: {'; '.join(left_out[:3])}; give others.")
    if broken and (asked_size is None or channels is None):  # their headers had a say
        again = read_files(list(small), asked_size, channels)
        return Folder(again.pictures, (), again.files, left_out)
    return Folder(torch.from_numpy(np.stack(list(small.values()))), (), tuple(small), left_out)


def _tried(files: Sequence[Path], read: Callable[[Path], T]) -> tuple[dict[Path, T], dict[Path, str]]:
    """What is read of each file, and why some cannot be."""
    image = need("PIL.Image", "images", "Files of pictures")
    found, damaged = dict[Path, T](), dict[Path, str]()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # of notes beside a picture that is whole, such as its EXIF
        warnings.simplefilter("ignore", image.DecompressionBombWarning)  # large, and made small at once
        for file in files:
            try:
                found[file] = read(file)
            except image.UnidentifiedImageError:  # whose words repeat the place
                damaged[file] = "of no kind of picture that is known" if file.stat().st_size else "empty"
            except (OSError, ValueError, SyntaxError, EOFError, image.DecompressionBombError) as error:
                damaged[file] = str(error) or type(error).__name__
    return found, damaged


def _header(file: Path) -> tuple[int, int, bool]:
    """Height and width as it is to be looked at, and whether it is grey."""
    with need("PIL.Image", "images", "Files of pictures").open(file) as raw:
        lying = raw.getexif().get(ORIENTATION) in LYING
        deep = raw.mode.startswith("I") or raw.mode == "F"
        grey = deep or raw.mode == "LA" or (raw.mode in ("1", "L") and "transparency" not in raw.info)
        return (raw.width, raw.height, grey) if lying else (raw.height, raw.width, grey)


def _reduced(file: Path, size: tuple[int, int], grey: bool) -> NDArray[np.uint8]:
    """(height, width, channels), cut to the shape around the middle."""
    ops = need("PIL.ImageOps", "images", "Files of pictures")
    fitted = ops.fit(_upright(file).convert("L" if grey else "RGB"), (size[1], size[0]))
    return np.asarray(fitted, dtype=np.uint8).reshape(*size, 1 if grey else 3)


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


def class_labels(y: Any, count: int) -> NDArray[Any]:
    """One class for each picture, of one type: text, truth values or whole numbers.

    Raises
    ------
    InputError
        If there are not as many, or some are missing, of several types, or measurements rather than classes.

    Examples
    --------
    >>> class_labels(["cat", "dog"], 2).tolist()
    ['cat', 'dog']
    """
    labels = np.asarray(y)
    if labels.shape != (count,):
        raise InputError(
            argument="y",
            expected=f"hold one class for each of {count:,} pictures",
            got=f"{('None' if y is None else f'shape {labels.shape}')}",
        )
    if labels.dtype.kind not in "biufUSO":
        raise InputError(
            argument="y",
            expected="hold classes: text, truth values or whole numbers",
            got=labels.dtype,
            advice="make them text",
        )
    # numpy makes text of all where a list holds some, of missing ones too.
    given = list(y) if labels.dtype.kind in "US" else labels.tolist()
    if any(map(is_missing, given)) or (labels.dtype.kind == "f" and np.isinf(labels).any()):
        raise InputError(
            argument="y",
            expected="hold no missing class",
            got="None, NaN or infinity among them",
            advice="drop those pictures",
        )
    if labels.dtype.kind == "O":
        labels = np.array(given)
    words = [isinstance(entry, (str, bytes)) for entry in given]
    if labels.dtype.kind not in "biufUS" or any(words) != all(words):
        raise InputError(
            argument="y",
            expected="hold classes of one type",
            got=f"a mixture such as {short(given[:3])}",
            advice="make them all text",
        )
    if labels.dtype.kind == "f" and (parts := labels[labels != np.floor(labels)]).size:
        raise InputError(
            argument="y",
            expected="hold classes, not measurements",
            got=f"{float(parts[0]):g}",
            advice="give text or whole numbers",
        )
    return labels


def class_codes(labels: NDArray[Any], classes: NDArray[Any]) -> tuple[NDArray[np.int64], str]:
    """The number of each label among the classes of a model, which a name stands for, too, -1 for others; those in words.

    Examples
    --------
    >>> class_codes(np.array(["1", "0", "2"]), np.array([0, 1]))
    (array([ 1,  0, -1]), "'2'; it knows '0', '1'")
    """
    known = classes.tolist()
    place = {str(name): k for k, name in enumerate(known)} | {name: k for k, name in enumerate(known)}
    codes = np.array([place.get(label, -1) for label in labels.tolist()], dtype=np.int64)
    strange = map(str, np.unique(labels[codes < 0]))
    return codes, f"{among(strange)}; it knows {among(map(str, known))}" if (codes < 0).any() else ""


# No share of a picture is as large, whatever was added to it.
TOO_LARGE = 2.0
# Scales that are mistaken for each other (1, 16, 255, 65535) differ by more than this factor; lights of pictures seldom do.
APART = 8.0


@dataclass(frozen=True)
class PictureScale:
    """How large the numbers of the pictures learned from are, in what the network takes.

    A network answers whatever it is given, also shares from 0 to 1 where it learned from numbers up to 255, and then its
    answer means nothing. What cannot be pictures on its scale is refused; what can, such as a dark picture, is at most
    warned of.

    Attributes
    ----------
    largest : float
    faintest : float
        The largest number of the picture in which it is smallest.
    """

    largest: float
    faintest: float

    @classmethod
    def of(cls, x: Tensor) -> PictureScale:
        """Of pictures (n, channels, height, width)."""
        tops = x.abs().amax((1, 2, 3))
        return cls(float(tops.max()), float(tops.min()))

    def check(self, x: Tensor, whole: bool) -> None:
        """Pictures to be classified, as the network takes them; `whole` where they were given as whole numbers.

        Raises
        ------
        InputError
            For numbers where it learned from shares, and several pictures of shares where it learned from numbers.

        Examples
        --------
        >>> import torch
        >>> scale = PictureScale.of(255 * torch.rand(9, 1, 8, 8))
        >>> scale.check(torch.zeros(2, 1, 8, 8), whole=False)  # black on any scale
        >>> try:
        ...     scale.check(torch.rand(2, 1, 8, 8), whole=False)
        ... except InputError:
        ...     print("refused")
        refused
        """
        top = float(x.abs().max()) if x.numel() else 0.0
        if top == 0 or self.largest == 0:
            return
        if self.largest <= 1 and top > TOO_LARGE:
            raise InputError(
                argument="X",
                expected="be shares from 0 to 1, as it learned from, or whole numbers",
                got=f"numbers up to {top:g}",
                advice="divide them by their largest possible value",
            )
        shares = self.largest >= APART and top <= 1 and not whole
        # In one picture all may be dark, and in several that are all dark fractions of the least step are no noise.
        if shares and len(x) > 1 and bool((x != x.round()).any()):
            raise InputError(
                argument="X",
                expected=f"be numbers up to about {self.largest:g}, as it learned from",
                got=f"shares up to {top:g}",
                advice="multiply them by the largest possible value",
            )
        if top > APART * self.largest or (top < self.faintest / APART and (shares or len(x) > 1)):
            warnings.warn(
                f"The numbers of X go up to {top:g}, those that ImageClassifier learned from up to {self.largest:g}; if the "
                "scales differ, bring X to the other one, for on its own its classes mean nothing.",
                UserWarning,
                stacklevel=5,
            )
