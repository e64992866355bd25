"""`gateway --force` takes over this state directory, and nothing else."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from support.ports import accepts, wait_until
from support.supervised import is_alive, start_time

SQUATTER = "import socket,time\ns=socket.create_server(('127.0.0.1',{port}))\ntime.sleep(300)"


@pytest.fixture
def bystander():
    """Any process that must survive."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    yield process
    process.kill()
    process.wait()


def force(it, **options):
    """Starts a second process of the same gateway with --force."""
    it.arguments = ["--port", str(it.port), "--force"]
    return it.start(**options)


def test_the_own_gateway_is_asked_and_replaced(gateway):
    it = gateway()
    first = it.process
    force(it)
    assert first.wait(15) == 0, "it stopped as if asked, not by a signal"
    assert it.pid != first.pid
    tickets = json.loads((it.state / "run/restart.json").read_text())["tickets"]
    assert tickets[-1]["action"] == "stop" and tickets[-1]["state"] == "done"
    assert tickets[-1]["before"]["pid"] == first.pid


def test_without_anybody_it_just_starts(gateway):
    it = gateway(start=False)
    force(it)
    assert it.get("/readyz")[0] == 200


def test_a_stopped_process_is_not_proven_and_not_signalled(gateway):
    """A gateway that does not answer can't prove itself: it is named, and nothing happens to it."""
    it = gateway()
    first = it.process
    first.send_signal(signal.SIGSTOP)
    try:
        result = it.cli("gateway", "run", "--force", "--port", str(it.port), timeout=60)
        assert result.returncode == 78
        assert str(first.pid) in result.stderr and "Nothing was signalled" in result.stderr
    finally:
        first.send_signal(signal.SIGCONT)
    wait_until(lambda: it.get("/readyz")[0] == 200, 10, "it goes on")


def test_a_port_held_by_a_program_is_not_freed(gateway):
    it = gateway(start=False)
    squatter = subprocess.Popen([sys.executable, "-c", SQUATTER.format(port=it.port)])
    try:
        wait_until(lambda: accepts(it.port), 10, "the squatter listens")
        result = it.cli("gateway", "run", "--force", "--port", str(it.port))
        assert result.returncode == 78
        assert str(squatter.pid) in result.stderr, "the holder is named"
        assert squatter.poll() is None and accepts(it.port)
    finally:
        squatter.kill()
        squatter.wait()


def test_a_port_held_by_a_sibling_is_not_freed(gateway):
    main = gateway()
    other = gateway("rescue", start=False)
    before = start_time(main.pid)
    result = other.cli("gateway", "run", "--force", "--port", str(main.port))
    assert result.returncode == 78
    assert main.get("/readyz")[0] == 200 and start_time(main.pid) == before


def test_a_poisoned_runtime_file_leads_to_nobody(gateway, bystander):
    """run/gateway.json names another live process, also with its true start time: it is not believed."""
    it = gateway(start=False)
    run = it.state / "run"
    run.mkdir(mode=0o700)
    note = {
        "version": 1, "pid": bystander.pid, "processStartTime": start_time(bystander.pid), "instanceId": "x" * 36,
        "port": it.port, "controlSocket": str(run / "control.sock")}
    (run / "gateway.json").write_text(json.dumps(note))
    (run / "owner.json").write_text(json.dumps({**note, "profile": "default", "configPath": "/x"}))
    force(it)
    assert bystander.poll() is None


def test_a_recycled_pid_is_nobody(gateway, bystander):
    """The gateway died and its number belongs to somebody else now."""
    it = gateway()
    note = json.loads((it.state / "run/gateway.json").read_text())
    it.kill()
    note["pid"] = bystander.pid  # with the start time of the dead one, as after a recycling
    (it.state / "run/gateway.json").write_text(json.dumps(note))
    force(it)
    assert bystander.poll() is None


def test_a_stranger_that_holds_the_lock_survives(gateway):
    it = gateway()
    it.stop()
    holder = subprocess.Popen(
        [sys.executable, "-c",
         f"import fcntl,os,time\nfd=os.open({str(it.state)!r},os.O_RDONLY)\nfcntl.flock(fd,fcntl.LOCK_EX)\n"
         "print('held',flush=True)\ntime.sleep(300)"], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline().strip() == "held"
        result = it.cli("gateway", "run", "--force", "--port", str(it.port))
        assert result.returncode == 78 and str(holder.pid) in result.stderr
        assert holder.poll() is None
    finally:
        holder.kill()
        holder.wait()


def test_a_script_does_not_take_a_service_away(gateway):
    it = gateway(env={"JARVIS_SERVICE_MARKER": "systemd"})
    first = it.pid
    it.env = {}
    result = it.cli("gateway", "run", "--force", "--port", str(it.port))
    assert result.returncode == 78 and "gateway stop" in result.stderr
    assert is_alive(first) and it.get("/readyz")[0] == 200


def test_two_at_once_leave_one(gateway):
    """Two take-overs of one gateway: afterwards one process serves, and the other was told why not."""
    it = gateway()
    first = it.process
    second = [
        subprocess.Popen(
            [*it.command()[:-2], "--port", str(it.port), "--force"], env=it.home.environment(), cwd=it.home.root,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        for _ in range(2)]
    try:
        first.wait(20)
        time.sleep(1)
        wait_until(lambda: it.get("/readyz")[0] == 200, 20, "one serves")
        assert sum(p.poll() is None for p in second) >= 1
    finally:
        for process in second:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
