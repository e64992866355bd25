"""Hosts in a bad state: whatever lies in a home, the commands that only look neither crash nor hang, and change nothing."""

import json
import os
import shutil
import socket
import subprocess
import threading

import pytest
from support.home import tree
from support.readers import READ_COMMANDS, is_clear, run, sweep
from support.users import NOBODY, binary_for_everyone, can_change_user

needs_root = pytest.mark.skipif(not can_change_user(), reason="changing the user needs root")


@pytest.fixture
def host(home):
    """A home with a default instance and `rescue`, neither running."""
    for arguments in (["setup", "--port", "20400"], ["--profile", "rescue", "setup", "--port", "20600"]):
        made = home.run(*arguments)
        assert made.returncode == 0, made.stderr
    return home


def write(path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def host_files(home):
    """The files of the host's lease store."""
    found = [path for path in (home.root / ".local/state/jarvis/host").rglob("*") if path.is_file()]
    assert found, "set-up registers the instance"
    return found


# ---- names

NAMES = ["", " ", "-", "-x", "--", "a b", "a/b", "/etc", "../x", ".", "..", "x" * 65, "ä", "Ünïcode", "a.b", "a\nb", "a\tb", "rm -rf", "gateway", "node",
         "NODE", "💥", "\u202edrow", "%s%n", "$(id)", "a;b", "*", "~", "x" * 5000, "\u0130", "ſ"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[1:20])
def test_pain_52_a_name_that_is_none_is_refused_everywhere(home, name):
    for what, result in sweep(home, profile=name, commands=("status", "which", "gateway status")).items():
        assert result.returncode == 2, (what, result.returncode, result.stderr)
        assert "%!" not in result.stderr and len(result.stderr) < 4000, what
    before = tree(home.root)
    for words in (["setup"], ["gateway", "--allow-unconfigured"], ["gateway", "install"], ["config", "set", "gateway.port", "20000"], ["agent", "-m", "x"]):
        result = run(home, words, profile=name)
        assert result.returncode == 2, (words, result.stderr)
    assert tree(home.root) == before


def test_pain_52_a_new_name_obeys_the_same_rule(host):
    before = tree(host.root)
    for name in NAMES:
        for words in (["profile", "create"], ["profile", "clone", "rescue"], ["profile", "rename", "rescue"]):
            result = run(host, [*words, "--", name])
            assert result.returncode == 2, (words, name[:20], result.stdout, result.stderr)
    assert tree(host.root) == before


@pytest.mark.parametrize("name", ["x" * 64, "a", "0", "a-b_c", "9-", "Rescue", "RESCUE", "default", "DEFAULT"])
def test_names_that_are_fine(host, name):
    result = run(host, ["which", "--json"], profile=name)
    assert result.returncode == 0, result.stderr
    state = ".jarvis" if name.lower() == "default" else f".jarvis-{name.lower()}"
    assert str(host.root / state) in result.stdout


def test_directories_that_are_no_instances(host):
    """Lie in the home beside two instances: they are neither listed as one nor do they stop anything."""
    root = host.root
    for name in (".jarvis-", ".jarvis-Rescue", ".jarvis-a b", ".jarvis-gateway", ".jarvis-default", ".jarvis-" + "x" * 65, ".jarvis-ünï", ".jarvis-a\nb",
                 ".jarvis-empty", ".jarvis.bak"):
        (root / name).mkdir()
    for name in (".jarvis-Rescue", ".jarvis-a b", ".jarvis-gateway", ".jarvis-default", ".jarvis-a\nb", ".jarvis.bak"):
        write(root / name / "jarvis.json", '{"gateway": {"mode": "local", "port": 20400}}')
    (root / ".jarvis-file").write_text("no directory")
    (root / ".jarvis-dangling").symlink_to(root / "nowhere")
    (root / ".jarvis-loop").symlink_to(root / ".jarvis-loop")
    os.mkfifo(root / ".jarvis-fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / ".jarvis-socket"))
        results = sweep(host)
    assert results["which"].returncode == 0
    assert "rescue" in results["profile list"].stdout


def test_one_state_directory_under_two_names(host):
    (host.root / ".jarvis-mirror").symlink_to(host.state("rescue"))
    sweep(host)
    sweep(host, profile="mirror")


# ---- broken siblings

def broken_configurations():
    yield "empty", b""
    yield "garbage", b"\x00\xff\xfe{{{"
    yield "half", b'{"gateway": {"mode": "local", "port"'
    yield "list", b"[]"
    yield "deep", b"[" * 200_000
    yield "huge", b'{"a": "' + b"x" * 9_000_000 + b'"}'
    yield "port text", b'{"gateway": {"port": "many"}}'
    yield "port zero", b'{"gateway": {"port": 0}}'
    yield "port negative", b'{"gateway": {"port": -1}}'
    yield "port huge", b'{"gateway": {"port": 99999999999999999999}}'
    yield "port near the end", b'{"gateway": {"mode": "local", "port": 65500}}'
    yield "port same", b'{"gateway": {"mode": "local", "port": 20400}}'
    yield "unset variable", b'{"gateway": {"auth": {"token": "${NOT_SET_ANYWHERE}"}}}'
    yield "include of itself", b'{"$include": "./jarvis.json"}'
    yield "include elsewhere", b'{"$include": "/etc/shadow"}'
    yield "workspace of the sibling", b'{"agents": {"defaults": {"workspace": "~/.jarvis/workspace"}}}'


@pytest.mark.parametrize(("kind", "content"), [pytest.param(*case, id=case[0]) for case in broken_configurations()])
def test_sibling_with_a_broken_configuration(host, kind, content):
    write(host.config_path("rescue"), content)
    results = sweep(host)
    assert results["which"].returncode == 0 and results["instances"].returncode < 128
    assert "rescue" in results["instances"].stdout, "a broken sibling is still shown"
    sweep(host, profile="rescue")


@pytest.mark.parametrize("kind", ["directory", "fifo", "socket", "dangling", "loop", "device"])
@pytest.mark.parametrize("name", ["jarvis.json", "instance.json", "run/gateway.json"])
def test_sibling_with_something_else_in_place_of_a_file(host, kind, name):
    path = host.state("rescue") / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    keep = None
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        keep = socket.socket(socket.AF_UNIX)
        keep.bind(str(path))
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to(path)
    else:
        path.symlink_to("/dev/zero")
    try:
        sweep(host)
        sweep(host, profile="rescue")
    finally:
        if keep:
            keep.close()


@pytest.mark.parametrize("content", [b"", b"garbage \xff", b"{}", b'{"instanceId": ""}', b'{"instanceId": 7}', b'{"instanceId": "../../etc"}',
                                     b'{"instanceId": "' + b"x" * 100_000 + b'"}'], ids=lambda content: ascii(content)[2:24])
def test_sibling_with_a_broken_identity(host, content):
    write(host.state("rescue") / "instance.json", content)
    sweep(host)
    sweep(host, profile="rescue")


def test_copied_state_directory(host):
    shutil.copytree(host.state("rescue"), host.state("copy"))
    results = sweep(host)
    assert results["fleet check"].returncode != 0, "one id in two directories is an overlap"
    assert "rescue" in results["fleet check"].stdout and "copy" in results["fleet check"].stdout
    sweep(host, profile="copy")


@needs_root
@pytest.mark.parametrize("mode", [0o000, 0o444])
@pytest.mark.parametrize("name", [".jarvis-rescue", ".jarvis-rescue/run", ".jarvis-rescue/jarvis.json", ".jarvis-rescue/instance.json",
                                  ".local/state/jarvis/host", ".config"])
def test_unreadable_places(host, name, mode):
    """Not even its owner may read it, as after a wrong chmod or on a disk of someone else."""
    path = host.root / name
    if name.endswith("/run") or name == ".config":
        path.mkdir(exist_ok=True)
    hand_over(host.root)
    path.chmod(mode)
    try:
        results = sweep(host, user=NOBODY, binary=binary_for_everyone())
        assert results["which"].returncode == 0, results["which"].stderr
    finally:
        path.chmod(0o700)


@needs_root
def test_sibling_of_another_owner(host):
    """root's files in the user's home, as an install by sudo leaves them."""
    hand_over(host.root)
    for path in [host.state("rescue"), *host.state("rescue").rglob("*")]:
        os.chown(path, 0, 0)
    results = sweep(host, user=NOBODY, binary=binary_for_everyone())
    assert results["which"].returncode == 0


def hand_over(root) -> None:
    os.chown(root, NOBODY, NOBODY)
    for path in root.rglob("*"):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


# ---- the lease store

@pytest.mark.parametrize("content", [b"", b"\x00" * 4096, b"garbage", b"{", b"[]", b"null", b'{"version": "x"}', b'{"version": 1, "instances": 7}',
                                     b'{"version": 999, "instances": [], "leases": [], "more": {}}', b"[" * 100_000],
                         ids=lambda content: ascii(content)[2:24])
def test_lease_store_that_cannot_be_read(host, content):
    """Looking works without it and leaves it alone; the next set-up makes a new one that knows everybody again."""
    for path in host_files(host):
        path.write_bytes(content)
    results = sweep(host)
    assert results["which"].returncode == 0
    assert "rescue" in results["instances"].stdout
    made = host.run("--profile", "third", "setup")
    assert made.returncode == 0, made.stderr
    ports = {host.read_config(profile)["gateway"]["port"] for profile in (None, "rescue", "third")}
    assert len(ports) == 3 and all(abs(a - b) >= 20 for a in ports for b in ports if a != b)


@pytest.mark.parametrize("kind", ["directory", "fifo", "dangling", "loop"])
def test_lease_store_that_is_no_file(host, kind):
    for path in host_files(host):
        path.unlink()
        if kind == "directory":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            path.symlink_to("nowhere" if kind == "dangling" else path)
    sweep(host)


def test_host_directory_that_is_a_file(host):
    folder = host.root / ".local/state/jarvis/host"
    shutil.rmtree(folder)
    folder.write_text("not a directory")
    sweep(host)
    result = host.run("--profile", "third", "setup")
    is_clear(result, "setup")
    assert result.returncode != 0 or host.config_path("third").exists()


@needs_root
def test_read_only_host_directory(host):
    folder = host.root / ".local/state/jarvis/host"
    hand_over(host.root)
    for path in folder.rglob("*"):
        path.chmod(0o500 if path.is_dir() else 0o400)
    folder.chmod(0o500)
    sweep(host, user=NOBODY, binary=binary_for_everyone())
    before = tree(host.root)
    refused = run(host, ["setup"], profile="third", user=NOBODY, binary=binary_for_everyone())
    is_clear(refused, "setup")
    if refused.returncode != 0:
        assert str(folder) in refused.stderr, refused.stderr
        assert tree(host.root) == before, "a set-up that cannot lease its ports leaves nothing"


@pytest.mark.parametrize("value", ["relative/path", "/dev/null"])
@pytest.mark.parametrize("name", ["JARVIS_HOST_DIR", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"])
def test_odd_places_for_host_files(host, name, value):
    sweep(host, env={name: value})


# ---- processes that are not ours

@pytest.fixture
def victim():
    """An innocent process; the test fails when somebody signals it."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    alive = process.poll() is None
    process.kill()
    process.wait()
    assert alive, "an innocent process was signalled"


def started_at(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[19])


def poison(state, **values) -> None:
    note = {
        "version": 1, "jarvisVersion": "0.2.0", "instanceId": json.loads((state / "instance.json").read_text())["instanceId"],
        "profile": "rescue", "configPath": str(state / "jarvis.json"), "port": 20600, "bindHost": "127.0.0.1", "ports": {"gateway": 20600},
        "startedAtMs": 1, "sinceMs": 1, **values}
    (state / "run").mkdir(mode=0o700, exist_ok=True)
    for name in ("gateway.json", "owner.json"):
        write(state / "run" / name, json.dumps(note))


LIFECYCLE = (["gateway", "stop"], ["gateway", "restart"], ["gateway", "uninstall"], ["gateway", "stop", "--force"], ["gateway", "restart", "--force"])


@pytest.mark.parametrize("knows_the_start", [False, True])
def test_pain_03_a_recycled_pid_is_left_alone(host, victim, knows_the_start):
    """A left-over file names a process that is another program by now, even with its right start time."""
    note = {"pid": victim.pid}
    if knows_the_start:
        note["processStartTime"] = started_at(victim.pid)
    poison(host.state("rescue"), **note)
    results = sweep(host)
    sweep(host, profile="rescue")
    for words in LIFECYCLE:
        is_clear(run(host, words, profile="rescue"), " ".join(words))
        assert victim.poll() is None, words
    rows = json.loads(results["instances --json"].stdout)
    assert f'"pid":{victim.pid}' not in json.dumps(rows).replace(" ", ""), "no pid is shown that was not challenged"


@pytest.mark.parametrize("values", [
    {"pid": 1}, {"pid": -1}, {"pid": 0}, {"pid": 2**31 - 1}, {"pid": 2**63}, {"pid": "1"}, {"pid": 1.5}, {"port": -1}, {"port": 10**9}, {"port": "x"},
    {"controlSocket": "/etc/passwd"}, {"controlSocket": "/dev/zero"}, {"controlSocket": "x" * 5000}, {"controlSocket": "../../x"}, {"controlSocket": ""},
    {"configPath": "/dev/zero"}, {"configPath": "x" * 5000}, {"profile": "\x1b]0;owned\x07\x1b[2J"}, {"bindHost": "169.254.169.254"},
    {"startedAtMs": -(10**18)}, {"startedAtMs": 10**18}, {"processStartTime": -5}, {"jarvisVersion": "\x1b[31mred" * 100}], ids=lambda v: ascii(v)[1:30])
def test_poisoned_runtime_file(host, values):
    poison(host.state("rescue"), **{"pid": os.getpid(), **values})
    for result in [*sweep(host, commands=("instances", "ports", "fleet check")).values(), *sweep(host, profile="rescue").values()]:
        assert "\x1b" not in result.stdout + result.stderr, "no control character reaches the terminal"


@pytest.mark.parametrize("behaviour", ["silent", "closes", "garbage", "endless", "liar"])
def test_control_socket_of_a_stranger(host, victim, behaviour):
    """Something else listens where the gateway's socket would be: it is not believed, not waited for, never signalled."""
    state = host.state("rescue")
    identity = json.loads((state / "instance.json").read_text())["instanceId"]
    paths = [state / "run/control.sock", host.root / "s"]
    (state / "run").mkdir(mode=0o700, exist_ok=True)
    stop = threading.Event()
    threads, listeners = [], []
    for path in paths:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(64)
        listener.settimeout(0.1)
        listeners.append(listener)
        threads.append(threading.Thread(target=stranger, args=(listener, behaviour, identity, victim.pid, stop), daemon=True))
        threads[-1].start()
    poison(state, pid=victim.pid, processStartTime=started_at(victim.pid), controlSocket=str(paths[1]))
    try:
        results = sweep(host)
        sweep(host, profile="rescue")
        for words in LIFECYCLE[:2]:
            is_clear(run(host, words, profile="rescue"), " ".join(words))
        assert str(victim.pid) not in results["instances"].stdout.split()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for listener in listeners:
            listener.close()


def stranger(listener, behaviour, identity, pid, stop) -> None:
    held = []
    while not stop.is_set():
        try:
            connection, _ = listener.accept()
        except OSError:
            continue
        connection.settimeout(0.5)
        try:
            if behaviour == "silent":
                held.append(connection)
                continue
            if behaviour != "closes":
                connection.recv(65_536)
            if behaviour == "garbage":
                connection.sendall(os.urandom(4096))
            elif behaviour == "endless":
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(2000):
                    connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
            elif behaviour == "liar":
                body = json.dumps({"ok": True, "instanceId": identity, "pid": pid, "profile": "rescue", "version": "0.2.0", "port": 20600}).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            connection.close()
        except OSError:
            pass
    for connection in held:
        connection.close()


@pytest.mark.parametrize("offset", [0, 2, 11])
def test_squatted_port(host, offset):
    """A program of somebody else on a port of ours: it is named in `ports`, and nothing else happens to it."""
    with socket.create_server(("127.0.0.1", 20600 + offset)) as squatter:
        results = sweep(host)
        sweep(host, profile="rescue")
        for words in LIFECYCLE[:2]:
            is_clear(run(host, words, profile="rescue"), " ".join(words))
        assert str(20600 + offset) in results["ports"].stdout
        with socket.create_connection(squatter.getsockname(), timeout=1):
            pass


# ---- home and clock

@pytest.mark.parametrize("value", ["", "relative", "/nonexistent/home", "/dev/null", "/proc", "~", "/" + "x" * 4000, "/tmp/../../.."], ids=lambda v: v[:20] or "empty")
def test_odd_homes(home, value):
    if value == "":
        pytest.skip("an empty HOME means the account's home, which tests leave alone")
    sweep(home, env={"HOME": value})


@needs_root
@pytest.mark.parametrize("user", [64_987, NOBODY], ids=["no account", "no home"])
def test_home_unset(home, user):
    """Without HOME the account decides; without an account the commands say what to set."""
    os.chown(home.root, user, user)
    for what, result in sweep(home, unset=("HOME", "TMPDIR"), user=user, binary=binary_for_everyone()).items():
        if user == 64_987:
            assert result.returncode == 2 and "HOME" in result.stderr, (what, result.returncode, result.stderr)


@needs_root
def test_read_only_home(host):
    hand_over(host.root)
    host.root.chmod(0o500)
    try:
        results = sweep(host, user=NOBODY, binary=binary_for_everyone())
        assert results["which"].returncode == 0
        refused = run(host, ["setup"], profile="third", user=NOBODY, binary=binary_for_everyone())
        assert refused.returncode in (1, 2) and str(host.root) in refused.stderr, refused.stderr
    finally:
        host.root.chmod(0o700)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
@pytest.mark.parametrize("moment", ["1999-12-31 00:00:00", "2038-01-19 04:00:00"])
def test_clock_that_went_back(gateway, moment):
    """A gateway runs, and the clock of the command differs from it by decades."""
    it = gateway(profile="one")
    for words in READ_COMMANDS.values():
        result = subprocess.run(
            ["faketime", moment, str(binary_for_everyone()), "--profile", "one", *words], env=it.home.environment(), cwd=it.home.root,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=25)
        is_clear(result, " ".join(words))
    assert it.get("/readyz")[0] == 200


def test_files_from_the_future(gateway):
    """The clock went back after a gateway started: its files are newer than now."""
    it = gateway(profile="one")
    later = 4_000_000_000
    for path in it.state.rglob("*"):
        if path.is_file():
            os.utime(path, (later, later))
    for what in sweep(it.home, skip=lambda path: path.is_relative_to(it.state)).values():
        assert "-" + "1d" not in what.stdout
    assert it.get("/readyz")[0] == 200
