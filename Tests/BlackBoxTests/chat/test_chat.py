"""chat.send, chat.history, chat.abort, chat.inject and the `chat` event (interop 5.7)."""

import time
import uuid

import pytest
from support.model import Echo
from support.ports import wait_until
from support.rpc import text_of


def session():
    return f"chat-{uuid.uuid4().hex[:8]}"


def test_a_message_is_answered(rpc):
    key, name = str(uuid.uuid4()), session()
    since = rpc.mark()
    answer = rpc.call("chat.send", {"sessionKey": name, "message": "good morning", "idempotencyKey": key})
    assert answer == {"runId": key, "status": "started"}
    final = rpc.chat_end(key, since=since)
    assert final["state"] == "final"
    assert final["sessionKey"] == f"agent:main:{name}"
    message = final["message"]
    assert message["role"] == "assistant"
    assert message["content"][0]["type"] == "text"
    assert "echo:" in text_of(message) and "good morning" in text_of(message)
    assert abs(message["timestamp"] - time.time() * 1000) < 60_000


def test_history_holds_question_and_answer(rpc):
    name = session()
    rpc.chat("first question", name)
    rpc.chat("second question", name)
    answer = rpc.call("chat.history", {"sessionKey": name})
    assert answer["sessionKey"] == f"agent:main:{name}"
    assert answer["sessionId"]
    assert "thinkingLevel" in answer
    messages = answer["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert "first question" in text_of(messages[0])
    assert "second question" in text_of(messages[3])
    assert messages[1]["provider"] == "test"
    assert messages[1]["model"] == "echo"
    assert messages[1]["stopReason"] == "stop"
    assert messages[1]["usage"]["output"] == 3
    newest = rpc.call("chat.history", {"sessionKey": name, "limit": 1})["messages"]
    assert [message["role"] for message in newest] == ["assistant"]


def test_history_of_an_unheard_session_is_empty(rpc):
    assert rpc.call("chat.history", {"sessionKey": session()})["messages"] == []


def test_deltas_are_cumulative_and_in_order(rpc, shared_model):
    shared_model.on("stream please", Echo(chunks=15, delay=0.08))
    name, key = session(), str(uuid.uuid4())
    since = rpc.mark()
    rpc.call("chat.send", {"sessionKey": name, "message": "stream please, slowly and in many pieces", "idempotencyKey": key})
    rpc.chat_end(key, since=since)
    events = [event for event in rpc.events_named("chat", since) if event.payload["runId"] == key]
    deltas = [event for event in events if event.payload["state"] == "delta"]
    assert len(deltas) >= 3
    texts = [text_of(event.payload["message"]) for event in events]
    for earlier, later in zip(texts, texts[1:]):
        assert later.startswith(earlier)
    gaps = [b.at - a.at for a, b in zip(deltas, deltas[1:])]
    assert min(gaps) > 0.05, "at most one delta in 150 ms"
    numbers = [event.payload["seq"] for event in events]
    assert numbers == sorted(set(numbers))
    broadcast = [event.seq for event in rpc.events[since:] if event.seq is not None]
    assert broadcast == sorted(set(broadcast))


def test_the_same_key_runs_once(rpc, shared_model):
    shared_model.on("only once", Echo(chunks=8, delay=0.1))
    name, key = session(), str(uuid.uuid4())
    params = {"sessionKey": name, "message": "only once", "idempotencyKey": key}
    since = rpc.mark()
    assert rpc.call("chat.send", params)["status"] == "started"
    assert rpc.call("chat.send", params) == {"runId": key, "status": "in_flight"}
    rpc.chat_end(key, since=since)
    again = rpc.call("chat.send", params)
    assert (again["runId"], again["status"]) == (key, "ok")
    assert len(rpc.history(name)) == 2
    assert len(shared_model.requests_with("only once")) == 1


def test_the_same_key_on_another_connection_runs_once(running, rpc, shared_model):
    name, key = session(), str(uuid.uuid4())
    params = {"sessionKey": name, "message": f"shared {key}", "idempotencyKey": key}
    with running.client() as other:
        ids = [(client, client.request("chat.send", params)) for client in (rpc, other, rpc, other)]
        statuses = [client.answer(id)["status"] for client, id in ids]
    assert statuses.count("started") == 1
    wait_until(lambda: len(rpc.history(name)) == 2, what="one question and one answer")
    assert len(shared_model.requests_with(key)) == 1


def test_messages_of_one_session_are_answered_in_order(rpc):
    name = session()
    keys = []
    since = rpc.mark()
    for number in range(12):
        keys.append(str(uuid.uuid4()))
        rpc.request("chat.send", {"sessionKey": name, "message": f"number {number};", "idempotencyKey": keys[-1]})
    for key in keys:
        assert rpc.chat_end(key, since=since)["state"] == "final"
    answers = [text_of(message) for message in rpc.history(name) if message["role"] == "assistant"]
    assert len(answers) == 12
    for number, answer in enumerate(answers):
        assert f"number {number};" in answer


def test_two_sessions_run_side_by_side(rpc, shared_model):
    shared_model.on("side by side", Echo(chunks=10, delay=0.1))
    keys = [str(uuid.uuid4()) for _ in range(2)]
    since = rpc.mark()
    started = time.monotonic()
    for key in keys:
        rpc.call("chat.send", {"sessionKey": session(), "message": f"side by side {key}", "idempotencyKey": key})
    for key in keys:
        final = rpc.chat_end(key, since=since)
        assert key in text_of(final["message"]), "each answer belongs to its own session"
    assert time.monotonic() - started < 1.9, "the second did not wait for the first"


def test_abort_keeps_the_partial_answer_and_closes_the_model_socket(rpc, shared_model):
    shared_model.on("very long", Echo(chunks=200, delay=0.05, text="word " * 200))
    name, key = session(), str(uuid.uuid4())
    since = rpc.mark()
    rpc.call("chat.send", {"sessionKey": name, "message": f"very long {key}", "idempotencyKey": key})
    rpc.wait_event("chat", lambda p: p["runId"] == key and p["state"] == "delta" and text_of(p["message"]), since=since)
    asked = time.monotonic()
    answer = rpc.call("chat.abort", {"sessionKey": name, "runId": key})
    assert answer == {"ok": True, "aborted": True, "runIds": [key]}
    assert rpc.chat_end(key, since=since)["state"] == "aborted"
    request = shared_model.requests_with(key)[0]
    wait_until(lambda: request.closed_early, 3, "the model server sees the connection close")
    assert request.closed_early - asked < 2
    last = rpc.history(name)[-1]
    assert last["role"] == "assistant"
    assert last["stopReason"] == "aborted"
    assert "word" in text_of(last)
    assert rpc.chat("and again", name)["state"] == "final", "the lane is free"


def test_abort_of_a_session_stops_everything_in_it(rpc, shared_model):
    shared_model.on("queue up", Echo(chunks=100, delay=0.05))
    name = session()
    keys = [str(uuid.uuid4()) for _ in range(3)]
    since = rpc.mark()
    for key in keys:
        rpc.call("chat.send", {"sessionKey": name, "message": f"queue up {key}", "idempotencyKey": key})
    answer = rpc.call("chat.abort", {"sessionKey": name})
    assert answer["aborted"] is True
    assert set(answer["runIds"]) == set(keys)
    for key in keys:
        assert rpc.chat_end(key, since=since)["state"] == "aborted"


def test_abort_of_nothing(rpc):
    assert rpc.call("chat.abort", {"sessionKey": session()}) == {"ok": True, "aborted": False, "runIds": []}
    assert rpc.call("chat.abort", {"sessionKey": session(), "runId": "unheard"})["aborted"] is False


@pytest.mark.parametrize("phrase", ["/stop", "stop"])
def test_stop_phrase(rpc, shared_model, phrase):
    shared_model.on("stop me", Echo(chunks=100, delay=0.05))
    name, key = session(), str(uuid.uuid4())
    since = rpc.mark()
    rpc.call("chat.send", {"sessionKey": name, "message": "stop me", "idempotencyKey": key})
    answer = rpc.call("chat.send", {"sessionKey": name, "message": phrase, "idempotencyKey": str(uuid.uuid4())})
    assert answer["ok"] is True
    assert answer["aborted"] is True
    assert answer["runIds"] == [key]
    assert rpc.chat_end(key, since=since)["state"] == "aborted"


def test_inject(rpc):
    name = session()
    rpc.chat("hello", name)
    since = rpc.mark()
    answer = rpc.call("chat.inject", {"sessionKey": name, "message": "a note from outside", "label": "note"})
    assert answer["ok"] is True
    event = rpc.wait_event("chat", lambda p: str(p.get("runId", "")).startswith("inject-"), since=since).payload
    assert event["state"] == "final"
    assert "a note from outside" in text_of(event["message"])
    last = rpc.history(name)[-1]
    assert last["role"] == "assistant"
    assert last["model"] == "gateway-injected"
    assert "a note from outside" in text_of(last)


def test_run_timeout(rpc, shared_model):
    shared_model.on("too slow", Echo(chunks=100, delay=0.2))
    final = rpc.chat("too slow", session(), timeoutMs=1_000)
    assert final["state"] in ("error", "aborted")


def test_session_survives_a_restart(gateway, scripted_model):
    it = gateway()
    it.client().chat("remember me")
    before = it.client().history()
    it.restart()
    assert it.client().history() == before
    it.client().chat("and now?")
    sent = scripted_model.requests[-1].body["messages"]
    texts = [str(message["content"]) for message in sent]
    assert any("remember me" in text for text in texts), "the model sees what was said before the restart"


def test_tool_loop(rpc, shared_model):
    from support.model import CallTool

    shared_model.on("how are you doing", CallTool())
    name = session()
    final = rpc.chat("how are you doing", name)
    assert text_of(final["message"]) == "the tool has answered"
    requests = shared_model.requests_with("how are you doing")
    assert len(requests) == 2
    offered = [tool["function"]["name"] for tool in requests[0].body["tools"]]
    assert "session_status" in offered
    result = requests[1].body["messages"][-1]
    assert result["role"] == "tool"
    assert result["tool_call_id"] == "call_1"
    assert f"agent:main:{name}" in str(result["content"])
    roles = [message["role"] for message in rpc.history(name)]
    assert roles == ["user", "assistant", "toolResult", "assistant"]


def test_unknown_tool_is_told_to_the_model(rpc, shared_model):
    from support.model import CallTool

    shared_model.on("use a strange tool", CallTool(name="no_such_tool", arguments="{not json"))
    final = rpc.chat("use a strange tool", session())
    assert final["state"] == "final"


def test_tool_events_reach_only_who_asked(running, shared_model):
    from support.model import CallTool

    shared_model.on("tool watcher", CallTool())
    with running.client(caps=["tool-events"]) as watcher, running.client() as plain:
        watcher.chat("tool watcher", session())
        assert [e for e in watcher.events_named("agent") if e.payload.get("stream") == "tool"]
        assert not [e for e in plain.events_named("agent") if e.payload.get("stream") == "tool"]
