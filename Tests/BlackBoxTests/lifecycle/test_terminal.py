"""A gateway in a terminal ends with the terminal; `kill -HUP` reads the configuration again."""

import json
import os
import pty
import signal
import subprocess

from support.ports import wait_until
from support.rpc import Rpc


def in_terminal(it, prefix=()):
    """Starts `it` as the leader of a session on a terminal of its own; returns the other end of the terminal."""
    ours, theirs = pty.openpty()

    def take_terminal():
        os.setsid()
        import fcntl
        import termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    it.process = subprocess.Popen(
        [*prefix, *it.command()], env=it.home.environment(TERM="dumb"), cwd=it.home.root, stdin=theirs, stdout=theirs,
        stderr=theirs, preexec_fn=take_terminal)
    os.close(theirs)

    def ready():
        try:
            return it.get("/readyz")[0] == 200
        except OSError:
            return False

    wait_until(ready, 20, "ready")
    return ours


def rename(it, name):
    path = it.state / "jarvis.json"
    config = json.loads(path.read_text())
    config["ui"] = {"assistant": {"name": name}}
    path.write_text(json.dumps(config))


def name_of(it):
    with Rpc(it.ws_url, token=it.token) as client:
        return client.call("agent.identity.get")["name"]


def test_a_closed_terminal_ends_it(gateway):
    it = gateway(start=False)
    ours = in_terminal(it)
    os.close(ours)
    assert it.wait() == 0


def test_kill_hup_in_a_terminal_reads_the_configuration(gateway):
    it = gateway(start=False, config={"gateway": {"reload": {"mode": "off"}}})
    ours = in_terminal(it)
    rename(it, "Ada")
    it.process.send_signal(signal.SIGHUP)
    wait_until(lambda: name_of(it) == "Ada", 10, "the new name")
    # Also after a restart in place.
    it.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: b"restarts in place" in os.read(ours, 1 << 16), 20, "it restarts")
    wait_until(lambda: quiet(lambda: it.get("/readyz")[0] == 200), 20, "it is back")
    rename(it, "Grace")
    it.process.send_signal(signal.SIGHUP)
    wait_until(lambda: quiet(lambda: name_of(it)) == "Grace", 10, "the newer name")
    os.close(ours)
    assert it.wait() == 0


def test_nohup_survives_the_terminal(gateway):
    it = gateway(start=False)
    ours = in_terminal(it, prefix=["nohup"])
    os.close(ours)
    it.process.send_signal(0)
    rename(it, "Ada")
    it.process.send_signal(signal.SIGHUP)
    wait_until(lambda: name_of(it) == "Ada", 10, "it lives and reads its configuration")
    it.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: quiet(lambda: it.get("/readyz")[0] == 200), 20, "it restarts in place")
    it.process.send_signal(signal.SIGHUP)
    assert it.is_running()
    it.process.send_signal(signal.SIGTERM)
    assert it.wait() == 0


def quiet(ask):
    try:
        return ask()
    except Exception:
        return None
