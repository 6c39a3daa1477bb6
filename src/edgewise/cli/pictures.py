"""`edgewise predict`, `explain` and `report` of a classifier of pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from edgewise._core.checks import among, plural, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.files import write_file
from edgewise._core.plain import lines_of
from edgewise.cli.answer import Answer
from edgewise.cli.terminal import say
from edgewise.data import write_frame
from edgewise.vision.files import load
from edgewise.vision.pictures import as_pictures, digest, read_files, read_folder, some_files

if TYPE_CHECKING:
    from edgewise.cli.commands.explain import ExplainRequest
    from edgewise.cli.commands.predict import PredictRequest
    from edgewise.cli.commands.report import ReportRequest

# Classes and patches that are printed.
CLASSES, PATCHES = 4, 5


def _refuse(asked: ReportRequest | ExplainRequest, *words: str) -> None:
    """Stop where options are given that only models of tables have."""
    for word in (
        word for word in words if getattr(asked, word) is not None and getattr(asked, word) is not False
    ):
        raise InputError(
            subject=f"The option --{word}", expected="be left out for a model of pictures", got="it"
        )


def predict(asked: PredictRequest) -> Answer:
    """Classes and probabilities of a picture, or of all pictures in a folder, as a table."""
    model = load(asked.model)
    c = model.config_
    found = read_files(some_files(asked.data), (c.height, c.width), c.channels, skip_damaged=True)
    chances = model.predict_proba(found.pictures)
    columns: dict[str, Any] = {
        "file": [str(file) for file in found.files],
        "class": model.classes_[chances.argmax(1)].tolist(),
    }
    columns |= {f"p({label})": chances[:, k] for k, label in enumerate(model.classes_)}
    table = pa.table(columns)
    if asked.file is not None:
        write_frame(table, asked.file)
    left = (
        f"; {len(found.damaged)} could not be read: {'; '.join(found.damaged[:3])}" if found.damaged else ""
    )
    return Answer(
        lambda: {
            "pictures": len(found.files),
            "damaged": list(found.damaged),
            **({"file": str(asked.file)} if asked.file else {"predictions": table.to_pylist()}),
        },
        table=table if asked.file is None else None,
        remark=f"{plural(len(found.files), 'picture')}{left}.",
    )


def explain(asked: ExplainRequest) -> Answer:
    """The answer for one picture, and what each patch adds to its logit."""
    _refuse(asked, "row", "counterfactual", "pairs", "reasons")
    picture, label, figure = asked.data, asked.output, None
    model = load(asked.model)
    if picture is None:
        raise InputError(
            subject="A picture",
            expected="be named after a model of pictures",
            got="none",
            advice="`edgewise report` describes the model",
        )
    if picture.is_dir():
        raise InputError(
            subject="The picture",
            expected="be one file here",
            got=f"the folder {short(str(picture))}",
            advice="`edgewise report` takes it",
        )
    if not picture.is_file():
        raise FileError(f"The picture {short(str(picture))} does not exist.")
    c = model.config_
    array = read_files([picture], (c.height, c.width), c.channels).pictures[0].numpy()
    chances, logits = model.predict_proba(array[None])[0], model.logits(array[None])[0]
    names = [str(class_name) for class_name in model.classes_.tolist()]
    if label is not None and label not in names:
        raise InputError(subject="The class of --output", expected="be one the model knows", got=short(label))
    best = int(logits.argmax()) if label is None else names.index(label)
    result: dict[str, Any] = {
        "file": str(picture), "class": names[int(logits.argmax())],
        "probabilities": dict(zip(names, chances.tolist(), strict=True)),
        "logits": dict(zip(names, logits.tolist(), strict=True)),
    }  # fmt: skip
    lines = [f"{picture}: {result['class']}, {100 * chances.max():.1f} % sure."]
    if c.kind == "patches":
        found = model.evidence(array)
        result |= {"explained": names[best], "constants": dict(zip(names, found.constants.tolist(), strict=True)),
                 "evidence": dict(zip(names, found.patches.tolist(), strict=True)), "patch_side": found.side}  # fmt: skip
        centred = found.centred()  # as it is drawn
        strongest = [
            (*found.square(i, j), value) for i, j, value in centred.strongest(model.classes_[best], PATCHES)
        ]
        result["strongest"] = [
            {"rows": [rows.start, rows.stop], "columns": [columns.start, columns.stop], "above_mean": value}
            for rows, columns, value in strongest
        ]
        lines += [
            "",
            "Logits, and what adds up to them, less their means over the classes:",
            *_sums(names, centred, chances, best),
            "",
            f"Strongest patches for {names[best]}, less the mean over the classes:",
        ]
        lines += [
            f"  {value:+.4f}  rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}"
            for rows, columns, value in strongest
        ]
        from edgewise.vision import plot_evidence

        chosen = None if label is None else [model.classes_[best]]
        figure = partial(plot_evidence, found, chosen)
    elif asked.plot is not None:
        raise InputError(
            subject="The kind of the model",
            expected="be 'patches' for evidence that can be drawn",
            got=short(c.kind),
            advice="fit it with --kind patches",
        )
    else:
        lines += [
            f"A network of kind {c.kind!r} has no evidence that adds up; fit one with --kind patches for it."
        ]
    return Answer(result, lines_of(lines), figure=figure)


def _sums(names: list[str], found: Any, chances: Any, asked: int) -> list[str]:
    """For the likeliest classes, and the one that is asked for, how the logit adds up."""
    wide = max(5, *map(len, names))
    shown = dict.fromkeys([*np.argsort(-found.logits)[:CLASSES].tolist(), asked])
    lines = [f"{'class':<{wide}}  {'constant':>9}  {'evidence':>9}  {'logit':>9}  probability"]
    for k in shown:
        parts = (found.constants[k], found.patches[k].sum(), found.logits[k])
        lines.append(f"{names[k]:<{wide}}  {'  '.join(f'{part:>+9.4f}' for part in parts)}  {chances[k]:.4f}")
    return lines


def report(asked: ReportRequest) -> Answer:
    """The page of a classifier of pictures, judged on a folder with a subfolder a class; printed where there is no file."""
    from edgewise.cli.page import origin
    from edgewise.report.content.pictures import HELD_OUT, LEARNED, OTHERS, PictureContent
    from edgewise.report.sections.pictures import render_pictures

    _refuse(asked, "target", "groups", "time")
    model, folder, rows = load(asked.model), asked.data, asked.rows
    c = model.config_
    found = read_folder(folder, (c.height, c.width), c.channels, skip_damaged=True)
    if found.damaged and not asked.quiet:
        say(f"{len(found.damaged)} left out: {'; '.join(found.damaged[:3])}.", err=True)
    classes = {str(class_name): class_name for class_name in model.classes_.tolist()}
    if strange := sorted(set(found.labels) - set(classes)):
        raise InputError(
            subject=f"The subfolders of {short(str(folder))}",
            expected=f"be classes that the model learned, {among(classes)}",
            got=f"{among(strange)} beside them",
            advice="take them out, or fit a model that knows them",
        )
    mark = digest(as_pictures(found.pictures), np.array(found.labels))
    known, kept = OTHERS, np.arange(len(found.files))
    if mark == model.learned_from_:
        known = LEARNED
        if asked.test < 1 and len(model.held_) and model.held_.max() < len(kept):
            known, kept = HELD_OUT, model.held_
    content = PictureContent(
        model,
        found.pictures[kept].numpy(),
        [classes[found.labels[k]] for k in kept],
        folder.resolve().name or str(folder),
        tuple(str(found.files[k].relative_to(folder)) for k in kept) if rows else (),
        known,
        rows,
        origin(mark, model.seed or 0),
    )
    page = render_pictures(content).encode("utf-8", errors="replace")
    if asked.file is None:
        return Answer(content=page)
    write_file(asked.file, page, overwrite=True)
    accuracy = float((model.predict(content.pictures) == np.array(content.labels)).mean())
    return Answer(
        {
            "file": str(asked.file),
            "pictures": len(kept),
            "known": known,
            "accuracy": accuracy,
            "damaged": list(found.damaged),
        },
        f"{len(kept):,} pictures, {known}: {100 * accuracy:.1f} % classified correctly.\nreport  {asked.file}",
    )
