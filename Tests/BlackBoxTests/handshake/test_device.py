"""Device identity: Ed25519 signatures over the challenge, device tokens, pairing (interop 5.3)."""

import time

import pytest
from support.home import TOKEN
from support.rpc import Device, Rpc, RpcError, base64url

CLIENT = {"id": "gateway-client", "version": "1.0", "platform": " MacOS ", "mode": "backend", "deviceFamily": "Desk Top"}


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_signed_device_is_paired_silently_on_this_host(running, version):
    device = Device()
    with running.client(device=device, device_version=version, client=CLIENT) as client:
        auth = client.hello["auth"]
        assert auth["deviceToken"]
        assert auth["role"] == "operator"
        assert "operator.admin" in auth["scopes"]
        paired = client.call("device.pair.list")["paired"]
        entry = next(entry for entry in paired if entry["deviceId"] == device.id)
        assert auth["deviceToken"] not in str(entry)


@pytest.mark.parametrize("field", ["device_token", "token"])
def test_device_token_comes_back(running, field):
    device = Device()
    with running.client(device=device) as client:
        token = client.hello["auth"]["deviceToken"]
    with Rpc(running.ws_url, device=device, **{field: token}) as client:
        assert client.call("health")["ok"] is True


def test_device_token_of_another_device_is_refused(running):
    with running.client(device=Device()) as client:
        token = client.hello["auth"]["deviceToken"]
    with pytest.raises(RpcError) as caught:
        Rpc(running.ws_url, device=Device(), device_token=token)
    assert caught.value.details["code"].startswith(("AUTH_", "PAIRING_", "DEVICE_"))


def signed(client, device, **changes):
    """A correct device object for this connection, with changes."""
    nonce = changes.pop("sign_nonce", None) or client.challenge()["nonce"]
    made = device.sign(
        version="v3", client=CLIENT, role="operator", scopes=["operator.admin"], token=TOKEN, nonce=nonce,
        signed_at=changes.pop("signed_at", None))
    return {**made, **changes}


def refusal(running, device_of):
    client = Rpc(running.ws_url, connect=False)
    try:
        device = device_of(client)
        with pytest.raises(RpcError) as caught:
            client.handshake(token=TOKEN, client=CLIENT, params={"device": device})
        assert client.wait_closed().code == 1008
        return caught.value.details.get("code")
    finally:
        client.close()


def test_replayed_nonce(running):
    with running.client(connect=False) as other:
        stale = other.challenge()["nonce"]
        code = refusal(running, lambda client: signed(client, Device(), sign_nonce=stale))
    assert code == "DEVICE_AUTH_NONCE_MISMATCH"


def test_missing_nonce(running):
    def without(client):
        device = signed(client, Device())
        device["nonce"] = ""
        return device

    assert refusal(running, without) in ("DEVICE_AUTH_NONCE_REQUIRED", "DEVICE_AUTH_NONCE_MISMATCH")


@pytest.mark.parametrize("offset", [-10 * 60_000, 10 * 60_000])
def test_old_and_future_signatures(running, offset):
    at = int(time.time() * 1000) + offset
    assert refusal(running, lambda client: signed(client, Device(), signed_at=at)) == "DEVICE_AUTH_SIGNATURE_EXPIRED"


def test_wrong_signature(running):
    code = refusal(running, lambda client: signed(client, Device(), signature=base64url(bytes(64))))
    assert code == "DEVICE_AUTH_SIGNATURE_INVALID"


def test_id_that_is_not_the_hash_of_the_key(running):
    code = refusal(running, lambda client: signed(client, Device(), id="0" * 64))
    assert code == "DEVICE_AUTH_DEVICE_ID_MISMATCH"


@pytest.mark.parametrize("key", ["AAAA", base64url(bytes(31)), "not base64 !!"])
def test_bad_public_key(running, key):
    code = refusal(running, lambda client: signed(client, Device(), publicKey=key))
    assert code in ("DEVICE_AUTH_PUBLIC_KEY_INVALID", "DEVICE_AUTH_DEVICE_ID_MISMATCH")


