"""Other users of this machine, for tests that run as root."""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.paths import jarvis_binary

NOBODY = 65534


def can_change_user() -> bool:
    return os.geteuid() == 0


@functools.cache
def binary_for_everyone() -> Path:
    """The binary under test where any user can run it: itself, or a copy in a directory that is open to all."""
    binary = jarvis_binary()
    try:
        if subprocess.run([str(binary), "--version"], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True).returncode == 0:
            return binary
    except OSError:
        pass
    folder = Path(tempfile.mkdtemp(prefix="jbb-bin-", dir="/tmp"))
    folder.chmod(0o755)
    copy = folder / "jarvis"
    shutil.copy(binary, copy)
    copy.chmod(0o755)
    return copy


class User:
    """An account that exists for one test; its home is a fresh directory."""

    def __init__(self, name: str):
        self.name = name
        self.home = Path(tempfile.mkdtemp(prefix="jbb-user-", dir="/tmp")).resolve() / "home"
        subprocess.run(
            ["useradd", "--create-home", "--home-dir", str(self.home), "--shell", "/bin/sh", name], check=True, capture_output=True)
        self.home.parent.chmod(0o755)
        account = pwd.getpwnam(name)
        self.uid, self.gid = account.pw_uid, account.pw_gid

    def remove(self) -> None:
        subprocess.run(["userdel", "--force", self.name], capture_output=True)
        shutil.rmtree(self.home.parent, ignore_errors=True)

    def environment(self, **extra: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, "LANG": "C.UTF-8", "TZ": "UTC",
                "NO_COLOR": "1", **extra}

    def options(self, **extra: str) -> dict:
        """What subprocess needs to run as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": self.home, "env": self.environment(**extra)}

    def run(self, *arguments: str, prefix: tuple = (), timeout: float = 40, **extra: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*prefix, str(binary_for_everyone()), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout, **self.options(**extra))
