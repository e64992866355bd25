"""One user under a real service manager for the tests of a module."""

from __future__ import annotations

import pytest
from support.systemd import SystemdUser, why_not


@pytest.fixture
def user(jarvis_binary):
    """A new user with a running `systemd --user`."""
    if reason := why_not(systemd=True):
        pytest.skip(reason)
    host = SystemdUser()
    yield host
    host.remove()


@pytest.fixture
def bare_user(jarvis_binary):
    """A new user on a host without a service manager."""
    if reason := why_not(systemd=False):
        pytest.skip(reason)
    host = SystemdUser(systemd=False)
    yield host
    host.remove()
