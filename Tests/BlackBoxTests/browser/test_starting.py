"""What a browser begins with, what a crashed tab leaves, and what stands in the way of a start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from support.browser import browser_config, browsers_of, control_of
from support.ports import wait_until

WITNESS = True


@pytest.fixture
def fresh(control):
    """The module's browser, just started."""
    control.post("/stop")
    control.post("/start")
    return control


def tabs(control) -> list[dict]:
    return control.get("/tabs")["tabs"]


# ---- the first tab

def test_the_first_address_opens_in_the_tab_that_is_there(fresh, site):
    [first] = tabs(fresh)
    assert first["url"] == "about:blank"
    opened = fresh.post("/tabs/open", {"url": site.url("/form.html")})
    assert [tab["targetId"] for tab in tabs(fresh)] == [opened["targetId"]] == [first["targetId"]]
    second = fresh.post("/tabs/open", {"url": site.url("/form.html")})
    assert [tab["targetId"] for tab in tabs(fresh)] == [first["targetId"], second["targetId"]]


def test_a_first_tab_that_somebody_uses_is_left_to_them(fresh, site):
    [first] = tabs(fresh)
    fresh.post("/tabs/focus", {"targetId": first["targetId"]})
    opened = fresh.post("/tabs/open", {"url": site.url("/form.html")})
    assert [tab["url"] for tab in tabs(fresh)] == ["about:blank", opened["url"]]


def test_an_address_that_does_not_open_leaves_the_first_tab_empty(fresh, site):
    [first] = tabs(fresh)
    reply = fresh.refused("POST", "/tabs/open", {"url": "http://127.0.0.1:1/"})
    assert reply.status >= 400 and reply.error
    assert [(tab["targetId"], tab["url"]) for tab in tabs(fresh)] == [(first["targetId"], "about:blank")]
    assert fresh.post("/tabs/open", {"url": site.url("/form.html")})["targetId"] == first["targetId"]


def test_many_who_open_at_once_get_a_tab_each(fresh, site):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(5) as pool:
        ids = list(pool.map(lambda _: fresh.post("/tabs/open", {"url": site.url("/form.html")})["targetId"], range(5)))
    assert len(set(ids)) == 5 and {tab["targetId"] for tab in tabs(fresh)} == set(ids)


# ---- a tab that crashes

def crash(witnessed, part: str) -> None:
    try:
        witnessed(part).goto("chrome://crash", wait_until="commit", timeout=5000)
    except PlaywrightError:
        pass  # which is what was wanted


def test_a_crashed_tab_says_so_and_a_navigation_brings_it_back(control, site, witness, witnessed):
    victim = control.post("/tabs/open", {"url": site.url("/form.html?victim")})["targetId"]
    # Of another site: tabs of one site may share a process, and then they crash together.
    other = control.post("/tabs/open", {"url": site.url("/form.html?other", host="localhost")})["targetId"]
    crash(witnessed, "victim")
    wait_until(lambda: {tab["targetId"]: tab.get("crashed") for tab in tabs(control)}.get(victim), 10, "the crash is told")
    for method, path, asked in [
        ("GET", "/snapshot", {"query": {"targetId": victim}}), ("POST", "/screenshot", {"body": {"targetId": victim}}),
        ("POST", "/act", {"body": {"kind": "press", "key": "a", "targetId": victim}}),
    ]:
        reply = control.request(method, path, **asked)
        assert (reply.status, reply.code) == (500, "tab_crashed") and "navigate" in reply.error, (path, reply)
    assert control.get("/snapshot", targetId=other)["ok"]
    moved = control.post("/navigate", {"url": site.url("/form.html?again"), "targetId": victim})
    assert moved["targetId"] == victim
    assert control.get("/snapshot", targetId=victim)["ok"]
    assert "crashed" not in next(tab for tab in tabs(control) if tab["targetId"] == victim)
    third = control.post("/tabs/open", {"url": site.url("/form.html?third")})["targetId"]
    crash(witnessed, "third")
    wait_until(lambda: {tab["targetId"]: tab.get("crashed") for tab in tabs(control)}.get(third), 10, "the crash is told")
    assert control.delete(f"/tabs/{third}")["ok"]
    assert third not in [tab["targetId"] for tab in tabs(control)]
    assert control.get("/")["running"]


