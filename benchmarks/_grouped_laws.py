"""Laws that hold in eight groups of rows, each group with constants of its own: six sets of eight, and one of sixteen.

`first` is what the search over groups was developed on, `second` was written down with it and searched only afterwards, and
some of its misses under noise were then mended; `third` was written down after that, before any of it was searched, and its
misses were read, too; so `fourth` was written down, and searched only when all changes were made, and `fifth` when misses of
the fourth had been mended.
`class` are the laws of the challenges of class symbolic regression in their authors' ranges (Tenachi et al. 2024,
Class symbolic regression: gotta fit 'em all, doi:10.3847/2041-8213/ad5970).
`drawn` are kinds of law that a generator drew from `KINDS` together with which of their constants are the groups' own; it
was written down before any of it was searched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise.forms import parse

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """Where a law takes its columns and constants from."""

    rng: np.random.Generator
    groups: int
    rows: int

    def own(self, low: float, high: float) -> Floats:
        """A constant of each group's own, (groups*rows,)."""
        return np.repeat(self.rng.uniform(low, high, self.groups), self.rows)

    def column(self, low: float, high: float) -> Floats:
        """A column whose places are drawn, (groups*rows,)."""
        return self.rng.uniform(low, high, self.groups * self.rows)

    def course(self, low: float, high: float) -> Floats:
        """A column of even steps in every group, such as a time, (groups*rows,)."""
        return np.tile(np.linspace(low, high, self.rows), self.groups)


@dataclass(frozen=True)
class GroupedLaw:
    """Columns, values without noise, and how many constants each group has of its own."""

    columns: dict[str, Floats]
    y: Floats
    own: int


Law = Callable[[Draw], GroupedLaw]


def cooling(draw: Draw) -> GroupedLaw:
    t = draw.course(0, 6)
    return GroupedLaw({"t": t}, 20 + draw.own(30, 70) * np.exp(-draw.own(0.2, 1) * t), 2)


def swing(draw: Draw) -> GroupedLaw:
    t = draw.course(0, 6)
    envelope = draw.own(1, 3) * np.exp(-draw.own(0.1, 0.4) * t)
    return GroupedLaw({"t": t}, envelope * np.cos(draw.own(2, 4) * t + draw.own(0, 1)), 4)


def power(draw: Draw) -> GroupedLaw:
    x, z = draw.column(1, 4), draw.column(0.5, 2)
    return GroupedLaw({"x": x, "z": z}, draw.own(1, 5) * x**1.5 / z + draw.own(0, 3), 2)


def saturation(draw: Draw) -> GroupedLaw:
    s = draw.column(1, 4)
    return GroupedLaw({"s": s}, draw.own(2, 8) * s / (draw.own(0.5, 2) + s), 2)


def growth(draw: Draw) -> GroupedLaw:
    """Of a population to what its place can feed."""
    t = draw.course(0, 10)
    return GroupedLaw({"t": t}, draw.own(5, 20) / (1 + draw.own(5, 30) * np.exp(-draw.own(0.6, 1.5) * t)), 3)


def resonance(draw: Draw) -> GroupedLaw:
    """How far a driven and damped oscillator swings."""
    w = draw.course(0.5, 4)
    apart = draw.own(1.5, 2.5) ** 2 - w**2
    return GroupedLaw({"w": w}, draw.own(1, 3) / np.sqrt(apart**2 + (draw.own(0.3, 0.8) * w) ** 2), 3)


def inhibition(draw: Draw) -> GroupedLaw:
    """An enzyme's rate beside a competitive inhibitor, which binds all variants alike."""
    s, i = draw.column(0.5, 10), draw.column(0, 5)
    return GroupedLaw({"s": s, "i": i}, draw.own(2, 8) * s / (draw.own(0.5, 2) * (1 + i / 1.5) + s), 2)


def arrhenius(draw: Draw) -> GroupedLaw:
    """The rate of a reaction of order one and a half."""
    p, q, T = draw.column(0.5, 3), draw.column(0.5, 3), draw.column(300, 400)
    return GroupedLaw(
        {"p": p, "q": q, "T": T}, draw.own(200, 900) * p * np.sqrt(q) * np.exp(-draw.own(1200, 2400) / T), 2
    )


def peak(draw: Draw) -> GroupedLaw:
    """A line of a spectrum: the instrument's width is one for all."""
    x = draw.course(0, 10)
    return GroupedLaw({"x": x}, 2 + draw.own(3, 9) * np.exp(-(((x - draw.own(3, 7)) / 1.7) ** 2)), 2)


