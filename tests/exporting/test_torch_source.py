"""A module written as plain torch computes the same, without edgewise, and goes on to ONNX."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgewise as ew
from edgewise import InputError
from edgewise.exporting import to_torch_source
from edgewise.layers import KANConv1d, KANConv2d, KANLinear, SymbolicEdge
from edgewise.network import KAN
from edgewise.splines import BASES

DOUBLE = torch.float64


def run(source: str) -> nn.Module:
    space: dict[str, Any] = {}
    exec(source, space)
    return space["Model"]()


def uneven(degree: int) -> KANLinear:
    grid = torch.tensor([[-1.0, -0.9, 0.2, 1.0], [0.0, 1.0, 1.5, 4.0]], dtype=DOUBLE)
    edges = (
        SymbolicEdge(1, 2, "sin"),
        SymbolicEdge(0, 0, "max(x, exp(-x^2))"),
        SymbolicEdge(0, 1, "step(x)"),
    )
    layer = KANLinear(2, 3, degree=degree, grid=grid, base="silu", symbolic=edges, seed=0, dtype=DOUBLE)
    mask = torch.ones(2, 3, dtype=torch.bool)
    mask[1, 1] = mask[0, 1] = False
    layer.set_mask(mask)
    return layer


@pytest.mark.parametrize("degree", range(6))
def test_edges_inside_at_the_breaks_and_far_beyond(degree: int) -> None:
    layer = uneven(degree)
    points = torch.cat([layer.grid.T, torch.linspace(-9, 9, 61, dtype=DOUBLE)[:, None].expand(-1, 2)])
    x = torch.cat([points, points.flip(1)])
    torch.testing.assert_close(run(to_torch_source(layer))(x), layer(x), rtol=1e-12, atol=1e-12)
    assert run(to_torch_source(layer))(torch.full((1, 2), torch.nan, dtype=DOUBLE)).isnan().all()


@pytest.mark.parametrize("basis", [item for item in BASES if item != "bspline"])
@pytest.mark.parametrize("intervals", [1, 4, 7])
def test_other_bases_inside_at_the_ends_and_far_beyond(basis: str, intervals: int) -> None:
    """1e-10: sums and powers of cosines are written as recurrences."""
    edge = (SymbolicEdge(1, 0, "tanh"),)
    layer = KANLinear(
        2,
        3,
        basis=basis,
        intervals=intervals,
        grid=(-0.5, 2.0),
        base="silu",
        symbolic=edge,
        seed=0,
        dtype=DOUBLE,
    )
    x = torch.linspace(-9, 9, 61, dtype=DOUBLE)[:, None].expand(-1, 2)
    x = torch.cat(
        [x, layer.domain.T, layer.grid.T, torch.linspace(-0.5, 2, 40, dtype=DOUBLE)[:, None].expand(-1, 2)]
    )
    made = run(to_torch_source(layer))
    torch.testing.assert_close(made(x), layer(x), rtol=1e-10, atol=1e-10)
    ours, theirs = (item.clone().requires_grad_() for item in (x[:61], x[:61]))
    layer(ours).square().sum().backward()
    made(theirs).square().sum().backward()
    torch.testing.assert_close(theirs.grad, ours.grad, rtol=1e-8, atol=1e-8)
    assert made(torch.full((1, 2), torch.nan, dtype=DOUBLE)).isnan().all()


@pytest.mark.parametrize("basis", BASES)
def test_a_network_of_any_basis_goes_to_onnx(tmp_path: Path, basis: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    module = nn.Sequential(
        KANConv2d(1, 2, 3, basis=basis, seed=0), nn.Flatten(), KANLinear(18, 2, basis=basis, seed=1)
    )
    x = torch.rand(3, 1, 5, 5, generator=torch.Generator().manual_seed(0)) * 4 - 2
    (path,) = ew.export(module, tmp_path / "m.onnx", example=x)
    told = runtime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"X": x.numpy()})[0]
    np.testing.assert_allclose(told, module(x).detach().numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (KANConv2d(4, 6, 3, 2, 1, groups=2, base="silu", seed=0), (2, 4, 7, 8)),
        (KANConv2d(2, 3, (2, 3), dilation=(1, 2), padding=2, padding_mode="circular", seed=0), (2, 2, 6, 6)),
        (KANConv2d(2, 4, 2, groups=2, symbolic=(SymbolicEdge(1, 3, "cos"),), seed=0), (2, 2, 4, 4)),
        (KANConv1d(3, 4, 3, padding="same", degree=2, intervals=3, seed=0), (2, 3, 9)),
        (KANConv1d(3, 4, 3, padding=1, padding_mode="reflect", seed=0), (2, 3, 9)),
        (KAN([2, ew.Nodes(sums=2, products=(2, 3)), 1], seed=0), (5, 2)),
    ],
)
def test_layers_and_networks(layer: nn.Module, shape: tuple[int, ...]) -> None:
    x = 2 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    made = run(to_torch_source(layer))
    torch.testing.assert_close(made(x), layer(x), rtol=1e-5, atol=1e-5)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    layer(ours).square().sum().backward()
    made(theirs).square().sum().backward()
    torch.testing.assert_close(theirs.grad, ours.grad, rtol=1e-4, atol=1e-4)


class Block(nn.Module):
    """What others write: a parameter of its own, a residue, layers of torch, functions of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([0.3, 0.5, 2.0, -1.0]))
        self.register_buffer("shift", torch.arange(4.0))
        self.norm = nn.BatchNorm1d(4, affine=False)
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.GELU("tanh"), KANLinear(4, 4, seed=0), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(self.norm(x)) * self.scale + self.shift
        return torch.nn.functional.softplus(x + y, beta=2.0)


