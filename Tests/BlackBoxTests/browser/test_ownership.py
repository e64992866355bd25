"""Whose browser it is: proven by the kernel before a byte is sent, in the way of strangers, siblings and crashes.

JARVIS_STORM_ROUNDS=1000 makes the storm the long one; JARVIS_STORM_SEED repeats one.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from support.browser import browsers_of, chromium_path
from support.home import Home
from support.paths import jarvis_binary
from support.ports import free_port, wait_until

NO_SANDBOX = ["--no-sandbox"] if os.geteuid() == 0 else []
CANARY = "canary-5fd1c0de"


class Trap:
    """Something that looks like a debugging endpoint: it answers with forged ids and keeps every byte that it gets."""

    def __init__(self, port: int, addresses: list[tuple[int, str]]):
        self.port, self.bytes, self.visits = port, b"", 0
        self.sockets = []
        for family, address in addresses:
            server = socket.socket(family)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind((address, port))
            server.listen(64)
            self.sockets.append(server)
            threading.Thread(target=self._serve, args=(server,), daemon=True).start()

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            self.visits += 1
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        forged = json.dumps({
            "Browser": "Chrome/156.0.0.0", "Protocol-Version": "1.3", "JARVIS_INSTANCE": "mine",
            "webSocketDebuggerUrl": f"ws://127.0.0.1:{self.port}/devtools/browser/11111111-2222-3333-4444-555555555555"}).encode()
        with contextlib.suppress(OSError), client:
            client.settimeout(5)
            while piece := client.recv(65536):
                self.bytes += piece
                if b"\r\n\r\n" in self.bytes:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(forged), forged))

    def close(self) -> None:
        for server in self.sockets:
            # Wakes the one that waits in accept.
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()


V4, V6, ANY = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "0.0.0.0")


def foreign(home: Home, name: str, port: int, tag: str | None = None, executable: str | None = None) -> subprocess.Popen:
    """A Chromium with an open debugging port that is not ours."""
    directory = home.root / name
    browser = subprocess.Popen(
        [executable or chromium_path(), "--headless=new", "--disable-gpu", "--no-first-run", *NO_SANDBOX,
         f"--remote-debugging-port={port}", f"--user-data-dir={directory}", "about:blank"],
        env=home.environment(**({"JARVIS_INSTANCE": tag} if tag else {})), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    wait_until(answers, 20, "the foreign browser listens")
    return browser


def remains_of(place: Path) -> list[int]:
    """Processes of browsers below `place`, the handlers of their crashes included."""
    marks, found = (f"--user-data-dir={place}".encode(), f"--database={place}".encode()), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes()
            if any(mark in words for mark in marks):
                found.append(int(folder.name))
    return found


def end(browser: subprocess.Popen) -> None:
    if browser.poll() is None:
        os.killpg(browser.pid, signal.SIGKILL)
    browser.wait()


def tabs(port: int) -> list:
    import urllib.request
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
        return sorted(tab["id"] for tab in json.load(answer) if tab["type"] == "page")


def debug(home: Home, *flags: str, request: dict | None = None, timeout: float = 60) -> subprocess.CompletedProcess:
    """One run of `jarvis debug browser` with one request."""
    return home.run(
        "debug", "browser", "--state", home.root / "state", *NO_SANDBOX, "--instance", "mine", *flags,
        input=json.dumps(request or {"cdp": "SystemInfo.getProcessInfo"}) + "\n", timeout=timeout)


def attached_pid(result: subprocess.CompletedProcess) -> int:
    assert result.returncode == 0, result.stderr
    processes = json.loads(result.stdout.splitlines()[-1])["result"]["processInfo"]
    return next(process["id"] for process in processes if process["type"] == "browser")


@pytest.fixture(scope="module")
def home():
    home = Home()
    yield home
    wait_until(lambda: not browsers_of(home.root), 10, f"no browser of {home.root} is left")
    home.remove()


@pytest.fixture(scope="module")
def stranger(home):
    """A foreign browser, which must come through everything unharmed: its port and its pid."""
    port = free_port()
    browser = foreign(home, "foreign", port)
    before = tabs(port)
    yield port, browser.pid
    assert browser.poll() is None and tabs(port) == before
    end(browser)


# ---- connecting to a browser that runs already

def test_a_browser_on_the_configured_directory_or_address_is_used_and_left_running(home, stranger):
    port, pid = stranger
    assert attached_pid(debug(home, "--attach", f"http://127.0.0.1:{port}")) == pid
    assert attached_pid(debug(home, "--attach", f"http://localhost:{port}", "--user-data", str(home.root / "foreign"))) == pid
    assert tabs(port)


def test_a_browser_on_another_directory_is_refused_with_its_owner(home, stranger):
    port, pid = stranger
    result = debug(home, "--attach", f"http://127.0.0.1:{port}", "--user-data", str(home.root / "state/jarvis/user-data"))
    assert result.returncode == 1 and f"(pid {pid})" in result.stderr and "foreign" in result.stderr


def test_a_siblings_browser_is_refused_also_when_the_configuration_names_it(home):
    port = free_port()
    sibling = foreign(home, "sibling", port, tag="sibling-id")
    try:
        for address in (f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/devtools/browser/x", f"http://[::ffff:127.0.0.1]:{port}"):
            result = debug(home, "--attach", address)
            assert result.returncode == 1 and "sibling-id" in result.stderr, (address, result.stderr)
        assert sibling.poll() is None
    finally:
        end(sibling)


@pytest.mark.parametrize("addresses", [[V4], [V6], [V4, V6], [ANY]], ids=["ipv4", "ipv6", "both", "any"])
def test_a_trap_gets_no_byte(home, addresses):
    port = free_port()
    trap = Trap(port, addresses)
    try:
        hosts = ["127.0.0.1"] if V6 not in addresses else ["[::1]", "localhost"]
        for host in hosts:
            for address in (f"http://user:{CANARY}@{host}:{port}/?token={CANARY}", f"ws://user:{CANARY}@{host}:{port}/x?token={CANARY}"):
                result = debug(home, "--attach", address)
                assert result.returncode == 1 and f"(pid {os.getpid()})" in result.stderr, result.stderr
                assert CANARY not in result.stdout + result.stderr
        assert (trap.bytes, trap.visits) == (b"", 0)
    finally:
        trap.close()


def test_nobody_there_is_said_so_without_the_credentials(home):
    port = free_port()
    result = debug(home, "--attach", f"https://user:{CANARY}@127.0.0.1:{port}/?token={CANARY}")
    assert result.returncode == 1 and f"127.0.0.1:{port}" in result.stderr and CANARY not in result.stderr


# ---- the storm

def rounds() -> int:
    return int(os.environ.get("JARVIS_STORM_ROUNDS", "40"))


class Storm:
    """Rounds of starts, stops and crashes with somebody in the way. Counts what happened; what must not happen raises."""

    def __init__(self, home: Home, stranger: tuple[int, int], seed: int):
        self.home, self.random, self.figures = home, random.Random(seed), Counter()
        self.foreign_port, self.foreign_pid = stranger
        self.state = home.root / "storm"
        self.state.mkdir(mode=0o700)
        self.directory = self.state / "jarvis/user-data"

    def round(self) -> None:
        kind = self.random.choice(["free", "free", "free", "ipv4", "ipv6", "any", "late", "foreign", "attach-trap", "attach-foreign"])
        self.figures[kind] += 1
        if kind == "attach-trap":
            return self.attach_trap()
        if kind == "attach-foreign":
            return self.refused(self.attach(self.foreign_port), self.foreign_pid)
        if kind == "foreign":
            return self.refused(self.start(self.foreign_port), self.foreign_pid)
        port = free_port()
        if kind == "free":
            return self.use(self.start(port), port, None)
        if kind == "late":
            return self.late(port)
        trap = Trap(port, {"ipv4": [V4], "ipv6": [V6], "any": [ANY]}[kind])
        try:
            self.refused(self.start(port), os.getpid())
            assert (trap.bytes, trap.visits) == (b"", 0), trap.bytes
        finally:
            trap.close()

    def start(self, port: int) -> subprocess.Popen:
        return self._run("--port", str(port))

    def attach(self, port: int) -> subprocess.Popen:
        # The address carries secrets; the browser must run on our directory, which this one does not.
        return self._run("--attach", f"http://user:{CANARY}@127.0.0.1:{port}/?token={CANARY}", "--user-data", str(self.directory))

    def _run(self, *flags: str) -> subprocess.Popen:
        return subprocess.Popen(
            [str(jarvis_binary()), "debug", "browser", "--state", str(self.state), *NO_SANDBOX, "--instance", "mine", *flags],
            env=self.home.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True)

    def refused(self, process: subprocess.Popen, owner: int) -> None:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 1 and output == "", (process.returncode, output, errors)
        assert f"(pid {owner})" in errors and CANARY not in errors, errors
        self.figures["refused"] += 1
        self.clean()

    def attach_trap(self) -> None:
        port = free_port()
        trap = Trap(port, self.random.choice([[V4], [V4, V6], [ANY]]))
        try:
            self.refused(self.attach(port), os.getpid())
            assert (trap.bytes, trap.visits) == (b"", 0), trap.bytes
        finally:
            trap.close()

    def late(self, port: int) -> None:
        """The trap comes while the browser starts: whoever is first has the port."""
        made, delay, addresses = [], self.random.uniform(0, 1.5), self.random.choice([[V4], [V6]])

        def spring() -> None:
            with contextlib.suppress(OSError):
                made.append(Trap(port, addresses))

        timer = threading.Timer(delay, spring)
        timer.start()
        process = self.start(port)
        try:
            self.use(process, port, timer)
        finally:
            timer.cancel()
            timer.join()
            for trap in made:
                trap.close()
                assert CANARY.encode() not in trap.bytes and b"\0" not in trap.bytes and trap.bytes == b"", trap.bytes

    def use(self, process: subprocess.Popen, port: int, timer: threading.Timer | None) -> None:
        """Asks the browser who it is, then ends it in one of three ways."""
        try:
            process.stdin.write(json.dumps({"cdp": "SystemInfo.getProcessInfo"}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            errors = process.communicate(timeout=60)[1]
            # Only a trap that was quicker may keep a browser from its port.
            assert timer is not None and f"(pid {os.getpid()})" in errors, errors
            self.figures["refused"] += 1
            return self.clean()
        pid = next(one["id"] for one in json.loads(line)["result"]["processInfo"] if one["type"] == "browser")
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        assert f"--user-data-dir={self.directory}" in words, f"attached to the wrong browser: {words}"
        self.figures["started"] += 1
        way = self.random.choice(["stop", "kill the browser", "kill the gateway"])
        self.figures[way] += 1
        if way == "kill the browser":
            os.kill(pid, signal.SIGKILL)
        if way == "kill the gateway":
            os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        self.clean()

    def clean(self) -> None:
        wait_until(lambda: not remains_of(self.state), 5, "no process of the round is left")
        os.kill(self.foreign_pid, 0)


def test_storm_of_starts_stops_and_crashes(home, stranger, record_testsuite_property):
    seed = int(os.environ.get("JARVIS_STORM_SEED", str(random.SystemRandom().randrange(1 << 32))))
    print(f"JARVIS_STORM_SEED={seed}")
    storm, began = Storm(home, stranger, seed), time.monotonic()
    before = tabs(stranger[0])
    for number in range(rounds()):
        try:
            storm.round()
        except BaseException:
            print(f"round {number} of seed {seed}; {dict(storm.figures)}")
            raise
    figures = {"rounds": rounds(), "seconds": round(time.monotonic() - began, 1), **storm.figures}
    assert tabs(stranger[0]) == before, "the foreign browser was not touched"
    record_testsuite_property("storm", json.dumps(figures))
    print(json.dumps(figures))


test_storm_of_starts_stops_and_crashes.pytestmark = [pytest.mark.long, pytest.mark.timeout(120 + 30 * rounds())]
