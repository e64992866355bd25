"""How a gateway stops: it tells its clients, keeps its promises, and leaves nothing behind (R28)."""

import signal
import time
import uuid

import psutil
import pytest
from support.model import Echo
from support.ports import accepts, wait_until
from support.rpc import Rpc, text_of


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_clients_are_told_and_closed(gateway, signal_number):
    it = gateway()
    client = Rpc(it.ws_url, token=it.token)
    it.process.send_signal(signal_number)
    event = client.wait_event("shutdown")
    assert "stopping" in event.payload["reason"]
    closed = client.wait_closed()
    assert closed.code == 1012
    assert "restart" in closed.reason
    assert it.wait() == 0
    assert not accepts(it.port)
    assert not (it.state / "run/control.sock").exists()


def test_a_stop_in_the_moment_of_readiness_is_heard(gateway):
    """Whoever reads "ready" may send a signal at once: it neither gets lost nor kills."""
    it = gateway(start=False)
    for _ in range(8):
        it.launch()
        wait_until(lambda: accepts(it.port) and it.get("/readyz")[0] == 200, every=0.001)
        it.process.send_signal(signal.SIGTERM)
        assert it.wait() == 0
        assert not (it.state / "run/control.sock").exists()


def test_idle_stop_is_quick(gateway):
    it = gateway()
    started = time.monotonic()
    assert it.stop() == 0
    assert time.monotonic() - started < 3


def test_a_running_answer_is_finished_or_continued(gateway, scripted_model):
    """SIGTERM in the middle of an answer: after the restart the message has exactly one answer."""
    scripted_model.on("in the middle", Echo(chunks=10, delay=0.15))
    it = gateway()
    client = it.client()
    key = str(uuid.uuid4())
    client.call("chat.send", {"sessionKey": "main", "message": f"in the middle {key}", "idempotencyKey": key})
    time.sleep(0.4)
    it.process.send_signal(signal.SIGTERM)
    assert it.wait(40) == 0
    it.start()
    client = it.client()
    wait_until(lambda: any(m["role"] == "assistant" for m in client.history()), 20, "the answer")
    time.sleep(0.5)
    messages = client.history()
    assert [m["role"] for m in messages].count("user") == 1
    answers = [m for m in messages if m["role"] == "assistant" and key in text_of(m)]
    assert len(answers) == 1


def test_new_work_is_refused_while_draining(gateway, scripted_model):
    scripted_model.on("hold the door", Echo(chunks=20, delay=0.15))
    it = gateway()
    client = Rpc(it.ws_url, token=it.token)
    client.call("chat.send", {"sessionKey": "main", "message": "hold the door", "idempotencyKey": "d1"})
    time.sleep(0.3)
    it.process.send_signal(signal.SIGTERM)
    client.wait_event("shutdown")
    try:
        error = client.error("chat.send", {"sessionKey": "other", "message": "too late", "idempotencyKey": "d2"}, timeout=5)
        assert error.code == "UNAVAILABLE"
    except Exception as closed:
        assert type(closed).__name__ == "Closed"
    assert it.wait(40) == 0


def test_second_signal_is_faster(gateway, scripted_model):
    scripted_model.on("forever", Echo(chunks=1_000, delay=0.1))
    it = gateway()
    client = Rpc(it.ws_url, token=it.token)
    client.call("chat.send", {"sessionKey": "main", "message": "forever", "idempotencyKey": "f1"})
    time.sleep(0.3)
    it.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    started = time.monotonic()
    it.process.send_signal(signal.SIGTERM)
    it.wait(10)
    assert time.monotonic() - started < 6


def test_hangup_reloads_and_stays(gateway):
    it = gateway()
    client = it.client()
    it.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert client.call("health")["ok"] is True


def test_no_children_stay(gateway):
    it = gateway()
    it.client().chat("hello")
    children = psutil.Process(it.pid).children(recursive=True)
    it.stop()
    assert not [child for child in children if child.is_running()]


def test_closed_standard_streams(gateway, home):
    """Started with no standard streams at all, as some launchers do."""
    it = gateway(start=False, prefix=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    it.start()
    assert it.client().chat("hello")["state"] == "final"
    assert it.stop() == 0


def test_closed_log_pipe(gateway, home):
    """The reader of its output goes away: the gateway does not die of it."""
    import subprocess

    from support.paths import jarvis_binary

    it = gateway(start=False)
    it.process = subprocess.Popen(
        [str(jarvis_binary()), "gateway", "--port", str(it.port)], env=home.environment(), cwd=home.root, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    wait_until(lambda: accepts(it.port) and it.get("/readyz")[0] == 200, 15, "ready")
    it.process.stdout.close()
    client = it.client()
    for number in range(5):
        assert client.chat(f"hello {number}")["state"] == "final"
    assert it.stop() == 0
