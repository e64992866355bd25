"""jarvis profile rename: another name, the same gateway."""

import pytest
from profiles.conftest import identity, leftovers, whole_tree


def test_keeps_everything(source):
    before = identity(source, "main")
    inode = source.state("main").stat().st_ino
    done = source.json("profile", "rename", "main", "prime", "--json")
    assert not source.state("main").exists() and source.state("prime").stat().st_ino == inode
    assert identity(source, "prime") == before == done["instance"]["instanceId"]
    config = source.read_config("prime")
    assert config["agents"]["defaults"]["workspace"] == str(source.state("prime") / "workspace-main")
    assert config["agents"]["list"][1]["workspace"] == str(source.state("prime") / "workspace-work")
    assert config["gateway"]["port"] == 20400
    text = source.config_path("prime").read_text()
    assert "// the owner's own words" in text and ".jarvis-main" not in text
    assert source.run(*done["undo"].split()[1:]).returncode == 0
    assert identity(source, "main") == before and not leftovers(source)


def test_serves_under_its_new_name(gateway, home):
    it = gateway("old")
    with it.client() as client:
        client.chat("hello")
    result = home.run("profile", "rename", "old", "new")
    assert result.returncode == 2 and "running" in result.stderr
    done = home.json("profile", "rename", "old", "new", "--stop", "--json")
    assert it.wait() == 0 and done["live"] == "not-running"
    renamed = gateway("new", write_config=False, port=it.port)
    with renamed.client() as client:
        assert len(client.history()) == 2


@pytest.mark.parametrize("new, words", [("main", "already"), ("other", "taken"), ("node", "reserved"), ("ä", "no profile name"), ("", "no profile name")])
def test_refusals(source, new, words):
    assert source.run("profile", "create", "other").returncode == 0
    before = whole_tree(source.root, ("host",))
    result = source.run("profile", "rename", "main", new)
    assert result.returncode == 2 and words in result.stderr, result.stderr
    assert whole_tree(source.root, ("host",)) == before


def test_a_setting_that_would_dangle_is_named(source):
    inside = source.state("main") / "own.log"
    assert source.run("--profile", "main", "config", "set", "logging.file", str(inside)).returncode == 0
    before = whole_tree(source.state("main"))
    result = source.run("profile", "rename", "main", "prime")
    assert result.returncode == 2 and "logging.file" in result.stderr and "config unset" in result.stderr
    assert whole_tree(source.state("main")) == before


def test_a_place_in_an_included_file_is_found(source):
    state = source.state("main")
    (state / "more.json5").write_text('{ agents: { defaults: { workspace: "%s/workspace-main" } } }' % state)
    source.write_config('{ $include: "./more.json5", gateway: { mode: "local", port: 20400, auth: { token: "source-token-0123456789" } } }', "main")
    assert source.run("profile", "rename", "main", "prime").returncode == 0
    assert source.read_config("prime")["agents"]["defaults"]["workspace"] == str(source.state("prime") / "workspace-main")
