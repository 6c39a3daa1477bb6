"""A multilayer perceptron trained by edgewise's own Levenberg-Marquardt, so that only the model differs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from _common import Clock
from torch import Tensor, nn
from torch.func import functional_call

from edgewise.training.second_order import lm

START_STEPS = 30
Watch = Callable[[float, Callable[[np.ndarray], np.ndarray]], None]


def parameters(shape: tuple[int, ...]) -> int:
    """Weights and biases of a perceptron."""
    return sum((i + 1) * o for i, o in pairwise(shape))


def shape_of_size(inputs: int, count: int) -> tuple[int, ...]:
    """[inputs, h, h, 1] with as many parameters as come nearest to `count`."""
    h = min(range(1, 200), key=lambda h: abs(parameters((inputs, h, h, 1)) - count))
    return (inputs, h, h, 1)


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """Half the mean squared error of a module with one output: the problem that `lm.step` takes."""

    module: nn.Module
    X: Tensor
    y: Tensor

    @cached_property
    def _places(self) -> list[tuple[str, torch.Size]]:
        return [(name, p.shape) for name, p in self.module.named_parameters()]

    def start(self) -> Tensor:
        return torch.cat([p.detach().reshape(-1) for p in self.module.parameters()])

    def outputs(self, theta: Tensor, X: Tensor | None = None) -> Tensor:
        X = self.X if X is None else X
        return functional_call(self.module, self._named(theta), (X,))[:, 0]

    def value(self, theta: Tensor) -> float:
        return 0.5 * float((self.outputs(theta) - self.y).square().mean())

    def normal(self, theta: Tensor) -> tuple[float, Tensor, Tensor]:
        """Objective, gradient and Gauss-Newton matrix; the Jacobian by one backward sweep over all rows."""
        named = list(self._named(theta).values())
        pairs = list(zip(named[::2], named[1::2], strict=True))
        layers = [self.X]
        for weight, bias in pairs[:-1]:
            layers.append(torch.tanh(layers[-1] @ weight.T + bias))
        weight, bias = pairs[-1]
        residual = (layers[-1] @ weight.T + bias)[:, 0] - self.y
        n = len(residual)
        delta, blocks = theta.new_ones(n, 1), list[Tensor]()
        for (weight, _), below in zip(reversed(pairs), reversed(layers), strict=True):
            blocks += [delta, (delta[:, :, None] * below[:, None, :]).reshape(n, -1)]
            # tanh' = 1 - tanh^2; at the inputs the result is not used any more.
            delta = (delta @ weight) * (1 - below.square())
        jacobian = torch.cat(blocks[::-1], 1)
        return 0.5 * float(residual.square().mean()), residual @ jacobian / n, jacobian.T @ jacobian / n

    def _named(self, theta: Tensor) -> dict[str, Tensor]:
        sizes = [shape.numel() for _, shape in self._places]
        parts = theta.split(sizes)
        return {name: part.view(shape) for (name, shape), part in zip(self._places, parts, strict=True)}


@dataclass(frozen=True, eq=False)
class Scaling:
    """Inputs in [-1, 1], a target of mean 0 and deviation 1."""

    centre: Tensor
    half: Tensor
    shift: float
    scale: float

    @classmethod
    def of(cls, X: np.ndarray, y: np.ndarray) -> Scaling:
        low, high = torch.from_numpy(X).aminmax(dim=0)
        target = torch.from_numpy(y)
        return cls((low + high) / 2, (high - low) / 2, float(target.mean()), float(target.std()))

    def inputs(self, X: np.ndarray) -> Tensor:
        return (torch.from_numpy(X) - self.centre) / self.half

    def apply(self, X: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
        return self.inputs(X), (torch.from_numpy(y) - self.shift) / self.scale


@dataclass(frozen=True, eq=False)
class Trained:
    """A perceptron with its scalings."""

    objective: LeastSquares
    theta: Tensor
    scaling: Scaling
    steps: int
    seconds: float

    def predict(self, X: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            out = self.objective.outputs(self.theta, self.scaling.inputs(X))
        return (self.scaling.shift + self.scaling.scale * out).numpy()


def train(
    shape: tuple[int, ...],
    X: np.ndarray,
    y: np.ndarray,
    *,
    starts: int = 8,
    steps: int = 300,
    seed: int = 0,
    seconds: float = math.inf,
    held_out: float = 0.2,
    watch: Watch | None = None,
) -> Trained:
    """Several starts; the best on held-out rows goes on, its best point is kept, and is then fitted to all rows.

    `watch` is shown the CPU seconds spent and the predictions of the best network so far; its own time does not count.
    The same plan, rows held out and scalings as `ew.fit` has for a KAN; `steps` counts those after the start was chosen.
    """
    clock, unseen = Clock(), 0.0
    scaling = Scaling.of(X, y)
    x, t = scaling.apply(X, y)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    held, kept = order[: round(held_out * len(x))], order[round(held_out * len(x)) :]

    def judged(problem: LeastSquares, theta: Tensor) -> float:
        return float((problem.outputs(theta, x[held]) - t[held]).square().mean())

    def shown(problem: LeastSquares, theta: Tensor) -> None:
        nonlocal unseen
        if watch is not None:
            now = clock.seconds
            trained = Trained(problem, theta, scaling, 0, now)
            watch(now - unseen, trained.predict)
            unseen += clock.seconds - now

    begun = list[tuple[float, LeastSquares, lm.LMState]]()
    for start in range(starts):
        problem = LeastSquares(perceptron(shape, seed * 1000 + start), x[kept], t[kept])
        state = _run(problem, lm.start(problem, problem.start()), START_STEPS, clock, seconds * 0.3)[0]
        begun.append((judged(problem, state.theta), problem, state))
    error, problem, state = min(begun, key=lambda item: item[0])
    best, done = state.theta, 0
    shown(problem, best)
    while done < steps and not state.stuck and clock.seconds - unseen < seconds:
        state = lm.step(problem, state)
        done += 1
        now = judged(problem, state.theta)
        if now < error:
            error, best = now, state.theta
            shown(problem, best)
    everything = LeastSquares(problem.module, x, t)
    begin = lm.LMState(best, everything.value(best), 1e-8)
    final, last = _run(everything, begin, 20, clock, seconds * 1.1)
    shown(everything, final.theta)
    return Trained(everything, final.theta, scaling, done + last, clock.seconds)


def perceptron(shape: tuple[int, ...], seed: int) -> nn.Module:
    """Linear layers with tanh between them, Glorot-uniform, without touching torch's own generator."""
    random = torch.Generator().manual_seed(seed)
    layers = list[nn.Module]()
    for i, o in pairwise(shape):
        linear = nn.utils.skip_init(nn.Linear, i, o, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.uniform_(-1, 1, generator=random).mul_(math.sqrt(6 / (i + o)))
            linear.bias.uniform_(-1, 1, generator=random)
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1]).requires_grad_(False)


