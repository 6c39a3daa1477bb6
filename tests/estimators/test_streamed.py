"""Estimators on datasets: the same model as sums in memory give, whatever the batches, however often it is broken off."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy.optimize import minimize

import edgewise as ew
from edgewise._core.errors import FileError, InputError
from edgewise.data.streaming import source as reading
from edgewise.estimators import streamed as module
from edgewise.training.common.losses import CrossEntropy, Squared
from edgewise.training.config import DEFAULT
from edgewise.training.streaming import fit as fitting
from edgewise.training.streaming.checkpoints import Passes
from edgewise.training.streaming.descent import StreamedDescent
from edgewise.training.streaming.features import make_features
from edgewise.training.streaming.quadratic import directions_of, minimised, solved
from edgewise.training.streaming.sums import Encoded, LossSums

pytest.importorskip("datasketches")


def rows(n: int, seed: int = 0, classes: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, n))
    sort, few = rng.integers(0, 6, n), rng.integers(0, 5, n).astype(float)
    y = np.sin(2 * a) + 0.5 * b**2 + 0.5 * np.cos(2.0 * sort) + 0.2 * few + a * c + 0.3 * rng.normal(size=n)
    told = y
    if classes:
        cuts = np.array([0.5]) if classes == 2 else np.array([0.0, 1.5])
        told = np.array(["low", "mid", "high"])[np.searchsorted(cuts, y)]
    b = np.where(rng.random(n) < 0.03, np.nan, b)
    return pa.table(
        {
            "a": a,
            "b": pa.array(b, from_pandas=True),
            "c": c,
            "sort": [f"w{k}" for k in sort],
            "few": few,
            "y": told,
            "w": rng.uniform(0.5, 2, n),
        }
    )


def written(folder: Path, n: int = 3_000, parts: int = 3, **options) -> str:
    for k in range(parts):
        pa.parquet.write_table(rows(n // parts, k, **options), folder / f"{k}.parquet", row_group_size=700)
    return str(folder / "*.parquet")


def numbers_of(model) -> bytes:
    return b"".join(tensor.numpy().tobytes() for tensor in model.network_.state_dict().values())


@pytest.mark.slow
def test_a_regressor_is_one_like_any_other(tmp_path):
    model = ew.KANRegressor(mode="auto").fit(written(tmp_path, 6_000), target="y")
    test = rows(2_000, 9)
    X, y = test.select(["a", "b", "c", "sort", "few", "w"]), test["y"].to_numpy()
    assert model.fit_.mode == "pairwise"
    assert ("a", "c") in [tuple(sorted(pair)) for pair in model.interactions_]
    told = model.predict(X)
    assert np.sqrt(np.mean((told - y) ** 2)) < 0.4
    assert model.fit_.validation_error == pytest.approx(np.sqrt(np.mean((told - y) ** 2)), rel=0.1)
    ew.save(model, tmp_path / "model.kan")
    assert (ew.load(tmp_path / "model.kan").predict(X) == told).all()
    _, interval = model.predict(X, return_interval=0.9)
    assert 0.86 < np.mean((interval[:, 0] <= y) & (y <= interval[:, 1])) < 0.94
    assert {"a", "b"} <= {str(name) for name in model.feature_names_in_}
    assert model.explain(X.slice(0, 200), row=3) is not None
    pa.parquet.write_table(test, tmp_path / "test.pq")
    np.testing.assert_array_equal(model.predict(str(tmp_path / "test.pq")), told)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_is_one_like_any_other(tmp_path, classes):
    model = ew.KANClassifier(mode="additive").fit(
        written(tmp_path, 3_000, classes=classes), target="y", sample_weight="w"
    )
    test = rows(2_000, 9, classes=classes)
    assert model.classes_.tolist() == sorted(set(test["y"].to_pylist()))
    X, y = test.drop_columns(["y", "w"]), np.array(test["y"])
    most = max(np.mean(y == class_name) for class_name in model.classes_)
    assert model.score(X, y) > most + 0.15
    told = model.predict_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    assert model.fit_.validation_error == pytest.approx(-np.log(told).mean(), rel=0.15)


def dense_problem(loss: str):
    """Rows with few values, common values, many values and a pair, as features and, with no code in common, dense."""
    rng = np.random.default_rng(3)
    rare = rng.random((900, 2)) < 0.1
    X = np.column_stack([rng.normal(size=900), rng.integers(0, 4, 900), rng.normal(size=900), rare])
    f = np.sin(X[:, 0]) + 0.3 * X[:, 1] + X[:, 0] * X[:, 2]
    y = f + rng.normal(size=900) if loss == "squared" else (f + rng.logistic(size=900) > 0).astype(float)
    weight = rng.uniform(0.5, 2, 900)
    masses = [tuple(np.unique(column, return_counts=True)) for column in X.T]
    masses = [(values, counts.astype(float)) for values, counts in masses]
    features = make_features(masses, X, weight, DEFAULT).with_pairs(((0, 2),))
    assert [part.common >= 0 for part in features.parts] == [False, False, False, True, True, False]
    directions = directions_of(features.parts)
    sparse = features.rows(X)
    dense = sparse._matrix().toarray()
    columns = [dense[:, part.features] @ part.directions for part in directions.parts]
    design = np.column_stack([*columns, np.ones(len(X))])
    return X, y, weight, features, directions, design


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_sums_solve_what_all_rows_at_once_solve(loss):
    X, y, weight, features, directions, design = dense_problem(loss)
    penalty = np.random.default_rng(0).uniform(0.5, 50, len(directions.sizes))
    whole = np.append(penalty[directions.group], 0.0)
    row_loss = Squared() if loss == "squared" else CrossEntropy()
    theta = np.zeros(directions.count + 1)
    for _ in range(1 if loss == "squared" else 12):
        sums = LossSums(features, directions.features(theta)[:, None], row_loss)
        for part in np.array_split(np.arange(len(y)), 7):
            sums.add(sums.prepared(Encoded(X[part], y[part, None], weight[part])))
        theta = solved(sums.quadratics(directions)[0], theta, penalty, directions)
    if loss == "squared":
        root = np.sqrt(weight)[:, None]
        stacked = np.vstack([root * design, np.diag(np.sqrt(whole))])
        expected = np.linalg.lstsq(stacked, np.append(root[:, 0] * y, np.zeros(len(whole))), rcond=None)[0]
    else:

        def value(t):
            f = design @ t
            fall = weight * (1 / (1 + np.exp(-f)) - y)
            return (np.logaddexp(0, f) - y * f) @ weight + whole @ t**2 / 2, design.T @ fall + whole * t

        expected = minimize(
            value, np.zeros(len(whole)), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 2000}
        ).x
    tolerance = 1e-8 if loss == "squared" else 2e-6  # of BFGS
    assert np.abs(design @ theta - design @ expected).max() < tolerance


@pytest.mark.parametrize("learn", [True, False])
def test_a_start_that_is_sure_and_wrong_is_left(learn):
    """Newton's method alone would move a value of 22 rows, three of them of the second class, by thousands of log-odds."""
    rng = np.random.default_rng(0)
    x = np.append(rng.integers(0, 9, 2_000), np.full(22, 9)).astype(float)[:, None]
    y = np.append(rng.random(2_000) < 0.1, np.arange(22) < 3).astype(float)[:, None]
    mass = tuple(part.astype(float) for part in np.unique(x, return_counts=True))
    features = make_features([mass], x, np.ones(len(x)), DEFAULT)
    directions = directions_of(features.parts)
    values = np.append(np.full(9, -2.0), -15.0)
    maps = np.column_stack([features.parts[0].directions, np.ones(10)])
    start = np.linalg.lstsq(maps, values, rcond=None)[0][:, None]
    np.testing.assert_allclose(directions.features(start[:, 0]), values, atol=1e-6)
    rows, looks = Encoded(x, y, np.ones(len(x))), []

    def look(at):
        sums = LossSums(features, directions.features(at[:, 0])[:, None], CrossEntropy())
        sums.add(sums.prepared(rows))
        looks.append(directions.features(at[:, 0]))
        return sums.quadratics(directions)

    weights = np.full((len(directions.sizes), 1), 0.5)
    found = minimised(look, start, weights, directions, False, learn)
    assert len(looks) < 15
    assert np.abs(looks).max() < 16
    last = look(found.theta)[0]
    pull = np.append(found.weights[directions.group, 0] * found.theta[:-1, 0], 0.0)
    assert np.abs(last.gradient + pull).max() < 1e-4
    assert -4 < directions.features(found.theta[:, 0])[9] < 0


