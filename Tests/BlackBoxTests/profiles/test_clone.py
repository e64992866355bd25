"""jarvis profile clone: a twin that shares nothing that only one gateway can have."""

import json
import os
import sqlite3

import pytest
from profiles.conftest import RUNTIME, identity, leftovers, whole_tree

SECRETS = ("source-token", "AAEhBOweik6ad9r", "irc-password", "another-0123456789", "device-secret")


def texts(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_leaves_out_what_only_one_can_have(source):
    before = whole_tree(source.state("main"))
    made = source.json("profile", "clone", "main", "twin", "--json")
    changes = {change["path"]: change["sharing"] for change in made["changes"]}
    assert changes["gateway.port"] == changes["gateway.auth.token"] == changes["agents.defaults.workspace"] == "regenerate"
    for path in ("channels.telegram.botToken", "channels.irc.nick", "channels.irc.password", "logging.file", "env.vars.OTHER"):
        assert changes[path] == "exclusive", path
    config = source.read_config("twin")
    assert config["channels"]["telegram"] == {"enabled": True, "allowFrom": ["42"]}
    assert config["models"]["providers"]["x"]["apiKey"] == "${X_KEY}", "a reference stays a reference"
    assert config["env"]["vars"] == {"X_KEY": "sk-model-key-0123456789"}, "a shared setting refers to it"
    assert config["agents"]["defaults"]["workspace"] == str(source.state("twin") / "workspace-twin")
    assert config["agents"]["list"][1]["workspace"] == str(source.state("twin") / "workspace-work")
    assert (source.state("twin") / ".env").read_text() == "X_KEY=sk-from-env-0123456789\n"
    text = source.config_path("twin").read_text()
    assert "// the owner's own words" in text and "// keep me" in text
    for path, content in texts(source.state("twin")).items():
        for secret in SECRETS:
            assert secret.encode() not in content, (path, secret)
    assert not json.dumps(made).count("sk-model-key"), "the difference shows no secret"
    for name in ("run", "logs", "devices", "identity", "credentials"):
        assert not (source.state("twin") / name).exists(), name
    assert identity(source, "twin") != identity(source, "main")
    assert made["port"] != 20400 and made["live"] == "not-running" and made["undo"] == "jarvis profile rm twin"
    assert whole_tree(source.state("main")) == before, "the original is only read"
    assert not leftovers(source)


def test_copies_the_workspaces_inside(source):
    (source.state("main") / "workspace-main/outside").symlink_to("/etc")
    (source.state("main") / "workspace-main/inside").symlink_to("notes/a.md")
    made = source.json("profile", "clone", "main", "twin", "--json")
    state = source.state("twin")
    assert (state / "workspace-twin/notes/a.md").read_text() == "a note\n"
    assert (state / "workspace-work/plan.md").read_text() == "the plan\n"
    assert os.access(state / "workspace-twin/tool.sh", os.X_OK)
    assert not (state / "workspace-twin/outside").is_symlink() and any("outside" in note for note in made["notes"])
    assert (state / "workspace-twin/inside").read_text() == "a note\n"
    assert {oct(path.stat().st_mode & 0o077) for path in state.rglob("*")} == {"0o0"}


def test_an_outside_workspace_is_copied_only_when_asked(source):
    outside = source.root / "project"
    outside.mkdir()
    (outside / "code.py").write_text("print()\n")
    assert source.run("--profile", "main", "config", "set", "agents.defaults.workspace", str(outside)).returncode == 0
    source.json("profile", "clone", "main", "one", "--json")
    assert not (source.state("one") / "workspace-one/code.py").exists()
    source.json("profile", "clone", "main", "two", "--with-workspace", "--json")
    assert (source.state("two") / "workspace-two/code.py").read_text() == "print()\n"
    assert [path.name for path in outside.iterdir()] == ["code.py"]


def test_dry_run_writes_nothing(source):
    before = whole_tree(source.root)
    shown = source.json("profile", "clone", "main", "twin", "--dry-run", "--json")
    assert shown["dryRun"] and shown["changes"] and shown["next"] == "jarvis profile clone main twin"
    text = source.run("profile", "clone", "main", "twin", "--dry-run")
    assert "botToken" in text.stdout and "left out" in text.stdout and "REDACTED" not in text.stdout
    assert whole_tree(source.root) == before


@pytest.mark.parametrize("arguments, words", [
    (("main", "main"), "itself"), (("main", "other"), "taken"), (("nobody", "twin"), "nobody"), (("mian", "twin"), "main"),
    (("main", "Gateway"), "reserved"), (("main", "a b"), "a-b"), (("main", "twin", "--port", "20405"), "20400"),
])
def test_refusals(source, arguments, words):
    assert source.run("profile", "create", "other").returncode == 0
    before = whole_tree(source.root, ("host",))
    result = source.run("profile", "clone", *arguments)
    assert result.returncode == 2 and words in result.stderr, result.stderr
    assert whole_tree(source.root, ("host",)) == before
    assert not leftovers(source)


def test_variables_of_another_instance_do_not_count(source):
    env = {"JARVIS_STATE_DIR": str(source.state("main")), "JARVIS_PROFILE": "main", "JARVIS_GATEWAY_PORT": "20400",
           "JARVIS_CONFIG_PATH": str(source.config_path("main")), "JARVIS_INSTANCE_ID": identity(source, "main")}
    before = whole_tree(source.state("main"))
    made = source.json("profile", "clone", "main", "twin", "--json", env=env)
    assert made["instance"]["stateDir"] == str(source.state("twin")) and made["port"] != 20400
    assert whole_tree(source.state("main")) == before


def test_conversations_beside_a_running_gateway(gateway, home):
    it = gateway("talk")
    with it.client() as client:
        client.chat("remember the milk")
        history = [message["role"] for message in client.history()]
        before = whole_tree(it.state, RUNTIME)
        made = home.json("profile", "clone", "talk", "echo", "--with-sessions", "--json")
        assert whole_tree(it.state, RUNTIME) == before
        assert made["sessions"] == 1
        database = home.state("echo") / "store/jarvis.sqlite"
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as rows:
            for table in ("runs", "outbox", "devices"):
                assert rows.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        assert sorted(path.name for path in database.parent.iterdir() if "shm" not in path.name and "wal" not in path.name) == ["jarvis.sqlite"]
        twin = gateway("echo", write_config=False, port=made["port"], arguments=[], token=home.read_config("echo")["gateway"]["auth"]["token"])
        with twin.client() as other:
            assert [message["role"] for message in other.history()] == history
            other.chat("only here")
        assert len(client.history()) == len(history), "the original does not hear of it"


def test_conversations_of_a_stopped_gateway(gateway, home):
    it = gateway("talk")
    with it.client() as client:
        client.chat("remember the milk")
    it.kill()
    before = whole_tree(it.state)
    made = home.json("profile", "clone", "talk", "echo", "--with-sessions", "--json")
    assert made["sessions"] == 1
    assert whole_tree(it.state) == before, "not even the database's log"
