"""A home whose gateways the built-in supervisor keeps, with a crontab program of its own."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from support.gateway import base_config
from support.home import Home
from support.paths import jarvis_binary
from support.ports import free_base_port, wait_until

CRONTAB = """#!/bin/sh
# A crontab over one file, with the manners of the real one.
tab="{tab}"
case "$1" in
  -l) if [ -f "$tab" ]; then cat "$tab"; else echo "no crontab for tester" >&2; exit 1; fi ;;
  -r) rm -f "$tab" ;;
  *) cat "$1" > "$tab" ;;
esac
"""


def start_time(pid: int) -> int | None:
    """Clock ticks between boot and the start of a process; None when there is none (a zombie counts as none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int) -> bool:
    return start_time(pid) is not None


class Supervised:
    """The supervisor of one home and the gateways in its care."""

    def __init__(self, home: Home, cron: bool = True, hurry: int = 1):
        self.home = home
        self.hurry = hurry
        self.tools = home.root / "tools"
        self.tools.mkdir()
        self.crontab = home.root / "crontab.txt"
        if cron:
            program = self.tools / "crontab"
            program.write_text(CRONTAB.format(tab=self.crontab))
            program.chmod(0o755)
        self.env = {"PATH": f"{self.tools}:/usr/bin:/bin" if cron else str(self.tools)}
        self.directory = home.root / ".local/state/jarvis/host/supervisor"
        self.ports: dict[str, int] = {}
        self.seen: dict[int, int] = {}

    # ---- commands

    def run(self, *arguments: str, profile: str | None = None, check: bool = True, env: dict | None = None):
        words = ["--profile", profile] if profile else []
        result = self.home.run(*words, *arguments, env={**self.env, **(env or {})}, timeout=120)
        if check:
            assert result.returncode == 0, f"{arguments}: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    def json(self, *arguments: str, profile: str | None = None, check: bool = True, env: dict | None = None):
        return json.loads(self.run(*arguments, "--json", profile=profile, check=check, env=env).stdout)

    def configure(self, profile: str | None = None, config: dict | None = None) -> None:
        port = self.ports.setdefault(profile or "default", free_base_port())
        self.home.write_config(config or base_config(port), profile)

    def install(self, profile: str | None = None, check: bool = True):
        """Configures an instance and puts it into the supervisor's care."""
        if (profile or "default") not in self.ports:
            self.configure(profile)
        if self.hurry > 1:
            self.begin()
        return self.json("gateway", "install", "--supervisor", "builtin", profile=profile, check=check)

    def begin(self) -> None:
        """Starts the supervisor with short pauses, where the test wants them; it needs something to keep."""
        self.keep_alive()
        self.run("supervisor", "run", "--detach", "--hurry", str(self.hurry))

    def keep_alive(self) -> None:
        """A wish that is never wanted, so that the supervisor stays."""
        folder = self.directory / "instances"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "placeholder-0.json").write_text(json.dumps({
            "version": 1, "instanceId": "placeholder-0", "profile": "placeholder",
            "stateDir": str(self.home.root / "placeholder"), "configPath": str(self.home.root / "placeholder/c"),
            "arguments": [str(jarvis_binary()), "gateway"], "environment": {}, "wanted": False, "generation": 1}))

    # ---- looking

    def status(self) -> dict:
        return self.json("supervisor", "status", check=False)

    def row(self, profile: str | None = None) -> dict:
        return next(row for row in self.status()["instances"] if row["profile"] == (profile or "default"))

    def phase(self, profile: str | None = None) -> str:
        return self.row(profile).get("phase", "")

    def pid(self, profile: str | None = None) -> int:
        """The running gateway's process, as it noted it itself."""
        try:
            pid = int(json.loads((self.home.state(profile) / "run/gateway.json").read_text())["pid"])
        except (OSError, ValueError, KeyError):
            return 0
        if pid and (start := start_time(pid)) is not None:
            self.seen[pid] = start
            return pid
        return 0

    def supervisor(self) -> int:
        return self.status().get("pid") or 0

    def wait_up(self, profile: str | None = None, other_than: int = 0, timeout: float = 30) -> int:
        """The pid of the proven gateway."""

        def proven():
            pid = self.pid(profile)
            if not pid or pid == other_than:
                return 0
            answer = self.home.run(*(["--profile", profile] if profile else []), "health", "--json", env=self.env)
            return pid if answer.returncode == 0 and self.pid(profile) == pid else 0

        return wait_until(proven, timeout, f"{profile or 'default'} is up", every=0.1)

    def processes(self, profile: str | None = None) -> list[int]:
        """Every process that was started as a gateway over the state directory of `profile`."""
        wanted = f"JARVIS_STATE_DIR={self.home.state(profile)}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"gateway" in words and wanted in variables and is_alive(int(folder.name)):
                found.append(int(folder.name))
        return found

    # ---- the end

    def close(self) -> None:
        self.run("supervisor", "stop", check=False)
        for state in self.home.root.glob(".jarvis*"):
            name = state.name.removeprefix(".jarvis").removeprefix("-") or None
            self.pid(name)
        for pid, start in self.seen.items():
            if start_time(pid) == start:
                os.kill(pid, signal.SIGKILL)
