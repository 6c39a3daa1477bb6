"""Steps that see every edge function centred on the data.

B-splines are positive and sum to one: whatever the coefficients of an edge do for some rows, they also do to the mean of the
node, and so do those of all its I edges at once. Descent on them is descent on one badly scaled direction, the constant,
which is the bias's to set. Where the functions of the basis are taken minus their means m_im over the rows,

    y_o = sum_im (B_m(x_i) - m_im) c_imo + bias'_o,    bias'_o = bias_o + sum_im m_im c_imo,

that direction is gone; the network is the same. No layer need know of it: its gradient there is that of the coefficients
minus m_im times that of the bias, and what a step does to sum_im m_im c_imo is taken back from the bias. On pictures, where
most pixels have the same value on most rows, it matters most.

References: N. Schraudolph, "Centering neural network gradient factors", 1998, doi:10.1007/3-540-49430-8_11.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise.kernels.trilinear import grad_coef
from edgewise.layers import KANLinear, multiply
from edgewise.network import KAN
from edgewise.training.common.rows import TrainingRows
from edgewise.training.first_order.adamw import Centred

# Rows whose mean is taken: it need only be roughly that of all.
LOOKED_AT = 1024


class Centring:
    """The centred view of a network's layers.

    Layers without bias, or with edges that are off or symbolic, are left as they are.

    Parameters
    ----------
    net : KAN
    rows : TrainingRows
        In network units.
    seed : int
        Of the rows whose mean is taken.
    """

    def __init__(self, net: KAN, rows: TrainingRows, seed: int) -> None:
        self.net = net
        random = generator(derive(seed, 7104))
        index = torch.randperm(len(rows), generator=random)[:LOOKED_AT].to(rows.X.device)
        self._x = rows.X[index]
        self._first: list[Centred] | None = None

    @torch.no_grad()
    def look(self) -> list[Centred]:
        """Take the means over the values that reach the layers now."""
        nodes, found = self._x, list[Centred]()
        for at, (spec, layer) in enumerate(zip(self.net.spec.layers, self.net.layers, strict=True)):
            if at == 0:  # the inputs stay
                self._first = _centred(layer, nodes) if self._first is None else self._first
                found += self._first
            else:
                found += _centred(layer, nodes)
            if at + 1 < len(self.net.layers):
                nodes = multiply(layer(nodes), spec.nodes.sums, spec.nodes.products)
        return found


def _centred(layer: KANLinear, nodes: Tensor) -> list[Centred]:
    """The weights of a layer with the means of their functions."""
    if layer.bias is None or not bool(layer.numeric_mask().all()):
        return []
    # The gradient of the mean of one sum of all functions is made of their means.
    share = nodes.new_full((len(nodes), 1), 1 / len(nodes))
    means, of_base = grad_coef(layer.basis, nodes, None, share, layer.base_weight is not None, 0)
    found = [Centred(layer.coef, means.reshape(-1), layer.bias)]
    if layer.base_weight is not None and of_base is not None:
        found.append(Centred(layer.base_weight, of_base.reshape(-1), layer.bias))
    return found
