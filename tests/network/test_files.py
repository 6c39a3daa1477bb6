"""Save and load: bit for bit, all or nothing, and no damaged or hostile file gets past `load`."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import stat
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file

from edgewise import FileError, InputError
from edgewise.network import KAN, Nodes, load, remove_inputs, save, set_symbolic
from edgewise.network import container as container_module

from .builders import inputs_of, networks, state_bytes


def sample(dtype: torch.dtype = torch.float32) -> KAN:
    net = KAN([2, Nodes(1, (2,)), 1], input_names=["mass", "length"], intervals=3, seed=0, dtype=dtype)
    return set_symbolic(net, (0, 0, 0), "x*exp(-x)", (0.5, 1.0, 0.25, -1.0)).network


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "sample.kan"
    save(sample(), path)
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
    net = sample().to(dtype)
    save(net, tmp_path / "net.kan")
    again = load(tmp_path / "net.kan")
    assert again.dtype == dtype
    assert state_bytes(again) == state_bytes(net)


def test_nan_payloads_infinities_and_signed_zeros_come_back(tmp_path: pathlib.Path) -> None:
    for dtype, whole, patterns in (
        (torch.float32, torch.int32, [0x7FC12345, 0x7F800001, -0x00400001, 0x7F800000, -0x80000000, 1]),
        (
            torch.float64,
            torch.int64,
            [0x7FF8000000ABCDEF, 0x7FF0000000000001, -2, 0x7FF << 52, -(1 << 63), 1],
        ),
    ):
        net = sample(dtype)
        odd = torch.tensor(patterns, dtype=whole)
        net.layers[0].coef.data.view(whole).reshape(-1)[: len(odd)] = odd
        assert net.layers[0].affine is not None
        net.layers[0].affine.data.view(whole)[0, :] = odd[:4]
        net.output_shift.view(whole)[0] = odd[1]
        save(net, tmp_path / "nan.kan")
        assert state_bytes(load(tmp_path / "nan.kan")) == state_bytes(net)


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
        name: t.tolist() for name, t in sample().state_dict().items()
    }
    with safe_open(file, framework="pt") as opened:
        document = json.loads(opened.metadata()["edgewise"])
    assert document["format"] == 1
    assert document["kind"] == "KAN"


def test_saving_leaves_the_network_and_the_random_state_alone(tmp_path: pathlib.Path) -> None:
    net = sample()
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
        save(sample(torch.float64), file, overwrite=False)
    assert file.read_bytes() == before
    save(sample(torch.float64), file)
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
        save(sample(torch.float64), file)
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of Unix")
def test_permissions_are_those_of_any_new_file_or_of_the_file_replaced(tmp_path: pathlib.Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    save(sample(), tmp_path / "a.kan")
    assert stat.S_IMODE((tmp_path / "a.kan").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    os.chmod(tmp_path / "a.kan", 0o640)
    save(sample(), tmp_path / "a.kan")
    assert stat.S_IMODE((tmp_path / "a.kan").stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="links of Unix")
def test_a_link_stays_a_link(file: pathlib.Path) -> None:
    link = file.with_name("link.kan")
    link.symlink_to(file)
    save(sample(torch.float64), link)
    assert link.is_symlink()
    assert load(file).dtype == torch.float64


def test_bad_places_are_refused_with_a_sentence(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileError, match="its folder does not exist"):
        save(sample(), tmp_path / "no" / "such" / "a.kan")
    with pytest.raises(FileError, match="it is a folder"):
        save(sample(), tmp_path)
    with pytest.raises(FileError, match="null"):
        save(sample(), "a\0b.kan")
    for path in (None, "", 3, b"a.kan"):
        with pytest.raises(InputError, match="'path' argument must be the path of a file"):
            save(sample(), path)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="'path' argument must be the path of a file"):
            load(path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="must be a KAN"):
        save(torch.nn.Linear(1, 1), tmp_path / "a.kan")  # type: ignore[arg-type]
    mixed = sample()
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
    save(sample(), path)
    return sample(), path.read_bytes()


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


# ---- hostile files: consistent in themselves, so that only the checks of meaning can refuse them


def forge(
    path: pathlib.Path,
    change: Callable[[dict[str, Any], dict[str, torch.Tensor]], object],
    entries: Callable[[dict[str, Any]], None] = lambda header: None,
) -> None:
    """Rewrite a file with a changed description and changed tensors, its checksum made to fit."""
    with safe_open(path, framework="pt") as opened:
        document = json.loads(opened.metadata()["edgewise"])
    tensors = load_file(path)
    change(document, tensors)
    text = json.dumps(document)
    header: dict[str, Any] = {}
    body = b""
    digest = hashlib.sha256(text.encode())
    codes = {torch.float32: "F32", torch.float64: "F64", torch.bool: "BOOL", torch.uint8: "BOOL"}
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": codes[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(body), len(body) + len(raw)],
        }
        digest.update(f"\n{name} {(codes[tensor.dtype], tuple(tensor.shape))} ".encode())
        digest.update(raw)
        body += raw
    entries(header)
    header["__metadata__"] = {"edgewise": text, "sha256": digest.hexdigest()}
    packed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed)) + packed + body)


def test_a_forged_file_without_a_change_is_read(file: pathlib.Path) -> None:
    forge(file, lambda document, tensors: None)
    assert state_bytes(load(file)) == state_bytes(sample())


def first(document: dict[str, Any]) -> dict[str, Any]:
    return document["network"]["layers"][0]


HOSTILE: dict[str, tuple[Callable[[dict[str, Any], dict[str, torch.Tensor]], object], str]] = {
    "newer": (lambda d, t: d.update(format=2), "newer edgewise .*upgrade"),
    "newest": (lambda d, t: d.update(format=10**4000), "newer edgewise .*upgrade"),
    "no format": (lambda d, t: d.update(format=0), "no format 0"),
    "format true": (lambda d, t: d.update(format=True), "cannot be read"),
    "kind": (lambda d, t: d.update(kind="forest"), "does not hold a KAN but 'forest'"),
    "no kind": (lambda d, t: d.pop("kind"), "does not hold a KAN but None"),
    "dtype": (lambda d, t: d.update(dtype="F8"), "'dtype' of the network"),
    "dtype list": (lambda d, t: d.update(dtype=["F32"]), "'dtype' of the network"),
    "bool": (lambda d, t: d.update(dtype="BOOL"), "'dtype' of the network"),
    "no network": (lambda d, t: d.pop("network"), "description of the network is missing"),
    "network list": (lambda d, t: d.update(network=[1, 2]), "description of a network"),
    "no layers": (lambda d, t: d["network"].update(layers=[]), "at least inputs and outputs"),
    "layer text": (lambda d, t: d["network"].update(layers=["a"]), "description of a network"),
    "names text": (lambda d, t: d["network"].update(input_names="ab"), "single string"),
    "names twice": (lambda d, t: d["network"].update(input_names=["a", "a"]), "distinct"),
    "too few names": (lambda d, t: d["network"].update(input_names=["a"]), "2 names"),
    "name number": (lambda d, t: d["network"].update(input_names=["a", 7]), "non-empty strings"),
    "huge": (lambda d, t: first(d).update(intervals=10**15), "must be"),
    "huger": (lambda d, t: first(d).update(intervals=10**4298), "damaged"),
    "no intervals": (lambda d, t: first(d).update(intervals=0), "'intervals'"),
    "part intervals": (lambda d, t: first(d).update(intervals=3.0), "'intervals'"),
    "infinite": (lambda d, t: first(d).update(intervals=float("inf")), "'intervals'"),
    "degree": (lambda d, t: first(d).update(degree=6, intervals=1), "'degree'"),
    "basis": (lambda d, t: first(d).update(basis="wavelet"), "'basis'"),
    "base": (lambda d, t: first(d).update(base="os.system"), "'base'"),
    "bias": (lambda d, t: first(d).update(bias=1), "'bias'"),
    "no bias": (lambda d, t: first(d).update(bias=False), "nothing is known of the numbers 'layers.0.bias'"),
    "width": (lambda d, t: first(d)["nodes"].update(sums=2), "Consecutive layers"),
    "arity": (lambda d, t: first(d)["nodes"].update(products=[1]), "'products'"),
    "arity text": (lambda d, t: first(d)["nodes"].update(products="23"), "'products'"),
    "source": (lambda d, t: first(d)["symbolic"][0].update(source=2), "'source'"),
    "target": (lambda d, t: first(d)["symbolic"][0].update(target=-1), "'target'"),
    "twice": (lambda d, t: first(d)["symbolic"].append(first(d)["symbolic"][0]), "one edge twice"),
    "code": (lambda d, t: first(d)["symbolic"][0].update(form="__import__('os').system('true')"), "damaged"),
    "code in x": (lambda d, t: first(d)["symbolic"][0].update(form="x.__class__"), "damaged"),
    "lambda": (lambda d, t: first(d)["symbolic"][0].update(form="(lambda: x)()"), "damaged"),
    "long form": (lambda d, t: first(d)["symbolic"][0].update(form="*".join("x" * 5000)), "1,000 characters"),
    "deep form": (lambda d, t: first(d)["symbolic"][0].update(form="(" * 400 + "x" + ")" * 400), "nested"),
    "form list": (lambda d, t: first(d)["symbolic"][0].update(form=["sin"]), "'form'"),
    "no symbolic": (
        lambda d, t: first(d).update(symbolic=[]),
        "nothing is known of the numbers 'layers.0.affine'",
    ),
    "unknown": (lambda d, t: t.update(extra=torch.zeros(1)), "nothing is known of the numbers 'extra'"),
    "missing": (lambda d, t: t.pop("input_scale"), "'input_scale' are missing"),
    "shape": (lambda d, t: t.update(input_scale=torch.ones(3)), "input_scale must be"),
    "dtypes": (lambda d, t: t.update(input_scale=torch.ones(2).double()), "input_scale must be"),
    "grid order": (lambda d, t: t.update({"layers.0.grid": t["layers.0.grid"].flip(1)}), "strictly increase"),
    "grid nan": (lambda d, t: t["layers.0.grid"][0, 1:2].fill_(float("nan")), "finite"),
    "grid tie": (lambda d, t: t["layers.0.grid"][1, 1:3].fill_(0.0), "strictly increase"),
    "mask": (
        lambda d, t: t.update({"layers.0.mask": t["layers.0.mask"].to(torch.uint8) * 7}),
        "0 and 1 only",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_with_a_sentence(case: str, file: pathlib.Path) -> None:
    change, message = HOSTILE[case]
    forge(file, change)
    with pytest.raises(FileError, match=message) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "entry",
    [
        {"data_offsets": [4, 12]},
        {"data_offsets": [0, 10**18]},
        {"data_offsets": [-8, 0]},
        {"data_offsets": [0.0, 8.0]},
        {"data_offsets": "08"},
        {"data_offsets": None},
        {"shape": [2**62, 0]},
        {"shape": [-2]},
        {"shape": 2},
        {"dtype": "F64"},
        {"dtype": 3},
        None,
    ],
)
def test_forged_tables_are_refused(entry: dict[str, Any] | None, file: pathlib.Path) -> None:
    def entries(header: dict[str, Any]) -> None:
        header["input_scale"] = None if entry is None else {**header["input_scale"], **entry}

    forge(file, lambda document, tensors: None, entries)
    with pytest.raises(FileError, match="input_scale"):
        load(file)


def test_absurd_sizes_are_refused_before_anything_is_allocated(file: pathlib.Path) -> None:
    """A network of 8 exabytes whose description and table agree: only the size of the file tells."""
    wide = 10**6

    def change(document: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        first(document).update(intervals=10**12)

    def entries(header: dict[str, Any]) -> None:
        header["layers.0.coef"].update(shape=[2, 10**12 + 3, 3], data_offsets=[0, 8 * wide])
        header["layers.0.grid"].update(shape=[2, 10**12 + 1])

    forge(file, change, entries)
    with pytest.raises(FileError, match="damaged"):
        load(file)


def test_a_sparse_file_with_a_giant_header_is_refused_at_once(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "giant.kan"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 2**36))
        file.truncate(2**37)
    with pytest.raises(FileError, match=r"not a \.kan file"):
        load(path)
