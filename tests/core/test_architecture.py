"""docs/architecture.md says what the code says."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "architecture.md").read_text()
SURFACES = re.findall(r"^(?:# (\w+)(?::.*)?|(\w+)\((.*?)\)[ ]*(?:#.*)?)$", TEXT, flags=re.MULTILINE)


def calls():
    """(room, name, parameters) of every call in the code block, in order."""
    room = ""
    for heading, name, parameters in SURFACES:
        room = heading or room
        if name:
            yield room, name, parameters.split(", ")


@pytest.mark.parametrize(("room", "name", "parameters"), list(calls()))
def test_parameters_are_those_of_the_code(room, name, parameters):
    real = list(inspect.signature(getattr(import_module(f"edgewise.{room}"), name)).parameters)
    if parameters[-1] == "...":
        parameters, real = parameters[:-1], real[: len(parameters) - 1]
    assert parameters == real


def test_every_public_function_of_a_room_is_there():
    told = {(room, name) for room, name, _ in calls()}
    assert len(told) > 60
    for room in ("network", "training", "simplifying", "plots", "report"):
        module = import_module(f"edgewise.{room}")
        functions = {name for name, value in vars(module).items() if inspect.isfunction(value)}
        missing = functions - {name for at, name in told if at == room} - {"describe"}
        assert not missing, (room, missing)


def test_the_rooms_are_the_rooms_there_are():
    import edgewise

    folders = {path.parent.name for path in Path(edgewise.__file__).parent.glob("*/__init__.py")}
    table = TEXT.split("## Rooms")[1].split("## Surfaces")[0]
    named = set(
        re.findall(r"`(\w+)`", "".join(re.findall(r"^\| \d+ \|([^|]*)\|", table, flags=re.MULTILINE)))
    )
    assert named == folders
