"""The fixed parts of the torch source: layers of functions in plain torch, and closed forms."""

from __future__ import annotations

from dataclasses import replace

from edgewise.splines.rbf import GaussianRBF
from edgewise.symbolic.expressions.source import SOURCE

_SAME = (
    "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "abs", "sign", "expm1", "floor",
    "asin", "acos", "atan", "asinh", "acosh", "atanh", "sigmoid",
)  # fmt: skip
TORCH = replace(
    SOURCE,
    functions={name: f"_call(torch.{name}, {{}})" for name in _SAME}
    | {"mod": "_call(torch.remainder, {}, {})", "gaussian": "_call(torch.exp, -(({}) ** 2))"}
    | {"max": "_call(torch.maximum, {}, {})", "min": "_call(torch.minimum, {}, {})", "step": "_step({})"},
    power="(({}) ** ({}))",
)

FORM_HELPERS = """\
def _call(function, *arguments):
    return function(*(torch.as_tensor(each, dtype=torch.float64) if isinstance(each, float) else each for each in arguments))


def _step(x):
    return torch.where(x >= 0, x * 0 + 1, x * 0)"""

SMOOTH = f'''\
def smooth_values(basis, x, grid, slopes):
    """All functions of a basis, (..., I, M), at x, (..., I): by their formulas inside the grid, straight beyond it."""
    low, high, size = grid[:, 0], grid[:, -1], slopes.shape[-1]
    t, slope = torch.minimum(torch.maximum(x, low), high), 2 / (high - low)
    # From -1 to 1, measured from the nearer end.
    u = torch.where(t - low < high - t, (t - low) * slope - 1, 1 - (high - t) * slope).unsqueeze(-1)
    one, number = u * 0 + 1, torch.arange(size, device=x.device)
    if basis == "fourier":  # 1, sin a, cos a, sin 2a, cos 2a, ... with a from -pi/2 to pi/2
        turns = torch.div(number + 1, 2, rounding_mode="floor").to(x.dtype) * (torch.pi / 2)
        values = torch.sin(u * turns + (1 - number % 2).to(x.dtype) * (torch.pi / 2))
    elif basis == "rbf":  # 1, u, and a Gaussian around every centre
        gaps = grid[:, 1:] - grid[:, :-1]
        around = torch.cat([gaps[:, :1], gaps], 1) + torch.cat([gaps, gaps[:, -1:]], 1)
        values = torch.cat([one, u, torch.exp(-(((t.unsqueeze(-1) - grid) / ({GaussianRBF.width / 2} * around)) ** 2))], -1)
    else:  # Chebyshev's polynomials, of u / sqrt(1 + u^2) where they are rational
        u = u / torch.sqrt(1 + u * u) if basis == "rational" else u
        terms = [one, u]
        while len(terms) < size:
            terms.append(2 * u * terms[-1] - terms[-2])
        values = torch.cat(terms[:size], -1)
    below, above = (x - low).clamp(max=0).unsqueeze(-1), (x - high).clamp(min=0).unsqueeze(-1)
    return values + below * slopes[0] + above * slopes[1]'''