@pytest.mark.slow
def test_a_part_of_the_rows_comes_before_all_of_them(tmp_path, monkeypatch):
    data, looks = written(tmp_path, 6_000, classes=2), []
    own = Passes.run
    monkeypatch.setattr(
        Passes, "run", lambda self, stage, *a, **b: (looks.append(stage), own(self, stage, *a, **b))[1]
    )
    monkeypatch.setattr(module, "SAMPLE_ROWS", 500)
    monkeypatch.setattr(reading, "ROWS_OF_LEAF", 500)
    models, whole = [], []
    for one_in in (100, 3):
        monkeypatch.setattr(module, "ONE_IN", one_in)
        looks.clear()
        models.append(ew.KANClassifier(mode="additive").fit(data, target="y"))
        whole.append(sum(name.startswith("single") and "part" not in name for name in looks))
        assert any("part" in name for name in looks) == (one_in == 3)
    assert whole[1] < whole[0]
    X = rows(500, 9).drop_columns(["y"])
    one, other = (model._outputs(X) for model in models)
    # How smooth functions are is settled at other points, but hardly differs.
    np.testing.assert_allclose(one, other, atol=0.02)


@pytest.mark.parametrize("classes", [0, 2])
def test_batches_of_any_size_give_the_same_model(tmp_path, classes, monkeypatch):
    data = written(tmp_path, 4_000, classes=classes)
    kind = ew.KANClassifier if classes else ew.KANRegressor
    models = []
    for size in (65_536, 300):
        monkeypatch.setattr(reading, "ROWS_OF_BATCH", size)
        models.append(kind(mode="additive").fit(data, target="y"))
    X = rows(500, 9).drop_columns(["y"])
    one, other = (model._outputs(X) for model in models)
    np.testing.assert_allclose(one, other, atol=1e-8)


