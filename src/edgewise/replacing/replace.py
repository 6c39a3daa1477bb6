"""replace_mlp: networks of functions in the place of the feed-forward blocks of a model."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from edgewise._core.arguments import as_callables, check_callable, ended_in, result_of
from edgewise._core.checks import check_bool, check_choice, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.network import KAN, KANFeedForward
from edgewise.replacing.functions import EdgeFunctions, NodeFunctions, resolved_edges, resolved_nodes
from edgewise.replacing.least_squares import ROWS, left_out, not_flat, spread
from edgewise.replacing.results import ReplacedBlock, ReplaceResult, chosen, digest_of, hidden_of
from edgewise.replacing.sampling import FEW, BlockSample, ModelCall, answers, as_calls, collect, not_finite
from edgewise.replacing.surgery import take, with_blocks
from edgewise.replacing.tracing import Block, affine, blocks_in, parts
from edgewise.training.common.records import Callback, Listeners, Record
from edgewise.training.modules.descent import FLOP, Descent, Recipe, multiplications

# Rows of a step; steps between two times that the block is solved for anew in a training.
BATCH, EVERY = 512, 100
POLISH = Recipe(rate=2e-3, decay=0.0, warmup=0.05)

Functions = EdgeFunctions | NodeFunctions
Network = KAN | KANFeedForward


def polished(net: Network, learn: BlockSample, steps: int, seed: int | None) -> None:
    """Change a block by steps on rows of a sample, solved for anew after every so many."""
    rounds = 0 if steps < 1 else max(1, steps // EVERY)
    for k in range(rounds):
        _descend(net, learn, (k + 1) * steps // rounds - k * steps // rounds, derive(seed, k))
        # With edges turned off every output has columns of its own, and solving takes so long that it is done once.
        if k + 1 == rounds or bool(last_mask(net).all()):
            # The best edges to its outputs, given its directions.
            if isinstance(net, KAN):
                resolved_edges(net, learn)
            else:
                resolved_nodes(net, learn)


def last_mask(net: Network) -> Tensor:
    """Which of the edges to the outputs are alive."""
    return net.out.mask if isinstance(net, KANFeedForward) else net.layers[-1].mask


def _descend(net: Network, learn: BlockSample, steps: int, seed: int | None) -> None:
    """Steps on a block; large errors count by their size, not its square."""
    run, random, first = Descent(net, steps, POLISH), generator(seed), left_out(learn.x)
    cost, scale = FLOP * 3 * BATCH * net.n_parameters, not_flat(spread(learn.y))
    try:
        while run.done < run.steps:
            rows = torch.randint(first, len(learn.x), (BATCH,), generator=random).to(learn.x.device)
            run.step(lambda rows=rows: _huber(net, learn.x[rows], learn.y[rows], scale), cost)
    finally:
        run.finish()


def _huber(net: nn.Module, x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    return nn.functional.huber_loss(net(x) / scale, y / scale)


def unexplained(net: nn.Module, sample: BlockSample) -> float:
    """Share of the spread of what a block gives that a network does not give, large errors counted as in training."""
    scale = not_flat(spread(sample.y))
    with torch.no_grad():
        found = torch.cat([net(part) for part in sample.x.split(ROWS)])
        error = nn.functional.huber_loss(found / scale, sample.y / scale)
        whole = nn.functional.huber_loss(sample.y.mean(0).expand_as(found) / scale, sample.y / scale)
    return float(error / whole)


# Rows of a sample; steps of a block and of all blocks together, at normal work.
SAMPLED, STEPS, JOINT = 1 << 15, 1200, 300
TUNE = Recipe(rate=3e-4, decay=0.0, warmup=0.1, average=0.1)
Loss = Callable[[Any, Any], Tensor]


@torch.inference_mode(False)  # where a caller has switched gradients off, too
def replace_mlp(
    model: nn.Module,
    data: Any = None,
    blocks: Iterable[int | str] | None = None,
    parameters: float | int | None = None,
    *,
    start: str | None = None,
    functions: str = "node",
    gated: bool | None = None,
    degree: int = 2,
    intervals: int | None = None,
    score: Callable[[nn.Module], float] | None = None,
    loss: Loss | None = None,
    work: str | float = "normal",
    seed: int | None = 0,
    seconds: float | None = None,
    callbacks: Sequence[Callback] = (),
) -> ReplaceResult:
    """Put a network of functions in the place of each feed-forward block of a torch model.

    Blocks (affine maps, an activation or a gate, an affine map) are found by following numbers through the model, whatever
    its classes are called. Each becomes a network [inputs, H, outputs] of functions. *Distilled*, it begins with the units
    of the old block, is solved for and trained on what that takes and gives on `data`, and all blocks are then tuned
    together towards the old answers. *Fresh*, they have learned nothing; the model is yours to train.

    Parameters
    ----------
    model : nn.Module
        It is not changed.
    data : array, or iterable of batches, optional
        What to call the model on: an array or tensor of inputs, or batches, each a tensor, a tuple of arguments or a
        dictionary of named ones. Without it blocks are fresh, and only those are found that a module of their own holds.
    blocks : iterable of int or str, optional
        Which of the blocks found, by number or name; all by default.
    parameters : int or float, optional
        Of each new block: a number, or a share of those of the old one (default 1.0), which it does not exceed.
    start : "distilled" or "fresh", optional
        Distilled by default where there are data.
    functions : "node" or "edge"
        One function a hidden node, of which the edges out of it are multiples (`KANFeedForward`); or a `KAN` whose edges out
        of a hidden node have each its own, and which at equal parameters has so many fewer nodes.
    gated : bool, optional
        With one function a node: whether each node is multiplied by a direction of its own. By default as in the old block.
    degree, intervals : int, optional
        Of the splines; by default degree 2 and 8 intervals at nodes, 2 on edges.
    score : callable, optional
        Gives a number for a model; called before and after.
    loss : callable, optional
        For tuning together: a scalar from what the new model and the old one give on a batch. By default the mean square of
        the difference of their outputs, each over its variance.
    work : "quick", "normal", "thorough" or float
        How many steps are made.
    seed : int, optional
    seconds : float, optional
        Time limit; what was done until then is given.
    callbacks : sequence of callable
        Called with a `Record` on the way; returning True stops.

    Returns
    -------
    ReplaceResult

    Raises
    ------
    InputError
        If there is no such block, or an argument does not fit.

    Examples
    --------
    >>> torch.manual_seed(0)
    <torch._C.Generator ...>
    >>> model = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 64), nn.GELU(), nn.Linear(64, 4))
    >>> result = replace_mlp(model, torch.randn(2000, 4), parameters=0.5, work="quick")
    >>> result.blocks[0].before, result.blocks[0].after <= 290, result.agreement > 0.9
    (580, True, True)
    """
    if not isinstance(model, nn.Module):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(argument="model", expected="be a torch module", got=short(model))
    of_block = _functions(functions, gated, degree, intervals)
    if start is not None:
        check_choice(start, "start", ("distilled", "fresh"))
    if start == "distilled" and data is None:
        raise InputError(argument="data", expected="be given to distil blocks", got="None")
    for given, name in ((score, "score"), (loss, "loss")):
        if given is not None:
            check_callable(given, name)
    callbacks = as_callables(callbacks)
    effort = check_work(work)
    meter = Meter(seconds=check_seconds(seconds))
    teacher = copy.deepcopy(model).eval()
    calls = [] if data is None else as_calls(data, teacher)
    found = watched(teacher, calls[0]) if calls else _probed(teacher)
    if not found:
        if calls and not all(t.isfinite().all() for t in answers(calls[0].on(teacher))):
            raise not_finite("its answer")
        raise InputError(
            "The 'model' of replace_mlp must have feed-forward blocks: affine maps, each a module, around what acts number "
            "by number alone. Found none" + _missing(teacher, watched=bool(calls))
        )
    wanted = chosen(found, blocks)
    forms = {block: of_block(block) for block in wanted}
    job = ReplaceJob(teacher, calls, forms, effort, seed, meter, loss)
    sizes = [_hidden(block, form, parameters) for block, form in forms.items()]
    job.listeners = Listeners(callbacks, meter, job.record)
    before = None if score is None else _scored(score, teacher)
    reason = job.run(sizes, distil=bool(calls) and start != "fresh")
    made = with_blocks(model, job.networks)
    made.train(model.training)
    replaced = tuple(
        ReplacedBlock(b.name, b.parameters, net.n_parameters, hidden_of(net), job.errors.get(b))
        for b, net in job.networks.items()
    )
    return ReplaceResult(
        made, replaced, found,
        job.agreement(made) if job.errors else None,
        before, None if score is None else _scored(score, copy.deepcopy(made).eval()),
        reason, meter.seconds, job.held_out, digest_of(model),
    )  # fmt: skip


def _missing(model: nn.Module, watched: bool) -> str:
    """What to do where there is no block."""
    if any(isinstance(part, KAN) for part in model.modules()):
        return (
            " beside networks with a function an edge, which are not replaced again; "
            "replace the blocks of the model that these were put in, or use prune_blocks."
        )
    return (
        "." if watched else " in modules of their own; give 'data', so that the model can be watched at work."
    )


def _functions(
    functions: str, gated: bool | None, degree: int, intervals: int | None
) -> Callable[[Block], Functions]:
    """The functions that the arguments ask for in a block."""
    check_choice(functions, "functions", ("node", "edge"))
    on_nodes = functions == "node"
    degree = check_int(degree, "degree", low=1 if on_nodes else 0, high=5)
    if intervals is None:
        intervals = NodeFunctions.intervals if on_nodes else EdgeFunctions.intervals
    intervals = check_int(intervals, "intervals", low=1, high=1000)
    if gated is not None:
        check_bool(gated, "gated")
    if on_nodes:
        return lambda block: NodeFunctions(degree, intervals, block.gated if gated is None else gated)
    if gated:
        raise InputError(
            argument="gated", expected="be left out with functions='edge', whose nodes are sums", got="True"
        )
    return lambda block: EdgeFunctions(degree, intervals)


def _hidden(block: Block, functions: Functions, parameters: Any) -> int:
    """Hidden nodes of the network for a block."""
    plain = isinstance(parameters, (int, float, type(None))) and not isinstance(parameters, bool)
    if not plain or (isinstance(parameters, float) and not math.isfinite(parameters)):
        raise InputError(
            argument="parameters",
            expected="be a number of parameters or a share of those there are",
            got=short(parameters),
        )
    share = 1.0 if parameters is None else parameters
    most = int(share * block.parameters) if isinstance(share, float) else share
    hidden = functions.hidden(block, most)
    if hidden < 1:
        raise InputError(
            argument="parameters",
            expected=f"allow {functions.least(block):,} parameters for the block {block.name!r}",
            got=f"{most:,}",
        )
    return hidden


def _scored(score: Callable[[nn.Module], float], model: nn.Module) -> float:
    return result_of(lambda: float(score(model)), name="score", what="a number")


def watched(model: nn.Module, call: ModelCall) -> tuple[Block, ...]:
    """The blocks of a model at work on some data, which may be whatever the model takes and nothing else."""
    try:
        return blocks_in(model, call.on)
    except InputError:
        raise
    except Exception as error:
        # Loaders of labelled rows give (inputs, labels), which reads as two arguments.
        pair = isinstance(error, TypeError) and len(call.args) > 1
        advice = "; where batches are (inputs, labels), give [inputs for inputs, _ in data]" if pair else ""
        raise InputError(
            f"The 'data' argument must be what the model can be called with. "
            f"Calling it {ended_in(error)}{advice}."
        ) from error


def _probed(model: nn.Module) -> tuple[Block, ...]:
    """Blocks that a module of their own holds, by calling such modules on numbers made up."""
    found = list[Block]()
    for name, module in model.named_modules():
        maps = [part for part in module.modules() if affine(part)]
        if not 2 <= len(maps) <= 3 or any(name.startswith(f"{b.name}.") for b in found):
            continue
        matrix = parts(maps[0])[0]
        for width in dict.fromkeys((matrix.shape[1], matrix.shape[0])):
            x = torch.linspace(-1, 1, 3 * width).to(matrix).reshape(3, width)
            try:
                own = blocks_in(module, lambda m, x=x: m(x))
            except Exception:  # a module that wants something else is no block that can be called
                continue
            if len(own) == 1 and own[0].whole and own[0].name == "":
                dot = f"{name}." if name else ""
                first = tuple(dot + item for item in own[0].first)
                found.append(replace(own[0], name=name, first=first, last=dot + own[0].last))
                break
    return tuple(found)


@dataclass(eq=False)
class ReplaceJob:
    """The blocks on their way."""

    teacher: nn.Module
    calls: list[ModelCall]
    functions: dict[Block, Functions]
    effort: float
    seed: int | None
    meter: Meter
    loss: Loss | None
    networks: dict[Block, Network] = field(default_factory=dict[Block, Network])
    errors: dict[Block, float] = field(default_factory=dict[Block, float])
    listeners: Listeners | None = None
    phase: str = "looking"
    step: int = 0
    last: float = math.nan

    def __post_init__(self) -> None:
        self.held_out = len(self.calls) >= FEW
        self.judges = self.calls[::FEW] if self.held_out else self.calls
        self.learns = [c for k, c in enumerate(self.calls) if k % FEW] if self.held_out else self.calls

    def record(self) -> Record:
        return Record(self.phase, self.step, self.last, None, self.meter.seconds, self.intervals)

    @property
    def intervals(self) -> int:
        """Of the functions."""
        return next(iter(self.functions.values())).intervals

    def run(self, sizes: list[int], distil: bool) -> StopReason:
        like, blocks = next(self.teacher.parameters()), tuple(self.functions)
        if not distil:
            for k, (block, hidden) in enumerate(zip(blocks, sizes, strict=True)):
                own = derive(self.seed, 1, k)
                self.networks[block] = self.functions[block].fresh(block, hidden, like, own)
            return StopReason.MOST_STEPS
        try:
            with running(self.meter):
                samples = collect(self.teacher, blocks, self.learns, SAMPLED, self.seed)
                for k, (block, hidden) in enumerate(zip(blocks, sizes, strict=True)):
                    self._distil(k, block, hidden, samples[k])
                    if self._tell(f"block {k + 1} of {len(blocks)}", self.errors[block]):
                        return StopReason.CALLBACK
                return self.tune()
        except (StopError, KeyboardInterrupt) as stop:
            return self.meter.own(stop)

    def _tell(self, phase: str, value: float) -> bool:
        self.phase, self.last = phase, value
        self.step += 1
        assert self.listeners is not None
        return self.listeners.tell(self.record())

    def _distil(self, k: int, block: Block, hidden: int, sample: BlockSample) -> None:
        own = derive(self.seed, 1, k)
        learn, judge = sample.split(own)
        net = self.functions[block].begun(self.teacher, block, learn, hidden, own)
        self.networks[block], self.errors[block] = net, unexplained(net, judge)
        try:
            polished(net, learn, round(STEPS * self.effort), own)
        finally:
            self.errors[block] = unexplained(net, judge)

    def tune(self) -> StopReason:
        """All blocks together, towards what the model gives."""
        student = with_blocks(self.teacher, self.networks)
        nets = [take(student, block) for block in self.networks]
        for p in student.parameters():
            p.requires_grad_(False)
        own = [p.requires_grad_() for net in nets for p in net.parameters()]
        run = Descent(student, round(JOINT * self.effort), TUNE, own)
        cost = FLOP * 4 * multiplications(self.teacher, lambda: self.learns[0].on(self.teacher))
        kept = [p.detach().clone() for p in own]
        worst = self._change(student)
        try:
            while run.done < run.steps:
                call = self.learns[(7 * run.done) % len(self.learns)]
                value = run.step(lambda call=call: self._distance(student, call), cost)
                if self._tell("all blocks", value):
                    return StopReason.CALLBACK
        finally:
            run.finish()
            # Few batches may show too little: what is worse on those held out is not taken.
            if not self._change(student) < worst:
                with torch.no_grad():
                    for p, value in zip(own, kept, strict=True):
                        p.copy_(value)
            for p in own:
                p.grad = None
            for block, net in zip(self.networks, nets, strict=True):
                self.networks[block] = cast(Network, net)
        return StopReason.MOST_STEPS

    def _distance(self, student: nn.Module, call: ModelCall) -> Tensor:
        with torch.no_grad():
            wanted = call.on(self.teacher)
        made = call.on(student)
        if self.loss is not None:
            loss: Any = result_of(self.loss, made, wanted, name="loss", what="a tensor of one number")
            if not isinstance(loss, Tensor) or loss.numel() != 1:
                raise InputError(
                    argument="loss",
                    expected="be a function that gives a tensor of one number",
                    got=short(loss),
                )
            if torch.is_grad_enabled() and not loss.requires_grad:
                raise InputError(
                    argument="loss",
                    expected="be computed by torch from what the new model gives, its first argument",
                    got=f"{short(loss)} without a gradient",
                )
            return loss
        terms = [
            (a - b).square().mean() / _variance(b)
            for a, b in zip(answers(made), answers(wanted), strict=True)
        ]
        return torch.stack(terms).mean()

    def _change(self, student: nn.Module) -> float:
        with torch.no_grad():
            return sum(float(self._distance(student, call)) for call in self.judges[:FEW])

    def agreement(self, made: nn.Module) -> float:
        """Share of the variance of the outputs that is kept, on batches held out."""
        mode, student = self.loss, copy.deepcopy(made).eval()
        self.loss = None
        with torch.no_grad():
            shares = [float(self._distance(student, call)) for call in self.judges]
        self.loss = mode
        return 1 - sum(shares) / len(shares)


def _variance(t: Tensor) -> Tensor:
    """Of a batch of outputs around their mean over the batch, and not zero."""
    centred = t - t.mean(0, keepdim=True) if len(t) > 1 else t
    return centred.square().mean() + torch.finfo(t.dtype).tiny
