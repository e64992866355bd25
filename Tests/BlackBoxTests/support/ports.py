"""Free port spans. A gateway owns its base port, base + 2, and the browser range up to base + 110."""

import random
import socket
import time

SPAN = 111
_next = random.randrange(20_000, 30_000, 10)


def is_free(port: int) -> bool:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if family == socket.AF_INET6 and error.errno in (97, 99):  # no IPv6 here
                    continue
                return False
    return True


def free_base_port() -> int:
    """A base port whose whole span is free, below the range that the kernel gives to clients."""
    global _next
    for _ in range(200):
        base, _next = _next, _next + 120 if _next < 31_500 else 20_000
        if all(is_free(port) for port in range(base, base + SPAN)):
            return base
    raise RuntimeError("no free block of 111 ports between 20000 and 31500")


def free_port() -> int:
    """Any free TCP port for a server of the test itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def wait_until(condition, timeout: float = 10.0, what: str = "condition", every: float = 0.02):
    """Polls until `condition()` is true and returns its value; fails the test with `what` when it never is."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(every)
