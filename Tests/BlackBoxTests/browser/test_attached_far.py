"""A browser on another host: a network namespace with a Chromium of its own behind a relay, over a link that stalls, breaks and goes silent."""

from __future__ import annotations

import time

import pytest
from support.attached import FarHost, FarHostMissing, OwnBrowser, Relay
from support.browser import browser_config, control_of
from support.gateway import GatewayFactory
from support.pages import PageServer
from support.ports import wait_until


@pytest.fixture(scope="module")
def far():
    try:
        host = FarHost()
    except FarHostMissing as reason:
        pytest.skip(str(reason))
    yield host
    host.stop()


@pytest.fixture(scope="module")
def own(far, tmp_path_factory):
    browser = OwnBrowser(tmp_path_factory.mktemp("far"), prefix=far.prefix).start()
    yield browser
    assert far.inside(browser.tabs), "the browser was not left running"
    browser.stop()


@pytest.fixture(scope="module")
def relay(far, own):
    relay = Relay(own.port, far.address, far=far)
    yield relay
    relay.stop()


@pytest.fixture(scope="module")
def far_site(far):
    site = far.inside(PageServer)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def control(module_home, shared_model, relay):
    factory = GatewayFactory(module_home, shared_model.base_url)
    config = browser_config({
        "defaultProfile": "far", "profiles": {"far": {"cdpUrl": f"http://{relay.host}:{relay.port}"}},
        "remoteCdpTimeoutMs": 10_000, "remoteCdpHandshakeTimeoutMs": 10_000})
    gateway = factory(config=config)
    yield control_of(gateway)
    factory.stop()


pytestmark = pytest.mark.timeout(400)


def lost(control, seconds: float) -> str:
    """Why the browser is taken for gone, once it is."""
    status = wait_until(lambda: (told := control.get("/"))["state"] == "failed" and told, seconds, "the loss is noticed")
    assert (status["running"], status["cdpReady"]) == (False, False)
    return status["reason"]


def test_it_is_used_there_and_left_there(control, far, own, far_site):
    far_site.page("/button", "<title>Button</title><button onclick=\"document.title='pressed'\">Press</button>")
    tab = control.open(far_site.url("/button"))
    control.act("click", ref=control.ref("button", "Press", targetId=tab), targetId=tab)
    wait_until(lambda: any(one["title"] == "pressed" for one in control.tabs()), 30, "the click arrived")
    assert tab in far.inside(own.tabs) and control.post("/screenshot", targetId=tab)["path"]
    status = control.get("/")
    assert (status["pid"], status["cdpPort"]) == (None, None) and far.address in status["cdpUrl"]
    control.post("/stop")
    assert tab in far.inside(own.tabs)


def test_one_that_stalls_is_given_up_in_time_and_found_again(control, relay):
    control.post("/stop")
    relay.stall()
    try:
        reply = control.refused("POST", "/start")
        assert (reply.status, reply.code) == (408, "timeout") and "browser.remoteCdpTimeoutMs" in reply.error, reply.body
    finally:
        relay.resume()
    control.post("/start")
    assert control.tabs()


def test_one_that_stalls_in_the_middle_holds_up_its_own_requests_only(control, relay, far_site):
    tab = control.open(far_site.url("/index.html"))
    relay.stall()
    try:
        reply = control.refused("POST", "/act", {"kind": "wait", "fn": "() => true", "targetId": tab, "timeoutMs": 1000}, timeout=120)
        assert reply.status in (408, 409, 500), reply.body
        assert control.get("/")["running"] in (True, False)
    finally:
        relay.resume()
    control.post("/start")
    assert control.navigate(far_site.url("/form.html"), tab)["title"] == "Form"


def test_a_broken_link_is_noticed_at_once_and_made_again(control, relay, own, far):
    control.post("/start")
    before = {one["targetId"] for one in control.tabs()}
    relay.cut()
    assert lost(control, 30).startswith("it ended: ")
    # Whoever asks next has it again.
    control.post("/start")
    assert {one["targetId"] for one in control.tabs()} == before
    relay.refuse = True
    try:
        relay.cut()
        lost(control, 30)
        reply = control.refused("POST", "/start")
        assert (reply.status, reply.code) == (500, "endpoint_failed"), reply.body
    finally:
        relay.refuse = False
    control.post("/start")
    assert control.get("/")["running"] is True


def test_a_silent_link_is_noticed_in_bounded_time(control, far, far_site):
    control.post("/start")
    tab = control.open(far_site.url("/form.html"))
    began = time.monotonic()
    far.unplug()
    try:
        # Asked every 20 s, with 20 s for the answer and 5 s for the farewell; the rest is a busy machine's.
        assert "does not answer any more" in lost(control, 150)
        assert time.monotonic() - began > 10, "it was told, so the link was not silent"
        reply = control.refused("POST", "/start")
        assert reply.status in (408, 500), reply.body
    finally:
        far.plug()

    def again():
        return control.request("POST", "/start").status == 200
    wait_until(again, 120, "the link carries again")
    assert "A form" in control.snapshot(targetId=tab).text
