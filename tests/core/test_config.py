"""Thresholds of the engines: all documented, all used, all checked."""

import dataclasses
import re
from pathlib import Path

import pytest

import edgewise
from edgewise import InputError
from edgewise.symbolic import SearchConfig
from edgewise.training import TableConfig

SOURCE = Path(edgewise.__file__).parent
CONFIGS = [
    pytest.param(SearchConfig, ["symbolic"], id="SearchConfig"),
    pytest.param(TableConfig, ["training", "estimators"], id="TableConfig"),
]


def names_of(kind):
    return [field.name for field in dataclasses.fields(kind)]


@pytest.mark.parametrize(("kind", "rooms"), CONFIGS)
def test_each_threshold_is_documented_in_order(kind, rooms):
    told = re.findall(r"^    ((?:\w+)(?:, \w+)*) : ", kind.__doc__, re.MULTILINE)
    assert [name for line in told for name in line.split(", ")] == names_of(kind)


@pytest.mark.parametrize(("kind", "rooms"), CONFIGS)
def test_each_threshold_decides_something(kind, rooms):
    text = "\n".join(path.read_text() for room in rooms for path in (SOURCE / room).rglob("*.py"))
    unused = [name for name in names_of(kind) if not re.search(rf"\.{name}\b", text)]
    assert not unused


@pytest.mark.parametrize(("kind", "rooms"), CONFIGS)
def test_a_config_is_frozen_and_equal_by_value(kind, rooms):
    config = kind()
    assert config == kind()
    assert hash(config) == hash(kind())
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, names_of(kind)[0], 1)


@pytest.mark.parametrize(("kind", "rooms"), CONFIGS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1, "many", None, True, (), (1, "a")], ids=str)
def test_what_is_no_threshold_is_refused_by_name(kind, rooms, bad):
    for name in names_of(kind):
        with pytest.raises(InputError, match=name):
            kind(**{name: bad})


def test_what_is_shown_of_a_config_makes_it_again():
    for config in (TableConfig(), TableConfig(hidden=3, curve_errors=1.5), TableConfig(finer_rows=(1, 2, 3))):
        assert eval(repr(config), {"TableConfig": TableConfig}) == config
    assert repr(TableConfig(hidden=3)) == "TableConfig(hidden=3)"
