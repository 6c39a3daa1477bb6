"""Pictures to classes: arrays of every shape, the same bits again, files, and what cannot be learned from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

import edgewise as ew
from edgewise import FileError, InputError, StopReason
from edgewise.vision import ImageClassifier, ImageConfig, as_kan, build


def marks(n: int = 120, side: int = 8, channels: int = 0, seed: int = 0) -> tuple[Any, Any]:
    """Noise with a bright bar that stands or lies."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 90, (n, side, side, max(channels, 1)), dtype=np.uint8)
    y = np.arange(n) % 2
    for k in range(n):
        at = rng.integers(1, side - 2)
        bar = (slice(at, at + 1), slice(1, side - 1))
        X[(k, *(bar if y[k] else bar[::-1]))] += 140
    return (X if channels else X[..., 0]), np.where(y == 1, "lying", "standing")


def quick(**options: Any) -> ImageClassifier:
    return ImageClassifier(**{"parameters": 1500, "epochs": 12, "seed": 0, **options})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kan", "patches", "cnn"])
@pytest.mark.parametrize("channels", [0, 3])
def test_bars_are_told_apart(kind: str, channels: int) -> None:
    X, y = marks(channels=channels)
    model = quick(kind=kind).fit(X, y)
    fresh, truth = marks(80, channels=channels, seed=1)
    assert model.score(fresh, truth) >= 0.9
    assert model.classes_.tolist() == ["lying", "standing"]
    chances = model.predict_proba(fresh)
    np.testing.assert_allclose(chances.sum(1), 1)
    assert (model.classes_[chances.argmax(1)] == model.predict(fresh)).all()
    assert model.stop_reason_ == StopReason.MOST_STEPS
    assert len(model.history_) == 12
    assert sum(p.numel() for p in model.network_.parameters()) <= 1500


