"""jarvis profile create and list; many at once."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from profiles.conftest import identity, leftovers, whole_tree
from support.paths import jarvis_binary


def test_create_makes_what_setup_makes(home):
    made = home.json("profile", "create", "work", "--json")
    assert home.run("--profile", "work", "config", "validate").returncode == 0
    assert made["instance"] == {"profile": "work", "instanceId": identity(home, "work"), "stateDir": str(home.state("work"))}
    assert made["workspace"] == str(home.state("work") / "workspace-work") and (home.state("work") / "workspace-work/AGENTS.md").exists()
    assert made["path"] == str(home.config_path("work")) and made["live"] == "not-running" and made["next"] == "jarvis --profile work gateway"
    manifest = json.loads((home.state("work") / "manifest.json").read_text())
    assert manifest["createdBy"] == "create" and {"kind": "workspace", "path": "workspace-work"} in manifest["items"]
    before = whole_tree(home.state("work"))
    again = home.run("profile", "create", "WORK")
    assert again.returncode == 2 and "taken" in again.stderr
    assert whole_tree(home.state("work")) == before


def test_it_starts(gateway, home):
    made = home.json("profile", "create", "work", "--json")
    it = gateway("work", write_config=False, port=made["port"], arguments=[], token=home.read_config("work")["gateway"]["auth"]["token"])
    with it.client() as client:
        assert client.call("health")
    listed = home.json("profile", "list", "--json")["profiles"]
    assert [(entry["profile"], entry["port"], entry["running"]) for entry in listed] == [("work", made["port"], True)]


def test_list_creates_nothing(home):
    before = whole_tree(home.root)
    assert home.json("profile", "list", "--json") == {"profiles": [], "trash": []}
    assert "jarvis setup" in home.run("profile", "list").stdout
    assert whole_tree(home.root) == before


def test_sixteen_at_once(home):
    def create(number):
        return home.run("profile", "create", f"p{number}", "--json", timeout=120)

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(create, range(16)))
    assert [result.returncode for result in results] == [0] * 16, [result.stderr for result in results if result.returncode]
    made = [json.loads(result.stdout) for result in results]
    ports = sorted(it["port"] for it in made)
    assert all(right - left >= 120 for left, right in zip(ports, ports[1:])), ports
    assert len({it["instance"]["instanceId"] for it in made}) == 16
    assert home.run("fleet", "check").returncode == 0 and not leftovers(home)


def test_one_name_at_once_has_one_winner(home):
    command = [str(jarvis_binary()), "profile", "create", "same"]
    running = [subprocess.Popen(command, env=home.environment(), cwd=home.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
               for _ in range(6)]
    codes = sorted(process.wait(60) for process in running)
    for process in running:
        process.stderr.close()
    assert codes == [0, 2, 2, 2, 2, 2]
    assert not leftovers(home) and home.run("--profile", "same", "config", "validate").returncode == 0


def test_a_full_profile_name(home):
    name = "x" * 64
    assert home.run("profile", "create", name).returncode == 0
    assert home.state(name).exists()
    assert home.run("profile", "rm", name, "--yes").returncode == 0
    assert home.run("profile", "trash", "restore", name).returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_home_that_is_read_only(home):
    home.root.chmod(0o500)
    try:
        result = home.run("profile", "create", "work")
        assert result.returncode == 1 and "can't be written" in result.stderr
    finally:
        home.root.chmod(0o700)
