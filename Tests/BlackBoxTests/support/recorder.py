"""A socket that nobody may reach: it listens on loopback, TCP and UDP, IPv4 and IPv6, and writes down who came."""

from __future__ import annotations

import select
import socket
import threading


class Recorder:
    """`port` on every loopback address. `visits` is what came, `received` how many bytes; `stop()` ends it."""

    def __init__(self):
        self.visits: list[str] = []
        self.received = 0
        self._ended = False
        self._sockets = self._bind()
        self.port = self._sockets[0].getsockname()[1]
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def url(self, path: str = "/secret", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def assert_silent(self) -> None:
        assert self.visits == [], f"the inner port was reached: {self.visits}"

    def stop(self) -> None:
        self._ended = True
        self._waker.close()
        self._thread.join(5)
        for one in [*self._sockets, self._wake]:
            one.close()

    def _bind(self) -> list[socket.socket]:
        for _ in range(50):
            first = socket.create_server(("127.0.0.1", 0), backlog=64)
            port = first.getsockname()[1]
            made = [first]
            try:
                udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                made.append(udp)
                udp.bind(("127.0.0.1", port))
                if socket.has_ipv6:
                    try:
                        made.append(socket.create_server(("::1", port), family=socket.AF_INET6, backlog=64))
                        udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
                        made.append(udp6)
                        udp6.bind(("::1", port))
                    except OSError as error:
                        if error.errno not in (97, 99):  # no IPv6 here
                            raise
                return [one for one in made if one.getsockname()[1] == port]
            except OSError:
                for one in made:
                    one.close()
        raise RuntimeError("no port that is free on every loopback address")

    def _run(self) -> None:
        while not self._ended:
            ready, _, _ = select.select([*self._sockets, self._wake], [], [])
            for one in ready:
                if one is self._wake:
                    return
                if one.type == socket.SOCK_DGRAM:
                    data, sender = one.recvfrom(2048)
                    self.visits.append(f"datagram from {sender}: {data[:40]!r}")
                    self.received += len(data)
                else:
                    connection, sender = one.accept()
                    connection.settimeout(0.5)
                    try:
                        data = connection.recv(200)
                    except OSError:
                        data = b""
                    connection.close()
                    self.visits.append(f"connection from {sender}: {data[:80]!r}")
                    self.received += len(data)
