"""The handshake: challenge, connect, hello-ok, and every way to be turned away (interop 5.1 to 5.5)."""

import json
import time
import uuid

import pytest
from support.home import TOKEN
from support.rpc import Closed, Rpc, RpcError


def refused(gateway, **options):
    """Connects, expects a refusal: (error, close)."""
    client = Rpc(gateway.ws_url, connect=False)
    try:
        with pytest.raises(RpcError) as caught:
            client.handshake(**options)
        return caught.value, client.wait_closed()
    finally:
        client.close()


def test_challenge_comes_first(running):
    with running.client(connect=False) as client:
        challenge = client.challenge()
        uuid.UUID(challenge["nonce"])
        assert abs(challenge["ts"] - time.time() * 1000) < 60_000


def test_nonces_differ(running):
    nonces = set()
    for _ in range(5):
        with running.client(connect=False) as client:
            nonces.add(client.challenge()["nonce"])
    assert len(nonces) == 5


@pytest.mark.parametrize(("asked", "spoken"), [((3, 3), 3), ((3, 4), 4), ((4, 4), 4), ((1, 9), 4)])
def test_hello(running, asked, spoken):
    with running.client(protocol=asked) as client:
        hello = client.hello
        assert hello["type"] == "hello-ok"
        assert hello["protocol"] == spoken
        assert hello["server"]["version"]
        assert hello["server"]["connId"]
        assert {"health", "chat.send", "chat.history", "sessions.list", "config.get"} <= set(hello["features"]["methods"])
        assert {"chat", "agent", "tick", "shutdown", "presence", "health"} <= set(hello["features"]["events"])
        policy = hello["policy"]
        assert policy["maxPayload"] == 26_214_400
        assert policy["maxBufferedBytes"] == 52_428_800
        assert policy["tickIntervalMs"] > 0
        snapshot = hello["snapshot"]
        assert isinstance(snapshot["presence"], list)
        assert {"presence", "health"} <= set(snapshot["stateVersion"])
        assert snapshot["uptimeMs"] >= 0
        assert snapshot["sessionDefaults"]["mainSessionKey"] == "agent:main:main"
        assert snapshot["authMode"] == "token"


def test_hello_carries_the_instance_id(running):
    identity = json.loads((running.state / "instance.json").read_text())["instanceId"]
    with running.client() as client:
        assert identity in json.dumps(client.hello)


@pytest.mark.parametrize("path", ["/", "/ws", "/gateway", "/any/path?x=1"])
def test_any_path_speaks_the_protocol(running, path):
    with Rpc(f"ws://127.0.0.1:{running.port}{path}", token=TOKEN) as client:
        assert client.call("health")["ok"] is True


@pytest.mark.parametrize("asked", [(1, 2), (5, 9), (99, 99)])
def test_wrong_protocol_version(running, asked):
    error, closed = refused(running, token=TOKEN, protocol=asked)
    assert error.code == "INVALID_REQUEST"
    assert error.details["expectedProtocol"] in (3, 4)
    assert closed.code == 1002


def test_wrong_token(running):
    error, closed = refused(running, token="wrong")
    assert error.message.startswith("unauthorized:")
    assert error.details["code"] == "AUTH_TOKEN_MISMATCH"
    assert closed.code == 1008
    assert TOKEN not in error.message


def test_missing_token(running):
    error, closed = refused(running)
    assert error.message.startswith("unauthorized:")
    assert error.details["code"] in ("AUTH_TOKEN_MISSING", "DEVICE_IDENTITY_REQUIRED")
    assert closed.code == 1008


@pytest.mark.parametrize(
    "auth", [{"token": "x"}, {"token": " "}, {"password": ""}, {"password": TOKEN}, {"token": "", "password": ""}, {}])
def test_presence_is_no_proof(running, auth):
    client = Rpc(running.ws_url, connect=False)
    with pytest.raises(RpcError) as caught:
        client.handshake(params={"auth": auth})
    assert caught.value.message.startswith("unauthorized:")
    assert client.wait_closed().code == 1008


@pytest.mark.parametrize("auth", [{"token": None}, {"token": 5}, {"token": TOKEN, "surprise": 1}, "text", []])
def test_malformed_auth_is_refused(running, auth):
    client = Rpc(running.ws_url, connect=False)
    with pytest.raises(RpcError):
        client.handshake(params={"auth": auth})
    assert client.wait_closed().code == 1008


def test_password_mode(gateway):
    it = gateway(config={"gateway": {"auth": {"mode": "password", "password": "correct horse battery"}}})
    with Rpc(it.ws_url, password="correct horse battery") as client:
        assert client.hello["snapshot"]["authMode"] == "password"
    error, closed = refused(it, password="wrong")
    assert error.details["code"] == "AUTH_PASSWORD_MISMATCH"
    assert closed.code == 1008
    error, _ = refused(it)
    assert error.details["code"] in ("AUTH_PASSWORD_MISSING", "DEVICE_IDENTITY_REQUIRED")


@pytest.mark.parametrize("method", ["health", "config.get", "config.apply", "chat.send", "sessions.list", "no.such.method"])
def test_nothing_before_connect(running, method):
    client = running.client(connect=False)
    client.challenge()
    before = running.home.config_path().read_bytes()
    with pytest.raises((RpcError, Closed)):
        client.call(method, {"raw": "{}"})
    assert client.wait_closed().code == 1008
    assert running.home.config_path().read_bytes() == before


