"""Save and load: bit for bit, all or nothing, and no damaged or hostile file gets past `load`."""

from __future__ import annotations

import json
import math
import os
import pathlib
import stat
import struct
import sys
import threading
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file

from edgewise import FileError, InputError
from edgewise.network import KAN, load, remove_inputs, save
from edgewise.network import container as container_module

from .builders import inputs_of, networks, sample_network, state_bytes


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "sample.kan"
    save(sample_network(), path)
    return path


@given(net=networks(dtypes=(torch.float32, torch.float64)))
def test_every_network_comes_back_to_the_bit(net: KAN, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("kan") / "net.kan"
    save(net, path)
    again = load(path)
    assert again.spec == net.spec
    assert state_bytes(again) == state_bytes(net)
    x = inputs_of(net)
    torch.testing.assert_close(again(x), net(x), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_every_dtype_comes_back(dtype: torch.dtype, tmp_path: pathlib.Path) -> None:
    net = sample_network().to(dtype)
    save(net, tmp_path / "net.kan")
    again = load(tmp_path / "net.kan")
    assert again.dtype == dtype
    assert state_bytes(again) == state_bytes(net)


def test_largest_smallest_and_signed_zeros_come_back_and_nan_is_not_written(tmp_path: pathlib.Path) -> None:
    for dtype, whole, patterns in (
        (torch.float32, torch.int32, [0x7F7FFFFF, 0x00800000, 0x00000001, -0x80000000, -0x00800001, 1]),
        (torch.float64, torch.int64, [0x7FEFFFFFFFFFFFFF, 1 << 52, 1, -(1 << 63), -(1 << 52) - 1, 1]),
    ):
        net = sample_network(dtype)
        odd = torch.tensor(patterns, dtype=whole)
        net.layers[0].coef.data.view(whole).reshape(-1)[: len(odd)] = odd
        assert net.layers[0].affine is not None
        net.layers[0].affine.data.view(whole)[0, :] = odd[:4]
        net.output_shift.view(whole)[0] = odd[1]
        save(net, tmp_path / "nan.kan")
        assert state_bytes(load(tmp_path / "nan.kan")) == state_bytes(net)
        for value in (math.nan, math.inf, -math.inf):
            net.output_shift[0] = value
            with pytest.raises(InputError) as error:
                save(net, tmp_path / "nan.kan")
            assert error.value.argument == "model"


def test_a_network_without_its_inputs_keeps_names_and_outputs(tmp_path: pathlib.Path) -> None:
    net = remove_inputs(KAN([3, 2, 1], input_names=["a b", "µ", "z"], seed=1), ["a b"]).network
    save(net, tmp_path / "n.kan")
    again = load(tmp_path / "n.kan")
    assert again.input_names == ("µ", "z")
    x = inputs_of(net)
    assert torch.equal(again(x), net(x))


def test_other_readers_of_safetensors_can_read_it(file: pathlib.Path) -> None:
    tensors = load_file(file)
    assert {name: t.tolist() for name, t in tensors.items()} == {
        name: t.tolist() for name, t in sample_network().state_dict().items()
    }
    with safe_open(file, framework="pt") as opened:
        document = json.loads(opened.metadata()["edgewise"])
    assert document["format"] == 1
    assert document["kind"] == "KAN"


def test_equal_networks_give_equal_files(file: pathlib.Path) -> None:
    for k in range(5):
        save(sample_network(), file.with_name(f"{k}.kan"))
        assert file.with_name(f"{k}.kan").read_bytes() == file.read_bytes()


def test_a_wrong_checksum_is_refused(file: pathlib.Path) -> None:
    """One changed number, all sizes and names as they were."""
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    with pytest.raises(FileError, match="checksum does not fit"):
        load(file)


def test_saving_leaves_the_network_and_the_random_state_alone(tmp_path: pathlib.Path) -> None:
    net = sample_network()
    before, random = state_bytes(net), torch.get_rng_state()
    save(net, tmp_path / "a.kan")
    load(tmp_path / "a.kan")
    assert state_bytes(net) == before
    assert torch.equal(torch.get_rng_state(), random)
    assert os.listdir(tmp_path) == ["a.kan"]


# ---- writing: all or nothing


def test_overwrite_false_refuses_and_keeps_the_file(file: pathlib.Path) -> None:
    before = file.read_bytes()
    with pytest.raises(FileError, match="exists already; pass overwrite=True"):
        save(sample_network(torch.float64), file, overwrite=False)
    assert file.read_bytes() == before
    save(sample_network(torch.float64), file)
    assert load(file).dtype == torch.float64


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device"), MemoryError])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_interruption_leaves_the_old_file_and_nothing_else(
    error: Any, call: str, file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def interrupt(*_: object) -> None:
        raise error

    monkeypatch.setattr(container_module.os, call, interrupt)
    with pytest.raises(FileError if isinstance(error, OSError) else error):
        save(sample_network(torch.float64), file)
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of Unix")
def test_permissions_are_those_of_any_new_file_or_of_the_file_replaced(tmp_path: pathlib.Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    save(sample_network(), tmp_path / "a.kan")
    assert stat.S_IMODE((tmp_path / "a.kan").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    os.chmod(tmp_path / "a.kan", 0o640)
    save(sample_network(), tmp_path / "a.kan")
    assert stat.S_IMODE((tmp_path / "a.kan").stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="links of Unix")
def test_a_link_stays_a_link(file: pathlib.Path) -> None:
    link = file.with_name("link.kan")
    link.symlink_to(file)
    save(sample_network(torch.float64), link)
    assert link.is_symlink()
    assert load(file).dtype == torch.float64


def test_bad_places_are_refused_with_a_sentence(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileError, match="its folder does not exist"):
        save(sample_network(), tmp_path / "no" / "such" / "a.kan")
    with pytest.raises(FileError, match="it is a folder"):
        save(sample_network(), tmp_path)
    with pytest.raises(FileError, match="null"):
        save(sample_network(), "a\0b.kan")
    for path in (None, "", 3, b"a.kan"):
        with pytest.raises(InputError, match="'path' argument must be the path of a file"):
            save(sample_network(), path)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="'path' argument must be the path of a file"):
            load(path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="must be a KAN"):
        save(torch.nn.Linear(1, 1), tmp_path / "a.kan")  # type: ignore[arg-type]
    mixed = sample_network()
    mixed.layers[1].double()
    with pytest.raises(InputError, match="one floating dtype"):
        save(mixed, tmp_path / "a.kan")
    assert os.listdir(tmp_path) == []


def test_writers_at_once_leave_one_whole_file(tmp_path: pathlib.Path) -> None:
    nets = [KAN([2, 2, 1], seed=k) for k in range(4)]
    path = tmp_path / "net.kan"
    threads = [threading.Thread(target=lambda n=net: [save(n, path) for _ in range(5)]) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state_bytes(load(path)) in [state_bytes(net) for net in nets]
    assert os.listdir(tmp_path) == ["net.kan"]


# ---- reading: what is not a whole .kan file is refused


def test_missing_folder_and_other_files(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        load(tmp_path / "none.kan")
    with pytest.raises(FileError, match="folder"):
        load(tmp_path)
    for content in (b"", b"PK\x03\x04" + bytes(100), b"not a model, just text that goes on", bytes(1000)):
        (tmp_path / "x.kan").write_bytes(content)
        with pytest.raises(FileError, match=r"not a \.kan file"):
            load(tmp_path / "x.kan")
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "x.kan").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(FileError, match="not written by edgewise"):
        load(tmp_path / "x.kan")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
def test_a_pipe_is_refused_without_waiting(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe.kan")
    with pytest.raises(FileError, match="device"):
        load(tmp_path / "pipe.kan")


def test_truncation_anywhere_is_refused(file: pathlib.Path) -> None:
    data = file.read_bytes()
    # Every byte of the beginning and of the end, every seventh between.
    for cut in sorted({*range(40), *range(0, len(data), 7), *range(len(data) - 40, len(data))}):
        file.write_bytes(data[:cut])
        with pytest.raises(FileError):
            load(file)
    file.write_bytes(data + b"\0")
    with pytest.raises(FileError, match="cut off or damaged"):
        load(file)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[KAN, bytes]:
    path = tmp_path_factory.mktemp("flip") / "net.kan"
    save(sample_network(), path)
    return sample_network(), path.read_bytes()


@settings(max_examples=300)
@given(data=st.data())
def test_flipped_bits_are_refused_or_change_nothing(
    data: st.DataObject, saved: tuple[KAN, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.kan"
    net, raw = saved[0], bytearray(saved[1])
    for bit in data.draw(st.lists(st.integers(0, 8 * len(raw) - 1), min_size=1, max_size=3, unique=True)):
        raw[bit // 8] ^= 1 << bit % 8
    path.write_bytes(raw)
    try:
        again = load(path)
    except FileError:
        return
    # A flip that changes no content is possible: "\n" for a blank between two keys of the header.
    assert state_bytes(again) == state_bytes(net)
    assert again.spec == net.spec


@settings(max_examples=100)
@given(noise=st.binary(max_size=400), head=st.sampled_from([b"", b"{", b'{"__metadata__":', b"[" * 300]))
def test_noise_is_refused(noise: bytes, head: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("noise") / "net.kan"
    for length in (len(head + noise), 2**63, 5):
        path.write_bytes(struct.pack("<Q", length) + head + noise)
        with pytest.raises(FileError):
            load(path)
