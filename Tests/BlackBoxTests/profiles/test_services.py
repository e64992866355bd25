"""Profiles that run as services of a real `systemd --user`."""

import pytest
from support.systemd import bare_user, unit_name, user  # noqa: F401  (fixtures)

pytestmark = pytest.mark.timeout(150)


def test_a_rename_takes_the_service_along(user):
    user.set_up("old")
    user.set_up("other")
    user.jarvis_json("gateway", "install", profile="other")
    user.jarvis_json("gateway", "install", profile="old")
    sibling, id = user.main_pid("other"), user.instance_id("old")
    refused = user.jarvis("profile", "rename", "old", "new")
    assert refused.returncode == 2 and "--stop" in refused.stderr and user.main_pid("old") > 0
    done = user.jarvis_json("profile", "rename", "old", "new", "--stop")
    assert done["services"] == [unit_name("new")] and done["next"].endswith("gateway start")
    assert all("linger" in note for note in done["notes"])
    assert not user.unit_path("old").exists() and id in user.unit_path("new").read_text()
    started = user.jarvis_json("gateway", "start", profile="new")
    assert started["pid"] == user.main_pid("new") and user.instance_id("new") == id
    assert user.main_pid("other") == sibling


def test_a_removal_takes_the_service_along_and_nothing_else(user):
    for name in ("a", "b"):
        user.set_up(name)
        user.jarvis_json("gateway", "install", profile=name)
    sibling = user.main_pid("a")
    before = user.unit_path("a").read_bytes()
    refused = user.jarvis("profile", "rm", "b", "--yes")
    assert refused.returncode == 2 and user.main_pid("b") > 0, refused
    gone = user.jarvis_json("profile", "rm", "b", "--yes", "--stop")
    assert gone["services"] == [unit_name("b")] and not user.unit_path("b").exists() and not user.state("b").exists()
    assert user.main_pid("a") == sibling and user.unit_path("a").read_bytes() == before
    back = user.jarvis("profile", "trash", "restore", "b")
    assert back.returncode == 0 and "gateway install" in back.stdout
    assert user.jarvis_json("gateway", "install", profile="b")["pid"] == user.main_pid("b")
