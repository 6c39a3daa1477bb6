"""A network for pictures on its way: epochs of one recipe, whatever the network is made of."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise._core.checks import check_bool, check_choice, check_float, check_int
from edgewise._core.errors import FileError
from edgewise._core.seeds import derive, generator
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, charge, running
from edgewise.training.common.records import Callback, Listeners, Record
from edgewise.training.common.state_files import is_there, read_tree, write_tree
from edgewise.training.modules.descent import FLOP, Descent, Recipe, multiplications

KIND = "pictures fit"
PRECISIONS = ("float32", "bfloat16")
# Rows that are judged at once; batches that statistics of a normalisation are taken from.
JUDGED, SETTLING = 512, 60
# Decay of weights, the share of the last states that are averaged (see `Recipe`), and the share of certainty that is spread
# over all classes.
DECAY, AVERAGE, SMOOTHING = 0.02, 0.05, 0.02
# The learning rate of so many steps and more, and how many times that of fewer may be.
RATE, STEPS, FASTEST = 5e-3, 3000, 4.0
# Pictures that are enough for statistics, and soon done.
FEW = 256
# Ends that somebody waits for.
AWAITED = (StopReason.INTERRUPTED, StopReason.TIME_LIMIT)
T = TypeVar("T")


@dataclass(frozen=True)
class ImageRecipe:
    """How networks for pictures are trained, those of functions and ordinary ones alike.

    Attributes
    ----------
    epochs, batch : int
    rate : float or None
        See `Recipe`; None takes one by the number of steps, `rate_for`.
    shift : int
        Pixels that a picture is moved by at most, in either direction; what comes in at an edge is what stood there.
    flip : bool
        Whether pictures are mirrored, left to right, half of the time.
    erase : float
        Side of a square that is laid over a picture at a random place in its mean colour, as a share of the picture's side
        (random erasing: Z. Zhong et al., 2020, doi:10.1609/aaai.v34i07.7000).
    jitter : float
        Share by which contrast changes at most; brightness changes by half of it, of the range from black to white.
    patience : int or None
        Epochs without a lower error on held-out pictures after which the best is taken; None trains to the end.
    precision : "float32" or "bfloat16"
        Of activations while it learns, by torch's autocast; parameters stay float32. The shorter numbers are quicker on
        processors that multiply them.
    """

    epochs: int = 20
    batch: int = 128
    rate: float | None = None
    shift: int = 2
    flip: bool = False
    erase: float = 0.0
    jitter: float = 0.0
    patience: int | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_choice(self.precision, "precision", PRECISIONS)
        check_bool(self.flip, "flip")
        for name, low in (("epochs", 1), ("batch", 1), ("shift", 0)):
            check_int(getattr(self, name), name, low=low)
        for name in ("erase", "jitter"):
            check_float(getattr(self, name), name, low=0.0, high=1.0)
        if self.rate is not None:
            check_float(self.rate, "rate", low=0.0, closed=False)
        if self.patience is not None:
            check_int(self.patience, "patience", low=1)


def augmented(x: Tensor, by: ImageRecipe, random: torch.Generator) -> Tensor:
    """Pictures (N, channels, height, width), each changed in its own way.

    Examples
    --------
    >>> x = torch.rand(5, 1, 8, 8)
    >>> torch.equal(augmented(x, ImageRecipe(shift=0), torch.Generator()), x)
    True
    """
    n, _, height, width = x.shape
    if move := min(by.shift, (min(height, width) - 1) // 4):
        x = _moved(x, move, random)
    if by.flip:
        turn = torch.rand(n, generator=random) < 0.5
        x = torch.where(turn[:, None, None, None], x.flip(3), x)
    if by.jitter:
        contrast, brightness = by.jitter * (2 * torch.rand(2, n, 1, 1, 1, generator=random) - 1)
        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) * (1 + contrast) + mean + brightness / 2
    if by.erase:
        rows, columns = (_covered(n, side, by.erase, random) for side in (height, width))
        square = rows[:, None, :, None] & columns[:, None, None, :]
        x = torch.where(square, x.mean((2, 3), keepdim=True), x)
    return x


def _moved(x: Tensor, most: int, random: torch.Generator) -> Tensor:
    n, _, height, width = x.shape
    padded = F.pad(x, (most,) * 4, mode="replicate")
    down, across = torch.randint(2 * most + 1, (2, n), generator=random)
    rows = down[:, None] + torch.arange(height)
    columns = across[:, None] + torch.arange(width)
    at = torch.arange(n)[:, None, None]
    return padded.permute(0, 2, 3, 1)[at, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def _covered(n: int, side: int, share: float, random: torch.Generator) -> Tensor:
    """Which places (N, side) a stretch around a random middle covers; it may reach beyond an end."""
    middle = torch.randint(side, (n, 1), generator=random)
    return (torch.arange(side) - middle).abs() * 2 < max(1, round(share * side))


def finished(work: Callable[[int | None], T], reason: StopReason, meter: Meter) -> tuple[T, StopReason]:
    """What is left to do after the last step, and why it all ended.

    Parameters
    ----------
    work : callable
        Gives the result from at most so many pictures, None for all of them. It is called again, with few, where it is
        itself ended from outside, and must stand that.
    reason : StopReason
        Why the steps ended.
    meter : Meter
        Of the call.

    Examples
    --------
    >>> finished(lambda most: most, StopReason.MOST_STEPS, Meter())
    (None, <StopReason.MOST_STEPS: 'most_steps'>)
    >>> finished(lambda most: most, StopReason.INTERRUPTED, Meter())
    (256, <StopReason.INTERRUPTED: 'interrupted'>)
    """
    if reason not in AWAITED:
        try:
            # Callbacks that have asked to stop are not asked again.
            with running(Meter() if reason is StopReason.CALLBACK else meter):
                return work(None), reason
        except (StopError, KeyboardInterrupt) as stop:
            reason = meter.own(stop)
    return work(FEW), reason


@dataclass(frozen=True, eq=False)
class TrainedPictures:
    """A network after training, and how it went."""

    network: nn.Module
    history: tuple[Record, ...]
    stop_reason: StopReason


def train(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    held: tuple[Tensor, Tensor] | None,
    recipe: ImageRecipe,
    weight: Tensor | None = None,
    seed: int | None = 0,
    meter: Meter | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
) -> TrainedPictures:
    """Train a network in place.

    Parameters
    ----------
    network : nn.Module
        Gives logits (n, classes).
    x : Tensor, shape (n, channels, height, width)
    y : Tensor of int64, shape (n,)
    held : pair of Tensor, optional
        Pictures and classes to judge by.
    recipe : ImageRecipe
    weight : Tensor, shape (classes,), optional
        What an error of each class counts.
    seed, meter, callbacks, checkpoint
        As in `fit`.
    """
    run = _Run(network, x, y, held, recipe, weight, seed)
    meter, reason = meter or Meter(), None
    listeners = Listeners(callbacks, meter, lambda: run.record(meter.seconds))
    if checkpoint is not None:
        run.restore(checkpoint)
    try:
        with running(meter):
            while run.epoch < recipe.epochs and reason is None:
                run.advance()
                record = run.note(meter.seconds)
                if checkpoint is not None:
                    run.store(checkpoint)  # first, for a callback may end it all
                if listeners.tell(record):
                    reason = StopReason.CALLBACK
                elif run.tired():
                    reason = StopReason.NO_IMPROVEMENT
    except (StopError, KeyboardInterrupt) as stop:
        reason = meter.own(stop)
    reason = run.end(reason or StopReason.MOST_STEPS, meter)
    return TrainedPictures(network, tuple(run.history), reason)


class _Run:
    def __init__(
        self,
        network: nn.Module,
        x: Tensor,
        y: Tensor,
        held: tuple[Tensor, Tensor] | None,
        recipe: ImageRecipe,
        weight: Tensor | None,
        seed: int | None,
    ) -> None:
        self.network, self.x, self.y, self.held = network, x, y, held
        self.recipe, self.weight, self.seed = recipe, weight, seed
        self.batches = max(1, math.ceil(len(x) / recipe.batch))
        steps = recipe.epochs * self.batches
        rate = rate_for(steps) if recipe.rate is None else recipe.rate
        self.descent = Descent(network, steps, Recipe(rate, DECAY, average=AVERAGE))
        self.epoch, self.loss, self.validation = 0, math.nan, None
        self.best, self.best_epoch, self.best_state = math.inf, 0, dict[str, Tensor]()
        self.history = list[Record]()
        one = x[:1].expand(2, -1, -1, -1)
        network.eval()
        self.cost = FLOP * multiplications(network, lambda: network(one)) / 2

    def advance(self) -> None:
        """One epoch over all pictures, in an order and with changes drawn for it alone."""
        random = generator(derive(self.seed, self.epoch))
        order = torch.randperm(len(self.x), generator=random)
        self.network.train()
        total = 0.0
        for k in range(self.batches):
            rows = order[k * self.recipe.batch : (k + 1) * self.recipe.batch]
            if len(rows) < 2:  # a normalisation over the batch needs a second picture
                rows = torch.cat([rows, order[:1]])
            x, y = augmented(self.x[rows], self.recipe, random), self.y[rows]
            total += self.descent.step(lambda x=x, y=y: self._loss(x, y), 3 * self.cost * len(rows))
        validation = None if self.held is None else self._judge(*self.held)
        self.epoch, self.loss, self.validation = self.epoch + 1, total / self.batches, validation
        if validation is not None and self.recipe.patience is not None and validation < self.best:
            self.best, self.best_epoch = validation, self.epoch
            self.best_state = copy.deepcopy(self.averaged().state_dict())

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, self.recipe.precision == "bfloat16"):
            logits = self.network(x)
        return F.cross_entropy(logits.float(), y, self.weight, label_smoothing=SMOOTHING)

    def averaged(self) -> nn.Module:
        """A copy with the mean of the last states, its normalisation settled."""
        return self._settled(self.descent.averaged())

    def _settled(self, network: nn.Module, most: int | None = None) -> nn.Module:
        return settled(network, self.x, self.recipe, self.seed, self.cost, most)

    def _judge(self, x: Tensor, y: Tensor) -> float:
        logits = logits_of(self.averaged(), x, self.cost)
        return float(F.cross_entropy(logits, y))

    def tired(self) -> bool:
        """Whether nothing has become better for too long."""
        patience = self.recipe.patience
        return self.held is not None and patience is not None and self.epoch - self.best_epoch > patience

    def note(self, seconds: float) -> Record:
        self.history.append(self.record(seconds))
        return self.history[-1]

    def record(self, seconds: float) -> Record:
        share = self.descent.done / max(1, self.descent.steps)
        return Record("epoch", self.epoch, self.loss, self.validation, seconds, 0, share=share)

    def end(self, reason: StopReason, meter: Meter) -> StopReason:
        """Leave the best, or the mean of the last states, in the network; why it ended."""
        for p in self.network.parameters():
            p.grad = None
        if self.best_state and self.recipe.patience is not None:
            self.network.load_state_dict(self.best_state)
        elif self.descent.mean:
            self.descent.finish()
            _, reason = finished(lambda most: self._settled(self.network, most), reason, meter)
        self.network.eval()
        return reason

    def fingerprint(self) -> str:
        """What a checkpoint belongs to."""
        digest = hashlib.sha256(
            repr((asdict(self.recipe), self.seed, len(self.x), repr(self.network))).encode()
        )
        digest.update(self.y.numpy().tobytes())
        digest.update(self.x.double().sum((1, 2, 3)).numpy().tobytes())
        return digest.hexdigest()

    def store(self, path: str | Path) -> None:
        write_tree(path, KIND, {
            "fingerprint": self.fingerprint(),
            "network": {name: t.clone() for name, t in self.network.state_dict().items()},
            "descent": self.descent.state(),
            "best_state": dict(self.best_state),
            "numbers": [self.epoch, self.best, self.best_epoch],
            "history": [[r.step, r.loss, r.validation, r.seconds, r.share] for r in self.history],
        })  # fmt: skip

    def restore(self, path: str | Path) -> None:
        if not is_there(path):
            return
        tree = read_tree(path, KIND)
        if tree["fingerprint"] != self.fingerprint():
            raise FileError(f"The checkpoint {path} belongs to another fit; remove it or name another file.")
        self.network.load_state_dict(tree["network"])
        self.descent.restore(tree["descent"])
        self.epoch, self.best, self.best_epoch = tree["numbers"]
        self.best_state = tree["best_state"]
        self.history = [Record("epoch", s, error, v, t, 0, share=a) for s, error, v, t, a in tree["history"]]
        if self.history:
            self.loss, self.validation = self.history[-1].loss, self.history[-1].validation


def rate_for(steps: int) -> float:
    """A learning rate for so many steps: of fewer each is longer, for what a number can move by is their product.

    Examples
    --------
    >>> [rate_for(steps) for steps in (10_000, 3000, 1000, 100)]
    [0.005, 0.005, 0.015, 0.02]
    """
    return RATE * min(max(STEPS / steps, 1.0), FASTEST)


def settled(
    network: nn.Module, x: Tensor, recipe: ImageRecipe, seed: int | None, cost: float, most: int | None = None
) -> nn.Module:
    """The network (changed in place) with statistics of its normalisations taken anew, in evaluation mode.

    `cost` is the work of one picture, and `most` how many are looked at.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    kept = [m.momentum for m in norms]
    if norms:
        random = generator(derive(seed, 1 << 20))
        rows = torch.randperm(len(x), generator=random)[: SETTLING * recipe.batch][:most]
        try:
            for m in norms:
                m.reset_running_stats()
                m.momentum = None  # a plain mean over what comes
            network.train()
            with torch.no_grad():
                for part in rows.split(recipe.batch):
                    if len(part) > 1 or len(rows) == 1:
                        charge(cost * len(part))
                        whole = part if len(part) > 1 else part.repeat(2)
                        network(augmented(x[whole], recipe, random))
        finally:
            for m, momentum in zip(norms, kept, strict=True):
                m.momentum = momentum
    return network.eval()


def logits_of(network: Callable[[Tensor], Tensor], x: Tensor, cost: float = 0.0) -> Tensor:
    """Logits of all pictures, some at a time; `cost` is the work of one."""
    found = list[Tensor]()
    with torch.no_grad():
        for part in x.split(JUDGED):
            charge(cost * len(part))
            found.append(network(part))
    return torch.cat(found)


def weights_of(y: Tensor, classes: int) -> Tensor:
    """Weights by which every class counts the same."""
    count = torch.bincount(y, minlength=classes).double().clamp(min=1)
    return (len(y) / (classes * count)).float()