def hill(draw: Draw) -> GroupedLaw:
    s = draw.column(0.2, 6)
    return GroupedLaw({"s": s}, draw.own(2, 8) * s**2.5 / (draw.own(2, 20) + s**2.5), 2)


def lens(draw: Draw) -> GroupedLaw:
    u, f = draw.column(3, 9), draw.own(1, 2.5)
    return GroupedLaw({"u": u}, u * f / (u - f), 1)


def fall(draw: Draw) -> GroupedLaw:
    """Speed in air, up to the terminal one."""
    t, v = draw.course(0, 8), draw.own(12, 45)
    return GroupedLaw({"t": t}, v * np.tanh(9.81 * t / v), 1)


def critical(draw: Draw) -> GroupedLaw:
    """An oscillator damped so much that it just does not swing."""
    t = draw.course(0, 6)
    return GroupedLaw({"t": t}, (draw.own(1, 3) + draw.own(2, 6) * t) * np.exp(-draw.own(0.6, 1.6) * t), 3)


def driven(draw: Draw) -> GroupedLaw:
    """A swing that is kept up, and the start that dies away."""
    t = draw.course(0, 8)
    kept_up = draw.own(1, 3) * np.sin(2.2 * t)
    return GroupedLaw({"t": t}, kept_up + draw.own(2, 5) * np.exp(-draw.own(0.3, 1.2) * t), 3)


def gas(draw: Draw) -> GroupedLaw:
    """Van der Waals' pressure of a mole, in bar, litres and kelvin."""
    T, V = draw.column(280, 400), draw.column(0.4, 3)
    return GroupedLaw({"T": T, "V": V}, 0.0831446 * T / (V - draw.own(0.02, 0.09)) - draw.own(1, 8) / V**2, 2)


def ride(draw: Draw) -> GroupedLaw:
    """The power that a cyclist needs against air and road."""
    v, m, rho = draw.column(3, 14), draw.column(60, 110), draw.column(1, 1.3)
    return GroupedLaw(
        {"v": v, "m": m, "rho": rho},
        draw.own(0.2, 0.5) * rho * v**3 / 2 + draw.own(0.003, 0.012) * 9.81 * m * v,
        2,
    )


def charging(draw: Draw) -> GroupedLaw:
    """A capacitor's voltage."""
    t = draw.course(0, 6)
    return GroupedLaw({"t": t}, draw.own(3, 12) * (1 - np.exp(-t / draw.own(0.8, 2.5))), 2)


def tide(draw: Draw) -> GroupedLaw:
    """The height of the water in harbours of one sea."""
    t = draw.course(0, 24)
    return GroupedLaw({"t": t}, draw.own(1, 4) + draw.own(1, 3) * np.cos(0.5059 * t - draw.own(0, 2)), 3)


def dose(draw: Draw) -> GroupedLaw:
    """What is in the blood of a medicine that is taken up and broken down."""
    t = draw.course(0, 12)
    return GroupedLaw(
        {"t": t}, draw.own(4, 10) * (np.exp(-draw.own(0.1, 0.3) * t) - np.exp(-draw.own(0.8, 2) * t)), 3
    )


def diode(draw: Draw) -> GroupedLaw:
    v = draw.course(0, 0.7)
    return GroupedLaw({"v": v}, draw.own(0.001, 0.01) * (np.exp(v / draw.own(0.08, 0.12)) - 1), 2)


def stretching(draw: Draw) -> GroupedLaw:
    """Metals under stress: elastic, then plastic."""
    s = draw.course(0, 3)
    return GroupedLaw({"s": s}, s / draw.own(0.8, 3) + (s / draw.own(1.8, 3)) ** 5, 2)


def convection(draw: Draw) -> GroupedLaw:
    """Heat that goes from surfaces to air of 20 degrees."""
    T = draw.column(25, 95)
    return GroupedLaw({"T": T}, draw.own(0.5, 4) * (T - 20) ** 1.25, 1)


def plates(draw: Draw) -> GroupedLaw:
    """Van Deemter's height of a plate in chromatography."""
    u = draw.column(0.3, 6)
    return GroupedLaw({"u": u}, draw.own(1, 4) + draw.own(1, 4) / u + draw.own(0.3, 1.2) * u, 3)


def production(draw: Draw) -> GroupedLaw:
    """Cobb and Douglas' output of capital and labour."""
    K, L = draw.column(1, 20), draw.column(1, 20)
    return GroupedLaw({"K": K, "L": L}, draw.own(0.5, 3) * K**0.3 * L**0.7, 1)


