"""SIGKILL at the n-th system call of every profile command: afterwards there is the old state or the new one, never half.

JARVIS_TEST_KILL_POINTS sets how many places per system call are tried (4); `all` tries every place.
"""

import os
import subprocess

import pytest
from profiles.conftest import identity, leftovers, whole_tree
from support.paths import jarvis_binary

PLACES = os.environ.get("JARVIS_TEST_KILL_POINTS") or "4"
CALLS = ["rename,renameat2", "mkdir", "openat", "write", "fsync", "unlink,rmdir", "flock"]


def places():
    if PLACES == "all":
        yield from range(1, 500)
        return
    first, second = 1, 2
    for _ in range(int(PLACES)):
        yield first
        first, second = second, first + second


def killed(home, call, place, *arguments):
    """Runs a command that dies at a system call; whether it did."""
    process = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={place}",
         str(jarvis_binary()), *arguments],
        env=home.environment(), cwd=home.root, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return process.returncode in (-9, 137)


def is_whole(home, profile):
    valid = home.run("--profile", profile, "config", "validate", env={"X_KEY": "stayed behind in an archive"})
    assert valid.returncode == 0, valid.stdout
    assert identity(home, profile) and (home.state(profile) / "manifest.json").exists()
    assert (home.state(profile) / "store").is_dir()
    workspace = home.read_config(profile)["agents"]["defaults"]["workspace"]
    assert os.path.exists(os.path.join(workspace, "AGENTS.md")), workspace


def sweep(home):
    """The next command takes away what a dead one has left."""
    assert home.run("profile", "create", "sweeper").returncode == 0
    assert home.run("profile", "rm", "sweeper", "--yes").returncode == 0
    assert not leftovers(home)


def storm(home, strace, before, arguments, check, reset):
    tried = 0
    for call in CALLS:
        for place in places():
            before()
            died = killed(home, call, place, *arguments)
            check(f"{call} {place}")
            reset()
            tried += died
            if not died:
                break
    sweep(home)
    print(f"{tried} kills")
    assert tried >= 10


@pytest.mark.long
@pytest.mark.timeout(0 if PLACES == "all" else 300)
@pytest.mark.parametrize("kind", ["create", "clone", "import"])
def test_a_new_one_is_whole_or_absent(source, strace, kind):
    archive = source.root / "main.tar"
    assert source.run("profile", "export", "main", archive).returncode == 0
    arguments = {
        "create": ["profile", "create", "new"], "clone": ["profile", "clone", "main", "new", "--with-sessions"],
        "import": ["--profile", "new", "profile", "import", str(archive)],
    }[kind]
    original = whole_tree(source.state("main"))

    def check(where):
        assert whole_tree(source.state("main")) == original, where
        if source.state("new").exists():
            is_whole(source, "new")

    def reset():
        if source.state("new").exists():
            assert source.run("profile", "rm", "new", "--yes").returncode == 0

    storm(source, strace, lambda: None, arguments, check, reset)


@pytest.mark.long
@pytest.mark.timeout(0 if PLACES == "all" else 300)
def test_a_rename_has_one_name(source, strace):
    id = identity(source, "main")

    def check(where):
        there = [name for name in ("main", "prime") if source.state(name).exists()]
        assert len(there) == 1, (where, there)
        assert identity(source, there[0]) == id, where
        assert source.run("--profile", there[0], "config", "validate").returncode == 0
        # A path may be relative between two steps; it means the same place.
        for workspace in (source.read_config(there[0])["agents"]["defaults"]["workspace"], "workspace-main"):
            assert (source.state(there[0]) / workspace / "notes/a.md").exists(), (where, workspace)

    def reset():
        if source.state("prime").exists():
            assert source.run("profile", "rename", "prime", "main").returncode == 0

    storm(source, strace, lambda: None, ["profile", "rename", "main", "prime"], check, reset)


@pytest.mark.long
@pytest.mark.timeout(0 if PLACES == "all" else 300)
def test_a_removal_is_complete_or_nothing(source, strace):
    content = {path: facts[3] for path, facts in whole_tree(source.state("main")).items()}

    def check(where):
        listed = source.json("profile", "list", "--json")
        names = [it["profile"] for it in listed["profiles"]] + [it["profile"] for it in listed["trash"]]
        assert names == ["main"], (where, names)

    def reset():
        if not source.state("main").exists():
            assert source.run("profile", "trash", "restore", "main").returncode == 0
        assert {path: facts[3] for path, facts in whole_tree(source.state("main")).items()} == content

    storm(source, strace, lambda: None, ["profile", "rm", "main", "--yes"], check, reset)


@pytest.mark.long
@pytest.mark.timeout(0 if PLACES == "all" else 300)
def test_an_export_is_whole_or_absent(source, strace):
    path = source.root / "out.tar"
    assert source.run("profile", "export", "main", path).returncode == 0
    whole = path.read_bytes()
    path.unlink()
    original = whole_tree(source.state("main"))

    def check(where):
        assert whole_tree(source.state("main")) == original, where
        assert not path.exists() or path.read_bytes() == whole, where

    storm(source, strace, lambda: None, ["profile", "export", "main", str(path)], check, lambda: path.unlink(missing_ok=True))