@pytest.mark.parametrize(
    "frame",
    ["", "{", "null", "[]", "\"connect\"", "{}", '{"type":"req"}', '{"type":"req","id":5,"method":"connect"}',
     '{"type":"event","event":"x"}', '{"type":"req","id":"1","method":"connect","surprise":1}', '{"a":1,"a":2}',
     '{"type":"req","id":"1","id":"2","method":"connect"}', "\u0000"])
def test_first_frame_that_is_no_connect(running, frame):
    client = running.client(connect=False)
    client.challenge()
    client.send_raw(frame)
    assert client.wait_closed().code in (1002, 1007, 1008)
    assert running.get("/healthz")[0] == 200


def test_binary_first_frame(running):
    client = running.client(connect=False)
    client.challenge()
    client.send_raw(b'{"type":"req","id":"1","method":"connect"}')
    assert client.wait_closed().code in (1003, 1008)


@pytest.mark.parametrize(
    "change",
    [{"surprise": True}, {"minProtocol": "3"}, {"minProtocol": 0}, {"minProtocol": 3.5}, {"client": None},
     {"client": {"id": "gateway-client"}}, {"client": {"id": "nobody", "version": "1", "platform": "x", "mode": "cli"}},
     {"client": {"id": "cli", "version": "1", "platform": "x", "mode": "spy"}},
     {"client": {"id": "cli", "version": "1", "platform": "x" * 257, "mode": "cli"}}, {"role": "king"}, {"scopes": "operator.admin"},
     {"caps": [1]}])
def test_connect_params_are_closed_and_typed(running, change):
    client = Rpc(running.ws_url, connect=False)
    with pytest.raises(RpcError) as caught:
        client.handshake(token=TOKEN, params=change)
    assert caught.value.code == "INVALID_REQUEST"
    assert client.wait_closed().code in (1002, 1008)


@pytest.mark.parametrize("missing", ["minProtocol", "maxProtocol", "client"])
def test_connect_params_required(running, missing):
    params = {
        "minProtocol": 3, "maxProtocol": 4, "auth": {"token": TOKEN},
        "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"},
    }
    del params[missing]
    client = running.client(connect=False)
    client.challenge()
    error = client.error("connect", params)
    assert error.code == "INVALID_REQUEST"
    assert client.wait_closed().code in (1002, 1008)


def test_handshake_deadline(running):
    client = running.client(connect=False)
    client.challenge()
    started = time.monotonic()
    closed = client.wait_closed(timeout=20)
    assert 5 < time.monotonic() - started < 17
    assert closed.code in (1000, 1002, 1008)


def test_second_connect_is_refused(running):
    with running.client() as client:
        error = client.error("connect", {"minProtocol": 3, "maxProtocol": 4, "client": {
            "id": "cli", "version": "1", "platform": "linux", "mode": "cli"}, "auth": {"token": TOKEN}})
        assert error.code == "INVALID_REQUEST"


def test_scopes_bound_what_a_client_may_do(running):
    with running.client(scopes=["operator.read"]) as client:
        assert client.call("health")["ok"] is True
        assert client.call("sessions.list")["count"] >= 0
        error = client.error("config.set", {"raw": "{}"})
        assert "operator.admin" in error.message
        error = client.error("chat.send", {"sessionKey": "main", "message": "x", "idempotencyKey": "scope-1"})
        assert "operator.write" in error.message


def test_write_implies_read_and_admin_implies_all(running):
    with running.client(scopes=["operator.write"]) as client:
        assert client.call("sessions.list")["count"] >= 0
        assert client.error("sessions.patch", {"key": "main", "label": "x"}).message.endswith("operator.admin")
    with running.client(scopes=["operator.admin"]) as client:
        assert client.call("config.get")["valid"] is True


def test_no_scope_is_no_right(running):
    with running.client(scopes=[]) as client:
        assert client.call("health")["ok"] is True
        assert "scope" in client.error("config.get").message


def test_node_role_may_not_call_operator_methods(running):
    try:
        client = Rpc(running.ws_url, token=TOKEN, role="node", scopes=[])
    except RpcError:
        return  # refused at the door: also fine, a node needs a device
    with client:
        assert "role" in client.error("config.get").message


def test_rate_limit_locks_out_guessing_not_the_owner(gateway):
    limit = {"maxAttempts": 3, "windowMs": 60_000, "lockoutMs": 60_000, "exemptLoopback": False}
    it = gateway(config={"gateway": {"auth": {"rateLimit": limit}}})
    codes = [refused(it, token=f"guess-{i}")[0] for i in range(6)]
    assert [error.details["code"] for error in codes[:3]] == ["AUTH_TOKEN_MISMATCH"] * 3
    assert codes[-1].details["code"] == "AUTH_RATE_LIMITED"
    assert codes[-1].error.get("retryAfterMs", 1) > 0
    result = it.cli("health", "--json")
    assert result.returncode == 0, "the owner's own command line stays out of the lockout"


def test_stray_auth_fields_do_not_switch_the_limit_off(gateway):
    limit = {"maxAttempts": 3, "windowMs": 60_000, "lockoutMs": 60_000, "exemptLoopback": False}
    it = gateway(config={"gateway": {"auth": {"rateLimit": limit}}})
    codes = []
    for i in range(6):
        client = Rpc(it.ws_url, connect=False)
        with pytest.raises(RpcError) as caught:
            client.handshake(params={"auth": {"token": f"guess-{i}", "deviceToken": f"d{i}", "password": f"p{i}"}})
        codes.append(caught.value.details.get("code"))
        client.close()
    assert codes[-1] == "AUTH_RATE_LIMITED"
