"""What is told to the outside is on the disk first, seen in the order of system calls (R03)."""

import uuid

SENDING = ("write", "writev", "sendto", "sendmsg")
SYNCING = ("fsync", "fdatasync")


def ends_before(calls, call, mark):
    """Whether a sync of the store's log began after `mark` was written to it and ended before `call` entered."""
    writes = [
        c for c in calls if c.name == "pwrite64" and "jarvis.sqlite-wal" in c.text and mark in c.text and c.left is not None
        and c.left < call.entered]
    if not writes:
        return False
    first = min(c.left for c in writes)
    return any(
        c.name in SYNCING and "jarvis.sqlite-wal" in c.text and c.succeeded and c.entered >= first and c.left < call.entered
        for c in calls)


def sending(sent, key, what):
    """The call that put the frame with both texts on the socket; one call may carry many frames."""
    return next(c for c in sent if any(key in frame and what in frame for frame in c.text.split(r'{\"type\":')))


def test_synced_before_told(gateway, strace, home):
    """Thirty messages, ten at a time: the log that holds a message is synced before `started` goes out, the log that
    holds its answer before `final` does."""
    it = gateway()
    client = it.client()
    output = home.root / "tmp/order.strace"
    runs = []
    with strace.Tracer(
            it.pid, "-y", "-s", "200000", "-e", "signal=none", "-e",
            "trace=pwrite64,pwritev,write,writev,sendto,sendmsg,fsync,fdatasync", output=output):
        for batch in range(3):
            fresh = [(str(uuid.uuid4()), f"mark-{uuid.uuid4().hex}") for _ in range(10)]
            asked = [
                client.request("chat.send", {"sessionKey": f"order-{n}", "message": mark, "idempotencyKey": key})
                for n, (key, mark) in enumerate(fresh)]
            for id in asked:
                assert client.answer(id)["status"] == "started"
            for key, _ in fresh:
                assert client.chat_end(key)["state"] == "final"
            runs += fresh
    calls = strace.read_calls(output)
    sent = [c for c in calls if c.name in SENDING and "<socket:[" in c.text]
    assert sent, "the trace shows the socket"
    early = []
    for key, mark in runs:
        started = sending(sent, key, r'\"status\":\"started\"')
        final = sending(sent, key, r'\"state\":\"final\"')
        assert started.entered <= final.entered
        for call, what in ((started, mark), (started, key), (final, f"echo:{mark}")):
            if not ends_before(calls, call, what):
                early.append((what, call.name, call.entered))
    assert not early, early
    syncs = sum(c.name in SYNCING and "sqlite-wal" in c.text for c in calls)
    print(f"{len(runs)} messages, {syncs} syncs of the log, {len(sent)} writes to sockets")
