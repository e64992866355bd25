"""The control service against requests by hand: what no well-behaved client sends, with and without the secret."""

from __future__ import annotations

import json
import re
import socket

import pytest
from support import rawhttp
from support.home import TOKEN

BEARER = f"Authorization: Bearer {TOKEN}"


@pytest.fixture(scope="module")
def port(browser_gateway):
    return browser_gateway.port + 2


def raw(port: int, text: str, host: str = "127.0.0.1", timeout: float = 60, ends: bool = True) -> bytes:
    """Everything that is answered to these very bytes."""
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(text.encode("latin-1"))
        if ends:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while piece := connection.recv(65_536):
                received += piece
        except ConnectionResetError:
            pass
        return received


def statuses(data: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


@pytest.mark.parametrize("host,spelled", [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("::1", "localhost"), ("127.0.0.1", "[::1]")])
def test_both_stacks_judge_alike(port, host, spelled):
    own = f"Host: {spelled}:{port}\r\n"
    for path in ("/", "/tabs", "/nothing", "/%2e%2e/tabs", "//tabs"):
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            assert statuses(raw(port, f"{method} {path} HTTP/1.1\r\n{own}\r\n", host)) == [401], (method, path)
            for mark in ("Origin: http://evil.example", "Origin: null", "Referer: http://evil.example/x", "Sec-Fetch-Site: cross-site"):
                assert statuses(raw(port, f"{method} {path} HTTP/1.1\r\n{own}{BEARER}\r\n{mark}\r\n\r\n", host)) == [403], (method, path, mark)
            assert statuses(raw(port, f"{method} {path} HTTP/1.1\r\nHost: evil.example:{port}\r\n{BEARER}\r\n\r\n", host)) == [421], (method, path)


@pytest.mark.parametrize("marks", [
    ["Referer: http://127.0.0.1:{port}/", "Referer: http://evil.example/"], ["Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"], ["Sec-Fetch-Site: none, cross-site"],
    ["SEC-FETCH-SITE: cross-site"], ["sec-fetch-site: Cross-Site"], ["Sec-Fetch-Site: NONE"], ["ORIGIN: http://evil.example"], ["origin: HTTP://127.0.0.1:{port}"],
    ["Origin: http://127.0.0.1:{port}, http://evil.example"], ["Origin: http://127.0.0.1:{port}/"], ["Origin: https://127.0.0.1:{port}"], ["Origin: http://localhost:{port}"],
    ["REFERER: http://evil.example/"], ["Referer: HTTP://127.0.0.1:{port}.evil.example/"], ["Referer: http://127.0.0.1:{port}@evil.example/"], ["Referer: http://user@127.0.0.1:{port}/"],
])
def test_marks_of_a_foreign_page_in_every_disguise(port, marks):
    lines = "".join(mark.format(port=port) + "\r\n" for mark in marks)
    for request in ("GET /", "POST /stop", "GET /nothing"):
        assert statuses(raw(port, f"{request} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{BEARER}\r\n{lines}\r\n")) == [403], marks


def test_known_paths_with_other_methods(port):
    own = f"Host: 127.0.0.1:{port}\r\n{BEARER}\r\n"
    for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "get"):
        data = raw(port, f"{method} /tabs HTTP/1.1\r\n{own}\r\n")
        assert statuses(data) in ([405], [400]), (method, data[:200])
        assert b"access-control-allow" not in data.lower()
    assert raw(port, f"HEAD /nothing HTTP/1.1\r\n{own}\r\n").endswith(b"\r\n\r\n"), "an answer to HEAD has no body"


def test_bodies_where_none_belong(port):
    own = f"Host: 127.0.0.1:{port}\r\n{BEARER}\r\n"
    for method in ("GET", "DELETE"):
        path = "/" if method == "GET" else "/tabs/none"
        assert statuses(raw(port, f"{method} {path} HTTP/1.1\r\n{own}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}"))[:1] == [415]
        assert statuses(raw(port, f"{method} {path} HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"))[:1] == [415]
    # What follows an answer is a request of its own, and judged as one.
    smuggled = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    data = raw(port, f"GET / HTTP/1.1\r\n{own}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}{smuggled}", ends=False)
    assert statuses(data) == [200, 401], data[:300]


@pytest.mark.parametrize("fields", [
    "Content-Length: 2\r\nContent-Length: 2", "Content-Length: 2, 2", "Content-Length: -2", "Content-Length: 2\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: identity", "Transfer-Encoding: Chunked, chunked", "Content-Length: 9999999999999999999999", "Content-Length : 2",
])
def test_no_two_readings_of_a_body(port, fields):
    smuggled = f"POST /stop HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{BEARER}\r\n\r\n"
    data = raw(port, f"POST /tabs/open HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{BEARER}\r\nContent-Type: application/json\r\n{fields}\r\n\r\n0\r\n\r\n{smuggled}")
    assert len(statuses(data)) == 1 and statuses(data)[0] in (400, 413, 501), data[:300]


def test_headers_have_a_limit(port):
    own = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    for more in ("X: " + "a" * 20_000 + "\r\n", "X: a\r\n" * 200, "Authorization: Bearer " + "a" * 30_000 + "\r\n", "Cookie: a=" + "b" * 17_000 + "\r\n"):
        assert statuses(raw(port, own + more + "\r\n")) in ([431], [400])
    assert statuses(raw(port, f"GET /{'a' * 100_000} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")) in ([431], [400], [414])


def test_secrets_are_in_no_log(browser_gateway, port):
    wrong = "wrong-secret-that-must-not-be-kept"
    for request in (f"GET /?token={wrong} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {wrong}", f"GET /{wrong} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Jarvis-Password: {wrong}",
                    f"{wrong.upper()[:20]} / HTTP/1.1\r\nHost: {wrong}:{port}\r\nCookie: {wrong}", f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://{wrong}"):
        raw(port, request + "\r\n\r\n")
    browser_gateway.get("/healthz")
    body = json.dumps({"url": f"http://user:{wrong}@127.0.0.1:1/"}).encode()
    rawhttp.get(port, "/tabs/open", f"Host: 127.0.0.1:{port}", BEARER, "Content-Type: application/json", method="POST", body=body)
    logs = browser_gateway.log() + "".join(path.read_text(errors="replace") for path in (browser_gateway.state / "logs").glob("*"))
    assert wrong not in logs and TOKEN not in logs
