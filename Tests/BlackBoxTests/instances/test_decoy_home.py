"""The decoy home: `isolation test` runs a gateway beside full profiles of others, and names every leak."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from support import trace
from support.home import tree
from support.paths import jarvis_binary

# What each planted leak does, and where that must be found.
LEAKS = {
    1: ("modified", "~/.jarvis/exec-approvals.json"),
    2: ("opened", "~/.jarvis-other/credentials/oauth.json"),
    3: ("created", "~/.jarvis-other/workspace/notes"),
    4: ("renamed", "~/.jarvis/cron/jobs.json"),
    5: ("created", "/tmp/jarvis-shared-"),
    6: ("created", "~/.jarvis-other/run/gateway.lock"),
    7: ("permissions", "~/.jarvis-other/media"),
    8: ("created", "~/.jarvis-other/skills-link"),
    9: ("modified", "~/.jarvis/logs/gateway.log"),
    10: ("removed", "~/.jarvis-other/backups/canary.json"),
}


def probe(home, *arguments, profile="mine", **options):
    words = ["--profile", profile] if profile else []
    result = home.run(*words, "isolation", "test", "--json", *arguments, timeout=120, **options)
    assert result.stdout.strip(), result.stderr
    return result.returncode, json.loads(result.stdout)


def has_leaks() -> bool:
    """Leaks can be planted in debug builds only."""
    return subprocess.run([str(jarvis_binary()), "debug", "leak", "--help"], capture_output=True).returncode == 0


@pytest.mark.long
@pytest.mark.parametrize("profile", [None, "mine", "rescue"])
def test_a_gateway_touches_nothing_of_others(home, profile):
    def temporary(path):
        return path == home.root / "tmp"

    before = tree(home.root, skip=temporary)
    code, document = probe(home, profile=profile)
    assert document["touches"] == [] and [s for s in document["steps"] if s["exitCode"] != 0] == []
    assert code == 0 and document["ok"] is True and document["complete"] is True and document["canaries"] > 100
    commands = [step["command"][0] for step in document["steps"]]
    assert {"status", "agent", "config", "gateway", "stop"} <= set(commands)
    assert tree(home.root, skip=temporary) == before and list((home.root / "tmp").iterdir()) == [], "the probe left something behind or used the real home"


@pytest.mark.long
def test_another_home_of_its_own(home):
    """Where JARVIS_HOME counts, the home of the account is one more place to stay out of."""
    code, document = probe(home, env={"JARVIS_HOME": str(home.root / "elsewhere")})
    assert code == 0 and document["touches"] == []


@pytest.mark.long
def test_ten_planted_leaks_are_each_found_and_named(home):
    if not has_leaks():
        pytest.skip("leaks can be planted in debug builds only")
    plants = [word for number in LEAKS for word in ("--plant", str(number))]
    try:
        code, document = probe(home, *plants)
    finally:
        for left in Path("/tmp").glob("jarvis-shared-*.tmp"):
            if left.stat().st_uid == os.getuid():
                left.unlink()
    assert code == 1 and document["ok"] is False
    found = {(touch["action"], touch["path"]) for touch in document["touches"]}
    for number, (action, path) in LEAKS.items():
        assert any(a == action and p.startswith(path) for a, p in found), f"leak {number} was not found: {sorted(found)}"
    # Nothing else was reported: every other path is a temporary file of a planted leak.
    expected = [path for _, path in LEAKS.values()] + ["~/.jarvis/cron/jobs.migrated.json"]
    others = {p for _, p in found if not any(p.startswith(e) for e in expected) and "/.jarvis-tmp-" not in p}
    assert others == set()


def test_a_leak_stays_in_the_decoy_home(home):
    if not has_leaks():
        pytest.skip("leaks can be planted in debug builds only")
    result = home.run("debug", "leak", "1")
    assert result.returncode == 2 and "no decoy home" in result.stderr
    assert not (home.root / ".jarvis").exists()


def test_a_release_holds_no_leak():
    """The plants are compiled into debug builds alone."""
    source = Path(__file__).parents[3] / "Sources/JarvisCLI/Isolation/DebugLeakCommand.swift"
    lines = source.read_text().splitlines()
    assert lines[0] == "#if DEBUG" and lines[-1] == "#endif"


@pytest.mark.long
@pytest.mark.skipif(not trace.available(), reason="this machine does not let one process trace another")
def test_an_independent_witness_agrees(home):
    """strace on everything that the probe starts: no call of the gateway or of a command names a private file of a decoy."""
    output = home.root / "tmp/calls"
    command = ["strace", "-f", "-qq", "-s", "400", "-e", "trace=%file,clone,clone3,fork,vfork", "-o", str(output),
               str(jarvis_binary()), "--profile", "mine", "isolation", "test", "--json"]
    result = subprocess.run(command, env=home.environment(), capture_output=True, text=True, timeout=240)
    assert json.loads(result.stdout)["touches"] == []
    private = re.compile(r'"[^"]*/jiso-\w+/home/(?:\.jarvis(?:-other|-rescue|-main)?|jarvis|\.config/jarvis)/([^"]+)"')
    public = {"instance.json", "jarvis.json", "run", "run/gateway.json", "run/owner.json", "run/control.sock"}
    named: dict[str, set[str]] = {}
    commands = set()
    for program, call in calls_by_program(trace.read_calls(output)):
        words = re.findall(r'"([^"]*)"', program)
        # The probe fills the decoys and compares them. Setup looks whether a sibling shares something, as fleet check does.
        if "isolation" in words or "setup" in words or "jarvis" not in program:
            continue
        commands.add(words[4] if len(words) > 4 else "")
        found = {path for path in private.findall(call.text) if path not in public}
        if found:
            named.setdefault(program, set()).update(found)
    assert {"gateway", "agent", "status", "config"} <= commands
    assert named == {}


def calls_by_program(calls):
    """Each call with the command line of the program that made it: threads belong to the process that started them."""
    owner: dict[int, int] = {}
    program: dict[int, str] = {}
    for call in sorted(calls, key=lambda call: call.entered):
        process = owner.get(call.thread, call.thread)
        if call.name in ("clone", "clone3", "fork", "vfork") and call.succeeded:
            is_thread = "CLONE_THREAD" in call.text
            owner[call.result] = process if is_thread else call.result
            program.setdefault(owner[call.result], program.get(process, ""))
        if call.name == "execve" and call.succeeded:
            program[process] = call.text
        yield program.get(process, ""), call