def ringing(draw: Draw) -> GroupedLaw:
    """Bells of one metal, struck at rest: it dies away alike in all."""
    t = draw.course(0, 8)
    return GroupedLaw({"t": t}, draw.own(1, 3) * np.exp(-0.35 * t) * np.sin(draw.own(2, 4) * t), 2)


def second_order(draw: Draw) -> GroupedLaw:
    """What is left of a substance that reacts with itself."""
    t, c = draw.course(0, 10), draw.own(1, 4)
    return GroupedLaw({"t": t}, c / (1 + draw.own(0.1, 0.6) * c * t), 2)


def malus(draw: Draw) -> GroupedLaw:
    """Light behind a polariser that is turned, and what a dark detector shows."""
    angle = draw.column(0, 6.28)
    return GroupedLaw({"angle": angle}, draw.own(2, 6) * np.cos(angle - draw.own(0, 1.5)) ** 2 + 0.5, 2)


def gompertz(draw: Draw) -> GroupedLaw:
    """Of a population whose growth slows down from the start."""
    t = draw.course(0, 12)
    return GroupedLaw(
        {"t": t}, draw.own(5, 20) * np.exp(-draw.own(2, 5) * np.exp(-draw.own(0.3, 0.8) * t)), 3
    )


def response(draw: Draw) -> GroupedLaw:
    """The effect of a medicine beside that of none."""
    d = draw.column(0, 10)
    return GroupedLaw({"d": d}, draw.own(1, 3) + draw.own(4, 9) * d / (draw.own(0.5, 3) + d), 3)


def demand(draw: Draw) -> GroupedLaw:
    """What is bought at a price p with an income m; how much the price matters is each good's own."""
    p, m = draw.column(0.5, 3), draw.column(1, 5)
    return GroupedLaw({"p": p, "m": m}, draw.own(2, 8) * p ** -draw.own(0.6, 1.8) * np.sqrt(m), 2)


def stopping(draw: Draw) -> GroupedLaw:
    """The way to a standstill on roads of several kinds: the driver's time, then the brakes."""
    v = draw.column(3, 35)
    return GroupedLaw({"v": v}, 0.8 * v + v**2 / (2 * 9.81 * draw.own(0.3, 0.9)), 1)


def pendulum(draw: Draw) -> GroupedLaw:
    """The period of pendulums that swing widely."""
    angle = draw.column(0.1, 1.6)
    return GroupedLaw({"angle": angle}, 2 * np.pi * np.sqrt(draw.own(0.2, 2) / 9.81) * (1 + angle**2 / 16), 1)


def haldane(draw: Draw) -> GroupedLaw:
    """An enzyme's rate where too much of what it turns over blocks it, alike in all variants."""
    s = draw.column(0.2, 12)
    return GroupedLaw({"s": s}, draw.own(4, 12) * s / (draw.own(0.5, 2) + s + s**2 / 6), 2)


def freundlich(draw: Draw) -> GroupedLaw:
    """What sticks to a surface from a solution."""
    c = draw.column(0.1, 8)
    return GroupedLaw({"c": c}, draw.own(1, 6) * c ** draw.own(0.25, 0.7), 2)


def string(draw: Draw) -> GroupedLaw:
    """A plucked string's first two tones; how strong each is depends on where it was plucked."""
    t = draw.course(0, 6)
    return GroupedLaw({"t": t}, draw.own(1, 4) * np.sin(1.7 * t) + draw.own(0.5, 3) * np.sin(3.4 * t), 2)


def isotopes(draw: Draw) -> GroupedLaw:
    """Mixtures of two substances that decay, the same ones in all."""
    t = draw.course(0, 12)
    return GroupedLaw({"t": t}, draw.own(2, 6) * np.exp(-0.9 * t) + draw.own(1, 4) * np.exp(-0.15 * t), 2)


def barometer(draw: Draw) -> GroupedLaw:
    """Pressure of air over places at sea level, by height in km and temperature in kelvin."""
    h, T = draw.column(0, 9), draw.column(230, 310)
    return GroupedLaw({"h": h, "T": T}, draw.own(0.9, 1.1) * np.exp(-34.16 * h / T), 1)


def throw(draw: Draw) -> GroupedLaw:
    """How far throwers of several strengths get, by the angle."""
    angle = draw.column(0.1, 1.5)
    return GroupedLaw({"angle": angle}, draw.own(8, 20) ** 2 * np.sin(2 * angle) / 9.81, 1)


