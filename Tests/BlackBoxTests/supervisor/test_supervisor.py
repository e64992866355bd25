"""The built-in supervisor: keeps, brakes, lets go, and recognises what it did not start."""

import json
import os
import signal
import subprocess

import pytest
from support.gateway import base_config
from support.home import tree
from support.ports import accepts, wait_until
from support.supervised import is_alive, start_time


def test_install_start_stop_uninstall(supervised):
    answer = supervised.install("a")
    assert answer["result"] == "installed"
    first = supervised.wait_up("a")
    assert supervised.row("a")["pid"] == first
    assert supervised.status()["running"] is True
    assert supervised.run("supervisor", "status").returncode == 0

    assert supervised.json("gateway", "stop", profile="a")["ok"] is True
    assert not is_alive(first)
    assert supervised.phase("a") == "stopped"
    assert supervised.json("gateway", "start", profile="a")["ok"] is True
    second = supervised.wait_up("a")
    assert second != first
    assert supervised.json("gateway", "restart", profile="a")["ok"] is True
    third = supervised.wait_up("a", other_than=second)
    assert not is_alive(second)
    assert supervised.processes("a") == [third]

    assert supervised.json("gateway", "uninstall", profile="a")["ok"] is True
    assert not is_alive(third)
    wait_until(lambda: not supervised.status()["running"], 10, "the supervisor ends with nothing to keep")
    assert list((supervised.directory / "instances").iterdir()) == []


def test_install_again_changes_nothing(supervised):
    supervised.install("a")
    pid = supervised.wait_up("a")
    wishes = supervised.directory / "instances"
    before = tree(wishes)
    answer = supervised.json("gateway", "install", "--supervisor", "builtin", "--no-start", profile="a", check=False)
    if answer.get("ok"):
        assert answer["result"] == "already-installed"
        assert tree(wishes) == before
    assert supervised.pid("a") == pid


def test_a_killed_gateway_comes_back(hasty):
    hasty.install("a")
    hasty.install("b")
    a, b = hasty.wait_up("a"), hasty.wait_up("b")
    os.kill(a, signal.SIGKILL)
    assert hasty.wait_up("a", other_than=a)
    assert hasty.row("a")["restarts"] == 1
    assert hasty.pid("b") == b, "the sibling is left alone"


@pytest.mark.timeout(180)
def test_too_many_failures_park_and_start_clears(hasty):
    hasty.install("a")
    pid = hasty.wait_up("a")
    for _ in range(5):
        os.kill(pid, signal.SIGKILL)
        pid = hasty.wait_up("a", other_than=pid)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: hasty.phase("a") == "parked", 10, "parked")
    row = hasty.row("a")
    assert "restarts in" in row["reason"] and "signal 9" in row["reason"]
    assert hasty.run("supervisor", "status", check=False).returncode == 1
    assert "gateway start" in hasty.run("supervisor", "status", check=False).stdout
    # A supervisor that comes later keeps to it.
    hasty.run("supervisor", "stop")
    hasty.begin()
    assert hasty.phase("a") == "parked"
    assert hasty.processes("a") == []
    assert hasty.json("gateway", "start", profile="a")["ok"] is True
    assert hasty.wait_up("a", other_than=pid)
    assert hasty.row("a")["restarts"] == 0


@pytest.mark.timeout(180)
def test_a_fault_that_stays_is_tried_ever_more_rarely(hasty):
    config = base_config(1)
    config["gateway"]["mode"] = "remote"
    hasty.install("a")
    pid = hasty.wait_up("a")
    hasty.run("gateway", "stop", profile="a")
    hasty.home.write_config(config, "a")
    failed = hasty.json("gateway", "start", profile="a", check=False)
    assert failed["ok"] is False
    row = wait_until(lambda: (r := hasty.row("a"))["phase"] == "parked" and r, 60, "parked")
    assert row["lastExit"]["errorCode"] == "gateway.mode"
    assert "5 times in a row" in row["reason"]
    assert row["restarts"] == 4
    assert not is_alive(pid)


