"""Every fault of a model server ends in something said to the user, and the session stays usable (R20)."""

import time
import uuid

import pytest
from support.model import Cut, Echo, Raw, Silence, Status
from support.rpc import text_of

RETRYING = 75  # a fault may be retried with pauses


def said(final):
    """What the user hears: the text of the answer, or the error."""
    message = final.get("message")
    return (text_of(message) if message else "") + str(final.get("errorMessage") or "")


def check_usable(rpc, session):
    final = rpc.chat("are you still there", session)
    assert final["state"] == "final"
    assert "are you still there" in text_of(final["message"])


@pytest.mark.timeout(120)
@pytest.mark.parametrize("code", [429, 500, 502, 503, 529])
def test_one_bad_status_is_retried(rpc, shared_model, code):
    session, mark = f"status-{code}", f"try {code} {uuid.uuid4()}"
    shared_model.plan.append(Status(code, {"Retry-After": "1"} if code == 429 else {}))
    final = rpc.chat(mark, session, timeout=RETRYING)
    assert final["state"] == "final"
    assert mark in text_of(final["message"])
    assert len(shared_model.requests_with(mark)) == 2
    assert len(rpc.history(session)) == 2


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "fault"),
    [("500", Status(500)), ("400", Status(400)), ("401", Status(401)), ("403", Status(403)), ("404", Status(404)),
     ("cut", Cut()), ("cut-at-once", Cut(0)), ("empty-body", Raw(b"")), ("no-json", Raw(b"data: {bad\n\n")),
     ("html", Raw(b"<html>502 bad gateway</html>", "text/html")), ("binary", Raw(b"\xff\xfe\x00data: \xff\n\n")),
     ("done-only", Raw(b"data: [DONE]\n\n")), ("error-event", Raw(b'data: {"error":{"message":"overloaded","code":503}}\n\n')),
     ("endless-line", Raw(b"data: " + b"x" * 3_000_000))])
def test_a_lasting_fault_is_told(rpc, shared_model, name, fault):
    """After a few tries the user is told, by an error or by the operator who steps in; nothing hangs."""
    session, mark = f"fault-{name}", f"lasting {uuid.uuid4()}"
    shared_model.on(mark, fault)
    started = time.monotonic()
    final = rpc.chat(mark, session, timeout=90)
    assert time.monotonic() - started < 90
    assert said(final).strip(), "something is said"
    assert "sk-scripted" not in said(final)
    assert 1 <= len(shared_model.requests_with(mark)) <= 4
    check_usable(rpc, session)


@pytest.mark.timeout(90)
def test_silence_after_200_is_ended_by_the_deadline(rpc, shared_model):
    mark = f"silence {uuid.uuid4()}"
    shared_model.on(mark, Silence(after=1))
    final = rpc.chat(mark, "silence", timeout=60, timeoutMs=2_500)
    assert said(final).strip() or final["state"] == "aborted"
    check_usable(rpc, "silence")


def test_silence_can_be_stopped_at_once(rpc, shared_model):
    mark, key = f"hush {uuid.uuid4()}", str(uuid.uuid4())
    shared_model.on(mark, Silence(after=0, comments=True))
    since = rpc.mark()
    rpc.call("chat.send", {"sessionKey": "hush", "message": mark, "idempotencyKey": key})
    time.sleep(0.5)
    started = time.monotonic()
    rpc.call("chat.abort", {"sessionKey": "hush", "runId": key})
    assert rpc.chat_end(key, since=since)["state"] == "aborted"
    assert time.monotonic() - started < 2
    check_usable(rpc, "hush")


@pytest.mark.timeout(120)
def test_retry_after_of_days_is_not_waited_for(rpc, shared_model):
    mark = f"three days {uuid.uuid4()}"
    shared_model.on(mark, Status(429, {"Retry-After": "259200"}))
    started = time.monotonic()
    final = rpc.chat(mark, "retry-after", timeout=80)
    assert time.monotonic() - started < 60
    assert said(final).strip()


