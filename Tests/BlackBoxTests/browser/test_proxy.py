"""The proxy that a browser leaves through, as programs of this host find it: other users' are turned away, and many connections cost little."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.browser import main_browsers_of

pytestmark = pytest.mark.timeout(180)
BROWSER = {"ssrfPolicy": {"dangerouslyAllowPrivateNetwork": False, "allowedHostnames": ["site.localhost"]}}


@pytest.fixture(scope="module")
def proxy(control, browser_gateway) -> int:
    """Its port, from the browser's own command line."""
    control.post("/start")
    words = Path(f"/proc/{main_browsers_of(browser_gateway.home.root)[0]}/cmdline").read_bytes().decode().split("\0")
    return int(next(word for word in words if word.startswith("--proxy-server=")).rsplit(":", 1)[1])


def answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(request)
        received = b""
        try:
            while piece := connection.recv(65_536):
                received += piece
        except ConnectionResetError:
            pass
        return received


def test_it_listens_on_loopback_alone(proxy):
    listening = [line.split()[1] for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
                 if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == proxy]
    assert listening == [f"0100007F:{proxy:04X}"]


def test_it_is_no_server(proxy, browser_gateway):
    """A page that gets a request to it, whatever the way, gets nothing else."""
    for request in (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"POST /tabs/open HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x00\x05hello\r\n\r\n"):
        assert answer(proxy, request).startswith(b"HTTP/1.1 400 "), request


def test_its_own_user_is_judged_like_the_browser(proxy, browser_gateway, site):
    for place in (f"127.0.0.1:{browser_gateway.port}", f"127.0.0.1:{browser_gateway.port + 2}", f"localhost:{browser_gateway.port}", f"[::1]:{browser_gateway.port}", f"127.0.0.1:{proxy}",
                  f"127.0.0.1:{site.port}", "169.254.169.254:80", "10.0.0.1:22", "[::ffff:127.0.0.1]:80", "[64:ff9b::7f00:1]:80", "0.0.0.0:80", "[fe80::1]:80", "localhost.:25"):
        assert answer(proxy, f"CONNECT {place} HTTP/1.1\r\nHost: site.localhost\r\n\r\n".encode()).startswith(b"HTTP/1.1 403 "), place
        assert answer(proxy, f"GET http://{place}/ HTTP/1.1\r\nHost: site.localhost:{site.port}\r\nConnection: close\r\n\r\n".encode()).startswith(b"HTTP/1.1 403 "), place
    for place in ("127.1:80", "2130706433:80", "0x7f.1:80", "017700000001:80", "[fe80::1%25lo]:80", "[fe80::1%lo]:80", "site.localhost:0", "site.localhost:65536", "site.localhost:+80",
                  "site.localhost", ":80", "a@site.localhost:80", "site.localhost:80:80", "site.localhost\\x:80", "site.localhost..:80", "[::1:80"):
        assert answer(proxy, f"CONNECT {place} HTTP/1.1\r\nHost: site.localhost\r\n\r\n".encode()).startswith(b"HTTP/1.1 400 "), place
    site.forget()
    told = answer(proxy, f"GET http://site.localhost:{site.port}/echo HTTP/1.1\r\nHost: 127.0.0.1:{browser_gateway.port}\r\nConnection: close\r\n\r\n".encode())
    assert told.startswith(b"HTTP/1.1 200 ")
    assert site.seen("/echo")[-1].headers["host"] == f"site.localhost:{site.port}", "the address decides, not the field"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv, to be another user")
def test_other_users_are_turned_away(proxy, site):
    site.forget()
    script = f"""import socket
for request in (b"GET http://site.localhost:{site.port}/echo HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", b"CONNECT site.localhost:{site.port} HTTP/1.1\\r\\n\\r\\n"):
    s = socket.create_connection(("127.0.0.1", {proxy}), 60)
    try:
        s.sendall(request)
        print(s.recv(100).split(b"\\r\\n")[0].decode())
    except OSError as error:
        print(type(error).__name__)
"""
    python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
    words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", python, "-I", "-c", script]
    result = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd="/", stdin=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin"})
    if result.returncode != 0 and "ermission denied" in result.stderr:
        pytest.skip(f"{python} can't be run by others")
    assert result.stdout.splitlines() == ["HTTP/1.1 403 Forbidden"] * 2, (result.stdout, result.stderr)
    assert site.seen("/echo") == []


def test_many_connections_cost_little(proxy, browser_gateway, control, site):
    """Twelve hundred one after the other, half of them mute, half in the middle of a request: no more than its limit are kept, and the gateway goes on."""
    def resident() -> int:
        return int(next(line for line in Path(f"/proc/{browser_gateway.pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1]) << 10

    tab = control.open(site.url("/index.html", host="site.localhost"))
    before, refused = resident(), 0
    kept: list[socket.socket] = []
    try:
        for number in range(1200):
            connection = socket.socket()
            connection.settimeout(60)
            connection.connect(("127.0.0.1", proxy))
            if number % 2:
                try:
                    connection.sendall(b"GET http://site.localhost/ HTTP/1.1\r\nX-Slow: " + b"a" * 4000)
                except OSError:
                    pass  # it has hung up
            kept.append(connection)
            if len(kept) > 700:  # descriptors of the test's own
                kept.pop(0 if number % 3 else -1).close()
            if number % 100 == 0:
                assert browser_gateway.get("/healthz", timeout=60)[0] == 200
        for connection in kept:
            connection.setblocking(False)
            try:
                refused += connection.recv(20).startswith(b"HTTP/1.1 503 ")
            except OSError:
                pass
        assert refused > 0
        assert resident() - before < 100 << 20
        assert control.evaluate("() => document.title", targetId=tab)
    finally:
        for connection in kept:
            connection.close()
    control.navigate(site.url("/form.html", host="site.localhost"), tab)
