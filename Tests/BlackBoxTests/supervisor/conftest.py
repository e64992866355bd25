"""Supervisors that end with their test."""

import pytest
from support.supervised import Supervised


@pytest.fixture
def supervised(home):
    host = Supervised(home)
    yield host
    host.close()


@pytest.fixture
def hasty(home):
    """A supervisor whose pauses are a fiftieth."""
    host = Supervised(home, hurry=50)
    yield host
    host.close()
