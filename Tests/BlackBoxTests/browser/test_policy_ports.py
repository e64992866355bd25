"""Ports that no setting opens: this gateway's and its siblings', also when private networks are open. And browsers that were not started here, which have no proxy to judge them."""

from __future__ import annotations

import json
import os
import subprocess
from urllib.parse import quote

import pytest
from support.browser import browser_config, chromium_path, control_of
from support.gateway import GatewayFactory
from support.ports import wait_until
from support.recorder import Recorder


@pytest.fixture(scope="module")
def sibling(module_home, shared_model, browser_gateway):
    """Another gateway of this host and home."""
    factory = GatewayFactory(module_home, shared_model.base_url)
    yield factory("rescue")
    factory.stop()


@pytest.fixture(scope="module")
def tab(control, site):
    return control.open(site.url("/index.html"))


def test_no_port_of_jarvis_is_opened(control, browser_gateway, sibling, tab, site):
    for port in [browser_gateway.port, browser_gateway.port + 2, sibling.port, sibling.port + 2]:
        for host in ["127.0.0.1", "localhost", "x.localhost", "[::1]", "127.0.0.2", "[::ffff:127.0.0.1]"]:
            reply = control.refused("POST", "/navigate", {"url": f"http://{host}:{port}/health", "targetId": tab})
            assert (reply.status, reply.code) == (400, "blocked_url"), f"{host}:{port}: {reply.body}"
            assert "no setting opens that" in reply.error
        hop = f"http://127.0.0.1:{port}/health"
        reply = control.refused("POST", "/navigate", {"url": site.url(f"/redirect?to={quote(hop, safe='')}"), "targetId": tab})
        assert (reply.code, hop in reply.error) == ("blocked_url", True), reply.body
    control.navigate(site.url("/index.html"), tab)


def test_no_page_speaks_with_a_gateway(control, browser_gateway, sibling, tab, site):
    """The answers that a page gets are not the gateway's: it never hears of the requests."""
    control.navigate(site.url("/index.html"), tab)
    for port in [browser_gateway.port, browser_gateway.port + 2, sibling.port, sibling.port + 2]:
        control.get("/requests", targetId=tab, clear=True)
        told = control.evaluate(f"""async () => {{
            await fetch('http://127.0.0.1:{port}/health', {{mode: 'no-cors'}}).catch(() => 0);
            return await new Promise(done => {{
                const socket = new WebSocket('ws://127.0.0.1:{port}/');
                socket.onopen = () => done('open');
                socket.onclose = event => done('closed');
            }});
        }}""", targetId=tab)
        assert told == "closed"
        asked = [one for one in control.get("/requests", targetId=tab)["requests"] if f":{port}/health" in one["url"]]
        assert asked and all(one.get("status") in (403, None) for one in asked), asked


def test_private_addresses_are_open_when_the_owner_says_so(control, tab, site):
    assert control.navigate(site.url("/form.html"), tab)["title"] == "Form"
    assert control.navigate(site.url("/form.html", host="localhost"), tab)["title"] == "Form"


# ---- browsers that were not started here

@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A browser that somebody else started, and where it can be driven."""
    folder = tmp_path_factory.mktemp("foreign")
    flags = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    process = subprocess.Popen([chromium_path(), *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    notes = folder / "DevToolsActivePort"
    yield wait_until(lambda: f"http://127.0.0.1:{notes.read_text().splitlines()[0]}" if notes.exists() and notes.read_text() else None, 30, "a port")
    os.killpg(process.pid, 9)
    process.wait()


@pytest.fixture(scope="module")
def attached(module_home, shared_model, foreign):
    """A gateway whose default browser is that one, with private networks closed."""
    factory = GatewayFactory(module_home, shared_model.base_url)
    config = browser_config({
        "defaultProfile": "other", "profiles": {"other": {"cdpUrl": foreign, "attachOnly": True}},
        "ssrfPolicy": {"dangerouslyAllowPrivateNetwork": False, "allowedHostnames": ["site.localhost"]}}, private=False)
    gateway = factory("attached", config=config)
    yield control_of(gateway)
    factory.stop()


def test_an_attached_browser_follows_the_same_policy(attached, site):
    recorder = Recorder()
    try:
        tab = attached.open(site.url("/index.html", host="site.localhost"))
        for url in [recorder.url(), "file:///etc/passwd", "chrome://version/", recorder.url(host="[::1]")]:
            reply = attached.refused("POST", "/navigate", {"url": url, "targetId": tab})
            assert (reply.status, reply.code) == (400, "blocked_url"), reply.body
        hop = recorder.url("/hop")
        reply = attached.refused("POST", "/navigate", {"url": site.url(f"/redirect?to={quote(hop, safe='')}", host="site.localhost"), "targetId": tab})
        assert (reply.status, reply.code) == (400, "blocked_url"), reply.body
        assert hop in reply.error
        attached.navigate(site.url("/index.html", host="site.localhost"), tab)
        told = attached.evaluate(f"""async () => {{
            const frame = document.createElement('iframe');
            const loaded = new Promise(done => frame.onload = done);
            frame.src = {json.dumps(recorder.url('/frame'))};
            document.body.append(frame);
            await loaded;
            return await fetch({json.dumps(recorder.url('/fetch'))}).then(() => 'came', () => 'failed');
        }}""", targetId=tab)
        assert told == "failed"
        attached.evaluate(f"() => {{ location.href = {json.dumps(recorder.url('/self'))} }}", targetId=tab)
        attached.wait(loadState="load", targetId=tab)
        # A browser without a proxy of ours may open a connection ahead of a request that is then stopped; nothing is said on it.
        assert recorder.received == 0, recorder.visits
    finally:
        recorder.stop()
