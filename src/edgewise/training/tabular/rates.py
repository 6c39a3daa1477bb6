"""From logarithms of means to means: totals that are met, an exponential behind the network, and how much counts vary."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from edgewise.network import KAN
from edgewise.training.bag.run import TableRows
from edgewise.training.common.losses import Loss, NegativeBinomial, squared_residuals
from edgewise.training.common.results import TableFit
from edgewise.training.tabular.output_edge import with_exponential

# Rows whose outputs are computed at a time.
_CHUNK = 65_536
# Standard errors, and share, by which squared residuals out of bag exceed what the likelihood expects before it is said.
_ERRORS, _EXCESS = 3.0, 1.1
# How what is said of that begins.
SPREAD = "Counts vary"
# A negative binomial distribution that cannot be told from Poisson's.
_LEAST_DISPERSION = 1e-6


def with_means(fit: TableFit, rows: TableRows, loss: Loss) -> TableFit:
    """The fit of logarithms of means, with a network that answers means.

    Predictions of the rows add up to what was counted, output by output.

    Parameters
    ----------
    fit : TableFit
    rows : TableRows
        What was learned from.
    loss : Loss
        With a logarithm as its link.
    """
    f = _outputs(fit.network, rows.X)
    weight = rows.weight[:, None]
    level = ((rows.y * weight).sum(0) / (f.exp() * weight).sum(0)).log()
    level = torch.where(level.isfinite(), level, 0.0)
    f = f + level
    events = fit.events
    out_of_bag = None
    if fit.out_of_bag is not None and fit.held is not None:
        logs = fit.out_of_bag + level
        out_of_bag = logs.exp()
        if isinstance(loss, NegativeBinomial):
            events = (*events, f"{SPREAD} as m + {loss.dispersion:.3g} m^2 where their mean is m.")
        elif not loss.dispersed:
            events = (*events, *_spread_told(loss, logs, rows, fit.held))
    network = with_exponential(fit.network, float(f.min()), float(f.max()), level)
    return replace(fit, network=network, out_of_bag=out_of_bag, events=events, curve="exp")


def dispersion(fit: TableFit, rows: TableRows) -> float:
    """How much more counts vary than Poisson's: a of variances m + a m^2, by which squared residuals average to one.

    Parameters
    ----------
    fit : TableFit
        Of logarithms of means under Poisson's likelihood.
    rows : TableRows
        What was learned from.

    References
    ----------
    Breslow (1984), Extra-Poisson variation in log-linear models. Appl. Stat. 33. doi:10.2307/2347661.
    """
    if fit.out_of_bag is None or fit.held is None:
        return _LEAST_DISPERSION
    mean, y, weight = fit.out_of_bag.exp(), rows.y[fit.held], rows.weight[fit.held][:, None]

    def excess(a: float) -> float:
        return float((weight * ((y - mean) ** 2 / (mean + a * mean**2) - 1)).sum())

    low, high = math.log(_LEAST_DISPERSION), -math.log(_LEAST_DISPERSION)
    if excess(math.exp(low)) <= 0:
        return _LEAST_DISPERSION
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(math.exp(middle)) > 0 else (low, middle)
    return math.exp(low)


def _spread_told(loss: Loss, logs: Tensor, rows: TableRows, held: Tensor) -> list[str]:
    """A sentence where counts vary more than the likelihood lets them."""
    weight = rows.weight[held]
    squares = (squared_residuals(loss, logs, rows.y[held]).mean(1)) * weight
    mean = float(squares.mean())
    error = float(squares.std()) / math.sqrt(len(squares))
    if not mean > max(_EXCESS, 1.0 + _ERRORS * error):
        return []
    told = (
        f"{SPREAD} {mean:.3g} times as much as {loss.name!r} expects (squared residuals out of bag, {error:.2g} their "
        "standard error): trust small differences less, or use loss='negative_binomial'."
    )
    return [told]


def _outputs(net: KAN, X: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([net(part) for part in X.to(net.output_shift).split(_CHUNK)]).to(torch.float64)
