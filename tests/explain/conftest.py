"""The clock that tests move."""

from tests.verify.conftest import clock as clock