def line(draw: Draw) -> GroupedLaw:
    """Resonances of one width over a dark current."""
    x = draw.course(0, 10)
    return GroupedLaw({"x": x}, draw.own(4, 12) / (1 + ((x - draw.own(3, 7)) / 0.8) ** 2) + 1, 2)


def nernst(draw: Draw) -> GroupedLaw:
    """The voltage of cells, in millivolts, by temperature and by what is dissolved on both sides."""
    T, c, k = draw.column(270, 330), draw.column(0.1, 5), draw.column(0.1, 5)
    return GroupedLaw({"T": T, "c": c, "k": k}, draw.own(-60, 60) + 0.0862 * T * np.log(c / k), 1)


def oscillator(draw: Draw) -> GroupedLaw:
    t = draw.column(0, 9.42)
    return GroupedLaw({"t": t}, draw.own(0.6, 1.2) * np.cos(draw.own(0.2, 1.5) * t + draw.own(0.95, 1.15)), 3)


def decay(draw: Draw) -> GroupedLaw:
    t = draw.column(0.5, 6)
    return GroupedLaw({"t": t}, draw.own(0.4, 2) * np.exp(-t / draw.own(0.9, 1.4)), 2)


def free_fall(draw: Draw) -> GroupedLaw:
    t = draw.column(0, 1)
    return GroupedLaw({"t": t}, -0.5 * 9.81 * t**2 + draw.own(-2, 8) * t + draw.own(-3, 3), 2)


def damped_a(draw: Draw) -> GroupedLaw:
    t = draw.column(0, 9.42)
    return GroupedLaw({"t": t}, np.exp(-draw.own(0.2, 1) * t) * np.cos(1.389 * t + draw.own(-0.2, 0.3)), 2)


def damped_b(draw: Draw) -> GroupedLaw:
    t = draw.column(0, 9.42)
    return GroupedLaw({"t": t}, np.exp(-0.345 * t) * np.cos(draw.own(0.6, 1.4) * t + draw.own(-0.2, 0.3)), 2)


def photons(draw: Draw) -> GroupedLaw:
    nu = draw.column(1, 5)
    return GroupedLaw({"nu": nu}, 1 / (np.exp(5.9 * nu / draw.own(1, 5)) - 1), 1)


def ideal_gas(draw: Draw) -> GroupedLaw:
    T, V = draw.column(1, 5), draw.column(1, 5)
    return GroupedLaw({"T": T, "V": V}, draw.own(1, 5) * 8.314 * T / V, 1)


def terminal(draw: Draw) -> GroupedLaw:
    m, A = draw.column(1, 10), draw.column(1, 5)
    return GroupedLaw({"m": m, "A": A}, np.sqrt(2 * m * 9.807 / (draw.own(1, 6) * A * 0.47)), 1)


@dataclass(frozen=True)
class Kind:
    """A law as text, and the ranges of its columns and its constants."""

    text: str
    columns: dict[str, tuple[float, float]]
    constants: dict[str, tuple[float, float]]