def test_device_does_not_replace_the_credential(running):
    """A valid signature with a wrong token is refused like a wrong token."""
    with pytest.raises(RpcError) as caught:
        Rpc(running.ws_url, token="wrong", device=Device())
    assert caught.value.details["code"].startswith("AUTH_")


def test_scopes_never_grow_with_a_device_token(running):
    device = Device()
    with running.client(device=device, scopes=["operator.read"]) as client:
        assert client.hello["auth"]["scopes"] == ["operator.read"]
        token = client.hello["auth"]["deviceToken"]
    for asked in (["operator.admin"], ["operator.*"], ["operator.read", "OPERATOR.ADMIN"]):
        try:
            client = Rpc(running.ws_url, device=device, device_token=token, scopes=asked)
        except RpcError:
            continue
        with client:
            assert "scope" in client.error("config.set", {"raw": "{}"}).message, asked


def test_rotate_and_revoke(running):
    device = Device()
    with running.client(device=device) as client:
        old = client.hello["auth"]["deviceToken"]
    with running.client() as admin:
        rotated = admin.call("device.token.rotate", {"deviceId": device.id, "role": "operator"})
        new = rotated["token"]
        assert new != old
        with pytest.raises(RpcError):
            Rpc(running.ws_url, device=device, device_token=old)
        with Rpc(running.ws_url, device=device, device_token=new) as client:
            assert client.call("health")["ok"] is True
            newest = admin.call("device.token.rotate", {"deviceId": device.id, "role": "operator"})["token"]
            assert client.wait_closed().code == 4001, "a connection ends with the token that let it in"
        with Rpc(running.ws_url, device=device, device_token=newest) as client:
            own = client.call("device.token.rotate", {"deviceId": device.id, "role": "operator"})
            assert own["token"] != newest, "a device that rotates its own token gets the answer"
            assert client.wait_closed().code == 4001
        new = own["token"]
        admin.call("device.token.revoke", {"deviceId": device.id, "role": "operator"})
        with pytest.raises(RpcError):
            Rpc(running.ws_url, device=device, device_token=new)


def test_forwarded_connection_waits_for_approval(running):
    """A forwarding header makes a connection not local: it is asked to pair, and the owner decides."""
    device = Device()
    headers = {"X-Forwarded-For": "203.0.113.7"}
    with running.client() as admin:
        since = admin.mark()
        with pytest.raises(RpcError) as caught:
            running.client(device=device, headers=headers)
        assert caught.value.code == "NOT_PAIRED"
        details = caught.value.details
        assert details["code"] == "PAIRING_REQUIRED"
        assert details["reason"] == "not-paired"
        event = admin.wait_event("device.pair.requested", since=since)
        assert event.payload["requestId"] == details["requestId"]
        pending = admin.call("device.pair.list")["pending"]
        assert details["requestId"] in [entry["requestId"] for entry in pending]
        admin.call("device.pair.approve", {"requestId": details["requestId"]})
        admin.wait_event("device.pair.resolved", since=since)
        with running.client(device=device, headers=headers) as client:
            assert client.call("health")["ok"] is True
        admin.call("device.pair.remove", {"deviceId": device.id})
        with pytest.raises(RpcError):
            running.client(device=device, headers=headers)


def test_reject(running):
    device = Device()
    with running.client() as admin:
        with pytest.raises(RpcError) as caught:
            running.client(device=device, headers={"X-Forwarded-For": "203.0.113.7"})
        request = caught.value.details["requestId"]
        admin.call("device.pair.reject", {"requestId": request})
        assert request not in [entry["requestId"] for entry in admin.call("device.pair.list")["pending"]]
        assert admin.error("device.pair.approve", {"requestId": request}).code == "INVALID_REQUEST"
