"""The popular way to a fast spline layer, as the reference to beat: all basis functions of every input, one matrix product.

Every input's G + k B-splines are evaluated by the recursion of Cox and de Boor, element by element over the whole batch, and
multiplied as a dense matrix with the coefficients; all but k + 1 of them are zero.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DenseKANLinear(nn.Module):
    """A layer of splines, (B, I) -> (B, O), as bases times matrix.

    Parameters
    ----------
    in_features, out_features : int
    intervals, degree : int
        Of a uniform grid on [-1, 1].

    References
    ----------
    C. de Boor, "On calculating with B-splines", 1972, doi:10.1016/0021-9045(72)90080-9.

    Examples
    --------
    >>> DenseKANLinear(3, 2, intervals=5)(torch.zeros(4, 3)).shape
    torch.Size([4, 2])
    """

    knots: Tensor

    def __init__(self, in_features: int, out_features: int, *, intervals: int, degree: int = 3) -> None:
        super().__init__()
        self.degree = degree
        step = 2.0 / intervals
        knots = torch.arange(-degree, intervals + degree + 1) * step - 1.0
        self.register_buffer("knots", knots.expand(in_features, -1).contiguous())
        self.weight = nn.Parameter(torch.empty(out_features, in_features * (intervals + degree)))
        nn.init.normal_(self.weight, std=in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Sums at the output nodes."""
        return nn.functional.linear(self.bases(x).reshape(len(x), -1), self.weight)

    def bases(self, x: Tensor) -> Tensor:
        """All basis functions, (B, I) -> (B, I, G + k)."""
        t, x = self.knots, x.unsqueeze(-1)
        values = ((x >= t[:, :-1]) & (x < t[:, 1:])).to(x.dtype)
        for d in range(1, self.degree + 1):
            rising = (x - t[:, : -(d + 1)]) / (t[:, d:-1] - t[:, : -(d + 1)])
            falling = (t[:, d + 1 :] - x) / (t[:, d + 1 :] - t[:, 1:-d])
            values = rising * values[..., :-1] + falling * values[..., 1:]
        return values
