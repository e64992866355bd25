"""A full disk and a read-only disk: clear answers, nothing shrinks, and it recovers (R07)."""

import os
import shutil
import subprocess
import time
import uuid

import pytest
from support.gateway import Gateway, base_config
from support.ports import wait_until
from support.rpc import Closed, RpcError


def run_quiet(*command):
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def small_disk(home):
    """A disk of eight megabytes mounted in the home."""
    place = home.root / "disk"
    place.mkdir()
    if os.geteuid() != 0 or not run_quiet("mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(place)):
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def on_disk(home, place, model_url):
    state = place / "state"
    state.mkdir(mode=0o700)
    env = {"JARVIS_STATE_DIR": str(state), "JARVIS_CONFIG_PATH": str(state / "jarvis.json")}
    gateway = Gateway(home, env=env)
    import json

    (state / "jarvis.json").write_text(json.dumps(base_config(gateway.port, model_url)))
    return gateway


def fill(place):
    path = place / "filler"
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    assert shutil.disk_usage(place).free < 8_192
    return path


@pytest.mark.long
def test_full_disk(home, small_disk, scripted_model):
    it = on_disk(home, small_disk, scripted_model.base_url).start()
    try:
        client = it.client()
        assert client.chat("while there is room")["state"] == "final"
        config = (it.state / "jarvis.json").read_bytes()
        filler = fill(small_disk)
        confirmed, refused = [], 0
        for number in range(60):
            key = str(uuid.uuid4())
            try:
                client.call("chat.send", {"sessionKey": "main", "message": f"full {number} " + "y" * 20_000, "idempotencyKey": key})
                confirmed.append((key, number))
            except RpcError as error:
                refused += 1
                assert error.code == "UNAVAILABLE", error.error
                assert error.message
            except Closed:
                pytest.fail(f"the gateway closed the connection\n{it.log()[-2000:]}")
        assert refused, "a message that cannot be kept is refused"
        assert client.call("health")["ok"] in (True, False), "reads go on"
        assert client.call("chat.history", {"sessionKey": "main"})["messages"]
        assert it.is_running()
        assert (it.state / "jarvis.json").read_bytes() == config, "no file shrinks"

        filler.unlink()

        def recovers():
            try:
                return client.chat(f"room again {time.monotonic()}", timeout=15)["state"] == "final"
            except (RpcError, Closed):
                return False

        wait_until(recovers, 30, "it works again when there is room", every=0.5)
        for key, number in confirmed:
            assert client.call("agent.wait", {"runId": key, "timeoutMs": 20_000})["status"] in ("ok", "error")
        it.restart()
        text = str(it.client().history())
        for _, number in confirmed:
            assert f"full {number} " in text, "what was confirmed is kept"
    finally:
        it.kill()


@pytest.fixture
def read_only(home):
    """A state directory with a config on a disk that then becomes read-only."""
    place = home.root / "ro"
    place.mkdir()
    mounted = os.geteuid() == 0 and run_quiet("mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(place))
    if os.geteuid() == 0 and not mounted:
        pytest.skip("mounting a disk is not allowed here")

    def lock():
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        else:
            for path in [*place.rglob("*"), place]:
                path.chmod(0o500 if path.is_dir() else 0o400)

    yield place, lock
    if mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)
    else:
        for path in [place, *place.rglob("*")]:
            path.chmod(0o700)


def test_read_only_state(home, read_only, scripted_model):
    place, lock = read_only
    it = on_disk(home, place, scripted_model.base_url)
    lock()
    it.launch()
    try:
        code = it.wait(20)
        assert code in (1, 78)
        said = it.log()
        assert str(it.state) in said
        assert any(words in said.lower() for words in ("read-only", "cannot write", "not writable", "permission"))
        assert "Fatal error" not in said
    finally:
        it.kill()


def test_read_commands_on_read_only_state(home, read_only, scripted_model):
    place, lock = read_only
    it = on_disk(home, place, scripted_model.base_url).start()
    it.client().chat("hello")
    it.stop()
    lock()
    for command in (["config", "validate"], ["config", "get", "gateway.port"], ["which"], ["status"]):
        result = it.cli(*command)
        assert "Fatal error" not in result.stderr, command
        assert result.returncode in (0, 1), command
    assert it.cli("config", "get", "gateway.port").stdout.strip() == str(it.port)
    assert it.cli("config", "set", "ui.seamColor", "#112233").returncode == 1


def test_state_that_is_a_file(home):
    home.root.joinpath(".jarvis").write_text("not a folder")
    result = home.run("gateway", "--allow-unconfigured", "--port", "29999", timeout=20)
    assert result.returncode in (1, 78)
    assert ".jarvis" in result.stderr
    assert home.root.joinpath(".jarvis").read_text() == "not a folder"
