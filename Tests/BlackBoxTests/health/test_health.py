"""The endpoints that say whether a gateway lives, and what every HTTP answer carries."""

import json
import socket

import pytest


@pytest.mark.parametrize("path", ["/healthz", "/health", "/readyz", "/ready"])
def test_answers_without_credential(running, path):
    status, headers, body = running.get(path)
    assert status == 200
    assert len(body) < 200
    assert running.token.encode() not in body


def test_health_is_json_and_says_nothing_private(running):
    _, headers, body = running.get("/healthz")
    assert "json" in headers["Content-Type"]
    value = json.loads(body)
    assert value.get("ok") is True
    assert str(running.home.root) not in body.decode()


@pytest.mark.parametrize("path", ["/healthz", "/", "/no-such-page"])
def test_security_headers(running, path):
    _, headers, _ = running.get(path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_every_answer_carries_the_instance_id(running):
    identity = json.loads((running.state / "instance.json").read_text())["instanceId"]
    for path in ("/healthz", "/", "/no-such-page"):
        _, headers, _ = running.get(path)
        assert headers["X-Jarvis-Instance-Id"] == identity, path


def test_head_and_wrong_method(running):
    status, headers, body = running.get("/healthz", method="HEAD")
    assert (status, body) == (200, b"")
    status, headers, _ = running.get("/healthz", method="POST", body=b"{}")
    assert status == 405
    assert "GET" in headers["Allow"]


def test_unknown_path_is_404(running):
    assert running.get("/no-such-page")[0] == 404


@pytest.mark.parametrize("path", ["/%", "/%zz", "/%2", "/a%00b"])
def test_malformed_path_is_400(running, path):
    assert running.get(path)[0] == 400


def test_listens_on_loopback_only(running):
    with socket.create_connection(("127.0.0.1", running.port), 2):
        pass
    with open("/proc/net/tcp") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    mine = [address for address in listening if int(address.split(":")[1], 16) == running.port]
    assert mine == [f"0100007F:{running.port:04X}"]


def test_listens_on_ipv6_loopback_too(running):
    try:
        probe = socket.create_connection(("::1", running.port), 2)
    except OSError as error:
        if error.errno in (97, 99):
            pytest.skip("no IPv6 on this machine")
        raise
    probe.close()


def test_keep_alive_serves_several_requests(running):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
    for _ in range(5):
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        response.read()
        assert response.status == 200
    connection.close()
