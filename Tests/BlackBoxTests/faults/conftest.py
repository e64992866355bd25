"""Faults from outside: system calls that fail, kills at chosen moments, files that were cut."""

import pytest
from support import trace


@pytest.fixture(scope="session")
def strace():
    if not trace.available():
        pytest.skip("this machine does not allow strace")
    return trace