def test_the_network_says_what_was_solved(tmp_path):
    model = ew.KANRegressor(mode="additive").fit(written(tmp_path), target="y")
    table = pa.concat_tables(rows(1_000, k) for k in range(3))
    inputs = model.encoding_.apply(table.drop_columns(["y"]))
    # Residuals of an additive fit are orthogonal to every function of one input but for what is shrunk.
    rest = table["y"].to_numpy() - model.predict(table.drop_columns(["y"]))
    assert abs(rest.mean()) < 1e-9
    at = inputs[:, list(model.encoding_.names).index("few")]
    assert max(abs(rest[at == value].mean()) for value in np.unique(at)) < 0.06


CHILD = """
import os, random, signal, sys
from edgewise.data.streaming import source as reading
from edgewise.estimators import streamed
import edgewise as ew
reading.ROWS_OF_BATCH = 100
reading.ROWS_OF_LEAF = 400
streamed.CHECKPOINT_ROWS, streamed.ONE_IN = 300, 2
own, left = reading.Source.batches, -1
def batches(self, columns, start=0):
    global left
    for batch in own(self, columns, start):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        yield batch
reading.Source.batches = batches

def run(data, folder, classes, mode, kill, to):
    # A fresh process each time, without the seconds that it takes to load everything.
    global left
    child = os.fork()
    if child == 0:
        left = kill
        kind = ew.KANClassifier if classes else ew.KANRegressor
        pairs = 1 if mode == "pairwise" else None
        model = kind(mode=mode, interactions=pairs, work=0.1).fit(data, target="y", checkpoint=folder)
        numbers = (tensor.numpy().tobytes() for tensor in model.network_.state_dict().values())
        open(to, "wb").write(b"".join(numbers))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

place = sys.argv[1]
for classes, mode, most in ((0, "pairwise", 40), (2, "pairwise", 40), (0, "deep", 60)):
    data, folder, draw = f"{place}/{classes}/*.parquet", f"{place}/passes", random.Random(classes)
    assert run(data, None, classes, mode, -1, f"{place}/whole") == 0
    killed = [run(data, folder, classes, mode, draw.randint(2, most), f"{place}/broken") for _ in range(4)]
    assert -signal.SIGKILL in killed and set(killed) <= {0, -signal.SIGKILL}, killed
    assert run(data, folder, classes, mode, -1, f"{place}/again") == 0
    assert open(f"{place}/again", "rb").read() == open(f"{place}/whole", "rb").read()
    assert not os.listdir(folder), os.listdir(folder)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kills copies of a process")
def test_killed_at_any_row_it_ends_in_the_same_bits(tmp_path):
    for classes in (0, 2):
        (tmp_path / str(classes)).mkdir()
        written(tmp_path / str(classes), 1_500, classes=classes)
    words = [sys.executable, "-c", CHILD, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr


def test_a_full_disk_is_said_and_loses_nothing(tmp_path, monkeypatch):
    data, folder = written(tmp_path), tmp_path / "passes"
    monkeypatch.setattr(reading, "ROWS_OF_BATCH", 200)
    monkeypatch.setattr(module, "CHECKPOINT_ROWS", 400)
    model = ew.KANRegressor(mode="additive")
    whole = numbers_of(model.fit(data, target="y"))
    real, left = os.fsync, [3]

    def full(descriptor):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match=r"No space left on device.* holds is whole: make room"):
        model.fit(data, target="y", checkpoint=folder)
    assert list(folder.iterdir())
    left[0] = 10**6
    assert numbers_of(model.fit(data, target="y", checkpoint=folder)) == whole


def test_a_checkpoint_of_other_rows_is_passed_over(tmp_path, monkeypatch):
    folder = tmp_path / "passes"
    folder.mkdir()
    np.savez(folder / "x.npz", fingerprint=np.array("other"), theta=np.zeros(3))
    (folder / "x.npz").rename(folder / "statistics.edgewise-pass")
    data = written(tmp_path)
    assert ew.KANRegressor(mode="additive").fit(data, target="y", checkpoint=folder).fit_.mode == "additive"


@pytest.mark.parametrize(
    ("options", "asked", "said"),
    [
        ({}, {"target": "z"}, "'target' argument must name a column"),
        ({}, {"target": "y", "sample_weight": [1.0]}, "must name a column of the dataset"),
        (
            {"seconds": 3.0},
            {"target": "y"},
            "'seconds' argument must be left out for a dataset",
        ),
        ({"monotone": {"a": "increasing"}}, {"target": "y"}, "monotone, convex or bounds"),
        ({}, {"target": "y", "y": [1.0]}, "Got both"),
        ({}, {"target": "sort"}, "must hold numbers. Got words"),
    ],
)
def test_what_cannot_be_is_said(tmp_path, options, asked, said):
    with pytest.raises(InputError, match=said):
        ew.KANRegressor(**options).fit(written(tmp_path, 300), **asked)


def test_a_word_not_seen_and_a_column_of_gaps(tmp_path):
    table = rows(800).append_column("gaps", pa.nulls(800)).append_column("one", pa.array(["x"] * 800))
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    model = ew.KANRegressor(mode="additive").fit(tmp_path / "a.parquet", target="y")
    assert {c.name for c in model.encoding_.columns if c.dropped} == {"gaps", "one"}
    X = table.drop_columns(["y"]).slice(0, 2)
    strange = X.set_column(X.column_names.index("sort"), "sort", pa.array(["never", None]))
    assert np.isfinite(model.predict(strange)).all()


@pytest.mark.slow
def test_datasets_are_explained_and_audited(tmp_path):
    data = written(tmp_path, 900, classes=2)
    model = ew.KANClassifier(mode="additive").fit(data, target="y", sample_weight="w")
    whole = pa.concat_tables(pa.parquet.read_table(tmp_path / f"{k}.parquet") for k in range(3))
    X, y = whole.drop_columns(["y", "w"]), np.array(whole["y"])
    others = X.filter(pa.array(np.arange(900) != 400))
    assert str(model.explain(data, row=400)) == str(model.explain(others, row=X.slice(400, 1)))
    assert str(ew.explain(model, data, y="y")) == str(ew.explain(model, X, y=y))
    options = {"bootstrap": 20, "proxies": False}
    own = ew.audit(model, data, "y", "sort", sample_weight="w", **options)
    other = ew.audit(model, X, y, "sort", sample_weight=np.array(whole["w"]), **options)
    assert own.tables == other.tables
    assert own.notes == other.notes
    with pytest.raises(InputError, match="must be one row of a dataset"):
        model.explain(data, row=range(2))
    with pytest.raises(InputError, match="'y' argument must name a column of the dataset"):
        ew.audit(model, data, y, "sort")


def test_a_checkpoint_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="'checkpoint' must be a folder"):
        ew.KANRegressor().fit(written(tmp_path, 300), target="y", checkpoint=tmp_path / "file")


def test_a_target_that_never_changes(tmp_path):
    table = rows(200).set_column(5, "y", pa.array(np.full(200, 2.5)))
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    model = ew.KANRegressor().fit(tmp_path / "a.parquet", target="y")
    assert model.predict(table.drop_columns(["y"])).tolist() == [2.5] * 200


@pytest.mark.slow
@pytest.mark.parametrize("classes", [0, 2])
def test_hidden_nodes_learn_what_pairs_leave_over(tmp_path, classes):
    def drawn(n, seed):
        x = np.random.default_rng(seed).normal(size=(4, n))
        f = 2 * np.tanh(x[0] + x[1] * x[2]) + np.sin(x[3])  # of three columns at once
        noise = np.random.default_rng([seed, 1]).logistic(size=n)
        y = np.where(3 * f + noise > 0, "yes", "no") if classes else f + 0.05 * noise
        return pa.table({**{f"x{k}": column for k, column in enumerate(x)}, "y": y})

    for k in range(2):
        pa.parquet.write_table(drawn(2_000, k), tmp_path / f"{k}.parquet", row_group_size=1_000)
    model = (ew.KANClassifier if classes else ew.KANRegressor)(mode="deep")
    model.fit(str(tmp_path / "*.parquet"), target="y")
    test = drawn(4_000, 9)
    X, y = test.drop_columns(["y"]), np.array(test["y"])
    errors = dict(model.fit_.compared)
    if classes:
        told = model.predict_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
        error = -np.log(told).mean()
    else:
        error = np.sqrt(np.mean((model.predict(X) - y) ** 2))
        assert errors["deep"] < 0.6 * errors["pairwise"]
    assert model.fit_.mode == "deep"
    assert errors["deep"] < errors["pairwise"] < errors["additive"]
    # The rows that judge are not learned from.
    assert model.fit_.validation_error == pytest.approx(error, rel=0.15)


def test_a_block_comes_once_in_every_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_OF_BATCH", 150)
    monkeypatch.setattr(reading, "ROWS_OF_LEAF", 600)
    source = reading.open_source(written(tmp_path, 3_000))
    for leaf in source.leaves:
        blocks = list(leaf.in_blocks(["y"]))
        assert len(blocks) == leaf.blocks
        assert all(sum(batch.num_rows for batch in block) >= 600 for block in blocks[:-1])
    own = [batch for leaf in source.leaves for block in leaf.in_blocks(["y"]) for batch in block]
    assert pa.concat_tables(own).equals(pa.concat_tables(source.batches(["y"])))


def test_pairs_are_counted(tmp_path):
    data = written(tmp_path)
    model = ew.KANRegressor(interactions=1).fit(data, target="y")
    assert [tuple(sorted(pair)) for pair in model.interactions_] == [("a", "c")]
    assert ew.KANRegressor(interactions=0).fit(data, target="y").fit_.mode == "additive"
    assert fitting.MOST_PAIRS > 1


WORKER = """
import sys
import numpy as np, pyarrow.parquet as pq
import torch.distributed
import edgewise as ew
from edgewise.data.streaming import source as reading
from edgewise.estimators import streamed
reading.ROWS_OF_LEAF, streamed.ONE_IN = 700, 2
torch.distributed.init_process_group("gloo")
data, test, to = sys.argv[1:4]
for classes, kind in ((0, ew.KANRegressor), (2, ew.KANClassifier)):
    model = kind(mode="pairwise", interactions=1).fit(f"{data}/{classes}/*.parquet", target="y", checkpoint=f"{to}/passes")
    out = model._outputs(pq.read_table(test))
    np.save(f"{to}/{classes}-{torch.distributed.get_rank()}-of-{torch.distributed.get_world_size()}.npy", out)
