"""The `agent` method with its two answers, agent.wait, and the `agent` event (interop 5.8)."""

import uuid

import pytest
from support.model import Echo, Status
from support.rpc import RpcError


def test_two_answers_with_one_id(rpc):
    key = str(uuid.uuid4())
    id = rpc.request("agent", {"message": "what now", "sessionKey": "agent-two", "idempotencyKey": key})
    first = rpc.answer(id)
    assert first["runId"] == key
    assert first["status"] == "accepted"
    assert first["acceptedAt"] > 0
    second = rpc.answer(id)
    assert second["runId"] == key
    assert second["status"] == "ok"
    assert second["summary"]
    assert "what now" in str(second["result"])


def test_failed_run_is_told_in_the_second_answer(rpc, shared_model):
    shared_model.on("refuse this", Status(400))
    id = rpc.request("agent", {"message": "refuse this", "sessionKey": "agent-fail", "idempotencyKey": str(uuid.uuid4())})
    assert rpc.answer(id)["status"] == "accepted"
    try:
        second = rpc.answer(id, 60)
        assert second["status"] in ("ok", "error")  # ok: the operator stepped in and said why
        assert second["summary"]
    except RpcError as error:
        assert error.code == "UNAVAILABLE"


def test_wait(rpc, shared_model):
    shared_model.on("wait for it", Echo(chunks=6, delay=0.1))
    key = str(uuid.uuid4())
    rpc.call("agent", {"message": "wait for it", "sessionKey": "agent-wait", "idempotencyKey": key})
    assert rpc.call("agent.wait", {"runId": key, "timeoutMs": 1})["status"] == "timeout"
    done = rpc.call("agent.wait", {"runId": key, "timeoutMs": 10_000})
    assert done["status"] == "ok"
    assert done["endedAt"] >= done["startedAt"] > 0
    assert rpc.call("agent.wait", {"runId": key})["status"] == "ok", "an ended run is remembered"


def test_wait_for_an_unheard_run(rpc):
    try:
        answer = rpc.call("agent.wait", {"runId": "unheard", "timeoutMs": 50})
        assert answer["status"] in ("timeout", "error")
    except RpcError as error:
        assert error.code == "INVALID_REQUEST"


def test_agent_events(rpc, shared_model):
    shared_model.on("tell as you go", Echo(chunks=6, delay=0.05))
    key = str(uuid.uuid4())
    since = rpc.mark()
    id = rpc.request("agent", {"message": "tell as you go", "sessionKey": "agent-events", "idempotencyKey": key})
    rpc.answer(id)
    rpc.answer(id)
    rpc.wait_event(
        "agent", lambda p: p["runId"] == key and p["stream"] == "lifecycle" and p["data"]["phase"] == "end", since=since)
    events = [event.payload for event in rpc.events_named("agent", since) if event.payload["runId"] == key]
    assert events[0]["stream"] == "lifecycle"
    assert events[0]["data"]["phase"] == "start"
    numbers = [event["seq"] for event in events]
    assert numbers == sorted(set(numbers))
    text = ""
    for event in events:
        if event["stream"] == "assistant":
            assert event["data"]["text"].startswith(text)
            text = event["data"]["text"]
    assert "tell as you go" in text


def test_same_key_runs_once(rpc, shared_model):
    key = str(uuid.uuid4())
    params = {"message": f"agent once {key}", "sessionKey": "agent-once", "idempotencyKey": key}
    first, second = rpc.request("agent", params), rpc.request("agent", params)
    rpc.answer(first)
    rpc.answer(first)
    rpc.answer(second)
    assert len(shared_model.requests_with(key)) == 1


def test_extra_system_prompt(rpc, shared_model):
    key = str(uuid.uuid4())
    id = rpc.request("agent", {
        "message": f"with extra {key}", "sessionKey": "agent-extra", "idempotencyKey": key, "extraSystemPrompt": "SPEAK-LIKE-A-SAILOR"})
    rpc.answer(id)
    rpc.answer(id)
    messages = shared_model.requests_with(key)[0].body["messages"]
    assert messages[0]["role"] in ("system", "developer")
    assert "SPEAK-LIKE-A-SAILOR" in str(messages[0]["content"])


def test_identity(rpc):
    identity = rpc.call("agent.identity.get", {})
    assert identity["agentId"] == "main"
    assert rpc.call("agent.identity.get", {"sessionKey": "agent:main:main"})["agentId"] == "main"


def test_agents_and_models_lists(rpc):
    agents = rpc.call("agents.list")
    assert agents["defaultId"] == "main"
    assert agents["mainKey"] == "main"
    assert "main" in [agent["id"] for agent in agents["agents"]]
    models = rpc.call("models.list")["models"]
    echo = next(model for model in models if model["id"] == "echo")
    assert echo["provider"] == "test"
    assert echo["contextWindow"] == 4096


def test_tools_catalog(rpc):
    catalog = rpc.call("tools.catalog")
    assert catalog["agentId"] == "main"
    names = [tool["id"] for group in catalog["groups"] for tool in group["tools"]]
    assert "session_status" in names


@pytest.mark.parametrize("agent", ["unheard", "UPPER CASE", "../main"])
def test_unheard_agent(rpc, agent):
    error = rpc.error("agent", {"message": "x", "agentId": agent, "idempotencyKey": str(uuid.uuid4())})
    assert error.code == "INVALID_REQUEST"


def test_waiting_requests_are_bounded(rpc, shared_model):
    """A client that asks without end is told so; what it asked before is answered."""
    shared_model.on("take your time", Echo(chunks=20, delay=0.1))
    key = str(uuid.uuid4())
    rpc.call("agent", {"message": "take your time", "sessionKey": "agent-flood", "idempotencyKey": key})
    ids = [rpc.request("agent.wait", {"runId": key, "timeoutMs": 20_000}) for _ in range(1_100)]
    refused = 0
    for id in ids:
        try:
            assert rpc.answer(id)["status"] == "ok"
        except RpcError as error:
            assert error.code == "UNAVAILABLE"
            refused += 1
    assert refused == 1_100 - 1_024
    assert rpc.call("agent.wait", {"runId": key})["status"] == "ok"