@pytest.mark.parametrize(
    ("name", "body"),
    [("crlf", b'data: {"choices":[{"delta":{"content":"fine"}}]}\r\n\r\ndata: [DONE]\r\n\r\n'),
     ("cr", b'data: {"choices":[{"delta":{"content":"fine"}}]}\r\rdata: [DONE]\r\r'),
     ("bom", b'\xef\xbb\xbfdata: {"choices":[{"delta":{"content":"fine"}}]}\n\ndata: [DONE]\n\n'),
     ("comments", b': hi\n\n: hi\ndata: {"choices":[{"delta":{"content":"fine"}}]}\n\n: bye\n\ndata: [DONE]\n\n'),
     ("no-space", b'data:{"choices":[{"delta":{"content":"fine"}}]}\n\ndata:[DONE]\n\n'),
     ("finish-without-done", b'data: {"choices":[{"delta":{"content":"fine"},"finish_reason":"stop"}]}\n\n'),
     ("null-content", b'data: {"choices":[{"delta":{"content":null}}]}\n\ndata: {"choices":[{"delta":{"content":"fine"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'),
     ("surrogates", b'data: {"choices":[{"delta":{"content":"fine \\ud83d\\ude00"}}]}\n\ndata: [DONE]\n\n')])
def test_unusual_but_right_streams_are_understood(rpc, shared_model, name, body):
    mark = f"unusual {name} {uuid.uuid4()}"
    shared_model.on(mark, Raw(body))
    final = rpc.chat(mark, f"unusual-{name}")
    assert final["state"] == "final"
    assert text_of(final["message"]).startswith("fine")


@pytest.mark.timeout(120)
def test_model_server_that_is_gone(gateway, home):
    from support.ports import free_port

    it = gateway(config={"models": {"providers": {"test": {"baseUrl": f"http://127.0.0.1:{free_port()}/v1"}}}})
    client = it.client()
    final = client.chat("anyone there", timeout=80)
    assert said(final).strip()
    assert it.get("/readyz")[0] == 200


def test_no_model_at_all_is_answered_by_the_operator(gateway):
    it = gateway(model=False)
    client = it.client()
    final = client.chat("hello")
    assert final["state"] == "final"
    text = text_of(final["message"]).lower()
    assert "operator" in text, "it says that it is the operator"
    last = client.history()[-1]
    assert last["role"] == "assistant"
    for question in ("how do I connect a model?", "status", "show me the last errors", "help", "/help", "are you ok?"):
        answer = client.chat(question)
        assert answer["state"] == "final"
        assert len(text_of(answer["message"])) > 20, question


def test_the_key_never_shows(gateway, scripted_model, home):
    """A canary as the model's key is in no log, answer or file but the config."""
    canary = "sk-canary-7f3a9c21d5"
    it = gateway(config={"models": {"providers": {"test": {"apiKey": canary}}}})
    client = it.client()
    final = client.chat("refused by the model", timeout=50)
    assert canary not in str(final)
    assert canary not in str(client.call("config.get"))
    assert canary not in str(client.call("status"))
    assert canary not in str(client.history())
    it.stop()
    assert canary not in it.log()
    for path in it.state.rglob("*"):
        # The config, its backups and its history hold what the owner wrote into it.
        if path.is_file() and not path.name.startswith("jarvis.json") and it.state / "config" not in path.parents:
            assert canary.encode() not in path.read_bytes(), path


def test_streaming_keeps_up(rpc, shared_model):
    """Two thousand pieces arrive whole."""
    text = "".join(f"w{i} " for i in range(2_000))
    shared_model.on("many pieces", Echo(chunks=2_000, text=text))
    final = rpc.chat("many pieces", "many", timeout=50)
    assert text_of(final["message"]).strip() == text.strip()
