"""The kill storm: SIGKILL in the middle of runs, again and again; no message is lost, none is answered twice (R01).

JARVIS_TEST_KILLS sets the number of kills (50).
"""

import os
import random
import re
import time
import uuid
from collections import Counter

import pytest
from support.model import Echo
from support.ports import wait_until
from support.rpc import Closed, RpcError, text_of

KILLS = int(os.environ.get("JARVIS_TEST_KILLS") or 50)
SESSIONS = 4
MARK = re.compile(r"msg-[0-9a-f]{12}")


class Sender:
    """Sends messages as a careful client does: a message counts as sent when the gateway said so, and what was not
    confirmed is sent again under the same key."""

    def __init__(self, rng):
        self.rng = rng
        self.pending: list[tuple[str, str, str]] = []  # key, session, mark: not confirmed
        self.sent: dict[str, tuple[str, str]] = {}  # key to session and mark
        self.number = 0

    def burst(self, client, count):
        fresh = []
        for _ in range(count):
            mark = f"msg-{uuid.uuid4().hex[:12]}"
            fresh.append((str(uuid.uuid4()), f"storm-{self.number % SESSIONS}", mark))
            self.number += 1
        self.pending += fresh
        self.push(client)

    def push(self, client):
        """Sends everything that is not confirmed yet, all at once; whatever gets no answer stays pending."""
        waiting = []
        try:
            for key, session, mark in self.pending:
                waiting.append((key, session, mark, client.request(
                    "chat.send", {"sessionKey": session, "message": f"please answer {mark}", "idempotencyKey": key})))
        except Closed:
            pass
        for key, session, mark, id in waiting:
            try:
                client.answer(id, 10)
            except (Closed, AssertionError):
                continue
            self.sent[key] = (session, mark)
        self.pending = [entry for entry in self.pending if entry[0] not in self.sent]


@pytest.mark.long
@pytest.mark.timeout(420)
def test_kill_storm(gateway, scripted_model):
    seed = int(os.environ.get("JARVIS_TEST_SEED") or random.randrange(1 << 30))
    rng = random.Random(seed)
    note = f"seed {seed}"
    scripted_model.default = Echo(chunks=6, delay=0.04)
    it = gateway()
    sender = Sender(rng)
    boots = []
    for kill in range(KILLS):
        client = it.client()
        sender.push(client)
        sender.burst(client, rng.randrange(1, 4))
        if rng.random() < 0.2:  # killed while messages are on their way in
            for _ in range(3):
                mark = f"msg-{uuid.uuid4().hex[:12]}"
                key, session = str(uuid.uuid4()), f"storm-{rng.randrange(SESSIONS)}"
                sender.pending.append((key, session, mark))
                client.request("chat.send", {"sessionKey": session, "message": f"please answer {mark}", "idempotencyKey": key})
        time.sleep(rng.uniform(0, 0.9))
        it.kill()
        started = time.monotonic()
        it.start()
        boots.append(time.monotonic() - started)
        assert "quarantine" not in it.log().lower(), note

    client = it.client()
    sender.push(client)
    assert not sender.pending, note

    outcomes = {}
    for key in sender.sent:
        answer = wait_until(
            lambda key=key: (lambda a: a if a["status"] != "timeout" else None)(
                client.call("agent.wait", {"runId": key, "timeoutMs": 5_000})),
            120, f"run {key} ends ({note})")
        outcomes[key] = answer["status"]
    time.sleep(0.5)

    asked, answered = Counter(), Counter()
    for number in range(SESSIONS):
        messages = client.history(f"storm-{number}")
        assert len(messages) < 1_000, "the whole history is seen"
        for message in messages:
            marks = MARK.findall(text_of(message))
            if message["role"] == "user":
                assert len(marks) == 1, (note, text_of(message))
                asked[marks[0]] += 1
            elif message["role"] == "assistant":
                assert message.get("stopReason") != "error", (note, text_of(message))
                if marks:
                    answered[marks[-1]] += 1

    for key, (session, mark) in sender.sent.items():
        where = f"{mark} in {session}, {outcomes[key]}, {note}"
        assert asked[mark] == 1, f"asked {asked[mark]} times: {where}"
        assert outcomes[key] == "ok", f"given up: {where}"
        assert answered[mark] == 1, f"answered {answered[mark]} times: {where}"
    marks = {mark for _, mark in sender.sent.values()}
    assert set(asked) == marks, f"messages that nobody sent: {note}"
    boots.sort()
    print(f"{KILLS} kills, {len(sender.sent)} messages, boot p50 {boots[len(boots) // 2]:.2f} s, "
          f"p95 {boots[int(len(boots) * 0.95)]:.2f} s, {note}")
    assert client.chat("and the session goes on", "storm-0")["state"] == "final"


