"""Names that lead outside when they are judged and inside when they are connected to (T36): a name server with answers that live for 0 seconds, a public server under its name, and a port of this host that nobody may reach."""

from __future__ import annotations

import subprocess
import threading

import pytest
from support import network
from support.browser import browser_config, browsers_of, chromium_path, control_of
from support.gateway import GatewayFactory
from support.network import HOST, SERVER, NameServer, OwnNetwork
from support.ports import wait_until
from support.recorder import Recorder

pytestmark = [pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not())), pytest.mark.timeout(180)]

PAGE = b"<!doctype html><title>public</title><p>public"


class Site:
    """The public server: answers every request on a connection of its own, so that each needs an address anew."""

    def __init__(self, listener):
        self.seen: list[str] = []
        self.listener = listener
        threading.Thread(target=self._run, name="public", daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (piece := connection.recv(4096)):
                        return
                    head += piece
                self.seen.append(head.split(b"\r\n")[0].decode("latin-1"))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE))
            except OSError:
                pass


class World:
    def __init__(self, home):
        self.network = OwnNetwork()
        try:
            self.inner = Recorder()
            port = self.inner.port
            # The very port of the trap: a page keeps its origin, and with it the port.
            self.site = Site(self.network.server_socket(port))
            self.names = NameServer({
                "public.example": [[SERVER]],
                "mixed.example": [[SERVER, "127.0.0.1"]], "mixed-last.example": [["127.0.0.1", SERVER]],
                "six.example": [[SERVER, "::1"]], "mapped.example": [["::ffff:127.0.0.1"]], "nat64.example": [["64:ff9b::7f00:1"]],
                "inside.example": [["127.0.0.1"]], "nothing.example": [["0.0.0.0"]], "lan.example": [["10.1.2.3"]],
                "link.example": [["169.254.169.254"]], "six-own.example": [["2606:2800:220:1::1"]],
            })
            self.factory = GatewayFactory(home, None)
            self.gateway = self.factory(config=browser_config(private=False))
            self.control = control_of(self.gateway)
        except BaseException:
            self.network.leave()
            raise

    def url(self, name: str, path: str = "/") -> str:
        return f"http://{name}:{self.inner.port}{path}"

    def stop(self):
        self.factory.stop()
        self.names.stop()
        self.site.listener.close()
        self.inner.stop()
        self.network.leave()


@pytest.fixture(scope="module")
def world(module_home):
    world = World(module_home)
    yield world
    world.stop()
    wait_until(lambda: not browsers_of(module_home.root), 10, "no browser is left")


def test_the_trap_is_there(world, tmp_path):
    """A browser without the gateway's flags does reach it by a name."""
    recorder = Recorder()
    try:
        flags = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--no-sandbox", f"--user-data-dir={tmp_path}"]
        subprocess.run([chromium_path(), *flags, "--dump-dom", f"http://inside.example:{recorder.port}/"], capture_output=True, timeout=150, stdin=subprocess.DEVNULL)
        assert recorder.received > 0
    finally:
        recorder.stop()


@pytest.mark.parametrize("name", ["mixed.example", "mixed-last.example", "six.example", "mapped.example", "nat64.example", "inside.example", "nothing.example", "lan.example",
                                  "link.example", "six-own.example"])
def test_one_inner_address_refuses_the_name(world, name):
    reply = world.control.refused("POST", "/tabs/open", {"url": world.url(name)})
    assert (reply.status, reply.code) == (400, "blocked_url"), reply.body
    world.inner.assert_silent()