# ---- what stands in the way

def test_messages_name_the_gateway_and_the_browser_profile(home, gateway):
    it = gateway(profile="rescue", config=browser_config({"profiles": {"work": {}, "none": {"executablePath": "/no/such"}}}))
    control = control_of(it)
    assert "jarvis --profile rescue browser start" in control.refused("GET", "/snapshot").error
    assert "jarvis --profile rescue browser --browser-profile work start" in control.of("work").refused("GET", "/snapshot").error
    it.stop()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_directory_is_named(home, gateway, kind):
    it = gateway(config=browser_config())
    place = home.state() / "browser/jarvis/user-data"
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "file":
        place.write_text("")
    else:
        place.symlink_to(home.root / "nowhere")
    reply = control_of(it).refused("POST", "/start")
    assert (reply.status, reply.code) == (500, "directory") and str(place) in reply.error, reply.error
    assert browsers_of(home.root) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_words_of_another_user_are_only_words(home, gateway):
    """Whoever can't enter the directory can't have a browser on it, whatever its command line says."""
    it = gateway(config=browser_config())
    control = control_of(it)
    place = control.get("/")["userDataDir"]
    liar = subprocess.Popen(["/bin/sh", "-c", "read line", f"--user-data-dir={place}"], stdin=subprocess.PIPE, user=65534, cwd="/")
    try:
        wait_until(lambda: place.encode() in Path(f"/proc/{liar.pid}/cmdline").read_bytes(), 10, "the words are there")
        control.post("/start")
        assert liar.poll() is None
    finally:
        liar.kill()
        liar.wait()


def test_a_stranger_beside_our_own_port_is_shown(fresh, browser_gateway):
    """The browser has 127.0.0.1, somebody else has ::1: the map of ports says so."""
    port = fresh.get("/")["cdpPort"]
    with socket.socket(socket.AF_INET6) as stranger:
        stranger.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        stranger.bind(("::1", port))
        stranger.listen()
        shown = json.loads(browser_gateway.cli("ports", "--json").stdout)
    [entry] = [entry for entry in shown["instances"][0]["ports"] if entry["port"] == port]
    assert (entry["state"], entry["holder"]["pid"]) == ("foreign", os.getpid())
    shown = json.loads(browser_gateway.cli("ports", "--json").stdout)
    assert [entry["state"] for entry in shown["instances"][0]["ports"] if entry["port"] == port] == ["listening"]


# ---- what is left

def sockets_of(home) -> list[str]:
    """Directories that browsers made for their sockets."""
    return [path.name for path in (home.root / "tmp").iterdir() if "org.chromium" in path.name]


def test_a_killed_browser_leaves_no_socket_behind(home, gateway):
    """Neither when it dies alone nor when it dies with its gateway; the socket of another browser stays, whatever a link says."""
    it = gateway(config=browser_config())
    control = control_of(it)
    control.post("/start")
    os.kill(control.get("/")["pid"], signal.SIGKILL)
    wait_until(lambda: control.get("/")["state"] == "failed", 10, "it is told")
    assert sockets_of(home) == []
    control.post("/start")
    it.kill()
    wait_until(lambda: not browsers_of(home.root), 10, "no browser is left")
    it.start()
    control = control_of(it)
    control.post("/profiles/create", {"name": "other"})
    control.of("other").post("/start")
    theirs = os.readlink(Path(control.of("other").get("/")["userDataDir"]) / "SingletonSocket")
    mine = Path(control.get("/")["userDataDir"]) / "SingletonSocket"
    dead = os.readlink(mine)
    control.post("/start")
    assert not Path(dead).exists() and Path(theirs).exists()
    control.post("/stop")
    mine.unlink(missing_ok=True)
    mine.symlink_to(theirs)
    (mine.parent / "SingletonLock").symlink_to("elsewhere-1")
    control.post("/start")
    assert Path(theirs).exists(), "a copied directory has the links of the original"
    control.post("/stop")
    control.of("other").post("/stop")
    assert sockets_of(home) == []
