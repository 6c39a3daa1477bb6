"""`edgewise fit-images`: a folder of pictures in; a classifier of pictures out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from edgewise._core.checks import plural
from edgewise._core.stopping import StopReason
from edgewise.cli.outcome import INTERRUPTED, Interrupts
from edgewise.cli.requests import FitImagesRequest
from edgewise.cli.terminal import print_json, say


def run(asked: FitImagesRequest) -> None:
    """Carry a request out and show what came of it."""
    import numpy as np

    from edgewise.vision import ImageClassifier, read_folder
    from edgewise.vision.files import save
    from edgewise.vision.pictures import check_classes

    found = read_folder(asked.folder, skip_damaged=asked.skip_damaged)
    check_classes(asked.folder, found)
    if found.damaged and not asked.quiet:
        say(f"{len(found.damaged)} left out: {'; '.join(found.damaged[:3])}.", err=True)

    shown = 0

    def show(record: Any) -> None:
        nonlocal shown
        if not asked.quiet and record.step > shown:  # records come again while an epoch is long
            shown = record.step
            held = "" if record.validation is None else f", held out {record.validation:.4f}"
            say(f"epoch {record.step}: loss {record.loss:.4f}{held}", err=True)

    with Interrupts() as interrupts:
        model = ImageClassifier(
            asked.kind, asked.parameters, asked.epochs, features=asked.features, flip=asked.flip,
            class_weight="balanced" if asked.balanced else None,
            seconds=asked.seconds, seed=asked.seed, callbacks=(show, interrupts), checkpoint=asked.checkpoint,
        ).fit(found.pictures, np.array(found.labels))  # fmt: skip
    save(model, asked.out, overwrite=asked.force)
    count = sum(p.numel() for p in model.network_.parameters())
    result = {
        "file": str(asked.out), "classes": model.classes_.tolist(), "pictures": len(found.files), "parameters": count,
        "held_out": _judged(model), "accuracy_held_out": model.validation_score_, "epochs": len(model.history_),
        "stop_reason": str(model.stop_reason_), "damaged": list(found.damaged),
    }  # fmt: skip
    if asked.json:
        from edgewise.cli.answer import to_json

        print_json(to_json(result))
    elif not asked.quiet:
        size = f"{plural(len(found.files), 'picture')}, {len(model.classes_)} classes, {count:,} parameters"
        say(f"{size}{_early(model, asked.checkpoint)}{_right(model)}. Written to {asked.out}.")
    if interrupts.happened:
        raise typer.Exit(INTERRUPTED)


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