for again in (0, 1):
    model = ew.KANRegressor(mode="deep", work=0.1).fit(f"{data}/0/*.parquet", target="y", checkpoint=f"{to}/passes")
    np.save(f"{to}/deep-{torch.distributed.get_rank()}-{again}.npy", model._outputs(pq.read_table(test)))
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="starts two processes by torchrun")
def test_two_workers_give_the_model_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_OF_LEAF", 700)
    monkeypatch.setattr(module, "ONE_IN", 2)
    for classes in (0, 2):
        (tmp_path / str(classes)).mkdir()
        written(tmp_path / str(classes), 3_000, classes=classes)
    test = rows(300, 9).drop_columns(["y"])
    pa.parquet.write_table(test, tmp_path / "test.pq")
    (tmp_path / "worker.py").write_text(WORKER)
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words += [str(tmp_path / "worker.py"), str(tmp_path), str(tmp_path / "test.pq"), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    for classes, kind in ((0, ew.KANRegressor), (2, ew.KANClassifier)):
        alone = kind(mode="pairwise", interactions=1).fit(
            str(tmp_path / str(classes) / "*.parquet"), target="y"
        )
        first, second = (np.load(tmp_path / f"{classes}-{k}-of-2.npy") for k in (0, 1))
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, alone._outputs(test), rtol=0, atol=1e-9)
    # Steps of two workers add gradients in their order: the same bits on both, and again.
    deep = [np.load(tmp_path / f"deep-{rank}-{again}.npy") for rank in (0, 1) for again in (0, 1)]
    assert all((own == deep[0]).all() for own in deep)
    alone = ew.KANRegressor(mode="deep", work=0.1).fit(str(tmp_path / "0" / "*.parquet"), target="y")
    assert np.std(deep[0] - alone._outputs(test)) < 0.2 * np.std(deep[0])


