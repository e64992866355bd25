"""The life of browsers in a gateway: started, stopped, lost, reset; profiles made and removed; settings that change while it runs."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest
from support.browser import browser_config, browsers_of, chromium_path, control_of, main_browsers_of
from support.ports import accepts, wait_until

STATUS = {
    "enabled", "profile", "running", "cdpReady", "cdpHttp", "pid", "cdpPort", "cdpUrl", "chosenBrowser", "detectedBrowser",
    "detectedExecutablePath", "detectError", "userDataDir", "color", "headless", "noSandbox", "executablePath", "attachOnly",
}


@pytest.fixture
def stopped(control):
    """The module's browser, not running."""
    control.post("/stop")
    yield control
    control.post("/stop")


def told(result) -> dict:
    """What a command printed as JSON, whatever its exit code."""
    return json.loads(result.stdout)


def leased(gateway) -> list[dict]:
    """The ports of a gateway's browser profiles, as `jarvis ports` shows them."""
    [row] = told(gateway.cli("ports", "--json"))["instances"]
    return [port for port in row["ports"] if port["role"] == "browser"]


def test_a_browser_starts_once_and_leaves_nothing(stopped, browser_gateway, module_home):
    """Two that start it at once share one browser; the status tells everything; the pipe needs no port."""
    before = stopped.get("/")
    assert STATUS <= before.keys()
    assert (before["running"], before["pid"], before["profile"]) == (False, None, "jarvis")
    assert before["detectedBrowser"] == "chromium" and Path(before["detectedExecutablePath"]).resolve() == Path(chromium_path()).resolve()
    assert stopped.post("/start") == {"ok": True, "profile": "jarvis"}
    assert stopped.post("/start") == {"ok": True, "profile": "jarvis"}
    status = stopped.get("/")
    assert (status["running"], status["cdpReady"], status["cdpHttp"], status["cdpUrl"]) == (True, True, False, None)
    assert main_browsers_of(module_home.root) == [status["pid"]]
    assert status["cdpPort"] == before["cdpPort"] and browser_gateway.port + 11 <= status["cdpPort"] <= browser_gateway.port + 110
    assert not accepts(status["cdpPort"])
    environment = Path(f"/proc/{status['pid']}/environ").read_bytes().split(b"\0")
    assert not [word for word in environment if b"TOKEN" in word or word.startswith(b"JARVIS_PROFILE")]
    assert stopped.post("/stop") == {"ok": True, "stopped": True, "profile": "jarvis"}
    assert browsers_of(module_home.root) == []
    assert stopped.post("/stop")["stopped"] is False


def test_what_needs_a_browser_says_how_to_start_it(stopped):
    assert stopped.get("/tabs") == {"running": False, "tabs": []}
    reply = stopped.refused("GET", "/snapshot")
    assert (reply.status, reply.code) == (409, "not_running") and "jarvis browser start" in reply.error
    reply = stopped.refused("GET", "/", query={"profile": "nope"})
    assert (reply.status, reply.code) == (404, "unknown_profile") and "jarvis" in reply.error
    assert stopped.refused("POST", "/start", {"profile": "nope"}).status == 404
    assert stopped.refused("POST", "/start", {"profile": 7}).status == 400
    assert stopped.refused("GET", "/nothing").status == 404


def test_a_lost_browser_is_told_and_started_again(stopped, browser_gateway, module_home):
    stopped.post("/start")
    pid = stopped.get("/")["pid"]
    os.kill(pid, signal.SIGKILL)
    lost = wait_until(lambda: (status := stopped.get("/"))["running"] is False and status["state"] == "failed" and status, 10, "it is told")
    assert "ended" in lost["reason"] and lost["pid"] is None
    wait_until(lambda: not browsers_of(module_home.root), 5, "nothing of it is left")
    reply = stopped.refused("GET", "/snapshot")
    assert reply.code == "not_running" and "ended" in reply.error
    shown = told(browser_gateway.cli("instances", "--json"))["instances"][0]["browsers"]
    assert [(row["profile"], row["state"]) for row in shown] == [("jarvis", "failed")]
    stopped.post("/start")
    again = stopped.get("/")
    assert again["running"] and again["pid"] != pid and again["reason"] is None


