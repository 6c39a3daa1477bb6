"""Base functions: enclosures of silu are ones, and what is proved of networks that have them holds."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise.verifying.bounds.exact import FAR, SILU_BREAKS, SLANT, exact_silu
from edgewise.verifying.bounds.rational import _sized as exactly
from edgewise.verifying.bounds.rounding import rounding
from edgewise.verifying.checker import check
from edgewise.verifying.checker import silu as exact
from edgewise.verifying.checker.model import CheckedModel
from edgewise.verifying.checker.rounding import rounding as checked
from edgewise.verifying.checker.tables import PieceTable
from edgewise.verifying.results.certificate import file_of
from tests.verifying.certificate_kit import certificate, claims, domain, network, seal, tightened
from tests.verifying.checker.test_checker import judge

SHAPES = [[2, 1], [2, 3, 1], [2, 2, 2, 1], [2, ew.Nodes(1, (2,)), 1]]


def true(x: Fraction, order: int = 0) -> mpmath.mpf:
    """silu or its slope to 150 digits."""
    with mpmath.workdps(150):
        at = mpmath.mpf(x.numerator) / x.denominator
        s = 1 / (1 + mpmath.exp(-at))
        return s + at * s * (1 - s) if order else at * s


def wide(x: Fraction) -> mpmath.mpf:
    with mpmath.workdps(150):
        return mpmath.mpf(x.numerator) / x.denominator


@pytest.mark.parametrize("x", [0, "1/3", "-7/5", 32, -32, "255.9", -256, -300, 1000, "-1e9", "1e12"])
def test_values_have_the_digits_that_are_claimed(x: object) -> None:
    at = Fraction(x)  # pyright: ignore[reportArgumentType]
    with mpmath.workdps(150):
        assert abs(wide(exact.value(at)) - true(at)) <= wide(exact.NEAR * (1 + abs(at)))
        for order, found in enumerate(exact_silu(at)):
            assert abs(wide(found) - true(at, order)) <= mpmath.mpf(10) ** -100 * (1 + abs(float(at)))


@pytest.mark.slow
def test_the_cubic_is_as_near_as_said_on_every_piece() -> None:
    """Nearly as far as said at times, too: bounds are close."""
    worst = [0.0, 0.0]
    for n in range(len(exact.BREAKS) + 1):
        low = exact.BREAKS[n - 1] if n else Fraction(-90)
        high = exact.BREAKS[n] if n < len(exact.BREAKS) else Fraction(90)
        own, limits = exact.controls(low, high), exact.piece(n)[1:]
        slopes = [3 * (q - p) / (high - low) for p, q in pairwise(own)]
        for k in (0, 1, 3, 5, 7, 9, 13, 16):
            t = Fraction(k, 16)
            x = low + (high - low) * t
            for order, (c, limit) in enumerate(zip((own, slopes), limits, strict=True)):
                while len(c) > 1:
                    c = [p + (q - p) * t for p, q in pairwise(c)]
                with mpmath.workdps(150):
                    share = float(abs(wide(c[0]) - true(x, order)) / wide(limit))
                worst[order] = max(worst[order], share)
    assert 0.5 < max(worst) <= 1
    assert [Fraction(b) for b in SILU_BREAKS.tolist()] == exact.BREAKS
    far, slant = exact.distance(Fraction(-100), Fraction(100))
    assert far <= FAR <= 1.2 * far
    assert slant <= SLANT <= 1.2 * slant


def test_weights_of_tables_are_dyadic() -> None:
    """Sums are of whole numbers: any other weight would be cut off, and the bound none."""
    table = PieceTable((Fraction(0), Fraction(1)), [None])
    with pytest.raises(Exception, match="dyadic"):
        table.top((Fraction(0), Fraction(1)), [(0, Fraction(1, 3))])


def made(shape: list[object], seed: int, *, single: bool = False, offset: float = 0.0) -> ew.KAN:
    rng = np.random.default_rng(seed)
    degree, intervals = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    net = ew.KAN(shape, base="silu", degree=degree, intervals=intervals, seed=seed, dtype=torch.float64)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(layer.coef.shape))))
            assert layer.base_weight is not None
            layer.base_weight.copy_(torch.from_numpy(rng.normal(0, 1, tuple(layer.base_weight.shape))))
            assert layer.bias is not None
            layer.bias.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(layer.bias.shape))))
        net.input_shift.copy_(torch.from_numpy(offset + rng.normal(0, 1, net.shape[0])))
        net.input_scale.copy_(torch.from_numpy(rng.uniform(0.5, 3, net.shape[0])))
        net.output_shift.copy_(torch.from_numpy(rng.normal(0, 1, net.shape[-1])))
        net.output_scale.copy_(torch.from_numpy(rng.normal(0, 2, net.shape[-1])))
    return net.float() if single else net


def ends_of(net: ew.KAN, reach: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    shift, scale = net.input_shift.double().numpy(), net.input_scale.double().numpy()
    return shift - reach * scale, shift + reach * scale


def domain_of(low: np.ndarray, high: np.ndarray) -> dict[str, tuple[float, float]]:
    return {f"x{i + 1}": ends for i, ends in enumerate(zip(low.tolist(), high.tolist(), strict=True))}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("single", [False, True])
def test_predictions_stay_within_the_bound(shape: list[object], single: bool) -> None:
    for seed, reach in ((0, 1.5), (1, 40.0), (2, 1e3)):
        net = made(shape, seed, single=single)
        low, high = ends_of(net, reach)
        room = rounding(net, low, high)
        hulls = [(Fraction(a), Fraction(b)) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        mine, _ = checked(CheckedModel(file_of(net)), hulls)
        assert all(float(a) <= b <= 3 * float(a) for a, b in zip(mine, room.tolist(), strict=True))
        X = np.random.default_rng(seed).uniform(low, high, (40, len(low)))
        for x, found in zip(X, net.predict(X), strict=True):
            for o, ((value, _), _) in enumerate(exactly(net, x)):
                assert abs(Fraction(float(found[o])) - value) <= mine[o]


def slopes(net: ew.KAN, X: np.ndarray, i: int) -> np.ndarray:
    x = torch.from_numpy(X).requires_grad_()
    (gradient,) = torch.autograd.grad(net.double()(x)[:, 0].sum(), x)
    return gradient[:, i].numpy()


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("seed", "single", "offset"), [(0, False, 0.0), (1, True, 0.0), (2, False, 1e6)])
def test_bounds_hold_and_are_close(shape: list[object], seed: int, single: bool, offset: float) -> None:
    net = made(shape, seed, single=single, offset=offset)
    low, high = ends_of(net)
    X = np.random.default_rng(0).uniform(low, high, (20_000, len(low)))
    y, name = net.predict(X)[:, 0], net.output_names[0]
    size = float(np.ptp(y))
    claims = [ew.properties.output_range(high=float(y.max()) + size / 2, output=name)]
    rise = slopes(net, X, 0)
    if len(shape) < 4:
        claims.append(ew.properties.lipschitz("x1", 3 * float(np.abs(rise).max()), output=name))
    for claim in claims:
        answer = ew.verify(net, claim, where=domain_of(low, high), work=0.1)
        assert answer.status == "proved", answer
        assert check(answer.certificate.text.encode(), file_of(net)).accepted
    for claim in (
        ew.properties.output_range(high=float(y.max()) - size / 50, output=name),
        ew.properties.lipschitz("x1", 0.9 * float(np.abs(rise).max()), output=name),
    ):
        assert ew.verify(net, claim, where=domain_of(low, high), work=0.1).status == "refuted"


@pytest.mark.slow
def test_one_layer_is_bounded_to_a_millionth_of_its_range() -> None:
    for seed in range(6):
        net = made([2, 1], seed)
        low, high = ends_of(net)
        # Maxima along each input by themselves: on so fine a grid, far closer than what is asked for.
        rows = np.linspace(low, high, 400_001)
        y = [net.predict(np.where(np.arange(2) == i, rows, low))[:, 0] for i in range(2)]
        at = net.predict(low[None])[0, 0]
        top = float(y[0].max() + y[1].max() - at)
        size = float(sum(np.ptp(value) for value in y))
        answer = ew.verify(net, f"output <= {top + 1e-6 * size!r}", where=domain_of(low, high), work=0.05)
        assert answer.status == "proved", answer
        steepest = float(slopes(net, rows, 0).max())
        if steepest > 0 and net.layers[0].degree == 3:  # else the greatest is at a corner
            claim = f"lipschitz(x1, {max(steepest, -float(slopes(net, rows, 0).min())) * (1 + 1e-6)!r})"
            assert ew.verify(net, claim, where=domain_of(low, high), work=0.05).status == "proved"


def test_altered_bounds_are_refused() -> None:
    net = made([2, 3, 1], 3)
    low, high = ends_of(net)
    X = np.random.default_rng(0).uniform(low, high, (20_000, 2))
    y = net.predict(X)[:, 0]
    claim = f"output <= {float(y.max() + np.ptp(y) / 10)!r}"
    answer = ew.verify(net, claim, where=domain_of(low, high), work=0.1)
    assert answer.status == "proved", answer
    for high_end in (float(y.max()) - 1e-9, float(np.median(y))):
        document = dict(answer.certificate.document)
        document["claim"] = {**document["claim"], "high": high_end}
        assert not check(json.dumps(seal(document)).encode(), file_of(net)).accepted


def test_a_move_along_the_tail_is_not_nothing() -> None:
    """Far to the left the cubic is zero and silu is not: two such points differ."""
    net = ew.KAN([1, 1], base="silu", grid=(-60.0, 60.0), seed=0, dtype=torch.float64)
    with torch.no_grad():
        net.layers[0].coef.zero_()
        assert net.layers[0].base_weight is not None
        net.layers[0].base_weight.fill_(1e16)
    where = {"x1": (-50.0, -36.0)}
    least = float(net.predict(np.array([[-36.0]]))[0, 0])
    assert least < -1.0
    assert ew.verify(net, f"output >= {least / 2!r}", where=where, work=0.02).status == "refuted"
    assert ew.verify(net, "monotone(x1, increasing)", where=where, work=0.02).status == "refuted"
    assert ew.verify(net, "lipschitz(x1, 0)", where=where, work=0.02).status == "refuted"


@pytest.mark.slow
def test_networks_equal_themselves_and_near_copies() -> None:
    net, copy, other = (made([2, 3, 1], 4) for _ in range(3))
    with torch.no_grad():
        other.layers[0].base_weight.add_(1e-4)
    low, high = ends_of(net)
    where = domain_of(low, high)
    assert ew.verify(net, ew.properties.equal(copy, 0.0), where=where, work=0.1).status == "proved"
    X = np.random.default_rng(0).uniform(low, high, (20_000, 2))
    gap = float(np.abs(net.predict(X) - other.predict(X)).max())
    assert ew.verify(net, ew.properties.equal(other, 4 * gap), where=where, work=0.2).status == "proved"
    assert ew.verify(net, ew.properties.equal(other, gap / 2), where=where, work=0.1).status == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "degree"), [((3, 1), 1), ((2, 3, 1), 1), ((2, 2, 2, 1), 2)])
def test_claims_of_all_kinds(shape: tuple[int, ...], degree: int, tmp_path: Path) -> None:
    """Codes that move to points among them; what is accepted holds at all rows that are tried."""
    rng, proved = np.random.default_rng(sum(shape) + degree), 0
    net = network(shape, rng, degree=degree, size=0.2, base="silu")
    where = domain(shape[0], rng, budget=len(shape) == 4)
    for claim in claims(rng, shape[0], shape[-1]):
        found = certificate(claim, where, [net], tmp_path, work=0.001)
        if found is None:
            continue
        proved += 1
        assert judge(found, found.document, tmp_path, "as made"), claim
        for what, document in tightened(found, rng):
            judge(found, document, tmp_path, what)
    assert proved
