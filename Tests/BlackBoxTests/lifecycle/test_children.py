"""The children of a gateway end with it, and only they."""

import json
import os
import signal
import subprocess
import uuid
from pathlib import Path

import pytest
from support.ports import wait_until
from support.supervised import is_alive


def tagged(instance: str) -> list[int]:
    wanted = f"JARVIS_INSTANCE={instance}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0") and is_alive(int(folder.name)):
                    found.append(int(folder.name))
            except OSError:
                pass
    return found


@pytest.fixture
def tree(home):
    """Starts trees; what is left of one is killed at the end."""
    started = []

    def start(instance, script="sleep 600", count=3, *options):
        from support.paths import jarvis_binary
        process = subprocess.Popen(
            [str(jarvis_binary()), "debug", "children", "--instance", instance, "--count", str(count), "--script",
             script, *options], env=home.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append((process, instance))
        assert process.stdout.readline().strip() == "started"
        return process

    yield start
    for process, instance in started:
        process.kill()
        process.wait()
        for pid in tagged(instance):
            os.kill(pid, signal.SIGKILL)


def stop(process) -> list[int]:
    process.stdin.write("stop\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())["left"]


def test_stop_leaves_none(tree):
    """Also children that ignore SIGTERM, grandchildren, and daemons with a session of their own and a clean
    environment."""
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    sibling = tree(two, "exec sleep 600")
    stubborn = "trap '' TERM; sleep 601 & setsid sleep 602 & setsid -f env -i sleep 603; wait; sleep 600"
    mine = tree(one, stubborn)
    wait_until(lambda: len(members(mine)) >= 12, 10, "the tree has grown")
    everybody = members(mine)
    theirs = tagged(two)
    assert stop(mine) == []
    assert tagged(one) == [] and not any(is_alive(pid) for pid in everybody)
    assert tagged(two) == theirs and len(theirs) == 3, "the sibling's children are untouched"
    assert stop(sibling) == []


def test_a_killed_gateway_takes_its_children_along(tree):
    instance = str(uuid.uuid4())
    process = tree(instance, "exec sleep 600")
    assert len(tagged(instance)) == 3
    process.kill()
    process.wait()
    wait_until(lambda: tagged(instance) == [], 10, "the children died with it")


def test_who_is_spared_is_spared(tree):
    instance = str(uuid.uuid4())
    spared = subprocess.Popen(["sleep", "600"], env={"JARVIS_INSTANCE": instance, "PATH": "/usr/bin:/bin"})
    try:
        process = tree(instance, "sleep 600", 2, "--spare", str(spared.pid))
        assert stop(process) == []
        assert spared.poll() is None
    finally:
        spared.kill()
        spared.wait()


def members(process) -> list[int]:
    process.stdin.write("members\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())
