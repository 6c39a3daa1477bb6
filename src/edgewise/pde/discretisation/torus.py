"""Equations of evolution on a torus, every coordinate of space periodic: amplitudes of Fourier modes as functions of time.

    M u_t = L u + N(u),   M and L with weights that are constant in space and time

M and L act on every mode alone. N is evaluated at places, two thirds of whose modes are kept (S. A. Orszag 1971,
doi:10.1175/1520-0469(1971)028<1074:OTEOAI>2.0.CO;2), and so are the derivatives of all terms in unknowns and constants.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfftn, next_fast_len, rfftn

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import charge
from edgewise.pde.discretisation.assembly import RATE
from edgewise.pde.problem.jets import Compiled

Spectra = NDArray[np.complexfloating[Any, Any]]
# Modes whose M is nearer to singular have no evolution of their own.
_SINGULAR = 1e-10


@dataclass(frozen=True, eq=False)
class Torus:
    """Places on a torus, and the modes that belong to them: last coordinate by halves, as real functions need.

    Attributes
    ----------
    low, span : tuple of float
        Where each coordinate begins, and after how much it repeats.
    shape : tuple of int
        Places along each.
    """

    low: tuple[float, ...]
    span: tuple[float, ...]
    shape: tuple[int, ...]

    @classmethod
    def holding(cls, low: Sequence[float], span: Sequence[float], waves: float) -> Torus:
        """With all modes up to so many waves along the longest coordinate, equally fine along the others."""
        longest = max(span)
        places: list[int] = []
        for value in span:
            size: Any = next_fast_len(2 * int(np.ceil((3 * waves * value / longest + 2) / 2)), real=True)
            places.append(int(size) + int(size) % 2)
        return cls(tuple(low), tuple(span), tuple(places))

    @cached_property
    def indices(self) -> tuple[Floats, ...]:
        """Numbers of waves along each coordinate, shaped so that they go together into a grid."""
        d = len(self.shape)
        found: list[Floats] = []
        for a, n in enumerate(self.shape):
            own: Any = np.fft.rfftfreq(n, 1 / n) if a == d - 1 else np.fft.fftfreq(n, 1 / n)
            found.append(own.reshape([-1 if a == b else 1 for b in range(d)]))
        return tuple(found)

    @cached_property
    def numbers(self) -> tuple[Floats, ...]:
        """Wave numbers along each coordinate."""
        return tuple(2 * np.pi / s * n for s, n in zip(self.span, self.indices, strict=True))

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """Which modes products do not spoil."""
        inside = [np.abs(n) < size / 3 for n, size in zip(self.indices, self.shape, strict=True)]
        found = inside[0]
        for item in inside[1:]:
            found = found & item
        return found

    @cached_property
    def places(self) -> tuple[Floats, ...]:
        """Coordinates of the places, shaped so that they go together into a grid."""
        d = len(self.shape)
        return tuple(
            (low + span * np.arange(n) / n).reshape([-1 if a == b else 1 for b in range(d)])
            for a, (low, span, n) in enumerate(zip(self.low, self.span, self.shape, strict=True))
        )

    @property
    def half(self) -> tuple[int, ...]:
        """Shape of the modes."""
        return (*self.shape[:-1], self.shape[-1] // 2 + 1)

    def power(self, orders: Sequence[int]) -> Spectra:
        """What a derivative multiplies modes by."""
        found = np.ones(self.half, dtype=complex)
        for k, order in zip(self.numbers, orders, strict=True):
            if order:
                found = found * (1j * k) ** order
        return found

    def values(self, spectra: Spectra) -> Floats:
        """Functions at the places, by their modes in the last axes."""
        axes = tuple(range(-len(self.shape), 0))
        transform: Any = irfftn
        charge(spectra.size * 5 * np.log2(max(self.half)) * len(axes) / RATE)
        return transform(spectra, self.shape, axes, norm="forward")

    def spectra(self, values: Floats) -> Spectra:
        """Modes of functions at the places; those that products spoil are left out."""
        axes = tuple(range(-len(self.shape), 0))
        transform: Any = rfftn
        charge(values.size * 2.5 * np.log2(max(self.half)) * len(axes) / RATE)
        return transform(values, axes=axes, norm="forward") * self.kept

    def moved(self, other: Torus, spectra: Spectra) -> Spectra:
        """Modes of another torus on this one: those that both keep."""
        d = len(self.shape)
        found = np.zeros((*spectra.shape[:-d], *self.half), dtype=complex)
        shared = np.nonzero(other.kept)
        every = [n.ravel()[i] for n, i in zip(other.indices, shared, strict=True)]
        fits = np.all([np.abs(n) < size / 3 for n, size in zip(every, self.shape, strict=True)], axis=0)
        here = tuple(n[fits].astype(int) % size for n, size in zip(every, self.shape, strict=True))
        found[(..., *here)] = spectra[(..., *(i[fits] for i in shared))]
        return found

    def rows(self, at: Floats, orders: Sequence[int]) -> Spectra:
        """What kept modes add to values, or a derivative, at points (q, d): (q, kept); the real part of the sum counts."""
        d = len(self.shape)
        found = np.ones((len(at), *([1] * d)), dtype=complex)
        for a, (k, low) in enumerate(zip(self.numbers, self.low, strict=True)):
            wave = np.exp(1j * np.multiply.outer(at[:, a] - low, k.ravel()))
            found = found * wave.reshape([len(at), *(-1 if a == b else 1 for b in range(d))])
        # A mode and its conjugate.
        twice = np.where(self.indices[-1] > 0, 2.0, 1.0)
        return (found * (self.power(orders) * twice))[:, self.kept]


@dataclass(frozen=True, eq=False)
class Evolution:
    """M u_t = L u + N(u) on a torus, with constants to be given.

    Attributes
    ----------
    inside : Compiled
        The equations in coordinates, constants and jets; so are `tangents`, their derivatives in each constant.
    tangents : tuple of Compiled
    axis : int
        Number of the coordinate of time.
    begins : float
        The first time.
    low, span : tuple of float
        Of the coordinates of space.
    mass : tuple of (equation, unknown, orders in space, weight)
        The terms of M.
    carried : tuple of bool, one a jet
        Which jets have weights that are constant in space and time: they are in L.
    count : int
        Unknowns.
    """

    inside: Compiled
    tangents: tuple[Compiled, ...]
    axis: int
    begins: float
    low: tuple[float, ...]
    span: tuple[float, ...]
    mass: tuple[tuple[int, int, tuple[int, ...], float], ...]
    carried: tuple[bool, ...]
    count: int

    def in_space(self, orders: Sequence[int]) -> tuple[int, ...]:
        """Orders without those of time and constants."""
        d = len(self.span) + 1
        return tuple(o for a, o in enumerate(orders[:d]) if a != self.axis)

    def masses(self, torus: Torus) -> Spectra:
        """M of every mode: (modes, F, F)."""
        found = np.zeros((*torus.half, self.count, self.count), dtype=complex)
        for e, f, orders, weight in self.mass:
            found[..., e, f] += weight * torus.power(orders)
        return found

    def evolving(self, torus: Torus) -> NDArray[np.bool_]:
        """Which modes have an evolution; others must not be felt by the equations."""
        largest = np.abs(self.masses(torus)).max((-1, -2))
        return torus.kept & (largest > _SINGULAR * largest.max())


class Current:
    """The equations at given constants on given places: how fast modes change, and how fast small changes do.

    Parameters
    ----------
    evolution : Evolution
    torus : Torus
    constants : ndarray
    """

    def __init__(self, evolution: Evolution, torus: Torus, constants: Floats) -> None:
        self.evolution, self.torus, self.constants = evolution, torus, constants
        self.alive = evolution.evolving(torus)
        mass = evolution.masses(torus)
        mass[~self.alive] = np.eye(evolution.count)
        self.inverse = np.linalg.inv(mass)
        self.inverse[~self.alive] = 0.0
        inside = evolution.inside
        self._own = [(f, evolution.in_space(orders), orders[evolution.axis]) for f, orders in inside.jets]
        self._moves = [torus.power(space) for _, space, _ in self._own]
        at = self._at(0.0)
        still = [np.zeros(()) for _ in inside.jets]
        slopes = inside.slopes(*at, *constants, *still)
        linear = np.zeros_like(mass)
        for (e, j), slope in zip(inside.entries, slopes, strict=True):
            f, _, late = self._own[j]
            if evolution.carried[j] and not late:
                linear[..., e, f] -= float(np.ravel(slope)[0]) * self._moves[j]
        self.linear = self.inverse @ linear

    def _at(self, time: float) -> list[Floats]:
        at = list(self.torus.places)
        at.insert(self.evolution.axis, np.full([1] * len(self.torus.shape), time))
        return at

    def _on_grid(self, found: Sequence[Any]) -> list[Floats]:
        return [np.broadcast_to(np.asarray(item, dtype=float), self.torus.shape) for item in found]

    def _jets(self, spectra: Spectra, all_of_them: bool) -> list[Floats]:
        """Values of the jets at the places; zero for those in L unless they are asked for, and along time."""
        zero = np.zeros(())
        return [
            zero if late or (carried and not all_of_them) else self.torus.values(spectra[f] * move)
            for (f, _, late), move, carried in zip(
                self._own, self._moves, self.evolution.carried, strict=True
            )
        ]

    def apply(self, matrix: Spectra, spectra: Spectra) -> Spectra:
        """A matrix of every mode times modes (..., F, modes)."""
        if self.evolution.count == 1:
            return matrix[..., 0, 0] * spectra
        d = len(self.torus.shape)
        moved = np.moveaxis(spectra, -d - 1, -1)
        return np.moveaxis((matrix @ moved[..., None])[..., 0], -1, -d - 1)

    def speed(self, spectra: Spectra, time: float) -> Spectra:
        """What N does: (F, modes)."""
        jets = self._jets(spectra, False)
        found = self._on_grid(self.evolution.inside.values(*self._at(time), *self.constants, *jets))
        return self.apply(self.inverse, -self.torus.spectra(np.stack(found)))

    def slopes(self, spectra: Spectra, time: float) -> tuple[list[Floats], Spectra]:
        """Derivatives of the equations in their jets, and what a change of each constant does: (C, F, modes)."""
        evolution, at = self.evolution, self._at(time)
        jets = self._jets(spectra, bool(evolution.tangents))
        slopes = self._on_grid(evolution.inside.slopes(*at, *self.constants, *jets))
        pulls: list[Spectra] = []
        number = {jet: n for n, jet in enumerate(evolution.inside.jets)}
        for tangent in evolution.tangents:
            own = [jets[number[jet]] for jet in tangent.jets]
            found = self._on_grid(tangent.values(*at, *self.constants, *own))
            pulls.append(self.apply(self.inverse, -self.torus.spectra(np.stack(found))))
        return slopes, np.array(pulls).reshape(len(pulls), evolution.count, *self.torus.half)

    def change(self, slopes: Sequence[Floats], changes: Spectra) -> Spectra:
        """How fast N changes with the unknowns: changes (P, F, modes) -> (P, F, modes)."""
        evolution, torus = self.evolution, self.torus
        total = np.zeros((len(changes), evolution.count, *torus.shape))
        moved: dict[int, Floats] = {}
        for (e, j), slope in zip(evolution.inside.entries, slopes, strict=True):
            f, _, late = self._own[j]
            if late or evolution.carried[j]:
                continue
            if j not in moved:
                moved[j] = torus.values(changes[:, f] * self._moves[j])
            total[:, e] += slope * moved[j]
        return self.apply(self.inverse, -torus.spectra(total))


@dataclass(frozen=True, eq=False)
class StartModes:
    """Cosines and sines whose weights make a start.

    Attributes
    ----------
    count : int
        Unknowns of the equations.
    fields : ndarray, shape (P,)
        Unknown of each weight.
    waves : ndarray, shape (P, d)
        Numbers of waves along each coordinate.
    phases : ndarray, shape (P,)
        1 for a cosine, -1j for a sine.
    shells : ndarray, shape (P,)
        Number of the shell of wave numbers, unknown by unknown.
    rings : ndarray, shape (P,)
        The same without the unknown: about the number of waves along the longest coordinate.
    most : int
        The largest of these.
    """

    count: int
    fields: Ints
    waves: Ints
    phases: Spectra
    shells: Ints
    rings: Ints
    most: int

    def __len__(self) -> int:
        return len(self.fields)

    def changes(self, torus: Torus) -> Spectra:
        """What a unit of each weight adds to the modes: (P, F, modes)."""
        found = np.zeros((len(self), self.count, *torus.half), dtype=complex)
        for p, (f, wave, phase) in enumerate(zip(self.fields, self.waves, self.phases, strict=True)):
            share = 1.0 if not wave.any() else 0.5
            found[(p, f, *(wave % torus.shape))] += share * phase
            if wave[-1] == 0 and wave.any():
                found[(p, f, *(-wave % torus.shape))] += share * np.conj(phase)
        return found

    def start(self, torus: Torus, weights: Floats) -> Spectra:
        """The modes of these weights: (F, modes)."""
        if not len(self):
            return np.zeros((self.count, *torus.half), dtype=complex)
        return np.tensordot(weights, self.changes(torus), axes=(0, 0))

    def within(self, other: StartModes, weights: Floats) -> Floats:
        """Weights of another set of modes for these, zero for those that it lacks."""
        known = {
            (int(f), tuple(w.tolist()), complex(p)): float(v)
            for f, w, p, v in zip(other.fields, other.waves, other.phases, weights, strict=True)
        }
        return np.array(
            [
                known.get((int(f), tuple(w.tolist()), complex(p)), 0.0)
                for f, w, p in zip(self.fields, self.waves, self.phases, strict=True)
            ]
        )


def start_modes(evolution: Evolution, fields: Sequence[int], waves: int) -> StartModes:
    """All modes of given unknowns with up to so many waves along the longest coordinate, equally fine along the others."""
    torus = Torus.holding(evolution.low, evolution.span, waves)
    alive = evolution.evolving(torus)
    longest = max(evolution.span)
    most = [int(np.floor(waves * span / longest)) for span in evolution.span]
    found: list[tuple[int, tuple[int, ...], complex, int]] = []
    for wave in itertools.product(*(range(-m, m + 1) for m in most)):
        size = float(
            np.sqrt(sum((n * longest / span) ** 2 for n, span in zip(wave, evolution.span, strict=True)))
        )
        # Of a wave and its mirror image one.
        mirrored = wave[::-1] < (0,) * len(wave)
        if (
            mirrored
            or size > waves
            or not alive[tuple(n % m for n, m in zip(wave, torus.shape, strict=True))]
        ):
            continue
        phases = (1.0,) if not any(wave) else (1.0, -1j)
        found += [(f, wave, complex(phase), round(size)) for f in fields for phase in phases]
    found.sort(key=lambda item: (item[0], item[3], item[1], item[2].imag))
    top = waves + 1
    return StartModes(
        evolution.count,
        np.array([item[0] for item in found], dtype=np.int64),
        np.array([item[1] for item in found], dtype=np.int64).reshape(-1, len(evolution.span)),
        np.array([item[2] for item in found], dtype=complex),
        np.array([item[0] * top + item[3] for item in found], dtype=np.int64),
        np.array([item[3] for item in found], dtype=np.int64),
        waves,
    )
