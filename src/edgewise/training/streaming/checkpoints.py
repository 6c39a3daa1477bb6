"""Passes over batches that can be broken off at any moment: what has been summed lies on disk, as of some batch.

A stage is a function of the stages before it and of one pass. What a finished stage has found, and how far the pass in
progress has come, are files of their own, each put in its place in one step. Started again with the same rows and settings,
a fit goes on from them and ends in the same bits: sums are kept to the last digit, and batches begin where they did.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.errors import FileError
from edgewise._core.files import said_clearly, shown, write_file
from edgewise.data.streaming.source import ahead
from edgewise.training.common.workers import add_up, of_the_first, place, same_everywhere

State = dict[str, NDArray[Any]]
_MARK, _ENDING = "fingerprint", ".edgewise-pass"


class Sums(Protocol):
    """What batches are added to."""

    def prepared(self, batch: Any) -> Any:
        """What `add` takes, made of a batch by another thread while an earlier one is added."""
        ...

    def add(self, batch: Any) -> int:
        """Take in what `prepared` gives; the number of its rows."""
        ...

    def state(self) -> State:
        """Everything, as arrays."""
        ...


class Passes:
    """Passes and stages of one fit.

    Parameters
    ----------
    folder : path or None
        Where to keep them; None keeps nothing.
    fingerprint : str
        Of the rows and settings: what lies there of others is passed over, and written over.
    every : int
        Rows between two checkpoints.
    report : callable
        Called with the stage, the rows of this pass so far, rows a second, and the share of all rows that the pass goes
        through, after each batch.
    """

    def __init__(
        self,
        folder: Path | None,
        fingerprint: str,
        every: int,
        report: Callable[[str, int, float, float], object] = lambda stage, rows, speed, share: None,
    ) -> None:
        self.folder, self.fingerprint, self.every, self.report = folder, fingerprint, every, report
        if folder is not None:
            if folder.is_file():
                raise FileError(f"The 'checkpoint' must be a folder. Got the file {shown(folder)} instead.")
            with said_clearly(folder, "written"):
                folder.mkdir(parents=True, exist_ok=True)

    def stage(self, name: str, find: Callable[[], State], shared: bool = True) -> State:
        """What a stage finds, from the file of the first worker where it was finished before, with however many workers.

        Parameters
        ----------
        name : str
            Stages within it are called by its name and something behind a space; their files go when it is finished.
        find : callable
        shared : bool
            Whether every worker gets what the first has found, to the last bit.
        """
        if (known := of_the_first(self._read(name) if place()[0] == 0 else None)) is not None:
            return known
        found = same_everywhere(find()) if shared else find()
        if place()[0] == 0:
            self._write(name, found)
        if self.folder is not None:
            for path in (self._path("progress"), *self.folder.glob(f"{name} *{_ENDING}")):
                path.unlink(missing_ok=True)
        return found

    def run(
        self,
        stage: str,
        make: Callable[[State | None], Sums],
        batches: Callable[[int], Iterator[Any]],
        shared: bool = True,
        share: float = 1.0,
    ) -> Any:
        """Sums of all batches, from where they were broken off.

        Parameters
        ----------
        stage : str
        make : callable
            Makes sums, of nothing or of a state.
        batches : callable
            Batches from one of some number on.
        shared : bool
            Whether each of several workers has batches of its own, so that their sums are added up.
        share : float
            Of all rows that these batches have.
        """
        saved = self.kept(stage)
        number, rows = (0, 0) if saved is None else saved.pop("position").tolist()
        sums, since, begun, own = make(saved), 0, time.monotonic(), 0
        for number, batch in enumerate(ahead(map(sums.prepared, batches(number))), number + 1):  # noqa: B020
            count = sums.add(batch)
            rows, since, own = rows + count, since + count, own + count
            self.report(stage, rows, own / max(time.monotonic() - begun, 1e-9), share)
            if since >= self.every and self.folder is not None:
                self.keep(stage, {**sums.state(), "position": np.array([number, rows])})
                since = 0
        if shared:
            add_up(sums.state())
        return sums

    def keep(self, stage: str, state: State) -> None:
        """Write how far a stage has come."""
        name = np.frombuffer(stage.encode(), np.uint8)
        self._write("progress", {**state, "stage": name, "place": np.array(place())})

    def kept(self, stage: str) -> State | None:
        """How far a stage had come, with as many workers as there are now: of other numbers each had other rows."""
        saved = self.kept_by_any(stage)
        return saved if saved is not None and (saved.pop("place") == place()).all() else None

    def kept_by_any(self, stage: str) -> State | None:
        """How far a stage had come, and at which `place` among how many workers."""
        saved = self._read("progress")
        return saved if saved is not None and saved.pop("stage").tobytes().decode() == stage else None

    def clear(self) -> None:
        """Remove the files, and drafts of them that a process left that was killed while it wrote."""
        if self.folder is not None:
            for path in (*self.folder.glob(f"*{_ENDING}"), *self.folder.glob(f".*{_ENDING}.*.tmp")):
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}{_ENDING}"

    def _write(self, name: str, state: State) -> None:
        if self.folder is None:
            return
        content = io.BytesIO()
        np.savez(content, **cast(Any, {_MARK: np.array(self.fingerprint), **state}))
        try:
            write_file(self._path(name), content.getvalue(), overwrite=True)
        except FileError as error:
            raise FileError(
                f"{error} What {shown(self._path(name).parent)} holds is whole: make room, and the same call goes on from "
                "there."
            ) from error

    def _read(self, name: str) -> State | None:
        if self.folder is None or not self._path(name).exists():
            return None
        try:
            with np.load(self._path(name), allow_pickle=False) as file:
                if str(file[_MARK]) != self.fingerprint:
                    return None
                return {key: file[key] for key in file.files if key != _MARK}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise FileError(
                f"The checkpoint {shown(self._path(name))} is damaged; delete it, and the fit begins anew."
            ) from error