STOPPED = """
import os, sys
import torch.distributed
import edgewise as ew
from edgewise._core.errors import EdgewiseError
from edgewise.estimators import streamed
from edgewise.training.streaming.descent import StreamedDescent
torch.distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=int(sys.argv[3]), world_size=2)
streamed.CHECKPOINT_ROWS = 1_000
own = StreamedDescent._keep
def keep(self, rows):
    own(self, rows)
    if self.now.turn == 2:
        os._exit(9)
StreamedDescent._keep = keep
ew.KANRegressor(mode="deep", work=0.2).fit(sys.argv[1], target="y", checkpoint=sys.argv[4])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="starts two processes that meet in a file")
def test_hidden_nodes_go_on_with_another_number_of_workers(tmp_path, monkeypatch):
    data, kept = written(tmp_path, 2_000), tmp_path / "passes"
    words = [[sys.executable, "-c", STOPPED, data, str(tmp_path / "meet"), str(k), str(kept)] for k in (0, 1)]
    began = [subprocess.Popen(own, stderr=subprocess.PIPE, text=True) for own in words]
    errors = [own.communicate(timeout=300)[1] for own in began]
    assert began[0].returncode == 9, errors
    model, turns = ew.KANRegressor(mode="deep", work=0.2), list[int]()
    own = StreamedDescent._descend

    def descend(self, block, counts):
        turns.append(self.now.turn)
        own(self, block, counts)

    def refuse(*_, **__):
        raise AssertionError("a pass is made again")

    with monkeypatch.context() as patch:
        patch.setattr(StreamedDescent, "_descend", descend)
        patch.setattr(Passes, "run", refuse)
        model.fit(data, target="y", checkpoint=kept)
    assert min(turns) == 2
    assert turns[-1] > 2
    assert not list(kept.glob("*.edgewise-pass"))
    alone = ew.KANRegressor(mode="deep", work=0.2).fit(data, target="y")
    assert model.fit_.mode == alone.fit_.mode
    assert model.fit_.validation_error == pytest.approx(alone.fit_.validation_error, rel=0.1)


ORPHAN = """
import os, signal, sys
import torch.distributed
import edgewise as ew
from edgewise._core.errors import EdgewiseError
from edgewise.training.streaming import fit
torch.distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=int(sys.argv[3]), world_size=2)
if sys.argv[3] == "1":
    fit.make_features = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
