"""A machine that can be booted: process 1 is a real systemd, with logind and linger; see systemd_boot.sh."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from support.paths import jarvis_binary

SCRIPT = Path(__file__).with_name("systemd_boot.sh")


def why_not() -> str | None:
    """Why this machine can't boot one; nil when it can."""
    if os.geteuid() != 0:
        return "needs root: a container"
    if shutil.which("systemd-nspawn") is None:
        return "systemd-container is not installed (make setup)"
    if not Path("/lib/systemd/systemd-logind").exists() or shutil.which("dbus-daemon") is None:
        return "systemd or its bus is not installed (make setup)"
    return None


class BootedHost:
    """One machine; `boot` runs a script in it as root and ends with a power-off, the next `boot` is a reboot."""

    def __init__(self):
        name = f"jbb-boot-{secrets.token_hex(4)}"
        # Both on the root file system: the overlay sees no other mount of the host.
        self.place = Path("/var/lib") / name
        self.tools = Path("/opt") / name
        self.tools.mkdir(mode=0o755, parents=True)
        shutil.copy(jarvis_binary(), self.tools / "jarvis")
        (self.tools / "jarvis").chmod(0o755)

    @property
    def binary(self) -> Path:
        return self.tools / "jarvis"

    def boot(self, script: str, timeout: float = 120) -> subprocess.CompletedProcess:
        file = self.tools / "script.sh"
        file.write_text(f"set -u\nJARVIS={self.binary}\n{script}\n")
        return subprocess.run(
            [str(SCRIPT), str(self.place), str(file)], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=timeout)

    def remove(self) -> None:
        shutil.rmtree(self.tools, ignore_errors=True)
        shutil.rmtree(self.place, ignore_errors=True)


@pytest.fixture
def machine(jarvis_binary):
    if reason := why_not():
        pytest.skip(reason)
    host = BootedHost()
    yield host
    host.remove()
