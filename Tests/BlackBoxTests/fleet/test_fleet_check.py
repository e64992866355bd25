"""`fleet check`: every known overlap is found with both owners, and a host without one raises no alarm."""

import importlib.util
import json
import random
from pathlib import Path

import pytest
from support.fixturehost import FixtureHost
from support.home import tree

spec = importlib.util.spec_from_file_location("overlaps", Path(__file__).with_name("overlaps.py"))
overlaps = importlib.util.module_from_spec(spec)
spec.loader.exec_module(overlaps)


@pytest.fixture
def host(home):
    made = FixtureHost(home)
    for name in ("default", "a", "b"):
        made.add(name)
    return made


def conflicts(document):
    return [overlap for overlap in document["overlaps"] if overlap["severity"] == "conflict"]


def test_there_are_thirty():
    assert len(overlaps.KNOWN) >= 30


@pytest.mark.parametrize("name", overlaps.KNOWN)
def test_known_overlap_is_found(host, name):
    plant, kind, owners = overlaps.KNOWN[name]
    plant(host)
    before = tree(host.home.root)
    code, document = host.check()
    assert code == 1 and document["ok"] is False
    found = [o for o in conflicts(document) if o["kind"] == kind and {o["a"]["name"], o["b"]["name"]} == set(owners)]
    assert found, json.dumps(document["overlaps"], indent=1)
    for overlap in conflicts(document):
        assert overlap["why"] and overlap["next"].split()[0] in ("jarvis", "JARVIS_STATE_DIR") and overlap["a"]["purpose"]
        assert {overlap["a"]["name"], overlap["b"]["name"]} != {"default"}
    assert overlaps.TOKEN not in json.dumps(document), "a credential is shown"
    assert tree(host.home.root) == before, "a check that only reads has written"
    text = host.home.run("fleet", "check")
    # Hashes of credentials differ from run to run on a host that has no key yet.
    value = "telegram:" if kind == "identity" and "bot" in name else found[0]["value"].split(":")[0]
    assert text.returncode == 1 and value in text.stdout and overlaps.TOKEN not in text.stdout


def clean_host(home, seed):
    """Instances that look alike and share nothing: near misses of every rule."""
    chance = random.Random(seed)
    host = FixtureHost(home)
    names = ["default"] + chance.sample(["a", "ab", "a-b", "b", "rescue", "dev", "x1", "work"], chance.randint(2, 6))
    step = chance.choice([20, 111, 120])
    for number, name in enumerate(names):
        host.add(name, {"gateway": {"port": 20_000 + step * number}})
        state = host.state(name)
        if chance.random() < 0.5:  # one name is the beginning of the other
            host.change(name, {"agents": {"defaults": {"workspace": str(home.root / ("work" + "x" * number))}}})
        if chance.random() < 0.5:
            host.change(name, {"channels": {"telegram": {"botToken": f"{seed}{number}:token", "webhookSecret": "the same"}}})
        if chance.random() < 0.4:  # the same token, but switched off
            host.change(name, {"channels": {"discord": {"enabled": False, "token": "left-from-the-template"}}})
        if chance.random() < 0.4:
            port = 20_000 + step * number + 11
            host.change(name, {"browser": {"profiles": {"main": {"cdpPort": port, "color": "#FF4500"}}}})
        if chance.random() < 0.4:
            far = {"cdpUrl": "http://browser.example:9222", "shared": True, "color": "#FF4500"}
            host.change(name, {"browser": {"profiles": {"far": far}}})
        if chance.random() < 0.4:
            host.change(name, {"agents": {"list": [{"id": "main"}, {"id": "helper"}]}})
        if chance.random() < 0.4:
            suffix = "" if name == "default" else f"-{name}"
            host.unit(f"jarvis-gateway{suffix}.service", profile=name, instance_id=host.ids[name], state=state)
        if chance.random() < 0.3:
            (state / "workspace-copy").symlink_to(home.root / f"elsewhere-{number}")
        if chance.random() < 0.3:
            host.change(name, {"logging": {"file": str(home.root / f"log-{number}.txt")}})
        if chance.random() < 0.2:
            host.change(name, {"gateway": {"controlUi": {"root": str(home.root / "page")}}})
    host.write(home.root / ".config/systemd/user/other.service", "[Service]\nExecStart=/bin/true\n")
    host.write(home.root / ".jarvis-notes.txt", "no instance\n")
    (home.root / ".jarvis-empty").mkdir()
    return host, names


@pytest.mark.parametrize("seed", range(20))
def test_clean_host_raises_no_alarm(home, seed):
    host, names = clean_host(home, seed)
    code, document = host.check()
    assert conflicts(document) == []
    assert code == 0 and document["ok"] is True
    assert [instance["name"] for instance in document["instances"]] == ["default"] + sorted(names[1:])


def test_matrix_and_text(host):
    overlaps.KNOWN["one bot token"][0](host)
    overlaps.KNOWN["one base port"][0](host)
    code, document = host.check()
    assert document["matrix"] == [["-", "·", "·"], ["·", "-", "P T"], ["·", "P T", "-"]]
    lines = host.home.run("fleet", "check").stdout.splitlines()
    assert lines[0].split() == ["default", "a", "b"]
    assert lines[2].split() == ["a", "·", "-", "P", "T"]
    assert lines[-1] == "3 gateways: 2 overlaps."


def test_a_configuration_beside_a_sibling_is_a_note(host):
    """Both configurations in one folder, as in the documented manual way, is untidy and works."""
    elsewhere = host.home.root / ".jarvis-a2"
    host.home.run("setup", env={"JARVIS_STATE_DIR": str(elsewhere), "JARVIS_CONFIG_PATH": str(host.state("a") / "second.json")})
    code, document = host.check()
    assert code == 0, document["overlaps"]


def test_empty_host(home):
    result = home.run("fleet", "check")
    assert result.returncode == 0 and "no gateway" in result.stdout
    assert [path.name for path in home.root.iterdir()] == ["tmp"]


def test_a_broken_sibling_is_told_and_stops_nothing(host):
    host.write(host.state("b") / "jarvis.json", "{ broken")
    code, document = host.check()
    assert code == 0
    assert any("can't be read" in line for instance in document["instances"] for line in instance["unknown"])


def test_setup_refuses_a_siblings_workspace(home):
    assert home.run("setup").returncode == 0
    before = tree(home.root / ".jarvis")
    result = home.run("--profile", "b", "setup", "--workspace", str(home.root / ".jarvis/workspace"), "--json")
    document = json.loads(result.stdout)
    assert result.returncode == 2 and document["error"]["code"] == "fleet.overlap"
    assert "“default”" in document["error"]["message"] and "“b”" in document["error"]["message"]
    assert tree(home.root / ".jarvis") == before
    assert not (home.root / ".jarvis-b").exists()


def test_setup_notes_what_is_shared_already(host):
    host.change("a", overlaps.telegram())
    host.change("b", overlaps.telegram())
    document = host.home.json("--profile", "b", "setup", "--json")
    assert any("bot identity" in note and "“a”" in note for note in document["notes"])
    assert overlaps.TOKEN not in json.dumps(document)
