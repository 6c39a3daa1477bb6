"""Thresholds of the engines: all documented, all used, all checked."""

import dataclasses
import re
from pathlib import Path

import pytest

import edgewise
from edgewise import InputError
from edgewise.symbolic import SearchConfig
from edgewise.verifying import ProverConfig

SOURCE = Path(edgewise.__file__).parent
CONFIGS = [
    pytest.param(ProverConfig, SOURCE / "verifying", id="ProverConfig"),
    pytest.param(SearchConfig, SOURCE / "symbolic", id="SearchConfig"),
]


def names_of(kind):
    return [each.name for each in dataclasses.fields(kind)]


@pytest.mark.parametrize(("kind", "room"), CONFIGS)
def test_each_threshold_is_documented_in_order(kind, room):
    told = re.findall(r"^    ((?:\w+)(?:, \w+)*) : ", kind.__doc__, re.MULTILINE)
    assert [name for line in told for name in line.split(", ")] == names_of(kind)


@pytest.mark.parametrize(("kind", "room"), CONFIGS)
def test_each_threshold_decides_something(kind, room):
    text = "\n".join(path.read_text() for path in room.rglob("*.py"))
    unused = [name for name in names_of(kind) if not re.search(rf"\.{name}\b", text)]
    assert not unused


@pytest.mark.parametrize(("kind", "room"), CONFIGS)
def test_a_config_is_frozen_and_equal_by_value(kind, room):
    config = kind()
    assert config == kind()
    assert hash(config) == hash(kind())
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, names_of(kind)[0], 1)


@pytest.mark.parametrize(("kind", "room"), CONFIGS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1, "many", None, True, (), (1, "a")], ids=str)
def test_what_is_no_threshold_is_refused_by_name(kind, room, bad):
    for name in names_of(kind):
        with pytest.raises(InputError, match=name):
            kind(**{name: bad})
