"""Ports and state directories have one owner; the loser says who it is and changes nothing (R32, R36)."""

import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from support.home import tree
from support.paths import jarvis_binary
from support.ports import accepts, wait_until

IN_USE = "another gateway instance is already listening on ws://"


def run_second(it, *arguments, env=None, profile=None):
    profile = ["--profile", profile] if profile else []
    return it.home.run(*profile, "gateway", *arguments, env={**it.env, **(env or {})}, timeout=25)


def test_second_gateway_on_the_same_state(gateway):
    it = gateway()
    it.client().chat("busy")
    time.sleep(0.3)
    before = tree(it.state)
    started = time.monotonic()
    result = run_second(it, "--port", str(it.port + 40))
    assert result.returncode == 78
    assert time.monotonic() - started < 15
    assert str(it.pid) in result.stderr
    after = tree(it.state)
    assert {path: kind[3] for path, kind in after.items() if "log" not in path} == {
        path: kind[3] for path, kind in before.items() if "log" not in path}, "the loser changed nothing"
    assert it.get("/readyz")[0] == 200


def test_second_gateway_on_the_same_port(gateway):
    first = gateway(profile="one")
    second = gateway(profile="two", port=first.port, start=False)
    second.launch()
    assert second.wait(20) == 78
    assert IN_USE + f"127.0.0.1:{first.port}" in second.log()
    assert first.get("/readyz")[0] == 200


@pytest.mark.parametrize("distance", [-19, 1, 19])
def test_ports_too_close_to_a_running_sibling(gateway, distance):
    first = gateway(profile="one")
    second = gateway(profile="two", port=first.port + distance, start=False)
    second.launch()
    assert second.wait(20) == 78
    assert "“one”" in second.log() and str(first.port) in second.log() and "20" in second.log()
    first.stop()
    second.start()


def test_least_distance_between_siblings_works(gateway):
    first = gateway(profile="one")
    gateway(profile="two", port=first.port + 20)


def test_setup_refuses_a_port_too_close_to_a_sibling(home):
    assert home.run("--profile", "one", "setup", "--port", "20500").returncode == 0
    result = home.run("--profile", "two", "setup", "--port", "20519")
    assert result.returncode == 2
    assert '"one"' in result.stderr and "20500" in result.stderr
    assert not home.state("two").exists()


def test_config_set_refuses_a_port_too_close_to_a_sibling(home):
    assert home.run("--profile", "one", "setup", "--port", "20500").returncode == 0
    assert home.run("--profile", "two", "setup", "--port", "20700").returncode == 0
    result = home.run("--profile", "two", "config", "set", "gateway.port", "20490")
    assert result.returncode == 2
    assert '"one"' in result.stderr and "20500" in result.stderr
    assert home.read_config("two")["gateway"]["port"] == 20700


def test_one_configuration_is_not_shared(gateway, home):
    first = gateway(profile="one")
    env = {"JARVIS_CONFIG_PATH": str(home.root / "shared.json")}
    (home.root / "shared.json").write_bytes(home.config_path("one").read_bytes())
    first.stop()
    first.env = env
    first.start()
    result = home.run("--profile", "two", "gateway", "--port", str(first.port + 40), env=env, timeout=25)
    assert result.returncode == 78
    assert "“one”" in result.stderr and "shared.json" in result.stderr


def test_one_workspace_is_not_shared(gateway, home):
    place = str(home.root / "work")
    gateway(profile="one", config={"agents": {"defaults": {"workspace": place}}})
    second = gateway(profile="two", config={"agents": {"defaults": {"workspace": place}}}, start=False)
    second.launch()
    assert second.wait(20) == 78
    assert "“one”" in second.log() and place in second.log()


@pytest.mark.parametrize("behaviour", ["silent", "http", "closes"])
def test_port_held_by_a_stranger(gateway, behaviour):
    """A stranger is named, not killed, and no credential is sent to it."""
    it = gateway(start=False)
    received = []
    with socket.create_server(("127.0.0.1", it.port)) as stranger:
        stop = threading.Event()

        def serve():
            stranger.settimeout(0.1)
            while not stop.is_set():
                try:
                    connection, _ = stranger.accept()
                except OSError:
                    continue
                connection.settimeout(0.5)
                try:
                    if behaviour != "closes":
                        received.append(connection.recv(65_536))
                    if behaviour == "http":
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                        connection.close()
                    elif behaviour == "closes":
                        connection.close()
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        it.launch()
        assert it.wait(20) == 78
        stop.set()
        thread.join()
    said = it.log()
    assert str(it.port) in said
    assert "in use" in said
    assert IN_USE not in said, "a stranger is not called a gateway"
    assert it.token.encode() not in b"".join(received)


