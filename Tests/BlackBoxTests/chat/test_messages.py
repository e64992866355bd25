"""Messages that programs get wrong: empty, huge, control characters, other scripts, broken escapes."""

import json
import uuid

import pytest
from support.rpc import RpcError, text_of

TEXTS = {
    "rtl": "שלום עולם \u202eright to left\u202c مرحبا",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 e\u0301",
    "control": "tab\tnewline\r\nbell\u0007escape\u001b[31m",
    "nul": "before\u0000after",
    "astral": "𝕁𝔸ℝ𝕍𝕀𝕊 𠜎 \U0010ffff",
    "json": '{"type":"req","method":"config.set"} \\u0041 "quotes"',
    "markup": "<script>alert(1)</script> & <img src=x onerror=1>",
    "percent": "%s %n %d ${HOME} `id` $(id) ; rm -rf /",
    "spaces": "  leading and trailing  ",
    "line-separators": "a\u2028b\u2029c\u0085d",
    "bom": "\ufeffstarts with a byte order mark",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_comes_back_unharmed(rpc, name):
    session, text = f"text-{name}", TEXTS[name]
    final = rpc.chat(text, session)
    assert final["state"] == "final"
    kept = text_of(rpc.history(session)[0])
    answer = text_of(final["message"])
    if name in ("nul", "control"):
        kept, answer, text = (plain(value) for value in (kept, answer, text))
    assert text.strip() in kept
    assert text.strip() in answer


def plain(text):
    """Without control characters, which may be dropped or shown as a sign."""
    return "".join(c for c in text if c >= " " and c not in "\u2400\ufffd")


def test_empty_message_is_refused_clearly(rpc):
    error = rpc.error("chat.send", {"sessionKey": "empty", "message": "", "idempotencyKey": str(uuid.uuid4())})
    assert error.code == "INVALID_REQUEST"
    assert "message" in error.message
    assert rpc.history("empty") == []


def test_one_mebibyte(rpc):
    """It is answered, or refused with a message that says the limit; it is never cut in silence."""
    text = "0123456789abcdef" * 65_536
    try:
        final = rpc.chat(text, "mebibyte", timeout=50)
    except RpcError as error:
        assert error.code == "INVALID_REQUEST"
        assert any(character.isdigit() for character in error.message)
        return
    assert final["state"] in ("final", "error")
    assert rpc.history("mebibyte")[0]["role"] == "user"


@pytest.mark.parametrize("escape", [r"\ud83d", r"\ude00", r"\ud83d\ud83d", r"\ude00\ud83d", r"a\udc00b"])
def test_lone_surrogate_escapes(rpc, escape):
    """Clients that cut a text inside an emoji send half a pair: it becomes a replacement sign, not a dead connection."""
    key, session = str(uuid.uuid4()), f"surrogate-{uuid.uuid4().hex[:6]}"
    frame = (
        '{"type":"req","id":"%s","method":"chat.send","params":{"sessionKey":"%s","message":"cut %s here","idempotencyKey":"%s"}}'
        % (key, session, escape, key))
    rpc._answers.setdefault(key, __import__("queue").Queue())
    since = rpc.mark()
    rpc.send_raw(frame)
    try:
        rpc.answer(key)
    except RpcError as error:
        assert error.code == "INVALID_REQUEST"
        return
    assert rpc.chat_end(key, since=since)["state"] == "final"
    kept = text_of(rpc.history(session)[0])
    assert "cut " in kept and " here" in kept
    json.dumps(kept).encode()


def test_odd_session_keys(rpc):
    for key in ("", " ", "a b", "x" * 600, "line\nbreak", "nul\u0000"):
        error = rpc.error("chat.send", {"sessionKey": key, "message": "x", "idempotencyKey": str(uuid.uuid4())})
        assert error.code == "INVALID_REQUEST", key
    rpc.chat("hello", "Agent:Main:MiXeD")
    assert rpc.call("chat.history", {"sessionKey": "agent:main:mixed"})["messages"]


def test_odd_idempotency_keys(rpc):
    for key in ("", "x" * 5_000):
        error = rpc.error("chat.send", {"sessionKey": "main", "message": "x", "idempotencyKey": key})
        assert error.code == "INVALID_REQUEST"


def test_image_attachment_reaches_the_model(rpc, shared_model):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    final = rpc.chat("look at this pixel", "image", attachments=[{"mimeType": "image/png", "fileName": "p.png", "content": pixel}])
    assert final["state"] == "final"
    history = rpc.history("image")
    image = [b for b in history[0]["content"] if b["type"] == "image"]
    assert image and image[0].get("omitted") is True and image[0]["bytes"] > 0


@pytest.mark.parametrize(
    "attachment",
    [{"mimeType": "image/png", "content": "not base64 !!"}, {"mimeType": "text/html", "content": "AAAA"}, {"content": "AAAA"},
     {"mimeType": "image/png", "content": "A" * 7_000_000}])
def test_bad_attachments_are_refused(rpc, attachment):
    error = rpc.error("chat.send", {
        "sessionKey": "image-bad", "message": "x", "idempotencyKey": str(uuid.uuid4()), "attachments": [attachment]})
    assert error.code == "INVALID_REQUEST"