# No constant can be undone by another, so that as many differ between the groups as were drawn.
KINDS = {
    "relaxation": Kind("a*exp(-b*t) + c", {"t": (0, 8)}, {"a": (2, 9), "b": (0.2, 1.2), "c": (-3, 3)}),
    "two_decays": Kind(
        "a*exp(-b*t) + c*exp(-d*t)",
        {"t": (0, 10)},
        {"a": (2, 6), "b": (0.8, 2), "c": (1, 4), "d": (0.08, 0.3)},
    ),
    "arrhenius_factor": Kind("a*exp(-b/T)", {"T": (0.3, 3)}, {"a": (2, 8), "b": (0.4, 2)}),
    "bell": Kind("a*exp(-(x/b)^2) + c", {"x": (-4, 4)}, {"a": (2, 8), "b": (0.8, 2.4), "c": (0.5, 3)}),
    "allometry": Kind("a*m^b", {"m": (0.2, 20)}, {"a": (0.5, 4), "b": (0.55, 0.95)}),
    "two_powers": Kind("a*x^b*z^c", {"x": (0.5, 5), "z": (0.5, 5)}, {"a": (1, 4), "b": (0.4, 1.6), "c": (-1.5, -0.4)}),
    "head_and_friction": Kind("a + b*q^c", {"q": (0.2, 4)}, {"a": (1, 6), "b": (0.5, 3), "c": (1.6, 1.95)}),
    "saturation_over_ground": Kind(
        "a*s/(b + s) + c", {"s": (0.1, 9)}, {"a": (3, 9), "b": (0.5, 3), "c": (0.2, 2)}
    ),
    "half_activation": Kind("a*s^2/(b^2 + s^2)", {"s": (0.1, 8)}, {"a": (2, 8), "b": (1, 3)}),
    "two_substrates": Kind(
        "a*s*r/((b + s)*(c + r))", {"s": (0.3, 8), "r": (0.3, 8)}, {"a": (3, 9), "b": (0.5, 3), "c": (0.5, 3)}
    ),
    "logarithmic_wind": Kind("a*log(1 + b*h)", {"h": (0.1, 12)}, {"a": (1, 4), "b": (0.4, 4)}),
    "hyperbola": Kind("a*sqrt(b + x^2)", {"x": (0, 6)}, {"a": (0.5, 3), "b": (0.5, 6)}),
    "saturating_field": Kind("a*tanh(b*h) + c*h", {"h": (-4, 4)}, {"a": (1, 4), "b": (0.6, 2), "c": (0.1, 0.6)}),
    "wave": Kind("a*sin(b*t) + c*cos(b*t) + d", {"t": (0, 9)}, {"a": (1, 3), "b": (0.9, 2), "c": (1, 3), "d": (-2, 2)}),
    "chirp": Kind("a*sin(b*x^2)", {"x": (0, 3)}, {"a": (1, 4), "b": (0.4, 0.9)}),
    "parallel": Kind("a*x*z/(b*x + z)", {"x": (0.5, 6), "z": (0.5, 6)}, {"a": (1, 5), "b": (0.4, 3)}),
    "tilted_quotient": Kind("(a + b*x)/(c + x)", {"x": (0, 9)}, {"a": (4, 9), "b": (0.2, 1), "c": (0.8, 3)}),
    "gravity": Kind("a*m*n/(b + r^2)", {"m": (1, 5), "n": (1, 5), "r": (0.5, 4)}, {"a": (1, 5), "b": (0.3, 2)}),
    "cloud": Kind("a*x*exp(-b*x) + c", {"x": (0, 8)}, {"a": (2, 8), "b": (0.3, 1.2), "c": (0.2, 2)}),
    "heated_fluid": Kind("a*v*exp(b/T)", {"v": (0.5, 4), "T": (0.5, 3)}, {"a": (0.5, 3), "b": (0.4, 1.5)}),
}  # fmt: skip


def kinds(count: int, seed: int) -> tuple[Law, ...]:
    """So many kinds drawn by the seed, with which of their constants are the groups' own: one at least."""
    rng = np.random.default_rng(seed)
    return tuple(_of_kind(str(item), rng) for item in rng.choice(list(KINDS), count, replace=False))


def _of_kind(name: str, rng: np.random.Generator) -> Law:
    kind = KINDS[name]
    own = set(rng.permutation(list(kind.constants))[: rng.integers(1, len(kind.constants) + 1)].tolist())

    def law(draw: Draw) -> GroupedLaw:
        columns = {item: draw.column(*between) for item, between in kind.columns.items()}
        constants = {
            item: draw.own(*between)
            if item in own
            else np.full(draw.groups * draw.rows, draw.rng.uniform(*between))
            for item, between in kind.constants.items()
        }
        known = {name: torch.from_numpy(key) for name, key in {**columns, **constants}.items()}
        y = parse(kind.text, list(known)).evaluate(known)
        return GroupedLaw(columns, y.numpy(), len(own))

    law.__name__ = name
    return law


@dataclass(frozen=True)
class Set:
    """Laws, and the size of their tables."""

    laws: tuple[Law, ...]
    groups: int = 8
    rows: int = 40


SETS = {
    "first": Set((cooling, swing, power, saturation, growth, resonance, inhibition, arrhenius)),
    "second": Set((peak, hill, lens, fall, critical, driven, gas, ride)),
    "third": Set((charging, tide, dose, diode, stretching, convection, plates, production)),
    "fourth": Set((ringing, second_order, malus, gompertz, response, demand, stopping, pendulum)),
    "fifth": Set((haldane, freundlich, string, isotopes, barometer, throw, line, nernst)),
    "class": Set(
        (oscillator, decay, free_fall, damped_a, damped_b, photons, ideal_gas, terminal), groups=10, rows=1000
    ),
    "drawn": Set(kinds(16, seed=48)),
}


def laws(which: str, seed: int) -> dict[str, GroupedLaw]:
    """The laws of a set, their columns and constants drawn by the seed."""
    chosen = SETS[which]
    return {
        law.__name__: law(Draw(np.random.default_rng([seed, at]), chosen.groups, chosen.rows))
        for at, law in enumerate(chosen.laws)
    }