def test_whole_numbers_and_shares_are_the_same_pictures() -> None:
    X, y = marks(40)
    first, second = (quick(epochs=2).fit(item, y) for item in (X, X / 255.0))
    np.testing.assert_allclose(first.predict_proba(X), second.predict_proba(X / 255.0), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kan", "cnn"])
def test_what_learns_from_mirrored_pictures_judges_both_alike(kind: str, tmp_path: Path) -> None:
    X, y = marks(60)
    model = quick(kind=kind, flip=True, epochs=2).fit(X, y)
    np.testing.assert_allclose(model.logits(X), model.logits(X[:, :, ::-1]), rtol=1e-5, atol=1e-5)
    alone = quick(kind=kind, flip=True, epochs=2, settings={"mirrored": False}).fit(X, y)
    both = (alone.logits(X) + alone.logits(X[:, :, ::-1])) / 2
    np.testing.assert_allclose(model.logits(X), both, rtol=1e-5, atol=1e-5)
    ew.save(model, tmp_path / "m.kan")
    assert (ew.load(tmp_path / "m.kan").logits(X) == model.logits(X)).all()
    if kind == "kan":
        with pytest.raises(InputError, match="mirrored"):
            as_kan(model)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kan", "patches", "cnn"])
def test_the_same_seed_gives_the_same_bits_also_from_a_checkpoint(tmp_path: Path, kind: str) -> None:
    X, y = marks(40)
    few = partial(quick, kind=kind, parameters=900)
    whole = few(epochs=4).fit(X, y)
    assert np.array_equal(whole.predict_proba(X), few(epochs=4).fit(X, y).predict_proba(X))
    assert not np.array_equal(whole.predict_proba(X), few(epochs=4, seed=1).fit(X, y).predict_proba(X))
    place = tmp_path / "state"
    broken = few(epochs=4, checkpoint=place, callbacks=[lambda record: record.step == 2]).fit(X, y)
    assert broken.stop_reason_ == StopReason.CALLBACK
    assert len(broken.history_) == 2
    told = list[Any]()
    resumed = few(epochs=4, checkpoint=place, callbacks=[told.append]).fit(X, y)
    assert all(
        np.isfinite(record.loss) for record in told if record.step
    )  # also of the epoch it goes on from
    assert np.array_equal(whole.predict_proba(X), resumed.predict_proba(X))
    with pytest.raises(FileError, match="belongs to another fit"):
        few(epochs=5, checkpoint=place).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kan", "patches", "cnn", "mlp"])
def test_files_keep_every_bit(kind: str, tmp_path: Path) -> None:
    X, y = marks(30)
    model = quick(kind=kind, epochs=1).fit(X, y == "lying")
    ew.save(model, tmp_path / "model.kan")
    again = ew.load(tmp_path / "model.kan")
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.predict(X).dtype == bool
    assert again.get_params()["kind"] == kind
    damaged = (tmp_path / "model.kan").read_bytes()
    (tmp_path / "model.kan").write_bytes(damaged[:-9] + b"x" * 9)
    with pytest.raises(FileError):
        ew.load(tmp_path / "model.kan")
    with pytest.raises(InputError, match="must be fitted"):
        ew.save(quick(), tmp_path / "other.kan")


@pytest.mark.slow
def test_a_rare_class_counts_as_much_where_asked() -> None:
    X, y = marks(200)
    keep = np.flatnonzero((y == "standing") | (np.arange(200) % 20 == 1))
    fresh, truth = marks(100, seed=3)
    plain, balanced = (quick(class_weight=w, epochs=3).fit(X[keep], y[keep]) for w in (None, "balanced"))
    odds = [np.log(model.predict_proba(fresh)[truth == "lying"]) @ [1, -1] for model in (plain, balanced)]
    assert odds[1].mean() > odds[0].mean() + 0.4


def test_patience_ends_it_and_takes_the_best() -> None:
    X, y = marks(60)
    noise = np.random.default_rng(0).permutation(y)
    model = quick(epochs=60, patience=2, validation=0.3).fit(X, noise)
    assert model.stop_reason_ == StopReason.NO_IMPROVEMENT
    held = [record.validation for record in model.history_]
    assert len(held) - 1 - int(np.argmin(held)) > 2
    assert len(held) < 60


def test_scikit_learn_can_clone_and_read_it() -> None:
    model = quick(kind="patches", settings={"depth": 1, "rate": 1e-3})
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert clone(model).set_params(epochs=3).epochs == 3
    X, y = marks(20)
    assert again.set_params(epochs=1).fit(X, y).config_.depth == 1


def test_it_learns_where_a_caller_has_switched_gradients_off() -> None:
    X, y = marks(40)
    with torch.no_grad():
        model = quick(epochs=1).fit(X, y)
    assert np.array_equal(model.logits(X), quick(epochs=1).fit(X, y).logits(X))


@pytest.mark.slow
def test_decisions_between_two_classes_are_log_odds_and_scikit_learn_can_score_by_them() -> None:
    X, y = marks(60)
    model = quick(epochs=1).fit(X, y)
    logits, chances = model.logits(X), model.predict_proba(X)
    np.testing.assert_allclose(model.decision_function(X), logits[:, 1] - logits[:, 0])
    np.testing.assert_allclose(
        model.decision_function(X), np.log(chances[:, 1] / chances[:, 0]), rtol=1e-4, atol=1e-6
    )
    by_area = cross_val_score(quick(epochs=8), X, y, cv=2, scoring="roc_auc")
    assert (by_area > 0.8).all()
    three = np.array(["a", "b", "c"])[np.arange(60) % 3]
    assert quick(epochs=1).fit(X, three).decision_function(X).shape == (60, 3)


@pytest.mark.slow
@pytest.mark.parametrize("size", [5_000, 20_000, 100_000, 1_000_000])
@pytest.mark.parametrize("kind", ["kan", "patches", "cnn"])
def test_one_number_sets_the_size(size: int, kind: str) -> None:
    config = ImageConfig.within(size, height=28, width=28, channels=3, classes=10, kind=kind)
    network = build(config, device="meta")
    assert 0.75 * size <= sum(p.numel() for p in network.parameters()) == config.parameters() <= size
    assert ImageConfig.from_json(config.to_json()) == config


@pytest.mark.slow
def test_activations_stay_on_the_grid() -> None:
    """With the normalisation nearly all that a layer of functions is given lies on its grid."""
    X, y = marks(60, side=12)
    shares = {}
    for norm in ("batch", "none"):
        model = quick(epochs=3, settings={"norm": norm, "rate": 2e-2}).fit(X, y)
        seen = list[float]()

        def note(layer: Any, given: Any, seen: list[float] = seen) -> None:
            low, high = layer.patch.domain[0].tolist()
            seen.append(float(((given[0] >= low) & (given[0] <= high)).float().mean()))

        for part in model.network_.modules():
            if isinstance(part, ew.layers.KANConv2d):
                part.register_forward_pre_hook(note)
        model.predict(X)
        shares[norm] = min(seen)
    assert shares["batch"] > 0.85 > 0.8 * shares["none"]


def test_a_trained_network_goes_on_as_plain_torch() -> None:
    X, y = marks(30)
    model = quick(epochs=1).fit(X, y)
    space: dict[str, Any] = {}
    exec(ew.exporting.to_torch_source(model.network_), space)
    x = torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(space["Model"]()(x), model.network_(x), rtol=1e-4, atol=1e-5)


BAD: list[tuple[dict[str, Any], Any, Any, str]] = [
    ({}, np.zeros((4, 8)), [0, 1, 0, 1], "must be pictures"),
    ({}, np.zeros((4, 60)), [0, 1, 0, 1], r"series are X\[:, None\]"),
    ({}, np.zeros((0, 8, 8)), [], "must hold a picture. Got none"),
    ({}, "nowhere", None, "does not exist"),
    ({}, [["a"]], [0], "must be pictures"),
    ({}, np.zeros((4, 3, 8, 8)), [0, 1, 0, 1], "for channels first"),
    ({}, np.full((4, 8, 8), np.nan), [0, 1, 0, 1], "finite numbers"),
    ({}, np.full((4, 8, 8), 1e38), [0, 1, 0, 1], "finite numbers up to 1e\\+15"),
    ({"parameters": 0}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "'parameters' argument"),
    ({}, np.zeros((4, 8, 8)), [0, 1, 0], "one class for each of 4"),
    ({}, np.zeros((4, 8, 8)), None, "one class for each of 4"),
    ({}, np.zeros((4, 8, 8)), [1, 1, 1, 1], "at least two classes"),
    ({}, np.zeros((2, 8, 8)), [0.0, np.nan], "no missing class"),
    ({}, np.zeros((4, 8, 8), dtype=object), [0, 1, 0, 1], "numbers of type object"),
    (
        {},
        np.zeros((2, 8, 8)),
        np.array(["2020", "2021"], "datetime64[Y]"),
        "text, truth values or whole numbers",
    ),
    ({}, np.zeros((2, 8, 8)), [0.5, 1.0], "not measurements. Got 0.5"),
    ({}, np.zeros((2, 8, 8)), ["cat", 1], "one type. Got a mixture"),
    ({}, np.zeros((2, 8, 8)), ["cat", np.nan], "no missing class"),
    ({"kind": "vit"}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "'kind'"),
    ({"parameters": 10}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "must be at least"),
    ({"epochs": 0}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "'epochs'"),
    ({"validation": 1.0}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "'validation'"),
    ({"class_weight": "even"}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "'class_weight'"),
    ({"settings": {"batch": 0}}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "'batch'"),
    ({"settings": {"rate": -1.0}}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "'rate'"),
    ({"settings": {"erase": 2.0}}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "'erase'"),
    ({"settings": {"width_of": 3}}, np.zeros((4, 8, 8)), [0, 1, 0, 1], "must be names of ImageConfig"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("options", "X", "y", "message"), BAD)
def test_what_cannot_be_learned_from_is_one_sentence(
    options: dict[str, Any], X: Any, y: Any, message: str
) -> None:
    with pytest.raises((InputError, FileError), match=message) as caught:
        quick(**options).fit(X, y)
    assert "\n" not in str(caught.value)


def test_other_pictures_than_learned_are_refused() -> None:
    X, y = marks(20)
    model = quick(epochs=1).fit(X, y)
    with pytest.raises(InputError, match=r"must hold pictures \(8, 8, 1\)"):
        model.predict(np.zeros((2, 9, 8)))
    with pytest.raises(InputError, match="must be fitted"):
        quick().predict(X)
    with pytest.raises(InputError, match="must be 'patches' for evidence"):
        model.evidence(X[0])
    with pytest.raises(InputError, match=r"Got \(8, 3, 1\) instead; one picture is X\[None\]"):
        quick(epochs=1).fit(np.repeat(X[..., None], 3, 3), y).predict(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.slow
@pytest.mark.parametrize("given", [np.zeros((1, 1, 8, 8)), np.zeros(8), [["a"]], None, Path(__file__).parent])
def test_evidence_is_of_one_picture(given: Any) -> None:
    X, y = marks(20)
    model = quick(kind="patches", epochs=1).fit(X, y)
    with pytest.raises(InputError) as error:
        model.evidence(given)
    assert error.value.argument in ("picture", "X")
    assert model.evidence(torch.from_numpy(X[0])).logits.shape == (2,)


def test_numbers_of_numpy_are_parameters_that_files_keep(tmp_path: Path) -> None:
    X, y = marks(40)
    settings = {"rate": np.float32(0.01)}
    model = quick(epochs=np.int64(1), validation=np.float64(0.2), settings=settings).fit(X, y)
    ew.save(model, tmp_path / "model.kan")
    again = ew.load(tmp_path / "model.kan")
    assert again.get_params() == model.get_params()
    assert again.validation_score_ == model.validation_score_


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, None])
def test_the_global_generators_are_left_as_they_were(seed: int | None, tmp_path: Path) -> None:
    X, y = marks(40)
    before = torch.get_rng_state()
    model = quick(epochs=1, seed=seed).fit(X, y)
    ew.save(model, tmp_path / "model.kan")
    ew.load(tmp_path / "model.kan")
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_no_two_networks_begin_alike() -> None:
    first, second = (build(ImageConfig(8, 8, 1, 2, base=2)) for _ in range(2))
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [[3, 7], [False, True], ["a", "b"]])
def test_classes_keep_their_type_among_objects(classes: list[Any]) -> None:
    X, y = marks(40)
    labels = np.array([classes[value == "lying"] for value in y], dtype=object)
    model = quick(epochs=1).fit(X, labels)
    assert model.classes_.tolist() == sorted(classes)
    assert set(model.predict(X).tolist()) <= set(classes)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_and_mixed_classes_are_refused(missing: Any) -> None:
    X, y = marks(40)
    with pytest.raises(InputError, match="no missing class"):
        quick().fit(X, np.array([missing if value == "lying" else value for value in y], object))
    with pytest.raises(InputError, match="one type"):
        quick().fit(X, np.array([1, "b"] * 20, dtype=object))


