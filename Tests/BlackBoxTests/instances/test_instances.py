"""`jarvis instances`: one truthful table of all gateways of this user (pain 19)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from support.gateway import base_config
from support.home import tree
from support.paths import jarvis_binary
from support.ports import free_base_port, wait_until

DOWN, SILENT, DRIFT, BROKEN = 4, 8, 16, 32


def listing(home, *arguments, **options):
    """(exit code, instances by profile) of `jarvis instances --json`."""
    result = home.run("instances", "--json", *arguments, **options)
    assert not result.stderr, result.stderr
    document = json.loads(result.stdout)
    assert document["alarm"] == result.returncode
    return result.returncode, {instance["profile"]: instance for instance in document["instances"]}


def codes(findings):
    return {finding["code"] for finding in findings}


def test_running_and_stopped(gateway, home):
    one, two = gateway(), gateway(profile="two")
    home.write_config(base_config(free_base_port()), "three")
    code, found = listing(home)
    assert code == 0
    assert list(found) == ["default", "three", "two"], "the default instance first, then by name"
    for it, name in ((one, "default"), (two, "two")):
        instance = found[name]
        assert (instance["state"], instance["health"]) == ("running", "ok")
        assert (instance["pid"], instance["port"]) == (it.pid, it.port)
        assert instance["instanceId"] == json.loads((it.state / "instance.json").read_text())["instanceId"]
        assert instance["rssBytes"] > 1_000_000 and instance["uptimeMs"] >= 0 and instance["version"]
        assert instance["exposure"] == {
            "bind": "loopback", "hosts": instance["exposure"]["hosts"], "isExposed": False, "auth": "token", "isLive": True}
    three = found["three"]
    assert (three["state"], three["health"], three["pid"], three["version"]) == ("stopped", "off", None, None)
    table = home.run("ls").stdout.splitlines()
    assert table[0].startswith("PROFILE") and len(table) == 4
    assert str(one.pid) in table[1] and str(two.port) in table[3]


def test_creates_nothing(home):
    home.write_config(base_config(free_base_port()), "one")
    before = tree(home.root)
    assert home.run("instances").returncode == 0
    assert tree(home.root) == before


def test_none_at_all(home):
    result = home.run("instances")
    assert result.returncode == 0 and "jarvis setup" in result.stdout
    assert listing(home) == (0, {})


def test_a_wedged_gateway_is_not_answering(gateway, home):
    good, stuck = gateway(profile="good"), gateway(profile="stuck")
    os.kill(stuck.pid, signal.SIGSTOP)
    try:
        code, found = listing(home, "--timeout", "300")
    finally:
        os.kill(stuck.pid, signal.SIGCONT)
    assert code == SILENT
    assert found["stuck"]["state"] == "not-answering" and found["stuck"]["pid"] is None
    assert found["stuck"]["health"] == "unknown" and found["good"]["pid"] == good.pid
    wait_until(lambda: listing(home)[0] == 0, 10, "it is itself again")


def test_a_killed_gateway_is_down(gateway, home):
    it = gateway(profile="one")
    it.kill()
    code, found = listing(home)
    assert code == DOWN
    assert (found["one"]["state"], found["one"]["health"], found["one"]["pid"]) == ("stopped", "down", None)
    it.start()
    it.stop()
    code, found = listing(home)
    assert code == 0 and found["one"]["health"] == "off", "one that was stopped is not down"


def test_a_poisoned_runtime_file_shows_no_pid(gateway, home):
    """Another's pid, a recycled pid and a stranger's socket in run/gateway.json lead nowhere."""
    real = gateway(profile="real")
    home.write_config(base_config(free_base_port()), "fake")
    run = home.state("fake") / "run"
    run.mkdir(mode=0o700)
    note = json.loads((real.state / "run/gateway.json").read_text())
    for pid in (real.pid, os.getpid(), 1):
        (run / "gateway.json").write_text(json.dumps(note | {"pid": pid, "profile": "fake"}))
        code, found = listing(home)
        assert found["fake"]["pid"] is None and found["fake"]["state"] == "stopped"
        assert found["real"]["pid"] == real.pid
        assert str(real.pid) not in home.run("ls", "--format", "{profile} {pid}").stdout.split("fake")[1].split("\n")[0]


def test_a_stranger_on_the_control_socket_is_unproven(gateway, home):
    """Who holds the lock must be who answers: a socket that leads to another gateway proves nothing."""
    real = gateway(profile="real")
    home.write_config(base_config(free_base_port()), "fake")
    state = home.state("fake")
    (state / "run").mkdir(mode=0o700)
    shutil.copy(real.state / "instance.json", state / "instance.json")
    os.symlink(real.state / "run/control.sock", state / "run/control.sock")
    holder = subprocess.Popen(["flock", str(state), "sleep", "60"])
    try:
        wait_until(lambda: listing(home)[1]["fake"]["state"] != "stopped", 10, "the lock is held")
        code, found = listing(home)
        assert code & SILENT and code & BROKEN
        assert found["fake"]["state"] == "unproven" and found["fake"]["pid"] is None
        assert found["real"]["pid"] == real.pid
    finally:
        holder.kill()
        holder.wait()


def test_a_listener_that_says_nothing(home):
    home.write_config(base_config(free_base_port()), "mute")
    state = home.state("mute")
    (state / "run").mkdir(mode=0o700)
    holder = subprocess.Popen(["flock", str(state), "sleep", "60"])
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(state / "run/control.sock"))
            listener.listen(0)
            wait_until(lambda: listing(home, "--timeout", "200")[1]["mute"]["state"] == "not-answering", 10, "held")
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.parametrize("answer", [
    b"", b"\x00\xff" * 100, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 2_000_000,
])
def test_bad_answers_break_nothing(home, answer):
    import threading
    home.write_config(base_config(free_base_port()), "odd")
    home.write_config(base_config(free_base_port()), "fine")
    state = home.state("odd")
    (state / "run").mkdir(mode=0o700)
    holder = subprocess.Popen(["flock", str(state), "sleep", "60"])

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)
            except OSError:
                return

    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(state / "run/control.sock"))
            listener.listen(8)
            threading.Thread(target=serve, args=(listener,), daemon=True).start()
            wait_until(lambda: listing(home)[1]["odd"]["state"] != "stopped", 10, "held")
            code, found = listing(home, "--timeout", "500")
            assert code & SILENT and found["odd"]["state"] in ("not-answering", "unproven")
            assert found["odd"]["pid"] is None and found["fine"]["state"] == "stopped"
            listener.shutdown(socket.SHUT_RDWR)
    finally:
        holder.kill()
        holder.wait()


def test_broken_siblings_do_not_break_the_table(gateway, home):
    it = gateway(profile="good")
    home.write_config("{ this is no configuration", "syntax")
    home.write_config(base_config(free_base_port()), "identity")
    (home.state("identity") / "instance.json").write_text("garbage")
    os.symlink(home.root / "no-such-disk", home.state("unmounted"))
    (home.root / ".jarvis-file").write_text("a file, no directory")
    (home.root / ".jarvis-Upper").mkdir()
    code, found = listing(home)
    assert code == BROKEN
    assert set(found) == {"good", "syntax", "identity", "unmounted"}
    assert codes(found["syntax"]["problems"]) == {"config.unusable"} and found["syntax"]["port"] is None
    assert codes(found["identity"]["problems"]) == {"identity.unreadable"}
    assert found["unmounted"]["state"] == "broken"
    assert found["good"]["pid"] == it.pid


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_an_unreadable_sibling(home):
    """As a user who may not look into one of the directories."""
    home.write_config(base_config(free_base_port()), "mine")
    home.write_config(base_config(free_base_port()), "locked")
    for path in [home.root, *home.root.rglob("*")]:
        os.chown(path, 65534, 65534)
    os.chown(home.state("locked"), 0, 0)
    os.chmod(home.state("locked"), 0o700)
    result = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(jarvis_binary()), "instances", "--json"],
        env=home.environment(), cwd="/", capture_output=True, text=True, timeout=30)
    assert result.returncode == BROKEN, result.stderr
    found = {instance["profile"]: instance for instance in json.loads(result.stdout)["instances"]}
    assert found["locked"]["state"] == "broken" and found["mine"]["state"] == "stopped"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_root_sees_both_its_own_and_anothers_gateway(gateway, home):
    """Root over a directory of another user, and another user's gateway seen by root: both prove themselves."""
    mounted = gateway(profile="mounted")
    os.chown(mounted.state, 65534, 65534)
    own = gateway(profile="own", start=False, prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    for path in [home.root, home.root / "tmp", own.state, *own.state.rglob("*")]:
        os.chown(path, 65534, 65534)
    own.env = {"JARVIS_HOST_DIR": str(home.root / "host-of-nobody")}
    own.start()
    found = {i["profile"]: i for i in json.loads(home.run("instances", "--json").stdout)["instances"]}
    assert found["mounted"]["state"] == found["own"]["state"] == "running"
    assert found["mounted"]["pid"] == mounted.pid and found["own"]["pid"] == own.process.pid


def test_pipes_where_files_belong_hang_nothing(home):
    for name in ("config", "identity", "runtime"):
        home.write_config(base_config(free_base_port()), name)
        (home.state(name) / "run").mkdir(mode=0o700)
    home.config_path("config").unlink()
    for path in (home.config_path("config"), home.state("identity") / "instance.json",
                 home.state("runtime") / "run/gateway.json", home.state("runtime") / "run/control.sock"):
        os.mkfifo(path)
    code, found = listing(home, timeout=20)
    assert code == BROKEN and set(found) == {"config", "identity", "runtime"}
    assert found["runtime"]["state"] == "stopped"


def test_a_copied_state_directory_is_told(gateway, home):
    it = gateway(profile="one")
    shutil.copytree(it.state, home.state("copy"), ignore=shutil.ignore_patterns("*.sock"))
    code, found = listing(home)
    assert code & BROKEN
    assert "instance.cloned" in codes(found["one"]["problems"]) and "instance.cloned" in codes(found["copy"]["problems"])
    assert found["copy"]["pid"] is None and found["one"]["pid"] == it.pid


def test_drift(gateway, home):
    """The configured port changed while the gateway may not restart by itself."""
    it = gateway(profile="one", arguments=[], config={"gateway": {"reload": {"mode": "hot"}}})
    assert listing(home)[0] == 0
    new = free_base_port()
    assert it.cli("config", "set", "gateway.port", str(new)).returncode == 0
    wait_until(lambda: "config" in codes(listing(home)[1]["one"]["drift"]), 10, "the gateway has seen the change")
    code, found = listing(home)
    assert code == DRIFT
    assert codes(found["one"]["drift"]) == {"port", "config"} and found["one"]["port"] == it.port


def test_a_port_from_a_flag_is_no_drift(gateway, home):
    it = gateway(profile="one", arguments=None)
    it.stop()
    home.write_config(base_config(it.port + 200), "one")
    it.start()
    code, found = listing(home)
    assert code == 0 and found["one"]["portSource"] == "flag"


def test_overlap(home):
    port = free_base_port()
    home.write_config(base_config(port), "one")
    home.write_config(base_config(port + 5), "two")
    code, found = listing(home)
    assert code == DRIFT
    assert codes(found["one"]["drift"]) == codes(found["two"]["drift"]) == {"overlap"}


def test_exposure(gateway, home):
    it = gateway(profile="wide", arguments=["--port", str(free_base_port()), "--bind", "lan"], start=False)
    it.port = int(it.arguments[1])
    it.start()
    exposure = listing(home)[1]["wide"]["exposure"]
    assert (exposure["bind"], exposure["isExposed"], exposure["auth"], exposure["isLive"]) == ("lan", True, "token", True)
    assert "lan+token" in home.run("ls").stdout
    it.stop()
    planned = listing(home)[1]["wide"]["exposure"]
    assert planned["isLive"] is False and planned["bind"] == "loopback"


def test_the_control_socket_alone_tells(gateway):
    """On TCP the description does not exist, whoever asks."""
    it = gateway()
    for headers in ({}, {"Authorization": f"Bearer {it.token}"}):
        assert it.get("/__jarvis__/instance", headers=headers)[0] == 404
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(it.state / "run/control.sock"))
        connection.sendall(b"GET /__jarvis__/instance HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    document = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert document["pid"] == it.pid and document["contract"] == 1
    assert it.token.encode() not in answer


def test_format(gateway, home):
    it = gateway(profile="one")
    home.write_config(base_config(21_111), "two")
    result = home.run("ls", "--format", "{profile} {pid} {port} {{x}}")
    assert result.stdout == f"one {it.pid} {it.port} {{x}}\ntwo - 21111 {{x}}\n"
    for bad in ("{nope}", "{", "{profile", "{}"):
        result = home.run("ls", "--format", bad)
        assert result.returncode == 2 and "stateDirectory" in result.stderr and not result.stdout
    assert home.run("ls", "--format", "{profile}", "--json").returncode == 2


def test_watch_prints_one_line_a_change(gateway, home):
    it = gateway(profile="one")
    watcher = subprocess.Popen(
        [str(jarvis_binary()), "instances", "--watch", "--interval", "0.2"], env=home.environment(), cwd=home.root,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a background shell ignores it
    try:
        first = json.loads(watcher.stdout.readline())
        assert (first["event"], first["instance"]["state"]) == ("added", "running")
        it.stop()
        while (change := json.loads(watcher.stdout.readline()))["instance"]["state"] != "stopped":
            assert change["event"] == "changed"
        shutil.rmtree(home.state("one"))
        while json.loads(watcher.stdout.readline())["event"] != "removed":
            pass
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(10) in (130, -signal.SIGINT)
        assert not watcher.stderr.read()
    finally:
        watcher.kill()
        watcher.wait()


# The shape of the discovery contract, docs/reference/discovery.md. Changing a line here is a new version.
SHAPE = {
    "activeRuns": "int?", "browsers": "list", "channels": "list", "clients": "int?", "command": "str", "configPath": "str",
    "controlSocket": "str", "drift": "list", "executable": "str?", "exposure": "dict?", "health": "str",
    "instanceId": "str?", "lastError": "dict?", "lastMessageAtMs": "int?", "phase": "str?", "pid": "int?",
    "port": "int?", "portSource": "str?", "ports": "dict", "problems": "list", "profile": "str", "rssBytes": "int?",
    "services": "list", "startedAtMs": "int?", "state": "str", "stateDirectory": "str", "supervisedBy": "str?",
    "uptimeMs": "int?", "url": "str?", "version": "str?", "workspace": "str",
}


def test_the_contract_keeps_its_shape(gateway, home):
    gateway(profile="one")
    home.write_config("{ broken", "two")
    document = json.loads(home.run("instances", "--json").stdout)
    assert set(document) == {"version", "program", "alarm", "instances"} and document["version"] == 1
    for instance in document["instances"]:
        assert set(instance) == set(SHAPE)
        for name, kind in SHAPE.items():
            value = instance[name]
            assert (value is None and kind.endswith("?")) or type(value).__name__ == kind.rstrip("?"), (name, value)
        assert set(instance["ports"]) == {"gateway", "browserControl"}
        if instance["exposure"]:
            assert set(instance["exposure"]) == {"bind", "hosts", "isExposed", "auth", "isLive"}
    page = (Path(__file__).parents[3] / "docs/reference/discovery.md").read_text()
    for name in SHAPE:
        assert f"`{name}`" in page, f"docs/reference/discovery.md says nothing of {name}"


def test_a_message_is_seen(gateway, home):
    it = gateway(profile="one")
    assert listing(home)[1]["one"]["lastMessageAtMs"] is None
    before = time.time() * 1000 - 1000
    it.client().chat("hello")
    assert listing(home)[1]["one"]["lastMessageAtMs"] >= before
    it.restart()
    assert listing(home)[1]["one"]["lastMessageAtMs"] >= before, "also after a restart"


def test_a_long_state_path_is_challenged_through_its_short_socket(gateway, home):
    deep = home.root / ("d" * 90) / "state"
    env = {"JARVIS_STATE_DIR": str(deep), "XDG_RUNTIME_DIR": str(home.root / "tmp")}
    it = gateway(profile=None, env=env, write_config=False, start=False)
    deep.mkdir(parents=True, mode=0o700)
    (deep / "jarvis.json").write_text(json.dumps(base_config(it.port)))
    os.chmod(deep / "jarvis.json", 0o600)
    it.start()
    code, found = listing(home)  # registered by its start; the environment of this shell names another short place
    assert found["default"]["pid"] == it.pid and found["default"]["stateDirectory"] == str(deep)
