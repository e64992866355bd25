"""Pains that fleet check, isolation test and doctor answer; the numbers are those of docs/pains.md."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.fixturehost import FixtureHost
from support.home import tree


def doctor(home, *arguments, env=None):
    result = home.run("doctor", "--json", *arguments, env=env)
    return result.returncode, json.loads(result.stdout)


def severities(document):
    return [finding["severity"] for instance in document["instances"] for finding in instance["findings"]]


@pytest.mark.long
def test_pain_04_nothing_lands_outside_the_profile(home):
    result = home.run("--profile", "rescue", "isolation", "test", "--json", timeout=120)
    document = json.loads(result.stdout)
    assert result.returncode == 0 and document["touches"] == [] and document["complete"]


def test_pain_09_doctor_names_both_supervisors_of_one_gateway(home):
    host = FixtureHost(home)
    state = host.add("a")
    host.unit("jarvis-gateway-a.service", profile="a", instance_id=host.ids["a"], state=state)
    second = host.unit("my-assistant.service", profile="a", instance_id=host.ids["a"], state=state)
    before = tree(home.root)
    result = home.run("--profile", "a", "doctor", "--fix", "--yes", "--json")
    finding = next(f for i in json.loads(result.stdout)["instances"] for f in i["findings"] if f["id"] == "service.several")
    assert result.returncode == 1 and finding["severity"] == "error"
    assert any(str(second) in line for line in finding["evidence"])
    assert "fix" not in finding, "which of two services is meant is the owner's choice"
    assert tree(home.root / ".config") == {k.removeprefix(".config/"): v for k, v in before.items() if k.startswith(".config/")}


def test_pain_10_healthy_siblings_are_information(gateway, home):
    """Three healthy gateways and things that look like gateways: no warning, exit 0, nothing destructive printed."""
    made = [gateway(profile=name) for name in (None, "rescue", "work")]
    host = FixtureHost(home)
    decoys = home.root / ".config/systemd/user"
    host.write(decoys / "jarvis-helper.service", "[Service]\nExecStart=/bin/sleep 1\n")
    host.write(decoys / "other-gateway.service", "[Service]\nExecStart=/usr/bin/node gateway.js --port 18789\n")
    (home.root / ".jarvis-notes").mkdir()
    (home.root / ".jarvis.bak").mkdir()
    for arguments in ([], ["--all"], ["--all", "--deep"]):
        code, document = doctor(home, *arguments)
        assert set(severities(document)) == {"info"}, json.dumps(document, indent=1)
        assert code == 0 and document["ok"] is True
    peers = [f for i in document["instances"] for f in i["findings"] if f["id"] == "peers"]
    assert len(peers) == 3 and all(peer["severity"] == "info" and "next" not in peer for peer in peers)
    before = {it.state: tree(it.state, skip=volatile) for it in made}
    pids = [it.pid for it in made]
    text = home.run("doctor", "--all", "--fix", "--yes")
    assert text.returncode == 0
    for word in ("rm ", "kill", "systemctl", "uninstall", "disable", "stop"):
        assert word not in text.stdout
    assert [it.pid for it in made] == pids and all(it.is_running() for it in made)
    assert {it.state: tree(it.state, skip=volatile) for it in made} == before


def volatile(path: Path) -> bool:
    """What a running gateway writes by itself."""
    return path.parent.name in ("logs", "store", "run") or path.name in ("logs", "store", "run")


def test_pain_13_two_configurations_over_one_state_directory_are_found(home):
    """The manual way without a state directory of its own: fleet check names both owners before anything runs twice."""
    host = FixtureHost(home)
    host.add("default")
    shared = home.root / "shared"
    for name in ("one", "two"):
        host.add(name)
        state = host.state(name)
        shutil.rmtree(state / "store")
        shared.mkdir(exist_ok=True)
        os.symlink(shared, state / "store")
    code, document = host.check()
    found = [o for o in document["overlaps"] if o["severity"] == "conflict"]
    assert code == 1 and {found[0]["a"]["name"], found[0]["b"]["name"]} == {"one", "two"}


def test_pain_21_a_repair_says_done_only_when_a_probe_was_answered(gateway, home):
    """A gateway that its service should run and that does not is an error, whatever was repaired."""
    it = gateway()
    it.kill()
    host = FixtureHost(home)
    identity = json.loads((it.state / "instance.json").read_text())["instanceId"]
    host.unit("jarvis-gateway.service", profile="default", instance_id=identity, state=it.state)
    code, document = doctor(home, "--fix", "--yes")
    down = [f for i in document["instances"] for f in i["findings"] if f["id"] == "gateway.down"]
    assert document["applied"] and code == 1 and document["ok"] is False and down[0]["severity"] == "error"


def test_pain_30_one_container_name_in_two_gateways_is_found(home):
    host = FixtureHost(home)
    for name in ("a", "b"):
        host.add(name, {"agents": {"defaults": {"sandbox": {"docker": {"containerPrefix": "box-"}}}}})
    code, document = host.check()
    assert code == 1 and [o["value"] for o in document["overlaps"]] == ["container:box-"]


def test_pain_35_doctor_tells_a_crash_loop(home):
    import datetime
    host = FixtureHost(home)
    state = host.add("default")
    now = datetime.datetime.now(datetime.timezone.utc)
    lines = []
    for minute in range(8):
        time = (now - datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        lines.insert(0, json.dumps({"time": time, "level": "error", "message": "the store is damaged"}))
        lines.insert(0, json.dumps({"time": time, "level": "info", "message": f"log file: {state}/logs/gateway.log"}))
    host.write(state / "logs/gateway.log", "\n".join(lines) + "\n")
    code, document = doctor(home)
    loop = [f for i in document["instances"] for f in i["findings"] if f["id"] == "crash-loop"][0]
    assert code == 1 and loop["severity"] == "error" and "the store is damaged" in loop["evidence"]


def test_pain_41_temporary_files_and_logs_lie_in_the_state_directory(gateway, home):
    it = gateway(profile="a")
    it.client().chat("do some work")
    it.cli("logs")
    assert (it.state / "logs/gateway.log").exists()
    it.stop()
    outside = [p for p in home.root.rglob("*") if p.suffix in (".log", ".tmp") and it.state not in p.parents]
    assert [p.name for p in outside if not p.name.startswith("gateway-")] == []
    assert subprocess.run(["pgrep", "-f", str(home.root)], capture_output=True).returncode == 1


@pytest.mark.parametrize("bind", ["lan", "custom"])
def test_pain_43_doctor_tells_a_weak_credential_on_an_open_port(home, bind):
    host = FixtureHost(home)
    host.add("default", {"gateway": {"bind": bind, "customBindHost": "0.0.0.0", "auth": {"token": "weak"}}})
    code, document = doctor(home)
    found = [f for i in document["instances"] for f in i["findings"] if f["id"] == "exposure.weak"]
    assert code == 1 and found[0]["severity"] == "error" and '"weak"' not in json.dumps(document)


def test_pain_48_the_page_says_that_profiles_are_no_wall():
    text = (Path(__file__).parents[3] / "docs/isolation.md").read_text()
    assert "not a security boundary" in text
