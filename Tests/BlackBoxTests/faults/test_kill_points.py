"""SIGKILL at the n-th system call of one message's way: afterwards it is answered exactly once, or it was never
acknowledged (R02).

JARVIS_TEST_KILL_POINTS sets how many places per system call are tried (3); `all` tries every place until a message
passes untouched.
"""

import os
import uuid

import pytest
from support.rpc import Closed, RpcError, text_of

PLACES = os.environ.get("JARVIS_TEST_KILL_POINTS") or "3"
CALLS = ["pwrite64", "fdatasync", "fsync", "write", "writev", "read", "pread64", "openat", "sendmsg", "connect", "close", "rename"]


def places():
    """1, 2, 3, 5, 8, …: dense where the promise is made, then wider."""
    if PLACES == "all":
        yield from range(1, 400)
        return
    first, second = 1, 2
    for _ in range(int(PLACES)):
        yield first
        first, second = second, first + second


def one_message(it, strace, inject):
    """Sends one message to a gateway that dies on its way; gives its key, its mark and whether it was confirmed."""
    key, mark = str(uuid.uuid4()), f"mark-{uuid.uuid4().hex[:12]}"
    confirmed = False
    client = it.client()
    with strace.Tracer(it.pid, "-qq", "-e", "signal=none", "-e", f"trace={inject.partition(':')[0]}", "-e", f"inject={inject}"):
        try:
            client.call("chat.send", {"sessionKey": "points", "message": f"please {mark}", "idempotencyKey": key}, timeout=10)
            confirmed = True
            client.chat_end(key, timeout=10)
        except (Closed, RpcError):
            pass
    return key, mark, confirmed


def check_once(it, key, mark, confirmed, where):
    client = it.client()
    params = {"sessionKey": "points", "message": f"please {mark}", "idempotencyKey": key}
    seen = any(mark in text_of(m) for m in client.history("points"))
    if not seen:
        assert not confirmed, f"confirmed and lost: {where}"
        client.call("chat.send", params)  # as a careful client does
    assert client.call("agent.wait", {"runId": key, "timeoutMs": 15_000})["status"] == "ok", where
    again = client.call("chat.send", params)
    assert again["status"] == "ok", f"a repeat is recognised: {where}"
    messages = [m for m in client.history("points") if mark in text_of(m)]
    assert [m["role"] for m in messages] == ["user", "assistant"], f"{where}: {messages}"


@pytest.mark.long
@pytest.mark.timeout(0 if PLACES == "all" else 120)
def test_killed_at_every_step(gateway, strace):
    it = gateway()
    tried = killed = 0
    for call in CALLS:
        for place in places():
            where = f"{call} number {place}"
            sent = one_message(it, strace, f"{call}:signal=KILL:when={place}")
            tried += 1
            try:
                it.process.wait(0.2)
            except Exception:
                check_once(it, *sent, where)
                break  # the message passed untouched: there are no such places further on
            killed += 1
            it.kill()
            it.start()
            assert "quarantine" not in it.log().lower(), where
            check_once(it, *sent, where)
    print(f"{tried} places tried, {killed} kills")
    assert killed >= 10
