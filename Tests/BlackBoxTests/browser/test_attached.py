"""A browser that its user started, through a whole gateway: joined, used with the user's leave, let go of, lost and found again."""

from __future__ import annotations

import json
import os
import signal

import pytest
from support.approvals import Asking
from support.attached import OwnBrowser
from support.browser import browser_config, control_of
from support.gateway import GatewayFactory
from support.ports import free_port, wait_until

pytestmark = pytest.mark.timeout(180)

PATIENCE = {"remoteCdpTimeoutMs": 30_000, "remoteCdpHandshakeTimeoutMs": 30_000}


@pytest.fixture
def own(tmp_path):
    """The user's browser, with one tab open."""
    browser = OwnBrowser(tmp_path / "own").start()
    yield browser
    browser.stop()


@pytest.fixture
def join(home, scripted_model, own):
    """Starts a gateway whose default browser is the user's."""
    factory = GatewayFactory(home, scripted_model.base_url)

    def start(profile: dict, **extra):
        config = browser_config({"defaultProfile": "mine", "profiles": {"mine": profile}, **PATIENCE, **extra})
        return factory(config=config)
    yield start
    factory.stop()


def profiles_of(own) -> dict[str, dict]:
    """Every way to name the user's browser."""
    return {
        "directory": {"driver": "existing-session", "userDataDir": str(own.directory)},
        "address": {"driver": "existing-session", "cdpUrl": own.url},
        "attachOnly": {"attachOnly": True, "cdpUrl": own.url},
        "socket": {"driver": "existing-session", "cdpUrl": f"ws://127.0.0.1:{own.port}{own.debug_path()}"},
    }


@pytest.mark.parametrize("way", ["directory", "address", "attachOnly", "socket"])
def test_the_users_browser_is_used_and_left_as_it_was(join, own, site, way):
    site.page("/button", "<title>Button</title><button onclick=\"document.title='pressed'\">Press</button>")
    theirs = own.open(site.url("/form.html"))
    wait_until(lambda: own.tabs().get(theirs, "").endswith("/form.html"), 30, "the user's page")
    before = own.tabs()
    gateway = join(profiles_of(own)[way])
    control = control_of(gateway)
    status = control.get("/")
    assert (status["running"], status["state"]) == (False, "stopped") and own.tabs() == before

    tab = control.open(site.url("/button"))
    assert {one["targetId"] for one in control.tabs()} == set(before) | {tab} == set(own.tabs())
    assert "A form" in control.snapshot(targetId=theirs).text
    control.act("click", ref=control.ref("button", "Press", targetId=tab), targetId=tab)
    wait_until(lambda: any(one["title"] == "pressed" for one in control.tabs()), 30, "the click arrived")
    status = control.get("/")
    assert (status["running"], status["cdpReady"], status["pid"]) == (True, True, own.process.pid), status
    assert "did not start this browser" in status["policyGap"]

    assert control.post("/stop") == {"ok": True, "stopped": True, "profile": "mine"}
    assert own.runs() and set(own.tabs()) == set(before) | {tab}
    assert own.tabs()[theirs] == before[theirs]
    assert control.get("/")["state"] == "stopped"
    # And joined again, with the tab that was left.
    control.post("/start")
    assert tab in {one["targetId"] for one in control.tabs()}
    control.close_tab(tab)
    wait_until(lambda: own.tabs() == before, 30, "the user's tabs alone")
    gateway.stop(30)
    assert own.runs() and own.tabs() == before


def test_neither_reset_nor_a_second_launch_touches_it(join, own):
    control = control_of(join({"driver": "existing-session", "userDataDir": str(own.directory)}))
    reply = control.refused("POST", "/reset-profile")
    assert (reply.status, reply.code) == (400, "not_managed") and own.directory.is_dir() and own.runs()


def test_a_killed_gateway_leaves_it_and_the_next_one_joins_it(join, own, site):
    gateway = join({"driver": "existing-session", "userDataDir": str(own.directory)})
    control = control_of(gateway)
    tab = control.open(site.url("/form.html"))
    os.kill(gateway.pid, signal.SIGKILL)
    gateway.process.wait(30)
    assert own.runs() and tab in own.tabs()
    # Nothing in it waits for the one that is gone.
    fresh = own.open(site.url("/index.html"))
    wait_until(lambda: own.tabs().get(fresh, "").endswith("/index.html"), 30, "a page of the user's loads")
    gateway.start()
    assert own.runs(), "the next gateway took it for what the last one left behind"
    control = control_of(gateway)
    control.post("/start")
    assert {tab, fresh} <= {one["targetId"] for one in control.tabs()}
    assert control.snapshot(targetId=tab)["url"].endswith("/form.html")


