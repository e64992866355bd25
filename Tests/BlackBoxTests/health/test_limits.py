"""Budgets before anyone has shown a credential (T23 to T28)."""

import socket
import time

import psutil
import pytest
from support.ports import wait_until
from support.rawhttp import exchange, get, status_of, upgrade


def host(gateway):
    return f"Host: 127.0.0.1:{gateway.port}"


def test_header_flood_is_refused(running):
    many = [f"X-H{i}: {'v' * 10}" for i in range(1_000)]
    assert status_of(get(running.port, "/healthz", host(running), *many)) in (400, 431)
    assert status_of(get(running.port, "/healthz", host(running), "X-Big: " + "v" * 60_000)) in (400, 431)
    assert status_of(get(running.port, "/" + "a" * 100_000, host(running))) in (400, 414, 431)
    assert running.get("/healthz")[0] == 200


def test_body_over_the_limit_is_413_without_reading_it(running):
    head = f"POST /v1/chat/completions HTTP/1.1\r\n{host(running)}\r\nContent-Length: 1073741824\r\n\r\n".encode()
    answer = exchange(running.port, head + b"x" * 1_000, timeout=5)
    assert status_of(answer) in (401, 404, 405, 413)


def test_garbage_is_answered_or_closed_and_the_gateway_lives(running):
    for data in (b"\x00\xff\xfe" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00"):
        assert status_of(exchange(running.port, data + b"\r\n\r\n", timeout=3)) in (0, 400, 505)
    assert running.get("/healthz")[0] == 200


def test_content_length_with_transfer_encoding_is_refused(running):
    request = (
        f"POST /healthz HTTP/1.1\r\n{host(running)}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ).encode()
    assert status_of(exchange(running.port, request)) in (0, 400)


def open_socket(gateway):
    connection = socket.create_connection(("127.0.0.1", gateway.port), 5)
    connection.settimeout(15)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    connection.sendall(
        f"GET / HTTP/1.1\r\n{host(gateway)}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    return connection


@pytest.mark.long
def test_silent_sockets_are_capped_and_closed(gateway):
    """Sockets that never send `connect`: at most a handful stay open, each for at most ten seconds."""
    it = gateway()
    operator = it.client()
    sockets = [open_socket(it) for _ in range(100)]
    heads = []
    for connection in sockets:
        try:
            heads.append(connection.recv(12))
        except OSError:
            heads.append(b"")
    upgraded = sum(head.startswith(b"HTTP/1.1 101") for head in heads)
    assert 1 <= upgraded <= 64, "sockets before auth are capped"
    started = time.monotonic()
    assert operator.call("health")["ok"] is True
    assert time.monotonic() - started < 2

    def all_closed():
        left = []
        for connection in sockets:
            connection.setblocking(False)
            try:
                while connection.recv(65_536):
                    pass
            except BlockingIOError:
                left.append(connection)
            except OSError:
                pass
        return not left

    wait_until(all_closed, 15, "sockets without a handshake are closed", every=0.2)
    assert it.client().call("health")["ok"] is True


@pytest.mark.long
def test_half_a_header_is_given_up(running):
    """A request line that trickles in byte by byte is cut off by the header deadline."""
    with socket.create_connection(("127.0.0.1", running.port), 5) as connection:
        connection.settimeout(0.5)
        started = time.monotonic()
        for byte in b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":
            try:
                connection.sendall(bytes([byte]))
                if connection.recv(1_000) == b"":
                    break
            except TimeoutError:
                pass
            except OSError:
                break
            if time.monotonic() - started > 25:
                pytest.fail("the socket was still open after 25 s")
    assert running.get("/healthz")[0] == 200


def test_deep_json_is_refused_cheaply(running):
    client = running.client(connect=False)
    client.challenge()
    started = time.monotonic()
    client.send_raw("[" * 60_000)
    closed = client.wait_closed()
    assert closed.code in (1002, 1007, 1008)
    assert time.monotonic() - started < 3
    assert running.get("/healthz")[0] == 200


def test_a_flood_of_bad_requests_leaves_memory_alone(running):
    process = psutil.Process(running.pid)
    for _ in range(50):
        upgrade(running.port, "/", host(running), "Origin: https://evil.example")
    before = process.memory_info().rss
    for _ in range(300):
        upgrade(running.port, "/", host(running), "Origin: https://evil.example")
    assert process.memory_info().rss - before < 10 << 20
