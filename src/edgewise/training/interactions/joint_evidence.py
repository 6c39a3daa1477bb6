"""How smooth functions of single inputs and of pairs are, by their joint evidence: a Gaussian process on few rows.

The prior of a function of one input is a line and a bend, each with a weight; that of a pair is the product of the priors of
two such functions, with one weight. All weights and the noise maximise the evidence together: none is chosen as if the
others were known, and a pair without effect is left with next to no weight. Everything is solved in the space of the
rows, whose size does not grow with the number of products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.work import charge
from edgewise.training.common.costs import PASSED, solve_cost
from edgewise.training.interactions.two_way_tables import Pair

Floats = NDArray[np.float64]

# Variance of the level, for targets of variance one: any level near the rows is as likely as another.
LEVEL = 10.0
# Prior means of the logarithms of the variances, of functions and of the noise, and their limits.
START, START_NOISE = -4.0, -2.5
LIMITS, LIMITS_NOISE = (-16.0, 6.0), (-16.0, 2.0)


@dataclass(frozen=True, eq=False)
class Variances:
    """Of the lines (I,) and the bends (I,) of the inputs, of pairs (P,), and of the noise."""

    line: Tensor
    bend: Tensor
    pair: Tensor
    noise: float


def evidence_cost(rows: int, inputs: int, pairs: int) -> float:
    """Work of the evidence of some rows with its slope."""
    return 3 * solve_cost(rows) + PASSED * rows**2 * (pairs + 2 * inputs)


class Process:
    """The prior of some functions, on some rows.

    Parameters
    ----------
    parts : sequence of Tensor, shape (n, R_i)
        Smooth directions of each input, its constant apart and its line first.
    y, weight : Tensor, shape (n,)
        Weights are above 0 and give how precise a row is, beside others; a row given twice is one of twice the weight.
    pairs : sequence of (int, int)
        Distinct and rising.
    """

    def __init__(self, parts: Sequence[Tensor], y: Tensor, weight: Tensor, pairs: Sequence[Pair]) -> None:
        self.parts, self.y, self.weight, self.pairs = parts, y, weight / weight.mean(), pairs
        self.lines = torch.stack([part[:, 0] for part in parts], 1)
        self.kernels = torch.stack([(part @ part.T).view(-1) for part in parts])
        # Of the pairs that begin with each input: their numbers, and where they end.
        self.own = [[k for k, pair in enumerate(pairs) if pair[0] == i] for i in range(len(parts))]
        self.ends = [_block([pairs[k][1] for k in own]) for own in self.own]

    @property
    def start(self) -> Floats:
        """Prior means of the logarithms of the variances."""
        return np.append(np.full(2 * len(self.parts) + len(self.pairs), START), START_NOISE)

    def variances(self, logs: Floats) -> Variances:
        every, inputs = torch.from_numpy(np.exp(logs)), len(self.parts)
        line, bend, pair, noise = every.split([inputs, inputs, len(self.pairs), 1])
        return Variances(line, bend, pair, float(noise))

    def root(self, variances: Variances) -> Tensor:
        """Cholesky root of the covariance of y, (n, n)."""
        n = len(self.y)
        charge(solve_cost(n) + PASSED * n**2 * (len(self.pairs) + 2 * len(self.parts)))
        total = torch.full((n * n,), LEVEL, dtype=torch.float64)
        for i, (own, ends) in enumerate(zip(self.own, self.ends, strict=True)):
            beside = (
                variances.bend[i] + variances.pair[own] @ self.kernels[ends] if own else variances.bend[i]
            )
            total.addcmul_(self.kernels[i], beside)
        whole = total.view(n, n)
        whole += (self.lines * (variances.line - variances.bend)) @ self.lines.T
        whole.diagonal().add_(variances.noise / self.weight)
        return torch.linalg.cholesky(whole)

    def solved(self, root: Tensor) -> Tensor:
        """The inverse of the covariance times y, (n,)."""
        return torch.cholesky_solve(self.y[:, None], root)[:, 0]

    def surprise(self, root: Tensor) -> float:
        """The negative logarithm of the evidence, up to a constant."""
        return 0.5 * float(self.y @ self.solved(root)) + float(root.diagonal().log().sum())

    def slope(self, variances: Variances, root: Tensor) -> Floats:
        """Of the surprise, in the logarithms of the variances."""
        a = self.solved(root)
        charge(2 * solve_cost(len(a)))
        # The inverse is symmetric; read by columns it lies in memory by rows.
        pull = torch.cholesky_inverse(root).T.addr(a, a, alpha=-1).contiguous()
        flat = pull.view(-1)
        line = ((pull @ self.lines) * self.lines).sum(0)
        pair = torch.zeros(len(self.pairs), dtype=torch.float64)
        for i, (own, ends) in enumerate(zip(self.own, self.ends, strict=True)):
            if own:
                pair[own] = self.kernels[ends] @ (flat * self.kernels[i])
        noise = float((pull.diagonal() / self.weight).sum()) * variances.noise
        parts = [line * variances.line, (self.kernels @ flat - line) * variances.bend, pair * variances.pair]
        return 0.5 * np.append(torch.cat(parts).numpy(), noise)

    def learned(self, start: Floats, steps: int, tolerance: float) -> Floats:
        """Logarithms of the variances, from a start towards the greatest evidence; it ends where a step gains less than
        the tolerance a row."""
        from scipy.optimize import minimize  # a fifth of a second to load

        total = len(self.y)

        def judge(logs: Floats) -> tuple[float, Floats]:
            variances = self.variances(logs)
            root = self.root(variances)
            return self.surprise(root) / total, self.slope(variances, root) / total

        bounds = [*[LIMITS] * (len(start) - 1), LIMITS_NOISE]
        options = {"maxiter": steps, "ftol": tolerance}
        found: Any = minimize(judge, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        return found.x

    def sizes(self, variances: Variances, root: Tensor) -> Tensor:
        """Half the variance of the function of each pair on the rows, (P,)."""
        a, n = self.solved(root), len(self.y)
        sizes = torch.zeros(len(self.pairs), dtype=torch.float64)
        for k, (i, j) in enumerate(self.pairs):
            charge(2 * PASSED * n**2)
            own = variances.pair[k] * ((self.kernels[i] * self.kernels[j]).view(n, n) @ a)
            sizes[k] = 0.5 * ((own - own @ self.weight / n).square() @ self.weight) / n
        return sizes

    def strongest(self, logs: Floats) -> list[int]:
        """Numbers of the pairs, those first whose functions are largest."""
        variances = self.variances(logs)
        return self.sizes(variances, self.root(variances)).argsort(descending=True, stable=True).tolist()

    def only(self, logs: Floats, kept: Sequence[int]) -> Floats:
        """Of some of the pairs."""
        single = 2 * len(self.parts)
        return np.concatenate([logs[:single], logs[single:-1][list(kept)], logs[-1:]])

    def coefficients(self, variances: Variances) -> tuple[list[Tensor], list[Tensor], float]:
        """Most likely numbers of each input's directions (R_i,) and each pair's products (R_i, R_j); the level."""
        a = self.solved(self.root(variances))
        single = list[Tensor]()
        for i, part in enumerate(self.parts):
            own = variances.bend[i] * (part.T @ a)
            own[0] *= variances.line[i] / variances.bend[i]
            single.append(own)
        products = [
            variance * (self.parts[i] * a[:, None]).T @ self.parts[j]
            for (i, j), variance in zip(self.pairs, variances.pair, strict=True)
        ]
        return single, products, LEVEL * float(a.sum())


def supported(process: Process, logs: Floats, nats: float, first: float, faint: float) -> list[int]:
    """Numbers of the pairs without which the evidence falls, those last that matter least.

    Parameters
    ----------
    process : Process
    logs : array
        Of its variances.
    nats : float
        How far the evidence has to fall (its logarithm), when the faintest pairs are left out first.
    first : float
        How far it has to fall for one pair at least: or there are none.
    faint : float
        And half the variance that a function has to have.
    """
    variances = process.variances(logs)
    root = process.root(variances)
    now, sizes, left = (
        process.surprise(root),
        process.sizes(variances, root),
        variances.pair.clone(),
    )
    kept, most = list[int](), 0.0
    for k in sizes.argsort(stable=True).tolist():
        less = left.clone()
        less[k] = 0.0
        without = replace(variances, pair=less)
        surprise = process.surprise(process.root(without))
        if surprise - now > nats and sizes[k] > faint:
            kept, most = [k, *kept], max(most, surprise - now)
        else:
            left, now = less, surprise
    return kept if most > first else []


def _block(numbers: list[int]) -> slice | list[int]:
    """As a slice where they follow each other, for a slice is no copy."""
    following = bool(numbers) and numbers == list(range(numbers[0], numbers[-1] + 1))
    return slice(numbers[0], numbers[-1] + 1) if following else numbers
