"""Many gateways race for one state directory, and left-over or forged runtime files (R36).

JARVIS_TEST_RACE_ROUNDS sets the number of rounds (2).
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from support.paths import jarvis_binary
from support.ports import wait_until

ROUNDS = int(os.environ.get("JARVIS_TEST_RACE_ROUNDS") or 2)
RACERS = 20


@pytest.mark.long
@pytest.mark.timeout(30 + 20 * ROUNDS)
def test_twenty_race_for_one_state(gateway, home):
    it = gateway(start=False)
    slowest = 0.0
    for number in range(ROUNDS):
        started = time.monotonic()
        racers = [
            subprocess.Popen(
                [str(jarvis_binary()), "gateway", "--port", str(it.port)], env=home.environment(), cwd=home.root,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
            for _ in range(RACERS)]
        try:
            wait_until(lambda: sum(p.poll() is not None for p in racers) >= RACERS - 1, 20, "all but one gave up")
            slowest = max(slowest, time.monotonic() - started)
            wait_until(lambda: it.get("/readyz")[0] == 200, 10, "the winner serves")
            codes = [p.poll() for p in racers]
            assert codes.count(None) == 1 and codes.count(78) == RACERS - 1, f"round {number}: {codes}"
            winner = racers[codes.index(None)]
            assert json.loads((it.state / "run/gateway.json").read_text())["pid"] == winner.pid
            for loser in racers:
                if loser is not winner:
                    said = loser.stderr.read()
                    assert str(it.state) in said or str(it.port) in said, said
        finally:
            for racer in racers:
                if racer.poll() is None:
                    os.killpg(racer.pid, signal.SIGKILL)
                racer.wait()
                racer.stderr.close()
    print(f"{ROUNDS} rounds of {RACERS}; the slowest round had its losers after {slowest:.2f} s")
    # Twenty starts share the processors of this machine; each alone is far below.
    assert slowest < 5 * max(1, RACERS / (4 * (os.cpu_count() or 1)))


def test_takeover_at_once(gateway):
    """After kill -9 of the owner the next one serves within a second."""
    it = gateway()
    times = []
    for _ in range(5):
        it.kill()
        started = time.monotonic()
        it.start()
        times.append(time.monotonic() - started)
    print("takeover", *(f"{t:.2f}" for t in times))
    assert min(times) < 1


class Stranger:
    """A process that is no gateway, listening on a TCP port and on a Unix socket and noting what it is sent."""

    def __init__(self, folder):
        self.received: list[bytes] = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.path = folder / "stranger.sock"
        self.unix.bind(str(self.path))
        self.unix.listen()
        # SIGTERM and SIGHUP end it: a signal meant for a gateway would be seen.
        self.process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        for listener in (self.tcp, self.unix):
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def _serve(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.received.append(b"")
            with connection:
                connection.settimeout(1)
                try:
                    self.received.append(connection.recv(65_536))
                except OSError:
                    pass

    def close(self):
        self.tcp.close()
        self.unix.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def stranger(home):
    it = Stranger(home.root / "tmp")
    yield it
    it.close()


COMMANDS = [
    ["status"], ["health"], ["gateway", "call", "status"], ["agent", "-m", "hello", "--timeout", "5"], ["sessions"],
    ["dashboard", "--no-open"], ["logs"], ["which"]]


@pytest.mark.parametrize("running", [False, True], ids=["dead", "alive"])
def test_forged_runtime_file(gateway, stranger, running):
    """gateway.json names a stranger's process, port and socket: nobody talks to it or signals it."""
    it = gateway()
    runtime = it.state / "run/gateway.json"
    forged = json.loads(runtime.read_text())
    true = dict(forged)
    if not running:
        it.kill()
    forged.update(pid=stranger.process.pid, port=stranger.tcp.getsockname()[1], controlSocket=str(stranger.path))
    forged.pop("processStartTime", None)
    for instance in (forged["instanceId"], "00000000-0000-4000-8000-000000000000"):
        runtime.write_text(json.dumps(forged | {"instanceId": instance}))
        for command in COMMANDS:
            result = it.cli(*command)
            assert "Fatal error" not in result.stderr, command
        if running:
            assert it.cli_json("gateway", "call", "status")["gateway"]["pid"] == true["pid"], "it finds the true one"
    assert stranger.process.poll() is None, "the stranger was signalled"
    assert not stranger.received, f"the stranger was talked to: {stranger.received}"
    if not running:
        it.start()
        assert stranger.process.poll() is None
        assert not stranger.received
        assert json.loads(runtime.read_text())["pid"] == it.pid


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[]", b'{"pid": -1}', b'{"pid": 99999999999999999999}'])
def test_broken_runtime_file_beside_a_living_gateway(gateway, content):
    """The lock says that a gateway runs; its file says nothing of use: it is found all the same."""
    it = gateway()
    (it.state / "run/gateway.json").write_bytes(content)
    assert it.cli_json("gateway", "call", "health")["ok"] is True
    assert it.cli("status").returncode == 0
