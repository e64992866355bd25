"""Two users of one host: both default instances work, and neither looks into the other's home."""

import json
import os
import re
import secrets
import subprocess
import time

import pytest
from support import trace
from support.ports import wait_until
from support.users import User, binary_for_everyone, can_change_user

pytestmark = pytest.mark.skipif(not can_change_user(), reason="other users of this machine: needs root")


@pytest.fixture
def users():
    made = []
    try:
        for letter in "ab":
            made.append(User(f"jbb{letter}{secrets.token_hex(3)}"))
        yield made
    finally:
        for user in made:
            user.remove()


def traced(user: User, output, *arguments: str) -> list[str]:
    """The command line that runs jarvis with every path that it names written down."""
    if not trace.available():
        return [str(binary_for_everyone()), *arguments]
    return ["strace", "-f", "-qq", "-e", "trace=%file,connect,bind", "-s", "300", "-o", str(output), str(binary_for_everyone()), *arguments]


def start(user: User) -> subprocess.Popen:
    with open(user.home / "gateway.log", "wb") as log:
        return subprocess.Popen(
            traced(user, user.home / "trace", "gateway"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **user.options())


def runtime(user: User) -> dict:
    try:
        return json.loads((user.home / ".jarvis/run/gateway.json").read_text())
    except (OSError, ValueError):
        return {}


@pytest.mark.timeout(180)
def test_pain_47_two_users_have_a_default_instance_each(users):
    first, second = users
    processes = []
    try:
        for user in users:
            made = user.run("setup")
            assert made.returncode == 0, made.stderr
            processes.append(start(user))
            wait_until(lambda: runtime(user).get("port"), 30, f"{user.name} runs:\n{(user.home / 'gateway.log').read_text()}")
        ports = [runtime(user)["port"] for user in users]
        assert ports[0] != ports[1], "each has a port of its own"
        identities = [runtime(user)["instanceId"] for user in users]
        for user, other in ((first, second), (second, first)):
            told = user.run("agent", "-m", f"hello {user.name}")
            assert told.returncode == 0, told.stderr
            for words in (["instances", "--json"], ["doctor", "--all", "--json"], ["fleet", "check", "--json"], ["profile", "list", "--json"],
                          ["status", "--json"], ["which", "--json"]):
                shown = user.run(*words)
                text = shown.stdout + shown.stderr
                assert shown.stdout.strip(), (words, shown.stderr)
                assert str(other.home) not in text and identities[users.index(other)] not in text, (words, text)
            assert user.run("fleet", "check").returncode == 0
        if trace.available():
            for user, other in ((first, second), (second, first)):
                for words in (["instances"], ["doctor", "--all"], ["fleet", "check"], ["ports"], ["gateway", "status"], ["profile", "list"], ["setup"]):
                    output = user.home / f"trace-{words[0]}"
                    subprocess.run(traced(user, output, *words), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **user.options())
                    assert str(other.home) not in output.read_text(), f"{words} of {user.name} names a path of the other user"
                assert str(other.home) not in (user.home / "trace").read_text(), "the gateway names a path of the other user"
    finally:
        for user in users:
            if pid := runtime(user).get("pid"):
                os.kill(pid, 15)
        for process in processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


@pytest.mark.timeout(120)
def test_pain_47_a_port_of_another_user_is_named_as_such(users):
    """Both were set up while nobody ran: the second start ends with 78 and says what to do, and that makes it work."""
    first, second = users
    for user in users:
        assert user.run("setup").returncode == 0
    processes = [process := start(first)]
    try:
        wait_until(lambda: runtime(first).get("port"), 30, "it runs")
        port = str(runtime(first)["port"])
        if second.run("config", "get", "gateway.port").stdout.strip() != port:
            return
        refused = second.run("gateway")
        assert refused.returncode == 78 and port in refused.stderr, refused.stderr
        assert process.poll() is None
        told = re.search(r"→ jarvis (config set gateway\.port \d+)$", refused.stderr, re.M)
        assert told, refused.stderr
        moved = second.run(*told[1].split())
        assert moved.returncode == 0, moved.stderr
        processes.append(start(second))
        wait_until(lambda: runtime(second).get("port"), 30, f"it runs:\n{(second.home / 'gateway.log').read_text()}")
        assert str(runtime(second)["port"]) == told[1].split()[-1] and process.poll() is None
    finally:
        for user in users:
            if pid := runtime(user).get("pid"):
                os.kill(pid, 15)
        for process in processes:
            process.wait(15)


@pytest.mark.timeout(120)
def test_pain_47_the_other_users_gateway_is_not_ours_to_stop(users):
    """Also when a file of ours names its process, and when its socket could be reached."""
    first, second = users
    for user in users:
        assert user.run("setup").returncode == 0
    process = start(first)
    try:
        wait_until(lambda: runtime(first).get("pid"), 30, "it runs")
        theirs = runtime(first)
        own = second.home / ".jarvis"
        note = {**theirs, "instanceId": json.loads((own / "instance.json").read_text())["instanceId"], "configPath": str(own / "jarvis.json")}
        (own / "run").mkdir(exist_ok=True)
        for name in ("gateway.json", "owner.json"):
            (own / "run" / name).write_text(json.dumps(note))
        for path in [own / "run", *(own / "run").iterdir()]:
            os.chown(path, second.uid, second.gid)
        for words in (["gateway", "stop"], ["gateway", "restart"], ["gateway", "stop", "--force"], ["status"], ["instances"]):
            said = second.run(*words)
            assert 0 <= said.returncode < 128, (words, said.stderr)
            assert words == ["status"] or not re.search(rf"\b{theirs['pid']}\b", said.stdout), (words, said.stdout)
        time.sleep(0.2)
        assert process.poll() is None and runtime(first) == theirs
        # As root the kernel would allow it: the gateway's owner is still somebody else.
        said = subprocess.run(
            [str(binary_for_everyone()), "gateway", "stop"], env=second.environment(), cwd="/", stdin=subprocess.DEVNULL, capture_output=True, timeout=40)
        assert said.returncode >= 0 and process.poll() is None and runtime(first) == theirs
    finally:
        if pid := runtime(first).get("pid"):
            os.kill(pid, 15)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
