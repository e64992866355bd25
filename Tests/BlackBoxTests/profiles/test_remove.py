"""jarvis profile rm and trash: nothing goes that the instance did not make, and everything comes back."""

import json
import os
import pty
import subprocess
import time

import pytest
from profiles.conftest import RUNTIME, identity, whole_tree
from support.paths import jarvis_binary


def answer(home, text, *arguments):
    """Runs a command in a terminal and types `text` (None: the end of the input) at its question."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [str(jarvis_binary()), *arguments], env=home.environment(), cwd=home.root, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""
    try:
        while b"(y/n)" not in seen:
            seen += os.read(master, 4096)
        os.write(master, b"\x04" if text is None else text.encode() + b"\n")
        while True:
            part = os.read(master, 4096)
            if not part:
                break
            seen += part
    except OSError:
        pass
    finally:
        os.close(master)
    return process.wait(20), seen.decode(errors="replace")


@pytest.fixture
def two(home):
    for name in ("a", "b"):
        assert home.run("profile", "create", name).returncode == 0
    return home


def test_moves_to_the_trash_and_back(two):
    before = whole_tree(two.state("b"))
    gone = two.json("profile", "rm", "b", "--yes", "--json")
    assert not two.state("b").exists()
    assert gone["undo"].startswith("jarvis profile trash restore b-") and gone["bytes"] > 0
    listed = two.json("profile", "list", "--json")
    assert [it["profile"] for it in listed["profiles"]] == ["a"] and [it["profile"] for it in listed["trash"]] == ["b"]
    back = two.json("profile", "trash", "restore", "b", "--json")
    assert back["instance"]["profile"] == "b"
    assert whole_tree(two.state("b")) == before
    assert two.json("profile", "trash", "list", "--json")["trash"] == []


def test_asks_first(two):
    before = whole_tree(two.root, ("host",))
    result = two.run("profile", "rm", "b")
    assert result.returncode == 2 and "--yes" in result.stderr and "workspace-b" in result.stderr
    for text in ("n", "", None, "nonsense\nn"):
        code, seen = answer(two, text, "profile", "rm", "b")
        assert code == 0 and "Nothing was changed" in seen, (text, seen)
        assert whole_tree(two.root, ("host",)) == before, text
    code, seen = answer(two, "y", "profile", "rm", "b")
    assert code == 0 and not two.state("b").exists(), seen


def test_a_running_gateway_stays(gateway, home):
    it = gateway("b")
    before = whole_tree(it.state, RUNTIME)
    result = home.run("profile", "rm", "b", "--yes")
    assert result.returncode == 2 and str(it.pid) in result.stderr and "--stop" in result.stderr, result.stderr
    assert whole_tree(it.state, RUNTIME) == before and it.is_running()
    gone = home.json("profile", "rm", "b", "--yes", "--stop", "--json")
    assert it.wait() == 0 and not it.state.exists(), gone


def test_a_workspace_outside_is_left_alone(two):
    outside = two.root / "project"
    outside.mkdir()
    (outside / "mine.txt").write_text("mine\n")
    assert two.run("--profile", "b", "config", "set", "agents.defaults.workspace", str(outside)).returncode == 0
    (two.state("b") / "workspace-b/link").symlink_to(outside)
    before = whole_tree(outside)
    gone = two.json("profile", "rm", "b", "--yes", "--json")
    assert any(str(outside) in path for path in gone["leftAlone"])
    two.json("profile", "trash", "empty", "--yes", "--json")
    assert whole_tree(outside) == before


def test_what_another_gateway_uses_inside_is_not_taken_along(two):
    inside = two.state("b") / "shared"
    inside.mkdir()
    assert two.run("--profile", "a", "config", "set", "agents.defaults.workspace", str(inside)).returncode == 0
    result = two.run("profile", "rm", "b", "--yes")
    assert result.returncode == 2 and str(inside) in result.stderr and "“a”" in result.stderr, result.stderr
    assert inside.exists()


def test_the_default_gateway_must_be_spelled_out(home):
    assert home.run("setup").returncode == 0
    for arguments in (("profile", "rm", "default", "--yes"), ("profile", "rm", "--yes")):
        result = home.run(*arguments)
        assert result.returncode == 2, result.stderr
        assert home.state().exists()
    assert home.run("--profile", "default", "profile", "rm", "--yes").returncode == 0
    assert not home.state().exists()
    assert home.run("profile", "trash", "restore", "default").returncode == 0
    assert home.run("config", "validate").returncode == 0


def test_restore_never_goes_over_something(two):
    assert two.run("profile", "rm", "b", "--yes").returncode == 0
    assert two.run("profile", "create", "b").returncode == 0
    before = whole_tree(two.state("b"))
    result = two.run("profile", "trash", "restore", "b")
    assert result.returncode == 2 and "exists again" in result.stderr
    assert whole_tree(two.state("b")) == before
    assert len(two.json("profile", "trash", "list", "--json")["trash"]) == 1


def test_the_trash_is_kept_a_week(two):
    assert two.run("profile", "rm", "b", "--yes").returncode == 0
    entry = two.json("profile", "trash", "list", "--json")["trash"][0]
    assert entry["expiresAtMs"] - entry["removedAtMs"] == 7 * 24 * 3600 * 1000
    info = two.root / ".local/state/jarvis/host/trash" / entry["name"] / "info.json"
    content = json.loads(info.read_text())
    for age, stays in ((6.9, True), (-3, True), (7.1, False)):
        info.write_text(json.dumps({**content, "removedAtMs": int((time.time() - age * 86400) * 1000)}))
        assert two.run("profile", "create", f"x{stays}{age}".replace(".", "").replace("-", "").lower()).returncode == 0
        assert info.exists() == stays, age


def test_across_disks(two):
    """The trash lies on another file system: a compared copy, then the original goes."""
    other = f"/dev/shm/jarvis-test-{os.getpid()}"
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(two.root).st_dev:
        pytest.skip("there is one disk only")
    env = {"JARVIS_HOST_DIR": other}
    try:
        before = {path: facts[3] for path, facts in whole_tree(two.state("b")).items()}
        assert two.run("profile", "rm", "b", "--yes", env=env).returncode == 0
        assert not two.state("b").exists()
        back = two.run("profile", "trash", "restore", "b", env=env)
        assert back.returncode == 0, back.stderr
        assert {path: facts[3] for path, facts in whole_tree(two.state("b")).items()} == before
        assert identity(two, "b")
    finally:
        subprocess.run(["rm", "-rf", other], check=True)
