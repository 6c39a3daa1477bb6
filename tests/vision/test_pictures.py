"""Folders of pictures as people have them, and the commands that take them."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgewise as ew
from edgewise import FileError, InputError
from edgewise.cli import main
from edgewise.vision import ImageClassifier, pictures, plot_evidence, read_folder, training

image = pytest.importorskip("PIL.Image")


def put(path: Path, array: np.ndarray, mode: str | None = None, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = image.fromarray(array)
    (made if mode is None else made.convert(mode)).save(path, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for k in range(14):
        side = 20 + k % 3
        for label, level in (("dark", 40), ("light", 180)):
            put(
                tmp_path / "set" / label / f"{k}.png",
                rng.integers(0, 50, (side, side + 4), dtype=np.uint8) + level,
            )
    return tmp_path / "set"


def test_classes_are_subfolders_and_sizes_are_made_equal(folder: Path) -> None:
    found = read_folder(folder)
    assert found.pictures.shape == (28, 21, 25, 1)
    assert set(found.labels) == {"dark", "light"}
    assert read_folder(folder, size=(8, 10), channels=3).pictures.shape == (28, 8, 10, 3)
    model = ImageClassifier(parameters=1500, epochs=15, seed=0).fit(folder)
    assert model.score(found.pictures, list(found.labels)) > 0.9
    with pytest.raises(InputError, match="must be left out where 'X' is a folder"):
        ImageClassifier().fit(folder, [0])


def test_kinds_of_pictures_are_read_as_they_are_seen(tmp_path: Path) -> None:
    corner = np.zeros((10, 10, 3), dtype=np.uint8)
    corner[:3, :3] = 255
    put(tmp_path / "a" / "plain.png", corner)
    exif = image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    put(tmp_path / "a" / "turned.jpg", corner, exif=exif, quality=95)
    put(tmp_path / "b" / "palette.gif", corner, "P")
    clear = np.zeros((10, 10, 4), dtype=np.uint8)
    clear[5:] = (10, 20, 30, 255)
    put(tmp_path / "b" / "clear.png", clear)
    put(tmp_path / "b" / "deep.png", np.full((10, 10), 32768, dtype=np.uint16))
    put(tmp_path / "b" / "bits.png", corner[..., 0], "1")
    found = read_folder(tmp_path)
    seen = {file.name: picture.numpy() for file, picture in zip(found.files, found.pictures, strict=True)}
    assert seen["plain.png"][0, 0].tolist() == [255, 255, 255]
    assert seen["turned.jpg"][1, 8].min() > 200
    assert seen["turned.jpg"][1, 1].max() < 60
    assert seen["palette.gif"][0, 0].tolist() == [255, 255, 255]
    assert seen["clear.png"][0, 0].tolist() == [255, 255, 255]
    assert seen["clear.png"][9, 0].tolist() == [10, 20, 30]
    assert abs(int(seen["deep.png"][0, 0, 0]) - 127) <= 1
    assert seen["bits.png"][0, 0, 0] == 255


def test_damaged_files_are_named(folder: Path) -> None:
    (folder / "dark" / "broken.png").write_bytes(b"\x89PNG nothing")
    whole = (folder / "light" / "0.png").read_bytes()
    (folder / "light" / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match=r"2 files cannot be read as pictures: .*broken\.png"):
        read_folder(folder)
    found = read_folder(folder, skip_damaged=True)
    assert len(found.files) == 28
    assert len(found.damaged) == 2


def test_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        read_folder(tmp_path / "none")
    with pytest.raises(FileError, match="must have a subfolder of pictures for each class"):
        read_folder(tmp_path)


def run(*words: object) -> object:
    """Exit code of a command."""
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


def test_the_commands_learn_and_predict(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.kan"
    assert run("fit-images", folder, "-o", model, "-e", "3", "-p", "1500", "--json", "--quiet") == 0
    assert json.loads(capsys.readouterr().out)["classes"] == ["dark", "light"]
    (folder / "dark" / "broken.png").write_bytes(b"nothing")
    out = tmp_path / "out.csv"
    assert run("predict", model, folder, "-o", out) == 0
    assert "1 could not be read" in " ".join(capsys.readouterr().err.split())
    lines = out.read_text().splitlines()
    assert lines[0].replace('"', "") == "file,class,p(dark),p(light)"
    assert len(lines) == 29
    for words in (
        ("audit", model, out, "-t", "class", "-p", "sex"),
        ("export", model, "--to", "numpy"),
        ("verify", model, "output <= 1"),
    ):
        assert run(*words) == 2
        assert "a classifier of pictures" in " ".join(capsys.readouterr().err.split())
    assert run("fit-images", folder, "-o", model) == 2
    assert "--force" in capsys.readouterr().err


def test_what_cannot_be_learned_from_is_told_in_words_of_folders(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model.kan"
    for place, message in (
        (folder, "2 files cannot be read as pictures: {}/dark/a.png (empty); {}/dark/b.png (of no kind of picture"),
        (tmp_path / "one", "The folder '{}' must have pictures in subfolders of at least two classes. Got one, 'light'"),
        (tmp_path / "none", "The folder '{}' of pictures does not exist"),
    ):  # fmt: skip
        (folder / "dark" / "a.png").write_bytes(b"")
        (folder / "dark" / "b.png").write_bytes(b"nothing")
        if place.name == "one":
            put(place / "light" / "0.png", np.zeros((8, 8), np.uint8))
        assert run("fit-images", place, "-o", out) == 2
        assert message.replace("{}", str(place)) in capsys.readouterr().err
    with pytest.raises(InputError, match="at least two classes"):
        ImageClassifier().fit(tmp_path / "one")
    assert run("fit-images", folder, "-o", out, "-e", "1", "-p", "1500", "--skip-damaged") == 0
    assert " of 2 held out classified correctly (" in capsys.readouterr().out
    for state, message in ((out, "must be two"), (tmp_path / "no" / "state", "its folder does not exist")):
        assert run("fit-images", folder, "-o", out, "--force", "--skip-damaged", "--checkpoint", state) == 2
        assert message in capsys.readouterr().err
    assert run("predict", out, tmp_path / "none") == 2
    assert "does not exist" in capsys.readouterr().err
    (tmp_path / "void").mkdir()
    assert run("predict", out, tmp_path / "void") == 2
    assert "must have pictures in it" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_leaves_a_model_and_a_checkpoint_to_go_on_from(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, state = tmp_path / "model.kan", tmp_path / "state"
    advance, calls = training._Run.advance, list[int]()

    def pressed(run: training._Run) -> None:
        calls.append(run.epoch)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        advance(run)

    monkeypatch.setattr(training._Run, "advance", pressed)
    words = ("fit-images", folder, "-o", model, "-e", "9", "-p", "1500", "--checkpoint", state)
    assert run(*words) == 130
    told = " ".join(capsys.readouterr().out.split())
    found = re.search(r"interrupted in epoch (\d) of 9 \(--checkpoint goes on after epoch (\d)\)", told)
    assert found is not None
    done = int(found[2])
    assert done in (2, 3)  # heard within the epoch, or when its end was told
    assert int(found[1]) == done + 1
    assert run("predict", model, folder, "-q") == 0
    assert run(*words, "--force", "-q") == 0
    assert calls[3:] == list(range(done, 9))


@pytest.mark.slow
def test_a_picture_is_explained_and_a_folder_reported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, state = tmp_path / "model.kan", tmp_path / "state"
    options = (
        "--kind",
        "patches",
        "--features",
        "3",
        "-e",
        "2",
        "-p",
        "1500",
        "--checkpoint",
        state,
        "--quiet",
    )
    assert run("fit-images", folder, "-o", model, *options) == 0
    capsys.readouterr()
    picture, drawn = folder / "light" / "0.png", tmp_path / "evidence.png"
    assert run("explain", model, picture, "-o", drawn, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    for label, logit in told["logits"].items():
        total = told["constants"][label] + np.sum(told["evidence"][label])
        np.testing.assert_allclose(total, logit, atol=1e-5)
    first = told["strongest"][0]["above_mean"]
    every = np.array(list(told["evidence"].values()))
    own = list(told["evidence"]).index(told["explained"])
    np.testing.assert_allclose(first, (every[own] - every.mean(0)).max())
    with image.open(drawn) as opened:
        assert opened.size[0] > 500
    assert run("explain", model, picture) == 0
    text = capsys.readouterr().out
    assert "less their means over the classes" in text
    # The same numbers as the drawing's.
    table = {
        name: parts for name, *parts in re.findall(r"^(\w+) +([+-]\S+) +([+-]\S+) +([+-]\S+) ", text, re.M)
    }
    for axes in plot_evidence(ew.load(model).evidence(picture)).axes[1:]:
        name, logit, *parts = re.findall(r"light|dark|[+−][0-9.]+", axes.get_title())
        drawn_as = [float(part.replace("−", "-")) for part in (*parts, logit)]
        np.testing.assert_allclose([float(column) for column in table.pop(name)], drawn_as, atol=0.0051)
    assert not table
    page = tmp_path / "page.html"
    assert run("report", model, folder, "-o", page, "--json") == 0
    assert json.loads(capsys.readouterr().out)["known"] == "held out"
    assert page.read_text().count("data:image") > 5
    assert run("report", model, folder, "-o", page, "--no-rows", "--test", "1", "--force") == 0
    assert "learned from" in capsys.readouterr().out
    assert 'alt="Patch' not in page.read_text()
    (folder / "light" / "0.png").unlink()
    assert run("report", model, folder, "-o", page, "--force") == 0
    assert "others" in capsys.readouterr().out


@pytest.mark.slow
def test_questions_that_pictures_have_no_answer_to_are_one_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, picture = tmp_path / "model.kan", folder / "dark" / "0.png"
    assert run("fit-images", folder, "-o", model, "-e", "1", "-p", "1500", "--quiet") == 0
    (tmp_path / "bad.png").write_bytes(b"nothing")
    (folder / "grey").mkdir()
    (folder / "grey" / "0.png").write_bytes(picture.read_bytes())
    capsys.readouterr()
    for words, message in (
        (("explain", model), "A picture must be named"),
        (("explain", model, folder), "must be one file"),
        (("explain", model, tmp_path / "none.png"), "does not exist"),
        (("explain", model, tmp_path / "bad.png"), "cannot be read as pictures"),
        (("explain", model, picture, "--row", "1"), "--row must be left out"),
        (("explain", model, picture, "--output", "cow"), "one the model knows"),
        (("explain", model, picture, "-o", tmp_path / "e.gif"), "must end in"),
        (("explain", model, picture, "-o", tmp_path / "e.png"), "must be 'patches'"),
        (("report", model, picture, "-o", tmp_path / "r.html"), "must be a folder"),
        (("report", model, folder, "-o", tmp_path / "r.html"), "must be classes that the model learned"),
        (("report", model, folder, "-t", "y", "-o", tmp_path / "r.html"), "--target must be left out"),
    ):
        assert run(*words) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert message in told
        assert "Traceback" not in told
    assert run("explain", model, picture) == 0
    assert "no evidence that adds up" in capsys.readouterr().out
    assert run("export", model, "--to", "c") == 2
    assert "torch or onnx for a classifier of pictures" in " ".join(capsys.readouterr().err.split())
    source = tmp_path / "network.py"
    assert run("export", model, "-o", source, "--quiet") == 0
    assert run("export", model, "--to", "torch") == 0
    assert capsys.readouterr().out == source.read_text()


def test_folders_and_files_are_predicted_and_judged_like_their_pictures(folder: Path) -> None:
    model = ImageClassifier("patches", parameters=1500, epochs=2, seed=0).fit(folder)
    c = model.config_
    found = read_folder(folder, (c.height, c.width), c.channels)
    assert model.predict(folder).tolist() == model.predict(found.pictures).tolist()
    assert model.score(folder) == model.score(found.pictures, list(found.labels))
    assert model.predict(found.files[3]).tolist() == model.predict(found.pictures[3:4]).tolist()
    one = model.evidence(str(found.files[3]))
    np.testing.assert_array_equal(one.logits, model.evidence(found.pictures[3]).logits)


@pytest.mark.slow
def test_classes_never_learned_count_as_wrong_and_are_named(folder: Path) -> None:
    model = ImageClassifier(parameters=1500, epochs=6, seed=0).fit(folder)
    known = model.score(folder)
    (folder / "light").rename(folder / "Light")
    with pytest.warns(UserWarning, match=r"14 pictures of 28 counted .*: 'Light'; it knows 'dark', 'light'"):
        assert model.score(folder) <= known - 0.4
    # Names of subfolders stand for classes that are numbers.
    pictures_, labels = read_folder(folder).pictures, np.repeat([1, 0], 14)
    model = ImageClassifier(parameters=1500, epochs=6, seed=0).fit(pictures_, labels)
    for old, new in (("dark", "0"), ("Light", "1")):
        (folder / old).rename(folder / new)
    assert (
        model.score(folder) == model.score(pictures_, labels) == model.score(pictures_, labels.astype(float))
    )


def test_a_subfolder_without_pictures_is_named(folder: Path) -> None:
    (folder / "seen").mkdir()
    (folder / "seen" / "0.heic").write_bytes(b"of a kind that is not read")
    with pytest.warns(UserWarning, match=r"1 subfolder of .*, 'seen', without pictures \(.png"):
        assert set(read_folder(folder).labels) == {"dark", "light"}


def test_what_is_hidden_is_no_class_and_no_picture(folder: Path) -> None:
    before = read_folder(folder)
    for place in (folder / ".ipynb_checkpoints", folder / "dark" / ".thumbs"):
        place.mkdir()
        (place / "0.png").write_bytes((folder / "dark" / "0.png").read_bytes())
    (folder / "dark" / "._0.png").write_bytes(b"of another system")
    assert read_folder(folder).files == before.files


@pytest.mark.parametrize("options", [{"size": 0}, {"size": (8, 0)}, {"size": "8"}, {"channels": 2}])
def test_sizes_and_channels_that_are_none_are_refused(folder: Path, options: dict[str, Any]) -> None:
    assert read_folder(folder, size=8).pictures.shape[1:3] == (8, 8)
    with pytest.raises(InputError, match=next(iter(options))):
        read_folder(folder, **options)


@pytest.mark.slow
def test_no_more_than_one_picture_is_held_at_its_full_size(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [(20 + k % 3, 24 + k % 3) for k in range(14)]
    alive, most, own = list[weakref.ref[Any]](), 0, pictures._upright

    def counted(file: Path) -> Any:
        nonlocal most
        gc.collect()
        most = max(most, 1 + sum(item() is not None for item in alive))
        made = own(file)
        alive.append(weakref.ref(made))
        return made

    monkeypatch.setattr(pictures, "_upright", counted)
    gc.freeze()  # what other tests keep alive would be looked through with every picture
    try:
        found = read_folder(folder)
    finally:
        gc.unfreeze()
    assert found.pictures.shape[1:3] == tuple(int(side) for side in np.median(whole, axis=0))
    assert (len(alive), most) == (28, 1)


def test_damaged_files_have_no_say_in_size_and_colour(folder: Path) -> None:
    """Files whose header is whole and whose rest is not: the others are read as if they were not there."""
    plain = read_folder(folder)
    put(
        folder / "dark" / "large.png",
        np.random.default_rng(1).integers(0, 255, (300, 300, 3), dtype=np.uint8),
    )
    whole = (folder / "dark" / "large.png").read_bytes()
    (folder / "dark" / "large.png").write_bytes(whole[: len(whole) // 2])
    found = read_folder(folder, skip_damaged=True)
    assert (found.pictures == plain.pictures).all()
    assert (found.files, len(found.damaged)) == (plain.files, 1)


def test_a_picture_whose_notes_are_damaged_is_read_in_silence(tmp_path: Path) -> None:
    exif = image.Exif()
    exif[0x0112] = 6
    put(tmp_path / "a" / "one.jpg", np.full((10, 10, 3), 90, dtype=np.uint8), exif=exif)
    whole = (tmp_path / "a" / "one.jpg").read_bytes()
    at = whole.index(b"Exif") + 10
    (tmp_path / "a" / "one.jpg").write_bytes(whole[:at] + b"\xff" * 8 + whole[at + 8 :])
    assert read_folder(tmp_path).pictures.shape == (1, 10, 10, 3)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(FileError, match=r"No file could be read as a picture: .*notes\.txt"):
        pictures.read_files([tmp_path / "notes.txt"], None, None, skip_damaged=True)
