"""Hostile files: consistent in themselves, so that only the checks of meaning can refuse them."""

from __future__ import annotations

import hashlib
import json
import pathlib
import struct
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from edgewise import FileError
from edgewise.network import load, save

from .builders import sample_network, state_bytes


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "sample.kan"
    save(sample_network(), path)
    return path


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
    document.pop("sha256")
    digest = hashlib.sha256(json.dumps(document).encode())
    header: dict[str, Any] = {}
    body = b""
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
    header["__metadata__"] = {"edgewise": json.dumps({**document, "sha256": digest.hexdigest()})}
    packed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed)) + packed + body)


def test_a_forged_file_without_a_change_is_read(file: pathlib.Path) -> None:
    forge(file, lambda document, tensors: None)
    assert state_bytes(load(file)) == state_bytes(sample_network())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_of_a_model_is_nan_or_infinite(file: pathlib.Path, value: float) -> None:
    original = file.read_bytes()
    names = [name for name, tensor in load_file(file).items() if tensor.is_floating_point()]
    assert {"input_shift", "input_scale", "output_shift", "output_scale"} < set(names)
    for name in names:

        def spoilt(_: dict[str, Any], tensors: dict[str, torch.Tensor], name: str = name) -> None:
            tensors[name].view(-1)[-1] = value

        file.write_bytes(original)
        forge(file, spoilt)
        with pytest.raises(FileError):
            load(file)


def test_nor_one_of_its_description(file: pathlib.Path) -> None:
    forge(file, lambda document, _: document.update(written_by=[{"at": float("nan")}]))
    with pytest.raises(FileError):
        load(file)


def test_no_input_is_divided_by_zero(file: pathlib.Path) -> None:
    forge(file, lambda _, tensors: tensors["input_scale"].zero_())
    with pytest.raises(FileError):
        load(file)


def first(document: dict[str, Any]) -> dict[str, Any]:
    return document["network"]["layers"][0]


HOSTILE: dict[str, tuple[Callable[[dict[str, Any], dict[str, torch.Tensor]], object], str]] = {
    "newer": (lambda d, t: d.update(format=3), "newer edgewise .*upgrade"),
    "format of another kind": (lambda d, t: d.update(format=2), "a KAN is of format 1, not 2"),
    "newest": (lambda d, t: d.update(format=10**4000), "newer edgewise .*upgrade"),
    "no format": (lambda d, t: d.update(format=0), "no format 0"),
    "format true": (lambda d, t: d.update(format=True), "cannot be read"),
    "kind": (lambda d, t: d.update(kind="forest"), "does not hold a KAN but 'forest'"),
    "no kind": (lambda d, t: d.pop("kind"), "does not hold a KAN but None"),
    "dtype": (lambda d, t: d.update(dtype="F8"), "'dtype' argument"),
    "dtype list": (lambda d, t: d.update(dtype=["F32"]), "'dtype' argument"),
    "bool": (lambda d, t: d.update(dtype="BOOL"), "'dtype' argument"),
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
    "infinite": (lambda d, t: first(d).update(intervals=float("inf")), "NaN or infinite"),
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
