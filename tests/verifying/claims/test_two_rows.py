"""Columns that change together while numbers move a little: random pairs of rows are asked, and certificates damaged."""

import copy
import json
from functools import cache

import numpy as np
import pytest

import edgewise as ew
from edgewise.verifying.checker import check
from edgewise.verifying.entry_points.claim_text import claim_in_words, differs
from edgewise.verifying.language.text import parse_property
from edgewise.verifying.results.certificate import digest_of

N = 600


def people(n, seed):
    rng = np.random.default_rng(seed)
    return {
        "age": rng.uniform(18, 80, n).round(),
        "income": np.where(rng.random(n) < 0.1, np.nan, rng.uniform(0, 100, n).round(1)),
        "sex": rng.choice(["m", "f"], n),
        "race": rng.choice(["a", "b", "c"], n),
        "wealth": np.exp(rng.normal(0, 3, n)),
    }


@cache
def model(classes=2, **options):
    table = people(N, 0)
    z = 0.06 * (table["age"] - 45) + 0.04 * (np.nan_to_num(table["income"]) - 50)
    z = z + 0.4 * (table["sex"] == "m") + 0.3 * (table["race"] == "b")
    z = z + np.random.default_rng(1).normal(size=N)
    y = np.where(z > 0, "yes", "no") if classes == 2 else np.digitize(z, [-1.5, 1.5])
    return ew.KANClassifier(mode="additive", members=1, random_state=0, work="quick").fit(table, y)


@cache
def calibrated():
    table = people(N, 2)
    y = np.where(table["age"] + np.random.default_rng(3).normal(0, 20, N) > 55, "yes", "no")
    return ew.calibrate(model(), table, y)


PLACES = [
    ("age <= 30, income in [0, 20]", {"age": (-10, 30), "income": (0, 20)}),
    ("age >= 70, income >= 90", {"age": (70, 110), "income": (90, 140)}),
    ("age in [40, 60], income in [0, 100]", {"age": (40, 60), "income": (0, 100)}),
]


def pairs(ends, near, n=4000):
    """Rows within the ends, and rows with other words and with numbers a little off, within the ends too."""
    rng = np.random.default_rng(5)
    rows = people(n, 6)
    other = {
        name: rng.permutation(values) if name in ("sex", "race") else values for name, values in rows.items()
    }
    for name, (low, high) in ends.items():
        rows[name] = rng.uniform(low, high, n)
        moved = rows[name] + near.get(name, 0.0) * rng.choice([-1, 1, rng.uniform(-1, 1)], n)
        other[name] = np.clip(moved, low, high)
    return rows, other


@pytest.mark.slow
@pytest.mark.parametrize("which", ["plain", "calibrated"])
@pytest.mark.parametrize(("where", "ends"), PLACES)
@pytest.mark.parametrize("near", [{}, {"age": 5.0}, {"age": 2.0, "income": 3.0}])
def test_what_is_proved_of_two_rows_holds_for_all_pairs_drawn(which, where, ends, near, tmp_path):
    net = model() if which == "plain" else calibrated()
    answer = ew.verify(net, ew.properties.never_flips(["sex", "race"], others=near), where=where)
    rows, other = pairs(ends, near)
    if answer.status == "proved":
        assert (net.predict(rows) == net.predict(other)).all()
        ew.save(net, tmp_path / "m.kan")
        answer.certificate.save(tmp_path / "p.json")
        told = check(tmp_path / "p.json", tmp_path / "m.kan")
        assert told.accepted, told.reason
        assert not near or "any sex, any race, age at most" in told.claim
        words = claim_in_words(answer.certificate.document, net)
        number, place = next(iter(near.values()), 0), ends["income"]
        assert f"income is {place[0]} to" in words
        assert "the decision is the same in two rows that differ in sex, race" in words
        assert not near or f"age by at most {number:g}" in words
        text = str(ew.properties.never_flips(["sex", "race"], others=near))
        assert differs(answer.certificate.document, [net], parse_property(f"{text} where {where}")) == ""
        for other in (f"never_flips(sex) where {where}", "never_flips(sex, race) with age within 9", text):
            assert differs(answer.certificate.document, [net], parse_property(other))
    else:
        assert answer.status == "refuted"
        first, second = (case.row for case in answer.cases)
        said = [net.predict({name: [value] for name, value in row.items()})[0] for row in (first, second)]
        assert said == [case.decision for case in answer.cases]
        assert said[0] != said[1]
        for name in ("age", "income", "wealth"):
            same = first[name] == second[name]
            assert same or abs(first[name] - second[name]) <= near.get(name, 0) * (1 + 1e-9)
            low, high = ends.get(name, (-np.inf, np.inf))
            assert all(low - 1e-9 <= row[name] <= high + 1e-9 for row in (first, second))


def test_some_are_proved_and_some_are_not():
    found = [
        ew.verify(model(), f"never_flips(sex, race) with age within 5 where {where}").proved
        for where, _ in PLACES
    ]
    assert found == [True, True, False]


