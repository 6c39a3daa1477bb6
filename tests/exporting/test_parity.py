"""What is exported computes what the network computes: inside the grids, at their breaks and far beyond."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.network import KAN
from tests.exporting.runners import c_library, c_predict, needs_compiler, numpy_module, onnx_predict
from tests.network.builders import inputs_of, networks, scale_of
from tests.programs.zoo import ZOO, bag, everywhere, uneven

SOURCE, ONNX = 1e-12, 1e-6


def close(got, want, tolerance):
    size = np.maximum(1.0, np.abs(want).max(axis=0, initial=0.0))
    worst = (np.abs(got - want) / size).max(initial=0.0)
    assert worst <= tolerance, worst


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_numpy(name):
    net = ZOO[name]()
    X = everywhere(net)
    close(numpy_module(net)["predict"](X), net.predict(X), SOURCE)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", ZOO)
def test_c(name):
    net = ZOO[name]()
    X = everywhere(net)
    close(c_predict(c_library(net), X, net.shape[-1]), net.predict(X), SOURCE)


@pytest.mark.parametrize("name", ZOO)
def test_onnx(name):
    net = ZOO[name]()
    X = everywhere(net)
    # Double precision throughout: far better than what is promised.
    close(onnx_predict(net, X), net.predict(X), 1e-11)


@pytest.mark.parametrize("name", ["bspline 3", "bspline 0", "rational", "symbolic", "bag"])
def test_onnx_in_single_precision_computes_in_double(name):
    net = ZOO[name]()
    X = everywhere(net).astype(np.float32)
    got = onnx_predict(net, X, dtype="float32")
    assert got.dtype == np.float32
    close(got, net.predict(X), ONNX)


@given(networks(), st.integers(0, 2**31))
def test_any_network_in_numpy(net, seed):
    X = inputs_of(net, seed=seed)
    with torch.no_grad():
        want = net(X)
    np.testing.assert_allclose(
        numpy_module(net)["predict"](X), want.numpy(), rtol=0, atol=SOURCE * scale_of(want)
    )


@settings(max_examples=20)
@given(networks(), st.integers(0, 2**31))
def test_any_network_in_onnx(net, seed):
    X = inputs_of(net, seed=seed)
    with torch.no_grad():
        want = net(X)
    np.testing.assert_allclose(onnx_predict(net, X), want.numpy(), rtol=0, atol=1e-10 * scale_of(want))


@pytest.mark.slow
@needs_compiler
@settings(max_examples=12)
@given(networks(), st.integers(0, 2**31))
def test_any_network_in_c(net, seed):
    X = inputs_of(net, seed=seed)
    with torch.no_grad():
        want = net(X)
    got = c_predict(c_library(net), X, net.shape[-1])
    np.testing.assert_allclose(got, want.numpy(), rtol=0, atol=SOURCE * scale_of(want))


def test_a_network_in_single_precision_is_written_with_its_own_numbers():
    net = KAN([3, 4, 1], seed=0, dtype=torch.float32)
    X = everywhere(net)
    exact = net.double()
    close(numpy_module(KAN([3, 4, 1], seed=0, dtype=torch.float32))["predict"](X), exact.predict(X), SOURCE)


@pytest.mark.parametrize(
    "name", ["bspline 0", "bspline 3", "chebyshev", "fourier", "rbf silu", "rational", "symbolic"]
)
def test_nan_stays_nan_and_stays_in_its_row(name):
    net = ZOO[name]()
    X = everywhere(net, rows=5)
    X[3, 0] = np.nan
    for got in (numpy_module(net)["predict"](X), onnx_predict(net, X)):
        assert np.isnan(got[3]).all()
        assert np.isfinite(np.delete(got, 3, axis=0)).all()


@needs_compiler
@pytest.mark.parametrize("name", ["bspline 0", "bspline 3", "fourier", "symbolic"])
def test_nan_in_c(name):
    net = ZOO[name]()
    X = everywhere(net, rows=5)
    X[3, 0] = np.nan
    got = c_predict(c_library(net), X, net.shape[-1])
    assert np.isnan(got[3]).all()
    assert np.isfinite(np.delete(got, 3, axis=0)).all()


def test_no_rows_give_no_rows():
    net = ZOO["bspline 3"]()
    none = np.empty((0, 3))
    assert numpy_module(net)["predict"](none).shape == onnx_predict(net, none).shape == (0, 2)


def test_more_rows_than_a_chunk():
    net = uneven(KAN([40, 60, 1], seed=0, dtype=torch.float64))
    X = np.random.default_rng(0).uniform(-1, 1, (1500, 40))
    close(numpy_module(net)["predict"](X), net.predict(X), SOURCE)


def test_rows_of_the_wrong_width_are_refused():
    predict = numpy_module(ZOO["bspline 3"]())["predict"]
    for wrong in (np.zeros((4, 2)), np.zeros(3)):
        with pytest.raises(ValueError, match="3"):
            predict(wrong)


def test_what_lies_outside_the_training_range_is_told():
    net = ZOO["bspline 3"]()
    X = everywhere(net)
    np.testing.assert_array_equal(numpy_module(net)["outside"](X), net.outside(torch.from_numpy(X)).numpy())


def test_bag_members_keep_to_themselves():
    from edgewise.programs.program import network_program

    net = bag(members=4, hidden=3)
    _, body = network_program(net)
    assert [len(layer.blocks) for layer in body.layers] == [2, 4, 1]
    written = sum(len(block.sources) * len(block.targets) for layer in body.layers for block in layer.blocks)
    assert written == sum(int(layer.mask.sum()) for layer in net.layers)
    assert not any(layer.forms for layer in body.layers)
