"""ImageClassifier: pictures to classes, behind the scikit-learn interface."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from torch import Tensor, nn

from edgewise._core.arguments import as_callables, as_mapping
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import (
    check_bool,
    check_choice,
    check_float,
    check_int,
    check_vector,
    plural,
    short,
)
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, check_seconds
from edgewise.training.common.records import Callback
from edgewise.vision.evidence import Evidence, evidence_of
from edgewise.vision.features import FeatureUse, centre, features_of, keep_few, uses
from edgewise.vision.networks import KINDS, STAGED, ImageConfig, Patches, Standard, build
from edgewise.vision.pictures import (
    TOO_LARGE,
    WHOLE,
    PictureScale,
    as_one,
    as_pictures,
    at_least_one,
    check_classes,
    class_codes,
    class_labels,
    digest,
    is_whole,
    read_files,
    read_folder,
    some_files,
)
from edgewise.vision.training import ImageRecipe, finished, logits_of, train, weights_of

# Batches of fewer multiplications are worked on by one thread.
SMALL = 1e8


class ImageClassifier(ClassifierMixin, BaseEstimator):
    """Classification of pictures by convolutions whose weights are functions that can be drawn.

    Parameters
    ----------
    kind : "kan", "patches", "cnn" or "mlp"
        "patches" adds up what each small patch adds to each class, so that `evidence` shows it exactly; "cnn" and "mlp" are
        ordinary networks trained by the same recipe, to compare with.
    parameters : int
        The widest network of at most so many is taken.
    epochs : int
    degree, intervals : int
        Of the functions.
    features : int or None
        Of kind "patches": let each class use at most so many features, its functions fitted anew to them at the end.
    shift, flip
        How pictures are changed while it learns, see `ImageRecipe`. With `flip`, kinds "kan" and "cnn" judge by the mean
        over a picture and its mirror image (`ImageConfig.mirrored`).
    class_weight : None or "balanced"
        "balanced" lets every class count the same, however many pictures it has.
    validation : float
        Share of the pictures held out to judge by, of every class alike; 0 for none.
    patience : int or None
        Stop after so many epochs without a lower error on those held out, and take the best.
    seconds : float or None
        Time limit; the result may then differ from run to run. Where it passes, or Ctrl-C is pressed, the network is left
        as the mean of its last states (the best one with `patience`), and what is learned of pictures afterwards, such as
        `features`, is learned from 256 of them.
    seed : int or None
    callbacks : sequence of callable
        Called with a `Record` after every epoch; returning True stops.
    checkpoint : path or None
        File that keeps the state after every epoch; the same fit goes on from it to the same bits.
    settings : dict or None
        More of `ImageConfig` and `ImageRecipe`, by name.

    Attributes
    ----------
    network_ : nn.Module
        Logits (n, classes) of pictures (n, channels, height, width) with values from 0 to 1.
    config_ : ImageConfig
    classes_ : ndarray
    history_ : tuple of Record
    stop_reason_ : StopReason
    validation_score_ : float or None
        Share of the held-out pictures that are classified correctly; of a fit that was ended from outside, of 256 at most.
    held_ : ndarray of int
        Numbers of the held-out pictures.
    scale_ : PictureScale or None
        How large the numbers of the pictures learned from are; of shares at most 1.
    unit_ : float
        What 1 is worth where pictures are whole numbers.
    learned_from_ : str
        Digest of the pictures and their classes, by which they are known again.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(0, 100, (60, 8, 8), dtype=np.uint8)
    >>> y = np.arange(60) % 2
    >>> X[y == 1, 2:6, 2:6] += 150
    >>> model = ImageClassifier(parameters=2000, epochs=6, seed=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """

    scale_: PictureScale | None
    unit_: float
    validation_score_: float | None

    def __init__(
        self,
        kind: str = "kan",
        parameters: int = 20_000,
        epochs: int = 20,
        *,
        degree: int = 2,
        intervals: int = 3,
        features: int | None = None,
        shift: int = 2,
        flip: bool = False,
        class_weight: str | None = None,
        validation: float = 0.1,
        patience: int | None = None,
        seconds: float | None = None,
        seed: int | None = 0,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | Path | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.kind, self.parameters, self.epochs = kind, parameters, epochs
        self.degree, self.intervals, self.features = degree, intervals, features
        self.shift, self.flip, self.class_weight = shift, flip, class_weight
        self.validation, self.patience, self.seconds, self.seed = validation, patience, seconds, seed
        self.callbacks, self.checkpoint, self.settings = callbacks, checkpoint, settings

    @torch.inference_mode(False)  # where a caller has switched gradients off, too
    @own_settings
    def fit(self, X: Any, y: Any = None) -> ImageClassifier:
        """Learn from pictures.

        Parameters
        ----------
        X : array (n, height, width) or (n, height, width, channels), or a folder
            Whole numbers from 0 to 255 or shares from 0 to 1; other fractions are taken as they are, and so are then whole
            numbers in pictures to be classified. Of a folder each subfolder is a class.
        y : array-like, shape (n,)
            Classes; left out for a folder.

        Raises
        ------
        InputError
            For arguments that do not fit.
        FileError
            For a folder or file that cannot be read.
        """
        x, labels = self._pictures(X, y)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise InputError(argument="y", expected="name at least two classes", got=len(classes))
        target = torch.from_numpy(codes.astype(np.int64).reshape(-1))
        config, recipe = self._plan(x, len(classes))
        callbacks = as_callables(self.callbacks)
        check_float(self.validation, "validation", low=0.0, high=0.9)
        if self.class_weight is not None:
            check_choice(self.class_weight, "class_weight", ("balanced",))
        learn, held = _split(target, self.validation, self.seed)
        network = build(config, seed=derive(self.seed, 1) if self.seed is not None else None)
        for part in network.modules():
            if isinstance(part, Standard):
                part.learn(x[learn])
        weight = weights_of(target[learn], len(classes)) if self.class_weight else None
        judges = (x[held], target[held]) if len(held) else None
        size = sum(p.numel() for p in network.parameters()) * recipe.batch * x.shape[2]
        meter = Meter(seconds=check_seconds(self.seconds))

        def end(most: int | None) -> tuple[nn.Module, float | None]:
            """What is left to do once the network has learned, on at most so many pictures."""
            made, learned, judged = copy.deepcopy(network), self._some(learn, most), self._some(held, most)
            if isinstance(made, Patches):
                if self.features is not None:
                    keep_few(made, x[learned], target[learned], self.features, weight)
                centre(made, x[learned])
            if not len(judged):
                return made, None
            right = logits_of(made, x[judged]).argmax(1) == target[judged]
            return made, float(right.double().mean())

        with one_thread(size <= SMALL):
            found = train(
                network, x[learn].contiguous(memory_format=torch.channels_last), target[learn], judges, recipe, weight,
                self.seed, meter, callbacks, self.checkpoint,
            )  # fmt: skip
            (self.network_, self.validation_score_), reason = finished(end, found.stop_reason, meter)
        self.config_, self.classes_ = config, classes
        self.learned_from_, self.held_ = digest(x, labels), held.numpy()
        self.history_, self.stop_reason_ = found.history, reason
        self.n_features_in_, self.scale_ = int(np.prod(x.shape[1:])), PictureScale.of(x)
        self.unit_ = 1.0 if self.scale_.largest > TOO_LARGE and not is_whole(X) else WHOLE
        return self

    def _some(self, rows: Tensor, most: int | None) -> Tensor:
        """All of these rows, or so many drawn by chance."""
        if most is None or len(rows) <= most:
            return rows
        return rows[torch.randperm(len(rows), generator=generator(derive(self.seed, 3)))[:most]]

    def _plan(self, x: Tensor, classes: int) -> tuple[ImageConfig, ImageRecipe]:
        """What is built and how it is trained."""
        check_choice(self.kind, "kind", KINDS)
        epochs = check_int(self.epochs, "epochs", low=1)
        shift = check_int(self.shift, "shift", low=0)
        flip = check_bool(self.flip, "flip")
        if self.features is not None:
            check_int(self.features, "features", low=1)
            if self.kind != "patches":
                raise InputError(
                    argument="features",
                    expected="be left out unless 'kind' is 'patches'",
                    got=f"kind {short(self.kind)}",
                )
        if self.patience is not None:
            check_int(self.patience, "patience", low=1)
        given = as_mapping(self.settings, "settings", "values by name")
        recipe = {k: given.pop(k) for k in list(given) if k in ImageRecipe.__dataclass_fields__}
        strange = [k for k in given if k not in ImageConfig.__dataclass_fields__]
        if strange:
            raise InputError(
                argument="settings", expected="be names of ImageConfig and ImageRecipe", got=short(strange[0])
            )
        _, channels, height, width = x.shape
        shape = {"height": height, "width": width, "channels": channels, "classes": classes}
        own = {"kind": self.kind, "degree": self.degree, "intervals": self.intervals, **given}
        if self.kind in STAGED:
            own = {"mirrored": flip, **own}
        if self.kind == "patches":
            # A patch that sees the whole picture would not show where.
            own = {"patch": min(15, max(3, min(height, width) // 2 | 1)), **own} if height > 1 else own
        check_int(self.parameters, "parameters", low=1)
        config = ImageConfig.within(self.parameters, **shape, **own)
        # Few pictures are cut into smaller batches, so that an epoch has some fifty steps.
        batch = min(128, max(16, len(x) // 50))
        plan: dict[str, Any] = {
            "epochs": epochs,
            "batch": batch,
            "shift": shift,
            "flip": flip,
            "patience": self.patience,
            **recipe,
        }
        return config, ImageRecipe(**plan)

    def _pictures(self, X: Any, y: Any) -> tuple[Tensor, NDArray[Any]]:
        if isinstance(X, (str, Path)):
            if y is not None:
                raise InputError(
                    argument="y",
                    expected="be left out where 'X' is a folder, whose subfolders are the classes",
                    got="both",
                )
            found = read_folder(X)
            check_classes(X, found)
            return as_pictures(found.pictures), np.array(found.labels)
        x = at_least_one(as_pictures(X))
        return x, class_labels(y, len(x))

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Log-odds of the second of two classes, shape (n,); of more classes their logits, shape (n, classes)."""
        found = self.logits(X)
        return found[:, 1] - found[:, 0] if len(self.classes_) == 2 else found

    def logits(self, X: Any) -> NDArray[np.float64]:
        """Logits of the classes, shape (n, classes)."""
        return logits_of(self.fitted_network(), self.like(X)).double().numpy()

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities, shape (n, classes)."""
        return torch.from_numpy(self.logits(X)).softmax(1).numpy()

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes, shape (n,)."""
        best = self.logits(X).argmax(1)
        return self.classes_[best]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Share of the pictures that are classified correctly; of a folder each subfolder is a class.

        Pictures of classes that it never learned count as wrong, with a warning that names them.
        """
        self.fitted_network()
        if y is None and isinstance(X, (str, Path)):
            found = read_folder(X, (self.config_.height, self.config_.width), self.config_.channels)
            X, y = found.pictures, list(found.labels)
        best = at_least_one(self.logits(X).argmax(1))
        codes, strange = class_codes(class_labels(y, len(best)), self.classes_)
        if strange:
            warnings.warn(
                f"{plural(int((codes < 0).sum()), 'picture')} of {len(codes):,} counted as wrong, as of classes that the "
                f"model never learned: {strange}.",
                UserWarning,
                stacklevel=2,
            )
        if sample_weight is not None:
            sample_weight = check_vector(sample_weight, "sample_weight", length=len(codes))
        return float(accuracy_score(codes, best, sample_weight=sample_weight))

    def evidence(self, picture: Any) -> Evidence:
        """Where in a picture, (height, width[, channels]) or a file, the evidence lies; of kind "patches" only."""
        network = self.patches_of()
        return evidence_of(network, self.like(as_one(picture))[0], self.classes_)

    def features_of(self, X: Any, label: Any) -> list[FeatureUse]:
        """The features that a class uses, those that matter most on these pictures first; of kind "patches" only."""
        network = self.patches_of()
        classes = self.classes_.tolist()
        if label not in classes:
            raise InputError(argument="label", expected="be a class of the model", got=short(label))
        return uses(network, features_of(network, at_least_one(self.like(X))), classes.index(label))

    def patches_of(self) -> Patches:
        """The network of kind "patches"; of another it is an `InputError`."""
        network = self.fitted_network()
        if not isinstance(network, Patches):
            raise InputError(
                argument="kind",
                expected="be 'patches' for evidence that adds up",
                got=short(self.config_.kind),
            )
        return network

    def fitted_network(self) -> Any:
        """The network; an `InputError` before it is fitted."""
        if not hasattr(self, "network_"):
            raise InputError(
                subject="The ImageClassifier",
                expected="be fitted",
                got="one that is not",
                advice="call its fit first",
            )
        return self.network_

    def torch_module(self) -> tuple[nn.Module, Tensor]:
        """The network and a black picture as it takes them, (1, channels, height, width), for `ew.export`."""
        c = self.config_
        return self.fitted_network(), torch.zeros(1, c.channels, c.height, c.width)

    def like(self, X: Any) -> Tensor:
        """Pictures of the shape that was learned, (n, channels, height, width); also of a file, or all in a folder."""
        self.fitted_network()
        c = self.config_
        if isinstance(X, (str, Path)):
            X = read_files(some_files(Path(X)), (c.height, c.width), c.channels).pictures
        x = as_pictures(X, self.unit_)
        if x.shape[1:] != (c.channels, c.height, c.width):
            raise InputError(
                argument="X",
                expected=f"hold pictures ({c.height}, {c.width}, {c.channels}) as those it learned from",
                got=(*x.shape[2:], x.shape[1]),
                advice="one picture is X[None]" if np.shape(X) == (c.height, c.width, c.channels) else "",
            )
        if self.scale_ is not None:
            self.scale_.check(x, is_whole(X))
        return x.contiguous(memory_format=torch.channels_last)


def _split(y: Tensor, share: float, seed: int | None) -> tuple[Tensor, Tensor]:
    """Numbers of pictures to learn from and to judge by; of every class the same share, and at least one is learned from."""
    order = torch.randperm(len(y), generator=generator(derive(seed, 2)))
    held = list[Tensor]()
    for code in y.unique():
        own = order[y[order] == code]
        held.append(own[: min(round(share * len(own)), len(own) - 1)])
    judge = torch.cat(held).sort().values
    mask = torch.ones(len(y), dtype=torch.bool)
    mask[judge] = False
    return mask.nonzero().squeeze(1), judge
