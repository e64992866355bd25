"""What hurts in the life of a profile: copies that fight, removals that take too much, no way to move one, odd names."""

import pytest
from support.home import tree

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"


def still(home, profile):
    """A profile's files without what a running gateway writes."""
    return tree(home.state(profile), lambda path: any(
        part in ("run", "logs", "store", "config") for part in path.relative_to(home.state(profile)).parts))


def test_pain_16_a_clone_does_not_take_what_is_unique(gateway, home):
    main = gateway("main", config={"channels": {"telegram": {"enabled": False, "botToken": TOKEN, "allowFrom": ["42"]}}})
    with main.client() as client:
        client.chat("hello")
        before = still(home, "main")
        made = home.json("profile", "clone", "main", "twin", "--json")
        assert TOKEN not in home.config_path("twin").read_text()
        assert any(change["path"] == "channels.telegram.botToken" and change["sharing"] == "exclusive" for change in made["changes"])
        twin = gateway("twin", write_config=False, port=made["port"], arguments=[], token=home.read_config("twin")["gateway"]["auth"]["token"])
        check = home.json("fleet", "check", "--json")
        assert check["ok"] and len(check["instances"]) == 2
        with twin.client() as other:
            other.chat("hello twin")
        assert len(client.history()) == 2
        assert still(home, "main") == before and main.is_running()


def test_pain_46_removing_one_leaves_the_other_and_the_owner_alone(home):
    project = home.root / "project"
    project.mkdir()
    (project / "thesis.txt").write_text("years of work\n")
    for name in ("a", "b"):
        assert home.run("profile", "create", name).returncode == 0
    assert home.run("--profile", "b", "config", "set", "agents.defaults.workspace", str(project)).returncode == 0
    before = (tree(home.state("a")), tree(project))
    assert home.run("profile", "rm", "b").returncode == 2, "nobody to ask: nothing happens"
    assert home.state("b").exists()
    gone = home.json("profile", "rm", "b", "--yes", "--json")
    assert gone["undo"] and any("project" in path for path in gone["leftAlone"])
    assert home.run("profile", "trash", "empty", "--yes").returncode == 0
    assert (tree(home.state("a")), tree(project)) == before
    assert [it["profile"] for it in home.json("profile", "list", "--json")["profiles"]] == ["a"], "it does not come back"


def test_pain_50_exported_and_imported_it_answers_the_same_under_a_new_identity(gateway, home, scripted_model):
    old = gateway("old")
    with old.client() as client:
        client.chat("the word is swordfish")
        archive = home.root / "old.tar"
        assert home.run("profile", "export", "old", archive).returncode == 0
        assert b"sk-scripted" not in archive.read_bytes()
        made = home.json("--profile", "new", "profile", "import", archive, "--json")
        assert made["sessions"] == 1
        # The model's key is a secret and stayed behind; the notes say so.
        assert any("models.providers.test.apiKey" in note for note in made["notes"])
        assert home.run("--profile", "new", "config", "set", "models.providers.test.apiKey", "sk-scripted").returncode == 0
        new = gateway("new", write_config=False, port=made["port"], arguments=[], token=home.read_config("new")["gateway"]["auth"]["token"])
        with new.client() as other:
            assert [it["content"] for it in other.history()] == [it["content"] for it in client.history()]
            other.chat("and now?")
            assert len(other.history()) == 4
        ids = {it["profile"]: it["instanceId"] for it in home.json("profile", "list", "--json")["profiles"]}
        assert ids["old"] != ids["new"] and old.is_running()


@pytest.mark.parametrize("arguments", [
    ("profile", "create", "one"), ("profile", "clone", "main", "two"), ("profile", "rename", "main", "three"),
    ("profile", "rm", "main", "--yes"), ("profile", "trash", "restore", "gone"), ("profile", "export", "main", "main.tar"),
], ids=lambda arguments: arguments[1])
def test_pain_51_every_profile_command_says_target_path_live_and_undo(home, arguments):
    for name in ("main", "gone"):
        assert home.run("profile", "create", name).returncode == 0
    assert home.run("profile", "rm", "gone", "--yes").returncode == 0
    said = home.json(*arguments, "--json")
    assert said["instance"]["profile"] and said["instance"]["stateDir"].startswith(str(home.root))
    assert said["path"].startswith(str(home.root)) and said["live"] and said["undo"]


@pytest.mark.parametrize("name, suggestion", [
    ("my bot", "my-bot"), ("Bot!", "bot"), ("gateway", "gateway-2"), ("node", "node-2"), ("../up", "up"), ("x" * 65, "x" * 64), ("", "rescue"), ("ä", "rescue"),
])
def test_pain_52_a_bad_name_gets_a_good_one_suggested(home, name, suggestion):
    assert home.run("profile", "create", "main").returncode == 0
    before = tree(home.root)
    for words in (["profile", "create", name], ["profile", "clone", "main", name], ["profile", "rename", "main", name], ["profile", "rm", name],
                  ["profile", "export", name, "x.tar"]):
        result = home.run(*words)
        assert result.returncode == 2 and f"“{suggestion}”" in result.stderr, (words, result.stderr)
    assert tree(home.root) == before


def test_pain_52_a_capital_letter_is_no_other_profile(home):
    assert home.run("profile", "create", "Rescue").returncode == 0
    assert home.state("rescue").exists() and not home.state("Rescue").exists()
    again = home.run("profile", "create", "RESCUE")
    assert again.returncode == 2 and "taken" in again.stderr
    assert [it["profile"] for it in home.json("profile", "list", "--json")["profiles"]] == ["rescue"]
