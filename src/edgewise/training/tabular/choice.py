"""Which of the modes that were tried is the answer, and why, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgewise.training.bag.out_of_bag import OutOfBag, significantly_better
from edgewise.training.bag.run import TableProblem
from edgewise.training.common.losses import Loss, negligible_gain

_ONE = {"additive": "an additive one", "pairwise": "a pairwise one", "deep": "a deep one"}


def choose(
    mode: str,
    tried: Mapping[str, OutOfBag],
    problem: TableProblem,
    loss: Loss,
    shown: Callable[[OutOfBag], float],
) -> tuple[str, str]:
    """The simplest mode whose out-of-bag losses cannot be distinguished from those of richer ones, and the reason in words.

    Parameters
    ----------
    mode : str
        "auto", or what was asked for.
    tried : mapping of modes to OutOfBag, from simple to rich
    problem : TableProblem
    loss : Loss
    shown : callable
        The error to report of out-of-bag outputs.
    """
    names = list(tried)
    errors = {name: f"{shown(one):.4g}" for name, one in tried.items()}
    if len(names) == 1:
        if mode == "additive":
            return "additive", "The network is additive."
        return (
            "additive",
            f"The network is additive: no pair lowers its out-of-bag error of {errors['additive']}.",
        )
    faint = negligible_gain(loss)
    chosen, last = names[0] if mode == "auto" else names[-1], names[-1]
    for name in names[1:] if mode == "auto" else ():
        if significantly_better(tried[name], tried[chosen], problem, loss, faint):
            chosen = name
    if chosen == last:
        before = names[-2]
        return (
            chosen,
            f"The network is {chosen}: its out-of-bag error is {errors[chosen]} against {errors[before]} of {_ONE[before]}.",
        )
    return (
        chosen,
        f"The network is {chosen}: out-of-bag rows do not support {_ONE[last]} ({errors[last]} against {errors[chosen]}).",
    )