@pytest.mark.parametrize("options", [{"settings": "rate"}, {"callbacks": [3]}])
def test_arguments_of_another_kind_are_one_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        quick(**options).fit(*marks(40))


def test_pictures_on_another_scale_than_learned_are_refused(tmp_path: Path) -> None:
    X, y = marks(40)
    model = quick(epochs=1).fit(X, y)
    ew.save(model, tmp_path / "model.kan")
    for item in (model, ew.load(tmp_path / "model.kan")):
        assert np.isfinite(item.predict_proba(X / 255 + 0.3)).all()
        with pytest.raises(InputError, match="shares from 0 to 1"):
            item.predict(X.astype(float))
    assert np.isfinite(quick(epochs=1).fit(X.astype(float), y).predict_proba(X.astype(float))).all()


@pytest.mark.slow
@pytest.mark.parametrize("largest", [16.0, 255.0])
def test_shares_are_no_numbers_up_to_255_but_dark_pictures_may_be(tmp_path: Path, largest: float) -> None:
    X, y = marks(20)
    wide = X * (largest / X.max())
    model = quick(epochs=1).fit(wide, y)
    ew.save(model, tmp_path / "model.kan")
    dark = np.random.default_rng(0).integers(0, 2, (2, 8, 8))
    for item in (model, ew.load(tmp_path / "model.kan")):
        with pytest.raises(
            InputError, match=f"numbers up to about {largest:g}, as it learned from. Got shares"
        ):
            item.predict(wide / largest)
        with pytest.warns(UserWarning, match="if the scales differ"):
            item.predict(wide[:1] / largest)  # of one picture alone nobody can tell
        with pytest.warns(UserWarning, match="if the scales differ"):
            item.predict(dark.astype(float))
        for fair in (wide[:1], 0.3 * wide, 0 * wide, dark[:1].astype(np.uint8)):
            item.predict(fair)  # warnings are errors


