"""A real small language model answers through the gateway."""

import time
import uuid

import pytest
from support import realmodel
from support.gateway import GatewayFactory, base_config, merge
from support.ports import wait_until
from support.rpc import text_of

pytestmark = [pytest.mark.real_model, pytest.mark.long, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def talking(module_home, real_model):
    factory = GatewayFactory(module_home, None)
    gateway = factory(write_config=False, start=False)
    # A window of 4096 tokens has no room for what the larger tools say of themselves.
    config = base_config(gateway.port, real_model.base_url, realmodel.NAME, realmodel.KEY)
    module_home.write_config(merge(config, {"tools": {"profile": "minimal"}}))
    yield gateway.start()
    factory.stop()


def test_streams_an_answer(talking):
    with talking.client() as client:
        key = str(uuid.uuid4())
        client.call("chat.send", {"sessionKey": "real", "message": "Say hello in one short sentence.", "idempotencyKey": key})
        final = client.chat_end(key, 60)
        assert final["state"] == "final", final
        assert len(text_of(final["message"])) > 1
        deltas = [e for e in client.events_named("chat") if e.payload["runId"] == key and e.payload["state"] == "delta"]
        assert deltas, "the answer streamed"
        usage = client.history("real")[-1]["usage"]
        assert usage["output"] > 0


def test_abort_midway_frees_the_model(talking, real_model):
    with talking.client() as client:
        key = str(uuid.uuid4())
        client.call("chat.send", {
            "sessionKey": "real-abort", "message": "Write a very long story about the sea, at least thousand words.",
            "idempotencyKey": key})
        client.wait_event("chat", lambda p: p["runId"] == key and p["state"] == "delta", 60)
        assert real_model.busy_slots() >= 1
        client.call("chat.abort", {"sessionKey": "real-abort", "runId": key})
        assert client.chat_end(key)["state"] == "aborted"
        wait_until(lambda: real_model.busy_slots() == 0, 10, "the model server stops generating", every=0.2)
        last = client.history("real-abort")[-1]
        assert last["stopReason"] == "aborted"
        assert text_of(last)


def test_two_sessions_at_once(talking):
    with talking.client() as client:
        keys = [str(uuid.uuid4()) for _ in range(2)]
        for number, key in enumerate(keys):
            client.call("chat.send", {
                "sessionKey": f"real-{number}", "message": "Name three colours.", "idempotencyKey": key})
        first = {}
        for key in keys:
            event = client.wait_event("chat", lambda p, key=key: p["runId"] == key and p["state"] in ("delta", "final"), 60)
            first[key] = event.at
        ends = {}
        for key in keys:
            assert client.chat_end(key, 60)["state"] == "final"
            ends[key] = next(e.at for e in client.events_named("chat") if e.payload["runId"] == key and e.payload["state"] == "final")
        assert max(first.values()) < min(ends.values()) + 1.0, "both were answered at the same time"


def test_agent_command(talking):
    started = time.monotonic()
    result = talking.cli("agent", "-m", "Say yes.", timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
    assert time.monotonic() - started < 60
