"""What to know before relying on a classifier of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import plural
from edgewise._core.resampling import wilson
from edgewise.report.checks.warnings import Caveat
from edgewise.report.content.pictures import LEARNED, OTHERS, PictureContent
from edgewise.report.text.numbers import percent
from edgewise.vision.evidence import Evidence

# An accuracy that is known less well than this is hardly known.
WIDE = 0.15
# So many of a class's pictures with their strongest patch at one place near the border are too many.
SAME, FEWEST, NEAR = 0.3, 5, 0.2


def picture_caveats(
    content: PictureContent, right: NDArray[np.bool_], evidence: dict[int, list[Evidence]]
) -> list[Caveat]:
    """Warnings, the most serious first.

    Parameters
    ----------
    content : PictureContent
    right : ndarray of bool, shape (n,)
        Which pictures are classified correctly.
    evidence : dict
        Of each class's number, that in its own pictures.
    """
    found = list[Caveat]()
    if content.known == LEARNED:
        found.append(Caveat(
            "serious", "It has seen these pictures",
            "The model learned from the pictures that it is judged on here, so the figures show how well it remembers.",
            "Judge it on pictures that were not in the folder it was fitted on.",
        ))  # fmt: skip
    low, high = wilson(float(right.mean()), len(right))
    if high - low > WIDE:
        found.append(Caveat(
            "check", "Few pictures to judge by",
            f"By {plural(len(right), 'picture')} its accuracy is known to lie from {percent(low)} to {percent(high)} only.",
            "Judge it on more pictures.",
        ))  # fmt: skip
    common = float(np.bincount(content.codes).max()) / len(right)
    if low <= common:
        found.append(Caveat(
            "check", "No better than the commonest class, as far as can be known",
            f"Always naming the commonest class would be right for {percent(common)} of these pictures.",
            "Look at each class apart; train longer, with --balanced where one class is rare.",
        ))  # fmt: skip
    found += [caveat for k, seen in evidence.items() if (caveat := _one_place(content.classes[k], k, seen))]
    if content.known == OTHERS:
        found.append(Caveat(
            "note", "Not the folder it was fitted on",
            "These pictures, taken together, are not those of the fit; whether some of them are among those is not known.",
            "Keep the pictures to judge by apart from those to learn from.",
        ))  # fmt: skip
    order = ("serious", "check", "note")
    return sorted(found, key=lambda item: order.index(item.severity))


def _one_place(name: str, k: int, seen: list[Evidence]) -> Caveat | None:
    """Whether what supports a class most lies at one and the same place near the border, as a mark or a caption would."""
    if len(seen) < FEWEST:
        return None
    places = np.array([int((evidence.patches[k] - evidence.patches.mean(0)).argmax()) for evidence in seen])
    count = np.bincount(places)
    share = count.max() / len(seen)
    i, j = divmod(int(count.argmax()), seen[0].patches.shape[2])
    height, width = seen[0].picture.shape[:2]
    rows, columns = seen[0].square(i, j)
    across = [(rows.start + rows.stop) / 2 / height, (columns.start + columns.stop) / 2 / width]
    if share < SAME or all(NEAR < at < 1 - NEAR for at in across):
        return None
    return Caveat(
        "check",
        f"Much of what supports {name} lies at one place near the border",
        f"In {percent(share)} of its pictures the strongest patch is the one around row {round(across[0] * height)} and "
        f"column {round(across[1] * width)}.",
        "If a mark, a frame or a caption stands there, the model may know it and not the thing: leave_out_region "
        "lets it count for nothing.",
    )