def _run(
    problem: LeastSquares, state: lm.LMState, steps: int, clock: Clock, seconds: float
) -> tuple[lm.LMState, int]:
    done = 0
    while done < steps and not state.stuck and clock.seconds < seconds:
        state = lm.step(problem, state)
        done += 1
    return state, done


def first_order(
    shape: tuple[int, ...],
    X: np.ndarray,
    y: np.ndarray,
    method: str,
    *,
    seed: int = 0,
    seconds: float,
    watch: Watch,
) -> None:
    """L-BFGS on all rows, or Adam on batches of 256 with a rate that falls to nothing, until the time is spent."""
    clock, unseen = Clock(), 0.0
    scaling = Scaling.of(X, y)
    x, t = scaling.apply(X, y)
    module = perceptron(shape, seed).requires_grad_(True)
    problem = LeastSquares(module, x, t)
    random = torch.Generator().manual_seed(seed)

    def shown() -> None:
        nonlocal unseen
        now = clock.seconds
        watch(now - unseen, Trained(problem, problem.start(), scaling, 0, now).predict)
        unseen += clock.seconds - now

    if method == "L-BFGS":
        descent = torch.optim.LBFGS(
            module.parameters(),
            max_iter=20,
            history_size=50,
            line_search_fn="strong_wolfe",
            tolerance_change=0.0,
        )

        def loss() -> Tensor:
            descent.zero_grad()
            value = (module(x)[:, 0] - t).square().mean()
            value.backward()
            return value

        while clock.seconds - unseen < seconds:
            descent.step(loss)
            shown()
        return
    adam = torch.optim.Adam(module.parameters(), lr=1e-2)
    while (share := (clock.seconds - unseen) / seconds) < 1:
        for group in adam.param_groups:
            group["lr"] = 1e-2 * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-6
        for rows in torch.randperm(len(x), generator=random).split(256):
            adam.zero_grad()
            (module(x[rows])[:, 0] - t[rows]).square().mean().backward()
            adam.step()
        shown()
