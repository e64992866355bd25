"""config.get, config.set, config.patch, config.apply, config.schema (interop 5.11, 8)."""

import json
import socket
import stat
import time

import pytest
from support.home import TOKEN
from support.ports import wait_until
from support.rpc import Closed, Rpc, RpcError

SENTINEL = "__JARVIS_REDACTED__"


@pytest.fixture
def it(gateway):
    return gateway()


@pytest.fixture
def client(it):
    return it.client()


def test_get(it, client):
    got = client.call("config.get")
    assert got["path"] == str(it.home.config_path())
    assert (got["exists"], got["valid"]) == (True, True)
    assert got["config"]["gateway"]["port"] == it.port
    assert len(got["hash"]) == 64
    assert got["activeHash"] == got["hash"]
    assert got["issues"] == []


def test_secrets_are_redacted_everywhere(client):
    got = client.call("config.get")
    text = json.dumps(got)
    assert TOKEN not in text
    assert "sk-scripted" not in text
    assert got["config"]["gateway"]["auth"]["token"] == SENTINEL
    assert SENTINEL in got["raw"]


def test_set_with_the_sentinel_keeps_the_secret(it, client):
    got = client.call("config.get")
    changed = got["parsed"]
    changed["ui"] = {"seamColor": "#112233"}
    answer = client.call("config.set", {"raw": json.dumps(changed), "baseHash": got["hash"]})
    assert answer["ok"] is True
    written = it.home.read_config()
    assert written["gateway"]["auth"]["token"] == TOKEN
    assert written["models"]["providers"]["test"]["apiKey"] == "sk-scripted"
    assert written["ui"]["seamColor"] == "#112233"
    assert client.chat("still talking to the model")["state"] == "final"


@pytest.mark.parametrize("method", ["config.set", "config.apply", "config.patch"])
def test_base_hash_is_required_and_checked(client, method):
    got = client.call("config.get")
    raw = json.dumps(got["parsed"])
    assert "base hash required" in client.error(method, {"raw": raw}).message
    assert "changed since last load" in client.error(method, {"raw": raw, "baseHash": "0" * 64}).message


def test_patch_merges_and_null_deletes(it, client):
    got = client.call("config.get")
    answer = client.call("config.patch", {"raw": '{"ui": {"seamColor": "#abcdef"}}', "baseHash": got["hash"]})
    assert answer["ok"] is True
    assert "restart" in answer
    got = client.call("config.get")
    assert got["config"]["ui"]["seamColor"] == "#abcdef"
    assert got["config"]["gateway"]["port"] == it.port
    client.call("config.patch", {"raw": '{"ui": null}', "baseHash": got["hash"]})
    assert "ui" not in it.home.read_config()


def test_patch_merges_lists_by_id(it, client):
    got = client.call("config.get")
    raw = json.dumps({"models": {"providers": {"test": {"models": [{"id": "echo", "contextWindow": 8192}]}}}})
    client.call("config.patch", {"raw": raw, "baseHash": got["hash"]})
    model = it.home.read_config()["models"]["providers"]["test"]["models"]
    assert len(model) == 1
    assert model[0]["contextWindow"] == 8192
    assert model[0]["name"] == "echo"


@pytest.mark.parametrize("raw", ["{", "[]", "5", '{"gateway": {"port": "high"}}', '{"gateway": {"port": 99999}}', '{"a":1,"a":2}'])
def test_invalid_config_is_refused_and_nothing_changes(it, client, raw):
    before = it.home.config_path().read_bytes()
    base = client.call("config.get")["hash"]
    error = client.error("config.set", {"raw": raw, "baseHash": base})
    assert error.code == "INVALID_REQUEST"
    assert it.home.config_path().read_bytes() == before
    assert client.chat("fine")["state"] == "final"


def test_writes_keep_mode_backups_and_journal(it, client):
    for number in range(7):
        base = client.call("config.get")["hash"]
        client.call("config.patch" if number < 3 else "config.set", {
            "raw": json.dumps({"ui": {"seamColor": f"#00000{number}"}}) if number < 3
            else json.dumps({**client.call("config.get")["parsed"], "ui": {"seamColor": f"#00000{number}"}}),
            "baseHash": base})
    state = it.state
    backups = sorted(path.name for path in state.glob("jarvis.json.bak*"))
    assert backups == ["jarvis.json.bak", "jarvis.json.bak.1", "jarvis.json.bak.2", "jarvis.json.bak.3", "jarvis.json.bak.4"]
    for path in state.rglob("*"):
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path


