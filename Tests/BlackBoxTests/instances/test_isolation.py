"""The decoy home: a gateway at work touches nothing outside its own roots, and leaves no file open to others."""

import json
import re
import shutil
import stat
import subprocess
import time
import uuid

import pytest
from support.home import tree


def plant_decoys(home):
    """Full state trees of other instances, and things that a careless program would pick up."""
    decoys = [".jarvis", ".jarvis-other", ".jarvis-x2", ".config/jarvis", "jarvis"]
    for name in decoys:
        root = home.root / name
        for sub in ("store", "run", "logs", "agents/main/sessions", "credentials", "identity", "workspace", "devices"):
            (root / sub).mkdir(parents=True)
        (root / "jarvis.json").write_text(json.dumps({"gateway": {"mode": "local", "port": 4, "auth": {"token": "decoy-token"}}}))
        (root / "instance.json").write_text(json.dumps({"instanceId": str(uuid.uuid4()), "createdAt": 1}))
        (root / "run/gateway.json").write_text(json.dumps({"pid": 1}))
        (root / "store/jarvis.sqlite").write_bytes(b"SQLite format 3\0" + bytes(100))
        (root / ".env").write_text("JARVIS_GATEWAY_TOKEN=decoy-token\nOPENAI_API_KEY=sk-decoy\n")
        (root / "workspace/AGENTS.md").write_text("decoy instructions\n")
    (home.root / ".env").write_text("JARVIS_GATEWAY_TOKEN=decoy-token\n")
    (home.root / ".bashrc").write_text("touch $HOME/shell-was-run\n")
    return decoys


def work(gateway):
    """Enough to make every part of a gateway touch its files."""
    client = gateway.client()
    client.chat("do some work")
    base = client.call("config.get")["hash"]
    client.call("config.patch", {"raw": '{"ui": {"seamColor": "#112233"}}', "baseHash": base})
    client.call("sessions.reset", {"key": "main"})
    client.call("logs.tail")
    gateway.get("/")
    for command in (["status"], ["health"], ["sessions", "list"], ["config", "get", "gateway.port"], ["which"], ["logs"]):
        gateway.cli(*command)


def test_decoy_home(gateway, home, scripted_model):
    plant_decoys(home)
    own = home.state("mine")

    def outside(path):
        return path == own or own in path.parents or path == home.root / "tmp" or home.root / "tmp" in path.parents

    before = tree(home.root, skip=outside)
    it = gateway(profile="mine")
    work(it)
    it.restart()
    work(it)
    assert it.stop() == 0
    after = tree(home.root, skip=outside)
    assert after.keys() - before.keys() <= host_folder(after), "created outside its roots"
    assert before.keys() - after.keys() == set(), "removed outside its roots"
    changed = [path for path in before if before[path] != after[path] and path not in parents_of_host_folder()]
    assert changed == [], "changed outside its roots"
    assert "decoy" not in "".join(str(request.body) for request in scripted_model.requests)
    assert not (home.root / "shell-was-run").exists()


def host_folder(found):
    """The host-wide registry of leases is the one place that instances share, by design."""
    return {path for path in found if path == ".local" or path.startswith(".local/state")}


def parents_of_host_folder():
    return {".local", ".local/state"}


@pytest.mark.long
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_decoy_home_is_not_even_opened(gateway, home):
    """Not only unchanged: no file of another instance is opened, listed or asked for (seen by strace)."""
    decoys = plant_decoys(home)
    trace = home.root / "tmp/trace"
    probe = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip("this machine does not allow strace")
    it = gateway(profile="mine", start=False, prefix=["strace", "-f", "-qq", "-e", "trace=%file", "-o", str(trace)])
    it.start(timeout=40)
    it.client().chat("do some work")
    time.sleep(0.5)
    it.stop()
    touched = set()
    for line in trace.read_text(errors="replace").splitlines():
        for path in re.findall(r'"([^"]*)"', line):
            for decoy in decoys:
                if path.startswith(str(home.root / decoy) + "/"):
                    touched.add(path)
    # Reading a sibling's instance.json or runtime file to find out who owns a port is allowed; its secrets and data are not.
    allowed = re.compile(r"/(instance\.json|run/gateway\.json|run/control\.sock|jarvis\.json)$")
    assert {path for path in touched if not allowed.search(path)} == set()


def test_nothing_is_open_to_others(gateway, home):
    it = gateway(profile="mine")
    work(it)
    open_to_others = [
        str(path) for path in [it.state, *it.state.rglob("*")]
        if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert open_to_others == []


def test_a_wide_umask_does_not_matter(gateway, home):
    it = gateway(profile="mine", prefix=["sh", "-c", 'umask 000; exec "$@"', "sh"])
    work(it)
    assert [str(p) for p in it.state.rglob("*") if not p.is_symlink() and stat.S_IMODE(p.lstat().st_mode) & 0o077] == []


def test_no_temporary_files_stay(gateway, home):
    it = gateway(profile="mine")
    work(it)
    it.stop()
    left = [p.name for p in (home.root / "tmp").iterdir() if not p.name.startswith("gateway-")]
    assert left == []
    assert [str(p) for p in it.state.rglob("*") if ".tmp" in p.name or p.name.endswith("~")] == []


def test_secrets_stay_out_of_logs_and_process_list(gateway, home):
    canary = "canary-token-5f1e0c77aa"
    it = gateway(profile="mine", config={"gateway": {"auth": {"token": canary}}}, token=canary)
    work(it)
    assert it.cli("agent", "-m", "hello").returncode == 0
    assert canary not in open(f"/proc/{it.pid}/cmdline").read()
    it.stop()
    assert canary not in it.log()
    holders = [
        str(p.relative_to(it.state)) for p in it.state.rglob("*")
        if p.is_file() and canary.encode() in p.read_bytes() and not p.name.startswith("jarvis.json")
        and it.state / "config" not in p.parents]
    assert holders == []
