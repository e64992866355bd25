"""`jarvis ports`, and debugging ports of browsers that never meet."""
# lint: family names — other programs' gateways are set up beside ours

import json
import os
import shutil
import socket
import subprocess
import time

import pytest
from support.ports import free_base_port, wait_until


def ports(home, *arguments):
    result = home.run("ports", "--json", *arguments)
    assert result.returncode in (0, 1), result.stderr
    shown = json.loads(result.stdout)
    assert shown["ok"] == (result.returncode == 0) == (shown["overlaps"] == [])
    return shown


def row(shown, profile):
    return next(row for row in shown["instances"] if row["profile"] == profile)


def states(row):
    return {entry["port"]: entry["state"] for entry in row["ports"]}


def browser(home, profile, name, *options):
    return home.run("--profile", profile, "debug", "lease", "browser", name, *options)


def browser_port(home, profile, name, *options):
    result = browser(home, profile, name, *options)
    assert result.returncode == 0, result.stderr
    return int(result.stdout)


def test_nothing_is_made_and_nothing_is_there(home):
    result = home.run("ports")
    assert result.returncode == 0 and "jarvis setup" in result.stdout
    assert sorted(path.name for path in home.root.iterdir()) == ["tmp"]


def test_the_map(gateway, home):
    it = gateway(profile="one")
    assert home.run("--profile", "two", "setup", "--port", str(it.port + 200)).returncode == 0
    port = browser_port(home, "one", "work")
    shown = ports(home)
    assert [row["profile"] for row in shown["instances"]] == ["one", "two"]
    one, two = row(shown, "one"), row(shown, "two")
    assert one["running"] and one["base"] == it.port and not two["running"]
    assert states(one) == {it.port: "listening", it.port + 2: "listening", port: "kept"}
    assert one["ports"][0]["holder"]["pid"] == it.pid
    assert {(entry["role"], entry.get("name")) for entry in one["ports"]} == {
        ("gateway", None), ("browserControl", None), ("browser", "work")}
    assert states(two) == {it.port + 200: "free", it.port + 202: "free"}
    text = home.run("ports").stdout
    assert str(it.pid) in text and str(it.port + 202) in text
    assert "kept for browser profile “work” of “one”" in text


def test_a_gateway_on_another_port_than_configured(gateway, home):
    it = gateway(profile="one")
    configured = it.port
    it.stop()
    it.port = free_base_port()
    it.start()
    shown = row(ports(home), "one")
    assert (shown["base"], shown["reservedBase"]) == (it.port, configured)


