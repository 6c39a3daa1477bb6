"""A session without any browser: messages in, state out; its script repeats it to the last bit."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import KAN, verify
from edgewise._core.errors import InputError
from edgewise.report.editing.session import Session

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (120, 2))
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
HELD = RNG.uniform(-1, 1, (40, 2))


def network(dtype=torch.float64):
    return KAN([2, 3, 1], seed=0, dtype=dtype)


def session(**options) -> Session:
    return Session(network(), X, Y, (HELD, np.sin(2 * HELD[:, 0]) + HELD[:, 1] ** 2), **options)


def same(a: KAN, b: KAN) -> bool:
    one, two = a.state_dict(), b.state_dict()
    return a.spec == b.spec and list(one) == list(two) and all(torch.equal(one[k], two[k]) for k in one)


def repeated(script: str, net: KAN) -> KAN:
    room: dict = {}
    exec(compile(script, "script", "exec"), room)
    return room["edited"](net, X)


EDITS = st.sampled_from(
    [
        {"edit": "prune", "edges": [[0, 1, 0]]},
        {"edit": "prune", "threshold": 0.02},
        {"edit": "snap", "edge": [0, 0, 0], "form": "sin", "affine": [0.1, 1 / 3, 0, -2]},
        {"edit": "numeric", "edge": [0, 0, 0]},
        {"edit": "shape", "edge": [0, 0, 1], "to": "increasing(-0.5, 0.7)"},
        {"edit": "shape", "edge": [0, 1, 1], "to": [[-0.5, 0.1], [0.3, 0.2]]},
        {"edit": "shape", "edge": [1, 0, 0], "to": "smooth"},
        {"edit": "shape", "edge": [0, 0, 2], "to": "constant(0, 0.5)"},
    ]
)
ACTS = st.one_of(
    EDITS.map(lambda edit: {"do": "apply", **edit}),
    EDITS.map(lambda edit: {"do": "preview", **edit}),
    st.sampled_from(
        [{"do": "undo"}, {"do": "redo"}, {"do": "go", "version": 1}, {"do": "note", "text": "a\nb"}]
    ),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(ACTS, min_size=1, max_size=6), st.sampled_from([torch.float64, torch.float32]))
def test_the_script_repeats_whatever_was_done(acts, dtype):
    net = network(dtype)
    one = Session(net, X, Y)
    for act in acts:
        one.receive(act)
        json.dumps(one.state(), allow_nan=False)
    assert same(repeated(one.script(), net), one.network)
    assert same(net, network(dtype))


def test_undo_redo_and_a_branch():
    one = session()
    one.receive({"do": "apply", "edit": "prune", "edges": [[0, 1, 0]]})
    pruned = one.network
    one.receive({"do": "undo"})
    assert same(one.network, network())
    one.receive({"do": "redo"})
    assert one.network is pruned
    one.receive({"do": "undo"})
    one.receive({"do": "apply", "edit": "shape", "edge": [0, 0, 0], "to": "smooth"})
    assert [version["parent"] for version in one.state()["versions"]] == [None, 0, 0]
    assert not one.state()["redo"]
    one.receive({"do": "go", "version": 1})
    assert one.network is pruned
    one.receive({"do": "redo"})
    assert one.state()["message"].startswith("There must be an undone edit")
    one.receive({"do": "undo"})
    one.receive({"do": "undo"})
    assert one.state()["message"].startswith("There must be an edit to undo")


def test_errors_are_those_of_held_out_rows_and_every_look_is_counted():
    one = session()
    truth = np.sin(2 * HELD[:, 0]) + HELD[:, 1] ** 2
    edit = {"edit": "prune", "edges": [[0, 1, 0], [0, 0, 2]]}
    one.receive({"do": "preview", **edit})
    told = one.state()
    assert (told["looks"], told["preview"]["edges"], told["judged"]) == (2, 7, "40 held-out rows")
    one.receive({"do": "apply", **edit})
    one.receive({"do": "undo"})  # known already: no look
    one.receive({"do": "redo"})
    told = one.state()
    assert told["looks"] == 3
    assert told["preview"] is None
    miss = one.network.predict(HELD)[:, 0] - truth
    assert told["versions"][1]["measures"]["rmse"] == pytest.approx(float(np.sqrt((miss**2).mean())))
    moved = np.abs(one.network.predict(HELD) - network().predict(HELD))[:, 0]
    assert told["affected"]["largest"] == pytest.approx(moved.max())
    assert told["affected"]["most"][0][0] == moved.argmax()
    assert told["affected"]["rows"] == (moved > 1e-9 * (1 + np.abs(network().predict(HELD)).max())).sum()


def test_suggestions_are_ranked_with_their_fit_and_taken():
    net = KAN([1, 1], seed=0, dtype=torch.float64)
    rows = np.linspace(-1, 1, 80)[:, None]
    one = Session(net, rows, net.predict(rows)[:, 0])
    one.receive({"do": "suggest", "edge": [0, 0, 0]})
    forms = one.state()["suggestions"]["forms"]
    assert len(forms) > 3
    best = forms[0]
    one.receive(
        {"do": "apply", "edit": "snap", "edge": [0, 0, 0], "form": best["form"], "affine": best["affine"]}
    )
    assert one.state()["message"] == ""
    error = one.state()["versions"][1]["measures"]["r2"]
    assert error == pytest.approx(best["r2"], abs=0.02)
    one.receive({"do": "suggest", "edge": [0, 5, 0]})
    assert "'source' argument" in one.state()["message"]


def test_what_was_shown_of_the_network_goes_stale_and_comes_back():
    net = network()
    proof = verify(net, "range(-1000, 1000)")
    audit = SimpleNamespace()
    one = Session(net, X, Y, results=(proof, audit))
    assert [result["stale"] for result in one.state()["results"]] == [False, False]
    one.receive({"do": "apply", "edit": "prune", "edges": [[0, 1, 0]]})
    assert [(e["stale"], e["again"]) for e in one.state()["results"]] == [(True, True), (True, False)]
    one.receive({"do": "undo"})
    assert not any(result["stale"] for result in one.state()["results"])
    one.receive({"do": "redo"})
    one.receive({"do": "prove"})
    assert [result["stale"] for result in one.state()["results"]] == [False, True]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (None, "must be a dictionary"),
        ({"do": "fly"}, "must be one of apply"),
        ({"do": "apply", "edit": "sing"}, "must be prune, snap, numeric or shape"),
        ({"do": "apply", "edit": "prune"}, "at least one edge"),
        ({"do": "apply", "edit": "prune", "threshold": float("nan")}, "finite numbers"),
        ({"do": "apply", "edit": "prune", "edges": [[0, 0]]}, "three whole numbers"),
        (
            {
                "do": "apply",
                "edit": "snap",
                "edge": [0, 0, 0],
                "form": "__import__('os')",
                "affine": [1, 1, 0, 0],
            },
            "",
        ),
        ({"do": "apply", "edit": "shape", "edge": [0, 0, 0], "to": [[1]]}, "pairs"),
        ({"do": "apply", "edit": "shape", "edge": [0, 9, 0], "to": "smooth"}, "'source' argument"),
        ({"do": "go", "version": 7}, "must be a number from 0"),
        ({"do": "note", "text": 3}, "must be a text"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(message, words):
    one = session()
    one.receive(message)
    told = one.state()
    assert words in told["message"]
    assert told["message"]
    assert len(told["versions"]) == 1
    one.receive({"do": "undo"})
    assert "to undo" in one.state()["message"]


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="one entry a row"):
        Session(network(), X, Y[:3])
    with pytest.raises(InputError, match="'validation' argument must be a pair"):
        Session(network(), X, Y, validation=3)
