"""What counts as one clear sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 320
# What a person cannot use: traces, addresses of objects, names of internals, numbers by the dozen.
_NOISE = {
    "a traceback": re.compile(r"Traceback|File \".*\", line \d"),
    "the address of an object": re.compile(r"\bat 0x[0-9a-f]{6,}"),
    "an array written out": re.compile(r"(array|tensor)\(\[+[^\]]{120,}"),
    "numbers by the dozen": re.compile(r"(-?\d+(\.\d*)?(e[+-]?\d+)?,?\s+){12,}"),
    "the type of an internal error": re.compile(r"\b[A-Z]\w*(Error|Exception)\("),
}
_NAMES_SOMETHING = re.compile(
    r"['\"`]\S|\S['\"`]|\b(X|y)\b|\b[a-z]+_[a-z_]+\b|--[a-z]+|\w\.\w{2,8}\b"
    r"|\b(file|folder|table|[Cc]olumn|checkpoint|standard input)\b"
)
# Sentences whose wording scikit-learn prescribes to its estimators.
_PRESCRIBED = (
    "The feature names should match those that were passed during fit.",
    "Found array with ",
    "Found input variables with inconsistent numbers of samples",
    "Expected 2D array, got ",
    "Complex data not supported",
    "Unknown label type",
    "This solver needs samples of at least 2 classes",
    "y should be a 1d array",
    "y contains NaN",
    "Input X contains ",
    "Input y contains ",
    "Input contains NaN",
    "Sparse data was passed",
    "Sample weights must ",
    "sample_weight.shape == ",
)


def why_unclear(text: str, mentions: Sequence[str] = (), folder: str = "") -> str:
    """What keeps a text from being one clear sentence; empty where it is one.

    Parameters
    ----------
    text : str
    mentions : sequence of str
        One of these (an argument, a file) must be named; where none are given, anything in quotes will do.
    folder : str
        Where the attempt ran: its length is not the sentence's fault.
    """
    if not text.strip():
        return "it is empty"
    if text.startswith(_PRESCRIBED):
        return ""
    if len(text.splitlines()) > 1:
        return "it has more than one line"
    if not text.endswith("."):
        return "it does not end with a full stop"
    bare = text.replace(folder, "") if folder else text
    if len(bare) > LONGEST:
        return f"it has {len(bare)} characters"
    for what, pattern in _NOISE.items():
        if pattern.search(bare):
            return f"it holds {what}"
    if mentions:
        return "" if any(name in text for name in mentions) else f"it names none of {', '.join(mentions[:5])}"
    return "" if _NAMES_SOMETHING.search(text) else "it names neither an argument nor a file"
