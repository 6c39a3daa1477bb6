"""The page of a classifier of pictures: how well it does, where its evidence lies, what it looks for."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.extras import need
from edgewise._core.resampling import wilson
from edgewise.report.checks.pictures import picture_caveats
from edgewise.report.content.pictures import HELD_OUT, PictureContent
from edgewise.report.drawings.charts import drawn
from edgewise.report.evaluation.classes import class_rows
from edgewise.report.sections.results import confusion_cells
from edgewise.report.text import numbers
from edgewise.report.text.pages import page_script, whole_page
from edgewise.report.text.svg import tag
from edgewise.vision.drawing import overlay, plain, plot_feature, tinted
from edgewise.vision.evidence import Evidence, evidence_of, window
from edgewise.vision.features import contribution, features_of, uses
from edgewise.vision.networks import Patches, reach

# Pictures of a class whose evidence is averaged, examples of right and wrong, classes and features shown, patches of each.
AVERAGED, RIGHT, WRONG, CLASSES, FEATURES, TYPICAL = 60, 8, 8, 12, 5, 4
# A mean over fewer pictures than these would show them.
FEWEST = 5
MINUS = "\u2212"
PATCH, MAP = 48, 112
# Pictures that features are looked at in.
LOOKED_AT = 2000


@dataclass(frozen=True)
class ShownPicture:
    """A picture, what supports the class it is classified as and, where that is another, the true one."""

    name: str
    predicted: str
    true: str
    chance: str
    picture: Markup
    views: tuple[tuple[str, Markup], ...]


@dataclass(frozen=True)
class FeatureView:
    """A feature as a class uses it."""

    number: int
    strength: str
    curve: Markup
    patches: tuple[Markup, ...]


@dataclass(frozen=True)
class ClassView:
    """What a class is recognised by."""

    name: str
    n_features: int
    share: str
    features: tuple[FeatureView, ...]


def render_pictures(content: PictureContent) -> str:
    """The page as text: one file that asks nothing of any network.

    Parameters
    ----------
    content : PictureContent

    Returns
    -------
    str
        An HTML document; equal contents give equal text.

    Raises
    ------
    InputError
        If `content` is something else.

    Examples
    --------
    >>> from edgewise.vision import ImageClassifier
    >>> X = np.random.default_rng(0).random((20, 8, 8))
    >>> y = np.arange(20) % 2
    >>> model = ImageClassifier("patches", 1500, epochs=1).fit(X, y)
    >>> render_pictures(PictureContent(model, X, y, "noise"))[:15]
    '<!DOCTYPE html>'
    """
    check_is(content, PictureContent, "content", "a PictureContent")
    model = content.model
    chances = model.predict_proba(content.pictures)
    codes, predicted = content.codes, chances.argmax(1)
    right = predicted == codes
    low, high = wilson(float(right.mean()), len(right))
    network = model.network_
    evidence = _evidence(content, codes) if isinstance(network, Patches) else {}
    page = whole_page(
        "pictures_page.html",
        content=content,
        scripts=[page_script()],
        images=True,
        held_out=content.known == HELD_OUT,
        accuracy=numbers.percent(float(right.mean())),
        interval=f"{numbers.percent(low)} to {numbers.percent(high)}",
        common=numbers.percent(float(np.bincount(codes).max()) / len(codes)),
        parameters=f"{sum(p.numel() for p in network.parameters()):,}",
        config=model.config_,
        caveats=picture_caveats(content, right, evidence),
        cells=confusion_cells(codes.astype(np.float64), chances, content.classes),
        class_rows=class_rows(codes.astype(np.float64), chances, content.classes),
        adds_up=isinstance(network, Patches),
        side=reach(network)[0] if isinstance(network, Patches) else 0,
        maps=_maps(content, evidence),
        examples=_examples(content, chances, codes),
        looked_for=_looked_for(content) if isinstance(network, Patches) else (),
    )
    return page + "\n"


def _evidence(content: PictureContent, codes: NDArray[np.int64]) -> dict[int, list[Evidence]]:
    """Of each class, the evidence in its first pictures."""
    model = content.model
    x, network = model.like(content.pictures), model.patches_of()
    return {
        k: [evidence_of(network, x[int(n)], model.classes_) for n in np.flatnonzero(codes == k)[:AVERAGED]]
        for k in range(len(model.classes_))
    }


def _maps(content: PictureContent, evidence: dict[int, list[Evidence]]) -> tuple[tuple[str, Markup], ...]:
    """For each class, where what supports it rather than the others lies, on the average of its pictures."""
    found = list[tuple[str, Floats]]()
    for k, seen in evidence.items():
        if len(seen) >= FEWEST:
            mean = np.mean([item.pixels for item in seen], axis=0)
            found.append((content.classes[k], mean[k] - np.delete(mean, k, 0).mean(0)))
    largest = max((float(np.abs(item).max()) for _, item in found), default=0.0)
    return tuple(
        (
            name,
            pixels(tinted(np.full((*array.shape, 3), 0.94), array, largest), _where(name, array), side=MAP),
        )
        for name, array in found[:CLASSES]
    )


def _where(name: str, values: Floats) -> str:
    """A map in words."""
    i, j = np.unravel_index(int(values.argmax()), values.shape)
    return (
        f"Mean evidence for {name} rather than the others; most at row {i} and column {j} of {values.shape}."
    )


def _examples(content: PictureContent, chances: Floats, codes: NDArray[np.int64]) -> tuple[ShownPicture, ...]:
    """The surest errors, then the surest of each class; none where pictures are private."""
    if not content.rows:
        return ()
    predicted = chances.argmax(1)
    sure = chances[np.arange(len(codes)), predicted]
    wrong = np.flatnonzero(predicted != codes)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:WRONG].tolist()
    for k in np.unique(codes)[:RIGHT]:
        own = np.flatnonzero((codes == k) & (predicted == k))
        if len(own):
            shown.append(int(own[sure[own].argmax()]))
    return tuple(_example(content, n, int(predicted[n]), int(codes[n]), float(sure[n])) for n in shown)


def _example(content: PictureContent, n: int, predicted: int, true: int, sure: float) -> ShownPicture:
    model, classes = content.model, content.classes
    x = model.like(content.pictures)[n]
    name = content.name(n)
    views = list[tuple[str, Markup]]()
    if isinstance(model.network_, Patches):
        seen = evidence_of(model.network_, x, model.classes_).centred()
        largest = float(np.abs(seen.pixels[[predicted, true]]).max())
        for k in dict.fromkeys((predicted, true)):
            (i, j, most), total = seen.strongest(model.classes_[k], 1)[0], float(seen.patches[k].sum())
            view = overlay(seen, k, largest)
            words = f"Evidence for {classes[k]} in {name}: {numbers.signed(total)}, most of it, {numbers.signed(most)}, in "
            words += f"the patch around row {_middle(seen.square(i, j)[0])} and column {_middle(seen.square(i, j)[1])}."
            adds = f"{classes[k]}: {numbers.number(float(seen.constants[k]), 3)} {_plus(total)} = "
            adds += numbers.number(float(seen.logits[k]), 3)
            views.append((adds, pixels(boxed(view, *seen.square(i, j)), words)))
    return ShownPicture(
        name,
        classes[predicted],
        classes[true],
        numbers.percent(sure),
        pixels(plain(_picture(x)), f"{name}, a {classes[true]}"),
        tuple(views),
    )


def _middle(part: slice) -> int:
    return (part.start + part.stop) // 2


def _plus(value: float) -> str:
    return f"{'+' if value >= 0 else MINUS} {numbers.number(abs(value), 3)}"


def _looked_for(content: PictureContent) -> tuple[ClassView, ...]:
    """The few features that matter most to each class, with the patches that add most to it."""
    model = content.model
    network = model.patches_of()
    features = features_of(network, model.like(content.pictures)[:LOOKED_AT])
    shown = list[ClassView]()
    for k, name in enumerate(content.classes[:CLASSES]):
        used = uses(network, features, k)
        whole = sum(use.strength**2 for use in used)
        share = sum(use.strength**2 for use in used[:FEATURES]) / whole if whole > 0 else 1.0
        views = [
            FeatureView(
                use.feature,
                numbers.number(use.strength, 2),
                drawn(plot_feature(use), _in_words(use.x, use.y, use.feature), f"feature-{k}-{use.feature}"),
                _patches(content, features, use.feature, k) if content.rows else (),
            )
            for use in used[:FEATURES]
        ]
        shown.append(ClassView(name, len(used), numbers.percent(share), tuple(views)))
    return tuple(shown)


def _in_words(x: Floats, y: Floats, feature: int) -> str:
    """A curve in words."""
    return (
        f"Feature {feature} from {numbers.number(float(x[0]), 2)} to {numbers.number(float(x[-1]), 2)}: a place adds "
        f"{numbers.signed(float(y[0]), 2)} at the left end, {numbers.signed(float(y[-1]), 2)} at the right, at most "
        f"{numbers.signed(float(y.max()), 2)}."
    )


def _patches(content: PictureContent, features: torch.Tensor, feature: int, k: int) -> tuple[Markup, ...]:
    """Of different pictures, the patches in which the feature adds most to the class."""
    network = content.model.patches_of()
    x = content.model.like(content.pictures)
    added = contribution(network, features, feature, k)
    best, place = added.flatten(1).max(1)
    seen, (height, width) = reach(network), (int(x.shape[2]), int(x.shape[3]))
    made = list[Markup]()
    for n in torch.argsort(-best, stable=True)[:TYPICAL].tolist():
        i, j = divmod(int(place[n]), added.shape[2])
        rows, columns = window(seen, i, j, height, width)
        side, step, offset = seen
        # Beyond the border there is nothing to see.
        whole = np.zeros((side, side, 4))
        down, across = offset + i * step, offset + j * step
        inside = whole[rows.start - down : rows.stop - down, columns.start - across : columns.stop - across]
        inside[..., :3], inside[..., 3] = plain(_picture(x[n]))[rows, columns], 1.0
        words = f"Patch of {content.name(n)} around row {_middle(rows)} and column {_middle(columns)}"
        made.append(pixels(whole, words, side=PATCH))
    return tuple(made)


def _picture(x: torch.Tensor) -> Floats:
    return x.permute(1, 2, 0).double().numpy()


# Small pictures are enlarged to about so many pixels a side, each of theirs to a whole number of them.
SIDE = 168


def pixels(array: NDArray[np.float64], words: str, *, side: int = SIDE, kind: str = "pixels") -> Markup:
    """An image of the page.

    Parameters
    ----------
    array : ndarray, shape (height, width, 3 or 4)
        Colours from 0 to 1.
    words : str
        What it shows, for screen readers.
    side : int
        Pixels of the longer side, about.
    kind : str
        Classes of the style sheet.
    """
    height, width = array.shape[:2]
    factor = max(1, side // max(height, width))
    source = f"data:image/png;base64,{base64.b64encode(_png(array)).decode('ascii')}"
    size: dict[str, Any] = {"width": width * factor, "height": height * factor}
    return tag("img", src=source, alt=words, class_=kind, **size)


def boxed(array: NDArray[np.float64], rows: slice, columns: slice, side: int = SIDE) -> NDArray[np.float64]:
    """A picture enlarged as it will be shown, with a frame around some of its pixels."""
    height, width = array.shape[:2]
    factor = max(1, side // max(height, width))
    large = array.repeat(factor, 0).repeat(factor, 1)
    top, bottom, left, right = (factor * end for end in (rows.start, rows.stop, columns.start, columns.stop))
    thick = max(1, factor // 8)
    for inset, colour in ((0, 0.0), (thick, 1.0)):
        box = (slice(top + inset, bottom - inset), slice(left + inset, right - inset))
        inner = (
            slice(top + inset + thick, bottom - inset - thick),
            slice(left + inset + thick, right - inset - thick),
        )
        kept = large[inner].copy()
        large[box] = colour
        large[inner] = kept
    return large


def _png(array: NDArray[np.float64]) -> bytes:
    image = need("PIL.Image", "images", "Pages with pictures")
    stream = io.BytesIO()
    image.fromarray((255 * array.clip(0, 1)).round().astype(np.uint8)).save(stream, "PNG", optimize=True)
    return stream.getvalue()
