"""The clock that tests move."""

from tests.verifying.conftest import clock as clock
