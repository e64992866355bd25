"""What pages may reach in a browser that JARVIS did not start: no proxy judges it, so its requests are judged inside."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from support.attached import OwnBrowser
from support.browser import browser_config, control_of
from support.gateway import GatewayFactory
from support.pages import Answer
from support.ports import wait_until
from support.recorder import Recorder

HOST = "site.localhost"


pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    browser = OwnBrowser(tmp_path_factory.mktemp("own")).start()
    yield browser
    browser.stop()


@pytest.fixture(scope="module")
def control(module_home, shared_model, own):
    """A gateway that joins it, with private networks closed but for the site."""
    factory = GatewayFactory(module_home, shared_model.base_url)
    config = browser_config({
        "defaultProfile": "mine", "profiles": {"mine": {"driver": "existing-session", "cdpUrl": own.url}},
        "remoteCdpTimeoutMs": 30_000, "remoteCdpHandshakeTimeoutMs": 30_000,
        "ssrfPolicy": {"dangerouslyAllowPrivateNetwork": False, "allowedHostnames": [HOST]}}, private=False)
    gateway = factory(config=config)
    yield control_of(gateway)
    factory.stop()


@pytest.fixture
def inner():
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture
def tab(control, site):
    tab = control.open(site.url("/index.html", host=HOST))
    yield tab
    control.request("DELETE", f"/tabs/{tab}")


def silent(inner) -> None:
    """A browser may open a connection ahead of a request that is then stopped; nothing is said on it."""
    assert inner.received == 0, inner.visits


def test_nothing_that_a_page_asks_for_comes_from_inside(control, tab, inner):
    told = control.evaluate(f"""async () => {{
        const at = path => {json.dumps(inner.url('/'))} + path;
        const failed = promise => promise.then(() => 'came', () => 'failed');
        const loaded = (tag, key, path) => new Promise(done => {{
            const made = document.createElement(tag); made[key] = at(path);
            if (tag === 'link') made.rel = 'stylesheet';
            made.onload = () => done('came'); made.onerror = () => done('failed'); document.body.append(made); }});
        navigator.sendBeacon(at('beacon'), 'x');
        const link = document.createElement('a'); link.href = '#here'; link.ping = at('ping'); document.body.append(link); link.click();
        return await Promise.all([
            failed(fetch(at('fetch'), {{mode: 'no-cors'}})), loaded('img', 'src', 'image'), loaded('script', 'src', 'script'), loaded('link', 'href', 'style'),
            failed(fetch(at('post'), {{method: 'POST', mode: 'no-cors', body: 'x'}}))]);
    }}""", targetId=tab)
    assert told == ["failed"] * 5
    silent(inner)


def test_workers_of_every_kind_reach_nothing_inside(control, tab, site, inner):
    secret = inner.url()
    site.route("/worker.js", lambda seen: Answer(
        f"const go = () => fetch('{secret}', {{mode: 'no-cors'}}).then(() => 'came', () => 'failed');"
        "if (self.onconnect !== undefined || 'onconnect' in self) self.onconnect = event => go().then(told => event.ports[0].postMessage(told));"
        "else self.onmessage = () => go().then(told => self.postMessage(told));", type="text/javascript"))
    told = control.evaluate("""async () => {
        const answer = port => new Promise(done => { port.onmessage = message => done(message.data); });
        const worker = new Worker('/worker.js'); const first = answer(worker); worker.postMessage(1);
        const shared = new SharedWorker('/worker.js?shared'); const second = answer(shared.port);
        return [await first, await second];
    }""", targetId=tab)
    assert told == ["failed", "failed"]
    silent(inner)


def test_a_service_worker_reaches_nothing_inside(control, site, inner):
    tab = control.open(site.url("/sw/", host=HOST))
    control.wait(text="ready", targetId=tab)
    told = control.evaluate(f"() => fetch('/sw/pass?to=' + encodeURIComponent({json.dumps(inner.url())})).then(answer => answer.text())", targetId=tab)
    assert told.startswith("failed")
    # What a service worker that is new does before anybody asks it.
    site.route("/early/worker.js", lambda seen: Answer(f"self.addEventListener('install', event => event.waitUntil(fetch('{inner.url()}', {{mode: 'no-cors'}}).catch(() => 0)));", type="text/javascript"))
    site.page("/early/", "<title>early</title>")
    control.navigate(site.url("/early/", host=HOST), tab)
    control.evaluate("() => navigator.serviceWorker.register('/early/worker.js', {scope: '/early/'}).then(() => navigator.serviceWorker.ready).then(() => 1)", targetId=tab)
    silent(inner)
    control.close_tab(tab)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "inner.localhost", "[::1]", "127.1", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_no_name_that_leads_inside_is_loaded_from(control, tab, inner, name):
    told = control.evaluate(f"() => fetch({json.dumps(inner.url(host=name))}, {{mode: 'no-cors'}}).then(() => 'came', () => 'failed')", targetId=tab)
    assert told == "failed"
    silent(inner)


def test_a_redirect_inside_is_stopped(control, tab, site, inner):
    told = control.evaluate(f"() => fetch('/redirect?to={quote(inner.url(), safe='')}', {{mode: 'no-cors'}}).then(() => 'came', () => 'failed')", targetId=tab)
    assert told == "failed"
    silent(inner)


@pytest.mark.parametrize("where", ["page", "worker", "frame"])
def test_a_socket_inside_empties_its_tab(control, tab, site, inner, where):
    """No command stops a WebSocket: its first packet may arrive, and then its page is left."""
    opens = f"new WebSocket({json.dumps(inner.url('/', scheme='ws'))})"
    script = {
        "page": f"() => {{ {opens} }}",
        "worker": f"() => {{ new Worker(URL.createObjectURL(new Blob([{json.dumps(opens)}]))) }}",
        "frame": f"() => {{ const frame = document.createElement('iframe'); document.body.append(frame); frame.contentWindow.eval({json.dumps(opens)}) }}",
    }[where]
    control.request("POST", "/act", {"kind": "evaluate", "fn": script, "targetId": tab})
    wait_until(lambda: next(one["url"] for one in control.tabs() if one["targetId"] == tab) == "about:blank", 60, "the tab is emptied")
    assert "browser.ssrfPolicy" in json.dumps(control.get("/errors", targetId=tab))
    # It can be used again.
    assert control.navigate(site.url("/form.html", host=HOST), tab)["title"] == "Form"


def test_a_socket_outside_is_left_alone(control, tab, site):
    told = control.evaluate(f"""() => new Promise(done => {{
        const socket = new WebSocket('ws://{HOST}:{site.port}/ws');
        socket.onopen = () => socket.send('hello'); socket.onmessage = message => done(message.data); socket.onerror = () => done('failed'); }})""", targetId=tab)
    assert told == "hello"
    assert control.get("/errors", targetId=tab)["errors"] == []


def test_a_page_of_the_users_that_is_inside_keeps_its_sockets(control, own, site, tab):
    """The owner's own page on this host may speak with this host; nothing brought it there but the owner."""
    control.post("/stop")
    theirs = own.open(site.url("/form.html"))
    wait_until(lambda: own.tabs()[theirs].endswith("/form.html"), 30, "the user's page")
    control.post("/start")
    told = control.evaluate(f"""() => new Promise(done => {{
        const socket = new WebSocket('ws://127.0.0.1:{site.port}/ws');
        socket.onopen = () => socket.send('hello'); socket.onmessage = message => done(message.data); socket.onerror = () => done('failed'); }})""", targetId=theirs)
    assert told == "hello" and own.tabs()[theirs].endswith("/form.html")
    control.close_tab(theirs)
