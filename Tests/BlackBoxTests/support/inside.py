"""What a script inside a host of its own (support/ownhost.py) sees of the gateways there. Standard library only."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

HOME = Path.home()
PATIENCE = 20  # seconds for what takes one


def profile_of(command: str) -> str:
    if found := re.search(r"--profile (\S+)", command) or re.search(r"JARVIS_STATE_DIR=\S*\.jarvis-(\S+)", command):
        return found.group(1)
    return "default"


def jarvis(name: str) -> str:
    return "jarvis" if name == "default" else f"jarvis --profile {name}"


def state_of(name: str) -> Path:
    return HOME / (".jarvis" if name == "default" else f".jarvis-{name}")


def all_names() -> list[str]:
    return [path.parent.name.removeprefix(".jarvis").removeprefix("-") or "default" for path in HOME.glob(".jarvis*/instance.json")]


def runtime(name: str) -> dict:
    try:
        return json.loads((state_of(name) / "run/gateway.json").read_text())
    except (OSError, ValueError):
        return {}


def pid_of(name: str) -> int | None:
    """The process that says it is the gateway, when it is one."""
    pid = runtime(name).get("pid")
    return pid if pid and pid in gateways() else None


def boot_of(name: str) -> tuple | None:
    """What changes with every start, also with one in place, which keeps the process."""
    return (pid_of(name), runtime(name).get("startedAtMs")) if pid_of(name) else None


def port_of(name: str) -> int | None:
    return runtime(name).get("port")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_up(name: str) -> bool:
    return pid_of(name) is not None and is_ready(port_of(name), json.loads((state_of(name) / "instance.json").read_text())["instanceId"])


def is_ready(port: int, instance_id: str | None = None) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return answer.status == 200 and (instance_id is None or instance_id in str(answer.headers))
    except OSError:
        return False


def gateways() -> list[int]:
    """The processes that run this program: gateways, and supervisors where there are any."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            zombie = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            continue
        if words[0].endswith(b"jarvis") and not zombie:
            found.append(int(folder.name))
    return found


def main_pid(name: str) -> int | None:
    unit = "jarvis-gateway.service" if name == "default" else f"jarvis-gateway-{name}.service"
    said = subprocess.run(["systemctl", "--user", "show", "-p", "MainPID", "--value", unit], capture_output=True, text=True).stdout.strip()
    return int(said) if said.isdigit() and said != "0" else None


def settled(name: str) -> dict[str, str]:
    """What a running gateway does not write by itself: settings, identity, workspace, manifest."""
    root, found = state_of(name), {}
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if path.is_file() and not path.is_symlink() and inside.parts[0] not in ("run", "logs", "store", "tmp", "log"):
            if not re.search(r"\.(db|sqlite)(-wal|-shm)?$", path.name):
                found[str(inside)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def log_of(name: str) -> str:
    texts = [path.read_text(errors="replace")[-1500:] for path in (state_of(name) / "logs").glob("*.log")]
    if (HOME / "systemd.log").exists():
        texts.append((HOME / "systemd.log").read_text(errors="replace")[-1500:])
    return "\n".join(texts)


def rows(document) -> list[dict]:
    return document if isinstance(document, list) else document.get("instances", [])


def wait(condition, seconds: float = PATIENCE) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
