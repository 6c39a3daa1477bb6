"""`edgewise fit-images`: a folder of pictures in; a classifier of pictures out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise.cli import options
from edgewise.cli.outcome import INTERRUPTED, Interrupts, refuse_to_overwrite
from edgewise.cli.terminal import print_json, say


def fit_images(
    folder: Annotated[
        Path, typer.Argument(help="A folder with a subfolder of pictures for each class.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The model to write.")] = Path("pictures.kan"),
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            help="kan, patches (evidence of small patches that adds up), or cnn and mlp, to compare with.",
        ),
    ] = "kan",
    parameters: Annotated[
        int, typer.Option("--parameters", "-p", help="The most numbers it may learn.", min=100)
    ] = 20_000,
    features: Annotated[
        int | None,
        options.unset(
            "--features", help="Of kind patches: the most features that a class may be recognised by.", min=1
        ),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", "-e", help="Times it sees every picture.", min=1)] = 20,
    flip: Annotated[
        bool, typer.Option("--flip", help="Mirror pictures at random, where left and right mean nothing.")
    ] = False,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Let every class count the same, however many pictures it has.")
    ] = False,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="Leave out files that cannot be read as pictures.")
    ] = False,
    checkpoint: Annotated[
        Path | None, options.unset("--checkpoint", help="Keep the state here, and go on from it.")
    ] = None,
    seconds: options.Seconds = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Train a classifier of pictures on a folder of them.

    Each subfolder is a class. Pictures are turned as their EXIF orientation states, laid on white
    where they are transparent, and brought to one size; of each class a tenth
    is held out to judge by. `edgewise predict` and `edgewise report` take the model
    and a folder, `edgewise explain` takes it and a picture.

    Examples:

    - `edgewise fit-images pets -o pets.kan`

    - `edgewise fit-images scans --kind patches --features 5 --balanced --epochs 40`
    """
    refuse_to_overwrite([out], force)
    if checkpoint is not None:
        refuse_to_overwrite([checkpoint], force=True)
        if checkpoint.resolve() == out.resolve():
            raise InputError(
                subject="The files of --out and --checkpoint",
                expected="be two",
                got=f"{short(str(out))} for both",
            )
    import numpy as np

    from edgewise.vision import ImageClassifier, read_folder
    from edgewise.vision.files import save
    from edgewise.vision.pictures import check_classes

    found = read_folder(folder, skip_damaged=skip_damaged)
    check_classes(folder, found)
    if found.damaged and not quiet:
        say(f"{len(found.damaged)} left out: {'; '.join(found.damaged[:3])}.", err=True)

    shown = 0

    def show(record: Any) -> None:
        nonlocal shown
        if not quiet and record.step > shown:  # records come again while an epoch is long
            shown = record.step
            held = "" if record.validation is None else f", held out {record.validation:.4f}"
            say(f"epoch {record.step}: loss {record.loss:.4f}{held}", err=True)

    with Interrupts() as interrupts:
        model = ImageClassifier(
            kind, parameters, epochs, features=features, flip=flip, class_weight="balanced" if balanced else None,
            seconds=seconds, seed=seed, callbacks=(show, interrupts), checkpoint=checkpoint,
        ).fit(found.pictures, np.array(found.labels))  # fmt: skip
    save(model, out, overwrite=force)
    count = sum(p.numel() for p in model.network_.parameters())
    result = {
        "file": str(out), "classes": model.classes_.tolist(), "pictures": len(found.files), "parameters": count,
        "held_out": _judged(model), "accuracy_held_out": model.validation_score_, "epochs": len(model.history_),
        "stop_reason": str(model.stop_reason_), "damaged": list(found.damaged),
    }  # fmt: skip
    if json:
        from edgewise.cli.summary import to_json

        print_json(to_json(result))
    elif not quiet:
        size = f"{plural(len(found.files), 'picture')}, {len(model.classes_)} classes, {count:,} parameters"
        say(f"{size}{_early(model, checkpoint)}{_right(model)}. Written to {out}.")
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