@pytest.mark.parametrize("family", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("offset", [0, 2])
def test_a_squatter_is_in_the_way(home, offset, family):
    base = free_base_port()
    assert home.run("--profile", "one", "setup", "--port", str(base)).returncode == 0
    kind = socket.AF_INET6 if ":" in family else socket.AF_INET
    with socket.create_server((family, base + offset), family=kind):
        shown = ports(home)
        assert states(row(shown, "one"))[base + offset] == "foreign"
        assert [entry["port"] for entry in shown["overlaps"]] == [base + offset]
        assert str(os.getpid()) in home.run("ports").stdout
    assert ports(home)["ok"]


@pytest.mark.skipif(shutil.which("nc") is None, reason="nc is not installed")
def test_a_squatting_nc_lives_on(gateway, home):
    it = gateway(profile="one", start=False)
    squatter = subprocess.Popen(["nc", "-l", "127.0.0.1", str(it.port)])
    try:
        wait_until(lambda: not ports(home)["ok"], what="nc listens")
        assert f"(pid {squatter.pid})" in home.run("ports").stdout
        it.launch()
        assert it.wait(20) == 78 and str(squatter.pid) in it.log()
        time.sleep(0.1)
        assert squatter.poll() is None
    finally:
        squatter.kill()
        squatter.wait()


def test_a_squatting_sibling_is_named(gateway, home):
    it = gateway(profile="one")
    home.write_config({"gateway": {"mode": "local", "port": it.port + 3}}, "two")
    shown = ports(home)
    assert [sorted(entry["owners"]) for entry in shown["overlaps"]] == [["one", "two"]]
    text = home.run("ports").stdout
    assert "overlap" in text and str(home.state("one")) in text and str(home.state("two")) in text
    assert it.get("/readyz")[0] == 200


def test_gateways_of_other_programs_are_seen_and_avoided(home):
    other = home.root / ".openclaw"
    other.mkdir()
    (other / "openclaw.json").write_text("{gateway: {port: 19790}} // mine")
    result = home.run("--profile", "rescue", "setup", "--json")
    assert result.returncode == 0
    assert abs(json.loads(result.stdout)["gateway"]["port"] - 19790) >= 111
    assert ports(home)["foreign"] == []
    shown = ports(home, "--all")["foreign"]
    assert [(entry["stateDir"], entry["ports"], entry["listening"]) for entry in shown] == [(str(other), [19790, 19792], False)]
    assert home.run("--profile", "rescue", "config", "set", "gateway.port", "19790").returncode == 0
    overlap = ports(home)["overlaps"]
    assert overlap and str(other) in overlap[0]["message"]


# ---- browser ports

def test_bases_twenty_apart_and_twelve_browsers_each(home):
    """With real listeners in between, on both families: all live ports are pairwise disjoint."""
    base = free_base_port()
    profiles = [f"p{n}" for n in range(4)]
    for n, profile in enumerate(profiles):
        assert home.run("--profile", profile, "setup", "--port", str(base + 20 * n)).returncode == 0
    squatted = [base + 12, base + 25, base + 41]
    servers = [
        socket.create_server(("127.0.0.1", squatted[0])), socket.create_server(("::1", squatted[1]), family=socket.AF_INET6),
        socket.create_server(("127.0.0.1", squatted[2]))]
    try:
        given = {}
        for turn in range(12):
            for profile in profiles:
                given[profile, turn] = browser_port(home, profile, f"b{turn}")
    finally:
        for server in servers:
            server.close()
    fixed = [base + 20 * n + extra for n in range(4) for extra in (0, 2)]
    everything = fixed + squatted + list(given.values())
    assert len(everything) == len(set(everything))
    for n, profile in enumerate(profiles):
        own = [port for (owner, _), port in given.items() if owner == profile]
        assert min(own) >= base + 20 * n + 11 and max(own) <= base + 20 * n + 110
    assert [browser_port(home, "p0", f"b{turn}") for turn in range(12)] == [given["p0", turn] for turn in range(12)], "stable"
    assert ports(home)["ok"]


def test_a_browser_port_in_use_is_given_up_on_request(home):
    base = free_base_port()
    assert home.run("--profile", "one", "setup", "--port", str(base)).returncode == 0
    port = browser_port(home, "one", "work")
    assert port == base + 11
    with socket.create_server(("127.0.0.1", port)):
        assert browser_port(home, "one", "work") == port, "it may be our own browser"
        assert states(row(ports(home), "one"))[port] == "foreign"
        assert browser_port(home, "one", "work", "--relocate") == port + 1
    assert browser_port(home, "one", "work") == port + 1
    assert browser(home, "one", "work", "--release").returncode == 0
    assert browser_port(home, "one", "work") == port


def test_a_pinned_port_of_somebody_else_is_refused(gateway, home):
    one = gateway(profile="one")
    two = gateway(profile="two", port=one.port + 20)
    work = browser_port(home, "one", "work")
    for pinned in (one.port, one.port + 2, two.port, work):
        refused = browser(home, "two", "mine", "--pinned", str(pinned))
        assert refused.returncode == 2, pinned
        assert str(pinned) in refused.stderr
    assert "“one”" in browser(home, "two", "mine", "--pinned", str(work)).stderr
    assert browser_port(home, "two", "mine", "--pinned", str(one.port + 500)) == one.port + 500
    assert browser_port(home, "one", "other") not in (work, two.port, two.port + 2)


def test_a_base_in_the_middle_of_living_browsers_is_refused(gateway, home):
    """The base that the second wants was leased to the first one's browser before: it is told whose it is."""
    one = gateway(profile="one")
    for turn in range(10):
        browser_port(home, "one", f"b{turn}")
    assert browser_port(home, "one", "b9") == one.port + 20
    two = gateway(profile="two", port=one.port + 20, start=False)
    two.launch()
    assert two.wait(20) == 78
    assert "browser:b9" in two.log() and "“one”" in two.log()
    one.kill()
    two.start()
    one.start()
    assert browser_port(home, "one", "b9") not in (two.port, two.port + 2)
