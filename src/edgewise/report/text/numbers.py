"""Numbers as people write them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from edgewise.plots.parity import r2_text

MISSING = "\u2013"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 4) -> str:
    """Four significant digits, thousands apart, a typographic minus; a dash where there is no number."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}\u00b710{str(int(exponent)).translate(_RAISED)}".replace("-", "\u2212")
    text = f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"
    return text.replace("-", "\u2212")


def signed(value: float, digits: int = 3) -> str:
    """The same with its sign."""
    return f"+{number(value, digits)}" if value > 0 else number(value, digits)


def percent(share: float) -> str:
    """A share in percent, never a round 0 or 100 that is not one."""
    if not math.isfinite(share):
        return MISSING
    value = 100.0 * share
    if 0 < value < 0.1:
        return "under 0.1 %"
    if 99.9 < value < 100:
        return "over 99.9 %"
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{value:.1f} %"


def seconds(value: float | None) -> str:
    """A time; tenths are enough."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.1f}" if value >= 0.05 else "under 0.1"


def r2(value: float) -> str:
    """R2 with as many nines as it has."""
    return r2_text(value) if math.isfinite(value) else MISSING


def listed(words: Sequence[str], most: int = 5) -> str:
    """Words joined as in a sentence, cut to the first few."""
    shown = list(words[:most])
    if len(words) > most:
        return f"{', '.join(shown)} and {len(words) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def alike(values: Sequence[float], most: int = 7) -> tuple[str, ...]:
    """Labels of an axis, with the decimals that distinguish neighbours; very large and small ones with a power of ten."""
    top = max((abs(v) for v in values), default=0.0)
    step = _step(values)
    if top == 0 or (step >= 1e-4 and top < 10**most):
        return _decimal(values, step)
    power = math.floor(math.log10(top))
    shown = [v / 10.0**power for v in values]
    raised = f"\u00b710{str(power).translate(_RAISED)}"
    texts = _decimal(shown, _step(shown))
    return tuple("0" if v == 0 else text + raised for v, text in zip(values, texts, strict=True))


def _step(values: Sequence[float]) -> float:
    """The least distance between neighbours."""
    gaps = [b - a for a, b in pairwise(values) if b > a]
    return min(gaps) if gaps else max((abs(v) for v in values), default=0.0) or 1.0


def _decimal(values: Sequence[float], step: float) -> tuple[str, ...]:
    """Numbers with as many decimals as the step between them has, six at most."""
    decimals = min(max(0, math.ceil(-math.log10(step) - 1e-9)), 6)
    while decimals < 6 and any(abs(round(v, decimals) - v) > 0.02 * step for v in values):
        decimals += 1
    return tuple(f"{v:,.{decimals}f}".replace("-", "\u2212") for v in values)


def plain(value: float) -> str:
    """A number by itself on an axis."""
    return alike((value,))[0] if 1e-4 <= value < 1e6 else alike((0.0, value))[1]
