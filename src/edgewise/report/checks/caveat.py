"""A warning of the page: what is the matter, what was seen, what to do."""

from __future__ import annotations

from dataclasses import dataclass

# "serious": results may be wrong; "check": someone who knows the data should look; "note": good to know.
SEVERITIES = ("serious", "check", "note")


@dataclass(frozen=True)
class Caveat:
    """One warning.

    Attributes
    ----------
    severity : str
        "serious", "check" or "note".
    title : str
        What is the matter, in a few words.
    text : str
        What was seen.
    what_to_do : str
    """

    severity: str
    title: str
    text: str
    what_to_do: str