def test_profiles_are_made_kept_and_removed(control, browser_gateway, module_home):
    """A new profile stands in the configuration and its journal, is usable at once, and leaves without a trace but in the trash."""
    made = control.post("/profiles/create", {"name": "work"})
    assert made["ok"] and made["profile"] == "work" and made["color"] == "#0066CC" and made["isRemote"] is False
    again = control.refused("POST", "/profiles/create", {"name": "work"})
    assert again.status == 409 and "work" in again.error
    assert module_home.read_config()["browser"]["profiles"]["work"] == {"color": "#0066CC"}
    assert "browser.profiles" in browser_gateway.cli("config", "journal").stdout
    rows = {row["name"]: row for row in control.get("/profiles")["profiles"]}
    assert rows["work"]["cdpPort"] == made["cdpPort"] != rows["jarvis"]["cdpPort"]
    assert rows["jarvis"]["isDefault"] and not rows["work"]["isDefault"]
    control.of("work").post("/start")
    place = Path(control.of("work").get("/")["userDataDir"])
    assert place.is_dir() and str(place).endswith("browser/work/user-data")
    row = next(row for row in control.get("/profiles")["profiles"] if row["name"] == "work")
    assert row["running"] and row["tabCount"] == 1
    assert [made["cdpPort"]] == [port["port"] for port in leased(browser_gateway) if port["name"] == "work"]
    gone = control.delete("/profiles/work")
    assert gone["deleted"] and Path(gone["to"]).is_dir() and not place.exists()
    assert "work" not in module_home.read_config()["browser"]["profiles"]
    assert browsers_of(place) == [] and control.refused("GET", "/", query={"profile": "work"}).status == 404
    assert "work" not in [port["name"] for port in leased(browser_gateway)]
    assert control.refused("DELETE", "/profiles/jarvis").status == 400
    assert control.refused("DELETE", "/profiles/work").status == 404


@pytest.mark.parametrize("body", [
    {}, {"name": "Work"}, {"name": "-x"}, {"name": "a_b"}, {"name": "../up"}, {"name": "a" * 65}, {"name": 5}, {"name": "downloads"},
    {"name": "x", "color": "red"}, {"name": "x", "driver": "extension"}, {"name": "x", "driver": "existing-session"},
    {"name": "x", "cdpUrl": "ftp://127.0.0.1"}, {"name": "x", "cdpUrl": "http://0.0.0.0:9222"}, {"name": "x", "cdpUrl": "http://*:9222"},
    {"name": "x", "cdpUrl": "http://[::]:9222"},
])
def test_a_bad_profile_is_refused(control, module_home, body):
    before = module_home.config_path().read_bytes()
    reply = control.refused("POST", "/profiles/create", body)
    assert reply.status == 400, reply.body
    assert module_home.config_path().read_bytes() == before


def test_credentials_of_a_remote_browser_are_shown_nowhere(control, browser_gateway, module_home):
    """Stored as given, answered without: neither the reply nor the log nor the shown configuration has them."""
    secrets = ["s3cr3t-word", "t0k3n-word"]
    made = control.post("/profiles/create", {"name": "far", "cdpUrl": "http://me:s3cr3t-word@127.0.0.1:9/x?token=t0k3n-word"})
    try:
        assert made["cdpUrl"] == "http://127.0.0.1:9/x" and made["cdpPort"] == 9
        module_home.write_config(json.loads(module_home.config_path().read_text()) | {})
        told = [json.dumps(control.get("/profiles")), json.dumps(control.of("far").request("GET", "/").body)]
        failed = control.of("far").request("POST", "/tabs/open", {"url": "about:blank"})
        told += [str(failed.body), browser_gateway.log(), browser_gateway.cli("config", "get", "browser").stdout, browser_gateway.cli("status").stdout]
        assert not [secret for secret in secrets if any(secret in text for text in told)], told
    finally:
        control.delete("/profiles/far")


