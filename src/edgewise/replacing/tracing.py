"""Feed-forward blocks of any torch model, found by what the numbers do on their way through it.

The model runs once while every operation is looked on. A block begins where affine maps read one input, goes on through
operations that act number by number (an activation, the product of a gate, dropout, views), and ends in one affine map; what
runs in between must go nowhere else. Names of classes play no part: an affine map is whatever leaf module computes
x W + b from a matrix and a vector of its own. Learned functions, one a channel, are activations: a block that was put in
place of another is found again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_flatten

from edgewise._core.arguments import check_callable, check_is, result_of
from edgewise.layers import KANConv1d
from edgewise.network.feed_forward import StraightEdges

# Operations that pass numbers on as they are; so do products and sums of one traced tensor and constants.
_VIEWS = (
    "view", "_unsafe_view", "_reshape_alias", "reshape", "split", "split_with_sizes", "chunk", "slice", "narrow", "unbind",
    "select", "alias", "contiguous", "unsqueeze", "squeeze", "expand", "detach", "lift_fresh",
)  # fmt: skip
_COPIES = ("clone", "_to_copy", "copy_", "native_dropout", "dropout", "bernoulli_")
_PASSING = frozenset((*_VIEWS, *_COPIES, "glu", "empty_like", "zeros_like", "ones_like"))
_AFFINE = frozenset(
    ("add", "sub", "rsub", "mul", "div", "neg", "add_", "sub_", "mul_", "div_", "neg_", *_COPIES)
)

Key = tuple[int, int, tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Block:
    """A feed-forward block of a model.

    Attributes
    ----------
    name : str
        The module that is all of it, or where there is none the affine map that ends it.
    whole : bool
        Whether a module of its own is all of it.
    first : tuple of str
        The affine maps that begin it; more than one where a gate is among them.
    last : str
        The affine map that ends it.
    inputs, hidden, outputs : int
        Numbers it takes, has in the middle and gives, a row.
    parameters : int
    calls : int
        How often the model calls it for one input.
    gated : bool
        Whether more numbers than the hidden ones are made of its input.
    """

    name: str
    whole: bool
    first: tuple[str, ...]
    last: str
    inputs: int
    hidden: int
    outputs: int
    parameters: int
    calls: int = 1
    gated: bool = False


@dataclass(eq=False)
class _Call:
    """One call of an affine map."""

    name: str
    given: Tensor
    made: Tensor
    order: int


@dataclass(eq=False)
class _Trace:
    """How a traced tensor came about: from which calls, whether anything but affine steps has happened since, and the
    modules of learned functions among them."""

    calls: frozenset[int]
    curved: bool
    keep: Tensor
    learned: frozenset[str] = frozenset()


@dataclass(eq=False)
class _Seen:
    """A call of any module: what it was given and made, if that is one tensor each, and the calls of maps in it."""

    name: str
    given: Key | None
    start: int
    made: Key | None = None
    stop: int = 0


@dataclass(eq=False)
class _Watch:
    """What is seen of one run."""

    calls: list[_Call] = field(default_factory=list[_Call])
    traces: dict[Key, _Trace] = field(default_factory=dict[Key, _Trace])
    leaks: set[int] = field(default_factory=set[int])
    joins: list[tuple[_Trace, int]] = field(default_factory=list[tuple[_Trace, int]])
    seen: list[_Seen] = field(default_factory=list[_Seen])
    constants: set[int] = field(default_factory=set[int])
    inside: int = 0


def key_of(t: Tensor) -> Key:
    """A key that identifies a tensor among all that are alive."""
    return t.data_ptr(), int(t.storage_offset()), tuple(t.shape), tuple(t.stride())


def affine(module: nn.Module) -> bool:
    """Whether a module can be an affine map: a leaf with a matrix and perhaps a vector, and nothing else."""
    own = list(module.parameters(recurse=False))
    if next(module.children(), None) is not None or not own:
        return False
    matrices, vectors = [p for p in own if p.dim() == 2], [p for p in own if p.dim() == 1]
    return len(matrices) == 1 and len(vectors) <= 1 and len(matrices) + len(vectors) == len(own)


def parts(module: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Matrix (outputs, inputs) as `F.linear` takes it, if the module keeps it so, and vector."""
    if isinstance(module, StraightEdges):
        return module.alive(), module.bias
    own = list(module.parameters(recurse=False))
    matrix = next(p for p in own if p.dim() == 2)
    return matrix, next((p for p in own if p.dim() == 1), None)