def test_moving_alone_can_flip_what_words_alone_do_not():
    """The pairs of a combination of values with itself count as well."""
    where = "race = a, sex in {m, f}, age in [20, 60], income in [40, 60]"
    answer = ew.verify(model(), "never_flips(sex) with age within 40", where=where)
    assert answer.status == "refuted"
    assert not ew.verify(model(), "never_flips(sex, race) with wealth within 1e6, age within 1").proved


@pytest.mark.slow
def test_more_classes_and_a_column_read_through_asinh(tmp_path):
    net = model(3)
    for others in ({}, {"age": 1.0, "wealth": 0.5}):
        far = {"age": (100, 105), "income": (140, 145)}
        answer = ew.verify(net, ew.properties.never_flips(["sex", "race"], others=others), where=far)
        rows, other = pairs(far, others)
        assert answer.proved == (net.predict(rows) == net.predict(other)).all()
        if answer.proved:
            ew.save(net, tmp_path / "m.kan")
            answer.certificate.save(tmp_path / "p.json", overwrite=True)
            told = check(tmp_path / "p.json", tmp_path / "m.kan")
            assert told.accepted, told.reason
            assert not others or "asinh(wealth) as its cells pair it" in told.claim


def test_damaged_certificates_are_refused(tmp_path):
    where = PLACES[0][0]
    answer = ew.verify(model(), f"never_flips(sex, race) with age within 5 where {where}")
    ew.save(model(), tmp_path / "m.kan")
    whole = json.loads(answer.certificate.text)
    age = next(k for k, group in enumerate(whole["domain"]["groups"]) if group["name"] == "age")

    def shrink(told):
        cell = told["domain"]["groups"][age]["cells"][1]
        cell[-1][1] = cell[0][1]

    changes = {
        "a wider claim": lambda told: told["claim"]["moves"][-1].update(within=25.0),
        "a box cut": shrink,
        "another copy": lambda told: told["claim"]["moves"][0].update(copy=0),
        "another input": lambda told: told["claim"]["moves"][0].update(input=1),
        "twice": lambda told: told["claim"]["moves"].append(dict(told["claim"]["moves"][0])),
        "no moves": lambda told: told["claim"].update(moves=[]),
        "a plain claim": lambda told: (
            told["claim"].pop("moves"),
            told["claim"].update(type="never_flips", group=age),
        ),
        "fewer columns": lambda told: told["claim"]["moves"].pop(0),
        "another cell": lambda told: told["domain"]["groups"][-1]["cells"].pop(),
        "whole": lambda told: told["domain"].update(whole=True),
        "threshold": lambda told: told["claim"].update(threshold=-30.0),
        "a proof less": lambda told: told["proofs"].pop(),
    }
    for name, change in changes.items():
        told = copy.deepcopy(whole)
        change(told)
        told["digest"] = digest_of(told)
        (tmp_path / "p.json").write_text(json.dumps(told))
        assert not check(tmp_path / "p.json", tmp_path / "m.kan").accepted, name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("never_flips(sex) with sex within 1", "name it once"),
        ("never_flips(sex) with race within 1", "numbers of more than two values"),
        ("never_flips(sex, age)", "with age within"),
        ("never_flips(sex, sex)", "each once"),
        ("never_flips(sex) with age within 0", "others"),
        ("never_flips(sex) with age in 5", "within"),
        ("never_flips(sex, reca)", "race"),
    ],
)
def test_what_makes_no_sense_is_said(text, words):
    with pytest.raises(ew.InputError, match=words):
        ew.verify(model(), text)


@pytest.mark.parametrize(
    "text",
    [
        "never_flips(sex, race)",
        "never_flips(sex, race, 0, output=yes) with age within 5",
        "never_flips(`my sex`, race) with `an age` within 0.5, income within 100 where age in [18, 65]",
        'never_flips(sex, output="yes") with age within 5',
    ],
)
def test_text_is_read_back(text):
    once = parse_property(text)
    assert str(parse_property(str(once))) == str(once)


@pytest.mark.parametrize("which", ["plain", "calibrated"])
@pytest.mark.parametrize("near", [{}, {"age": 5.0}, {"age": 2.0, "income": 3.0, "wealth": 1.0}])
def test_two_rows_that_refute_can_be(which, near):
    net, table = model() if which == "plain" else calibrated(), people(N, 0)
    where = "income in [20, 60.5]"
    answer = ew.verify(
        net, ew.properties.never_flips(["sex", "race"], others=near), where=where, work="quick"
    )
    assert answer.status == "refuted"
    rows = [case.row for case in answer.cases]
    for row in rows:
        assert table["age"].min() <= row["age"] <= table["age"].max()
        assert float(row["age"]).is_integer()
        assert 20 <= row["income"] <= 60.5
        assert table["wealth"].min() <= row["wealth"] <= table["wealth"].max()
        # What is not asked to move is short to write.
        assert "income" in near or len(repr(float(row["income"]))) < 10
    said = [net.predict({name: [value] for name, value in row.items()})[0] for row in rows]
    assert said[0] != said[1]
    for name in ("age", "income", "wealth"):
        assert abs(rows[0][name] - rows[1][name]) <= near.get(name, 0) * (1 + 1e-12)
