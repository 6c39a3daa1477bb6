"""Modes of an unknown start on a torus as real weights, those of like wave numbers together in shells."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.torus import Evolution, Spectra, Torus


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
    found.sort(key=lambda each: (each[0], each[3], each[1], each[2].imag))
    top = waves + 1
    return StartModes(
        evolution.count,
        np.array([each[0] for each in found], dtype=np.int64),
        np.array([each[1] for each in found], dtype=np.int64).reshape(-1, len(evolution.span)),
        np.array([each[2] for each in found], dtype=complex),
        np.array([each[0] * top + each[3] for each in found], dtype=np.int64),
        np.array([each[3] for each in found], dtype=np.int64),
        waves,
    )
