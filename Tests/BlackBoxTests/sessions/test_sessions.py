"""sessions.* over RPC (interop 5.10, 9.2, 9.3)."""

import time
import uuid

import pytest
from support.rpc import text_of


@pytest.fixture
def session(rpc):
    """A session with one exchange; its full key."""
    name = f"s-{uuid.uuid4().hex[:8]}"
    rpc.chat(f"hello from {name}", name)
    return f"agent:main:{name}"


def row(rpc, key, **params):
    return next((row for row in rpc.call("sessions.list", params)["sessions"] if row["key"] == key), None)


def test_list(rpc, session):
    answer = rpc.call("sessions.list", {})
    assert answer["count"] >= 1
    assert abs(answer["ts"] - time.time() * 1000) < 60_000
    assert {"modelProvider", "model", "contextTokens"} <= set(answer["defaults"])
    found = row(rpc, session)
    assert found["kind"] == "direct"
    assert uuid.UUID(found["sessionId"])
    assert abs(found["updatedAt"] - time.time() * 1000) < 60_000
    assert found["totalTokens"] >= 10
    assert (found["modelProvider"], found["model"]) == ("test", "echo")


def test_list_filters(rpc, session):
    assert len(rpc.call("sessions.list", {"limit": 1})["sessions"]) == 1
    assert row(rpc, session, activeMinutes=5)
    assert row(rpc, session, search=session.rsplit(":", 1)[1])
    assert row(rpc, session, search="no such session") is None
    assert row(rpc, session, agentId="main")
    assert row(rpc, session, agentId="other") is None
    assert row(rpc, session, includeLastMessage=True)["lastMessagePreview"]


def test_newest_first(rpc, session):
    rows = rpc.call("sessions.list", {})["sessions"]
    times = [row["updatedAt"] for row in rows if row["updatedAt"]]
    assert times == sorted(times, reverse=True)
    assert rows[0]["key"] == session


def test_preview(rpc, session):
    answer = rpc.call("sessions.preview", {"keys": [session, "agent:main:unheard"]})
    found = {preview["key"]: preview for preview in answer["previews"]}
    assert found[session]["status"] == "ok"
    assert [item["role"] for item in found[session]["items"]] == ["user", "assistant"]
    assert found["agent:main:unheard"]["status"] == "missing"
    short = rpc.call("sessions.preview", {"keys": [session], "maxChars": 20})["previews"][0]["items"]
    assert all(len(item["text"]) <= 23 for item in short)


def test_resolve(rpc, session):
    found = row(rpc, session)
    assert rpc.call("sessions.resolve", {"key": session}) == {"ok": True, "key": session}
    assert rpc.call("sessions.resolve", {"key": session.rsplit(":", 1)[1]})["key"] == session
    assert rpc.call("sessions.resolve", {"sessionId": found["sessionId"]})["key"] == session
    rpc.call("sessions.patch", {"key": session, "label": f"label of {session}"})
    assert rpc.call("sessions.resolve", {"label": f"label of {session}"})["key"] == session
    assert rpc.error("sessions.resolve", {"label": "unheard"}).code == "INVALID_REQUEST"


def test_patch_sets_and_clears(rpc, session):
    answer = rpc.call("sessions.patch", {"key": session, "label": f"L {session}", "thinkingLevel": "low", "verboseLevel": "full"})
    assert answer["ok"] is True
    assert answer["key"] == session
    assert answer["entry"]["thinkingLevel"] == "low"
    assert row(rpc, session)["label"] == f"L {session}"
    rpc.call("sessions.patch", {"key": session, "label": None, "thinkingLevel": None})
    found = row(rpc, session)
    assert "label" not in found and "thinkingLevel" not in found
    assert found["verboseLevel"] == "full"


@pytest.mark.parametrize(
    "change", [{"thinkingLevel": "enormous"}, {"sendPolicy": "maybe"}, {"label": 5}, {"surprise": 1}, {"responseUsage": "loud"}])
def test_patch_refuses_wrong_values(rpc, session, change):
    assert rpc.error("sessions.patch", {"key": session, **change}).code == "INVALID_REQUEST"


def test_patch_model(rpc, session):
    answer = rpc.call("sessions.patch", {"key": session, "model": "test/echo"})
    assert answer["resolved"] == {"modelProvider": "test", "model": "echo"}
    assert rpc.error("sessions.patch", {"key": session, "model": "unheard/model"}).code == "INVALID_REQUEST"


def test_labels_are_unique(rpc, session):
    rpc.chat("hello", f"{session}-twin")
    rpc.call("sessions.patch", {"key": session, "label": f"unique {session}"})
    assert rpc.error("sessions.patch", {"key": f"{session}-twin", "label": f"unique {session}"}).code == "INVALID_REQUEST"


def test_reset_starts_anew_and_keeps_settings(rpc, session, shared_model):
    rpc.call("sessions.patch", {"key": session, "thinkingLevel": "low"})
    before = row(rpc, session)["sessionId"]
    answer = rpc.call("sessions.reset", {"key": session})
    assert answer["ok"] is True
    assert answer["entry"]["sessionId"] != before
    assert rpc.history(session) == []
    assert row(rpc, session)["thinkingLevel"] == "low"
    mark = f"after the reset {uuid.uuid4()}"
    rpc.chat(mark, session)
    sent = str(shared_model.requests_with(mark)[0].body["messages"])
    assert f"hello from {session.rsplit(':', 1)[1]}" not in sent, "the model does not see the old conversation"


def test_delete(rpc, session):
    answer = rpc.call("sessions.delete", {"key": session})
    assert (answer["ok"], answer["deleted"]) == (True, True)
    assert row(rpc, session) is None
    assert rpc.call("sessions.delete", {"key": session})["deleted"] is False


def test_the_main_session_cannot_be_deleted(rpc):
    rpc.chat("hello", "main")
    assert rpc.error("sessions.delete", {"key": "main"}).code == "INVALID_REQUEST"
    assert row(rpc, "agent:main:main")


def test_compact(rpc, session):
    for number in range(4):
        rpc.chat(f"line {number}", session)
    answer = rpc.call("sessions.compact", {"key": session, "maxLines": 4})
    assert (answer["ok"], answer["compacted"]) == (True, True)
    kept = [text_of(message) for message in rpc.history(session)]
    assert any("line 3" in text for text in kept)
    assert not any("line 0" in text for text in kept)
    assert rpc.chat("go on", session)["state"] == "final"
    assert rpc.call("sessions.compact", {"key": session, "maxLines": 400})["compacted"] is False


def test_webchat_may_not_patch_or_delete(running, session):
    client = {"id": "webchat", "version": "1", "platform": "web", "mode": "webchat"}
    with running.client(client=client, origin=running.origin, headers={}) as page:
        for method in ("sessions.patch", "sessions.delete"):
            assert page.error(method, {"key": session}).code == "INVALID_REQUEST"


def test_create(rpc):
    key = f"created-{uuid.uuid4().hex[:6]}"
    answer = rpc.call("sessions.create", {"key": key})
    assert answer["key"] == f"agent:main:{key}"
    assert row(rpc, f"agent:main:{key}")


def test_subscriptions_are_accepted(rpc, session):
    assert rpc.call("sessions.subscribe", {}) is not None
    assert rpc.call("sessions.messages.subscribe", {"key": session}) is not None


def test_events_reach_every_operator(running, rpc, session):
    with running.client() as other:
        since = other.mark()
        rpc.chat("heard by all", session)
        event = other.wait_event("chat", lambda p: p["state"] == "final", since=since)
        assert event.payload["sessionKey"] == session