def test_exit_78_is_not_restarted(hasty):
    """A squatted port: no restart mends it, and the squatter is named and left alone."""
    hasty.install("a")
    hasty.wait_up("a")
    hasty.run("gateway", "stop", profile="a")
    port = hasty.ports["a"]
    squatter = subprocess.Popen(
        ["python3", "-c",
         f"import socket,time\ns=socket.create_server(('127.0.0.1',{port}))\ntime.sleep(120)"])
    try:
        wait_until(lambda: accepts(port), 10, "the squatter listens")
        assert hasty.json("gateway", "start", profile="a", check=False)["ok"] is False
        row = hasty.row("a")
        assert row["phase"] == "parked" and row["lastExit"]["exitCode"] == 78 and row["restarts"] == 0
        assert squatter.poll() is None
    finally:
        squatter.kill()
        squatter.wait()
    assert hasty.json("gateway", "start", profile="a")["ok"] is True
    hasty.wait_up("a")


def test_a_stop_over_the_wire_is_not_taken_for_a_failure(hasty):
    hasty.install("a")
    pid = hasty.wait_up("a")
    ticket = hasty.json("gateway", "call", "gateway.stop", profile="a")
    assert ticket["accepted"] is True
    wait_until(lambda: hasty.phase("a") == "stopped", 15, "stopped")
    assert not is_alive(pid)
    hasty.run("supervisor", "stop")
    hasty.begin()
    wait_until(lambda: hasty.phase("a") == "stopped", 5, "still stopped for the next supervisor")
    assert hasty.processes("a") == []


def test_gateways_outlive_a_killed_supervisor_and_are_recognised(hasty):
    hasty.install("a")
    hasty.install("b")
    a, b = hasty.wait_up("a"), hasty.wait_up("b")
    starts = start_time(a), start_time(b)
    old = hasty.supervisor()
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: not is_alive(old), 10, "the supervisor is dead")
    assert (start_time(a), start_time(b)) == starts
    assert hasty.run("health", profile="a").returncode == 0
    hasty.begin()
    wait_until(lambda: hasty.row("a").get("pid") == a and hasty.row("b").get("pid") == b, 10, "both are recognised")
    assert hasty.processes("a") == [a] and hasty.processes("b") == [b]
    assert "ran already" in hasty.row("a")["reason"]
    # It cares for those it did not start.
    os.kill(a, signal.SIGKILL)
    assert hasty.wait_up("a", other_than=a)
    assert hasty.json("gateway", "stop", profile="b")["ok"] is True
    assert not is_alive(b)


def test_supervisor_stop_leaves_the_gateways(supervised):
    supervised.install("a")
    pid = supervised.wait_up("a")
    answer = supervised.json("supervisor", "stop")
    assert answer["stopped"] is True and answer["stillUp"] == ["a"]
    assert is_alive(pid)
    assert supervised.status()["running"] is False
    assert supervised.json("supervisor", "run", "--detach")["running"] is True
    wait_until(lambda: supervised.row("a").get("pid") == pid, 10, "recognised")
    assert supervised.processes("a") == [pid]


def test_only_one_supervisor(supervised):
    supervised.install("a")
    supervised.wait_up("a")
    pid = supervised.supervisor()
    second = supervised.run("supervisor", "run", check=False)
    assert second.returncode == 78 and str(pid) in second.stderr
    assert supervised.json("supervisor", "run", "--detach")["pid"] == pid


def test_who_has_not_proven_is_left_alone(hasty):
    """Another program holds the lock on the state directory: nothing is started, nothing is signalled."""
    hasty.install("a")
    hasty.wait_up("a")
    hasty.run("gateway", "stop", profile="a")
    state = hasty.home.state("a")
    holder = subprocess.Popen(
        ["python3", "-c",
         f"import fcntl,os,time\nfd=os.open({str(state)!r},os.O_RDONLY)\nfcntl.flock(fd,fcntl.LOCK_EX)\n"
         "print('held',flush=True)\ntime.sleep(120)"], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline().strip() == "held"
        hasty.json("gateway", "start", profile="a", check=False)
        wait_until(lambda: hasty.phase("a") == "blocked", 15, "blocked")
        hasty.run("gateway", "stop", profile="a", check=False)
        assert holder.poll() is None
        hasty.run("gateway", "start", profile="a", check=False)
    finally:
        holder.kill()
        holder.wait()
    hasty.wait_up("a")


def test_the_files_hold_no_secret(supervised):
    supervised.install("a")
    supervised.wait_up("a")
    token = json.loads(supervised.home.config_path("a").read_text())["gateway"]["auth"]["token"]
    for path in supervised.directory.rglob("*"):
        if path.is_file():
            assert token not in path.read_text(errors="replace"), path
            assert path.stat().st_mode & 0o077 == 0, path
