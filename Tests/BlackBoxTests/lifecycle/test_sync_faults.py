"""Failing syncs: what the disk did not take is not confirmed, and nothing that was confirmed is lost (R08, R09)."""

import shutil
import subprocess
import uuid

import pytest
from support.ports import wait_until
from support.rpc import Closed, RpcError


@pytest.fixture
def injecting(gateway):
    """A gateway under strace that fails some system calls."""
    if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("this machine does not allow strace")

    def start(expression):
        return gateway(start=False, prefix=["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={expression}"])

    return start


@pytest.mark.long
@pytest.mark.parametrize(
    "expression",
    ["fsync,fdatasync:error=EIO:when=25", "fsync,fdatasync:error=EIO:when=30+7", "pwrite64:error=ENOSPC:when=40", "pwrite64:error=EIO:when=60+11"])
def test_confirmed_is_kept(injecting, home, expression):
    it = injecting(expression)
    try:
        it.start(timeout=40)
    except AssertionError:
        # Refusing to start is an answer too, when it is a clear one.
        assert it.process.poll() is not None, it.log()
        assert it.process.returncode in (1, 78)
        assert "Fatal error" not in it.log()
        return
    confirmed, refused = {}, 0
    for number in range(40):
        key = str(uuid.uuid4())
        try:
            client = it.client()
            client.call("chat.send", {"sessionKey": f"sync-{number % 3}", "message": f"sync {number};", "idempotencyKey": key}, timeout=10)
            confirmed[key] = number
        except (RpcError, Closed, AssertionError, OSError):
            refused += 1
        if not it.is_running():
            assert "Fatal error" not in it.log()
            break
    it.kill()
    it.prefix = []
    it.start()
    client = it.client()
    for key in confirmed:
        assert client.call("agent.wait", {"runId": key, "timeoutMs": 20_000})["status"] in ("ok", "error"), f"{len(confirmed)} confirmed, {refused} refused"
    text = "".join(str(client.history(f"sync-{n}")) for n in range(3))
    for key, number in confirmed.items():
        assert f"sync {number};" in text, f"message {number} was confirmed and is lost"


@pytest.mark.long
def test_a_failed_store_is_told(gateway):
    """The disk fails for good: nothing more is promised, and every way to ask says so (R42)."""
    it = gateway()
    client = it.client()
    client.chat("while the disk works")
    if shutil.which("strace") is None:
        pytest.skip("this machine has no strace")
    fault = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO", "-p", str(it.pid)],
        stderr=subprocess.DEVNULL)
    try:
        def refused():
            if fault.poll() is not None:
                pytest.skip("this machine does not allow strace")
            try:
                client.call("chat.send", {"sessionKey": "main", "message": "note", "idempotencyKey": str(uuid.uuid4())})
            except RpcError as error:
                assert error.code == "UNAVAILABLE"
                return True

        wait_until(refused, 30, "a message that the disk did not take is refused", every=0.05)
        assert it.get("/readyz")[0] == 503
        assert it.get("/healthz")[0] == 200
        assert client.call("health")["ok"] is False
        status = client.call("status")
        assert status["store"]["failure"]
        assert status["gateway"]["phase"] == "ready"
        assert client.call("chat.history", {"sessionKey": "main"})["messages"], "reads go on"
    finally:
        fault.terminate()
        fault.wait()
    it.restart()
    assert it.client().call("health")["ok"] is True