def test_control_plane_writes_are_limited(client):
    """Three applies and patches a minute; then the client is told when to come back."""
    for attempt in range(12):
        base = client.call("config.get")["hash"]
        try:
            client.call("config.patch", {"raw": json.dumps({"ui": {"seamColor": f"#0000{attempt:02}"}}), "baseHash": base})
        except RpcError as error:
            assert attempt >= 3
            assert error.code == "UNAVAILABLE"
            assert error.error["retryAfterMs"] > 0
            return
    pytest.skip("the limit of this protocol version is higher than twelve a minute")


def test_schema(client):
    answer = client.call("config.schema")
    assert answer["schema"]["type"] == "object"
    assert {"gateway", "agents", "models"} <= set(answer["schema"]["properties"])
    assert answer["uiHints"]["gateway.auth.token"]["sensitive"] is True
    assert answer["version"]


def test_edit_of_the_file_is_taken_up_while_running(it, client):
    config = it.home.read_config()
    config["models"]["providers"]["test"]["models"].append({"id": "second", "name": "second"})
    it.home.write_config(config)
    wait_until(lambda: "second" in str(client.call("models.list")), 10, "the new model is listed", every=0.1)
    assert client.call("health")["ok"] is True, "the connection stays"


def test_a_broken_edit_does_not_stop_the_gateway(it, client):
    it.home.write_config("{ this is not a config")
    time.sleep(1.5)
    assert client.chat("still here")["state"] == "final"
    got = client.call("config.get")
    assert got["valid"] is False
    assert got["issues"]


def test_comments_survive_a_patch(it, client):
    path = it.home.config_path()
    path.write_text("// my gateway\n" + path.read_text().replace('"port"', '/* the door */ "port"', 1))
    wait_until(lambda: "my gateway" in (client.call("config.get")["raw"] or ""), 5, "the edit is seen")
    base = client.call("config.get")["hash"]
    client.call("config.patch", {"raw": '{"ui": {"seamColor": "#123456"}}', "baseHash": base})
    text = path.read_text()
    assert text.startswith("// my gateway\n")
    assert "/* the door */" in text


def test_variables_stay_references(gateway):
    it = gateway(config={"models": {"providers": {"test": {"apiKey": "${MODEL_KEY}"}}}}, env={"MODEL_KEY": "sk-scripted"})
    client = it.client()
    assert client.chat("with a key from the environment")["state"] == "final"
    base = client.call("config.get")["hash"]
    client.call("config.patch", {"raw": '{"ui": {"seamColor": "#123456"}}', "baseHash": base})
    assert it.home.read_config()["models"]["providers"]["test"]["apiKey"] == "${MODEL_KEY}"


def test_new_token_ends_the_old_one(it, client):
    """A rotated token is refused at once, for new and for open connections alike (T17)."""
    config = it.home.read_config()
    config["gateway"]["auth"]["token"] = "a-new-token-0123456789abcdef"
    it.home.write_config(config)

    def refused():
        try:
            with Rpc(it.ws_url, token=TOKEN):
                return False
        except (RpcError, Closed, OSError):
            return True

    wait_until(refused, 15, "the old token is refused", every=0.2)
    it.start() if not it.is_running() else None
    with Rpc(it.ws_url, token="a-new-token-0123456789abcdef") as fresh:
        assert fresh.call("health")["ok"] is True


@pytest.mark.parametrize("change", ["port of a sibling", "port of a stranger", "mode", "bind"])
def test_no_restart_into_a_configuration_that_would_not_start(gateway, change):
    """The gateway goes on as it is and says why; a change back needs no hand but the owner's."""
    it = gateway(profile="one", arguments=[])
    sibling = gateway(profile="two")
    client = it.client()
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        patch = {
            "port of a sibling": {"port": sibling.port + 5}, "port of a stranger": {"port": stranger.getsockname()[1]},
            "mode": {"mode": "remote"}, "bind": {"bind": "lan", "auth": {"token": "short"}}}[change]
        if change == "bind":
            it.token = "short"
        if change in ("bind", "port of a sibling"):  # a write through the gateway would be refused; an editor asks nobody
            edited = it.home.read_config("one")
            edited["gateway"] |= patch if change != "bind" else {"bind": "lan", "auth": {"mode": "token", "token": "short"}}
            draft = it.state / "draft.json"
            draft.write_text(json.dumps(edited))
            draft.chmod(0o600)
            draft.replace(it.home.config_path("one"))  # in one step: half a file would be a change of its own
        else:
            got = client.call("config.get")
            client.call("config.patch", {"raw": json.dumps({"gateway": patch}), "baseHash": got["hash"], "restartDelayMs": 0})
        wait_until(lambda: "no restart" in it.log(), 10, "the gateway says that it does not restart")
    assert it.is_running()
    assert it.get("/readyz")[0] == 200
    assert it.client().chat("still there")["state"] == "final"