def test_a_module_of_another_in_its_mode() -> None:
    block = Block()
    block(torch.randn(50, 4))
    x = torch.randn(6, 4)
    made = run(to_torch_source(block.eval()))
    assert not made.training
    torch.testing.assert_close(made(x), block(x), rtol=1e-5, atol=1e-5)
    names = {name for name, _ in made.named_parameters()}
    assert {"scale", "inner.0.weight", "inner.2.coef"} <= names
    # It can be trained, saved and loaded like any module.
    made.train()(x).sum().backward()
    assert all(parameter.grad is not None for parameter in made.parameters())
    again = run(to_torch_source(block))
    again.load_state_dict(made.state_dict())
    assert torch.equal(again.eval()(x), made.eval()(x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, DOUBLE])
def test_precision_is_kept(dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(3, 3), KANLinear(3, 2, seed=0)).to(dtype)
    made = run(to_torch_source(model))
    assert {p.dtype for p in made.parameters()} == {dtype}
    x = torch.randn(5, 3, dtype=dtype)
    torch.testing.assert_close(made(x), model(x), rtol=0.05, atol=0.05)


@pytest.mark.slow
def test_the_file_runs_where_there_is_no_edgewise(tmp_path: Path) -> None:
    layer = KANConv2d(1, 2, 3, seed=0)
    (path,) = ew.export(layer, tmp_path / "block.py", to="torch")
    torch.save(torch.ones(1, 1, 4, 4), tmp_path / "x.pt")
    code = (
        "import sys; sys.modules['edgewise'] = None\n"
        "import torch, block\n"
        "torch.save(block.Model()(torch.load('x.pt')), 'y.pt')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=path.parent, check=True, timeout=120)
    torch.testing.assert_close(torch.load(tmp_path / "y.pt"), layer(torch.ones(1, 1, 4, 4)))


@pytest.mark.filterwarnings("ignore")
def test_it_goes_on_to_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = nn.Sequential(
        KANConv2d(1, 4, 3, 2, 1, seed=0), nn.BatchNorm2d(4), nn.Flatten(), KANLinear(64, 3, seed=1)
    )
    x = torch.randn(3, 1, 8, 8)
    made = run(to_torch_source(model.eval()))
    torch.onnx.export(
        made, (x,), tmp_path / "model.onnx", dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}}
    )
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for rows in (x, torch.randn(7, 1, 8, 8)):
        (found,) = session.run(None, {"x": rows.numpy()})
        np.testing.assert_allclose(found, model(rows).detach().numpy(), rtol=1e-4, atol=1e-5)


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("text", "must be a torch module"),
        (Branching(), "must run the same steps whatever its input holds"),
        (nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))), "plain ones of torch"),
    ],
)
def test_what_cannot_be_written_is_refused(module: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_torch_source(module)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kan", "patches", "cnn"])
def test_a_classifier_of_pictures_goes_to_torch_and_onnx(tmp_path: Path, kind: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (40, 8, 8), dtype=np.uint8), np.arange(40) % 2
    model = ew.vision.ImageClassifier(kind=kind, parameters=1500, epochs=1, seed=0).fit(X, y)
    (source,) = ew.export(model, tmp_path / "network.py", to="torch")
    (graph,) = ew.export(model, tmp_path / "network.onnx")
    pictures = torch.from_numpy(X[:7] / 255).float()[:, None]
    session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    told = session.run(None, {"X": pictures.numpy()})[0]
    np.testing.assert_allclose(told, model.logits(X[:7]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        run(source.read_text())(pictures).detach(), model.logits(X[:7]), rtol=1e-4, atol=1e-5
    )
    with pytest.raises(InputError) as error:
        ew.export(model, tmp_path / "network.c")
    assert (error.value.argument, error.value.got) == ("to", "'c'")


def test_onnx_of_a_module_needs_an_example_that_it_takes(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    module = nn.Sequential(KANLinear(4, 3, seed=0))
    for example, got in ((None, "None"), (torch.zeros(1, 5), "a tensor of shape (1, 5)")):
        with pytest.raises(InputError) as error:
            ew.export(module, tmp_path / "m.onnx", example=example)
        assert error.value.argument == "example"
        assert error.value.got.startswith(got)
    assert ew.export(module, tmp_path / "m.onnx", example=torch.zeros(1, 4))[0].exists()
