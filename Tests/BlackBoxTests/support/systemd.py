"""A user of this machine under a real `systemd --user`, kept open: commands are run in it one after the other."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from support.ownhost import OwnHost, why_not

# Inside: runs what it is told, one JSON line in, one out.
AGENT = r"""
import json, os, subprocess, sys
for line in sys.stdin:
    job = json.loads(line)
    env = dict(os.environ)
    env.update(job["env"])
    for name in job["unset"]:
        env.pop(name, None)
    try:
        done = subprocess.run(job["argv"], env=env, cwd=job["cwd"], input=job["input"], capture_output=True, text=True,
                              errors="replace", timeout=job["timeout"])
        answer = {"rc": done.returncode, "out": done.stdout, "err": done.stderr}
    except subprocess.TimeoutExpired as error:
        answer = {"rc": 124, "out": str(error.stdout or ""), "err": "no end within %s s" % job["timeout"]}
    except OSError as error:
        answer = {"rc": 127, "out": "", "err": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
"""


class Done:
    """How a command ended."""

    def __init__(self, argv, answer: dict):
        self.argv, self.returncode, self.stdout, self.stderr = argv, answer["rc"], answer["out"], answer["err"]

    def __repr__(self) -> str:
        return f"{' '.join(self.argv)}: exit {self.returncode}\n{self.stdout}\n{self.stderr}"


class SystemdUser(OwnHost):
    """The user, with a session that stays open until `remove`."""

    def __init__(self, systemd: bool = True, **options):
        super().__init__(systemd=systemd, **options)
        words, environment = self.entered("python3", "-c", AGENT)
        self.process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    # ---- commands

    def sh(self, *argv: str, env: dict | None = None, unset: tuple = (), timeout: float = 90, input: str = "") -> Done:
        """Runs a command as the user."""
        argv = [str(word) for word in argv]
        job = {"argv": argv, "env": env or {}, "unset": list(unset), "cwd": str(self.home), "timeout": timeout, "input": input}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the session ended"
        return Done(argv, json.loads(answer))

    def ok(self, *argv: str, **options) -> str:
        done = self.sh(*argv, **options)
        assert done.returncode == 0, done
        return done.stdout

    def jarvis(self, *arguments: str, profile: str | None = None, **options) -> Done:
        flags = ["--profile", profile] if profile else []
        return self.sh(str(self.home / ".local/bin/jarvis"), *flags, *arguments, **options)

    def jarvis_json(self, *arguments: str, profile: str | None = None, expect: int | None = 0, **options) -> dict:
        done = self.jarvis(*arguments, "--json", profile=profile, **options)
        assert expect is None or done.returncode == expect, done
        return json.loads(done.stdout)

    def systemctl(self, *arguments: str, **options) -> Done:
        return self.sh("systemctl", "--user", *arguments, **options)

    def show(self, unit: str, *names: str) -> dict[str, str]:
        out = self.ok("systemctl", "--user", "show", unit, "--property", ",".join(names))
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def main_pid(self, profile: str | None = None) -> int:
        return int(self.show(unit_name(profile), "MainPID")["MainPID"])

    def wait_for(self, what: str, check, timeout: float = 60):
        """Polls until `check` gives something true and returns that."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if value := check():
                return value
            time.sleep(0.1)
        raise AssertionError(f"{what}: not within {timeout} s")

    # ---- gateways

    def set_up(self, profile: str | None = None, port: int | None = None) -> None:
        done = self.jarvis("setup", *(["--port", str(port)] if port else []), profile=profile)
        assert done.returncode == 0, done

    def state(self, profile: str | None = None) -> Path:
        return self.home / (f".jarvis-{profile}" if profile else ".jarvis")

    def unit_path(self, profile: str | None = None) -> Path:
        return self.home / ".config/systemd/user" / unit_name(profile)

    def instance_id(self, profile: str | None = None) -> str:
        return json.loads((self.state(profile) / "instance.json").read_text())["instanceId"]

    def drop_in(self, profile: str | None = None, **settings: str) -> Path:
        """The user's own change of a unit, as `systemctl --user edit` makes it."""
        folder = self.unit_path(profile).with_name(unit_name(profile) + ".d")
        unit = {name: value for name, value in settings.items() if name.startswith("StartLimit")}
        service = {name: value for name, value in settings.items() if name not in unit}
        lines = ["[Unit]", *(f"{k}={v}" for k, v in unit.items()), "[Service]", *(f"{k}={v}" for k, v in service.items())]
        self.ok("sh", "-c", f"mkdir -p {folder} && cat > {folder}/override.conf", input="\n".join(lines) + "\n")
        self.ok("systemctl", "--user", "daemon-reload")
        return folder / "override.conf"

    def edit(self, key: str, value, profile: str | None = None) -> None:
        done = self.jarvis("config", "set", key, json.dumps(value), profile=profile)
        assert done.returncode == 0, done

    def remove(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        super().remove()


def unit_name(profile: str | None = None) -> str:
    return f"jarvis-gateway-{profile}.service" if profile else "jarvis-gateway.service"


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


__all__ = ["Done", "SystemdUser", "bare_user", "unit_name", "user", "why_not"]