PARTS = '''\
def spline_values(x, knots, slopes, degree):
    """All B-splines, (..., I, M), at x, (..., I): the recursion of Cox and de Boor inside the grid, straight beyond it."""
    low, high = knots[:, degree], knots[:, -degree - 1]
    inside = torch.minimum(torch.maximum(x, low), high)
    t, size = inside.unsqueeze(-1), knots.shape[1] - degree - 1
    piece = (t >= knots[:, degree + 1:size]).sum(-1, keepdim=True) + degree
    values = (torch.arange(knots.shape[1] - 1, device=x.device) == piece).to(x.dtype)
    for d in range(1, degree + 1):
        a, b = knots[:, :-d - 1], knots[:, d + 1:]
        rising = (t - a) / (knots[:, d:-1] - a) * values[..., :-1]
        values = rising + (b - t) / (b - knots[:, 1:-d]) * values[..., 1:]
    below, above = (x - low).clamp(max=0).unsqueeze(-1), (x - high).clamp(min=0).unsqueeze(-1)
    return values + below * slopes[0] + above * slopes[1]


def values_of(basis, x, grid, slopes, degree):
    return spline_values(x, grid, slopes, degree) if basis == "bspline" else smooth_values(basis, x, grid, slopes)


class Edges(nn.Module):
    """A function on every edge: (..., I) to the sums (..., O) of what arrives."""

    def __init__(self, inputs, outputs, size, basis="bspline", degree=3, bias=True, base=False, forms=()):
        super().__init__()
        self.basis, self.degree, self.forms = basis, degree, forms
        self.register_buffer("grid", torch.zeros(inputs, 0))
        self.register_buffer("slopes", torch.zeros(2, inputs, size))
        self.coef = nn.Parameter(torch.zeros(inputs, size, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.base = nn.Parameter(torch.zeros(inputs, outputs)) if base else None
        self.affine = nn.Parameter(torch.zeros(len(forms), 4)) if forms else None

    def forward(self, x, group=slice(None)):
        values = values_of(self.basis, x, self.grid, self.slopes, self.degree)
        y = values.flatten(-2) @ self.coef.flatten(0, 1)[:, group]
        if self.base is not None:
            y = y + F.silu(x) @ self.base[:, group]
        for (source, target, form), (a, b, c, d) in zip(self.forms, () if self.affine is None else self.affine):
            one = F.one_hot(torch.tensor(target, device=x.device), self.coef.shape[2])[group].to(x.dtype)
            if one.any():
                y = y + (a * form(b * x[..., source] + c) + d).unsqueeze(-1) * one
        return y if self.bias is None else y + self.bias[group]


class Convolution(nn.Module):
    """A function in place of every weight of a convolution: (N, C, H, W) to (N, O, H', W'), of sequences without H."""

    def __init__(self, edges, kernel, stride, padding, dilation, groups=1, mode="constant", flat=False):
        super().__init__()
        self.edges, self.kernel, self.stride, self.padding = edges, kernel, stride, padding
        self.dilation, self.groups, self.mode, self.flat = dilation, groups, mode, flat

    def forward(self, x):
        x = F.pad(x.unsqueeze(-2) if self.flat else x, self.padding, self.mode)
        sizes = [
            (x.shape[2 + k] - self.dilation[k] * (self.kernel[k] - 1) - 1) // self.stride[k] + 1 for k in range(2)
        ]
        patches = F.unfold(x, self.kernel, self.dilation, 0, self.stride).transpose(1, 2)
        width, each = patches.shape[2] // self.groups, self.edges.coef.shape[2] // self.groups
        parts = [
            self.edges(patches[..., k * width:(k + 1) * width], slice(k * each, (k + 1) * each))
            for k in range(self.groups)
        ]
        y = torch.cat(parts, -1).transpose(1, 2).reshape(x.shape[0], -1, *sizes)
        return y.squeeze(2) if self.flat else y


class Network(nn.Module):
    """Layers of edges, whose last sums are multiplied in groups, between a scaling of inputs and one of outputs."""

    def __init__(self, layers, products):
        super().__init__()
        self.layers, self.products = nn.ModuleList(layers), products
        for name, width in (("input", layers[0].coef.shape[0]), ("output", products[-1][0] + len(products[-1][1]))):
            self.register_buffer(name + "_shift", torch.zeros(width))
            self.register_buffer(name + "_scale", torch.ones(width))

    def forward(self, x):
        h = (x - self.input_shift) / self.input_scale
        for layer, (sums, arities) in zip(self.layers, self.products):
            z = layer(h)
            parts = [z[..., :sums]]
            for arity in arities:
                parts.append(z[..., sums:sums + arity].prod(-1, keepdim=True))
                sums += arity
            h = torch.cat(parts, -1)
        return self.output_shift + self.output_scale * h


def _put(root, name, value):
    """A module or parameter under a dotted name, with empty modules on the way to it."""
    *way, last = name.split(".")
    for part in way:
        if not hasattr(root, part):
            root.add_module(part, nn.Module())
        root = getattr(root, part)
    setattr(root, last, value)


def _tensor(kind, shape, text):
    data = bytearray(base64.b64decode("".join(text.split())))
    dtype = getattr(torch, kind)
    return torch.frombuffer(data, dtype=dtype).reshape(shape).clone() if data else torch.empty(shape, dtype=dtype)'''
