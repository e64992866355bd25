"""A gateway that is stopped for a while, as by a sleeping laptop or a frozen container, goes on (R12, R13).

JARVIS_TEST_PAUSE sets the seconds (12, longer than the deadlines of unfinished handshakes).
"""

import os
import signal
import socket
import time

import pytest
from support.model import Echo
from support.rpc import text_of

PAUSE = float(os.environ.get("JARVIS_TEST_PAUSE") or 12)


@pytest.mark.long
@pytest.mark.timeout(60 + PAUSE)
def test_stopped_and_continued(gateway, scripted_model):
    """Sockets stay, a running answer comes once, and what was sent meanwhile is answered once."""
    scripted_model.on("slowly", Echo(chunks=10, delay=0.1))
    it = gateway()
    watcher, sender = it.client(), it.client()
    assert sender.chat("hello")["state"] == "final"
    sender.call("chat.send", {"sessionKey": "main", "message": "slowly", "idempotencyKey": "p1"})
    time.sleep(0.3)
    os.kill(it.pid, signal.SIGSTOP)
    try:
        asleep = sender.request("chat.send", {"sessionKey": "other", "message": "meanwhile", "idempotencyKey": "p2"})
        half = socket.create_connection(("127.0.0.1", it.port), 5)  # the kernel accepts it
        half.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{it.port}\r\n".encode())
        time.sleep(PAUSE)
    finally:
        os.kill(it.pid, signal.SIGCONT)
    awake = time.monotonic()
    assert sender.answer(asleep)["status"] == "started"
    assert sender.chat_end("p1")["state"] in ("final", "error")
    assert sender.chat_end("p2")["state"] == "final"
    print(f"after {PAUSE:g} s asleep everything was answered within {time.monotonic() - awake:.2f} s")
    half.sendall(b"Connection: close\r\n\r\n")
    half.settimeout(15)
    assert half.recv(100)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 408", b""), "served or told to go"
    half.close()
    assert it.get("/readyz")[0] == 200
    for client in (watcher, sender):
        assert client.closed is None
        assert client.call("health")["ok"] is True
    time.sleep(0.5)
    for session, message in (("main", "slowly"), ("other", "meanwhile")):
        texts = [text_of(m) for m in sender.history(session)]
        assert texts.count(message) == 1
        assert texts.count(f"echo:{message}") == 1, texts
    finals = [e for e in watcher.events_named("chat") if e.payload.get("runId") in ("p1", "p2") and e.payload.get("state") == "final"]
    assert len(finals) == 2, "everybody hears of each answer once"
    assert len(scripted_model.requests_with("meanwhile")) == 1
