"""A disk that is full or broken at one call: every command says so, exits 1 and leaves the old state whole."""

import subprocess

import pytest
from profiles.conftest import leftovers, whole_tree
from support.paths import jarvis_binary

FAULTS = ["fsync:error=EIO", "renameat2:error=EIO", "mkdir:error=ENOSPC", "pwrite64:error=ENOSPC", "fdatasync:error=EIO"]


def run(home, fault, place, *arguments):
    return subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}:when={place}",
         str(jarvis_binary()), *arguments],
        env=home.environment(), cwd=home.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("arguments, new", [
    (["profile", "create", "new"], "new"), (["profile", "clone", "main", "new", "--with-sessions"], "new"),
    (["--profile", "new", "profile", "import", "main.tar"], "new"), (["profile", "rename", "main", "new"], "new"),
    (["profile", "rm", "main", "--yes"], None), (["profile", "export", "main", "out.tar"], None),
], ids=lambda value: value[-1] if isinstance(value, list) else "")
def test_one_call_fails(source, strace, arguments, new):
    assert source.run("profile", "export", "main", "main.tar").returncode == 0
    failed = 0
    for fault in FAULTS:
        for place in range(1, 9):
            before = {path: facts[3] for path, facts in whole_tree(source.state("main"), ("config", "logs", "jarvis.json")).items()
                     if ".bak" not in path and ".lock" not in path}
            result = run(source, fault, place, *arguments)
            where = (fault, place, result.stderr)
            assert result.returncode in (0, 1), where
            assert "Fatal" not in result.stderr and len(result.stderr) < 2000, where
            if result.returncode == 1:
                failed += 1
                assert result.stderr.strip(), where
                names = [name for name in ("main", "new") if source.state(name).exists()]
                assert len(names) == 1 or new and arguments[1] != "rename", where
                if names == ["main"]:
                    after = {path: facts[3] for path, facts in whole_tree(source.state("main"), ("config", "logs", "jarvis.json")).items()
                     if ".bak" not in path and ".lock" not in path}
                    assert after == before, where
                assert source.run("--profile", names[0], "config", "validate").returncode == 0, where
                assert not (source.root / "out.tar").exists(), where
                assert not leftovers(source), where
            (source.root / "out.tar").unlink(missing_ok=True)
            if arguments[1:2] == ["rm"] and not source.state("main").exists():
                assert source.run("profile", "trash", "restore", "main").returncode == 0
            elif arguments[1:2] == ["rename"] and source.state("new").exists():
                assert source.run("profile", "rename", "new", "main").returncode == 0
            elif source.state("new").exists():
                assert source.run("profile", "rm", "new", "--yes").returncode == 0
    assert failed >= 3


def test_a_home_that_makes_no_directories(home):
    result = home.run("profile", "create", "work", env={"HOME": "/proc"})
    assert result.returncode == 1 and "/proc" in result.stderr, (result.returncode, result.stderr)