def test_a_model_that_has_seen_the_dark_says_nothing_of_it() -> None:
    X, y = marks(20)
    X[3] = X[3] > 60
    model = quick(epochs=1).fit(X.astype(float), y)
    model.predict(np.stack([X[3], X[3]]).astype(float))


def test_whole_numbers_up_to_16_are_not_their_shares() -> None:
    X, y = marks(20)
    small = X // 16
    of_shares, of_numbers = quick(epochs=1).fit(small / 16, y), quick(epochs=1).fit(small, y)
    for model, other in ((of_shares, small), (of_numbers, small / 16)):
        with pytest.warns(UserWarning, match="if the scales differ"):
            model.predict(other)
    of_shares.predict(small[:1])  # by itself it may be a dark picture


@pytest.mark.slow
def test_whole_numbers_mean_what_the_same_fractions_meant_in_the_fit(tmp_path: Path) -> None:
    """Pictures from 0 to 255 that were learned from as floats are the same pictures as bytes."""
    X, y = marks(40)
    model = quick(epochs=1).fit(X.astype(float), y)
    ew.save(model, tmp_path / "model.kan")
    for item in (model, ew.load(tmp_path / "model.kan")):
        assert np.array_equal(item.logits(X), item.logits(X.astype(float)))
    deep = X.astype(np.uint16) * 257
    as_bytes, as_words = quick(epochs=1).fit(X, y), quick(epochs=1).fit(deep, y)
    np.testing.assert_allclose(as_words.logits(deep), as_bytes.logits(X), atol=1e-3)