def test_a_reset_profile_begins_anew(stopped):
    stopped.post("/start")
    place = Path(stopped.get("/")["userDataDir"])
    (place / "mark").write_text("here")
    answer = stopped.post("/reset-profile")
    assert answer["moved"] and answer["from"] == str(place) and (Path(answer["to"]) / "mark").exists()
    assert not place.exists() and stopped.get("/")["running"] is False
    assert stopped.post("/reset-profile")["moved"] is False
    stopped.post("/start")
    assert not (place / "mark").exists()


def test_changed_settings_count_at_once_where_they_can(control, browser_gateway, module_home, site):
    """Addresses and scripts at once, a new profile at once, what only a start changes with the next start, and that is said."""
    control.post("/start")
    pid = control.get("/")["pid"]
    target = control.open(site.url("/"))
    def set_value(key, value):
        result = browser_gateway.cli("config", "set", key, json.dumps(value))
        assert result.returncode == 0, result.stderr

    set_value("browser.ssrfPolicy.dangerouslyAllowPrivateNetwork", False)
    try:
        wait_until(lambda: control.request("POST", "/navigate", {"url": site.url("/"), "targetId": target}).code == "blocked_url", 10, "it is blocked")
        set_value("browser.profiles.live", {"color": "#123456"})
        wait_until(lambda: control.request("GET", "/", query={"profile": "live"}).status == 200, 10, "the new profile is there")
        assert control.of("live").get("/")["color"] == "#123456"
        set_value("browser.extraArgs", ["--lang=fr"])
        wait_until(lambda: "old settings" in browser_gateway.log(), 10, "it is said")
        assert control.get("/")["pid"] == pid
    finally:
        set_value("browser.ssrfPolicy.dangerouslyAllowPrivateNetwork", True)
        for key in ("browser.extraArgs", "browser.profiles"):
            browser_gateway.cli("config", "unset", key)
    wait_until(lambda: control.request("POST", "/navigate", {"url": site.url("/"), "targetId": target}).status == 200, 10, "it is open again")


def test_what_contradicts_itself_is_caught_with_both_names(browser_gateway, control):
    """A port, address or directory of two profiles: refused when it is set, and neither is used when it stands there."""
    browser_gateway.cli("config", "set", "browser.profiles.one", json.dumps({"cdpPort": browser_gateway.port + 40}))
    said = browser_gateway.cli("config", "set", "browser.profiles.two", json.dumps({"cdpPort": browser_gateway.port + 40}))
    try:
        assert said.returncode != 0 and '"one"' in said.stderr and '"two"' in said.stderr
        said = browser_gateway.cli("config", "set", "browser.profiles.x", json.dumps({"driver": "extension"}))
        assert said.returncode != 0 and "existing-session" in said.stderr
    finally:
        browser_gateway.cli("config", "unset", "browser.profiles")


def test_a_pinned_port_is_opened_and_another_gateways_is_not(home, gateway):
    """A port of another gateway, pinned: named with its owner."""
    first = gateway("first", config=browser_config())
    second = gateway("second", config=browser_config({"profiles": {"mine": {"cdpPort": first.port + 2}, "own": {"cdpPort": first.port + 5}}}))
    reply = control_of(second, "mine").refused("POST", "/start")
    assert (reply.status, reply.code) == (409, "port_taken") and "first" in reply.error
    control_of(second, "own").post("/start")
    status = control_of(second, "own").get("/")
    assert status["cdpHttp"] and status["cdpUrl"] == f"http://127.0.0.1:{first.port + 5}" and accepts(first.port + 5)
    assert main_browsers_of(home.root) == [status["pid"]]
    for each in (first, second):
        assert each.stop() == 0
    assert browsers_of(home.root) == []