@pytest.mark.parametrize("count", [2, 8])
def test_race_for_one_state_directory(gateway, home, count):
    """However many start at once, exactly one owns the state; the others exit 78."""
    it = gateway(start=False)
    processes = [
        subprocess.Popen(
            [str(jarvis_binary()), "gateway", "--port", str(it.port if n == 0 else it.port + n)], env=home.environment(),
            cwd=home.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        for n in range(count)]
    try:
        wait_until(lambda: sum(p.poll() is not None for p in processes) >= count - 1, 40, "all but one gave up", every=0.1)
        time.sleep(0.3)
        assert [p.poll() for p in processes].count(None) == 1
        assert [p.poll() for p in processes].count(78) == count - 1
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stderr.close()


def test_takeover_after_kill(gateway):
    it = gateway()
    identity = (it.state / "instance.json").read_bytes()
    it.kill()
    started = time.monotonic()
    it.start()
    assert time.monotonic() - started < 10
    assert (it.state / "instance.json").read_bytes() == identity, "the identity is permanent"


@pytest.mark.parametrize("content", [b"", b"garbage \xff\xfe", b'{"pid": 1}', b'{"pid": %d}'])
def test_stale_runtime_file_is_no_proof(gateway, content):
    """Whatever a left-over runtime file says (even the pid of a living process), the lock decides."""
    it = gateway()
    it.kill()
    if b"%d" in content:
        content = content % os.getpid()
    runtime = it.state / "run/gateway.json"
    runtime.write_bytes(content)
    it.start()
    wait_until(lambda: json.loads(runtime.read_text())["pid"] == it.pid, 5, "the file tells the new owner")


def test_runtime_file_tells_and_goes(gateway):
    it = gateway()
    runtime = it.state / "run/gateway.json"
    told = json.loads(runtime.read_text())
    assert told["pid"] == it.pid
    assert told["ports"] == {"gateway": it.port, "browserControl": it.port + 2}
    assert told["instanceId"] == json.loads((it.state / "instance.json").read_text())["instanceId"]
    assert it.token not in runtime.read_text()
    it.stop()
    assert not runtime.exists()


def test_symlinked_state_is_the_same_state(gateway, home):
    it = gateway()
    link = home.root / "alias"
    link.symlink_to(it.state)
    env = {"JARVIS_STATE_DIR": str(link), "JARVIS_CONFIG_PATH": str(home.config_path())}
    result = home.run("gateway", "--port", str(it.port + 40), env=env, timeout=25)
    assert result.returncode == 78


def test_ipv6_side_of_the_port_taken(gateway):
    it = gateway(start=False)
    try:
        stranger = socket.create_server(("::1", it.port), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with stranger:
        it.launch()
        wait_until(lambda: not it.is_running() or accepts(it.port), 15, "a decision")
        if not it.is_running():
            assert it.process.returncode == 78
            assert str(it.port) in it.log()


def test_an_agents_own_workspace_is_not_shared(gateway, home):
    """Also where it is named later than at the start: the run fails and says why."""
    place = str(home.root / "work")
    gateway(profile="one", config={"agents": {"defaults": {"workspace": place}}})
    second = gateway(profile="two", config={"agents": {"list": [{"id": "main", "default": True}, {"id": "guest", "workspace": place}]}})
    client = second.client()
    refused = client.chat("hello", "agent:guest:main")
    assert refused["state"] == "error"
    assert "“one”" in json.dumps(refused, ensure_ascii=False)
    assert client.chat("hello")["state"] == "final"


def test_the_state_directory_may_be_the_workspace(gateway, home):
    it = gateway(profile="one", config={"agents": {"defaults": {"workspace": str(home.state("one"))}}})
    assert it.client().chat("hello")["state"] == "final"
