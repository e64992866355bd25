"""Frames after the handshake: malformed, oversized, unknown, repeated."""

import json
import random
import string

import pytest
from support.rpc import Closed, RpcError


def test_unknown_method(rpc):
    error = rpc.error("no.such.method", {})
    assert error.code == "INVALID_REQUEST"
    assert error.message == "unknown method: no.such.method"


@pytest.mark.parametrize(
    ("method", "params"),
    [("chat.send", None), ("chat.send", {}), ("chat.send", {"sessionKey": "main"}),
     ("chat.send", {"sessionKey": "main", "message": "x"}), ("chat.send", {"sessionKey": 5, "message": "x", "idempotencyKey": "k"}),
     ("chat.send", {"sessionKey": "main", "message": "x", "idempotencyKey": "k", "surprise": 1}),
     ("chat.history", {}), ("chat.history", {"sessionKey": "main", "limit": 0}), ("chat.history", {"sessionKey": "main", "limit": 1001}),
     ("chat.abort", {}), ("agent", {"message": "x"}), ("agent.wait", {}), ("sessions.patch", {}), ("sessions.delete", {}),
     ("config.set", {}), ("sessions.resolve", {}), ("logs.tail", {"limit": -1}), ("wake", {"mode": "never", "text": "x"})])
def test_missing_and_wrong_params(rpc, method, params):
    error = rpc.error(method, params)
    assert error.code == "INVALID_REQUEST"
    assert error.message, "says what is wrong"
    assert rpc.call("health")["ok"] is True


@pytest.mark.parametrize("params", [[], "text", 5, True])
def test_params_that_are_no_object(rpc, params):
    assert rpc.error("health", params).code == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "frame",
    ["{", "[]", "null", "{\"type\":\"req\",\"id\":\"dup\",\"method\":\"health\",\"method\":\"config.get\"}",
     '{"type":"req","id":"x1","method":"health","extra":1}', '{"type":"res","id":"x","ok":true}', '{"type":"unheard"}',
     '{"type":"req","id":"x2","method":"health","params":{"a":1,"a":2}}', "{'type':'req'}", '{"type":"req","method":"health"}',
     "[" * 100_000, '{"a":' * 5_000])
def test_malformed_frames_get_an_error_or_a_close(running, frame):
    """The connection may be closed or go on with an error frame; the request never runs and the gateway lives."""
    with running.client() as client:
        try:
            client.send_raw(frame)
            assert client.call("health")["ok"] is True
        except Closed as closed:
            assert closed.code in (1002, 1007, 1008)
    assert running.get("/healthz")[0] == 200


def test_duplicate_keys_do_not_run(running, rpc):
    before = running.home.config_path().read_bytes()
    with running.client() as client:
        raw = json.dumps({"type": "req", "id": "d1", "method": "health"})
        raw = raw[:-1] + ',"method":"config.set","params":{"raw":"{}"}}'
        try:
            client.send_raw(raw)
            client.answer("d1", 1)
        except (Closed, RpcError, AssertionError):
            pass
        else:
            pytest.fail("a frame with a repeated key was answered")
    assert running.home.config_path().read_bytes() == before


def test_binary_frame(running):
    with running.client() as client:
        client.send_raw(b'{"type":"req","id":"1","method":"health"}')
        try:
            assert client.call("health")["ok"] is True
        except Closed as closed:
            assert closed.code in (1003, 1008)
    assert running.get("/healthz")[0] == 200


def test_frame_over_64_kib_before_connect(running):
    client = running.client(connect=False)
    client.challenge()
    try:
        client.send_raw(json.dumps({"type": "req", "id": "1", "method": "connect", "params": {"pad": "x" * 70_000}}))
    except Closed:
        pass
    assert client.wait_closed().code in (1008, 1009)


def test_large_frame_after_connect(running):
    """Two megabytes are far below the limit of 25 MiB."""
    with running.client() as client:
        error = client.error("no.such.method", {"pad": "x" * 2_000_000})
        assert error.message.startswith("unknown method")


@pytest.mark.long
def test_frame_over_25_mib_after_connect(running):
    with running.client() as client:
        try:
            client.send_raw('{"type":"req","id":"1","method":"health","params":{"pad":"' + "x" * 27_000_000 + '"}}')
        except Closed:
            pass
        assert client.wait_closed(20).code in (1008, 1009)
    assert running.get("/healthz")[0] == 200


def test_answers_match_their_requests(rpc):
    ids = [rpc.request("health") if i % 2 else rpc.request("no.such.method") for i in range(100)]
    for i, id in enumerate(ids):
        if i % 2:
            assert rpc.answer(id)["ok"] is True
        else:
            with pytest.raises(RpcError):
                rpc.answer(id)
    assert rpc.strays == []


def random_value(rng, depth=0):
    kind = rng.randrange(8 if depth < 4 else 6)
    if kind == 0:
        return None
    if kind == 1:
        return rng.choice([True, False])
    if kind == 2:
        return rng.choice([0, -1, 2**53, 2**63, -(2**63), 10**30, 1e308, 0.1])
    if kind in (3, 4):
        return "".join(rng.choice(string.printable + "é\u0000\u202e😀") for _ in range(rng.randrange(20)))
    if kind == 5:
        return rng.choice(["main", "agent:main:main", "../../etc/passwd", "*", "", "__proto__"])
    if kind == 6:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(["key", "sessionKey", "raw", "limit", "message", "idempotencyKey", "x", ""]): random_value(rng, depth + 1)
            for _ in range(rng.randrange(5))}


@pytest.mark.long
def test_random_requests_get_one_answer_each(gateway):
    """A seeded fuzz over all announced methods: one response for every id, and the gateway lives."""
    it = gateway(model=False)
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    client = it.client()
    methods = [m for m in client.hello["features"]["methods"] if m not in ("connect", "gateway.restart", "gateway.stop", "update.run")]
    for index in range(1_500):
        try:
            id = client.request(rng.choice(methods), random_value(rng) if rng.random() < 0.3 else {
                "sessionKey": random_value(rng, 3), "key": random_value(rng, 3), "raw": random_value(rng, 3),
                **({"message": random_value(rng, 3)} if rng.random() < 0.5 else {})})
            client.answer(id, 20)
        except RpcError:
            pass
        except Closed:
            assert it.is_running(), f"seed {seed}, request {index}\n{it.log()[-3000:]}"
            client = it.client()
    assert it.is_running(), f"seed {seed}"
    assert it.get("/healthz")[0] == 200
    assert len(client.strays) <= 1_500
