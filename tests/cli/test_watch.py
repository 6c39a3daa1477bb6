"""`edgewise watch`: exit code 1 where rows have moved."""

from __future__ import annotations

import json

import numpy as np

import edgewise as ew


def written(path, x, years, claims):
    rows = [f"{a},{t},{c}" for a, t, c in zip(x, years, claims, strict=True)]
    path.write_text("\n".join(["age,years,claims", *rows]) + "\n")
    return path


def test_new_rows_are_held_against_those_learned_from(edgewise, tmp_path):
    random = np.random.default_rng(0)
    age, years = random.uniform(20, 60, 400), random.uniform(0.5, 2, 400)
    claims = random.poisson(years)
    model = ew.KANRegressor(loss="poisson", mode="additive", work="quick")
    ew.save(model.fit({"age": age}, claims, exposure=years), tmp_path / "m.kan")
    before = written(tmp_path / "before.csv", age, years, claims)
    after = written(tmp_path / "after.csv", age + 15, years, claims)
    asked = ("--target", "claims", "--exposure", "years", "--json")
    same = edgewise("watch", tmp_path / "m.kan", before, "--against", before, *asked)
    assert same.code == 0, same.err
    assert json.loads(same.out)["alarms"] == []
    assert json.loads(same.out)["calibration"][0]["observed"] == claims.sum() / years.sum()
    moved = edgewise("watch", tmp_path / "m.kan", after, "--against", before, *asked)
    assert moved.code == 1
    assert json.loads(moved.out)["alarms"][0].startswith("age has moved")