try:
    ew.KANRegressor(mode="additive").fit(sys.argv[1], target="y")
except EdgewiseError as error:
    sys.stdout.write(str(error))
    sys.stdout.flush()
    os._exit(3)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kills a process")
def test_a_worker_that_dies_is_said(tmp_path):
    data = written(tmp_path, 600)
    words = [[sys.executable, "-c", ORPHAN, data, str(tmp_path / "meet"), str(k)] for k in (0, 1)]
    first, second = (
        subprocess.Popen(own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for own in words
    )
    told, errors = first.communicate(timeout=120)
    second.communicate(timeout=120)
    assert first.returncode == 3, errors
    assert told.startswith("A worker has ended")


AGAIN = """
import os, signal, sys
import torch.distributed
import edgewise as ew
from edgewise.data.streaming import source as reading
from edgewise.estimators import streamed
data, folder = sys.argv[1:]
reading.ROWS_OF_LEAF = reading.ROWS_OF_BATCH = 100
streamed.CHECKPOINT_ROWS = 200
torch.distributed.init_process_group("gloo")

def die(record):
    first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    if first and torch.distributed.get_rank() == 1 and record.phase.startswith("single"):
        os.kill(os.getpid(), signal.SIGKILL)

model = ew.KANRegressor(mode="additive", callbacks=die)
model.fit(data, target="y", checkpoint=f"{folder}/passes")
if torch.distributed.get_rank() == 0:
    ew.save(model, f"{folder}/model.kan")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kills a process that torchrun starts again")
def test_torchrun_goes_on_after_a_worker_has_died(tmp_path, monkeypatch):
    data = written(tmp_path, 1_500)
    (tmp_path / "again.py").write_text(AGAIN)
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words += ["--max-restarts=1", str(tmp_path / "again.py"), data, str(tmp_path)]
    # torch 2.13 looks for the workers of the next round where those of this one were, where rounds share one store.
    monkeypatch.setenv("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "1")
    done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    # Whether the other worker still says so, or is ended before it can, is a matter of moments.
    assert "exitcode: -9" in done.stderr
    monkeypatch.setattr(reading, "ROWS_OF_LEAF", 100)
    monkeypatch.setattr(reading, "ROWS_OF_BATCH", 100)
    alone = ew.KANRegressor(mode="additive").fit(data, target="y")
    X = rows(300, 9).drop_columns(["y"])
    np.testing.assert_allclose(
        ew.load(tmp_path / "model.kan").predict(X), alone.predict(X), rtol=0, atol=1e-9
    )