def by_number(module: nn.Module) -> bool:
    """Whether a module is learned functions that act number by number, one a channel."""
    return isinstance(module, KANConv1d) and (
        module.patch.in_features,
        module.patch.out_features,
    ) == (1, module.in_channels)


def is_affine(module: nn.Module, x: Tensor, y: Tensor) -> bool:
    """Whether y is what the matrix and the vector of a module make of x, the matrix being turned either way."""
    matrix, vector = parts(module)
    for weight in (matrix, matrix.T):
        outputs, inputs = weight.shape
        fits = x.shape[-1:] == (inputs,) and y.shape == (*x.shape[:-1], outputs)
        if fits and len(y) and (vector is None or len(vector) == outputs) and x.dtype == weight.dtype:
            want = F.linear(x, weight, vector).float()
            close = (want - y.float()).abs() <= 1e-3 * want.abs().max() + 1e-6
            if bool(close.all()):
                return True
    return False


class _Mode(TorchDispatchMode):
    """Follows traced tensors through the operations of torch."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.watch = watch

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        watch = self.watch
        if watch.inside:
            return func(*args, **(kwargs or {}))
        given = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        traced = [t for entry in given if (t := watch.traces.get(key_of(entry))) is not None]
        made = func(*args, **(kwargs or {}))
        if traced:
            self._follow(func, given, traced, made)
        return made

    def _follow(self, func: Any, given: list[Tensor], traced: list[_Trace], made: Any) -> None:
        watch, name = self.watch, func._schema.name.partition("::")[2]
        calls = frozenset[int]().union(*(trace.calls for trace in traced))
        constant = all(
            key_of(t) in watch.traces or t.dim() == 0 or t.untyped_storage().data_ptr() in watch.constants
            for t in given
        )
        passes = name in _PASSING or torch.Tag.pointwise in func.tags
        outputs = [t for t in tree_flatten(made)[0] if isinstance(t, Tensor)]
        if not (passes and constant):
            watch.leaks |= calls
            return
        straight = name in _AFFINE and (len(traced) == 1 or name.startswith(("add", "sub")))
        straight = straight or (name in _PASSING and name != "glu")
        curved = any(trace.curved for trace in traced) or not straight
        learned = frozenset[str]().union(*(trace.learned for trace in traced))
        for t in outputs:
            watch.traces[key_of(t)] = _Trace(calls, curved, t, learned)


@contextmanager
def _watching(model: nn.Module) -> Generator[_Watch]:
    watch, handles = _Watch(), list[Any]()
    watch.constants = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    for name, module in model.named_modules():
        handles.append(
            module.register_forward_pre_hook(
                _before(watch, name, affine(module) or by_number(module)), with_kwargs=True
            )
        )
        handles.append(
            module.register_forward_hook(_after(watch, name, module), with_kwargs=True, always_call=False)
        )
    fast: Any = torch.backends.mha
    before = fast.get_fastpath_enabled()
    try:
        # torch's own encoder layers read their weights past their modules in evaluation, if they may.
        fast.set_fastpath_enabled(False)
        with torch.no_grad(), _Mode(watch):
            yield watch
    finally:
        fast.set_fastpath_enabled(before)
        for handle in handles:
            handle.remove()


def _before(watch: _Watch, name: str, at_once: bool) -> Callable[..., None]:
    def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
        tensors = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        alone = len(tensors) == 1 and len(args) == 1 and args[0] is tensors[0]
        watch.seen.append(_Seen(name, key_of(tensors[0]) if alone else None, len(watch.calls)))
        watch.inside += at_once

    return hook


def _after(watch: _Watch, name: str, module: nn.Module) -> Callable[..., None]:
    map_, functions = affine(module), by_number(module)

    def hook(module: nn.Module, args: Any, kwargs: Any, made: Any) -> None:
        watch.inside -= map_ or functions
        call = next(item for item in reversed(watch.seen) if item.name == name and item.stop == 0)
        if map_ and isinstance(made, Tensor) and len(args) == 1 and isinstance(args[0], Tensor):
            _note(watch, name, module, args[0], made)
        if functions and made.shape == args[0].shape and (came := watch.traces.get(key_of(args[0]))):
            watch.traces[key_of(made)] = _Trace(came.calls, True, made, came.learned | {name})
        call.stop = len(watch.calls) + 1
        call.made = key_of(made) if isinstance(made, Tensor) else None

    return hook


def _note(watch: _Watch, name: str, module: nn.Module, x: Tensor, y: Tensor) -> None:
    came = watch.traces.get(key_of(x))
    with _disable_current_modes():
        holds = x.is_floating_point() and is_affine(module, x, y)
    if not holds:
        if came is not None:
            watch.leaks |= came.calls
        return
    at = len(watch.calls)
    watch.calls.append(_Call(name, x, y, at))
    watch.traces[key_of(y)] = _Trace(frozenset({at}), False, y)
    if came is not None:
        watch.joins.append((came, at))


def find_blocks(model: nn.Module, call: Callable[[nn.Module], Any]) -> tuple[Block, ...]:
    """The feed-forward blocks that run when `call` calls the model, in the order in which they first run.

    No map is in two of them: of a chain of maps with activations in between, the first two are a block, and the next two.

    Parameters
    ----------
    model : nn.Module
        Left as it is; dropout should be off, so best in evaluation mode.
    call : callable
        Calls the model once.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 8), nn.GELU(), nn.Linear(8, 3))
    >>> [block] = find_blocks(model, lambda m: m(torch.rand(5, 3)))
    >>> block.first, block.last, block.hidden
    (('0',), '2', 8)
    """
    check_is(model, nn.Module, "model", "a torch module")
    check_callable(call, "call")
    return blocks_in(model, lambda m: result_of(call, m, name="call", what="an answer of the model"))


def blocks_in(model: nn.Module, call: Callable[[nn.Module], Any]) -> tuple[Block, ...]:
    """The blocks that show while a model is called; what the call raises is raised."""
    with _watching(model) as watch:
        call(model)
    shared: dict[int, int] = {}
    for trace, _ in watch.joins:
        for item in trace.calls:
            shared[item] = shared.get(item, 0) + 1
    found: dict[str, Block] = {}
    for trace, end in watch.joins:
        block = _block(model, watch, trace, watch.calls[end], shared)
        if block is None:
            continue
        before = found.get(block.last)
        if before is None:
            found[block.last] = block
        elif before.first == block.first:
            found[block.last] = replace(before, calls=before.calls + 1)
    # A map that runs beside the block, too, cannot be taken out.
    times = Counter(item.name for item in watch.calls)
    # A map between two activations ends one block and begins the next; it is the first's.
    taken, apart = set[str](), list[Block]()
    for block in found.values():
        own = {*block.first, block.last}
        if not own & taken and all(times[name] == block.calls for name in own):
            taken |= own
            apart.append(block)
    return tuple(apart)


def _block(
    model: nn.Module, watch: _Watch, trace: _Trace, end: _Call, shared: dict[int, int]
) -> Block | None:
    starts = [watch.calls[k] for k in sorted(trace.calls)]
    one_input = len({key_of(start.given) for start in starts}) == 1
    if (
        not trace.curved
        or not one_input
        or trace.calls & watch.leaks
        or any(shared[k] > 1 for k in trace.calls)
    ):
        return None
    names = tuple(start.name for start in starts)
    if len(set(names)) < len(names) or end.name in names:
        return None
    maps = [model.get_submodule(name) for name in (*names, end.name, *sorted(trace.learned))]
    own = {id(p): p for mapping in maps for p in mapping.parameters()}
    whole = _whole(model, watch, starts, end, set(own))
    return Block(
        end.name if whole is None else whole,
        whole is not None,
        names,
        end.name,
        starts[0].given.shape[-1],
        end.given.shape[-1],
        end.made.shape[-1],
        sum(p.numel() for p in own.values()),
        gated=sum(start.made.shape[-1] for start in starts) > end.given.shape[-1],
    )


def _whole(model: nn.Module, watch: _Watch, starts: list[_Call], end: _Call, own: set[int]) -> str | None:
    """The outermost module that takes what the block takes, gives what it gives, and has no parameters but the block's."""
    calls = {*(start.order for start in starts), end.order}
    for seen in watch.seen:
        inside = range(seen.start, seen.stop - 1)
        if len(inside) != len(calls) or calls != set(inside) or seen.made is None:
            continue
        same = seen.given == key_of(starts[0].given) and _same_numbers(watch, seen.made, end)
        if same and {id(p) for p in model.get_submodule(seen.name).parameters()} == own:
            return seen.name
    return None


def _same_numbers(watch: _Watch, made: Key, end: _Call) -> bool:
    """Whether a tensor is the result of a call, but for dropout that is off."""
    if made == key_of(end.made):
        return True
    trace = watch.traces.get(made)
    return (
        trace is not None
        and set(trace.calls) == {end.order}
        and not trace.curved
        and torch.equal(trace.keep, end.made)
    )
