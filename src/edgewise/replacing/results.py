"""What replacing gives: the new model, its blocks as networks, and what it costs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import nn

from edgewise._core.checks import among, as_tuple, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, plain
from edgewise._core.stopping import StopReason
from edgewise.network import KAN, KANFeedForward, as_kan
from edgewise.replacing.surgery import put_in, take
from edgewise.replacing.tracing import Block


@dataclass(frozen=True)
class ReplacedBlock:
    """One block that was replaced.

    Attributes
    ----------
    name : str
        Where it was in the model, see `Block`.
    before, after : int
        Parameters.
    hidden : int
        Hidden nodes of the network that stands there now.
    unexplained : float or None
        Share of the spread of what the block gave that the network does not give, on rows it was not fitted to; large
        errors count by their size. None for a block that has learned nothing.
    """

    name: str
    before: int
    after: int
    hidden: int
    unexplained: float | None


@dataclass(frozen=True, eq=False)
class ReplaceResult:
    """A model with networks of functions in the place of its feed-forward blocks.

    Attributes
    ----------
    model : nn.Module
        A copy; the model that was given is as it was.
    blocks : tuple of ReplacedBlock
        In the order in which they run.
    found : tuple of Block
        All feed-forward blocks of the model, those that were left alone too.
    agreement : float or None
        1 less the mean square of the change of the model's outputs over their variance, on batches held out where there
        are ten or more.
    score_before, score_after : float or None
        The values of `score` for both models.
    stop_reason : StopReason
    seconds : float
    held_out : bool
        Whether batches were held out to judge by.
    digest : str
        Of the parameters of the model that was given, by which it is known again.
    """

    model: nn.Module
    blocks: tuple[ReplacedBlock, ...]
    found: tuple[Block, ...]
    agreement: float | None
    score_before: float | None
    score_after: float | None
    stop_reason: StopReason
    seconds: float
    held_out: bool = True
    digest: str = ""

    @property
    def message(self) -> str:
        """What was done and what it cost, in a sentence or two."""
        before, after = sum(b.before for b in self.blocks), sum(b.after for b in self.blocks)
        text = f"{len(self.blocks)} of {len(self.found)} feed-forward blocks replaced, {before:,} parameters by {after:,}."
        if self.agreement is not None:
            where = (
                "batches held out" if self.held_out else "the batches learned from, too few to hold some out"
            )
            text += (
                f" The outputs keep {100 * self.agreement:.2f} % of their variance on {where}."
                if self.agreement >= 0
                else f" The outputs keep nothing: they change by {1 - self.agreement:.3g} times their variance on {where}."
            )
        if self.score_before is not None and self.score_after is not None:
            text += f" The score went from {self.score_before:.5g} to {self.score_after:.5g}."
        return text if self.stop_reason == StopReason.MOST_STEPS else f"{text} {self.stop_reason.advice}"

    def __str__(self) -> str:
        return self.message

    @property
    def networks(self) -> tuple[KAN, ...]:
        """The networks in the model, one a replaced block: to draw, score, prune, snap and read like any other."""
        return tuple(self.network(k) for k in range(len(self.blocks)))

    def block(self, k: int) -> KAN | KANFeedForward:
        """The module in the place of a replaced block."""
        return cast("KAN | KANFeedForward", take(self.model, self._block(k)))

    def network(self, k: int) -> KAN:
        """The network in the place of a replaced block, with every edge written out: see `network.as_kan`."""
        net = self.block(k)
        return net if isinstance(net, KAN) else as_kan(net)

    def with_network(self, k: int, network: KAN | KANFeedForward) -> ReplaceResult:
        """The same with an edited network in the place of a replaced block; what it costs is yours to measure.

        Raises
        ------
        InputError
            If the network has other inputs or outputs than the block.
        """
        block = self._block(k)
        shape = (
            list(network.shape) if isinstance(network, KAN)
            else [network.in_features, network.hidden, network.out_features] if isinstance(network, KANFeedForward)  # pyright: ignore[reportUnnecessaryIsInstance]
            else []
        )  # fmt: skip
        if [*shape[:1], *shape[-1:]] != [block.inputs, block.outputs]:
            raise InputError(
                argument="network",
                expected=f"have {block.inputs} inputs and {block.outputs} outputs",
                got=shape or short(network),
            )
        grown = replace(
            self.blocks[k], after=network.n_parameters, hidden=hidden_of(network), unexplained=None
        )
        blocks = tuple(grown if at == k else item for at, item in enumerate(self.blocks))
        made = put_in(self.model, block, network)
        return replace(self, model=made, blocks=blocks, agreement=None, score_after=None)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the model, for JSON."""
        names = ("agreement", "score_before", "score_after", "stop_reason", "message", "seconds")
        return {**fields(self, *names), "blocks": [plain(vars(block)) for block in self.blocks]}

    def _block(self, k: int) -> Block:
        check_int(k, "k", low=0, high=len(self.blocks) - 1)
        return next(block for block in self.found if block.name == self.blocks[k].name)


def digest_of(model: nn.Module) -> str:
    """A name for the parameters of a model, by which it is known again wherever it is kept."""
    found = hashlib.sha256()
    for name, p in model.named_parameters():
        found.update(repr((name, p.dtype, tuple(p.shape))).encode())
        found.update(p.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def hidden_of(net: KAN | KANFeedForward) -> int:
    """Hidden nodes of a network."""
    return net.hidden if isinstance(net, KANFeedForward) else net.shape[1] if len(net.shape) > 2 else 0


def chosen(found: tuple[Block, ...], blocks: Iterable[int | str] | None) -> tuple[Block, ...]:
    """The blocks that numbers or names ask for; all without any."""
    if blocks is None:
        return found
    asked = [blocks] if isinstance(blocks, (int, str)) else as_tuple(blocks, "blocks", "numbers or names")
    names = [block.name for block in found]
    if not asked:
        raise InputError(
            argument="blocks",
            expected=f"name at least one of {among(names)}",
            got="none",
            advice="leave it out for all",
        )
    picked = set[int]()
    for name in asked:
        if isinstance(name, str) and name in names:
            picked.add(names.index(name))
        elif isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(found):
            picked.add(name)
        else:
            raise InputError(
                argument="blocks",
                expected=f"be numbers from 0 to {len(found) - 1} or names among {', '.join(map(repr, names))}",
                got=short(name),
            )
    return tuple(found[k] for k in sorted(picked))
