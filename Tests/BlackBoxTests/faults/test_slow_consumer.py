"""A client that does not read while others work is cut, alone (R24); SIGTERM under load loses nothing (R28).

JARVIS_TEST_TERMS sets how often the gateway is stopped under load (6).
"""

import os
import signal
import socket
import threading
import time
import uuid

import psutil
import pytest
from support.model import Echo
from support.ports import wait_until
from support.rpc import Closed, RpcError, text_of
from websockets.sync.client import connect as websocket_connect

TERMS = int(os.environ.get("JARVIS_TEST_TERMS") or 6)


class SlowReader:
    """Shakes hands like anybody else and then never reads again."""

    def __init__(self, it):
        import json

        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.connect(("127.0.0.1", it.port))
        self.port = raw.getsockname()[1]
        self.pid = it.pid
        # A short queue makes the library stop reading the socket.
        self.socket = websocket_connect(
            it.ws_url, sock=raw, compression=None, max_size=None, max_queue=1, ping_interval=None,
            close_timeout=0.1).__enter__()
        json.loads(self.socket.recv())
        client = {"id": "gateway-client", "version": "1.0", "platform": "Linux", "mode": "backend"}
        self.socket.send(json.dumps({"type": "req", "id": "c", "method": "connect", "params": {
            "minProtocol": 3, "maxProtocol": 4, "client": client, "role": "operator", "scopes": ["operator.admin"],
            "caps": [], "auth": {"token": it.token}}}))
        assert json.loads(self.socket.recv())["ok"]

    def is_cut(self):
        """Whether the gateway has let go of the connection."""
        return not any(
            c.raddr and c.raddr.port == self.port and c.status == "ESTABLISHED"
            for c in psutil.Process(self.pid).net_connections("tcp"))

    def close(self):
        self.socket.socket.close()


@pytest.mark.long
@pytest.mark.timeout(120)
def test_a_client_that_never_reads(gateway, scripted_model):
    it = gateway(config={"agents": {"defaults": {"maxConcurrent": 40}}})
    reader, caller = it.client(), it.client()
    slow = SlowReader(it)
    memory = psutil.Process(it.pid).memory_info
    before = memory().rss
    try:
        scripted_model.on("stream", Echo(chunks=60, delay=0.05, text="word " * 800))
        keys = [str(uuid.uuid4()) for _ in range(40)]
        since, began = reader.mark(), time.monotonic()
        for number, key in enumerate(keys):
            caller.call("chat.send", {"sessionKey": f"flow-{number}", "message": f"stream {number}", "idempotencyKey": key})
        waits = []
        for key in keys:
            while not any(e.payload.get("runId") == key and e.payload.get("state") == "final" for e in reader.events_named("chat", since)):
                asked = time.monotonic()
                caller.call("health")
                waits.append(time.monotonic() - asked)
                time.sleep(0.05)
        rate = len(reader.events[since:]) / (time.monotonic() - began)
        waits.sort()
        print(f"{rate:.0f} events/s; health p50 {waits[len(waits) // 2] * 1e3:.0f} ms, slowest {waits[-1] * 1e3:.0f} ms")
        assert waits[len(waits) // 2] < 0.5

        # Answers so large that what waits for the slow one soon passes its limit; ten seconds later it is cut.
        scripted_model.on("large", Echo(chunks=6, text="x" * 400_000))
        peak, number = 0, 0
        began = time.monotonic()
        while not slow.is_cut() and number < 150:
            keys = [str(uuid.uuid4()) for _ in range(3)]
            for key in keys:
                caller.call("chat.send", {"sessionKey": f"large-{number}", "message": f"large {number}", "idempotencyKey": key})
                number += 1
            for key in keys:
                assert caller.chat_end(key, 30)["state"] == "final"
            peak = max(peak, memory().rss - before)
        wait_until(slow.is_cut, 15, f"the slow client is cut after {number} large answers")
        print(f"cut after {number} large answers, {time.monotonic() - began:.1f} s; memory grew by {peak / 1e6:.0f} MB at most")
        assert peak < 150e6
        assert caller.call("status")["gateway"]["slowClients"] == 1
        assert "slow client closed" in it.log()

        sequence = [e.seq for e in reader.events if e.seq is not None]
        assert sequence == list(range(sequence[0], sequence[0] + len(sequence))), "who reads misses nothing"
        assert reader.closed is None and caller.closed is None
        assert it.get("/readyz")[0] == 200
    finally:
        slow.close()


@pytest.mark.long
@pytest.mark.timeout(60 + 6 * TERMS)
def test_sigterm_under_load(gateway, scripted_model):
    """Stopped while messages flow: exit 0 each time, and everything confirmed is answered exactly once."""
    scripted_model.default = Echo(chunks=4, delay=0.03)
    it = gateway()
    confirmed: dict[str, tuple[str, str]] = {}
    stops = []
    for round in range(TERMS):
        clients = [it.client() for _ in range(3)]
        stopping = threading.Event()

        def send(number, client, round=round):
            session = f"load-{number}"
            while not stopping.is_set():
                key, mark = str(uuid.uuid4()), f"mark-{uuid.uuid4().hex[:12]}"
                try:
                    client.call("chat.send", {"sessionKey": session, "message": mark, "idempotencyKey": key}, timeout=5)
                except (Closed, RpcError, AssertionError):
                    return
                confirmed[key] = (session, mark)
                time.sleep(0.02)

        threads = [threading.Thread(target=send, args=pair, daemon=True) for pair in enumerate(clients)]
        for thread in threads:
            thread.start()
        time.sleep(0.15 + 0.01 * round)
        began = time.monotonic()
        os.kill(it.pid, signal.SIGTERM)
        assert it.wait(20) == 0, it.log()[-2000:]
        stops.append(time.monotonic() - began)
        stopping.set()
        for thread in threads:
            thread.join(10)
        for client in clients:
            assert client.wait_closed().code in (1012, 1006), "told that the service restarts"
        assert not (it.state / "run/gateway.json").exists()
        it.start()
    client = it.client()
    for key in confirmed:
        answer = client.call("agent.wait", {"runId": key, "timeoutMs": 30_000}, timeout=40)
        assert answer["status"] == "ok", answer
    answers = {session: [] for session, _ in confirmed.values()}
    for session in answers:
        answers[session] = client.history(session)
    for session, mark in confirmed.values():
        asked = [m for m in answers[session] if m["role"] == "user" and mark in text_of(m)]
        # What waited together may be answered together: the newest mark of a question is the one it answers.
        told = [m for m in answers[session] if m["role"] == "assistant" and text_of(m).endswith(mark)]
        assert (len(asked), len(told)) == (1, 1), f"{mark}: asked {len(asked)}, answered {len(told)}"
    stops.sort()
    print(f"{TERMS} stops, {len(confirmed)} confirmed; stop p50 {stops[len(stops) // 2]:.2f} s, slowest {stops[-1]:.2f} s")