@pytest.mark.parametrize("turns", [[[SERVER], ["127.0.0.1"]], [["127.0.0.1"], [SERVER]], [[SERVER], [SERVER], ["127.0.0.1"]], [[SERVER], [HOST]]])
def test_a_page_whose_name_turns_inside_does_not_get_there(world, turns):
    """It asks its own origin again and again, with every kind of request; some are answered by the public server, none by the trap."""
    control, name = world.control, "turns.example"
    world.names.names[name] = [[SERVER]]
    tab = control.open(world.url(name))
    world.names.names[name] = turns
    world.names.given.clear()
    told = control.evaluate("""async () => {
        const told = {came: 0, refused: 0, failed: 0, inside: 0};
        const once = promise => promise.then(() => 1, () => 0);
        for (let round = 0; round < 12; round++) {
            for (const method of ['GET', 'POST']) {
                try {
                    const answer = await fetch('/fetch?' + round, {method, cache: 'no-store', body: method === 'POST' ? 'x' : undefined});
                    const text = await answer.text();
                    if (answer.status === 403) told.refused++; else if (text.includes('public')) told.came++; else told.inside++;
                } catch (e) { told.failed++; }
            }
            const image = new Image(); image.src = '/image?' + round;
            const frame = document.createElement('iframe'); frame.src = '/frame?' + round;
            const script = document.createElement('script'); script.src = '/script?' + round;
            const loaded = [image, frame, script].map(one => new Promise(done => { one.onload = one.onerror = done; }));
            document.body.append(image, frame, script);
            await Promise.all(loaded);
            navigator.sendBeacon('/beacon?' + round, 'x');
            await new Promise(done => { const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket?' + round); socket.onclose = done; });
        }
        return told;
    }""", targetId=tab, timeoutMs=90_000, timeout=120)
    assert told["inside"] == 0, told
    assert told["came"] > 0 and told["refused"] + told["failed"] > 0, told
    assert {address for one, addresses in world.names.given if one == name for address in addresses} == {address for answer in turns for address in answer}
    control.close_tab(tab)
    world.inner.assert_silent()


def test_a_name_that_turns_to_the_gateway_does_not_get_there(world):
    """The public server has the gateway's own port numbers; what answers is that server or a refusal, never the gateway."""
    names = world.names.names
    gateway = world.gateway
    for port in (gateway.port, gateway.port + 2):
        with world.network.server_socket(port) as listener:
            site = Site(listener)
            names["gateway.example"] = [[SERVER]]
            tab = world.control.open(f"http://gateway.example:{port}/")
            names["gateway.example"] = [[SERVER], ["127.0.0.1"]]
            answers = world.control.evaluate("""async () => {
                const answers = [];
                for (let round = 0; round < 12; round++)
                    answers.push(await fetch('/healthz?' + round, {cache: 'no-store'}).then(async one => one.status + (await one.text()).slice(0, 60), () => 'failed'));
                return answers;
            }""", targetId=tab, timeoutMs=60_000, timeout=90)
            world.control.close_tab(tab)
            assert all(one.startswith(("200<!doctype html><title>public", "403", "failed")) for one in answers), answers
            assert any(one.startswith("200") for one in answers) and not all(one.startswith("200") for one in answers), answers
            assert site.seen


def test_the_browser_asks_no_name_server(world, tmp_path):
    """Names are looked up by the gateway, when a connection is wanted; what a page only mentions leaves no trace."""
    tab = world.control.open(world.url("public.example"))
    world.control.evaluate("""async () => {
        for (const [rel, host] of [['dns-prefetch', 'hinted'], ['preconnect', 'ahead']]) {
            const link = document.createElement('link'); link.rel = rel; link.href = '//' + host + '.example/'; document.head.append(link);
        }
        const anchor = document.createElement('a'); anchor.href = 'http://mentioned.example/'; anchor.textContent = 'x'; document.body.append(anchor);
        await fetch('http://fetched.example/').catch(() => 0);
    }""", targetId=tab)
    wait_until(lambda: any(name == "fetched.example" for name, _ in world.names.asked), 20, "a question for a name that is fetched")
    world.control.close_tab(tab)
    asked = {name for name, _ in world.names.asked}
    assert not asked & {"hinted.example", "mentioned.example"}, asked