@pytest.mark.parametrize("way", ["directory", "address"])
def test_it_dies_and_comes_back(join, own, site, way):
    profile = {"driver": "existing-session"} | ({"userDataDir": str(own.directory)} if way == "directory" else {"cdpUrl": own.url})
    control = control_of(join(profile))
    control.open(site.url("/form.html"))
    port = own.port
    own.stop()
    status = wait_until(lambda: (told := control.get("/"))["state"] == "failed" and told, 60, "the loss is noticed")
    assert status["running"] is False and status["reason"].startswith("it ended: ")
    reply = control.refused("POST", "/start")
    if way == "directory":
        # What it wrote down about its port is still there; nobody listens on it.
        assert (reply.status, reply.code) in [(500, "endpoint_failed"), (409, "not_running")], reply.body
    else:
        assert (reply.status, reply.code) == (500, "endpoint_failed") and f"Nobody listens on http://127.0.0.1:{port}" in reply.error
    own.wanted = 0 if way == "directory" else port
    own.start()
    control.post("/start")
    tab = control.open(site.url("/form.html"))
    assert tab in own.tabs()


def test_not_there_it_says_what_to_do(join, own, tmp_path):
    gateway = join(
        {"driver": "existing-session", "userDataDir": str(tmp_path / "empty")},
        profiles={
            "mine": {"driver": "existing-session", "userDataDir": str(tmp_path / "empty")},
            "address": {"driver": "existing-session", "cdpUrl": f"http://127.0.0.1:{free_port()}"},
            "only": {"attachOnly": True, "cdpUrl": f"http://127.0.0.1:{free_port()}"}})
    control = control_of(gateway)
    for method, path, body in [("POST", "/start", None), ("POST", "/tabs/open", {"url": "about:blank"})]:
        reply = control.refused(method, path, body)
        assert (reply.status, reply.code) == (409, "not_running") and f"--user-data-dir={tmp_path / 'empty'}" in reply.error
    for name in ["address", "only"]:
        reply = control_of(gateway, name).refused("POST", "/start")
        assert (reply.status, reply.code) == (500, "endpoint_failed") and "Nobody listens on" in reply.error
        assert "debugging port" in reply.error
    result = gateway.cli("browser", "start", timeout=60)
    assert result.returncode == 1 and "--remote-debugging-port=0" in result.stderr, result.stderr


def test_a_siblings_browser_is_refused_and_its_owner_named(home, scripted_model, own):
    factory = GatewayFactory(home, scripted_model.base_url)
    try:
        rescue = factory("rescue", config=browser_config({"cdp": "port"}))
        theirs = control_of(rescue)
        theirs.post("/start")
        status = theirs.get("/")
        config = browser_config({
            "profiles": {
                "sibling": {"driver": "existing-session", "cdpUrl": status["cdpUrl"], "shared": True},
                "only": {"attachOnly": True, "cdpUrl": f"ws://127.0.0.1:{status['cdpPort']}/devtools/browser/x", "shared": True}}, **PATIENCE})
        gateway = factory(config=config)
        for name in ["sibling", "only"]:
            reply = control_of(gateway, name).refused("POST", "/start")
            assert (reply.status, reply.code) == (409, "foreign_browser"), reply.body
            assert "rescue" in reply.error, reply.error
        assert theirs.get("/")["running"] is True and theirs.get("/")["pid"] == status["pid"]
        # A browser on another directory than the profile's is not the user's, even where the port was written down.
        notes = home.root / "other"
        notes.mkdir()
        (notes / "DevToolsActivePort").write_text(f"{own.port}\n{own.debug_path()}\n")
        gateway.cli("config", "set", "browser.profiles.wrong", json.dumps({"driver": "existing-session", "userDataDir": str(notes)}))
        wait_until(lambda: "wrong" in str(control_of(gateway).get("/profiles")), 30, "the profile is known")
        reply = control_of(gateway, "wrong").refused("POST", "/start")
        assert (reply.status, reply.code) == (409, "foreign_browser") and f"(pid {own.process.pid})" in reply.error
    finally:
        factory.stop()


def test_an_agent_asks_before_it_uses_the_users_browser(join, own, scripted_model, site):
    gateway = join({"driver": "existing-session", "userDataDir": str(own.directory)})
    asking = Asking(gateway, scripted_model)
    before = own.tabs()
    run, session = asking.start({"action": "open", "url": site.url("/form.html")})
    question = asking.question()
    assert "browser that a person uses" in json.dumps(question) and own.tabs() == before
    asking.resolve(question["id"], "deny")
    assert "denied" in asking.end(run).lower() and own.tabs() == before

    run, session = asking.start({"action": "open", "url": site.url("/form.html")}, session)
    asking.resolve(asking.question()["id"], "allow-once")
    said = asking.end(run)
    assert "/form.html" in said and len(own.tabs()) == len(before) + 1, said

    # Allowed once is once; looking at it counts as well; its state may be asked without leave.
    run, session = asking.start({"action": "tabs"}, session)
    asking.resolve(asking.question()["id"], "allow-always")
    asking.end(run)
    for arguments in [{"action": "status"}, {"action": "tabs"}]:
        run, session = asking.start(arguments, session)
        asking.end(run)
        assert asking.owner.events_named("exec.approval.requested", asking.since) == []
