"""`edgewise fit-images`: a folder of pictures in; a classifier of pictures out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.cli.answer import Answer, code_of
from edgewise.cli.options import Force, Request, Seconds, Seed, argument, file, option
from edgewise.cli.outcome import Interrupts, refuse_to_overwrite
from edgewise.cli.terminal import say


class FitImagesRequest(Request, group="Learn from pictures", place=80):
    """Train a classifier of pictures on a folder of them.

    Each subfolder is a class. Pictures are turned as their EXIF orientation states, laid on white
    where they are transparent, and brought to one size; of each class a tenth
    is held out to judge by. `edgewise predict` and `edgewise report` take the model
    and a folder, `edgewise explain` takes it and a picture.

    Examples:

    - `edgewise fit-images pets -o pets.kan`

    - `edgewise fit-images scans --kind patches --features 5 --balanced --epochs 40`
    """

    folder: Path = argument("A folder with a subfolder of pictures for each class.", default=...)
    out: Path = file("The model to write.", "-o", default=Path("pictures.kan"))
    kind: str = option(
        "kan, patches (evidence of small patches that adds up), or cnn and mlp, to compare with.",
        default="kan",
    )
    parameters: int = option("The most numbers it may learn.", "-p", default=20_000, min=100)
    features: int | None = option(
        "Of kind patches: the most features that a class may be recognised by.", min=1
    )
    epochs: int = option("Times it sees every picture.", "-e", default=20, min=1)
    flip: bool = option("Mirror pictures at random, where left and right mean nothing.", default=False)
    balanced: bool = option("Let every class count the same, however many pictures it has.", default=False)
    skip_damaged: bool = option("Leave out files that cannot be read as pictures.", default=False)
    checkpoint: Path | None = option("Keep the state here, and go on from it.")
    seconds: Seconds = None
    seed: Seed = 0
    force: Force = False

    def check(self) -> None:
        """Refuse results that would replace a file or have no place."""
        super().check()
        if self.checkpoint is not None:
            refuse_to_overwrite([self.checkpoint], force=True)
            if self.checkpoint.resolve() == self.out.resolve():
                raise InputError(
                    subject="The files of --out and --checkpoint",
                    expected="be two",
                    got=f"{short(str(self.out))} for both",
                )

    def run(self) -> Answer:
        """Train a classifier on the pictures, and tell how it does on those held out."""
        import numpy as np

        from edgewise.vision import ImageClassifier, read_folder
        from edgewise.vision.files import save
        from edgewise.vision.pictures import check_classes

        found = read_folder(self.folder, skip_damaged=self.skip_damaged)
        check_classes(self.folder, found)
        if found.damaged and not self.quiet:
            say(f"{len(found.damaged)} left out: {'; '.join(found.damaged[:3])}.", err=True)

        shown = 0

        def show(record: Any) -> None:
            nonlocal shown
            if not self.quiet and record.step > shown:  # records come again while an epoch is long
                shown = record.step
                held = "" if record.validation is None else f", held out {record.validation:.4f}"
                say(f"epoch {record.step}: loss {record.loss:.4f}{held}", err=True)

        with Interrupts() as interrupts:
            model = self.call(
                ImageClassifier,
                class_weight="balanced" if self.balanced else None,
                callbacks=(show, interrupts),
            ).fit(found.pictures, np.array(found.labels))
        save(model, self.out, overwrite=self.force)
        count = sum(p.numel() for p in model.network_.parameters())
        data = {
            "file": str(self.out), "classes": model.classes_.tolist(), "pictures": len(found.files),
            "parameters": count, "held_out": _judged(model), "accuracy_held_out": model.validation_score_,
            "epochs": len(model.history_), "stop_reason": str(model.stop_reason_), "damaged": list(found.damaged),
        }  # fmt: skip
        size = f"{plural(len(found.files), 'picture')}, {len(model.classes_)} classes, {count:,} parameters"
        told = f"{size}{_early(model, self.checkpoint)}{_right(model)}. Written to {self.out}."
        return Answer(data, "" if self.quiet else told, code=code_of(interrupts))


def _judged(model: Any) -> int:
    """How many pictures it was judged by."""
    from edgewise.vision.training import AWAITED, FEW

    return min(len(model.held_), FEW) if model.stop_reason_ in AWAITED else len(model.held_)


def _right(model: Any) -> str:
    """How well it did on those."""
    if model.validation_score_ is None:
        return "; too few of each class to hold some out and judge by them"
    share, count = model.validation_score_, _judged(model)
    return f"; {round(share * count):,} of {count:,} held out classified correctly ({100 * share:.1f} %)"


def _early(model: Any, checkpoint: Path | None) -> str:
    """Where training was ended from outside, if it was, and how to go on."""
    if model.stop_reason_.repeatable:
        return ""
    why = "interrupted" if model.stop_reason_ is StopReason.INTERRUPTED else "ended by the time limit"
    done = len(model.history_)
    place = f"in epoch {done + 1} of {model.epochs}" if done < model.epochs else "after the last epoch"
    again = "" if checkpoint is None or not done else f" (--checkpoint goes on after epoch {done})"
    return f", {why} {place}{again}"