def test_no_port_is_left(home, gateway):
    """A hundred profiles fit; the next is refused with 507, and nothing of it is written."""
    it = gateway(config=browser_config())
    control = control_of(it)
    with socket.create_server(("127.0.0.1", it.port + 110)):
        it.cli("config", "set", "browser.profiles", json.dumps({f"p{n}": {} for n in range(98)}))
        wait_until(lambda: len(control.get("/profiles")["profiles"]) == 99, 10, "they are known")
        rows = control.get("/profiles")["profiles"]
        ports = [row["cdpPort"] for row in rows]
        assert len(set(ports)) == 99 and max(ports) == it.port + 109
        reply = control.refused("POST", "/profiles/create", {"name": "last"})
        assert (reply.status, reply.code) == (507, "no_port") and "jarvis ports" in reply.error
    assert "last" not in home.read_config()["browser"]["profiles"]
    assert control.post("/profiles/create", {"name": "last"})["cdpPort"] == it.port + 110


def test_a_taken_control_port_turns_browser_control_off_alone(home, gateway):
    """base + 2 held by a stranger: the gateway serves, and status, doctor and log say who has the port."""
    it = gateway(config=browser_config(), start=False)
    with socket.create_server(("127.0.0.1", it.port + 2)):
        it.start()
        assert it.cli("health").returncode == 0
        assert f"port {it.port + 2}" in it.cli("status").stdout
        assert "browser.control" in it.cli("doctor", "--json").stdout
        shown = told(it.cli("instances", "--json"))["instances"][0]
        assert shown["ports"]["browserControl"] is None
        with it.client() as rpc:
            assert rpc.call("browser.request", {"method": "GET", "path": "/"})["enabled"] is True
    assert it.stop() == 0


def test_turned_off_it_says_so(home, gateway):
    it = gateway(config=browser_config({"enabled": False}))
    assert not accepts(it.port + 2)
    with it.client() as rpc:
        assert rpc.call("browser.request", {"method": "GET", "path": "/"})["enabled"] is False
    said = it.cli("browser", "start")
    assert said.returncode != 0 and "browser.enabled" in said.stderr + said.stdout


def test_a_browser_that_can_not_start_says_why(home, gateway):
    """No program, one that ends at once, one that never answers: the reason is in the error, and the gateway lives."""
    broken = home.root / "broken"
    broken.write_text("#!/bin/sh\necho broken on purpose >&2\nexit 3\n")
    broken.chmod(0o755)
    it = gateway(config=browser_config({"profiles": {
        "none": {"executablePath": "/no/such/browser"}, "broken": {"executablePath": str(broken)}, "root": {}}}))
    control = control_of(it)
    reply = control.of("none").refused("POST", "/start")
    assert reply.status == 500 and "/no/such/browser" in reply.error
    assert "/no/such/browser" in control.of("none").get("/")["detectError"]
    reply = control.of("broken").refused("POST", "/start")
    assert reply.status == 500 and "broken on purpose" in reply.error
    assert control.of("broken").get("/")["state"] == "failed"
    assert it.cli("health").returncode == 0
    assert it.stop() == 0


def test_messages_name_this_gateway(gateway):
    """A command that is copied from a message never reaches another gateway."""
    it = gateway("second", config=browser_config())
    said = it.cli("browser", "snapshot")
    assert said.returncode == 1 and "jarvis --profile second browser start" in said.stderr and "jarvis browser" not in said.stderr
    assert "jarvis --profile second browser start" in control_of(it).refused("GET", "/snapshot").error
    assert "jarvis --profile second dashboard" in it.cli("canvas", "present", "--html", "<p>").stdout
    assert "jarvis --profile second approvals list" in it.cli("approvals", "allow", "zz").stderr