def test_kill_during_a_tool_call_leaves_no_orphan(gateway, scripted_model):
    """The model never sees a tool call without its result (R10)."""
    from support.model import CallTool

    it = gateway()
    for number in range(5):
        scripted_model.on(f"tool {number}", CallTool())
        client = it.client()
        client.call("chat.send", {"sessionKey": "main", "message": f"tool {number}", "idempotencyKey": f"t{number}"})
        time.sleep(0.02 * number)
        it.kill()
        it.start()
    client = it.client()
    for number in range(5):
        assert client.call("agent.wait", {"runId": f"t{number}", "timeoutMs": 20_000})["status"] in ("ok", "error")
    client.chat("after all that")
    messages = scripted_model.requests[-1].body["messages"]
    open_calls = set()
    for message in messages:
        if message["role"] == "assistant":
            assert not open_calls, "a tool call without a result"
            open_calls = {call["id"] for call in message.get("tool_calls") or []}
        elif message["role"] == "tool":
            open_calls.discard(message["tool_call_id"])
        else:
            assert not open_calls, "a tool call without a result"


def test_acknowledged_means_durable(gateway, scripted_model):
    """Killed at the moment of the acknowledgement: the message is there and answered after the restart."""
    scripted_model.default = Echo(chunks=4, delay=0.1)
    it = gateway()
    for number in range(5):
        client = it.client()
        key = str(uuid.uuid4())
        client.call("chat.send", {"sessionKey": "durable", "message": f"durable {number}", "idempotencyKey": key})
        it.kill()
        it.start()
        client = it.client()
        assert client.call("agent.wait", {"runId": key, "timeoutMs": 20_000})["status"] == "ok"
        again = client.call("chat.send", {"sessionKey": "durable", "message": f"durable {number}", "idempotencyKey": key})
        assert again["status"] == "ok", "a repeat after the crash is recognised"
    texts = [text_of(m) for m in it.client().history("durable") if m["role"] == "assistant"]
    for number in range(5):
        assert sum(f"durable {number}" in text for text in texts) == 1


def test_torn_files(gateway, home, scripted_model):
    """Files cut at any length: the gateway starts (or says what is broken), and never deletes what it cannot read."""
    it = gateway()
    it.client().chat("before the cut")
    it.stop()
    instance = it.state / "instance.json"
    identity = instance.read_bytes()
    runtime = it.state / "run/gateway.json"
    for length in (0, 1, len(identity) // 2, len(identity) - 1):
        runtime.write_bytes(identity[:length])
        it.start()
        assert "before the cut" in str(it.client().history())
        it.stop()
    instance.write_bytes(identity[: len(identity) // 2])
    it.launch()
    try:
        code = it.wait(5)
        assert code in (1, 78)
        assert "instance.json" in it.log()
    except Exception:
        assert it.get("/readyz")[0] == 200
        it.stop()
    database = next(it.state.glob("store/*.sqlite"))
    wal = database.with_name(database.name + "-wal")
    instance.write_bytes(identity)
    if wal.exists() and wal.stat().st_size > 100:
        wal.write_bytes(wal.read_bytes()[: wal.stat().st_size // 2])
    it.start()
    assert it.client().chat("after the cut")["state"] == "final"
