"""Something that says it is a browser and means harm: what it sends costs its own profile, and nothing else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from pathlib import Path

import pytest
from support.attached import outside_address
from support.browser import browser_config, control_of
from support.gateway import GatewayFactory
from support.pages import WEBSOCKET_GUID
from support.ports import wait_until

pytestmark = pytest.mark.timeout(180)
MIB = 1 << 20


class Liar:
    """A debugging WebSocket whose `talk` decides what is said. `send` and `read` speak frames; `answers` behaves well."""

    def __init__(self, host: str, talk):
        self.talk, self.asked = talk, []
        self._server = socket.create_server((host, 0))
        self.host, self.port = self._server.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"ws://{self.host}:{self.port}/devtools/browser/x"

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(65536) or b"\r\n\r\n"
            key = head.lower().split(b"sec-websocket-key: ", 1)[1].split(b"\r\n", 1)[0]
            key = head[head.lower().index(b"sec-websocket-key: ") + 19:][:len(key)].decode()
            accept = base64.b64encode(hashlib.sha1((key + WEBSOCKET_GUID).encode()).digest()).decode()
            client.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
            self.talk(self, client)

    @staticmethod
    def frame(payload: bytes, opcode: int = 1, final: bool = True) -> bytes:
        first, size = (0x80 if final else 0) | opcode, len(payload)
        if size < 126:
            return struct.pack(">BB", first, size) + payload
        if size < 65536:
            return struct.pack(">BBH", first, 126, size) + payload
        return struct.pack(">BBQ", first, 127, size) + payload

    def send(self, client: socket.socket, value) -> None:
        client.sendall(self.frame(value if isinstance(value, bytes) else json.dumps(value).encode()))

    def read(self, client: socket.socket) -> dict:
        """The next command."""
        while True:
            first, second = exactly(client, 2)
            size = second & 0x7F
            if size == 126:
                [size] = struct.unpack(">H", exactly(client, 2))
            elif size == 127:
                [size] = struct.unpack(">Q", exactly(client, 8))
            mask = exactly(client, 4)
            payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(exactly(client, size)))
            if first & 0x0F == 8:
                client.sendall(self.frame(payload, 8))
                raise EOFError
            if first & 0x0F == 1:
                command = json.loads(payload)
                self.asked.append(command["method"])
                return command

    def answers(self, client: socket.socket, command: dict) -> None:
        results = {"Browser.getVersion": {"product": "Chrome/1.0", "userAgent": "x"}, "Target.getTargets": {"targetInfos": []}}
        self.send(client, {"id": command["id"], "result": results.get(command["method"], {})})

    def behave(self, client: socket.socket) -> None:
        while True:
            self.answers(client, self.read(client))


def exactly(client: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = client.recv(count - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found


def garbage(liar, client):
    liar.read(client)
    liar.send(client, b"\x7f\x00 not json")


def too_large(liar, client):
    liar.read(client)
    client.sendall(struct.pack(">BBQ", 0x81, 127, 300 * MIB))
    with contextlib.suppress(OSError):
        for _ in range(300):
            client.sendall(b"x" * MIB)


def mid_frame(liar, client):
    liar.read(client)
    client.sendall(liar.frame(b"x" * 1000)[:500])


def binary(liar, client):
    liar.read(client)
    client.sendall(liar.frame(b"{}", 2))


def refusing(liar, client):
    liar.send(client, {"id": liar.read(client)["id"], "error": {"code": -1, "message": "no"}})


def talks_first(liar, client):
    with contextlib.suppress(OSError):
        for _ in range(64):
            client.sendall(liar.frame(b"x" * MIB))


def closes(liar, client):
    liar.read(client)
    client.sendall(liar.frame(struct.pack(">H", 1011) + b"go \x1b[2J away", 8))


def other_ids(liar, client):
    while True:
        command = liar.read(client)
        for id in [0, -1, 10**9, 2**63 - 1, 1e300, "1", None, [], {}]:
            liar.send(client, {"id": id, "method": "Nobody.asked", "result": {}})
        liar.answers(client, command)
        liar.answers(client, command)


def flood(liar, client):
    """A hundred thousand tabs that are not there, and events for sessions that nobody knows."""
    while True:
        command = liar.read(client)
        if command["method"] == "Target.setAutoAttach" and "sessionId" not in command:
            reader = threading.Thread(target=drain, args=(client,), daemon=True)
            for number in range(100_000):
                liar.send(client, {"method": "Target.attachedToTarget", "params": {
                    "sessionId": f"s{number}", "targetInfo": {"targetId": f"t{number}", "type": "worker" if number % 2 else "page", "url": "about:blank"}}})
                if number == 0:
                    liar.answers(client, command)
                    reader.start()
            reader.join()
            return
        liar.answers(client, command)


def drain(client):
    with contextlib.suppress(OSError):
        while client.recv(MIB):
            pass


@pytest.fixture(scope="module")
def liars():
    host = outside_address() or pytest.skip("this host has no address but loopback")
    made = {talk.__name__.replace("_", "-"): Liar(host, talk) for talk in
            [garbage, too_large, mid_frame, binary, refusing, talks_first, closes, other_ids, flood]}
    made["silent"] = Liar(host, lambda liar, client: drain(client))
    yield made
    for one in made.values():
        one.stop()


@pytest.fixture(scope="module")
def gateway(module_home, shared_model, liars):
    factory = GatewayFactory(module_home, shared_model.base_url)
    yield factory(config=browser_config({"profiles": {name: {"cdpUrl": one.url} for name, one in liars.items()}}))
    factory.stop()


def memory(gateway) -> int:
    """What the gateway holds, in MiB."""
    line = next(line for line in Path(f"/proc/{gateway.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


@pytest.mark.parametrize(("name", "words"), [
    ("garbage", "no message of the debugging protocol"), ("too-large", "1009"), ("mid-frame", "the connection was lost"),
    ("binary", "a binary message"), ("refusing", "refused Browser.getVersion: no"), ("talks-first", "can't be used"),
    ("closes", "go "), ("silent", "did not answer Browser.getVersion in time")])
def test_it_can_not_be_used_and_the_reason_is_told(gateway, name, words):
    before = memory(gateway)
    reply = control_of(gateway, name).refused("POST", "/start", timeout=120)
    assert (reply.status, reply.code) == (500, "endpoint_failed") and words in reply.error, reply.error
    assert "\x1b" not in reply.error
    assert memory(gateway) - before < 400
    assert gateway.get("/readyz")[0] == 200


def test_answers_that_nobody_asked_for_are_nothing(gateway):
    control = control_of(gateway, "other-ids")
    control.post("/start")
    assert control.get("/")["running"] is True and control.tabs() == []
    control.post("/stop")


def test_a_flood_is_bounded_and_hurts_nobody_else(gateway, site):
    before = memory(gateway)
    control_of(gateway, "flood").request("POST", "/start", timeout=150)
    other = control_of(gateway)
    assert other.snapshot(targetId=other.open(site.url("/form.html"))).text
    control_of(gateway, "flood").post("/stop", timeout=120)
    assert memory(gateway) - before < 800
    wait_until(lambda: control_of(gateway, "flood").get("/")["running"] is False, 60, "it is let go of")
