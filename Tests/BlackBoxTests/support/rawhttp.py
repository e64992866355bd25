"""HTTP by hand, for requests that a well-behaved client does not send."""

from __future__ import annotations

import base64
import os
import socket


def exchange(port: int, request: bytes, timeout: float = 5, limit: int = 1 << 20) -> bytes:
    """Sends bytes, reads until the server closes or falls silent for `timeout`."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.settimeout(timeout)
        try:
            connection.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass
        received = b""
        try:
            while len(received) < limit:
                part = connection.recv(65_536)
                if not part:
                    break
                received += part
                if is_complete(received):
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return received


def is_complete(data: bytes) -> bool:
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return False
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return head.startswith(b"HTTP/1.1 101")


def status_of(data: bytes) -> int:
    """The status code; 0 when the server just closed."""
    return int(data.split(b" ", 2)[1]) if data.startswith(b"HTTP/1.") else 0


def get(port: int, path: str = "/healthz", *headers: str, method: str = "GET", body: bytes = b"", timeout: float = 5) -> bytes:
    """A request with exactly these header lines."""
    lines = [f"{method} {path} HTTP/1.1", *headers, "Connection: close"]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return exchange(port, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body, timeout)


def upgrade(port: int, path: str, *headers: str, timeout: float = 5) -> bytes:
    """A WebSocket upgrade with exactly these header lines besides the necessary ones."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}", *headers,
    ]
    return exchange(port, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), timeout)
