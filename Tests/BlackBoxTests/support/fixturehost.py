"""Hosts made of files: instances that were never started, laid out as a test wants them."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from support.gateway import merge
from support.home import Home

FIRST_PORT = 21_000


class FixtureHost:
    """Instances of one home. Nothing runs and nothing listens."""

    def __init__(self, home: Home):
        self.home = home
        self.ids: dict[str, str] = {}

    def state(self, name: str) -> Path:
        return self.home.state(name)

    def add(self, name: str, config: dict | None = None, env: dict | None = None) -> Path:
        """An instance `name` (`default` for the default one) with a port block of its own."""
        state = self.state(name)
        for folder in ("run", "logs", "store", "credentials", "identity", "agents/main/sessions", "devices", "canvas", "media"):
            path = state / folder
            path.mkdir(parents=True, exist_ok=True)
        for folder, _, _ in os.walk(state):
            os.chmod(folder, 0o700)
        port = FIRST_PORT + 120 * len(self.ids)
        base = {"gateway": {"mode": "local", "port": port, "auth": {"mode": "token", "token": uuid.uuid4().hex}}}
        self.write(state / "jarvis.json", json.dumps(merge(base, config or {}), indent=2))
        self.ids[name] = str(uuid.uuid4())
        self.write_identity(state, self.ids[name], name)
        self.write(state / "credentials/telegram-allowFrom.json", "[]")
        if env:
            self.write(state / ".env", "".join(f"{key}={value}\n" for key, value in env.items()))
        return state

    def port(self, name: str) -> int:
        return FIRST_PORT + 120 * list(self.ids).index(name)

    def change(self, name: str, config: dict) -> None:
        path = self.state(name) / "jarvis.json"
        self.write(path, json.dumps(merge(json.loads(path.read_text()), config), indent=2))

    def write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.write_text(text)
        else:
            path.touch(mode=0o600)
            path.write_text(text)
        return path

    def write_identity(self, state: Path, instance_id: str, name: str) -> None:
        self.write(state / "instance.json", json.dumps(
            {"version": 1, "instanceId": instance_id, "createdAtMs": 1_700_000_000_000, "createdAs": name}))

    def unit(self, file: str, *, profile: str, instance_id: str, state: Path, config: Path | None = None,
             arguments: str = "gateway", executable: str = "/bin/true") -> Path:
        """A user unit with the given identity."""
        return self.write(self.home.root / ".config/systemd/user" / file, "\n".join([
            "[Unit]", "Description=JARVIS Gateway", "[Service]", f"ExecStart={executable} {arguments}",
            f"Environment=JARVIS_PROFILE={profile}", f"Environment=JARVIS_INSTANCE_ID={instance_id}",
            f"Environment=JARVIS_STATE_DIR={state}", f"Environment=JARVIS_CONFIG_PATH={config or state / 'jarvis.json'}",
            "Environment=JARVIS_SERVICE_MARKER=jarvis", "Environment=JARVIS_SERVICE_KIND=gateway", "",
        ]))

    def check(self) -> tuple[int, dict]:
        """Exit code and document of `fleet check`."""
        result = self.home.run("fleet", "check", "--json")
        assert result.stdout.strip(), result.stderr
        return result.returncode, json.loads(result.stdout)
