"""Rows of the catalogue that the lease table answers: one holder of a name, one owner of a port, one gateway of a state."""

import json
import secrets
import socket
import subprocess

import pytest
from support.home import tree
from support.ports import accepts, free_base_port, wait_until
from support.users import User, binary_for_everyone, can_change_user


def lease(it, *arguments):
    return it.cli("debug", "lease", *arguments)


def test_pain_05_one_bot_identity_has_one_gateway(gateway):
    """The lease alone: the second gateway runs on and is told who has the identity; a dead holder has nothing."""
    first, second = gateway(profile="main"), gateway(profile="two")
    assert lease(first, "identity", "5e" * 32, "--purpose", "telegram:main").returncode == 0
    for _ in range(3):
        refused = lease(second, "identity", "5e" * 32, "--purpose", "telegram:main")
        assert refused.returncode == 1
        assert "“main”" in refused.stderr and f"pid {first.pid}" in refused.stderr
        assert second.get("/readyz")[0] == 200
        first.kill()
        assert lease(second, "identity", "5e" * 32, "--purpose", "telegram:main").returncode == 0
        first.start()
        assert lease(first, "identity", "5e" * 32, "--purpose", "telegram:main").returncode == 1
        second.kill()
        assert lease(first, "identity", "5e" * 32, "--purpose", "telegram:main").returncode == 0
        second.start()


def test_pain_07_a_changed_port_moves_everything(gateway, home):
    it = gateway(profile="bot", arguments=[])
    old, new = it.port, free_base_port()
    assert it.cli("config", "set", "gateway.port", str(new)).returncode == 0
    it.port = new
    wait_until(lambda: accepts(new), 20, "the new port is served")
    wait_until(lambda: not accepts(old), 20, "the old port is free")
    wait_until(lambda: it.get("/readyz")[0] == 200, 20, "ready")
    assert it.cli("health").returncode == 0
    shown = json.loads(home.run("ports", "--json").stdout)["instances"]
    assert [(row["profile"], row["base"]) for row in shown] == [("bot", new)]


def test_pain_07_a_profile_that_does_not_run_is_not_its_neighbour(gateway, home):
    main = gateway()
    assert home.run("--profile", "bot", "setup").returncode == 0
    result = home.run("--profile", "bot", "health", timeout=20)
    assert result.returncode != 0
    assert main.get("/readyz")[0] == 200


def test_pain_13_a_second_opener_changes_nothing(gateway, home):
    """Two configurations in one folder and no state directory of its own: the second is refused before it writes."""
    first = gateway()
    (home.state() / "rescue.json").write_bytes(home.config_path().read_bytes())
    wait_until(lambda: not any(".jarvis-tmp" in path for path in tree(first.state)), what="the first has written what it had to")
    before = {path: kind[3] for path, kind in tree(first.state).items() if "log" not in path}
    table = (home.root / ".local/state/jarvis/host/leases.json").read_bytes()
    result = home.run(
        "gateway", "--port", str(first.port + 200), env={"JARVIS_CONFIG_PATH": str(home.state() / "rescue.json")}, timeout=25)
    assert result.returncode == 78 and str(first.pid) in result.stderr
    assert {path: kind[3] for path, kind in tree(first.state).items() if "log" not in path} == before
    assert (home.root / ".local/state/jarvis/host/leases.json").read_bytes() == table


def test_pain_14_every_overlap_is_caught_with_both_names(gateway, home):
    one = gateway(profile="one")
    assert home.run("--profile", "two", "setup", "--port", str(one.port + 10)).returncode == 2
    assert home.run("--profile", "two", "setup", "--port", str(one.port + 20)).returncode == 0
    said = home.run("--profile", "two", "config", "set", "gateway.port", str(one.port + 19))
    assert said.returncode == 2 and '"one"' in said.stderr and '"two"' in said.stderr
    two = gateway(profile="two", port=one.port + 19, start=False, write_config=False)
    two.launch()
    assert two.wait(20) == 78 and "“one”" in two.log() and "“two”" in two.log()
    assert json.loads(home.run("ports", "--json").stdout)["overlaps"] == []


def test_pain_15_a_browser_gets_no_port_of_another(gateway):
    """The lease alone: at the least spacing, with a stranger's browser listening, every profile has a port of its own."""
    one = gateway(profile="one")
    two = gateway(profile="two", port=one.port + 20)
    with socket.create_server(("127.0.0.1", one.port + 11)):
        given = [int(lease(it, "browser", f"b{n}").stdout) for n in range(10) for it in (one, two)]
    used = given + [one.port, one.port + 2, one.port + 11, two.port, two.port + 2]
    assert len(used) == len(set(used))
    pinned = lease(two, "browser", "pinned", "--pinned", str(given[0]))
    assert pinned.returncode == 2 and "“one”" in pinned.stderr and "browser:b0" in pinned.stderr


@pytest.mark.skipif(not can_change_user(), reason="needs root to make two users")
def test_pain_47_two_users_both_start():
    """The second user of a host gets other ports than the first, without asking."""
    users = [User(f"jbbl{n}{secrets.token_hex(2)}") for n in range(2)]
    try:
        bases = []
        for user in users:
            made = user.run("setup", "--json")
            assert made.returncode == 0, made.stderr
            bases.append(json.loads(made.stdout)["gateway"]["port"])
            start(user)
            wait_until(lambda base=bases[-1]: accepts(base), 20, "the gateway of this user listens")
        assert abs(bases[0] - bases[1]) >= 111
        for user, base in zip(users, bases):
            assert user.run("health").returncode == 0
            shown = json.loads(user.run("ports", "--json").stdout)
            assert [row["base"] for row in shown["instances"]] == [base], "the other user's instances are not ours to list"
        assert users[0].run("config", "get", "gateway.port").stdout.strip() == str(bases[0])
    finally:
        for user in users:
            for process in user.__dict__.get("started", []):
                process.kill()
                process.wait()
            user.remove()


def start(user):
    process = subprocess.Popen(
        [str(binary_for_everyone()), "gateway"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        **user.options())
    user.started = [*user.__dict__.get("started", []), process]
